#include "sim/cli/show_model.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "models/llm/counts.h"
#include "models/llm/ops.h"
#include "sim/cli/catalogue.h"
#include "sim/cli/show_phases.h"
#include "sim/core/error.h"

namespace weft::cli {
namespace {

using namespace weft::models;

double number_of(const ShowOptions& o, const std::string& name, double fallback, double least = 1) {
  const auto at = o.numbers.find(name);
  if (at == o.numbers.end()) return fallback;
  if (at->second < least || at->second > 1e12 || std::floor(at->second) != at->second) {
    throw UserError("--" + name, fmt::format("expected a whole number from {:.0f}, got {:g}", least, at->second));
  }
  return at->second;
}

std::string word_of(const ShowOptions& o, const std::string& name, const std::vector<std::string>& known, const std::string& fallback) {
  const auto at = o.words.find(name);
  if (at == o.words.end()) return fallback;
  if (std::find(known.begin(), known.end(), at->second) == known.end()) {
    throw UserError("--" + name, fmt::format("unknown word \"{}\"", at->second), unknown_name_hint(at->second, known));
  }
  return at->second;
}

reports::Table summary_table(const Llm& m) {
  const Parameters p = parameters(m);
  reports::Table t;
  t.id = "summary";
  t.title = m.title;
  t.columns = {{"figure", "what is counted"}, {"value", "the number"}, {"unit", "its unit"}};
  const auto add = [&](const char* figure, double value, const char* unit) {
    Row r;
    if (std::floor(value) == value) r.set("figure", figure).set("value", static_cast<std::int64_t>(value)).set("unit", unit);
    else r.set("figure", figure).set("value", value).set("unit", unit);
    t.rows.push_back(std::move(r));
  };
  add("parameters", p.total(), "parameters");
  add("activated, head and no input embedding", p.active(), "parameters");
  add("activated, with the input embedding", p.active_with_embedding(), "parameters");
  if (m.mtp_modules > 0) {
    add("MTP modules, what they do not share", p.mtp_unique, "parameters");
    add("MTP modules, activated, embedding and head included", p.mtp_active, "parameters");
  }
  add("cache of a token, BF16", kv_bytes_per_token(m).value(), "B");
  if (m.attention.latent) {
    add("cache of a token, FlashMLA's FP8", kv_bytes_per_token_fp8_mla(m).value(), "B");
    add("query tokens a cached token above which expanding beats absorbing", absorption_break_even(m), "tokens");
  }
  return t;
}

reports::Table parameters_table(const Llm& m) {
  reports::Table t;
  t.id = "parameters";
  t.title = "Parameters by component";
  t.columns = {{"component", "part of the model, without MTP modules"}, {"where", "how many times"}, {"total", "parameters"},
               {"active", "of them used by one token"}};
  const auto add = [&](const std::string& component, const std::string& where, double total, double active) {
    Row r;
    r.set("component", component);
    if (!where.empty()) r.set("where", where);
    r.set("total", static_cast<std::int64_t>(total)).set("active", static_cast<std::int64_t>(active));
    t.rows.push_back(std::move(r));
  };
  const Parameters p = parameters(m);
  for (const ParameterPart& part : p.parts) add(part.name, part.what, part.total, part.active);
  add("sum", "", p.total(), p.active_with_embedding());
  return t;
}

/// Operations a token by component, in the columns that the components of each have.
reports::Table flops_table(const Llm& m, double context, bool absorbed) {
  reports::Table t;
  t.id = "flops";
  t.title = fmt::format("GFLOP a token by component, {:.0f} tokens", context);
  t.columns = {{"component", "part of the model"},
               {"train_causal_GFLOP", "training, forward and backward, sequences of that length, causal attention"},
               {"train_GFLOP", "training, attention over the whole square"},
               {"prefill_GFLOP", "prompts of that length; the head works once a prompt"},
               {"decode_GFLOP", absorbed || !m.attention.latent ? "one more token that sees that many" : "one more token that sees that many, cache expanded in every step"},
               {"counted", "whether it is part of the customary sum"}};
  const std::vector<std::pair<const char*, std::vector<FlopsPart>>> columns = {
      {"train_causal_GFLOP", train_flops(m, context, true)}, {"train_GFLOP", train_flops(m, context, false)},
      {"prefill_GFLOP", prefill_flops(m, context)}, {"decode_GFLOP", decode_flops(m, context, absorbed)}};
  std::vector<std::string> names;
  for (const auto& [column, parts] : columns) {
    for (const FlopsPart& p : parts) {
      if (std::find(names.begin(), names.end(), p.name) == names.end()) names.push_back(p.name);
    }
  }
  for (const std::string& name : names) {
    Row r;
    r.set("component", name);
    bool counted = true;
    for (const auto& [column, parts] : columns) {
      for (const FlopsPart& p : parts) {
        if (p.name != name) continue;
        r.set(column, p.flops.value() / 1e9);
        counted = p.counted;
      }
    }
    t.rows.push_back(std::move(r.set("counted", counted)));
  }
  Row sum;
  sum.set("component", "sum");
  for (const auto& [column, parts] : columns) sum.set(column, sum_of(parts).value() / 1e9);
  t.rows.push_back(std::move(sum.set("counted", true)));
  return t;
}

std::string id_of(const std::string& piece) {
  std::string id = "ops_" + piece.substr(0, piece.find(" ("));
  for (char& c : id) c = c == ' ' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return id;
}

const LlmOp* named(const std::vector<LlmOp>& ops, const std::string& name) {
  for (const LlmOp& op : ops) {
    if (op.name == name) return &op;
  }
  return nullptr;
}

reports::Table ops_table(const OpBlock& b, bool training) {
  reports::Table t;
  t.id = id_of(b.name);
  t.title = fmt::format("{}, {:.0f} of them", b.name, b.layers);
  t.columns = {{"op", "matrix product or attention"}, {"m", "rows; of all groups, for heads of each"}, {"n", "columns"}, {"k", "summed over"},
               {"groups", "weights or heads"}, {"GFLOP", "operations forward"}};
  if (training) {
    t.columns.push_back({"input_gradient_GFLOP", "operations for the gradient of its input"});
    t.columns.push_back({"weight_gradient_GFLOP", "operations for the gradient of its weights"});
  }
  for (const ColumnDoc& d : std::vector<ColumnDoc>{{"weights_MB", "weights read forward; for attention in decode the cache"}, {"in_MB", "activations read forward"},
                                                   {"out_MB", "written forward"}, {"FLOP_per_B", "arithmetic intensity forward"}}) {
    t.columns.push_back(d);
  }
  double sums[4] = {0, 0, 0, 0};
  for (const LlmOp& op : b.forward) {
    Row r;
    r.set("op", op.name).set("m", op.m).set("n", op.n).set("k", op.k).set("groups", op.groups).set("GFLOP", op.flops.value() / 1e9);
    sums[0] += op.flops.value();
    if (training) {
      const LlmOp* input = named(b.input_gradient, op.name);
      const LlmOp* weight = named(b.weight_gradient, op.name);
      r.set("input_gradient_GFLOP", input ? input->flops.value() / 1e9 : 0.0).set("weight_gradient_GFLOP", weight ? weight->flops.value() / 1e9 : 0.0);
      sums[1] += input ? input->flops.value() : 0;
      sums[2] += weight ? weight->flops.value() : 0;
    }
    sums[3] += op.weights.value();
    r.set("weights_MB", op.weights.value() / 1e6).set("in_MB", op.in.value() / 1e6).set("out_MB", op.out.value() / 1e6).set("FLOP_per_B", op.intensity());
    t.rows.push_back(std::move(r));
  }
  Row total;
  total.set("op", "total").set("GFLOP", sums[0] / 1e9);
  if (training) total.set("input_gradient_GFLOP", sums[1] / 1e9).set("weight_gradient_GFLOP", sums[2] / 1e9);
  t.rows.push_back(std::move(total.set("weights_MB", sums[3] / 1e6)));
  return t;
}

reports::Table kernels_table(const std::vector<OpBlock>& blocks) {
  reports::Table t;
  t.id = "kernels";
  t.title = "Kernels that do it";
  t.columns = {{"piece", "part of the model"}, {"pass", "forward, or which gradient"}, {"op", "matrix product or attention"}, {"family", "of kernels"},
               {"variant", "data type or flavour"}, {"shape", "by the family's fields"}, {"count", "how many"}};
  for (const OpBlock& b : blocks) {
    const auto add = [&](const char* pass, const std::vector<LlmOp>& ops) {
      for (const LlmOp& op : ops) {
        Row r;
        r.set("piece", b.name).set("pass", pass).set("op", op.name).set("family", op.family).set("variant", op.variant).set("shape", to_text(kernel_call_of(op))).set("count", op.count);
        t.rows.push_back(std::move(r));
      }
    };
    add("forward", b.forward);
    add("input gradient", b.input_gradient);
    add("weight gradient", b.weight_gradient);
  }
  return t;
}

OpRequest request_of(const Llm& m, const ShowOptions& o) {
  const std::string phase = word_of(o, "phase", {"train", "prefill", "decode"}, "train");
  OpRequest q;
  q.phase = phase == "train" ? Phase::train : phase == "prefill" ? Phase::prefill : Phase::decode;
  q.context = number_of(o, "context", 4096);
  q.queries = number_of(o, "queries", 1);
  q.tokens = number_of(o, "tokens", q.phase == Phase::decode ? 128 * q.queries : q.context);
  q.ep = number_of(o, "ep", 1);
  q.redundant = number_of(o, "redundant", 0, 0);
  q.absorbed = word_of(o, "attention", {"absorbed", "expanded"}, "absorbed") == "absorbed";
  q.fp8 = word_of(o, "precision", {"fp8", "bf16"}, m.fp8 ? "fp8" : "bf16") == "fp8";
  q.fp8_cache = word_of(o, "cache", {"bf16", "fp8"}, "bf16") == "fp8";
  if (q.fp8_cache && !m.attention.latent) throw UserError("--cache", "FlashMLA's FP8 format is for latent attention", "leave the option out");
  return q;
}

}  // namespace

const std::vector<ShowOptionDoc>& model_numbers() {
  static const std::vector<ShowOptionDoc> docs = {
      {"context", "tokens of a sequence or prompt; decode: in the cache of a request (default 4096)"},
      {"tokens", "tokens of a GPU's micro-batch (default: one sequence; decode: 128 requests)"},
      {"queries", "decode: query tokens of a request in one step (default 1; 2 with a draft token)"},
      {"ep", "GPUs that share the experts of a layer (default 1)"},
      {"redundant", "copies of experts beyond one each, over those GPUs (default 0)"},
      {"sms", "SMs left to the kernel (for a model: to its phases, with --gpu); default: all"}};
  return docs;
}

const std::vector<ShowOptionDoc>& model_words() {
  static const std::vector<ShowOptionDoc> docs = {
      {"phase", "train, prefill or decode: adds the ops of each piece with shapes, bytes and kernels"},
      {"precision", "fp8 or bf16 GEMMs (default: as the model is published)"},
      {"attention", "absorbed or expanded decode of latent attention (default absorbed)"},
      {"cache", "bf16 or fp8 (default bf16)"},
      {"gpu", "the GPU (weft list hardware); default for a kernel: h800; for a model with --phase: adds how long its phases take, with their kernels"},
      {"calibration", "before the shipped ones: a name or a file"},
      {"force", "yes: take a calibration of another GPU"}};
  return docs;
}

reports::Listing show_model(const DataPlaces& data, const std::string& name, const ShowOptions& options) {
  const Llm m = llm_named(name, data, "NAME");
  const OpRequest q = request_of(m, options);
  const bool with_ops = options.words.contains("phase");
  for (const char* needs : {"tokens", "queries", "ep", "redundant"}) {
    if (!with_ops && options.numbers.contains(needs)) throw UserError(fmt::format("--{}", needs), "says something about ops", "add --phase train, prefill or decode");
  }
  const bool with_phases = with_ops && options.words.contains("gpu");
  for (const char* needs : {"sms", "gpu", "calibration", "force"}) {
    if (!with_phases && (options.numbers.contains(needs) || options.words.contains(needs))) {
      throw UserError(fmt::format("--{}", needs), "says something about phases", "take --phase with --gpu");
    }
  }
  reports::Listing out;
  out.tables = {summary_table(m), parameters_table(m), flops_table(m, q.context, q.absorbed)};
  if (with_ops) {
    const std::vector<OpBlock> blocks = ops_of(m, q);
    for (const OpBlock& b : blocks) out.tables.push_back(ops_table(b, q.phase == Phase::train));
    out.tables.push_back(kernels_table(blocks));
  }
  out.tables.push_back(constants_table(constants_of(m)));
  out.notes = {"Source: " + m.source};
  if (m.mtp_modules > 0 || m.moe_layers > 0) out.notes.push_back("The sum leaves out the router and MTP modules, as Tables 2 and 4 of arXiv:2505.09343 do.");
  if (with_ops) {
    out.notes.push_back("Ops are matrix products and attention; norms, casts and activations between them are not listed, nor are the weights' scales among the bytes.");
    if (m.attention.window > 0) out.notes.push_back("Ops are those of a layer with the sliding window.");
  }
  if (with_phases) add_phases(out, data, m, q, options);
  for (const std::string& n : m.notes) out.notes.push_back(n);
  return out;
}

}  // namespace weft::cli

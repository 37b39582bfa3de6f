#include "workloads/training/layout_reading.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft::workloads::training {
namespace {

constexpr std::int64_t kMost = 1'000'000;

std::uint32_t count(Parameters& p, const char* key, std::int64_t fallback, std::int64_t most = kMost) {
  return static_cast<std::uint32_t>(p.integer(key, fallback, 1, most));
}

/// A count that may be left out: then 0, and nothing is resolved.
std::uint32_t optional_count(Parameters& p, const char* key) {
  return p.where().has(key) ? count(p, key, 1, 4'000'000'000) : 0;
}

Format format_of(const std::string& word) {
  for (const Format f : {Format::fp8, Format::bf16, Format::fp32}) {
    if (to_text(f) == word) return f;
  }
  return Format::none;
}

StageContent read_stage(JsonReader r) {
  StageContent s;
  if (!r.expect_object("what a stage holds, such as {\"moe_layers\": 4}")) return s;
  const auto number = [&](const char* key) { return static_cast<std::uint32_t>(r.integer_or(key, 0, 0, kMost)); };
  s.embedding = r.boolean_or("embedding", false);
  s.dense_layers = number("dense_layers");
  s.moe_layers = number("moe_layers");
  s.mtp_modules = number("mtp_modules");
  s.heads = number("heads");
  r.done();
  return s;
}

Json json_of(const StageContent& s) {
  Json j = Json::object();
  if (s.embedding) j["embedding"] = true;
  const auto number = [&](const char* key, std::uint32_t n) { if (n > 0) j[key] = n; };
  number("dense_layers", s.dense_layers);
  number("moe_layers", s.moe_layers);
  number("mtp_modules", s.mtp_modules);
  number("heads", s.heads);
  return j;
}

/// "auto" or a list with one entry a stage.
std::vector<StageContent> read_stages(Parameters& p, const models::Llm& m, std::uint32_t due) {
  std::vector<StageContent> stages;
  JsonReader& where = p.where();
  const bool listed = where.has("stages") && where.at("stages").is_array();
  if (listed) {
    for (const JsonReader& item : where.at("stages").items()) stages.push_back(read_stage(item));
    if (stages.size() != due) {
      where.fail_at("stages", fmt::format("{} stages, but the pipeline has {}", stages.size(), due), "one entry a stage, or \"auto\"");
      return {};
    }
  } else {
    if (where.has("stages") && where.at("stages").value() != "auto") {
      where.fail_at("stages", "expected \"auto\" or a list with an object a stage", "such as [{\"embedding\": true, \"moe_layers\": 4}, ...]");
      return {};
    }
    if (due > m.layers) {
      where.fail_at("pp", fmt::format("{} stages are more than the {:.0f} layers of {}", due, m.layers, m.name), "each stage needs a layer");
      return {};
    }
    stages = spread_evenly(m, due);
  }
  Json list = Json::array();
  for (const StageContent& s : stages) list.push_back(json_of(s));
  p.remember("stages", std::move(list));
  return stages;
}

void read_optimizer(Parameters& p, const models::Llm& m, Layout& l) {
  static const Json empty = Json::object();
  JsonReader& where = p.where();
  JsonReader r = where.has("optimizer") ? where.at("optimizer") : JsonReader(empty, where.file(), where.problems(), where.pointer() + "/optimizer");
  if (!r.expect_object("the optimiser's formats, such as {\"master\": \"fp32\", \"moments\": \"bf16\"}")) return;
  const std::string master = r.one_of("master", {"fp32", "none"}, "fp32");
  const std::string moments = r.one_of("moments", {"bf16", "fp32"}, m.fp8 ? "bf16" : "fp32");
  const std::string over = r.one_of("over", {"copies", "dp"}, "copies");
  r.done();
  l.master = format_of(master), l.moments = format_of(moments), l.shard_over_mirrors = over == "copies";
  p.remember("optimizer", {{"master", master}, {"moments", moments}, {"over", over}});
}

}  // namespace

Layout read_layout(Parameters& p, const models::Llm& m, const PipelineShape& shape) {
  Layout l;
  const std::size_t before = p.where().problems().list().size();
  l.pp = count(p, "pp", 1);
  l.ep = count(p, "ep", 1);
  l.tp = count(p, "tp", 1);
  l.dp = optional_count(p, "dp");
  l.sequence_parallel = p.boolean("sequence_parallel", false);
  l.zero = static_cast<std::uint32_t>(p.integer("zero", 1, 0, 3));
  l.sequence = count(p, "sequence", 4096, 1'000'000'000);
  l.sequences_per_micro_batch = count(p, "micro_batch", 1);
  l.global_batch = optional_count(p, "global_batch");
  l.micro_batches = optional_count(p, "micro_batches");
  if (l.global_batch == 0 && l.micro_batches == 0) l.micro_batches = count(p, "micro_batches", 4 * static_cast<std::int64_t>(l.pp), 4 * kMost);
  const std::string recompute = p.word("recompute", {"none", "selective", "full"}, "selective");
  l.recompute = recompute == "none" ? Recompute::none : recompute == "full" ? Recompute::full : Recompute::selective;
  l.storage = p.activation_storage("activations", m.fp8 ? "deepseek_v3" : "bf16");
  l.weights = format_of(p.word("weights", {"bf16", "fp8"}, "bf16"));
  l.gradients = format_of(p.word("gradients", {"fp32", "bf16"}, "fp32"));
  read_optimizer(p, m, l);
  const bool sound = p.where().problems().list().size() == before && m.layers >= 1;
  if (!sound) {
    p.where().has("stages");   // a known key all the same
    return l;
  }
  l.stages = read_stages(p, m, stage_count(shape.arrangement, l.pp, shape.stages_per_rank));
  if (p.where().problems().list().size() != before) return l;
  l.stages_of_rank = stages_of_ranks(shape.arrangement, l.pp, shape.stages_per_rank);
  check_layout(l, m, [&](const std::string& key, const std::string& message, const std::string& hint) { p.where().fail_at(key, message, hint); });
  return l;
}

void resolve_completed(Parameters& p, const Layout& l) {
  p.remember("dp", l.dp);
  p.remember("micro_batches", l.micro_batches);
  p.remember("global_batch", l.global_batch);
}

std::vector<ColumnDoc> layout_parameter_docs() {
  return {{"pp", "pipeline ranks; default 1"},
          {"ep", "GPUs that share the experts of a layer, in a row within one pipeline rank; default 1"},
          {"dp", "data-parallel ranks of a pipeline stage; default: GPUs / (pp tp)"},
          {"tp", "tensor-parallel GPUs of a data-parallel rank; experts stay whole; default 1"},
          {"sequence_parallel", "norms and residuals are spread over the tp GPUs too; default false; due with experts beside tp"},
          {"zero", "ZeRO stage: 0; 1 spreads the optimiser over the copies of the weights (default), 2 gradients too, 3 weights too"},
          {"sequence", "tokens of a sequence; default 4096"},
          {"micro_batch", "sequences of a micro-batch; default 1"},
          {"micro_batches", "micro-batches of a data-parallel rank in a step; default 4 pp"},
          {"global_batch", "sequences of a step, in place of micro_batches"},
          {"recompute", "none, selective (default: norms, up-projections of latent attention, outputs of SwiGLU) or full (layers from their input)"},
          {"activations", "bytes of what is kept: \"deepseek_v3\" (default for models in FP8), \"bf16\", a path or an object"},
          {"stages", "\"auto\" (default): layers, MTP modules, heads and the embedding count as one each and are spread evenly; or a list with an "
                     "object a stage: embedding, dense_layers, moe_layers, mtp_modules, heads"},
          {"weights", "bf16 (default) or fp8 (matrices of the layers alone)"},
          {"gradients", "fp32 (default) or bf16"},
          {"optimizer", "{\"master\": fp32 or none, \"moments\": bf16 (default for models in FP8) or fp32, \"over\": \"copies\" (default) or \"dp\": whether "
                        "ZeRO spreads over copies on the mirrored rank of DualPipe}"}};
}

}  // namespace weft::workloads::training

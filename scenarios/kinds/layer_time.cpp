// How long the kernels of one layer of a language model take, one after the other, on one GPU.
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/llm/ops.h"
#include "scenarios/analysis_kind.h"
#include "scenarios/kinds/kernel_reading.h"

namespace weft::scenarios {
namespace {

using models::KernelCall;
using models::LlmOp;
using models::OpRequest;
using models::Phase;

/// An op with what its kernel is called with.
struct TimedOp {
  std::string layer, pass;
  LlmOp op;
  KernelCall call;
};

class LayerTimeAnalysis final : public Analysis {
 public:
  LayerTimeAnalysis(std::shared_ptr<const models::CostModel> model, models::Llm llm, std::vector<TimedOp> ops, Json resolved)
      : model_(std::move(model)), llm_(std::move(llm)), ops_(std::move(ops)), resolved_(std::move(resolved)) {}

  std::vector<Row> rows(const Cluster&) const override {
    std::vector<Row> rows;
    for (std::size_t from = 0; from < ops_.size();) {
      std::size_t to = from;
      while (to < ops_.size() && ops_[to].layer == ops_[from].layer) ++to;
      add_layer(from, to, rows);
      from = to;
    }
    return rows;
  }

  std::vector<std::string> notes(const Cluster&) const override {
    std::vector<std::string> notes = {
        "a total is the sum of its kernels run one after the other, each alone on its SMs: nothing overlaps, and norms, casts, activations and communication are not among them"};
    for (const std::string& n : llm_.notes) notes.push_back("model " + llm_.name + ": " + n);
    return notes;
  }

  std::vector<ConstantUsed> constants(const Cluster&) const override {
    std::vector<ConstantUsed> all = models::constants_of(model_->gpu());
    for (ConstantUsed& c : models::constants_of(llm_)) all.push_back(std::move(c));
    for (ConstantUsed& c : models::constants_of(*model_, calls())) all.push_back(std::move(c));
    return all;
  }

  Json resolved() const override { return resolved_; }
  const models::CostModel* cost_model() const override { return model_.get(); }
  std::vector<std::string> warnings() const override { return models::warnings_on(*model_, calls()); }

 private:
  std::vector<KernelCall> calls() const {
    std::vector<KernelCall> all;
    for (const TimedOp& o : ops_) all.push_back(o.call);
    return all;
  }

  /// Rows of ops [from, to), a total of each pass and one of all.
  void add_layer(std::size_t from, std::size_t to, std::vector<Row>& rows) const {
    std::vector<std::pair<std::string, std::pair<double, double>>> passes;   // time and roofline, us
    double all_us = 0, all_roofline_us = 0;
    std::vector<models::KernelTime> times;
    for (std::size_t i = from; i < to; ++i) {
      const models::KernelTime t = model_->time(ops_[i].call);
      const double us = ops_[i].op.count * t.time.value() * 1e6, roofline_us = ops_[i].op.count * t.roofline.value() * 1e6;
      if (passes.empty() || passes.back().first != ops_[i].pass) passes.push_back({ops_[i].pass, {0, 0}});
      passes.back().second.first += us;
      passes.back().second.second += roofline_us;
      all_us += us;
      all_roofline_us += roofline_us;
      times.push_back(t);
    }
    for (std::size_t i = from; i < to; ++i) rows.push_back(row_of(ops_[i], times[i - from], all_us));
    const auto add_total = [&](const std::string& pass, double us, double roofline_us) {
      Row r;
      r.set("model", llm_.name).set("layer", ops_[from].layer).set("pass", pass).set("op", "total").set("kernel", "sum, nothing overlaps");
      r.set("time_us", us).set("roofline_us", roofline_us).set("share_pct", 100 * us / all_us);
      rows.push_back(std::move(r));
    };
    for (const auto& [pass, sums] : passes) add_total(pass, sums.first, sums.second);
    if (passes.size() > 1) add_total("all", all_us, all_roofline_us);
  }

  Row row_of(const TimedOp& o, const models::KernelTime& t, double all_us) const {
    Row r;
    const double us = o.op.count * t.time.value() * 1e6;
    r.set("model", llm_.name).set("layer", o.layer).set("pass", o.pass).set("op", o.op.name);
    r.set("kernel", fmt::format("{}/{} {}", o.call.family->name, o.call.variant, models::to_text(o.call)));
    if (o.op.count != 1) r.set("kernels", static_cast<std::int64_t>(o.op.count));
    r.set("time_us", us).set("roofline_us", o.op.count * t.roofline.value() * 1e6).set("share_pct", 100 * us / all_us);
    if (o.op.flops.value() > 0) r.set("tflops", o.op.flops.value() / us / 1e6);
    add_reasons(r, t);
    return r;
  }

  std::shared_ptr<const models::CostModel> model_;
  models::Llm llm_;
  std::vector<TimedOp> ops_;
  Json resolved_;
};

/// Calls of the ops of the model's layers, with `sms` left to each kernel that can do with fewer.
std::vector<TimedOp> timed_ops(const models::Llm& llm, const OpRequest& request, double sms) {
  std::vector<TimedOp> out;
  for (const models::OpBlock& block : models::ops_of(llm, request)) {
    if (!block.name.ends_with(" layer")) continue;
    const auto add = [&](const char* pass, const std::vector<LlmOp>& ops) {
      for (LlmOp op : ops) {
        const auto& fields = models::kernel_family(op.family, op.name).fields;
        const bool has_sms = std::any_of(fields.begin(), fields.end(), [](const models::ShapeField& f) { return f.name == "sms"; });
        if (sms > 0 && has_sms) op.shape["sms"] = sms;
        KernelCall call = models::kernel_call_of(op);
        out.push_back({block.name, pass, std::move(op), std::move(call)});
      }
    };
    add("forward", block.forward);
    add("input_gradient", block.input_gradient);
    add("weight_gradient", block.weight_gradient);
  }
  return out;
}

OpRequest read_request(JsonReader& where, const models::Llm& llm) {
  OpRequest q;
  const std::string phase = where.one_of("phase", {"train", "prefill", "decode"}, "train");
  q.phase = phase == "train" ? Phase::train : phase == "prefill" ? Phase::prefill : Phase::decode;
  q.context = static_cast<double>(where.integer_or("context", 4096, 1, 1'000'000'000));
  q.queries = static_cast<double>(where.integer_or("queries", 1, 1, 1'000'000));
  const auto usual = static_cast<std::int64_t>(q.phase == Phase::decode ? 128 * q.queries : q.context);   // as weft show model takes it
  q.tokens = static_cast<double>(where.integer_or("tokens", usual, 1, 1'000'000'000));
  q.ep = static_cast<double>(where.integer_or("ep", 1, 1, 1'000'000));
  q.redundant = static_cast<double>(where.integer_or("redundant", 0, 0, 1'000'000));
  q.absorbed = where.boolean_or("absorbed", true);
  q.fused = where.boolean_or("fused", false);
  q.fp8 = where.boolean_or("fp8", llm.fp8);
  q.fp8_cache = where.boolean_or("fp8_cache", false);
  return q;
}

/// The options that ops_of names are keys here.
void fail_with(JsonReader& where, const UserError& e) {
  for (const Problem& p : e.problems()) {
    std::string hint = p.hint;
    if (hint.starts_with("--")) hint = "\"" + hint.substr(2, hint.find(' ') - 2) + "\"" + hint.substr(hint.find(' '));
    if (p.place.starts_with("--")) where.fail_at(p.place.substr(2), p.message, hint);
    else where.fail(p.place + ": " + p.message, hint);
  }
}

std::unique_ptr<Analysis> read_layer_time(JsonReader& where, const AnalysisContext& context) {
  const std::size_t before = where.problems().list().size();
  const models::Gpu gpu = models::read_gpu(where.at("gpu"), context.data);
  models::Llm llm = models::read_llm(where.at("model"), context.data);
  const OpRequest request = read_request(where, llm);
  const double sms = static_cast<double>(where.integer_or("sms", 0, 0, 1'000'000));
  const KernelChoice choice = models::read_kernel_choice(where);
  if (where.problems().list().size() != before) return nullptr;
  if (sms > gpu.sms.value) {
    where.fail_at("sms", fmt::format("the {} has {:.0f} SMs, not {:.0f}", gpu.name, gpu.sms.value, sms), "0 is all of them");
    return nullptr;
  }
  std::vector<TimedOp> ops;
  try {
    ops = timed_ops(llm, request, sms);
  } catch (const UserError& e) {
    fail_with(where, e);
    return nullptr;
  }
  for (const TimedOp& o : ops) {
    const std::string what = lacking(o.call, gpu);
    if (what.empty()) continue;
    where.fail_at("fp8", what, "\"fp8\": false takes BF16");
    return nullptr;
  }
  const auto model = context.model(gpu, choice, where.pointer() + "/calibration");
  static const char* const kPhases[] = {"train", "prefill", "decode"};
  Json resolved = {{"gpu", gpu.name}, {"model", llm.name}, {"phase", kPhases[static_cast<int>(request.phase)]}, {"tokens", request.tokens},
                   {"context", request.context}, {"queries", request.queries}, {"ep", request.ep}, {"redundant", request.redundant},
                   {"absorbed", request.absorbed}, {"fused", request.fused}, {"fp8", request.fp8}, {"fp8_cache", request.fp8_cache}, {"sms", sms},
                   {"cost_model", models::to_text(model->wanted())}};
  return std::make_unique<LayerTimeAnalysis>(model, std::move(llm), std::move(ops), std::move(resolved));
}

}  // namespace

AnalysisKind analysis_layer_time() {
  AnalysisKind k;
  k.name = "layer_time";
  k.title = "Kernel times of a layer";
  k.summary = "One row a matrix product or attention of a dense and of an MoE layer as one GPU of the model's EP group works on it, by the cost model "
              "of the run. Totals are sums: nothing overlaps. In training the passes are forward, gradients of the inputs, and gradients of the weights.";
  k.uses_cluster = false;
  k.found_by = "times of the cost model";
  k.parameters = {{"gpu", "a name (weft list hardware), a path or an object"},
                  {"model", "a name (weft list models), a path to a config.json or an object"},
                  {"phase", "train, prefill or decode"},
                  {"tokens", "tokens of the micro-batch on this GPU; decode: requests times queries (default: one sequence; decode: 128 requests)"},
                  {"context", "tokens of a sequence; decode: tokens in the cache of a request"},
                  {"queries", "decode: query tokens of a request in one step"},
                  {"ep", "GPUs that share the experts of a layer"},
                  {"redundant", "copies of experts beyond one each, over those GPUs"},
                  {"absorbed", "decode with latent attention: queries meet the latent vectors themselves"},
                  {"fused", "the two first products of latent attention as one (as in decode always)"},
                  {"fp8", "matrix products in FP8 with block scales, else BF16; default: as the model's weights are"},
                  {"fp8_cache", "decode: the cache in FlashMLA's FP8 format"},
                  {"sms", "SMs left to the kernels; 0: all"},
                  {"cost_model", "roofline, fitted or measured, for this workload; default: that of the run"},
                  {"calibration", "a calibration, or a list of them, that wins over those of the run in this workload"}};
  k.label_columns = {{"model", "the language model"}, {"layer", "dense or with experts"}, {"pass", "forward, input_gradient, weight_gradient; all: their sum"},
                     {"op", "matrix product or attention; total: all of the pass"}};
  k.columns = {{"kernel", "kernel family, variant and shape"},
               {"kernels", "how many of that shape the op takes (shown when more than one)", true},
               {"time_us", "how long the op takes, all its kernels one after the other"},
               {"roofline_us", "the same at the peaks of the hardware"},
               {"share_pct", "part of the layer's sum over all passes"},
               {"tflops", "operations of the op over its time"}};
  for (const ColumnDoc& d : reason_columns()) k.columns.push_back(d);
  k.read = read_layer_time;
  return k;
}

}  // namespace weft::scenarios

// What each pipeline rank of a training layout holds in memory, whether it fits, and what its gradients cost to synchronise.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/gpu.h"
#include "scenarios/analysis_kind.h"
#include "workloads/training/activations.h"
#include "workloads/training/layout_reading.h"
#include "workloads/training/live_chunks.h"
#include "workloads/training/memory.h"
#include "workloads/training/shares.h"

namespace weft::scenarios {
namespace {

using namespace workloads::training;

struct MemoryQuestion {
  models::Gpu gpu;
  models::Llm model;
  const ScheduleKind* schedule = nullptr;
  Layout layout;
  LiveChunks live;
  bool peak_given = false;   ///< by the user
  std::vector<ConstantUsed> constants;
  Json resolved;
};

double giga(Bytes b) { return b.value() * 1e-9; }

class TrainingMemoryAnalysis final : public Analysis {
 public:
  explicit TrainingMemoryAnalysis(MemoryQuestion q) : q_(std::move(q)) {}

  std::vector<Row> rows(const Cluster&) const override {
    std::vector<Row> rows;
    const std::vector<RankMemory> ranks = memory_of(q_.model, q_.layout, q_.live);
    for (std::uint32_t r = 0; r < ranks.size(); ++r) rows.push_back(row_of(r, ranks[r]));
    return rows;
  }

  std::vector<std::string> notes(const Cluster&) const override {
    std::vector<std::string> notes;
    for (const bool moe : {false, true}) {
      if (has(moe)) notes.push_back(layer_note(moe));
    }
    if (!q_.peak_given) {
      notes.push_back(fmt::format("schedule {} keeps at most {} activations of a stage as published ({}); chunks are counted in the order of the schedule until "
                                  "their weight gradients are done", q_.schedule->name, q_.schedule->activations_formula, q_.schedule->source));
    }
    for (const std::string& n : q_.model.notes) notes.push_back("model " + q_.model.name + ": " + n);
    return notes;
  }

  std::vector<std::string> warnings() const override {
    const std::string text = does_not_fit(q_.model, q_.layout, q_.live, q_.gpu.memory.value);
    if (text.empty()) return {};
    return {fmt::format("{} on {} {} {}", q_.model.name, q_.layout.gpus(), q_.gpu.name, text)};
  }

  std::vector<ConstantUsed> constants(const Cluster&) const override {
    std::vector<ConstantUsed> all = q_.constants;
    for (ConstantUsed& c : models::constants_of(q_.model)) all.push_back(std::move(c));
    for (ConstantUsed& c : models::constants_of(q_.gpu)) {
      if (c.name.ends_with(": memory")) all.push_back(std::move(c));
    }
    return all;
  }

  Json resolved() const override { return q_.resolved; }

 private:
  bool has(bool moe) const { return (moe ? q_.model.moe_layers : q_.model.dense_layers()) > 0; }
  double layer_megabytes(bool moe) const { return sum_of(layer_activations(q_.model, q_.layout, moe)).value() * 1e-6; }

  /// "an MoE layer keeps 635 MB of a micro-batch: residuals 117, ...".
  std::string layer_note(bool moe) const {
    std::string parts;
    for (const ActivationPart& p : layer_activations(q_.model, q_.layout, moe)) {
      parts += fmt::format("{}{} {:.1f}", parts.empty() ? "" : ", ", p.name, p.bytes.value() * 1e-6);
    }
    return fmt::format("{} layer of {} keeps {:.1f} MB of a micro-batch (recompute {}): {}", moe ? "an MoE" : "a dense", q_.model.name, layer_megabytes(moe),
                       workloads::training::to_text(q_.layout.recompute), parts);
  }

  Row row_of(std::uint32_t rank, const RankMemory& m) const {
    Row r;
    std::string stages;
    for (const std::uint32_t s : q_.layout.stages_of_rank[rank]) {
      stages += fmt::format("{}{}: {}", stages.empty() ? "" : "; ", s, workloads::training::to_text(q_.layout.stages[s]));
    }
    const double memory = q_.gpu.memory.value.value(), total = m.total().value();
    r.set("rank", static_cast<std::int64_t>(rank)).set("stages", stages);
    r.set("params_B", rank_share(q_.model, q_.layout, rank).total() * 1e-9);
    r.set("weights_GB", giga(m.weights)).set("gradients_GB", giga(m.gradients)).set("optimizer_GB", giga(m.optimizer));
    r.set("activations_GB", giga(m.activations)).set("chunks", m.chunks);
    if (m.logits.value() > 0) r.set("logits_GB", giga(m.logits));
    r.set("buffers_GB", giga(m.buffers)).set("total_GB", giga(m.total())).set("memory_pct", 100 * total / memory).set("fits", total <= memory);
    if (total > memory) r.set("too_much_GB", (total - memory) * 1e-9);
    if (has(false)) r.set("dense_layer_MB", layer_megabytes(false));
    if (has(true)) r.set("moe_layer_MB", layer_megabytes(true));
    add_sync(r, rank);
    return r;
  }

  void add_sync(Row& r, std::uint32_t rank) const {
    const GradientSync s = sync_of(q_.model, q_.layout, rank);
    if (has(true)) {
      r.set("expert_copies", static_cast<std::int64_t>(s.experts.copies));
      r.set("expert_reduce_scatter_GB", giga(s.experts.reduce_scatter)).set("expert_all_gather_GB", giga(s.experts.all_gather));
    }
    r.set("other_copies", static_cast<std::int64_t>(s.others.copies));
    r.set("other_reduce_scatter_GB", giga(s.others.reduce_scatter)).set("other_all_gather_GB", giga(s.others.all_gather));
  }

  MemoryQuestion q_;
};

/// What the makers of schedules refuse, at the key that they name.
template <class Make>
void tell_errors(JsonReader& where, Make make) {
  try {
    make();
  } catch (const UserError& e) {
    for (const Problem& p : e.problems()) where.fail_at(p.place, p.message, p.hint);
  }
}

std::vector<std::string> schedule_names() {
  std::vector<std::string> names;
  for (const ScheduleKind& k : schedule_kinds()) names.push_back(k.name);
  return names;
}

std::string schedule_list() {
  std::string text;
  for (const std::string& name : schedule_names()) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// All keys, so that none is unknown after a mistake in another one.
std::unique_ptr<Analysis> read_training_memory(JsonReader& where, const AnalysisContext& context) {
  const std::size_t before = where.problems().list().size();
  const auto sound = [&] { return where.problems().list().size() == before; };
  const TellProblem tell = [&](const std::string& key, const std::string& message, const std::string& hint) { where.fail_at(key, message, hint); };
  MemoryQuestion q;
  q.gpu = models::read_gpu(where.at("gpu"), context.data);
  q.model = models::read_llm(where.at("model"), context.data);
  workloads::WorkloadContext data;
  data.data = &context.data;
  workloads::Parameters p(where, data);
  p.remember("gpu", q.gpu.name);
  p.remember("model", q.model.name);
  q.schedule = &schedule_named(p.word("schedule", schedule_names(), "1f1b"), "schedule");
  const bool looped = q.schedule->takes_chunks;
  if (where.has("chunks") && !looped) where.fail_at("chunks", q.schedule->name + " says itself how many stages a rank holds", "leave it out");
  const auto chunks = static_cast<std::uint32_t>(looped ? p.integer("chunks", 2, 2, 1000) : 1);
  const auto gpus = static_cast<std::uint32_t>(where.integer_or("gpus", 0, 0, 4'000'000'000));
  const double peak = where.has("peak_chunks") ? where.at("peak_chunks").as_number(0, 1e9) : -1;
  const bool shaped = !looped || sound();   // a bad number of chunks has no shape
  q.layout = read_layout(p, q.model, shaped ? shape_of(*q.schedule, chunks) : PipelineShape{});
  if (sound()) complete(q.layout, q.model, gpus, tell);
  if (!sound()) return nullptr;
  const Layout& l = q.layout;
  q.peak_given = peak >= 0;
  if (q.peak_given) q.live = spread_over_stages(std::vector<double>(l.pp, peak), l.stages_of_rank);
  else tell_errors(where, [&] { q.live = live_chunks(q.model, l, q.schedule->make({l.pp, l.micro_batches, chunks})); });
  if (!sound()) return nullptr;
  if (q.peak_given) p.remember("peak_chunks", peak);
  resolve_completed(p, l);
  q.constants = p.constants();
  q.resolved = *p.resolved();
  return std::make_unique<TrainingMemoryAnalysis>(std::move(q));
}

}  // namespace

AnalysisKind analysis_training_memory() {
  AnalysisKind k;
  k.name = "training_memory";
  k.title = "Memory of a training layout";
  k.summary = "One row a pipeline rank: what each of its GPUs holds at the fullest instant of a step (weights, gradients, optimiser, activations of the chunks "
              "alive, logits, buffers) beside the GPU's memory, and what its gradients cost to synchronise. Nothing is simulated; the cluster does not matter. "
              "GB are 10^9 bytes.";
  k.uses_cluster = false;
  k.parameters = {{"gpu", "a name (weft list hardware), a path or an object"},
                  {"model", "a name (weft list models), a path to a config.json or an object"},
                  {"schedule", "pipeline schedule (default 1f1b): " + schedule_list()},
                  {"chunks", "interleaved_1f1b: stages on each rank; default 2"},
                  {"peak_chunks", "chunks (a micro-batch of one stage) alive on each rank, in place of what the schedule keeps"},
                  {"gpus", "GPUs in all; then dp may be left out"}};
  for (ColumnDoc& d : layout_parameter_docs()) k.parameters.push_back(std::move(d));
  k.label_columns = {{"rank", "the pipeline rank"}};
  k.columns = {{"stages", "the stages that it holds"},
               {"params_B", "parameters on one of its GPUs, billions (10^9)"},
               {"weights_GB", "weights"},
               {"gradients_GB", "gradients"},
               {"optimizer_GB", "the optimiser's weights and moments, as ZeRO spreads them"},
               {"activations_GB", "activations of the chunks alive"},
               {"chunks", "chunks alive at the peak"},
               {"logits_GB", "logits of one micro-batch and head, on a rank that has one"},
               {"buffers_GB", "communication buffers and workspace"},
               {"total_GB", "all of these"},
               {"memory_pct", "of the GPU's memory"},
               {"fits", "whether that is enough"},
               {"too_much_GB", "what is lacking"},
               {"dense_layer_MB", "what a dense layer keeps of a micro-batch", true},
               {"moe_layer_MB", "what a layer with experts keeps of a micro-batch", true},
               {"expert_copies", "GPUs with the same routed experts", true},
               {"expert_reduce_scatter_GB", "gradients of routed experts that a GPU sends in a step to sum them", true},
               {"expert_all_gather_GB", "routed experts' weights (ZeRO 0: gradients) that it sends to spread them again", true},
               {"other_copies", "GPUs with the same other weights", true},
               {"other_reduce_scatter_GB", "gradients of all else that it sends to sum them", true},
               {"other_all_gather_GB", "weights (ZeRO 0: gradients) of all else that it sends to spread them again", true}};
  k.read = read_training_memory;
  return k;
}

}  // namespace weft::scenarios

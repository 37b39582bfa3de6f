#include "workloads/inference/layer_workload.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "workloads/inference/layer_program.h"
#include "workloads/inference/layer_times.h"

namespace weft::workloads::inference {
namespace {

void add_pieces(const LayerSetup& s, const PieceTimes& t, Row& row) {
  const auto set = [&](const char* column, Seconds time) { row.set(column, microseconds(time)); };
  if (s.stage() == Stage::decode) {
    set("attention_before_us", t[Piece::attention_before]);
    set("attention_after_us", t[Piece::attention_after]);
    if (s.exchanges()) {
      set("exchange_ends_us", t[Piece::dispatch_send] + t[Piece::dispatch_receive] + t[Piece::combine_send] + t[Piece::combine_receive]);
    }
  } else {
    set("attention_us", t[Piece::attention]);
  }
  if (s.model.moe_layers > 0 && s.model.shared_inter > 0) set("shared_us", t[Piece::shared]);
  set("experts_us", t[Piece::experts]);
}

/// The mean of the periods of the second half: the first ones fill the pipeline.
Seconds steady(const std::vector<Seconds>& ends) {
  const std::size_t half = ends.size() / 2;
  return (ends.back() - ends[half - 1]) / static_cast<double>(ends.size() - half);
}

}  // namespace

void check_counts(Parameters& p, const std::string& key, const std::vector<std::int64_t>& given) {
  constexpr std::int64_t kMost = 10'000'000;
  for (const std::int64_t n : given) {
    if (n > kMost) p.where().fail_at(key, fmt::format("expected at most {}, got {}", kMost, n));
  }
}

std::vector<Case> LayerWorkload::cases(const ClusterView& cluster) const {
  std::vector<Case> all;
  for (const LayerCase& c : layer_cases()) all.push_back(case_of(c, cluster));
  return all;
}

Case LayerWorkload::case_of(const LayerCase& c, const ClusterView& cluster) const {
  const auto s = setup_;
  const Bytes memory = s->gpu.memory.value;
  const UnitMemory held = memory_of(s->model, s->deployment, memory);
  const double fitting = requests_of(s->model, s->deployment, held, c.context);
  if (check_memory_) check_fits(s->model, s->deployment, {memory, c.held_tokens / c.context, c.context}, c.place);
  struct Played {
    PieceTimes times;
    std::unique_ptr<LayerProgram> program;
  };
  const auto played = std::make_shared<Played>();
  const ExpertShares shares = shares_of(*s, cluster);
  played->times = computing_times(*s, c.batch, shares.most);
  // Shares that are the same take the same.
  std::map<double, PieceTimes> by_share;
  std::vector<PieceTimes> times;
  for (const double share : shares.of) {
    const auto [at, fresh] = by_share.try_emplace(share);
    if (fresh) at->second = computing_times(*s, c.batch, share);
    times.push_back(at->second);
  }
  if (times.empty()) times = {played->times};
  const double tokens = c.batch.tokens(*s);
  played->program = std::make_unique<LayerProgram>(*s, exchanges_of(*s, tokens, shares, cluster), times, tokens, periods_);
  Case out;
  out.labels = c.labels;
  out.observe = Observe::op_times;
  out.program = [played](std::size_t) { return std::make_unique<LayerProgram>(*played->program); };
  const std::uint32_t per_node = cluster.placement.gpus_per_node();
  Seconds without;
  if (s->stage() == Stage::decode && s->deployment.mtp > 0) {
    const auto plain = std::make_shared<LayerSetup>(*s);
    plain->deployment.mtp = 0;
    without = LayerTimes(plain, cluster).pass(c.batch).total;
  }
  out.fill = [s, played, c, held, fitting, per_node, without, most = shares.most](std::span<const Outcome> outcomes, Row& row) {
    const Outcome& o = outcomes.front();
    const OverlapPlan plan = s->plan();
    const Seconds layer = steady(played->program->ends(o.finish)), computing = computing_of(plan, played->times);
    const PassTime pass = pass_of(*s, c.batch, layer);
    row.set("layer_us", microseconds(layer)).set("computing_us", microseconds(computing));
    const Seconds exposed = layer - computing;   // what is left of rounding is nothing
    row.set("exposed_us", exposed > layer * 1e-9 ? microseconds(exposed) : 0.0);
    if (most > 1) row.set("max_over_mean", most);
    add_pieces(*s, played->times, row);
    if (s->exchanges()) {
      row.set("dispatch_us", microseconds(played->program->mean_time(Piece::dispatch, o.start, o.finish)));
      row.set("combine_us", microseconds(played->program->mean_time(Piece::combine, o.start, o.finish)));
    }
    if (s->deployment.tp > 1) row.set("tensor_sum_us", microseconds(played->program->mean_time(Piece::tensor_sum, o.start, o.finish)));
    row.set("pass_ms", pass.total.value() * 1e3).set("layers_ms", pass.layers.value() * 1e3);
    row.set("outside_ms", (pass.dense + pass.ends + pass.mtp).value() * 1e3);
    c.add_rates(pass.total, without, per_node, row);
    row.set("kv_tokens", std::floor(held.cache_tokens())).set("kv_requests", std::floor(fitting));
    if (held.cache_tokens() > 0) row.set("kv_pct", 100 * c.held_tokens / held.cache_tokens());
  };
  return out;
}

std::vector<ConstantUsed> LayerWorkload::constants() const {
  std::vector<ConstantUsed> all = BasicWorkload::constants();
  const auto add = [&](std::vector<ConstantUsed> more) { all.insert(all.end(), more.begin(), more.end()); };
  add(constants_of(*setup_));
  for (const LayerCase& c : layer_cases()) {
    for (ConstantUsed& k : models::constants_of(*setup_->costs, calls_of(*setup_, c.batch))) {
      if (std::find(all.begin(), all.end(), k) == all.end()) all.push_back(std::move(k));
    }
  }
  return all;
}

std::vector<std::string> LayerWorkload::notes() const {
  std::vector<std::string> notes = {fmt::format("{} layers of the middle of the model are played on the engine; a pass is their steady time for every layer with experts, and the rest by kernel models", periods_),
                                    "bound_us and gap_pct are of the layers that are played"};
  for (const std::string& n : setup_->model.notes) notes.push_back("model " + setup_->model.name + ": " + n);
  return notes;
}

std::vector<std::string> LayerWorkload::warnings() const {
  std::vector<models::KernelCall> calls;
  for (const LayerCase& c : layer_cases()) {
    for (models::KernelCall& k : calls_of(*setup_, c.batch)) calls.push_back(std::move(k));
  }
  // Small kernels lie beyond what was measured by the dozen.
  std::vector<std::string> all;
  std::size_t beyond = 0;
  for (std::string& w : models::warnings_on(*setup_->costs, calls)) {
    if (w.find("beyond what was measured") != std::string::npos) ++beyond;
    else all.push_back(std::move(w));
  }
  if (beyond > 0) all.push_back(fmt::format("{} kinds of kernels have shapes beyond what was measured, where times are less certain", beyond));
  return all;
}

std::vector<ColumnDoc> layer_column_docs(Stage stage) {
  const bool decode = stage == Stage::decode;
  std::vector<ColumnDoc> docs = {{"layer_us", "a layer with experts, of all micro-batches, as played on the engine"},
                                 {"computing_us", "of it, the kernels of one GPU one after the other"},
                                 {"exposed_us", "of it, waiting for exchanges"},
                                 {"max_over_mean", "routed rows of the GPU with most over the mean; where not all have the same, computing and experts are that GPU's"}};
  const auto add = [&](const char* name, const char* text, bool detail = false) { docs.push_back({name, text, detail}); };
  if (decode) {
    add("attention_before_us", "of one micro-batch: norms and projections up to the core of attention");
    add("attention_after_us", "of one micro-batch: core of attention, output projection, router");
    add("exchange_ends_us", "of one micro-batch: the kernels that send and receive (what is between them takes no SMs)");
  } else {
    add("attention_us", "of one micro-batch: attention with its projections, and the router");
  }
  add("shared_us", "of one micro-batch: the shared experts");
  add("experts_us", "of one micro-batch: the routed experts (dense models: the MLP)");
  add("dispatch_us", "dispatch of one micro-batch: of a GPU's tokens, from the first byte to the last, waiting for GPUs that send later included; mean over GPUs");
  add("combine_us", "combine of one micro-batch, the same way");
  add("tensor_sum_us", "sum over the GPUs that share heads, of one micro-batch");
  add("pass_ms", decode ? "a step: all layers, MTP, head and sampling" : "a pass: all layers, and the head for the prompts' last tokens");
  add("layers_ms", "of it, layers with experts", true);
  add("outside_ms", "of it, dense layers, embedding, head and MTP", true);
  return docs;
}

std::vector<ColumnDoc> layer_case_parameter_docs() {
  return {{"layers", "layers that are played on the engine to find the steady time of one; default 4, at least 2"},
          {"check_memory", "whether what does not fit in memory is an error; default true"}};
}

}  // namespace weft::workloads::inference

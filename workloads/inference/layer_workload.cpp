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

/// A program that others play too, one after the other: millions of operations are kept once.
class Lent final : public Program {
 public:
  explicit Lent(std::shared_ptr<LayerProgram> owner) : inside_(std::move(owner)) {}
  std::span<const CommKernel> kernels() const override { return inside_->kernels(); }
  void start(Sink& sink) override { inside_->start(sink); }
  std::shared_ptr<Symmetry> symmetry() override { return inside_->symmetry(); }
  bool label(OpId id, OpLabel& out) const override { return inside_->label(id, out); }
  std::string track_name(std::uint32_t track) const override { return inside_->track_name(track); }

 private:
  std::shared_ptr<LayerProgram> inside_;
};

/// The mean of the periods of the second half: the first ones fill the pipeline.
Seconds steady(const std::vector<Seconds>& ends) {
  const std::size_t half = ends.size() / 2;
  return (ends.back() - ends[half - 1]) / static_cast<double>(ends.size() - half);
}

/// The layers of one case; the program is there while it is played.
class PlayedLayers {
 public:
  PlayedLayers(std::shared_ptr<const LayerSetup> setup, const MicroBatch& batch, const ClusterView& cluster, std::uint32_t periods)
      : setup_(std::move(setup)), periods_(periods), tokens_(batch.tokens(*setup_)) {
    const ExpertShares shares = shares_of(*setup_, cluster);
    most_ = shares.most;
    fullest_ = computing_times(*setup_, batch, shares.most);
    std::map<double, PieceTimes> by_share;   // shares that are the same take the same
    for (const double share : shares.of) {
      const auto [at, fresh] = by_share.try_emplace(share);
      if (fresh) at->second = computing_times(*setup_, batch, share);
      times_.push_back(at->second);
    }
    if (times_.empty()) times_ = {fullest_};
    exchanges_ = exchanges_of(*setup_, tokens_, shares, cluster);
  }

  std::shared_ptr<LayerProgram> program() {
    if (!program_) program_ = std::make_shared<LayerProgram>(*setup_, exchanges_, times_, tokens_, periods_);
    return program_;
  }

  /// Adds the columns of a layer and gives its time.
  Seconds fill(const Outcome& o, Row& row) {
    const std::shared_ptr<LayerProgram> played = program();
    const auto set = [&](const char* column, Seconds t) { row.set(column, microseconds(t)); };
    const Seconds layer = steady(played->ends(o.finish)), computing = computing_of(setup_->plan(), fullest_), exposed = layer - computing;
    set("layer_us", layer);
    set("computing_us", computing);
    set("exposed_us", exposed > layer * 1e-9 ? exposed : Seconds());   // what is left of rounding is nothing
    if (most_ > 1) row.set("max_over_mean", most_);
    add_pieces(*setup_, fullest_, row);
    if (setup_->exchanges()) {
      set("dispatch_us", played->mean_time(Piece::dispatch, o.start, o.finish));
      set("combine_us", played->mean_time(Piece::combine, o.start, o.finish));
    }
    if (setup_->deployment.tp > 1) set("tensor_sum_us", tensor_sum(o));
    return layer;
  }

  Seconds tensor_sum(const Outcome& o) { return setup_->deployment.tp > 1 ? program()->mean_time(Piece::tensor_sum, o.start, o.finish) : Seconds(); }
  void release() { program_.reset(); }

 private:
  std::shared_ptr<const LayerSetup> setup_;
  std::uint32_t periods_;
  double tokens_, most_ = 1;
  PieceTimes fullest_;               ///< of the GPU with most routed rows
  std::vector<PieceTimes> times_;    ///< of each GPU, or of all alike
  LayerExchanges exchanges_;
  std::shared_ptr<LayerProgram> program_;
};

}  // namespace

void require_at_most(JsonReader& where, const std::string& key, const std::vector<std::int64_t>& values, std::int64_t most) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] > most) where.fail_at(values.size() > 1 ? fmt::format("{}/{}", key, i) : key, fmt::format("expected at most {}, got {}", most, values[i]));
  }
}

void require_lengths(JsonReader& where, const std::string& key, const std::vector<std::int64_t>& tokens, const models::Llm& model) {
  const auto most = static_cast<std::int64_t>(model.context);
  if (most == 0) return require_at_most(where, key, tokens, kMostTokens);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] <= most) continue;
    where.fail_at(tokens.size() > 1 ? fmt::format("{}/{}", key, i) : key, fmt::format("{} tokens are more than the {} that {} takes", tokens[i], most, model.name),
                  "max_position_embeddings of its config.json says so");
  }
}

void label_unit(const LayerSetup& s, Row& labels) {
  labels.set("gpus", static_cast<std::int64_t>(s.deployment.gpus));
  if (s.model.moe_layers > 0) labels.set("ep", static_cast<std::int64_t>(s.deployment.ep)).set("redundant", static_cast<std::int64_t>(s.deployment.redundant));
  if (s.deployment.tp > 1) labels.set("tp", static_cast<std::int64_t>(s.deployment.tp));
}

void LayerWorkload::tell(const std::string& warning) const {
  if (std::find(told_->begin(), told_->end(), warning) == told_->end()) told_->push_back(warning);
}

std::vector<Case> LayerWorkload::cases(const ClusterView& cluster) const {
  const models::Gpu& gpu = setup_->gpu;
  const double own = gpu.nvlink_rate.value.value(), there = cluster.nvlink_rate.value();
  if (own > 0 && std::abs(there / own - 1) > 0.01 && there < 1e12) {
    tell(fmt::format("kernels are those of a {}, but NVLink and NICs are the cluster's nodes': {:.4g} GB/s of NVLink where a {} has {:.4g}; /cluster/node says what a node has", gpu.name, there * 1e-9,
                     gpu.name, own * 1e-9));
  }
  std::vector<Case> all;
  for (const LayerCase& c : layer_cases()) all.push_back(case_of(c, cluster));
  return all;
}

Case LayerWorkload::case_of(const LayerCase& c, const ClusterView& cluster) const {
  const auto s = c.setup;
  const Bytes memory = s->gpu.memory.value;
  const UnitMemory held = memory_of(s->model, s->deployment, memory);
  const FitQuestion question{memory, c.held_tokens / c.context, c.context};
  if (check_memory_) check_fits(s->model, s->deployment, question, c.place);
  const std::string lacking = does_not_fit(s->model, s->deployment, question);
  if (!lacking.empty()) tell(fmt::format("{} on {} GPUs: {}", s->model.name, s->deployment.gpus, lacking));
  const auto layers = std::make_shared<PlayedLayers>(s, c.batch, cluster, periods_);
  Seconds without;
  if (s->stage() == Stage::decode && s->deployment.mtp > 0) {
    const auto plain = std::make_shared<LayerSetup>(*s);
    plain->deployment.mtp = 0;
    without = LayerTimes(plain, cluster).pass(c.batch).total;
  }
  Case out;
  out.labels = c.labels;
  out.observe = Observe::op_times;
  out.program = [layers](std::size_t) { return std::make_unique<Lent>(layers->program()); };
  const double fitting = requests_of(s->model, s->deployment, held, c.context), room = held.cache_tokens();
  out.fill = [s, layers, c, room, fitting, without, fits = lacking.empty(), per_node = cluster.placement.gpus_per_node()](std::span<const Outcome> outcomes, Row& row) {
    const Seconds layer = layers->fill(outcomes.front(), row);
    const PassTime pass = pass_of(*s, c.batch, layer, layers->tensor_sum(outcomes.front()));
    layers->release();
    row.set("pass_ms", pass.total.value() * 1e3).set("layers_ms", pass.layers.value() * 1e3);
    row.set("outside_ms", (pass.dense + pass.ends + pass.mtp).value() * 1e3);
    c.add_rates(pass.total, without, per_node, row);
    row.set("kv_tokens", std::floor(room)).set("kv_requests", std::floor(fitting));
    if (room > 0) row.set("kv_pct", 100 * c.held_tokens / room);
    row.set("fits", fits);
  };
  return out;
}

std::vector<ConstantUsed> LayerWorkload::constants() const {
  std::vector<ConstantUsed> all = BasicWorkload::constants();
  const auto add = [&](std::vector<ConstantUsed> more) { all.insert(all.end(), more.begin(), more.end()); };
  add(constants_of(*setup_));
  for (const LayerCase& c : layer_cases()) {
    for (ConstantUsed& k : models::constants_of(*setup_->costs, calls_of(*c.setup, c.batch))) {
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
    for (models::KernelCall& k : calls_of(*c.setup, c.batch)) calls.push_back(std::move(k));
  }
  std::vector<std::string> all = *told_;
  for (std::string& w : kernel_warnings(*setup_->costs, calls)) all.push_back(std::move(w));
  return all;
}

std::vector<ColumnDoc> unit_label_docs() {
  return {{"gpus", "of the unit"}, {"ep", "of them that share the experts of a layer"}, {"redundant", "copies of experts beyond one each"}, {"tp", "that share heads (where any do)"}};
}

std::vector<ColumnDoc> memory_column_docs() {
  return {{"kv_tokens", "room in a group's cache", true},
          {"kv_requests", "requests (or prompts) of this length that it has room for"},
          {"kv_pct", "part of the room that is taken"},
          {"fits", "whether that is enough (with check_memory false; else it is an error)", true}};
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

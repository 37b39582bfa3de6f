// Training steps for tests: small models, a step as a scenario says it, its programs played, and all that is recorded of them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/workload_runs.h"
#include "workloads/symmetry.h"
#include "workloads/training/gradient_sync.h"
#include "workloads/training/step_program.h"
#include "workloads/training/step_results.h"

namespace weft::workloads::training::test {

/// A model with layers like DeepSeek-V3's, `experts` routed ones of which a token takes 8, as a value of the key "model".
inline std::string small_model(int dense, int moe, int mtp = 0, int experts = 64) {
  Json config = read_json_file(DataPlaces::standard().find("models/llms", "deepseek-v3").string())["config"];
  config["num_hidden_layers"] = dense + moe;
  config["first_k_dense_replace"] = dense;
  config["num_nextn_predict_layers"] = mtp;
  config["n_routed_experts"] = experts;
  config["vocab_size"] = 16384;
  return Json{{"name", "small"}, {"config", config}}.dump();
}

/// Reads the keys of a workload of kind training_step; throws UserError with all problems.
inline StepSetup step_setup(const std::string& keys, std::uint64_t seed = 1) {
  const DataPlaces data = DataPlaces::standard();
  const Json value = parse_json("{" + keys + "}", "test.json");
  Problems problems;
  JsonReader where(value, "test.json", problems, "/workload/0");
  const WorkloadContext context{&data, seed, testing::shipped_times};
  Parameters p(where, context);
  auto setup = read_step(p, context);
  where.done();
  problems.throw_if_any();
  return std::move(*setup);
}

/// A step on a cluster.
inline PreparedStep prepared(const StepSetup& setup, const testing::Ground& ground) {
  topology::Router asked(ground.fabric, ground.routing);
  return prepare_step(setup, ground.view(asked));
}

/// Plays what another program says, without its symmetry and parts.
class Whole : public Program {
 public:
  explicit Whole(std::unique_ptr<Program> inside) : inside_(std::move(inside)) {}
  std::span<const CommKernel> kernels() const override { return inside_->kernels(); }
  void start(Sink& sink) override { inside_->start(sink); }
  void on_complete(OpId id, Seconds t, Sink& sink) override { inside_->on_complete(id, t, sink); }

 protected:
  std::unique_ptr<Program> inside_;
};

/// Plays a step by its markers, as when its ranks are folded, with all of its ranks. Precondition: it has a symmetry.
class ByMarkers final : public Whole {
 public:
  explicit ByMarkers(std::unique_ptr<Program> inside) : Whole(std::move(inside)), symmetry_(inside_->symmetry()) {}
  void start(Sink& sink) override {
    for (std::uint32_t r = 0; r < symmetry_->ranks().ranks(); ++r) symmetry_->emit(r, sink);
  }
  std::shared_ptr<Symmetry> symmetry() override { return symmetry_; }

 private:
  std::shared_ptr<Symmetry> symmetry_;
};

enum class As { it_comes, whole, markers };

/// What became of a step.
struct Ran {
  StepRecord record;
  Seconds pipeline;
  engine::Summary summary;
};

inline engine::Options in_full() {
  engine::Options o;
  o.fold = o.classes = false;
  return o;
}

inline Ran ran(const testing::Ground& ground, const PreparedStep& step, const engine::Options& options = {}, As as = As::it_comes) {
  const auto record = std::make_shared<StepRecord>(step.job->plan);
  std::unique_ptr<Program> program = std::make_unique<StepProgram>(step.job, record);
  if (as == As::whole) program = std::make_unique<Whole>(std::move(program));
  if (as == As::markers) program = std::make_unique<ByMarkers>(std::move(program));
  topology::Router router(ground.fabric, ground.routing);
  testing::Unheard nobody;
  const engine::Summary s = engine::run(router, *program, options, nobody);
  return {*record, s.makespan, s};
}

inline Ran ran(const testing::Ground& ground, const StepSetup& setup, const engine::Options& options = {}, As as = As::it_comes) {
  return ran(ground, prepared(setup, ground), options, as);
}

/// Largest difference of anything recorded, in parts of the pipeline's time; infinite when it is not of the same spans.
inline double difference(const Ran& a, const Ran& b) {
  double most = std::abs(a.pipeline.value() - b.pipeline.value());
  const auto compare = [&](const std::vector<Span>& x, const std::vector<Span>& y) {
    if (x.size() != y.size()) most = HUGE_VAL;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) most = std::max({most, std::abs(x[i].begin - y[i].begin), std::abs(x[i].end - y[i].end)});
  };
  for (std::size_t r = 0; r < a.record.ranks.size(); ++r) {
    const StepRecord::Rank &x = a.record.ranks[r], &y = b.record.ranks[r];
    compare(x.cells, y.cells);
    compare(x.computing, y.computing);
    compare(x.exchanging, y.exchanging);
    compare(x.reducing, y.reducing);
    for (std::size_t i = 0; i < x.weighing.size(); ++i) most = std::max(most, std::abs(x.weighing[i] - y.weighing[i]));
  }
  return most / b.pipeline.value();
}

}  // namespace weft::workloads::training::test

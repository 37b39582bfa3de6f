// Training steps for tests: small models, a step as a scenario says it, and its programs in other clothes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/recorded_program.h"
#include "workloads/symmetry.h"
#include "workloads/training/step_program.h"
#include "workloads/training/step_setup.h"

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

}  // namespace weft::workloads::training::test

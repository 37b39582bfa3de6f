// One step of training a language model: its pipeline schedule with every exchange on the network, then gradients, optimiser and weights.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workloads/basic_workload.h"
#include "workloads/training/gradient_sync.h"
#include "workloads/training/step_program.h"
#include "workloads/training/step_results.h"

namespace weft::workloads {
namespace {

using namespace training;

class TrainingStep final : public BasicWorkload {
 public:
  TrainingStep(const Parameters& p, StepSetup s) : BasicWorkload(p), setup_(std::make_shared<const StepSetup>(std::move(s))) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    const auto step = std::make_shared<const PreparedStep>(prepare_step(*setup_, cluster));
    const auto record = std::make_shared<StepRecord>(step->job->plan);
    const auto setup = setup_;
    Case c;
    c.labels.set("gpus", static_cast<std::int64_t>(step->layout.gpus())).set("micro_batches", static_cast<std::int64_t>(step->layout.micro_batches));
    c.labels.set("rank", std::string("mean"));
    c.program = [step, record](std::size_t) { return std::make_unique<StepProgram>(step->job, record); };
    c.bound_program = [step](std::size_t) { return StepProgram::skeleton(step->job); };
    for (const SyncPass pass : {SyncPass::reduce_scatter, SyncPass::all_gather}) {
      const auto sync = [setup, step, pass](bool alone) { return sync_program(*setup, step->layout, step->job->plan.grid, pass, step->job->rails, alone); };
      c.then.push_back({[sync](std::size_t) { return sync(false); }, [sync](std::size_t) { return sync(true); }});
    }
    const Seconds update = update_time(*setup, step->layout);
    const auto rows = [setup, step, record, update](std::span<const Outcome> outcomes) {
      const Outcome& o = outcomes.front();
      return rows_of(*setup, *step, *record, o.makespan, end_of(*setup, o.then[0], update, o.then[1]));
    };
    c.beyond = [setup, update](std::span<const Outcome> outcomes) {
      const Outcome& o = outcomes.front();
      const Seconds simulated = o.then[0] + update + o.then[1];
      std::vector<std::pair<std::string, Seconds>> all{{"update of the weights", update}};
      const Seconds given = end_of(*setup, o.then[0], update, o.then[1]).total - simulated;
      if (given > Seconds()) all.emplace_back("optimizer_time beyond what is simulated", given);
      return all;
    };
    const Row labels = c.labels;
    const auto add = [](Row& to, const Row& from) {
      for (const auto& [name, cell] : from.cells()) to.set(name, cell);
    };
    c.fill = [rows, add](std::span<const Outcome> outcomes, Row& row) { add(row, rows(outcomes).front()); };
    c.more_rows = [rows, labels, add](std::span<const Outcome> outcomes) {
      std::vector<Row> all = rows(outcomes), out;
      for (std::size_t i = 1; i < all.size(); ++i) add(out.emplace_back(labels), all[i]);
      return out;
    };
    return {c};
  }

  std::vector<ConstantUsed> constants() const override {
    std::vector<ConstantUsed> all = BasicWorkload::constants();
    const auto add = [&](std::vector<ConstantUsed> more) { all.insert(all.end(), more.begin(), more.end()); };
    add(models::constants_of(setup_->gpu));
    add(models::constants_of(setup_->model));
    add(models::constants_of(setup_->constants));
    add(models::constants_of(*setup_->costs, calls_of(*setup_)));
    add(training::constants_of(PowerModel{}));
    return all;
  }
  const models::CostModel* cost_model() const override { return setup_->costs.get(); }
  std::vector<std::string> notes() const override {
    std::vector<std::string> notes = {
        "a step ends when all ranks have: gradients are summed after the last micro-batch of all pipelines, then updated weights are sent back",
        "bound_us and gap_pct are of what is simulated: the pipeline and the sums of gradients and weights, without the update or a given optimizer_time",
        "energy is assumed, not measured: the GPUs' alone, from the part of the time in which they compute"};
    if (setup_->optimizer_time) {
      notes.push_back(fmt::format("end_s is at least the optimizer_time given ({:g} s), which is an input", setup_->optimizer_time->value()));
    }
    if (setup_->layout.recompute == Recompute::full && setup_->layout.ep > 1) {
      notes.push_back("full recomputation computes each layer's forward pass again; the exchanges that it would repeat are not counted");
    }
    for (const std::string& n : setup_->model.notes) notes.push_back("model " + setup_->model.name + ": " + n);
    return notes;
  }
  std::vector<std::string> warnings() const override {
    // Small kernels lie beyond what was measured by the dozen; weft show model --phase train lists each with its time.
    std::vector<std::string> all;
    std::size_t beyond = 0;
    for (std::string& w : models::warnings_on(*setup_->costs, calls_of(*setup_))) {
      if (w.find("beyond what was measured") != std::string::npos) ++beyond;
      else all.push_back(std::move(w));
    }
    if (beyond > 0) {
      all.push_back(fmt::format("{} kinds of kernels have shapes beyond what was measured, where times are less certain (weft show model {} --phase train --gpu {} lists all kernels)",
                                beyond, setup_->model.name, setup_->gpu.name));
    }
    return all;
  }

 private:
  std::shared_ptr<const StepSetup> setup_;
};

}  // namespace

WorkloadKind training_step_kind() {
  WorkloadKind k;
  k.name = "training_step";
  k.title = "Training step";
  k.summary = "One step: every pipeline rank works through its schedule, kernels take what the kernel models say, and expert exchanges, transfers between "
              "pipeline ranks and the sum of gradients go over the network. One row a pipeline rank, and their mean.";
  k.parameters = step_parameter_docs();
  k.columns = step_column_docs();
  k.columns.insert(k.columns.begin(), {{"gpus", "GPUs that train"}, {"micro_batches", "of a data-parallel rank in one step"}});
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    auto setup = read_step(p, context);
    if (!setup) return nullptr;
    return std::make_unique<TrainingStep>(p, std::move(*setup));
  };
  return k;
}

}  // namespace weft::workloads

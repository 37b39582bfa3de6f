// Training reads its samples from storage while it computes: whether storage and preprocessing keep up.
#include <algorithm>

#include <fmt/format.h>

#include "sim/core/random.h"
#include "workloads/static_program.h"
#include "workloads/storage/access.h"

namespace weft::workloads {
namespace {

using namespace storage;

struct LoadPlan {
  std::int64_t samples = 0, steps = 0, prefetch = 0, workers = 0;
  Bytes sample;
  Seconds preprocess, step;
};

/// Samples of a step lie anywhere: each on a target of its own drawing, added up over those on one SSD.
std::vector<Leg> legs_of_step(const ChainTable& table, std::uint64_t seed, std::uint32_t client, std::int64_t step, std::int64_t samples) {
  std::vector<std::uint32_t> targets;
  Draws draws(seed, "dataset", client, static_cast<std::uint64_t>(step));
  for (std::int64_t i = 0; i < samples; ++i) {
    const auto chain = table.chain(static_cast<std::uint32_t>(draws.below(table.size())));
    const Target& t = chain[draws.below(chain.size())];
    targets.push_back(t.node * table.shape().ssds_per_node + t.ssd);
  }
  std::sort(targets.begin(), targets.end());
  std::vector<Leg> legs;
  for (std::size_t i = 0, j = 0; i < targets.size(); i = j) {
    while (j < targets.size() && targets[j] == targets[i]) ++j;
    const Target t{targets[i] / table.shape().ssds_per_node, targets[i] % table.shape().ssds_per_node};
    legs.push_back({ssd_end(t), client_end(client), static_cast<double>(j - i) / static_cast<double>(samples)});
  }
  return legs;
}

/// Of every node: reads, then preprocessing, then the step that uses them; reads run ahead by `prefetch` steps.
std::unique_ptr<StaticProgram> load_program(const LoadPlan& plan, const ChainTable& table, const Access& access, std::uint32_t clients) {
  auto program = std::make_unique<StaticProgram>();
  StaticProgram::TransferOptions options;
  options.kernel = program->add_kernel(access.kernel);
  options.extra_latency = access.latency;
  const Seconds preprocess = plan.preprocess * (static_cast<double>(plan.samples) / static_cast<double>(plan.workers));
  std::vector<std::vector<OpId>> used(clients);  ///< by client and step: the training step
  for (std::int64_t s = 0; s < plan.steps; ++s)
    for (std::uint32_t c = 0; c < clients; ++c) {
      const auto legs = legs_of_step(table, access.seed, c, s, plan.samples);
      std::vector<OpId> after;
      if (s >= plan.prefetch) after.push_back(used[c][static_cast<std::size_t>(s - plan.prefetch)]);
      options.flow_key = hash_with(c, static_cast<std::uint64_t>(s));
      const OpId read = program->add_transfer(plan.sample * static_cast<double>(plan.samples), legs, options, after);
      const OpId ready = program->add_compute(StreamId(2 * c), preprocess, 0, std::span(&read, 1));
      used[c].push_back(program->add_compute(StreamId(2 * c + 1), plan.step, 0, std::span(&ready, 1)));
    }
  return program;
}

class DatasetLoad final : public StorageWorkload {
 public:
  DatasetLoad(const Parameters& p, Access access, LoadPlan plan, std::int64_t clients)
      : StorageWorkload(p, access), plan_(plan), clients_(clients) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    const std::uint32_t clients = clients_of(cluster, clients_, "/clients");
    if (plan_.samples * plan_.steps * clients > 50'000'000)
      throw UserError("/steps", fmt::format("{} samples x {} steps x {} nodes are too many to draw", plan_.samples, plan_.steps, clients),
                      "50 million draws are allowed: use fewer steps");
    const auto table = std::make_shared<const ChainTable>(table_of(cluster));
    Case c;
    c.labels.set("clients", std::int64_t{clients}).set("sample_B", bytes_cell(plan_.sample)).set("samples_per_step", plan_.samples);
    c.program = [table, clients, plan = plan_, access = access_](std::size_t) -> std::unique_ptr<Program> {
      return load_program(plan, *table, access, clients);
    };
    c.fill = [plan = plan_, clients, limits = read_limits(cluster.storage, access_, clients)](std::span<const Outcome> o, Row& row) {
      fill(plan, clients, limits, o[0].makespan, row);
    };
    return {c};
  }

 private:
  static void fill(const LoadPlan& plan, std::uint32_t clients, const std::vector<Limit>& limits, Seconds time, Row& row) {
    const Seconds training = plan.step * static_cast<double>(plan.steps);
    const Bytes step = plan.sample * (static_cast<double>(plan.samples) * clients);
    const Seconds reading = step / tightest(limits).rate;
    const Seconds preprocess = plan.preprocess * (static_cast<double>(plan.samples) / static_cast<double>(plan.workers));
    row.set("time_s", time.value()).set("training_s", training.value());
    // The first step's samples are waited for in any case: stalls are what comes on top, over all steps.
    row.set("stall_pct", 100 * (time / training - 1)).set("needed_TiBps", tib_per_second(step / plan.step));
    row.set("limit_TiBps", tib_per_second(tightest(limits).rate));
    const bool cpu = preprocess > reading;
    row.set("bound_by", (cpu ? preprocess : reading) <= plan.step ? std::string("training")
                        : cpu                                     ? std::string("preprocessing")
                                                                  : tightest(limits).name);
  }

  LoadPlan plan_;
  std::int64_t clients_;
};

}  // namespace

WorkloadKind dataset_load_kind() {
  WorkloadKind k;
  k.name = "dataset_load";
  k.title = "samples are read from storage while training goes on";
  k.summary =
      "Every node reads the samples of each step from all over storage (no cache, no order: 3FS's way), preprocesses them on its cores, "
      "and trains; reads and preprocessing run some steps ahead.";
  k.parameters = with_access({{"clients", "nodes that train; default: all"},
                              {"sample", "bytes of a sample; default 256 KiB (3FS design notes: a few kilobytes to several megabytes)"},
                              {"samples_per_step", "of a node; default 256"},
                              {"steps", "default 16"},
                              {"step_time", "of training; default 1 s"},
                              {"preprocess_time", "of a sample on one core; default 5 ms (assumed: decoding and resizing an image)"},
                              {"workers", "cores that preprocess, of a node; default 64"},
                              {"prefetch", "steps whose samples are read ahead; default 2"}});
  k.columns = {{"clients", "nodes that train"},
               {"sample_B", "bytes of a sample"},
               {"samples_per_step", "of a node"},
               {"time_s", "until the last step is done"},
               {"training_s", "steps alone, samples being there"},
               {"stall_pct", "by how much the samples, the first ones too, make it longer"},
               {"needed_TiBps", "what all nodes together have to read to train without a stall"},
               {"limit_TiBps", "what storage could give them, evenly loaded"},
               {"bound_by", "what a step waits for: training itself, preprocessing, or the storage's tightest resource"}};
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    LoadPlan plan;
    const auto seconds = [&](const char* key, double fallback, bool positive) {
      const auto t = where.quantity_or<Seconds>(key, Seconds(fallback), positive);
      p.remember(key, to_text(t));
      return t;
    };
    const std::int64_t clients = read_clients(p, 0);
    plan.sample = p.size("sample", "256 KiB");
    plan.samples = p.integer("samples_per_step", 256, 1, 1 << 20);
    plan.steps = p.integer("steps", 16, 1, 1 << 20);
    plan.step = seconds("step_time", 1, true);
    plan.preprocess = seconds("preprocess_time", 5e-3, false);
    plan.workers = p.integer("workers", 64, 1, 1 << 16);
    plan.prefetch = p.integer("prefetch", 2, 1, 1 << 20);
    const Access access = read_access(p);
    return std::make_unique<DatasetLoad>(p, access, plan, clients);
  };
  return k;
}

}  // namespace weft::workloads

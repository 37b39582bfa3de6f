#include "workloads/storage/sort_phase.h"

#include <algorithm>

#include <fmt/format.h>

namespace weft::workloads::storage {
namespace {

/// Tasks of a node: the first nodes have one more where they do not divide.
std::int64_t tasks_of(const SortPhase& p, std::uint32_t client, std::uint32_t clients) {
  return p.tasks / clients + (client < p.tasks % clients ? 1 : 0);
}

std::int64_t at_once(const SortPhase& p) { return std::max<std::int64_t>(1, p.cores / p.cores_per_task); }

std::int64_t waves_of(const SortPhase& p, std::uint32_t clients) { return (tasks_of(p, 0, clients) + at_once(p) - 1) / at_once(p); }

Seconds task_compute(const SortPhase& p) {
  return p.records / static_cast<double>(p.tasks) / (p.core_rate * static_cast<double>(std::min(p.cores, p.cores_per_task)));
}

}  // namespace

std::unique_ptr<StaticProgram> sort_program(const SortPhase& phase, const ChainTable& table, const Access& access,
                                            const StorageView& storage, std::uint32_t clients) {
  auto program = std::make_unique<StaticProgram>();
  StaticProgram::TransferOptions options;
  options.kernel = program->add_kernel(access.kernel);
  options.extra_latency = access.latency;
  const FileLayout layout(table, access.stripe, access.seed);
  const Bytes task = phase.records / static_cast<double>(phase.tasks);
  std::vector<std::vector<Leg>> reads, writes;
  for (std::uint32_t c = 0; c < clients; ++c) {
    reads.push_back(striped_read(table, layout, c, client_end(c)));
    writes.push_back(striped_write(table, layout, c, client_end(c), storage));
  }
  struct Before {
    std::vector<OpId> read, compute, write;  ///< what each has to wait for
  };
  std::vector<Before> before(clients);
  std::vector<OpId> computed(clients);  ///< the wave before
  const std::int64_t most = tasks_of(phase, 0, clients), slots = at_once(phase);
  for (std::int64_t done = 0; done < most; done += slots) {  // wave by wave, all nodes at one time, as batches
    std::vector<OpId> read(clients), compute(clients);
    const auto running = [&](std::uint32_t c) { return static_cast<double>(std::min(slots, tasks_of(phase, c, clients) - done)); };
    for (std::uint32_t c = 0; c < clients; ++c)
      if (running(c) > 0) {
        options.flow_key = c;
        read[c] = program->add_transfer(task * phase.read_ratio * running(c), reads[c], options, before[c].read);
      }
    for (std::uint32_t c = 0; c < clients; ++c)
      if (running(c) > 0) {
        before[c].compute.push_back(read[c]);
        compute[c] = program->add_compute(StreamId(c), task_compute(phase), 0, before[c].compute);
      }
    for (std::uint32_t c = 0; c < clients; ++c)
      if (running(c) > 0) {
        before[c].write.push_back(compute[c]);
        options.flow_key = clients + c;
        const OpId write = program->add_transfer(task * phase.write_ratio * running(c), writes[c], options, before[c].write);
        // With overlap the next wave reads while this one computes, but not further ahead.
        Before next;
        if (phase.overlap) {
          next.read = {read[c]};
          if (computed[c].valid()) next.read.push_back(computed[c]);
          computed[c] = compute[c];
          next.write = {write};
        } else {
          next.read = {write};
        }
        before[c] = std::move(next);
      }
  }
  return program;
}

std::string PhaseTimes::bound_by() const {
  if (compute >= read && compute >= write) return "cores";
  return write >= read ? write_by + ", writing" : read_by + ", reading";
}

void require_few_waves(const SortPhase& phase, const ChainTable& table, const Access& access, std::uint32_t clients) {
  constexpr double kMostLegs = 5e6;  // a leg of each wave of each client to each SSD takes microseconds
  const ChainShape& s = table.shape();
  const double stripe = FileLayout(table, access.stripe, access.seed).stripe();
  const double ssds = std::min(double(s.nodes) * s.ssds_per_node, stripe * s.replicas);
  const auto waves = static_cast<double>(waves_of(phase, clients));
  if (waves * clients * ssds <= kMostLegs) return;
  throw UserError("/partitions",
                  fmt::format("{:.0f} waves of tasks on {} nodes, each striped over {:.0f} SSDs, are too many to simulate", waves, clients, ssds),
                  fmt::format("{:.0f} in all are allowed: use fewer partitions, nodes with more cores, fewer nodes or a smaller stripe", kMostLegs));
}

PhaseTimes phase_times(const SortPhase& phase, const Access& access, const StorageView& storage, std::uint32_t clients) {
  const Limit reading = tightest(read_limits(storage, access, clients)), writing = tightest(write_limits(storage, access, clients));
  const auto waves = static_cast<double>(waves_of(phase, clients));
  return {phase.records * phase.read_ratio / reading.rate, task_compute(phase) * waves, phase.records * phase.write_ratio / writing.rate,
          reading.name, writing.name};
}

}  // namespace weft::workloads::storage

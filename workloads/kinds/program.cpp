// A program in text form, run as it stands: hand-written, or imported from a trace of other tools.
#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_set>

#include <fmt/format.h>

#include "sim/core/random.h"
#include "workloads/basic_workload.h"
#include "workloads/text_program/text_program.h"

namespace weft::workloads {
namespace {

using Kind = NamedOperation::Kind;

struct Loaded {
  NamedProgram program;
  std::vector<std::uint32_t> order;  ///< operation i of the run is program.operations[order[i]]
};

struct Interval {
  double begin, end;
};

/// How long at least one of the intervals lasts.
double covered(std::vector<Interval> list) {
  std::sort(list.begin(), list.end(), [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
  double sum = 0, until = 0;
  for (const Interval& i : list) {
    if (i.end <= until) continue;
    sum += i.end - std::max(i.begin, until);
    until = i.end;
  }
  return sum;
}

void fill(const Loaded& l, const Outcome& o, Row& row) {
  std::map<std::int64_t, std::vector<Interval>> computes;  // by rank; those of no rank are a group
  std::vector<Interval> transfers;
  double bytes = 0;
  for (std::size_t i = 0; i < l.order.size(); ++i) {
    const NamedOperation& op = l.program.operations[l.order[i]];
    const Interval time{o.start[i].value(), o.finish[i].value()};
    if (op.kind == Kind::compute) computes[op.rank ? std::int64_t{op.rank->value} : -1].push_back(time);
    if (op.kind == Kind::transfer) transfers.push_back(time), bytes += op.bytes.value();
  }
  row.set("bytes_B", bytes_cell(Bytes(bytes))).set("time_us", microseconds(o.makespan));
  row.set("transfer_busy_us", covered(std::move(transfers)) * 1e6);
  if (computes.empty()) return;
  double most = -1, sum = 0;
  std::int64_t busiest = -1;
  for (auto& [rank, list] : computes) {
    const double busy = covered(std::move(list));
    sum += busy;
    if (busy > most) most = busy, busiest = rank;
  }
  row.set("compute_busy_us", most * 1e6).set("compute_mean_us", sum * 1e6 / static_cast<double>(computes.size()));
  if (busiest >= 0) row.set("busiest_rank", busiest);
}

class ProgramWorkload final : public BasicWorkload {
 public:
  ProgramWorkload(const Parameters& p, std::string file, std::shared_ptr<const Loaded> loaded)
      : BasicWorkload(p), file_(std::move(file)), loaded_(std::move(loaded)) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    const NamedProgram& p = loaded_->program;
    require_size(cluster);
    require_ways(cluster);
    Case c;
    c.labels.set("program", std::filesystem::path(file_).filename().string()).set("ranks", static_cast<std::int64_t>(p.ranks));
    c.labels.set("operations", static_cast<std::int64_t>(p.operations.size()));
    c.observe = Observe::op_times;
    c.program = [loaded = loaded_](std::size_t) -> std::unique_ptr<Program> { return static_program(loaded->program, loaded->order); };
    c.fill = [loaded = loaded_](std::span<const Outcome> outcomes, Row& row) { workloads::fill(*loaded, outcomes[0], row); };
    return {c};
  }

 private:
  void require_size(const ClusterView& cluster) const {
    const NamedProgram& p = loaded_->program;
    const std::uint32_t per_node = cluster.placement.gpus_per_node();
    if (p.per_node != per_node) {
      throw UserError("/file", fmt::format("{} is written for nodes of {} GPUs, the cluster's have {}", file_, p.per_node, per_node),
                      "change per-node in its second line, or import it again with --per-node");
    }
    if (p.ranks > cluster.placement.ranks()) {
      throw UserError("/file", fmt::format("{} has {} ranks, the cluster has {}", file_, p.ranks, cluster.placement.ranks()),
                      fmt::format("give the cluster {} nodes", p.nodes()));
    }
  }

  /// Engines say which two ends have no path; here the operation is known too.
  void require_ways(const ClusterView& cluster) const {
    std::unordered_set<std::uint64_t> seen;
    for (const NamedOperation& op : loaded_->program.operations) {
      for (const Leg& leg : op.legs) {
        if (leg.from == leg.to || !seen.insert(hash_with(word_of(leg.from), word_of(leg.to))).second) continue;
        const bool storage = leg.from.kind == Endpoint::Kind::storage_nic || leg.to.kind == Endpoint::Kind::storage_nic;
        if (storage && !cluster.storage_nic) {
          throw UserError("/file", fmt::format("{}: \"{}\" uses a storage NIC, the cluster's nodes have none", file_, op.name),
                          "choose a node that has one");
        }
        for (const Endpoint& e : {leg.from, leg.to}) require_storage_end(cluster, op, e);
        if (cluster.reachable(leg.from, leg.to)) continue;
        const bool rails = leg.from.node != leg.to.node && leg.from.local != leg.to.local && !on_storage_network(leg.from) && !on_storage_network(leg.to);
        throw UserError("/file",
                        fmt::format("{}: \"{}\": there is no path from {} to {}", file_, op.name, end_text(loaded_->program, leg.from),
                                    end_text(loaded_->program, leg.to)),
                        rails ? "planes of an MPFT do not meet: go via the GPU of the sender's node that has the receiver's number" : "");
      }
    }
  }

  void require_storage_end(const ClusterView& cluster, const NamedOperation& op, const Endpoint& e) const {
    if (!in_storage_node(e)) return;
    const StorageView& s = cluster.storage;
    if (e.node.value < s.nodes && e.local < (e.kind == Endpoint::Kind::ssd ? s.ssds_per_node : s.nics_per_node)) return;
    const std::string text = fmt::format("{}: \"{}\" uses {}", file_, op.name, end_text(loaded_->program, e));
    if (s.nodes == 0) throw UserError("/file", text + ", the cluster has no storage nodes", "give /cluster/storage");
    throw UserError("/file", fmt::format("{}, the cluster has {} storage nodes with {} SSDs and {} NICs each", text, s.nodes, s.ssds_per_node, s.nics_per_node),
                    "they are counted from 0");
  }

  std::string file_;
  std::shared_ptr<const Loaded> loaded_;
};

/// As given, else below weft's own data.
std::string found_file(const std::string& given, const DataPlaces* data) {
  std::error_code error;
  if (std::filesystem::exists(given, error) || data == nullptr || std::filesystem::path(given).is_absolute()) return given;
  for (const std::filesystem::path& root : data->roots()) {
    if (std::filesystem::is_regular_file(root / given, error)) return (root / given).string();
  }
  return given;
}

/// Empty when the file cannot be read; then the reader's problems say why.
std::shared_ptr<const Loaded> load(const std::string& given, const DataPlaces* data, Parameters& p) {
  auto loaded = std::make_shared<Loaded>();
  if (given.empty()) return loaded;
  if (given == "-") {
    p.where().fail_at("file", "a program cannot come from standard input", "write it to a file");
    return loaded;
  }
  try {
    const std::string text = read_file(found_file(given, data), std::size_t{1} << 30);
    loaded->program = read_text_program(text, given);
    loaded->order = operation_order(waits_of(loaded->program)).order;
    p.remember("digest", fmt::format("fnv1a64:{:016x}", hash_name(text)));
    if (loaded->order.empty()) p.where().fail_at("file", given + " has no operation", "write one a line: a: compute 1 ms");
  } catch (const UserError& e) {
    for (const Problem& problem : e.problems())
      p.where().fail_at("file", to_text({problem.file, problem.place, problem.message, ""}), problem.hint);
  }
  return loaded;
}

}  // namespace

WorkloadKind program_kind() {
  WorkloadKind k;
  k.name = "program";
  k.title = "a program in text form";
  k.summary =
      "Runs a program that is written by hand or imported (weft import) on the cluster: computes in streams, transfers, markers, each "
      "behind what it "
      "waits for. The form is described in workloads/text_program/README.md.";
  k.parameters = {
      {"file", "the program (due): a path relative to where weft runs, or to weft's own data (scenarios/programs/two_micro_batches.weft)"}};
  k.columns = {{"program", "name of the file"},
               {"ranks", "GPUs that it speaks of"},
               {"operations", "its lines"},
               {"bytes_B", "bytes of all transfers"},
               {"time_us", "until the last operation has finished"},
               {"transfer_busy_us", "time in which a transfer is under way, anywhere"},
               {"compute_busy_us", "time in which the busiest rank computes, whatever the number of its streams"},
               {"compute_mean_us", "the same, mean over ranks that compute"},
               {"busiest_rank", "the one that computes longest"}};
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    const std::string file = p.text_due("file");
    std::shared_ptr<const Loaded> loaded = load(file, context.data, p);
    return std::make_unique<ProgramWorkload>(p, file, std::move(loaded));
  };
  return k;
}

}  // namespace weft::workloads

// GraySort in two phases: partition all records by key through storage, then sort every partition.
#include <fmt/format.h>

#include "workloads/storage/sort_phase.h"

namespace weft::workloads {
namespace {

using namespace storage;

const char* const kRateSource =
    "measured: DuckDB 1.5.6, one thread on an AMD EPYC of 2024 (Zen 5), 20 million records of 100 B from and to "
    "uncompressed Parquet in "
    "memory";

class GraySort final : public StorageWorkload {
 public:
  GraySort(const Parameters& p, Access access, std::vector<SortPhase> phases, std::int64_t clients)
      : StorageWorkload(p, access), phases_(std::move(phases)), clients_(clients) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    const std::uint32_t clients = clients_of(cluster, clients_, "/clients");
    const auto table = std::make_shared<const ChainTable>(table_of(cluster));
    require_few_waves(phases_[0], *table, access_, clients);  // the second has as many tasks
    std::vector<PhaseTimes> alone;
    for (const SortPhase& p : phases_) alone.push_back(phase_times(p, access_, cluster.storage, clients));
    Case c;
    c.labels.set("clients", std::int64_t{clients}).set("records_B", bytes_cell(phases_[0].records));
    const auto program = [table, clients, view = cluster.storage, access = access_](const SortPhase& phase) {
      return
          [=](std::size_t) -> std::unique_ptr<Program> { return sort_program(phase, *table, access, view, clients); };
    };
    c.program = program(phases_[0]);
    c.then.push_back({program(phases_[1]), {}});
    c.fill = [records = phases_[0].records, alone](std::span<const Outcome> o, Row& row) {
      fill(records, alone, o[0], row);
    };
    return {c};
  }

  std::vector<ConstantUsed> constants() const override {
    std::vector<ConstantUsed> all = StorageWorkload::constants();
    for (const SortPhase& p : phases_)
      all.push_back({"graysort: " + p.name + "_rate", to_text(p.core_rate) + " a core", Origin::measured, kRateSource});
    return all;
  }

  std::vector<std::string> notes() const override {
    return {
        "each phase's read_s, compute_s and write_s are what its reading, computing and writing would take alone, "
        "spread evenly; tasks "
        "that do not overlap take them one after the other"};
  }

 private:
  static void fill(Bytes records, const std::vector<PhaseTimes>& alone, const Outcome& o, Row& row) {
    const Seconds phases[] = {o.makespan, o.then[0]};
    const Seconds total = phases[0] + phases[1];
    row.set("total_s", total.value()).set("TiB_per_min", tib_per_second(records / total) * 60);
    const char* const names[] = {"partition", "sort"};
    for (std::size_t i = 0; i < 2; ++i) {
      const std::string n = names[i];
      row.set(n + "_s", phases[i].value()).set(n + "_bound_by", alone[i].bound_by());
      row.set(n + "_read_s", alone[i].read.value())
          .set(n + "_compute_s", alone[i].compute.value())
          .set(n + "_write_s", alone[i].write.value());
    }
  }

  std::vector<SortPhase> phases_;
  std::int64_t clients_;
};

std::vector<ColumnDoc> columns() {
  std::vector<ColumnDoc> all = {{"clients", "nodes that sort"},
                                {"records_B", "bytes of all records"},
                                {"total_s", "both phases"},
                                {"TiB_per_min", "records over that time"}};
  for (const auto& [name, what] :
       {std::pair<std::string, std::string>{"partition", "the first phase"}, {"sort", "the second phase"}}) {
    all.push_back({name + "_s", what});
    all.push_back({name + "_bound_by", "what of " + what + " takes longest by itself"});
    all.push_back({name + "_read_s", "reading alone would take", true});
    all.push_back({name + "_compute_s", "computing alone would take", true});
    all.push_back({name + "_write_s", "writing all replicas alone would take", true});
  }
  return all;
}

std::vector<ColumnDoc> parameter_docs() {
  return {{"clients", "nodes that sort; default: all"},
          {"records", "bytes of all records; default 110.5 TiB"},
          {"partitions", "tasks of each phase; default 8192"},
          {"cores", "of a node; default 192"},
          {"cores_per_task", "default 8, smallpond's for sorting (benchmarks/gray_sort_benchmark.py)"},
          {"partition_rate", std::string("records that a core partitions; default 99 MB/s (8192 partitions: a table "
                                         "sorted by partition, written one by one, as smallpond does). ") +
                                 kRateSource},
          {"sort_rate", std::string("records that a core sorts by key; default 107 MB/s. ") + kRateSource},
          {"stored_ratio",
           "bytes in storage for a byte of records before they are sorted; default 1.2: smallpond keeps partition "
           "number, key and record in Parquet, 120 B for 100 B"},
          {"sort_read_ratio", "of these, what sorting reads; default 1.18: key and record"},
          {"sorted_ratio", "bytes written for a byte of sorted records; default 1"},
          {"overlap",
           "false (default): a task reads, computes and writes in turn; true: the next tasks read, and those before "
           "write, while tasks compute"}};
}

/// Both phases: they have the same tasks, and rates and bytes of their own.
std::vector<SortPhase> read_phases(Parameters& p) {
  JsonReader& where = p.where();
  SortPhase first;
  first.name = "partition";
  first.records = p.size("records", "110.5 TiB");
  first.tasks = p.integer("partitions", 8192, 1, 1 << 20);
  first.cores = static_cast<std::uint32_t>(p.integer("cores", 192, 1, 1 << 16));
  first.cores_per_task = static_cast<std::uint32_t>(p.integer("cores_per_task", 8, 1, 1 << 16));
  first.overlap = p.boolean("overlap", false);
  SortPhase second = first;
  second.name = "sort";
  const auto rate = [&](const char* key, double fallback) {
    const auto r = where.quantity_or<BytesPerSecond>(key, BytesPerSecond(fallback));
    p.remember(key, to_text(r));
    return r;
  };
  first.core_rate = rate("partition_rate", 99e6);
  second.core_rate = rate("sort_rate", 107e6);
  const auto ratio = [&](const char* key, double fallback) {
    const double r = where.number_or(key, fallback, 0.001, 1000);
    p.remember(key, fmt::format("{}", r));
    return r;
  };
  first.read_ratio = first.write_ratio = ratio("stored_ratio", 1.2);
  second.read_ratio = ratio("sort_read_ratio", 1.18);
  second.write_ratio = ratio("sorted_ratio", 1);
  if (first.cores_per_task > first.cores)
    where.fail_at("cores_per_task",
                  fmt::format("a task wants {} cores, a node has {}", first.cores_per_task, first.cores),
                  "give tasks fewer");
  return {first, second};
}

}  // namespace

WorkloadKind graysort_kind() {
  WorkloadKind k;
  k.name = "graysort";
  k.title = "GraySort: partition, then sort";
  k.summary =
      "Phase one reads records, partitions them by key and writes the partitions; phase two reads each partition, "
      "sorts and writes it. On "
      "every node so many tasks run as its cores allow, each "
      "of which reads, computes and writes in turn, as smallpond's tasks do. Files are striped over all chains and "
      "written with all their "
      "replicas.";
  k.parameters = with_access(parameter_docs());
  k.columns = columns();
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    const std::int64_t clients = read_clients(p, 0);
    std::vector<SortPhase> phases = read_phases(p);
    const Access access = read_access(p);
    return std::make_unique<GraySort>(p, access, std::move(phases), clients);
  };
  return k;
}

}  // namespace weft::workloads

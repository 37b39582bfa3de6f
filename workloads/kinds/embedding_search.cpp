// Searches that read small pieces from storage at random: bound by reads a second, of the SSDs or of the client's software.
#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "sim/core/random.h"
#include "workloads/static_program.h"
#include "workloads/storage/access.h"

namespace weft::workloads {
namespace {

using namespace storage;

struct SearchPlan {
  std::int64_t queries = 0, reads = 0;
  Bytes size;
  double client_iops = 0;  ///< zero: no limit of its own
};

/// How many reads of a client's batch go to which SSD.
std::vector<std::uint32_t> reads_by_ssd(const ChainTable& table, std::uint64_t seed, std::uint32_t client, std::int64_t reads) {
  std::vector<std::uint32_t> count(std::size_t{table.shape().nodes} * table.shape().ssds_per_node);
  Draws draws(seed, "embedding", client);
  for (std::int64_t i = 0; i < reads; ++i) {
    const auto chain = table.chain(static_cast<std::uint32_t>(draws.below(table.size())));
    const Target& t = chain[draws.below(chain.size())];
    ++count[t.node * table.shape().ssds_per_node + t.ssd];
  }
  return count;
}

/// A batch: the client issues its reads one after the other, each SSD works through what comes to it, and the bytes travel; each takes its
/// time, and the slowest decides.
std::unique_ptr<StaticProgram> search_program(const SearchPlan& plan, const ChainTable& table, const Access& access,
                                              const StorageView& view, std::uint32_t clients) {
  auto program = std::make_unique<StaticProgram>();
  StaticProgram::TransferOptions options;
  options.kernel = program->add_kernel(access.kernel);
  options.extra_latency = access.latency;
  const std::int64_t reads = plan.queries * plan.reads;
  std::vector<std::uint64_t> at_ssd(std::size_t{view.nodes} * view.ssds_per_node);
  std::vector<Leg> legs;
  for (std::uint32_t c = 0; c < clients; ++c) {
    legs.clear();
    const auto count = reads_by_ssd(table, access.seed, c, reads);
    for (std::uint32_t s = 0; s < count.size(); ++s) {
      at_ssd[s] += count[s];
      if (count[s] > 0)
        legs.push_back({ssd_end({s / view.ssds_per_node, s % view.ssds_per_node}), client_end(c), double(count[s]) / double(reads)});
    }
    options.flow_key = c;
    program->add_transfer(plan.size * static_cast<double>(reads), legs, options);
    if (plan.client_iops > 0) program->add_compute(StreamId(c), access.latency + Seconds(static_cast<double>(reads) / plan.client_iops));
  }
  for (std::uint32_t s = 0; s < at_ssd.size(); ++s)
    program->add_compute(StreamId(clients + s), access.latency + Seconds(static_cast<double>(at_ssd[s]) / view.ssd_read_iops));
  return program;
}

class EmbeddingSearch final : public StorageWorkload {
 public:
  EmbeddingSearch(const Parameters& p, Access access, SearchPlan plan, std::int64_t clients, std::vector<std::string> interfaces,
                  double fuse)
      : StorageWorkload(p, access), plan_(plan), clients_(clients), interfaces_(std::move(interfaces)), fuse_(fuse) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    const std::uint32_t clients = clients_of(cluster, clients_, "/clients");
    if (plan_.queries * plan_.reads * clients > 50'000'000)
      throw UserError("/queries", fmt::format("{} queries x {} reads x {} nodes are too many to draw", plan_.queries, plan_.reads, clients),
                      "50 million reads are allowed: use fewer queries");
    const auto table = std::make_shared<const ChainTable>(table_of(cluster));
    std::vector<Case> cases;
    for (const std::string& name : interfaces_) {
      SearchPlan plan = plan_;
      if (name == "fuse") plan.client_iops = fuse_;
      Case c;
      c.labels.set("interface", name).set("clients", std::int64_t{clients}).set("read_size_B", bytes_cell(plan.size));
      c.program = [table, clients, plan, access = access_, view = cluster.storage](std::size_t) -> std::unique_ptr<Program> {
        return search_program(plan, *table, access, view, clients);
      };
      c.fill = [plan, clients, view = cluster.storage, limits = limits_of(plan, cluster, clients)](std::span<const Outcome> o, Row& row) {
        fill(plan, clients, limits, o[0].makespan, row);
      };
      cases.push_back(std::move(c));
    }
    return cases;
  }

 private:
  /// In bytes a second, reads of the plan's size.
  std::vector<Limit> limits_of(const SearchPlan& plan, const ClusterView& cluster, std::uint32_t clients) const {
    const StorageView& s = cluster.storage;
    std::vector<Limit> limits = read_limits(s, access_, clients);
    limits.push_back({"SSD reads a second", BytesPerSecond(plan.size.value() * s.ssd_read_iops * s.nodes * s.ssds_per_node)});
    if (plan.client_iops > 0) limits.push_back({"client reads a second", BytesPerSecond(plan.size.value() * plan.client_iops * clients)});
    return limits;
  }

  static void fill(const SearchPlan& plan, std::uint32_t clients, const std::vector<Limit>& limits, Seconds time, Row& row) {
    const double reads = static_cast<double>(plan.queries * plan.reads) * clients;
    row.set("batch_ms", time.value() * 1e3)
        .set("reads_per_s", reads / time.value())
        .set("queries_per_s", static_cast<double>(plan.queries) * clients / time.value());
    row.set("limit_reads_per_s", tightest(limits).rate.value() / plan.size.value()).set("bound_by", tightest(limits).name);
  }

  SearchPlan plan_;
  std::int64_t clients_;
  std::vector<std::string> interfaces_;
  double fuse_;
};

}  // namespace

WorkloadKind embedding_search_kind() {
  WorkloadKind k;
  k.name = "embedding_search";
  k.title = "searches read small pieces at random";
  k.summary =
      "Each node has a batch of queries, each of which reads pieces of an index from all over storage. SSDs have a number of small reads a "
      "second, and so has a client that goes through FUSE. "
      "limit_reads_per_s is a closed form with even load; the batch is simulated with reads drawn, so that the busiest SSD decides.";
  k.parameters = with_access({{"clients", "nodes that search; default: all"},
                              {"queries", "of each node's batch; default 1000"},
                              {"reads_per_query", "default 100 (assumed: nodes of a graph index that a search visits)"},
                              {"read_size", "default 4 KiB"},
                              {"interface", "a word or a list: \"native\" (asynchronous, zero-copy), \"fuse\"; default both"},
                              {"fuse_iops",
                               "reads a second of a client through FUSE; default 400000: 3FS design notes, \"approximately 400K 4KiB reads "
                               "per second\" (shared queue's spin lock)"},
                              {"native_iops", "reads a second of a native client; 0 (default): no limit of its own is published"}});
  k.columns = {{"interface", "how the client reads"},
               {"clients", "nodes that search"},
               {"read_size_B", "bytes of a read"},
               {"batch_ms", "until all queries are answered"},
               {"reads_per_s", "reads over that time, all clients together"},
               {"queries_per_s", "queries over that time, all clients together"},
               {"limit_reads_per_s", "what the tightest limit would allow if the load were even"},
               {"bound_by", "that limit's name"}};
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    SearchPlan plan;
    const std::int64_t clients = read_clients(p, 0);
    plan.queries = p.integer("queries", 1000, 1, 1 << 24);
    plan.reads = p.integer("reads_per_query", 100, 1, 1 << 24);
    plan.size = p.size("read_size", "4 KiB");
    std::vector<std::string> interfaces = p.words("interface", {"native", "fuse"}, {"native", "fuse"});
    const auto fuse = static_cast<double>(p.integer("fuse_iops", 400000, 1, 1 << 30));
    plan.client_iops = static_cast<double>(p.integer("native_iops", 0, 0, 1 << 30));
    const Access access = read_access(p);
    return std::make_unique<EmbeddingSearch>(p, access, plan, clients, std::move(interfaces), fuse);
  };
  return k;
}

}  // namespace weft::workloads

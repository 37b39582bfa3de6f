// Client nodes read the KV caches of requests from storage: prefixes that were met before, instead of computing them again.
#include <cmath>

#include <fmt/format.h>

#include "workloads/storage/loops.h"

namespace weft::workloads {
namespace {

using namespace storage;

struct KvSizes {
  std::int64_t tokens = 0;  ///< of a request
  std::int64_t block_tokens = 64;
  Bytes per_token;
};

class KvCacheRead final : public StorageWorkload {
 public:
  KvCacheRead(const Parameters& p, Access access, LoopPlan plan, KvSizes sizes, std::int64_t clients)
      : StorageWorkload(p, access), plan_(plan), sizes_(sizes), clients_(clients) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    LoopPlan plan = plan_;
    plan.clients = clients_of(cluster, clients_, "/clients");
    Loop loop = loop_of(plan, cluster, access_, table_of(cluster));
    loop.run.labels.set("clients", std::int64_t{plan.clients})
        .set("request_tokens", sizes_.tokens)
        .set("in_flight", std::int64_t{plan.in_flight});
    loop.run.fill = [plan, sizes = sizes_, shape = loop.shape, limits = loop_limits(plan, cluster, access_), nodes = cluster.storage.nodes](
                        std::span<const Outcome> o, Row& row) {
      const SteadyRate steady = steady_rate(o[0], shape, plan.clients, tightest(limits).rate);
      fill_rates(steady, limits, plan.clients, nodes, row);
      const double request = sizes.per_token.value() * static_cast<double>(sizes.tokens);
      row.set("requests_per_s", steady.rate.value() / request).set("tokens_per_s", steady.rate.value() / sizes.per_token.value());
    };
    return {loop.run};
  }

 private:
  LoopPlan plan_;
  KvSizes sizes_;
  std::int64_t clients_;
};

}  // namespace

WorkloadKind kv_cache_read_kind() {
  WorkloadKind k;
  k.name = "kv_cache_read";
  k.title = "KV caches of requests are read from storage";
  k.summary =
      "Each client node reads the KV caches of requests from chunks all over the storage nodes, a block of tokens a read, so many blocks "
      "in flight whatever request they belong to.";
  k.parameters = with_access({{"clients", "nodes that read; default 1"},
                              {"tokens", "of each request that are cached; default 4096"},
                              {"bytes_per_token", "default 70272 B: DeepSeek-V3 in BF16, 61 layers of 576 numbers"},
                              {"block_tokens", "tokens of a block, which is a read; default 64, FlashMLA's page"},
                              {"requests", "requests of each client; default 16"},
                              loop_docs("blocks")[0]});
  k.columns = {
      {"clients", "nodes that read"}, {"request_tokens", "cached tokens of a request"}, {"in_flight", "blocks of a client in flight"}};
  for (ColumnDoc& d : rate_columns()) k.columns.push_back(std::move(d));
  k.columns.push_back({"requests_per_s", "requests whose caches are read, all clients together"});
  k.columns.push_back({"tokens_per_s", "tokens whose caches are read, all clients together"});
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    LoopPlan plan;
    KvSizes sizes;
    plan.name = "read KV";
    plan.count_key = "requests";
    const std::int64_t clients = read_clients(p, 1);
    sizes.tokens = p.integer("tokens", 4096, 1, std::int64_t{1} << 40);
    sizes.per_token = p.size("bytes_per_token", "70272 B");
    sizes.block_tokens = p.integer("block_tokens", 64, 1, std::int64_t{1} << 40);
    const std::int64_t requests = p.integer("requests", 16, 1, 1 << 20);
    plan.in_flight = static_cast<std::uint32_t>(p.integer("in_flight", 32, 1, 1 << 16));
    const Access access = read_access(p);
    if (sizes.block_tokens > sizes.tokens)
      where.fail_at("block_tokens", fmt::format("a block of {} tokens is larger than a request of {}", sizes.block_tokens, sizes.tokens),
                    "make the block smaller");
    const std::int64_t blocks = (sizes.tokens + sizes.block_tokens - 1) / sizes.block_tokens;
    // A request's bytes in equal blocks, so that its last one is no longer than it is.
    plan.size = sizes.per_token * (static_cast<double>(sizes.tokens) / static_cast<double>(blocks));
    if (blocks * requests > (1 << 24))
      where.fail_at("requests", fmt::format("{} requests of {} blocks are too many to simulate", requests, blocks),
                    "use fewer requests or larger blocks");
    plan.requests = static_cast<std::uint32_t>(blocks * requests);
    plan.in_flight = std::min(plan.in_flight, plan.requests);
    return std::make_unique<KvCacheRead>(p, access, plan, sizes, clients);
  };
  return k;
}

}  // namespace weft::workloads

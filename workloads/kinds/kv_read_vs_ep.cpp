// A GPU's PCIe link carries what expert parallelism brings and KV cache that comes from host memory: who gets how much of it.
#include <algorithm>

#include <fmt/format.h>

#include "workloads/basic_workload.h"
#include "workloads/static_program.h"

namespace weft::workloads {
namespace {

/// A flow of so large a weight leaves the others a millionth of a share: strict priority to six digits.
constexpr double kFirst = 1e6;

/// The GPUs of a node that read at once, and what its memory gives them together.
struct Readers {
  std::uint32_t gpus = 1;
  std::optional<BytesPerSecond> memory;
};

class KvReadVsEp final : public BasicWorkload {
 public:
  KvReadVsEp(const Parameters& p, BytesPerSecond ep, BytesPerSecond kv, Readers readers, std::vector<std::string> priorities, bool from_storage)
      : BasicWorkload(p), ep_(ep), kv_(kv), readers_(readers), priorities_(std::move(priorities)), from_storage_(from_storage) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    if (cluster.placement.nodes() < 2)
      throw UserError("/cluster/nodes", "the traffic of expert parallelism comes from another node, and there is one only",
                      "give the cluster two nodes");
    if (from_storage_ && (cluster.storage.nodes == 0 || !cluster.storage_nic))
      throw UserError("/kv_from", "KV cache is to come from storage nodes, and the cluster has none or no NIC to reach them",
                      "use \"host\", or give the cluster storage");
    if (readers_.gpus > cluster.placement.gpus_per_node())
      throw UserError("/gpus", fmt::format("{} GPUs of a node that has {}", readers_.gpus, cluster.placement.gpus_per_node()), "at most all of them can read");
    std::vector<Case> cases;
    for (const std::string& priority : priorities_) cases.push_back(case_of(priority));
    return cases;
  }

 private:
  Case case_of(const std::string& priority) const {
    Case c;
    c.labels.set("priority", priority);
    c.observe = Observe::first_rates;
    // All readers are alike: memory gives each its even part.
    const BytesPerSecond each = readers_.memory ? std::min(kv_, *readers_.memory / readers_.gpus) : kv_;
    c.program = [ep = ep_, each, priority, gpus = readers_.gpus, storage = from_storage_](std::size_t) {
      auto program = std::make_unique<StaticProgram>();
      for (std::uint32_t g = 0; g < gpus; ++g) add_gpu(*program, g, ep, each, priority, storage);
      return program;
    };
    c.fill = [ep = ep_, kv = kv_, gpus = readers_.gpus](std::span<const Outcome> o, Row& row) {
      BytesPerSecond to_ep = o[0].first_rate[0], to_kv = o[0].first_slowest[1];
      for (std::uint32_t g = 0; g < gpus; ++g) {
        to_ep = std::min(to_ep, o[0].first_rate[2 * g]);
        to_kv = std::min(to_kv, o[0].first_slowest[2 * g + 1]);
      }
      row.set("ep_GBps", gigabytes_per_second(to_ep)).set("kv_GBps", gigabytes_per_second(to_kv));
      row.set("ep_slowdown", ep / to_ep).set("kv_slowdown", kv / to_kv);
    };
    return c;
  }

  static void add_gpu(StaticProgram& program, std::uint32_t gpu, BytesPerSecond ep, BytesPerSecond kv, const std::string& priority, bool storage) {
    const Place here{NodeId(0), gpu}, there{NodeId(1), gpu};
    const Endpoint host{Endpoint::Kind::host, NodeId(0), 0}, ssd{Endpoint::Kind::ssd, NodeId(0), 0};
    // Expert parallelism: GPUDirect RDMA from another node's NIC. KV: a copy from host memory, or on its way through it.
    const Leg expert[] = {{nic_end(there), gpu_end(here), 1}};
    const Leg cache[] = {{host, gpu_end(here), 1}, {ssd, host, 1}};
    StaticProgram::TransferOptions options;
    options.rate_cap = ep;
    options.weight = priority == "ep_first" ? kFirst : 1;
    program.add_transfer(Bytes(1e9), expert, options);
    options.rate_cap = kv;
    options.weight = priority == "kv_first" ? kFirst : 1;
    program.add_transfer(Bytes(1e9), std::span(cache, storage ? 2 : 1), options);
  }

  BytesPerSecond ep_, kv_;
  Readers readers_;
  std::vector<std::string> priorities_;
  bool from_storage_;
};

}  // namespace

WorkloadKind kv_read_vs_ep_kind() {
  WorkloadKind k;
  k.name = "kv_read_vs_ep";
  k.title = "KV cache read beside expert parallelism, on a GPU's PCIe link";
  k.summary =
      "A GPU receives what its NIC gets from other nodes (GPUDirect RDMA) and KV cache from host memory, both over its x16 link. Today "
      "they share it evenly (max-min); with priorities one of "
      "them takes what it wants first. Rates are those of the first moment.";
  k.parameters = {{"ep_rate",
                   "what expert parallelism brings when nothing is in its way; default 45 GB/s (arXiv:2505.09343 section 4.5.2 tells of "
                   "the contention; the rate is that of all-to-all kernels)"},
                  {"kv_rate", "what KV reads bring when nothing is in their way; default 30 GB/s (assumed)"},
                  {"priority", "a word or a list: \"max_min\" (today), \"ep_first\", \"kv_first\"; default all three"},
                  {"gpus", "GPUs of the node that read at once, each beside exchanges of its own; default 1"},
                  {"host_memory_rate", "what the node's memory gives all of them together; default: as much as they take"},
                  {"kv_from", "\"host\" memory (default), or \"storage\": from an SSD through host memory"}};
  k.columns = {{"priority", "who goes first"},
               {"ep_GBps", "rate of expert parallelism into the GPU"},
               {"kv_GBps", "rate of KV cache into the GPU"},
               {"ep_slowdown", "how many times longer an exchange takes than without KV reads"},
               {"kv_slowdown", "how many times longer a KV read takes than without exchanges"}};
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    const auto rate = [&](const char* key, double fallback) {
      const auto r = where.quantity_or<BytesPerSecond>(key, BytesPerSecond(fallback));
      p.remember(key, to_text(r));
      return r;
    };
    const BytesPerSecond ep = rate("ep_rate", 45e9), kv = rate("kv_rate", 30e9);
    Readers readers;
    if (where.has("gpus")) readers.gpus = static_cast<std::uint32_t>(p.integer("gpus", 1, 1, 1024));
    if (where.has("host_memory_rate")) readers.memory = rate("host_memory_rate", 0);
    std::vector<std::string> priorities = p.words("priority", {"max_min", "ep_first", "kv_first"}, {"max_min", "ep_first", "kv_first"});
    const bool storage = p.word("kv_from", {"host", "storage"}, "host") == "storage";
    return std::make_unique<KvReadVsEp>(p, ep, kv, readers, std::move(priorities), storage);
  };
  return k;
}

}  // namespace weft::workloads

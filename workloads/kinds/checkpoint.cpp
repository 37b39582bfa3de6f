// All nodes write a training state to storage in parallel, and read it back when they start again.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workloads/static_program.h"
#include "workloads/storage/access.h"

namespace weft::workloads {
namespace {

using namespace storage;

/// One transfer a node, all at once: its share of the state, striped over the chains of a file of its own.
std::unique_ptr<StaticProgram> checkpoint_program(const ChainTable& table, const Access& access, const StorageView& view,
                                                  std::uint32_t clients, Bytes each, bool writes) {
  auto program = std::make_unique<StaticProgram>();
  StaticProgram::TransferOptions options;
  options.kernel = program->add_kernel(access.kernel);
  options.extra_latency = access.latency;
  const FileLayout layout(table, access.stripe, access.seed);
  for (std::uint32_t c = 0; c < clients; ++c) {
    const auto legs = writes ? striped_write(table, layout, c, client_end(c), view) : striped_read(table, layout, c, client_end(c));
    options.flow_key = c;
    program->add_transfer(each, legs, options);
  }
  return program;
}

class Checkpoint final : public StorageWorkload {
 public:
  Checkpoint(const Parameters& p, Access access, Bytes state, std::int64_t clients)
      : StorageWorkload(p, access), state_(state), clients_(clients) {}

  std::vector<Case> cases(const ClusterView& cluster) const override {
    const std::uint32_t clients = clients_of(cluster, clients_, "/clients");
    const auto table = std::make_shared<const ChainTable>(table_of(cluster));
    const auto part = [table, clients, access = access_, view = cluster.storage, each = state_ / double(clients)](bool writes) {
      return [=](std::size_t) -> std::unique_ptr<Program> { return checkpoint_program(*table, access, view, clients, each, writes); };
    };
    Case c;
    c.labels.set("clients", std::int64_t{clients}).set("state_B", bytes_cell(state_));
    c.program = part(true);
    c.then.push_back({part(false), {}});
    c.fill = [state = state_, writes = write_limits(cluster.storage, access_, clients),
              reads = read_limits(cluster.storage, access_, clients)](std::span<const Outcome> o, Row& row) {
      const Seconds write = o[0].makespan, read = o[0].then[0];
      row.set("write_s", write.value())
          .set("write_TiBps", tib_per_second(state / write))
          .set("write_bound_by", bound_by(writes, state / write));
      row.set("read_s", read.value()).set("read_TiBps", tib_per_second(state / read)).set("read_bound_by", bound_by(reads, state / read));
    };
    return {c};
  }

 private:
  Bytes state_;
  std::int64_t clients_;
};

}  // namespace

WorkloadKind checkpoint_kind() {
  WorkloadKind k;
  k.name = "checkpoint";
  k.title = "a training state is written to storage, and read back";
  k.summary =
      "Every node writes an equal share of the state from host memory into a file of its own, all at once; then every node reads one back. "
      "The copy from GPU to host memory, which training "
      "waits for, is no part of it.";
  k.parameters = with_access({{"clients", "nodes that hold the state; default: all"},
                              {"state", "bytes of the state; or"},
                              {"parameters", "parameters of the model, times"},
                              {"bytes_per_parameter",
                               "kept of each: weights and optimiser; default 10 (BF16 weight, FP32 master, two BF16 moments: DeepSeek-V3, "
                               "arXiv:2412.19437 section 3.3)"}});
  k.columns = {{"clients", "nodes that hold the state"},         {"state_B", "bytes of the state"},
               {"write_s", "until every replica has all of it"}, {"write_TiBps", "state over that time"},
               {"write_bound_by", "what limits the write"},      {"read_s", "until every node has its share back"},
               {"read_TiBps", "state over that time"},           {"read_bound_by", "what limits the read"}};
  k.read = [](JsonReader& where, const WorkloadContext& context) -> std::unique_ptr<Workload> {
    Parameters p(where, context);
    const std::int64_t clients = read_clients(p, 0);
    Bytes state(1);
    if (where.has("state") == where.has("parameters")) {
      where.fail("expected either \"state\" or \"parameters\"", R"("parameters": 671e9, or "state": "6.7 TB")");
      where.has("bytes_per_parameter");
    } else if (where.has("state")) {
      state = p.size("state", "1 B");
    } else {
      const double parameters = where.number("parameters", 1, 1e18), each = where.number_or("bytes_per_parameter", 10, 0.125, 1000);
      p.remember("parameters", Json(parameters));
      p.remember("bytes_per_parameter", Json(each));
      state = Bytes(parameters * each);
    }
    const Access access = read_access(p);
    return std::make_unique<Checkpoint>(p, access, state, clients);
  };
  return k;
}

}  // namespace weft::workloads

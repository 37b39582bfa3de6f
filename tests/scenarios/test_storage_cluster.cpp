#include <doctest/doctest.h>

#include <filesystem>

#include "models/communication.h"
#include "scenarios/cluster.h"
#include "sim/engine/engines.h"
#include "tests/scenarios/support.h"
#include "workloads/static_program.h"

using namespace weft;
using namespace weft::scenarios;

namespace {

std::unique_ptr<Cluster> read_cluster(const std::string& text) {
  Problems problems;
  const Json json = parse_json(text, "");
  auto c = Cluster::read(JsonReader(json, "s.json", problems, "/cluster"), test::data(), 1);
  problems.throw_if_any();
  return c;
}

/// A cluster of `nodes` nodes with what else is given.
std::string cluster_text(std::uint32_t nodes, const std::string& more) {
  return R"({"node": "h800", "nodes": )" + std::to_string(nodes) + R"(, "topology": {"kind": "mpft"}, "transport": "ideal")" + more + "}";
}

std::string problem_of(const std::string& text) {
  try {
    read_cluster(text);
  } catch (const UserError& e) {
    return e.what();
  }
  return "none";
}

Endpoint host(std::uint32_t node) { return {Endpoint::Kind::host, NodeId(node), 0}; }
Endpoint gpu(std::uint32_t node, std::uint32_t local) { return {Endpoint::Kind::gpu, NodeId(node), local}; }
Endpoint ssd(std::uint32_t node, std::uint32_t local) { return {Endpoint::Kind::ssd, NodeId(node), local}; }

struct Flow {
  Endpoint from, to;
};

/// Bytes a second of all flows together when each has 1 GB, by an engine.
double rate_of(const Cluster& cluster, const std::vector<Flow>& flows, const std::optional<workloads::CommKernel>& kernel = {},
               const std::string& engine = "fluid") {
  workloads::StaticProgram p;
  workloads::StaticProgram::TransferOptions o;
  o.latency_mode = workloads::LatencyMode::none;
  if (kernel) o.kernel = p.add_kernel(*kernel);
  for (const Flow& f : flows) {
    const workloads::Leg leg{f.from, f.to, 1};
    p.add_transfer(Bytes(1e9), {&leg, 1}, o);
  }
  topology::Router router(cluster.fabric(), cluster.routing());
  engine::TimelineSink nobody;
  return 1e9 * static_cast<double>(flows.size()) / engine::engine_named(engine, "").run(router, p, {}, nobody).makespan.value();
}

/// Every client reads from every SSD.
std::vector<Flow> reads(std::uint32_t clients, std::uint32_t nodes, std::uint32_t ssds = 16) {
  std::vector<Flow> flows;
  for (std::uint32_t c = 0; c < clients; ++c)
    for (std::uint32_t n = 0; n < nodes; ++n)
      for (std::uint32_t s = 0; s < ssds; ++s) flows.push_back({ssd(n, s), host(c)});
  return flows;
}

}  // namespace

TEST_CASE("a view knows the storage nodes, and the result what they are, only where there are some") {
  const auto c = read_cluster(cluster_text(4, R"(, "storage": {"node": "threefs_2025", "nodes": 3})"));
  topology::Router router(c->fabric(), c->routing());
  const workloads::StorageView s = c->view(router).storage;
  CHECK(s.nodes == 3);
  CHECK(s.nics_per_node == 2);
  CHECK(s.ssds_per_node == 16);
  CHECK(s.nic_rate.value() == 25e9);
  CHECK(s.ssd_read.value() == 6.2e9);
  CHECK(s.ssd_write.value() == 4e9);
  CHECK(s.ssd_read_iops == 1e6);
  CHECK(s.client_rate.value() == 50e9);
  CHECK(c->view(router).reachable(ssd(2, 15), gpu(3, 7)));
  CHECK(c->resolved()["storage"] == Json{{"node", "threefs_2025"}, {"nodes", 3}, {"topology", {{"kind", "single_switch"}, {"radix", 64}}},
                                         {"transport", "ideal"}});
  const auto without = read_cluster(cluster_text(4, ""));
  topology::Router plain(without->fabric(), without->routing());
  CHECK(without->view(plain).storage.nodes == 0);
  CHECK_FALSE(without->resolved().contains("storage"));
  CHECK(without->constants().size() + 5 == c->constants().size());
}

TEST_CASE("storage has defaults for all but the number of nodes, and a transport and a topology of its own") {
  const auto c = read_cluster(cluster_text(500, R"(, "storage": {"nodes": 180})"));
  CHECK(c->resolved()["storage"]["node"] == "threefs_2025");
  CHECK(c->storage_topology()->kind() == "ft2");
  // 500 + 2 x 180 NICs on leaves of 32.
  CHECK(c->storage_topology()->count().endpoints == 860);
  CHECK(c->fabric().count_storage() == c->storage_topology()->count());
  const auto d = read_cluster(cluster_text(4, R"(, "storage": {"nodes": 2, "topology": {"kind": "ft3", "radix": 4}, "transport": "roce"})"));
  CHECK(d->storage_topology()->kind() == "ft3");
  CHECK(d->resolved()["storage"]["transport"] == "roce");
}

TEST_CASE("mistakes in /cluster/storage are named with their place") {
  const auto said = [](const std::string& storage) { return problem_of(cluster_text(4, ", \"storage\": " + storage)); };
  CHECK(said("{}").starts_with("s.json: /cluster/storage/nodes"));
  CHECK(said("180").starts_with("s.json: /cluster/storage: expected storage nodes like"));
  CHECK(said(R"({"nodes": 0})").starts_with("s.json: /cluster/storage/nodes"));
  CHECK(said(R"({"nodes": 2, "disks": 3})").starts_with("s.json: /cluster/storage/disks: unknown key"));
  CHECK(said(R"({"nodes": 2, "node": "threefs"})").starts_with("s.json: /cluster/storage/node: unknown name"));
  CHECK(said(R"({"nodes": 2, "topology": {"kind": "ft9"}})").starts_with("s.json: /cluster/storage/topology/kind: unknown topology"));
  CHECK(said(R"({"nodes": 2, "topology": {"kind": "ft2", "radix": 2}})").starts_with("s.json: /cluster/storage/topology/radix: radix 2 holds 2"));
  CHECK(said(R"({"nodes": 2, "transport": "token_ring"})").starts_with("s.json: /cluster/storage/transport: unknown name"));
  const std::string no_nic = problem_of(R"({"node": "endpoint", "nodes": 4, "topology": {"kind": "ft2"}, "storage": {"nodes": 2}})");
  CHECK(no_nic.starts_with("s.json: /cluster/storage: the nodes (endpoint) have no storage NIC"));
  CHECK(no_nic.find("storage_nic_rate") != std::string::npos);
  const auto bad_name = read_cluster(cluster_text(4, R"(, "storage": {"nodes": 2}, "failed": ["storage2"])"));
  CHECK_THROWS_WITH_AS(bad_name->fabric(), doctest::Contains("s.json: /cluster/failed/0: the fabric has no \"storage2\""), UserError);
}

TEST_CASE("reads run at the narrowest of SSD, storage NICs and client's NIC, on every engine") {
  const auto c = read_cluster(cluster_text(8, R"(, "storage": {"nodes": 4})"));
  for (const char* engine : {"fluid", "closed-form"}) {
    CAPTURE(engine);
    CHECK(rate_of(*c, {{ssd(0, 3), host(0)}}, {}, engine) == doctest::Approx(6.2e9));
    CHECK(rate_of(*c, {{gpu(2, 1), ssd(0, 3)}}, {}, engine) == doctest::Approx(4e9));
  }
  // All 16 SSDs of a node could give 99.2 GB/s: its two NICs of 25 GB/s bound them.
  CHECK(rate_of(*c, reads(8, 1)) == doctest::Approx(50e9));
  CHECK(rate_of(*c, reads(8, 4)) == doctest::Approx(4 * 50e9));
  // SSDs of even number share NIC 0: four of them 25 GB/s.
  CHECK(rate_of(*c, {{ssd(0, 0), host(0)}, {ssd(0, 2), host(1)}, {ssd(0, 4), host(2)}, {ssd(0, 6), host(3)}, {ssd(0, 8), host(3)}}) ==
        doctest::Approx(25e9));
  // One client reads at its NIC's 50 GB/s from all four nodes.
  CHECK(rate_of(*c, reads(1, 4)) == doctest::Approx(50e9));
  // Writes into all SSDs of a node: 16 x 4 GB/s are more than its NICs take.
  std::vector<Flow> writes;
  for (const Flow& f : reads(8, 1)) writes.push_back({f.to, f.from});
  CHECK(rate_of(*c, writes) == doctest::Approx(50e9));
}

TEST_CASE("3FS's share of a NIC holds for NICs of either rate, headers included") {
  const Json name = "threefs";
  Problems problems;
  const auto model = models::read_communication_model(JsonReader(name, "", problems), test::data());
  workloads::CommKernel k;
  k.name = model.name;
  k.nic_share = model.nic_share.value;
  const auto c = read_cluster(R"({"node": "h800", "nodes": 8, "topology": {"kind": "mpft"}, "storage": {"nodes": 4}})");
  // Payload: 0.88 of 2 x 25 GB/s a storage node; 0.88 of a client's 50 GB/s. Without it 4,096 of 4,122 B are payload.
  for (const auto& [flows, wire] : {std::pair(reads(8, 1), 50e9), {reads(8, 4), 200e9}, {reads(1, 4), 50e9}}) {
    CHECK(rate_of(*c, flows, k) == doctest::Approx(0.88 * wire));
    CHECK(rate_of(*c, flows) == doctest::Approx(wire * 4096 / 4122));
  }
}

TEST_CASE("reads into a GPU and expert traffic from it share the GPU's PCIe, not the network") {
  const auto c = read_cluster(cluster_text(2, R"(, "storage": {"nodes": 4})"));
  // Eight SSDs could give 49.6 GB/s, a NIC's traffic 50 GB/s: both go to GPU 0 over its 57.6 GB/s.
  std::vector<Flow> flows;
  for (std::uint32_t s = 0; s < 8; ++s) flows.push_back({ssd(s % 4, s), gpu(0, 0)});
  CHECK(rate_of(*c, flows) == doctest::Approx(8 * 6.2e9));
  flows.push_back({gpu(1, 0), gpu(0, 0)});
  // Nine flows of one size share 57.6 GB/s alike: 6.4 each, more than an SSD gives, so eight have 6.2 and the ninth what is left.
  CHECK(rate_of(*c, flows) == doctest::Approx(9 * 6.2e9));
}

TEST_CASE("programs in text form read from SSDs; ends that the cluster lacks are named") {
  const std::string folder = std::filesystem::temp_directory_path().string();
  const std::string path = folder + "/weft_test_storage_cluster.weft";
  const auto run = [&](const std::string& program, const std::string& storage) {
    write_file_atomically(path, "weft-program 1\nranks 16 per-node 8\n" + program);
    const std::string text = test::minimal(R"("nodes": 2, "topology": {"kind": "mpft"}, "transport": "ideal")" + storage,
                                           R"({"id": "p", "kind": "program", "file": ")" + path + "\"}");
    return test::error_of(text);
  };
  const std::string two = R"(, "storage": {"nodes": 2})";
  CHECK(run("a: transfer 62 MB from ssd 3 of storage 1 to gpu 9\nb: transfer 1 MB from host of node 0 to storage_host 1 of storage 0 after a\n", two) == "");
  CHECK(run("a: transfer 1 MB from ssd 3 of storage 2 to gpu 9\n", two).find("\"a\" uses ssd 3 of storage 2, the cluster has 2 storage nodes") !=
        std::string::npos);
  CHECK(run("a: transfer 1 MB from ssd 16 of storage 0 to gpu 9\n", two).find("with 16 SSDs and 2 NICs each") != std::string::npos);
  CHECK(run("a: transfer 1 MB from ssd of storage 0 to gpu 9\n", "").find("the cluster has no storage nodes") != std::string::npos);
  CHECK(run("a: transfer 1 MB from ssd 0 of storage 0 to nic 9\n", two).find("there is no path from ssd of storage 0 to nic 9") != std::string::npos);
  CHECK(run("a: transfer 1 MB from ssd 0 of node 0 to gpu 9\n", two).find("which SSD?") != std::string::npos);
  std::filesystem::remove(path);
}

TEST_CASE("a step whose ranks are folded takes as long beside storage nodes as without") {
  const std::string step = R"({"id": "a", "kind": "all_to_all", "gpus": 32, "sizes": "1 MiB"})";
  const auto time = [&](const std::string& storage) {
    const auto report = test::run(test::minimal(R"("nodes": 4, "topology": {"kind": "mpft"})" + storage, step));
    return report.tables.at(0).rows.at(0);
  };
  CHECK(time("").cells() == time(R"(, "storage": {"nodes": 2})").cells());
}

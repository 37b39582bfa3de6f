// Chakra execution traces, read and written.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <filesystem>

#include <unistd.h>

#include "tests/support/text_programs.h"
#include "workloads/traces/chakra_nodes.h"
#include "workloads/traces/chakra_read.h"

using namespace weft;
using namespace weft::testing;
using namespace weft::workloads;

namespace {

const TraceFormat& chakra() {
  for (const TraceFormat& f : trace_formats())
    if (f.name == "chakra") return f;
  throw std::runtime_error("no chakra");
}

struct ReadTrace {
  NamedProgram program;
  TraceNotes notes;
};

ReadTrace read_ranks(const std::vector<std::string>& files, TraceOptions options = {}) {
  static const DataPlaces data = DataPlaces::standard();
  options.data = &data;
  std::vector<ChakraRank> ranks;
  for (std::size_t r = 0; r < files.size(); ++r) ranks.push_back({"t." + std::to_string(r) + ".et", files[r]});
  ReadTrace out;
  out.program = read_chakra(ranks, options, out.notes);
  return out;
}

ChakraNode node(std::uint64_t id, ChakraType type, std::vector<ChakraAttribute> attributes = {}, std::vector<std::uint64_t> deps = {},
                std::uint64_t us = 0) {
  ChakraNode n;
  n.id = id;
  n.name = "node " + std::to_string(id);
  n.type = static_cast<std::uint32_t>(type);
  n.attributes = std::move(attributes);
  n.deps = std::move(deps);
  n.duration_us = us;
  return n;
}

ChakraNode message(std::uint64_t id, bool send, std::int64_t bytes, std::int64_t from, std::int64_t to,
                   std::vector<std::uint64_t> deps = {}, std::int64_t tag = 0) {
  return node(id, send ? ChakraType::comm_send : ChakraType::comm_recv,
              {{"comm_size", bytes}, {"comm_src", from}, {"comm_dst", to}, {"comm_tag", tag}}, std::move(deps));
}

ChakraNode collective(std::uint64_t id, ChakraCollective type, std::int64_t bytes, const std::string& group = "") {
  std::vector<ChakraAttribute> a = {{"comm_type", static_cast<std::int64_t>(type)}, {"comm_size", bytes}};
  if (!group.empty()) a.push_back({"pg_name", group});
  return node(id, ChakraType::comm_coll, std::move(a));
}

const Ground& ground() {
  static const Ground g(mpft, 2);
  return g;
}

/// The same nodes on every one of `ranks` ranks.
std::vector<std::string> everywhere(std::size_t ranks, const std::vector<ChakraNode>& nodes) {
  return std::vector<std::string>(ranks, write_chakra_nodes(nodes));
}

/// A collective of 16 ranks as weft's own workload times it.
double own_seconds(const std::string& kind, const std::string& size) {
  return ground().number(R"({"kind": ")" + kind + R"(", "gpus": 16, "sizes": ")" + size + "\"}", "time_us") * 1e-6;
}

}  // namespace

TEST_CASE("nodes are written as protobuf has them") {
  // Metadata: version (field 1, text) "0.0.4". Node: id 1, name "a", type 4, data_deps [3, 300] packed in field 5, duration 7 in
  // field 7, attribute (field 10) with name "s" and int64_val (field 9) 5. Each message behind its length.
  ChakraNode n = node(1, ChakraType::comp, {{"s", std::int64_t{5}}}, {3, 300}, 7);
  n.name = "a";
  const std::string bytes = write_chakra_nodes({n});
  const std::string want(
      "\x07\x0a\x05"
      "0.0.4"
      "\x15\x08\x01\x12\x01"
      "a"
      "\x18\x04\x2a\x03\x03\xac\x02\x38\x07\x52\x05\x0a\x01"
      "s"
      "\x48\x05",
      30);
  CHECK(bytes == want);
  const std::vector<ChakraNode> again = read_chakra_nodes(bytes, "t.0.et");
  REQUIRE(again.size() == 1);
  CHECK(again[0].id == 1);
  CHECK(again[0].name == "a");
  CHECK(again[0].deps == std::vector<std::uint64_t>{3, 300});
  CHECK(again[0].duration_us == 7);
  CHECK(std::get<std::int64_t>(again[0].find("s")->value) == 5);
}

TEST_CASE("the JSON that Chakra's jsonizer prints says the same nodes") {
  const std::string json = R"({
  "version": "0.0.4"
}{
  "name": "first", "type": "COMP_NODE", "durationMicros": "5",
  "attr": [{"name": "is_cpu_op", "boolVal": false}, {"name": "x", "int64Val": "-3"}, {"name": "y", "doubleVal": 0.5}, {"name": "pg_name", "stringVal": "12"},
           {"name": "involved_dim", "boolList": {"values": [true, false]}}]
}{
  "id": "1", "name": "second", "type": "COMM_SEND_NODE", "dataDeps": ["0"], "ctrlDeps": ["0"]
})";
  const std::vector<ChakraNode> nodes = read_chakra_nodes(json, "t.0.json");
  REQUIRE(nodes.size() == 2);
  CHECK(nodes[0].id == 0);
  CHECK(nodes[0].duration_us == 5);
  CHECK(nodes[0].type == static_cast<std::uint32_t>(ChakraType::comp));
  CHECK(std::get<bool>(nodes[0].find("is_cpu_op")->value) == false);
  CHECK(std::get<std::int64_t>(nodes[0].find("x")->value) == -3);
  CHECK(std::get<double>(nodes[0].find("y")->value) == 0.5);
  CHECK(std::get<std::string>(nodes[0].find("pg_name")->value) == "12");
  CHECK(std::get<std::vector<bool>>(nodes[0].find("involved_dim")->value) == std::vector<bool>{true, false});
  CHECK(nodes[1].deps == std::vector<std::uint64_t>{0, 0});
}

TEST_CASE("a \"chakra\" trace of computes and messages runs as its nodes say") {
  // Rank 0 computes 1000 us and sends 50 MB (1 ms at 50 GB/s); rank 8 receives and computes 2000 us.
  std::vector<std::string> files = everywhere(16, {});
  files[0] = write_chakra_nodes({node(4, ChakraType::comp, {}, {}, 1000), message(5, true, 50000000, 0, 8, {4})});
  files[8] = write_chakra_nodes({message(1, false, 50000000, 0, 8), node(2, ChakraType::comp, {}, {1}, 2000)});
  CHECK(seconds_of(read_ranks(files).program, ground()) == doctest::Approx(4e-3).epsilon(1e-9));
}

TEST_CASE("a GPU computes one node at a time, streams and the CPU apart") {
  const auto comp = [](std::uint64_t id, std::vector<ChakraAttribute> a) { return node(id, ChakraType::comp, std::move(a), {}, 1000); };
  const ChakraAttribute on_cpu{"is_cpu_op", true}, stream{"stream", std::int64_t{7}};
  CHECK(seconds_of(read_ranks(everywhere(16, {comp(0, {}), comp(1, {})})).program, ground()) == doctest::Approx(2e-3));
  CHECK(seconds_of(read_ranks(everywhere(16, {comp(0, {}), comp(1, {on_cpu})})).program, ground()) == doctest::Approx(1e-3));
  CHECK(seconds_of(read_ranks(everywhere(16, {comp(0, {}), comp(1, {stream})})).program, ground()) == doctest::Approx(1e-3));
}

TEST_CASE("operations that say FLOP take them at the given speed, and are refused without one") {
  const std::vector<std::string> files = everywhere(16, {node(0, ChakraType::comp, {{"num_ops", std::int64_t{2000000000000}}})});
  TraceOptions o;
  o.peak = FlopsPerSecond(400e12);
  const ReadTrace t = read_ranks(files, o);
  CHECK(seconds_of(t.program, ground()) == doctest::Approx(5e-3).epsilon(1e-9));  // 2 TFLOP at 400 TFLOPS
  REQUIRE(t.notes.size() == 1);
  CHECK(said_by([&] { read_ranks(files); }).find("--flops") != std::string::npos);
}

TEST_CASE("collectives of all ranks take as long as weft's own") {
  const std::int64_t gib = 1 << 30;
  const auto imported = [&](ChakraCollective type, std::int64_t bytes) {
    return seconds_of(read_ranks(everywhere(16, {collective(0, type, bytes)})).program, ground());
  };
  CHECK(imported(ChakraCollective::all_reduce, gib) == doctest::Approx(own_seconds("all_reduce", "1 GiB")).epsilon(1e-9));
  CHECK(imported(ChakraCollective::reduce_scatter, gib) == doctest::Approx(own_seconds("reduce_scatter", "1 GiB")).epsilon(1e-9));
  // A rank gives its own part: a sixteenth of the gathered array.
  CHECK(imported(ChakraCollective::all_gather, gib / 16) == doctest::Approx(own_seconds("all_gather", "1 GiB")).epsilon(1e-9));
  // With PXN message by message; weft's own bundles those of a rail, which gives the same time where all start together.
  CHECK(imported(ChakraCollective::all_to_all, gib) == doctest::Approx(own_seconds("all_to_all", "1 GiB")).epsilon(1e-6));
  CHECK(imported(ChakraCollective::barrier, 0) == 0);
}

TEST_CASE("a broadcast moves its bytes over every edge of the ring but the last") {
  // Two GPUs of one node: one of the two edges, two channels with half of the bytes each, in opposite directions.
  const ReadTrace t = read_ranks(everywhere(2, {collective(0, ChakraCollective::broadcast, 1 << 20)}));
  double bytes = 0;
  for (const NamedOperation& op : t.program.operations) bytes += op.bytes.value() * static_cast<double>(op.legs.size());
  CHECK(bytes == 1 << 20);
}

TEST_CASE("a collective starts when the last of its ranks comes, and all go on when it is done") {
  std::vector<std::string> files =
      everywhere(16, {collective(1, ChakraCollective::all_reduce, 1 << 30), node(2, ChakraType::comp, {}, {1}, 500)});
  ChakraNode late = collective(1, ChakraCollective::all_reduce, 1 << 30);
  late.deps = {0};
  files[3] = write_chakra_nodes({node(0, ChakraType::comp, {}, {}, 700), late, node(2, ChakraType::comp, {}, {1}, 500)});
  CHECK(seconds_of(read_ranks(files).program, ground()) == doctest::Approx(1.2e-3 + own_seconds("all_reduce", "1 GiB")).epsilon(1e-9));
}

TEST_CASE("groups come from a file, or from the metadata that PyTorch writes") {
  ChakraNode metadata = node(9, ChakraType::metadata);
  const std::vector<ChakraNode> pair = {collective(0, ChakraCollective::barrier, 0, "pair")};
  std::vector<std::string> files = everywhere(4, {});
  files[1] = files[2] = write_chakra_nodes(pair);
  const std::filesystem::path groups = std::filesystem::temp_directory_path() / ("weft_groups_" + std::to_string(::getpid()) + ".json");
  write_file_atomically(groups, R"({"pair": [1, 2]})");
  TraceOptions o;
  o.groups = groups.string();
  CHECK(read_ranks(files, o).program.operations.size() == 1);
  write_file_atomically(groups, R"({"pair": [1, 4]})");
  CHECK(said_by([&] { read_ranks(files, o); }).find("/pair/1") != std::string::npos);
  std::filesystem::remove(groups);
  CHECK(said_by([&] { read_ranks(files); }).find("--groups") != std::string::npos);
  const std::string json =
      R"({"id": "9", "type": "METADATA_NODE", "name": "process_group", "inputs": {"values": "['[{\"pg_name\": \"pair\", \"ranks\": [1, 2]}]']"}}
{"id": "0", "type": "COMM_COLL_NODE", "name": "b", "attr": [{"name": "comm_type", "int64Val": "9"}, {"name": "pg_name", "stringVal": "pair"}]})";
  files[1] = files[2] = json;
  CHECK(read_ranks(files).program.operations.size() == 3);  // two metadata nodes and the barrier
}

TEST_CASE("a program takes the same time after a turn through Chakra, also where microseconds are not whole") {
  const NamedProgram p = program_of(R"(a: compute 1.2345678 ms rank 0 stream main sms 108
b: compute 0.4 us rank 8 stream main
m: marker 250.5 us rank 8 after b
t: transfer 20 MB from gpu 0 to gpu 8 after a m
u: transfer 10 MB from gpu 8 to gpu 9 latency 30.25 us after t
c: compute 2 ms rank 9 stream main after u
d: compute 1 ms rank 0 stream side
)");
  TraceNotes notes;
  const std::vector<TraceFile> files = chakra().write(p, notes);
  REQUIRE(files.size() == 16);
  CHECK(files[3].suffix == ".3.et");
  std::vector<std::string> bytes;
  for (const TraceFile& f : files) bytes.push_back(f.bytes);
  const NamedProgram again = read_ranks(bytes).program;
  CHECK(seconds_of(again, ground()) == doctest::Approx(seconds_of(p, ground())).epsilon(1e-9));
  std::vector<std::string> twice;
  TraceNotes ignored;
  for (const TraceFile& f : chakra().write(again, ignored)) twice.push_back(f.bytes);
  CHECK(seconds_of(read_ranks(twice).program, ground()) == doctest::Approx(seconds_of(p, ground())).epsilon(1e-9));
  CHECK(again.operations.size() == p.operations.size() + 1);  // the latency of u is a marker before it
}

TEST_CASE("bad traces are refused with the file, the node and a way out") {
  const auto one = [](const ChakraNode& n) { return everywhere(2, {n}); };
  const auto all = ChakraCollective::all_reduce;
  const std::int64_t kib = 1024;
  std::vector<std::string> apart = everywhere(2, {});
  apart[0] = write_chakra_nodes({collective(0, all, kib)});
  std::vector<std::string> unlike = apart;
  unlike[1] = write_chakra_nodes({collective(0, all, 2 * kib)});
  std::vector<std::string> unmatched = everywhere(2, {});
  unmatched[0] = write_chakra_nodes({message(3, true, 8, 0, 1)});
  ChakraNode other_dims = collective(0, all, kib);
  other_dims.attributes.push_back({"involved_dim", std::vector<bool>{true, false}});
  ChakraNode changed = node(0, ChakraType::comp, {{"weft_seconds", 7e-6}}, {}, 5);
  const struct {
    std::vector<std::string> files;
    std::vector<const char*> says;
  } wrong[] = {
      {{""}, {"t.0.et", "empty"}},
      {{"\x1f\x8b"
        "abc"},
       {"compressed", "gunzip"}},
      {{"hello"}, {"t.0.et", "byte"}},
      {{"{\"version\": \"1\""}, {"never closed"}},
      {{"{}{\"id\": -1}"}, {"object 2, \"id\""}},
      {{"{}{\"type\": \"COMP\"}"}, {"unknown type", "COMP_NODE"}},
      {{write_chakra_nodes({node(0, ChakraType::comp, {}, {}, 5)}).substr(0, 20)}, {"t.0.et", "byte", "0 nodes before it"}},
      {everywhere(1, {node(3, ChakraType::comp), node(3, ChakraType::comp)}), {"node 3 (\"node 3\")", "twice"}},
      {one(node(3, ChakraType::comp, {}, {3}, 5)), {"node 3", "waits for itself"}},
      {one(node(3, ChakraType::comp, {}, {4}, 5)), {"node 3", "waits for node 4"}},
      {everywhere(1, {node(1, ChakraType::comp, {}, {2}, 5), node(2, ChakraType::comp, {}, {1}, 5)}),
       {"loop", "\"r0.n1\" waits for \"r0.n2\""}},
      {one(node(0, static_cast<ChakraType>(40))), {"type 40"}},
      {one(node(0, ChakraType::mem_load)), {"MEM_LOAD_NODE has no duration"}},
      {one(node(0, ChakraType::comp, {}, {}, ~std::uint64_t{0})), {"out of range"}},
      {one(changed), {"weft_seconds"}},
      {one(node(0, ChakraType::comm_send)), {"needs the attribute comm_size"}},
      {one(message(0, true, 8, 0, 2)), {"t.0.et", "comm_dst is 2", "ranks 0 to 1"}},
      {one(message(0, true, 8, 1, 0)), {"comm_src is 1, but the file is that of rank 0"}},
      {one(message(0, true, -8, 0, 1)), {"comm_size is no whole number, or negative"}},
      {unmatched, {"node 3", "no receive"}},
      {one(node(0, ChakraType::comm_coll)), {"needs the attribute comm_type"}},
      {one(collective(0, ChakraCollective::gather, kib)), {"GATHER cannot be made"}},
      {one(collective(0, static_cast<ChakraCollective>(77), kib)), {"collective 77"}},
      {one(collective(0, all, kib, "7")), {"group \"7\" is not known"}},
      {one(other_dims), {"involved_dim"}},
      {apart, {"ALL_REDUCE of 2 ranks has 1 of them"}},
      {unlike, {"t.1.et: node 0", "2048 B here", "1024 B at t.0.et"}},
  };
  for (const auto& w : wrong) {
    const std::string said = said_by([&] { read_ranks(w.files); });
    CAPTURE(w.says[0]);
    CAPTURE(said);
    for (const char* part : w.says) CHECK(said.find(part) != std::string::npos);
  }
}

TEST_CASE("whatever bytes a Chakra file has, the reader ends with nodes or a UserError") {
  const std::string good = write_chakra_nodes({node(1, ChakraType::comp, {{"x", 0.5}, {"y", std::string("z")}}, {}, 5),
                                               message(2, true, 8, 0, 0, {1}), message(3, false, 8, 0, 0)});
  const auto pick = [](std::size_t n) { return *rc::gen::inRange<std::size_t>(0, n); };
  CHECK(rc::check("mangled", [&] { said_by([&] { read_ranks({mangled(good, pick)}); }); }));
  CHECK(
      rc::check("random", [](const std::vector<char>& bytes) { said_by([&] { read_ranks({std::string(bytes.begin(), bytes.end())}); }); }));
  CHECK(rc::check("random JSON", [&] {
    said_by([&] { read_ranks({mangled(R"({"version":"1"}{"id":"1","type":"COMP_NODE","attr":[{"name":"x","int64Val":"5"}]})", pick)}); });
  }));
}

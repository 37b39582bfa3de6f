// GOAL schedules, read and written.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <filesystem>

#include <unistd.h>

#include "tests/support/text_programs.h"
#include "workloads/traces/trace_format.h"

using namespace weft;
using namespace weft::testing;
using namespace weft::workloads;

namespace {

const TraceFormat& goal() {
  for (const TraceFormat& f : trace_formats())
    if (f.name == "goal") return f;
  throw std::runtime_error("no goal");
}

NamedProgram read(const std::string& text, TraceOptions options = {}) {
  static const DataPlaces data = DataPlaces::standard();
  options.data = &data;
  const std::filesystem::path path = std::filesystem::temp_directory_path() / ("weft_" + std::to_string(::getpid()) + ".goal");
  write_file_atomically(path, text);
  TraceNotes notes;
  try {
    NamedProgram p = goal().read(path.string(), options, notes);
    std::filesystem::remove(path);
    return p;
  } catch (...) {
    std::filesystem::remove(path);
    throw;
  }
}

std::string written(const NamedProgram& p) {
  TraceNotes notes;
  return goal().write(p, notes).at(0).bytes;
}

TraceOptions eager(double bytes) {
  TraceOptions o;
  o.eager = Bytes(bytes);
  return o;
}

const std::string ping_pong = R"(num_ranks 9
// there and back between nodes
rank 0 {
l1: calc 1000000 cpu 1
l2: send 50000000b to 8 tag 5
l2 requires l1
l3: recv 50000000b from 8 tag 7
}
rank 8 {
l1: recv 50000000b from 0 tag 5
l2: send 50000000b to 0 tag 7 cpu 0 nic 0
l2 requires l1  /* only
then */
}
)";

const Ground& ground() {
  static const Ground g(mpft, 2);  // NICs of 50 GB/s, no latency
  return g;
}

}  // namespace

TEST_CASE("a \"goal\" schedule runs as its operations say") {
  // 1 ms of calc, then 50 MB there and 50 MB back at 50 GB/s: 1 ms each.
  CHECK(seconds_of(read(ping_pong), ground()) == doctest::Approx(3e-3).epsilon(1e-9));
}

TEST_CASE("a message waits for both ends; an eager one for its sender alone") {
  // The receiver computes 2 ms first. 50 MB take 1 ms: 3 ms together, or, sent early, done when the receiver asks, at 2 ms.
  const std::string late =
      "num_ranks 9\nrank 0 {\ns: send 50000000b to 8\n}\nrank 8 {\nc: calc 2000000\nr: recv 50000000b from 0\nr requires c\n}\n";
  CHECK(seconds_of(read(late), ground()) == doctest::Approx(3e-3).epsilon(1e-9));
  CHECK(seconds_of(read(late, eager(1e9)), ground()) == doctest::Approx(2e-3).epsilon(1e-9));
  CHECK(seconds_of(read(late, eager(1e6)), ground()) == doctest::Approx(3e-3).epsilon(1e-9));
}

TEST_CASE("irequires waits for a start") {
  // b may start when a starts, which is after c: c 1 ms, then a (3 ms) and b (2 ms, another CPU) side by side, then d, which
  // waits for b's end: 1 + max(3, 2 + 2) ms.
  const std::string text =
      "num_ranks 1\nrank 0 {\nc: calc 1000000\na: calc 3000000\na requires c\nb: calc 2000000 cpu 1\nb irequires a\nd: calc 2000000 cpu "
      "1\nd requires b\n}\n";
  CHECK(seconds_of(read(text), ground()) == doctest::Approx(5e-3).epsilon(1e-9));
  // A CPU that is busy starts a later: x keeps it for 4 ms, so b runs 4 to 6 ms.
  const std::string busy = "num_ranks 1\nrank 0 {\nx: calc 4000000\na: calc 1000000\nb: calc 2000000 cpu 1\nb irequires a\n}\n";
  CHECK(seconds_of(read(busy), ground()) == doctest::Approx(6e-3).epsilon(1e-9));
}

TEST_CASE("a calc of nothing joins dependencies and keeps no CPU") {
  // j waits 2 ms for k on another CPU; c, behind it in the file and on the same CPU 0, does not wait for j.
  const std::string text = "num_ranks 1\nrank 0 {\nk: calc 2000000 cpu 1\nj: calc 0\nj requires k\nc: calc 2000000\n}\n";
  CHECK(seconds_of(read(text), ground()) == doctest::Approx(2e-3).epsilon(1e-9));
}

TEST_CASE("a message across rails goes through the GPU of its own node that has the receiver's number, unless told otherwise") {
  const std::string text = "num_ranks 16\nrank 0 {\nsend 8b to 9\n}\nrank 9 {\nrecv 8b from 0\n}\n";
  CHECK(read(text).operations.at(0).legs == std::vector<Leg>{{gpu(0, 0), gpu(0, 1), 1}, {gpu(0, 1), gpu(1, 1), 1}});
  TraceOptions direct;
  direct.pxn = false;
  CHECK(read(text, direct).operations.at(0).legs == std::vector<Leg>{{gpu(0, 0), gpu(1, 1), 1}});
}

TEST_CASE("messages of one pair and tag meet in the order of the file, a larger buffer takes a smaller message") {
  const NamedProgram p =
      read("num_ranks 2\nrank 0 {\na: send 1b to 1\nb: send 2b to 1\n}\nrank 1 {\nx: recv 1b from 0\ny: recv 9b from 0\n}\n");
  CHECK(p.operations.at(0).bytes.value() == 1);
  CHECK(p.operations.at(1).bytes.value() == 2);
}

TEST_CASE("a program of whole ns, whole bytes and messages inside its ranks takes the same time after a turn through GOAL") {
  const NamedProgram p = program_of(R"(a: compute 1500 us rank 0 stream main
b: compute 1 ms rank 8 stream main
m: marker 250 us rank 8 after b
t: transfer 20 MB from gpu 0 to gpu 8 after a m
u: transfer 10 MB from gpu 8 to gpu 9 latency 30 us after t
c: compute 2 ms rank 9 stream main after u
d: compute 1 ms rank 8 stream main after t
e: compute 1 ms rank 0 stream side
f: transfer 5 MB from gpu 0 to gpu 8 after e
)");
  const double before = seconds_of(p, ground());
  // a 1.5 ms, t 20 MB at 50 GB/s 0.4 ms (f has gone before), u 30 us, NVLink's latency and 10 MB over NVLink, c 2 ms.
  const topology::NodeSpec& node = ground().fabric.node_spec();
  const double over_nvlink = node.nvlink_store_latency.value.value() + 10e6 / node.nvlink_rate.value.value();
  CHECK(before == doctest::Approx(1.5e-3 + 0.4e-3 + 30e-6 + over_nvlink + 2e-3).epsilon(1e-9));
  const NamedProgram again = read(written(p));
  CHECK(seconds_of(again, ground()) == doctest::Approx(before).epsilon(1e-9));
  CHECK(written(again) == written(read(written(again))));
}

TEST_CASE("a wait for another rank becomes an empty message, and is told") {
  const NamedProgram p = program_of("a: compute 1 ms rank 0 stream s\nb: compute 1 ms rank 8 stream s after a\n");
  TraceNotes notes;
  const std::string text = goal().write(p, notes).at(0).bytes;
  CHECK(text.find("send 0b to 8") != std::string::npos);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("1 waits for another rank") != std::string::npos);
  CHECK(seconds_of(read(text), ground()) == doctest::Approx(2e-3).epsilon(1e-9));  // this fabric has no latency
}

TEST_CASE("a transfer of several legs comes apart, and whoever waits for it waits for all its messages") {
  // Half of 40 MB to each of two nodes from two GPUs; x waits for both: 20 MB at 50 GB/s, 0.4 ms, then 1 ms. Between them rank 17
  // tells rank 8, and rank 8 rank 5; either way has a stretch of NVLink.
  const NamedProgram p = program_of(
      "t: transfer 40 MB from gpu 0 to gpu 8 share 0.5 from gpu 1 to gpu 17 share 0.5\nx: compute 1 ms rank 5 stream s after t\n",
      "ranks 24 per-node 8");
  const Ground three(mpft, 3);
  TraceNotes notes;
  const std::string text = goal().write(p, notes).at(0).bytes;
  CHECK(text.find("send 20000000b to 8") != std::string::npos);
  CHECK(text.find("send 20000000b to 17") != std::string::npos);
  CHECK(seconds_of(read(text), three) ==
        doctest::Approx(1.4e-3 + 2 * three.fabric.node_spec().nvlink_store_latency.value.value()).epsilon(1e-9));
}

TEST_CASE("what GOAL cannot say is refused with the operation's name") {
  CHECK(said_by([] { written(program_of("here: compute 1 ms\n")); }).find("\"here\" is a compute of no rank") != std::string::npos);
  CHECK(said_by([] { written(program_of("up: transfer 1 B from gpu 0 to host of node 0\n")); }).find("\"up\" goes to or from a host") !=
        std::string::npos);
}

TEST_CASE("bad schedules are refused with their line and a way out") {
  const struct {
    const char* text;
    std::vector<const char*> says;
  } wrong[] = {
      {"", {"empty", "num_ranks"}},
      {"rank 0 {\n}\n", {".goal:1", "expected num_ranks"}},
      {"num_ranks 0\n", {"at least one rank"}},
      {"num_ranks 99999999999\n", {"a number of ranks"}},
      {"num_ranks 1\nrank 1 {\n}\n", {".goal:2", "a whole number up to 0", "\"1\""}},
      {"num_ranks 1\nrank 0 {\ncalc 5\n", {"never closed"}},
      {"num_ranks 1\nrank 0 {\n}\nrank 0 {\n}\n", {".goal:4", "stands in line 2 already"}},
      {"num_ranks 1\nrank 0 {\nl1: calc 5\nl1: calc 6\n}\n", {".goal:4", "label l1 is taken"}},
      {"num_ranks 1\nrank 0 {\nl1: calc 5\nl1 requires l1\n}\n", {".goal:4", "waits for itself"}},
      {"num_ranks 1\nrank 0 {\nl1: calc 5\nl1 requires l2\n}\n", {".goal:4", "no label l2", "known: l1"}},
      {"num_ranks 1\nrank 0 {\nl1: calk 5\n}\n", {".goal:3", "expected calc, send or recv"}},
      {"num_ranks 1\nrank 0 {\nl1: calc 5 6\n}\n", {".goal:3", "expected the end of the line"}},
      {"num_ranks 1\nrank 0 {\nl1: calc -5\n}\n", {".goal:3", "a number of ns"}},
      {"num_ranks 1\nrank 0 {\nl1: calc 99999999999999999999\n}\n", {".goal:3", "a number of ns"}},
      {"num_ranks 1\nrank 0 {\nl1: calc 5 cpu 256\n}\n", {".goal:3", "a CPU"}},
      {"num_ranks 2\nrank 0 {\nsend 9 to 1\n}\n", {".goal:3", "expected b"}},
      {"num_ranks 2\nrank 0 {\nsend 9b to 2\n}\n", {".goal:3", "a rank, a whole number up to 1"}},
      {"num_ranks 2\nrank 0 {\nsend 9b to 1 tag 3\n}\n", {".goal:3", "rank 0 sends to rank 1 with tag 3", "no receive"}},
      {"num_ranks 2\nrank 1 {\nrecv 9b from 0\n}\n", {".goal:3", "rank 1 receives from rank 0", "no send"}},
      {"num_ranks 2\nrank 0 {\nsend 9b to 1\n}\nrank 1 {\nrecv 8b from 0\n}\n", {".goal:6", "receives 8 B", "sends 9 B"}},
      {"num_ranks 2\nrank 1 {\nrecv 9b from -1\n}\n", {".goal:3", "from any rank"}},
      {"num_ranks 2\nrank 1 {\nrecv 9b from 0 tag -1\n}\n", {".goal:3", "any tag"}},
      {"num_ranks 1\nrank 0 {\na: calc 5\nb: calc 5\na requires b\nb requires a\n}\n", {"loop", "\"r0.a\" waits for \"r0.b\""}},
      {"num_ranks 1\nrank 0 {\na: calc 5 /* open\n}\n", {".goal:3", "never closed"}},
  };
  for (const auto& w : wrong) {
    const std::string said = said_by([&] { read(w.text); });
    CAPTURE(w.text);
    CAPTURE(said);
    for (const char* part : w.says) CHECK(said.find(part) != std::string::npos);
  }
}

TEST_CASE("two ranks that send before they receive wait forever, unless the messages are eager") {
  const std::string text =
      "num_ranks 2\nrank 0 {\ns: send 9b to 1\nr: recv 9b from 1\nr requires s\n}\nrank 1 {\ns: send 9b to 0\nr: recv 9b from 0\nr "
      "requires s\n}\n";
  const std::string said = said_by([&] { read(text); });
  CHECK(said.find("\"r0.s\" waits for \"r1.s\"") != std::string::npos);
  CHECK(said.find("--eager") != std::string::npos);
  CHECK(read(text, eager(9)).operations.size() == 4);
}

TEST_CASE("whatever stands in a GOAL file, the reader ends with a program or a UserError") {
  const auto pick = [](std::size_t n) { return *rc::gen::inRange<std::size_t>(0, n); };
  CHECK(rc::check("mangled", [&] { said_by([&] { read(mangled(ping_pong, pick)); }); }));
  CHECK(rc::check("random", [](const std::string& bytes) { said_by([&] { read("num_ranks 2\nrank 0 {\n" + bytes); }); }));
}

// The text form of programs: what it can say, what is read back, and what is wrong with bad ones.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "tests/support/text_programs.h"
#include "workloads/text_program/exact_text.h"

using namespace weft;
using namespace weft::testing;
using namespace weft::workloads;
using Kind = NamedOperation::Kind;

namespace {

const std::string everything = R"w(weft-program 1
ranks 16 per-node 8
kernel a2a nic 44 GB/s nvlink 125 GB/s
kernel "no limits"
a: compute 1.5 ms rank 0 stream main sms 112 label "attn (F)"
b: transfer 4 MiB from gpu 0 via gpu 1 to gpu 9 kernel a2a after a
c: transfer 0.5 B from nic 0 to nic 8 share 0.25 from host of node 1 to storage_nic of node 1 latency 3 us no-wire weight 2.5 cap 10 GB/s key 18446744073709551615
d: transfer 1 B from host 3 of node 0 to gpu 3 kernel "no limits" after a b
"after": marker after c b
e: marker 2 us rank 3 label "say \"x\"\x0a"
f: compute 1 us
)w";

Endpoint end_at(Endpoint::Kind kind, std::uint32_t node, std::uint32_t local) { return {kind, NodeId(node), local}; }

}  // namespace

TEST_CASE("the text form says all that a program can") {
  const NamedProgram p = read_text_program(everything, "all.weft");
  REQUIRE(p.operations.size() == 7);
  CHECK(p.ranks == 16);
  CHECK(p.kernels[0].nic_rate->value() == 44e9);
  CHECK(!p.kernels[1].nic_rate);
  const NamedOperation &a = p.operations[0], &b = p.operations[1], &c = p.operations[2];
  CHECK(a.kind == Kind::compute);
  CHECK(a.rank == Rank(0));
  CHECK(a.stream == "main");
  CHECK(a.sms == 112);
  CHECK(a.label == "attn (F)");
  CHECK(a.duration.value() == 1.5e-3);
  CHECK(b.bytes.value() == 4194304);
  REQUIRE(b.legs.size() == 2);  // a chain: each end begins the next leg
  CHECK(b.legs[0] == Leg{gpu(0, 0), gpu(0, 1), 1});
  CHECK(b.legs[1] == Leg{gpu(0, 1), gpu(1, 1), 1});
  CHECK(b.options.kernel == KernelId(0));
  CHECK(c.legs[0] == Leg{nic(0), nic(1), 0.25});
  CHECK(c.legs[1] == Leg{end_at(Endpoint::Kind::host, 1, 0), end_at(Endpoint::Kind::storage_nic, 1, 0), 1});
  CHECK(c.options.extra_latency.value() == 3e-6);
  CHECK(c.options.latency_mode == LatencyMode::none);
  CHECK(c.options.weight == 2.5);
  CHECK(c.options.rate_cap->value() == 10e9);
  CHECK(c.options.flow_key == ~std::uint64_t{0});
  CHECK(p.operations[3].legs[0].from == end_at(Endpoint::Kind::host, 0, 3));
  CHECK(p.operations[4].name == "after");
  CHECK(p.operations[4].after == std::vector<std::uint32_t>{2, 1});
  CHECK(p.operations[5].label == "say \"x\"\n");
}

TEST_CASE("what is written is read back as the same program") {
  const NamedProgram p = read_text_program(everything, "all.weft");
  const std::string text = write_text_program(p);
  CHECK(read_text_program(text, "again.weft") == p);
  CHECK(write_text_program(read_text_program(text, "again.weft")) == text);
}

TEST_CASE("every number is read back to the last bit, and written short where it is short") {
  CHECK(exact_text(Seconds(1.5e-3)) == "1.5 ms");
  CHECK(exact_text(Bytes(4194304)) == "4 MiB");
  CHECK(exact_text(BytesPerSecond(44e9)) == "44 GB/s");
  CHECK(exact_text(Seconds()) == "0 s");
  CHECK(rc::check("any double", [](double v) {
    RC_PRE(std::isfinite(v));
    const double x = std::abs(v);
    RC_ASSERT(parse_unit(exact_text(Seconds(x))).value == x);
    RC_ASSERT(parse_unit(exact_text(Bytes(x))).value == x);
    RC_ASSERT(parse_unit(exact_text(BytesPerSecond(x))).value == x);
  }));
}

TEST_CASE("ends on storage nodes are numbered apart, and a kernel may be limited to a part of each NIC") {
  const NamedProgram p = read_text_program(
      "weft-program 1\nranks 8 per-node 8\nkernel threefs nic-share 0.88\n"
      "a: transfer 1 MB from ssd 13 of storage 170 to gpu 3 kernel threefs\nb: transfer 1 MB from storage_host of storage 2 to ssd of storage 3\n", "s.weft");
  CHECK(p.operations[0].legs[0] == Leg{end_at(Endpoint::Kind::ssd, 170, 13), gpu(0, 3), 1});
  CHECK(p.operations[1].legs[0] == Leg{end_at(Endpoint::Kind::storage_host, 2, 0), end_at(Endpoint::Kind::ssd, 3, 0), 1});
  CHECK(p.kernels[0].nic_share == 0.88);
  CHECK_FALSE(p.kernels[0].nic_rate);
  const auto refused = [](const std::string& line) {
    try {
      read_text_program("weft-program 1\nranks 8 per-node 8\n" + line + "\n", "s.weft");
    } catch (const UserError& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  CHECK(refused("a: transfer 1 MB from ssd 3 to gpu 0").find("which SSD? (ssd 3 of storage 0)") != std::string::npos);
  CHECK(refused("a: transfer 1 MB from ssd 3 of node 0 to gpu 0").find("which SSD?") != std::string::npos);
  CHECK(refused("a: transfer 1 MB from host of storage 0 to gpu 0").find("expected \"of node\"") != std::string::npos);
  CHECK(refused("a: transfer 1 MB from sdd 3 of storage 0 to gpu 0").find("ssd") != std::string::npos);
  CHECK(refused("kernel k nic-share 1.5").find("a part of the NIC's rate") != std::string::npos);
  CHECK(refused("kernel k nic-share 0.5 nic-share 0.5").find("said twice") != std::string::npos);
}

TEST_CASE("random programs are read back as they were") {
  CHECK(rc::check("write, read", [] {
    NamedProgram p;
    p.ranks = *rc::gen::inRange<std::uint32_t>(1, 40);
    p.per_node = *rc::gen::inRange<std::uint32_t>(1, 10);
    p.kernels = {{"k", BytesPerSecond(*rc::gen::inRange(1, 1000) * 1.1e7), std::nullopt}};
    if (*rc::gen::inRange(0, 2)) p.kernels[0].nic_share = *rc::gen::inRange(1, 1000) / 999.0;
    const auto below = [](std::uint32_t n) { return *rc::gen::inRange<std::uint32_t>(0, n); };
    const auto any_end = [&] { return end_at(static_cast<Endpoint::Kind>(below(6)), below(p.nodes()), below(p.per_node)); };
    const std::uint32_t count = below(12);
    for (std::uint32_t i = 0; i < count; ++i) {
      NamedOperation op;
      op.kind = static_cast<Kind>(below(3));
      op.name = *rc::gen::nonEmpty<std::string>() + std::to_string(i);
      std::replace(op.name.begin(), op.name.end(), '\0', '0');
      for (char& c : op.name) c = static_cast<unsigned char>(c) < 0x20 && c != '\n' ? '_' : c;
      op.label = below(2) ? "label: \"" + std::to_string(i) + "\" # \\" : "";
      for (std::uint32_t j = 0; j < i; ++j) {
        if (below(3) == 0) op.after.push_back(j);
      }
      if (op.kind == Kind::transfer) {
        op.bytes = Bytes(below(1000000) / 7.0);
        for (std::uint32_t l = 0; l <= below(4); ++l) op.legs.push_back({any_end(), any_end(), below(2) ? 1 : (1 + below(9)) / 8.0});
        if (below(2))
          op.options = {
              KernelId(0), Seconds(below(99) * 1e-7), LatencyMode::none, (1 + below(9)) / 3.0, BytesPerSecond(1e9 / (1 + below(9))),
              below(999)};
      } else {
        op.duration = Seconds(below(1000) * 1.7e-6);
        if (below(2)) op.rank = Rank(below(p.ranks));
        if (op.kind == Kind::compute && below(2)) op.stream = "s" + std::to_string(below(3)), op.sms = below(132);
      }
      p.operations.push_back(std::move(op));
    }
    RC_ASSERT(read_text_program(write_text_program(p), "random.weft") == p);
  }));
}

TEST_CASE("an operation may be named before its line, and a stream runs in the order of its lines") {
  const NamedProgram p = program_of("b: compute 1 ms stream s after a\na: marker 1 ms\nc: compute 1 ms stream s\n");
  // a 1 ms, then b 1 ms, then c, which comes after b in the stream although it waits for nothing: 3 ms.
  CHECK(seconds_of(p, Ground(mpft, 2)) == doctest::Approx(3e-3).epsilon(1e-12));
}

TEST_CASE("streams of one name on two ranks are two streams") {
  const std::string two = "a: compute 1 ms rank 0 stream s\nb: compute 1 ms rank 1 stream s\n",
                    one = "a: compute 1 ms stream s\nb: compute 1 ms stream s\n";
  CHECK(seconds_of(program_of(two), Ground(mpft, 2)) == doctest::Approx(1e-3).epsilon(1e-12));
  CHECK(seconds_of(program_of(one), Ground(mpft, 2)) == doctest::Approx(2e-3).epsilon(1e-12));
}

/// Operations get the two lines before them; what has a head of its own, or none, stays.
std::string with_head(const std::string& text) {
  const bool whole = text.empty() || text.starts_with("weft-program") || text.starts_with("#") || text.starts_with("{");
  return whole ? text : "weft-program 1\nranks 16 per-node 8\n" + text;
}

TEST_CASE("bad texts are refused with the line, what was expected and a way out") {
  const struct {
    const char* text;
    std::vector<const char*> says;
  } wrong[] = {
      {"", {"bad.weft", "empty", "weft-program 1"}},
      {"# nothing\n\n", {"empty"}},
      {"{\"title\": 1}\n", {"bad.weft:1", "no program in text form"}},
      {"weft-program 2\n", {"bad.weft:1", "version 1"}},
      {"weft-program 1\n", {"expected the ranks"}},
      {"weft-program 1\nranks 16\n", {"bad.weft:2", "per-node"}},
      {"weft-program 1\nranks 0 per-node 8\n", {"bad.weft:2", "at least one rank"}},
      {"weft-program 1\nranks 99999999 per-node 8\n", {"bad.weft:2", "whole number up to"}},
      {"a: compute 1 ms after b\n", {"bad.weft:3", "no operation \"b\"", "known: a"}},
      {"attn: marker\nb: marker after atn\n", {"bad.weft:4", "did you mean \"attn\""}},
      {"a: marker after a\n", {"bad.weft:3", "waits for itself"}},
      {"a: marker\na: marker\n", {"bad.weft:4", "taken by line 3"}},
      {"a: marker after c\nb: marker after a\nc: marker after b\n",
       {"loop", "\"a\" waits for \"c\"", "\"c\" waits for \"b\"", "\"b\" waits for \"a\""}},
      {"a: compute 1 ms rank 2 stream s after b\nb: compute 1 ms rank 2 stream s\n",
       {"loop", "\"a\" waits for \"b\"", "\"b\" comes after \"a\" in stream s of rank 2"}},
      {"a: computer 1 ms\n", {"bad.weft:3", "did you mean \"compute\""}},
      {"a: compute 1\n", {"bad.weft:3", "a time like", "unit is missing"}},
      {"a: compute 4 KiB\n", {"a time like"}},
      {"a: compute -1 ms\n", {"out of range"}},
      {"a: compute 1e300 s\n", {"out of range"}},
      {"a: compute nan s\n", {"a time like"}},
      {"a: compute 1 ms rank 16\n", {"a rank of the program, a whole number up to 15", "16"}},
      {"a: compute 1 ms kernel x\n", {"a compute has no \"kernel\""}},
      {"a: compute 1 ms sms 2 sms 3\n", {"\"sms\" is said twice"}},
      {"a: transfer 1e19 B from gpu 0 to gpu 1\n", {"out of range"}},
      {"a: transfer 1 B\n", {"needs a way"}},
      {"a: transfer 1 B from gpu 0\n", {"expected via or to"}},
      {"a: transfer 1 B from gpu 0 to gpu 16\n", {"up to 15"}},
      {"a: transfer 1 B from gpu 8 of node 0 to gpu 1\n", {"there is no number 8"}},
      {"a: transfer 1 B from host to gpu 1\n", {"which host?", "host of node 3"}},
      {"a: transfer 1 B from cpu 0 to gpu 1\n", {"expected gpu, nic, host, storage_nic, ssd, storage_host or nic_switch"}},
      {"a: transfer 1 B from gpu 0 to gpu 1 share 0\n", {"a share, a number from"}},
      {"a: transfer 1 B from gpu 0 to gpu 1 weight 0\n", {"a weight"}},
      {"a: transfer 1 B from gpu 0 to gpu 1 cap 0 GB/s\n", {"out of range"}},
      {"a: transfer 1 B from gpu 0 to gpu 1 kernel a2b\nkernel a2a nic 1 GB/s\n",
       {"bad.weft:3", "no kernel \"a2b\"", "did you mean \"a2a\""}},
      {"kernel a2a nic 1 GB/s\nkernel a2a\n", {"bad.weft:4", "there is a kernel \"a2a\" already"}},
      {"kernel a2a pcie 1 GB/s\n", {"expected nic or nvlink"}},
      {"a marker\n", {"a colon"}},
      {"a: marker after\n", {"after what"}},
      {"a: marker after rank rank 1\n", {"after what"}},
      {"a: marker label \"open\n", {"never closed"}},
      {"a: marker b: marker\n", {"one name"}},
  };
  for (const auto& w : wrong) {
    const std::string said = said_by([&] { read_text_program(with_head(w.text), "bad.weft"); });
    CAPTURE(w.text);
    CAPTURE(said);
    for (const char* part : w.says) CHECK(said.find(part) != std::string::npos);
  }
}

TEST_CASE("all problems of a file are told at once, up to ten") {
  std::string lines;
  for (int i = 0; i < 30; ++i) lines += "a" + std::to_string(i) + ": nonsense\n";
  const std::string said = said_by([&] { program_of(lines); });
  CHECK(said.find("test.weft:3") != std::string::npos);
  CHECK(said.find("test.weft:12") != std::string::npos);
  CHECK(said.find("test.weft:13") == std::string::npos);
}

TEST_CASE("whatever stands in a file, the reader ends with a program or a UserError") {
  const auto pick = [](std::size_t n) { return *rc::gen::inRange<std::size_t>(0, n); };
  CHECK(rc::check("mangled", [&] { said_by([&] { read_text_program(mangled(everything, pick), "mangled.weft"); }); }));
  CHECK(rc::check("random", [](const std::string& bytes) {
    said_by([&] { read_text_program("weft-program 1\nranks 16 per-node 8\n" + bytes, "random.weft"); });
  }));
}

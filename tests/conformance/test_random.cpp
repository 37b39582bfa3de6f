// Random programs on random fabrics of every kind: fluid and SimGrid agree on the start and finish of every operation.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <fmt/format.h>

#include "tests/conformance/families.h"

using namespace weft;
using namespace weft::testing;

namespace {

std::uint32_t draw(std::uint32_t below) {
  return static_cast<std::uint32_t>(*rc::gen::resize(100, rc::gen::inRange<int>(0, static_cast<int>(below))));
}
std::uint32_t draw(std::uint32_t least, std::uint32_t most) { return least + draw(most - least + 1); }

/// Fabrics of a kind with random parameters and 2 to `nodes` nodes.
struct Fabrics {
  const char* kind;
  std::string (*parameters)();
  std::uint32_t nodes;
  const char* node;
  /// A size at which all flows over a link spray alike, so that adaptive routing is plain too: parameters and nodes.
  const char* sprayed = nullptr;
  std::uint32_t sprayed_nodes = 0;
};

const Fabrics fabrics[] = {
    {"single_switch", [] { return std::string(R"("radix": 64)"); }, 12, "endpoint", R"("radix": 64)", 12},
    {"single_switch", [] { return std::string(R"("radix": 64)"); }, 8, "h800", R"("radix": 64)", 4},
    {"ft2", [] { return fmt::format(R"("radix": {})", 4 + 2 * draw(3)); }, 8, "endpoint", R"("radix": 8)", 32},
    {"mpft", [] { return fmt::format(R"("radix": {}, "planes": 8)", 4 + 4 * draw(2)); }, 8, "h800", R"("radix": 4, "planes": 8)", 8},
    {"mrft", [] { return std::string(R"("radix": 8)"); }, 4, "h800", R"("radix": 8)", 4},
    {"ft3", [] { return fmt::format(R"("radix": {})", 4 + 2 * draw(2)); }, 16, "endpoint", R"("radix": 4)", 16},
    {"dragonfly", [] { return fmt::format(R"("p": {}, "a": {}, "h": 2, "g": {})", draw(2, 3), draw(2, 4), draw(3, 5)); }, 12, "endpoint"},
    {"slim_fly", [] { return fmt::format(R"("q": 5, "p": {})", draw(1, 2)); }, 24, "endpoint"}};

Ground random_ground(const Fabrics& f) {
  topology::RoutingSpec routing;
  const topology::Policy policies[] = {topology::Policy::static_dmodk, topology::Policy::ecmp, topology::Policy::adaptive};
  routing.policy = policies[draw(f.sprayed != nullptr ? 3 : 2)];
  routing.qps = draw(1, 3);
  routing.seed = draw(1000);
  const bool sprayed = routing.policy == topology::Policy::adaptive;
  const std::string topology = fmt::format(R"({{"kind": "{}", {}}})", f.kind, sprayed ? f.sprayed : f.parameters());
  const char* transports[] = {"ideal", "infiniband", "roce"};
  return {topology, make_fabric(topology, sprayed ? f.sprayed_nodes : draw(2, f.nodes), f.node, transports[draw(3)]), routing};
}

struct Operation {
  enum class Kind { transfer, compute, marker };
  Kind kind = Kind::transfer;
  std::vector<workloads::Leg> legs;
  workloads::Transfer transfer;
  double duration = 0;
  StreamId stream;
  std::vector<OpId> after;
  std::optional<std::uint32_t> emitted_by;   ///< the operation on whose end it is emitted; none: at the start
};

class RandomProgram final : public workloads::Program {
 public:
  RandomProgram(const std::vector<Operation>& operations, std::span<const workloads::CommKernel> kernels) : operations_(operations), kernels_(kernels) {}
  std::span<const workloads::CommKernel> kernels() const override { return kernels_; }
  void start(workloads::Sink& sink) override { emit({}, sink); }
  void on_complete(OpId id, Seconds, workloads::Sink& sink) override { emit(id.value, sink); }

 private:
  void emit(std::optional<std::uint32_t> by, workloads::Sink& sink) {
    for (std::uint32_t i = 0; i < operations_.size(); ++i) {
      const Operation& o = operations_[i];
      if (o.emitted_by != by) continue;
      if (o.kind == Operation::Kind::marker) {
        sink.marker(OpId(i), Seconds(o.duration), o.after);
      } else if (o.kind == Operation::Kind::compute) {
        sink.compute({OpId(i), o.stream, Seconds(o.duration)}, o.after);
      } else {
        workloads::Transfer t = o.transfer;
        t.id = OpId(i);
        t.legs = o.legs;
        sink.transfer(t, o.after);
      }
    }
  }
  const std::vector<Operation>& operations_;
  std::span<const workloads::CommKernel> kernels_;
};

void random_transfer(const Ground& g, std::uint32_t index, bool alike, Operation& o) {
  const std::uint32_t from = draw(g.gpus()), to = draw(g.gpus());
  o.legs = plain_legs(g, from, to);
  // Through a third end, all legs moving together: the ends' own links are crossed once each.
  if (draw(4) == 0 && g.gpus_per_node() == 1 && g.nodes() > 2 && from != to) {
    const std::uint32_t next = draw(g.gpus());
    if (next != to && next != from) o.legs.push_back({gpu(to), gpu(next), 1});
  }
  workloads::Transfer& t = o.transfer;
  t.bytes = Bytes(alike ? 1e6 : draw(4) == 0 ? 1e6 : 1e4 * draw(2000));
  t.flow_key = index;
  if (draw(3) == 0) t.kernel = KernelId(draw(2));
  if (alike) return;
  t.extra_latency = Seconds(1e-6 * draw(6));
  if (draw(2) == 0) t.latency_mode = workloads::LatencyMode::none;
  if (draw(3) == 0) t.weight = 0.25 * draw(1, 16);
  if (draw(5) == 0) t.rate_cap = BytesPerSecond(1e9 * draw(1, 60));
}

std::vector<Operation> random_operations(const Ground& g) {
  std::vector<Operation> all(draw(1, 50));
  const bool alike = draw(4) == 0;
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    Operation& o = all[i];
    const std::uint32_t kind = draw(8);
    o.kind = kind < 6 ? Operation::Kind::transfer : kind == 6 ? Operation::Kind::compute : Operation::Kind::marker;
    if (i > 0 && draw(4) == 0) o.emitted_by = draw(i);
    o.duration = draw(3) == 0 ? 0 : 1e-7 * draw(3000);
    // What is emitted as the program goes has a stream of its own: a shared one would queue in order of arrival, and then the
    // closed form is no bound.
    o.stream = StreamId(o.emitted_by ? 8 + i : draw(3));
    for (std::uint32_t k = draw(3); k > 0 && i > 0; --k) o.after.push_back(OpId(draw(i)));
    if (o.kind == Operation::Kind::transfer) random_transfer(g, i, alike, o);
  }
  return all;
}

std::vector<engine::FabricEvent> random_events(const Ground& g) {
  std::vector<engine::FabricEvent> events(draw(3) == 0 ? draw(6) : 0);
  for (engine::FabricEvent& e : events) {
    e.at = Seconds(1e-6 * draw(400));
    e.link = LinkId(draw(static_cast<std::uint32_t>(g.fabric.links().size())));
    e.rate = BytesPerSecond(g.fabric.link(e.link).rate.value() * 0.125 * draw(1, 16));
  }
  return events;
}

/// All that a failing case is made of, to make a test of it.
std::string text_of(const Ground& g, const std::vector<Operation>& operations, const std::vector<engine::FabricEvent>& events) {
  const auto end = [](const Endpoint& e) { return fmt::format("{}.{}", e.node.value, e.local); };
  std::string text = fmt::format("{} nodes, policy {}, {} queue pairs, routing seed {}, header {}\n", g.nodes(), static_cast<int>(g.routing.policy),
                                 g.routing.qps, g.routing.seed, g.fabric.transport().name);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const Operation& o = operations[i];
    text += fmt::format("{}:", i);
    if (o.kind == Operation::Kind::transfer) {
      const auto& t = o.transfer;
      text += fmt::format(" {} bytes", t.bytes.value());
      for (const auto& leg : o.legs) text += fmt::format(" {}->{}", end(leg.from), end(leg.to));
      text += fmt::format(", key {}, extra {}, {} latency, weight {}, cap {}, kernel {}", t.flow_key, t.extra_latency.value(),
                          t.latency_mode == workloads::LatencyMode::none ? "no" : "wire", t.weight, t.rate_cap ? t.rate_cap->value() : 0, t.kernel.value);
    } else {
      text += fmt::format(" {} of {} s, stream {}", o.kind == Operation::Kind::compute ? "compute" : "marker", o.duration, o.stream.value);
    }
    for (const OpId a : o.after) text += fmt::format(", after {}", a.value);
    if (o.emitted_by) text += fmt::format(", emitted by {}", *o.emitted_by);
    text += "\n";
  }
  for (const auto& e : events) text += fmt::format("at {}: {} gets {} B/s\n", e.at.value(), g.fabric.name(e.link), e.rate.value());
  return text;
}

}  // namespace

TEST_CASE("500 random programs and more on random fabrics: fluid and SimGrid agree to 1e-9, the closed form is never later") {
  need_simgrid();
  const workloads::CommKernel kernels[] = {{"narrow", BytesPerSecond(40e9), BytesPerSecond(90e9)}, {"wide", BytesPerSecond(44e9), {}}};
  Verdict worst;
  std::uint64_t programs = 0;
  for (const Fabrics& f : fabrics) {
    CHECK(rc::check(std::string(f.kind) + " of nodes " + f.node, [&] {
      const Ground ground = random_ground(f);
      const std::vector<Operation> operations = random_operations(ground);
      const Case c{ground.name, &ground, [&] { return std::make_unique<RandomProgram>(operations, kernels); }, random_events(ground)};
      const Verdict v = compare(c);
      ++programs;
      worst.operations += v.operations;
      if (v.worst > worst.worst) worst.worst = v.worst, worst.where = v.where;
      if (!v.wrong.empty()) RC_FAIL(fmt::format("{}\n", fmt::join(v.wrong, "\n")) + text_of(ground, operations, c.events));
    }));
  }
  fmt::print("{} programs, {} operations, worst deviation {:.3g} ({})\n", programs, worst.operations, worst.worst, worst.where);
  CHECK(programs >= 500);
  CHECK(worst.worst <= 1e-9);
}

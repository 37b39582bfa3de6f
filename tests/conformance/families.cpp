#include "tests/conformance/families.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/core/random.h"
#include "workloads/static_program.h"

namespace weft::testing {
namespace {

using workloads::CommKernel;
using workloads::StaticProgram;
using Options = StaticProgram::TransferOptions;

/// What a family writes into.
struct Writer {
  const Ground& ground;
  Draws draw;
  StaticProgram& program;
  std::vector<engine::FabricEvent>& events;

  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(draw.below(n)); }
  double between(double low, double high) { return low + (high - low) * draw.unit(); }
  OpId flow(std::uint32_t from, std::uint32_t to, double bytes, Options options = {}, std::vector<OpId> after = {}) {
    options.flow_key = program.size();
    const auto legs = plain_legs(ground, from, to);
    return program.add_transfer(Bytes(bytes), legs, options, after);
  }
};

void single_flows(Writer w) {
  for (double bytes : {0.0, 1.0, 4096.5, 1e6, 3e9}) {
    const std::uint32_t from = w.below(w.ground.gpus());
    w.flow(from, (from + 1 + w.below(w.ground.gpus() - 1)) % w.ground.gpus(), bytes, {}, w.program.size() > 0 ? std::vector{OpId(static_cast<std::uint32_t>(w.program.size() - 1))} : std::vector<OpId>{});
  }
}

// A long transfer through several ends in a row, which moves at the pace of its slowest stretch, and short ones on each stretch.
void parking_lot(Writer w) {
  const std::uint32_t g = w.ground.gpus_per_node(), stretches = w.ground.one_switch() ? 6 : 2, nodes = w.ground.nodes();
  const std::uint32_t first = w.below(nodes);
  const auto at = [&](std::uint32_t i) { return gpu((first + i) % nodes, 0); };
  std::vector<workloads::Leg> legs;
  for (std::uint32_t i = 0; i < stretches; ++i) legs.push_back({at(i), at(i + 1), 1});
  w.program.add_transfer(Bytes(w.between(1e7, 2e7)), legs, {});
  for (std::uint32_t i = 0; i < stretches; ++i) {
    for (std::uint32_t k = 0; k <= i; ++k) w.flow((first + i) % nodes * g, (first + i + 1) % nodes * g, w.between(1e6, 2e7));
  }
}

void incast(Writer w) {
  const std::uint32_t to = w.below(w.ground.gpus());
  for (std::uint32_t from = 0; from < w.ground.gpus(); ++from) {
    if (from != to) w.flow(from, to, w.below(2) == 0 ? 1e6 : w.between(1e5, 5e6));
  }
}

void permutation(Writer w) {
  std::vector<std::uint32_t> to(w.ground.gpus());
  for (std::uint32_t i = 0; i < to.size(); ++i) to[i] = i;
  for (std::uint32_t i = static_cast<std::uint32_t>(to.size()); i > 1; --i) std::swap(to[i - 1], to[w.below(i)]);
  for (std::uint32_t i = 0; i < to.size(); ++i) {
    if (to[i] != i) w.flow(i, to[i], 8e6);
  }
}

void all_to_all_of(Writer& w, double jitter) {
  const std::uint32_t n = std::min<std::uint32_t>(w.ground.gpus(), 16);
  for (std::uint32_t a = 0; a < n; ++a) {
    for (std::uint32_t b = 0; b < n; ++b) {
      if (a != b) w.flow(a, b, 1e6 * (1 + jitter * (w.draw.unit() - 0.5)));
    }
  }
}

void all_to_all(Writer w) { all_to_all_of(w, 0); }
void all_to_all_jittered(Writer w) { all_to_all_of(w, 0.01); }

// Dispatch and combine of expert parallelism in plain flows, through kernels with rates of their own, two layers of it.
void exchange(Writer w) {
  const KernelId kernel = w.program.add_kernel({"exchange", BytesPerSecond(44e9), BytesPerSecond(125e9)});
  const std::uint32_t n = std::min<std::uint32_t>(w.ground.gpus(), 16);
  std::vector<OpId> before;
  for (int layer = 0; layer < 2; ++layer) {
    std::vector<OpId> sent;
    for (std::uint32_t a = 0; a < n; ++a) {
      for (int k = 0; k < 4; ++k) {
        const std::uint32_t to = (a + 1 + w.below(n - 1)) % n;
        sent.push_back(w.flow(a, to, 7168.0 * (1 + w.below(64)), {.kernel = kernel, .extra_latency = Seconds(2e-6)}, before));
      }
    }
    before = {w.program.add_marker(Seconds(5e-6), sent)};
  }
}

// Micro-batches through stages on their streams; what a stage sends starts when it has computed.
void pipeline(Writer w) {
  const std::uint32_t stages = std::min<std::uint32_t>(w.ground.gpus(), 6);
  for (std::uint32_t batch = 0; batch < 5; ++batch) {
    std::vector<OpId> arrived;
    for (std::uint32_t s = 0; s < stages; ++s) {
      const OpId computed = w.program.add_compute(StreamId(s), Seconds(w.between(1e-4, 3e-4)), 0, arrived);
      if (s + 1 < stages) arrived = {w.flow(s, s + 1, w.between(1e6, 3e6), {}, {computed})};
    }
  }
}

void staggered(Writer w) {
  for (int k = 0; k < 60; ++k) {
    const std::uint32_t from = w.below(w.ground.gpus());
    w.flow(from, (from + 1 + w.below(w.ground.gpus() - 1)) % w.ground.gpus(), w.between(1e5, 1e7),
           {.extra_latency = Seconds(w.between(0, 3e-4)), .latency_mode = w.below(2) == 0 ? workloads::LatencyMode::none : workloads::LatencyMode::wire});
  }
}

void capacity_changes(Writer w) {
  staggered(w);
  const auto links = w.ground.fabric.links();
  for (int k = 0; k < 24; ++k) {
    engine::FabricEvent e;
    e.at = Seconds(w.between(0, 5e-4));
    e.link = LinkId(w.below(static_cast<std::uint32_t>(links.size())));
    e.rate = BytesPerSecond(links[e.link.value].rate.value() * w.between(0.1, 2));
    w.events.push_back(e);
  }
}

void weights_and_caps(Writer w) {
  for (int k = 0; k < 40; ++k) {
    const std::uint32_t from = w.below(w.ground.gpus());
    Options o{.extra_latency = Seconds(1e-6 * w.below(4)), .weight = w.between(0.2, 5)};
    if (w.below(3) == 0) o.rate_cap = BytesPerSecond(w.between(1e9, 6e10));
    w.flow(from, (from + 1 + w.below(w.ground.gpus() - 1)) % w.ground.gpus(), w.between(1e5, 1e7), o);
  }
}

/// Sends on what it receives: emitted as it goes, in rings whose sizes differ, with computation between.
class Rings final : public workloads::Program {
 public:
  Rings(const Ground& g, std::uint64_t seed) : ground_(g), seed_(seed) {}
  void start(workloads::Sink& sink) override {
    for (std::uint32_t r = 0; r < rings; ++r) emit(r, sink);
  }
  void on_complete(OpId id, Seconds, workloads::Sink& sink) override {
    if (id.value + rings < rings * hops) emit(id.value + rings, sink);
  }

 private:
  static constexpr std::uint32_t rings = 12, hops = 12;
  void emit(std::uint32_t id, workloads::Sink& sink) {
    Draws draw(seed_, "ring", id);
    const std::uint32_t ring = id % rings, hop = id / rings, n = ground_.gpus();
    if (hop % 3 == 2) {
      workloads::Compute c;
      c.id = OpId(id);
      c.stream = StreamId(ring);   // rings that shared one would be queued in order of arrival, where less sharing can end later
      c.duration = Seconds(1e-4 * draw.unit());
      return sink.compute(c);
    }
    const auto legs = plain_legs(ground_, (ring * (hop + 1)) % n, (ring * (hop + 1) + 1 + ring % (n - 1)) % n);
    workloads::Transfer t;
    t.id = OpId(id);
    t.bytes = Bytes(1e6 * (1 + 4 * draw.unit()));
    t.legs = legs;
    t.flow_key = id;
    const OpId after[] = {OpId(id / 2)};   // of an earlier hop, finished or not
    sink.transfer(t, std::span<const OpId>(after, id < rings ? 0 : 1));
  }
  const Ground& ground_;
  std::uint64_t seed_;
};

}  // namespace

std::vector<workloads::Leg> plain_legs(const Ground& g, std::uint32_t from, std::uint32_t to) {
  const std::uint32_t n = g.gpus_per_node();
  const Endpoint a = gpu(from / n, from % n), b = gpu(to / n, to % n), middle = gpu(to / n, from % n);
  std::vector<workloads::Leg> legs;
  if (a != middle) legs.push_back({a, middle, 1});
  if (middle != b) legs.push_back({middle, b, 1});
  return legs;
}

std::vector<Case> fixed_cases() {
  struct Family {
    const char* name;
    void (*write)(Writer);
  };
  const Family families[] = {{"single flows", single_flows},   {"parking lot", parking_lot},           {"incast", incast},
                             {"permutation", permutation},     {"all-to-all", all_to_all},             {"jittered all-to-all", all_to_all_jittered},
                             {"exchange", exchange},           {"pipeline", pipeline},                 {"staggered starts", staggered},
                             {"capacity changes", capacity_changes}, {"weights and caps", weights_and_caps}};
  std::vector<Case> cases;
  for (const Ground& g : grounds()) {
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      for (const Family& f : families) {
        auto program = std::make_shared<StaticProgram>();
        Case c{fmt::format("{}, {}, {}", f.name, g.name, seed), &g, {}, {}};
        f.write({g, Draws(seed, f.name), *program, c.events});
        c.program = [program] { return std::make_unique<StaticProgram>(*program); };
        cases.push_back(std::move(c));
      }
      cases.push_back({fmt::format("rings, {}, {}", g.name, seed), &g, [&g, seed] { return std::make_unique<Rings>(g, seed); }, {}});
    }
  }
  return cases;
}

}  // namespace weft::testing

// Batches of transfers that have the fabric to themselves end as they do when each transfer is emitted alone.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <functional>

#include "tests/engine/play.h"

using namespace weft;
using namespace weft::testing;
using doctest::Approx;

namespace {

const workloads::CommKernel own_rate{"kernel", BytesPerSecond(40e9), BytesPerSecond(90e9)};

struct Item {
  std::vector<workloads::Leg> legs;
  workloads::Transfer rest;
};

class Listed final : public workloads::TransferBatch {
 public:
  explicit Listed(const std::vector<Item>& items) : items_(items) {}
  std::uint32_t size() const override { return static_cast<std::uint32_t>(items_.size()); }
  void read(std::uint32_t k, workloads::Transfer& out) override {
    out = items_[k].rest;
    out.legs = items_[k].legs;
  }

 private:
  const std::vector<Item>& items_;
};

/// A batch at a time, and what else is to happen: `others` emits it.
struct Scene final : workloads::Program {
  std::vector<Item> items;
  std::vector<OpId> after;
  OpId first{100};
  std::function<void(workloads::Sink&)> before, others;
  std::function<void(OpId, workloads::Sink&)> then;
  bool whole = true;             ///< as a batch; else one by one
  std::vector<workloads::CommKernel> own{own_rate};

  std::span<const workloads::CommKernel> kernels() const override { return own; }
  void start(workloads::Sink& sink) override {
    if (before) before(sink);
    const auto batch = std::make_shared<Listed>(items);
    if (whole) sink.transfers(batch, first, after);
    else sink.workloads::Sink::transfers(batch, first, after);
    if (others) others(sink);
  }
  void on_complete(OpId id, Seconds, workloads::Sink& sink) override {
    if (then) then(id, sink);
  }
};

struct Setting {
  const char* topology;
  std::uint32_t nodes;
  const char* node;
};
const Setting settings[] = {{R"({"kind": "single_switch", "radix": 64})", 5, "endpoint"},
                            {R"({"kind": "ft2", "radix": 4})", 8, "endpoint"},
                            {R"({"kind": "mpft", "radix": 4, "planes": 8})", 4, "h800"},
                            {R"({"kind": "mrft", "radix": 8})", 4, "h800"}};

topology::Fabric fabric_of(const Setting& s) { return make_fabric(s.topology, s.nodes, s.node, "infiniband"); }
std::uint32_t gpus_of(const Setting& s) { return std::string(s.node) == "h800" ? 8 : 1; }

/// Each GPU to each other over the sender's rail and NVLink behind it.
std::vector<Item> flat(const Setting& s, const std::function<double(std::uint32_t, std::uint32_t)>& bytes) {
  const std::uint32_t g = gpus_of(s);
  std::vector<Item> items;
  for (std::uint32_t a = 0; a < s.nodes * g; ++a) {
    for (std::uint32_t b = 0; b < s.nodes * g; ++b) {
      if (a == b) continue;
      Item item;
      const Endpoint from = gpu(a / g, a % g), mid = gpu(b / g, a % g), to = gpu(b / g, b % g);
      if (from != mid) item.legs.push_back({from, mid, 1});
      if (mid != to) item.legs.push_back({mid, to, 1});
      item.rest.bytes = Bytes(bytes(a, b));
      items.push_back(item);
    }
  }
  return items;
}

/// With PXN: the GPUs of a node hand over to the one whose rail is taken.
std::vector<Item> with_pxn(std::uint32_t nodes) {
  std::vector<Item> items;
  for (std::uint32_t a = 0; a < nodes; ++a) {
    for (std::uint32_t d = 0; d < nodes; ++d) {
      for (std::uint32_t via = 0; via < 8 && d != a; ++via) {
        Item item;
        for (std::uint32_t i = 0; i < 8; ++i) {
          if (i != via) item.legs.push_back({gpu(a, i), gpu(a, via), 1.0 / 8});
        }
        item.legs.push_back({gpu(a, via), gpu(d, via), 1});
        item.rest.bytes = Bytes(8e6);
        item.rest.kernel = KernelId(0);
        item.rest.weight = 8;
        items.push_back(item);
      }
    }
  }
  return items;
}

bool same(double a, double b) { return std::abs(a - b) <= 1e-12 * std::max(std::abs(a), std::abs(b)); }

std::string difference(const Played& a, const Played& b) {
  if (a.finish.size() != b.finish.size()) return "one runs more operations";
  if (a.start.size() != b.start.size()) return "one starts more operations";
  for (const auto& [id, t] : a.finish) {
    if (!same(t, b.finish.at(id))) return fmt::format("operation {} ends at {:.17g} or {:.17g}", id, t, b.finish.at(id));
    if (!same(a.start.at(id), b.start.at(id))) return fmt::format("operation {} starts at {:.17g} or {:.17g}", id, a.start.at(id), b.start.at(id));
  }
  if (a.order != b.order) return "the order of ends differs";
  const auto &s = a.summary, &u = b.summary;
  if (s.operations != u.operations || s.flows != u.flows || s.events != u.events) return "the counts differ";
  if (!(std::abs(s.max_link_utilisation - u.max_link_utilisation) <= 1e-9)) return "the utilisation differs";
  return "";
}

/// Runs the scene both ways; what differs.
std::string compare(const topology::Fabric& fabric, Scene& scene, engine::Options o = {}, std::uint64_t* most_classes = nullptr) {
  o.fold = false;
  scene.whole = true;
  const Played whole = play(fabric, scene, o);
  scene.whole = false;
  const Played single = play(fabric, scene, o);
  if (most_classes != nullptr) *most_classes = whole.summary.classes;
  return difference(whole, single);
}

workloads::Transfer one(std::uint32_t id, double bytes, const std::vector<workloads::Leg>& legs) {
  workloads::Transfer t;
  t.id = OpId(id);
  t.bytes = Bytes(bytes);
  t.legs = legs;
  return t;
}

}  // namespace

TEST_CASE("a uniform all-to-all as a batch ends as transfer by transfer, on every topology") {
  for (const Setting& s : settings) {
    Scene scene;
    scene.items = flat(s, [](auto, auto) { return 1e6; });
    CHECK(compare(fabric_of(s), scene) == "");
  }
}

TEST_CASE("all-to-alls of three sizes, weights and caps, with PXN and with a kernel's own rates, end as transfer by transfer") {
  for (const Setting& s : settings) {
    Scene scene;
    scene.items = flat(s, [](auto a, auto b) { return 1e6 * (1 + (a + b) % 3); });
    for (std::size_t i = 0; i < scene.items.size(); ++i) {
      scene.items[i].rest.kernel = KernelId(0);
      if (i % 5 == 0) scene.items[i].rest.rate_cap = BytesPerSecond(3e9);
      if (i % 7 == 0) scene.items[i].rest.weight = 2;
      if (i % 11 == 0) scene.items[i].rest.extra_latency = Seconds(3e-5);
    }
    CHECK(compare(fabric_of(s), scene) == "");
    if (gpus_of(s) == 8) {
      scene.items = with_pxn(s.nodes);
      CHECK(compare(fabric_of(s), scene) == "");
    }
  }
}

TEST_CASE("transfers of a batch that have no bytes, or nowhere to go, take their latency alone") {
  const Setting& s = settings[2];
  Scene scene;
  scene.items = flat(s, [](auto a, auto b) { return (a + b) % 4 == 0 ? 0 : 1e6; });
  for (std::size_t i = 0; i < scene.items.size(); i += 3) {
    scene.items[i].legs = {{gpu(0, 1), gpu(0, 1), 1}};
    scene.items[i].rest.latency_mode = workloads::LatencyMode::none;
    if (i % 2 == 0) scene.items[i].rest.rate_cap = BytesPerSecond(1e9);
  }
  CHECK(compare(fabric_of(s), scene) == "");
}

TEST_CASE("operations may wait for transfers of a batch, named before and after these end, and batches for batches") {
  const Setting& s = settings[2];
  const auto fabric = fabric_of(s);
  Scene scene;
  scene.items = flat(s, [](auto a, auto) { return a % 2 == 0 ? 1e6 : 2e6; });
  const std::vector<workloads::Leg> legs{{gpu(0, 0), gpu(3, 0), 1}};
  // A marker for each fifth transfer, a transfer after one of the early ones: it begins in mid-way.
  scene.others = [&](workloads::Sink& sink) {
    for (std::uint32_t k = 0; k < scene.items.size(); k += 5) {
      const OpId member[] = {OpId(100 + k)};
      sink.marker(OpId(20000 + k), Seconds(1e-6), member);
    }
  };
  // What is emitted as one ends waits for one that ended already, for one that has yet to and for the first.
  scene.then = [&](OpId id, workloads::Sink& sink) {
    if (id.value < 100 || id.value >= 200) return;
    const OpId three[] = {OpId(id.value - 1 < 100 ? 100 : id.value - 1), OpId(id.value + 1), OpId(100)};
    sink.marker(OpId(30000 + id.value), Seconds(1e-6), three);
  };
  CHECK(compare(fabric, scene) == "");
  const auto markers = scene.others;
  scene.others = [&](workloads::Sink& sink) {
    markers(sink);
    const OpId member[] = {OpId(103)};
    sink.transfer(one(5, 3e6, legs), member);
  };
  CHECK(compare(fabric, scene) == "");
}

TEST_CASE("a batch may wait for others, and others may wait for it before it starts") {
  const Setting& s = settings[1];
  Scene scene;
  scene.items = flat(s, [](auto, auto) { return 1e6; });
  scene.after = {OpId(0), OpId(1)};
  scene.before = [](workloads::Sink& sink) {
    sink.marker(OpId(0), Seconds(1e-3));
    const OpId member[] = {OpId(100 + 7)};
    sink.marker(OpId(2), Seconds(1e-3), member);
    sink.marker(OpId(1), Seconds(2e-3));
  };
  CHECK(compare(fabric_of(s), scene) == "");
}

TEST_CASE("what begins while a batch moves takes its share from then on") {
  for (const Setting& s : settings) {
    const auto fabric = fabric_of(s);
    const std::vector<workloads::Leg> legs{{gpu(0, 0), gpu(3, 0), 1}};
    for (const double at : {0.0, 1e-6, 4e-6, 2e-5, 1e-4, 3e-4}) {
      Scene scene;
      scene.items = flat(s, [](auto, auto) { return 1e6; });
      // One transfer, or a second batch.
      scene.others = [&](workloads::Sink& sink) {
        sink.marker(OpId(0), Seconds(at));
        const OpId marker[] = {OpId(0)};
        sink.transfer(one(1, 3e6, legs), marker);
      };
      CHECK(compare(fabric, scene) == "");
      scene.others = [&](workloads::Sink& sink) {
        sink.marker(OpId(0), Seconds(at));
        const OpId marker[] = {OpId(0)};
        if (scene.whole) sink.transfers(std::make_shared<Listed>(scene.items), OpId(50000), marker);
        else sink.workloads::Sink::transfers(std::make_shared<Listed>(scene.items), OpId(50000), marker);
      };
      CHECK(compare(fabric, scene) == "");
    }
  }
}

TEST_CASE("a capacity that changes while a batch moves counts from then on") {
  const Setting& s = settings[2];
  const auto fabric = fabric_of(s);
  for (const double at : {0.0, 1e-6, 1e-4, 2e-4}) {
    Scene scene;
    scene.items = flat(s, [](auto, auto) { return 1e6; });
    engine::Options o;
    const LinkId up = fabric.uplink_of_nic(fabric.vertex_of(nic(1, 3)));
    o.events = {{Seconds(at), engine::FabricEvent::What::capacity, up, BytesPerSecond(5e9)}};
    CHECK(compare(fabric, scene, o) == "");
  }
}

TEST_CASE("a batch of a hundred sizes is as good as single transfers") {
  const Setting& s = settings[2];
  Scene scene;
  scene.items = flat(s, [](auto a, auto b) { return 1e6 + 1e3 * ((a * 7 + b) % 100); });
  CHECK(compare(fabric_of(s), scene) == "");
}

TEST_CASE("fan-outs with shares of their own, in a batch, are as good as single transfers, whose pieces pass with them") {
  const Setting& s = settings[2];
  Scene scene;
  scene.items = flat(s, [](auto, auto) { return 1e6; });
  for (std::size_t i = 100; i < 300; i += 3)
    scene.items[i].legs = {{gpu(0, 1), gpu(1, 1), 1}, {gpu(1, 1), gpu(1, 2), 0.1 + 0.001 * static_cast<double>(i)}, {gpu(1, 1), gpu(1, 3), 0.2}};
  CHECK(compare(fabric_of(s), scene) == "");
}

TEST_CASE("a batch that waits for itself, or that no link lets through, is told as single transfers are") {
  const Setting& s = settings[0];
  const auto fabric = fabric_of(s);
  Scene scene;
  scene.items = flat(s, [](auto, auto) { return 1e6; });
  scene.after = {OpId(0)};
  scene.before = [](workloads::Sink& sink) {
    const OpId member[] = {OpId(103)};
    sink.marker(OpId(0), Seconds(0), member);
  };
  CHECK_THROWS_WITH_AS(play(fabric, scene), doctest::Contains("they wait for each other"), RunError);
  scene.after.clear();
  scene.before = nullptr;
  engine::Options o;
  o.events = {{Seconds(1e-9), engine::FabricEvent::What::capacity, fabric.uplink_of_nic(fabric.vertex_of(nic(1))), BytesPerSecond(0)}};
  CHECK_THROWS_WITH_AS(play(fabric, scene, o), doctest::Contains("crosses a link without capacity"), RunError);
}

TEST_CASE("a uniform all-to-all of single-GPU nodes as a batch is one variable and runs at line rate") {
  // 20 flows over 5 NICs: each NIC sends 4 MB at 50 GB/s.
  const auto fabric = star(5);
  Scene scene;
  scene.items = flat(settings[0], [](auto, auto) { return 1e6; });
  const Played p = play(fabric, scene);
  CHECK(p.summary.classes == 1);
  CHECK(p.summary.flows == 20);
  CHECK(p.summary.makespan.value() == Approx(4e6 / line).epsilon(1e-12));
  CHECK(p.summary.max_link_utilisation == Approx(1).epsilon(1e-12));
}

namespace {

std::uint32_t draw(int below) { return static_cast<std::uint32_t>(*rc::gen::resize(100, rc::gen::inRange(0, below))); }

Item random_item(const Setting& s) {
  const std::uint32_t g = gpus_of(s);
  const auto node = [&] { return draw(static_cast<int>(s.nodes)); };
  Item item;
  const std::uint32_t local = draw(static_cast<int>(g));
  const Endpoint from = gpu(node(), local), to = gpu(node(), local);
  item.legs.push_back({from, to, draw(4) == 0 ? 0.5 : 1});
  if (g == 8 && draw(2) == 0) item.legs.push_back({to, gpu(to.node.value, draw(8)), 1});
  if (g == 8 && draw(4) == 0) item.legs.insert(item.legs.begin(), {gpu(from.node.value, draw(8)), from, 1});
  item.rest.bytes = Bytes(1e6 * draw(3));
  item.rest.weight = 1 + draw(2);
  if (draw(3) == 0) item.rest.extra_latency = Seconds(1e-5);
  if (draw(6) == 0) item.rest.rate_cap = BytesPerSecond(10e9);
  if (draw(2) == 0) item.rest.kernel = KernelId(0);
  return item;
}

}  // namespace

TEST_CASE("a batch is not alone when another flow moves its first byte at the instant at which it starts") {
  // Flow 0: 5 MB at 50 GB/s after 10 us: 110 us, while a batch on other nodes starts at 10 us and takes 0.32 s.
  for (const bool whole : {true, false}) {
    Scene scene;
    scene.whole = whole;
    for (std::uint32_t k = 0; k < 32; ++k) {
      Item item;
      item.legs = {{nic(2 + k % 2), nic(3 - k % 2), 1}};
      item.rest.bytes = Bytes(1e9);
      item.rest.latency_mode = workloads::LatencyMode::none;
      item.rest.extra_latency = Seconds(1e-6);
      scene.items.push_back(item);
    }
    scene.after = {OpId(1)};
    const workloads::Leg leg{nic(0), nic(1), 1};
    scene.before = [&](workloads::Sink& sink) {
      workloads::Transfer t;
      t.id = OpId(0);
      t.bytes = Bytes(5e6);
      t.legs = {&leg, 1};
      t.latency_mode = workloads::LatencyMode::none;
      t.extra_latency = Seconds(1e-5);
      sink.transfer(t);
      sink.marker(OpId(1), Seconds(1e-5));
    };
    CHECK(play(star(4), scene).finish.at(0) == Approx(110e-6).epsilon(1e-12));
  }
}

TEST_CASE("any batch ends as transfer by transfer, whatever begins or changes meanwhile") {
  for (const Setting& s : settings) {
    const auto fabric = fabric_of(s);
    CHECK(rc::check(std::string(s.topology), [&] {
      Scene scene;
      const std::uint32_t kinds = 1 + draw(12), n = 16 + draw(60);
      std::vector<Item> known;
      for (std::uint32_t i = 0; i < kinds; ++i) known.push_back(random_item(s));
      for (std::uint32_t i = 0; i < n; ++i) scene.items.push_back(draw(3) == 0 ? random_item(s) : known[draw(static_cast<int>(kinds))]);
      const double at = 1e-5 * draw(20);
      const Item late = random_item(s);
      const std::uint32_t waits_for = 100 + draw(static_cast<int>(n));
      if (draw(2) == 0) {
        scene.others = [&](workloads::Sink& sink) {
          const OpId before[] = {OpId(0), OpId(waits_for)};
          sink.marker(OpId(0), Seconds(at));
          workloads::Transfer t = late.rest;
          t.id = OpId(1);
          t.legs = late.legs;
          sink.transfer(t, std::span<const OpId>(before, 1));
          sink.marker(OpId(2), Seconds(1e-6), before);
        };
      }
      engine::Options o;
      const auto links = fabric.links();
      if (draw(3) == 0) {
        const LinkId l(draw(static_cast<int>(links.size())));
        o.events = {{Seconds(1e-5 * draw(20)), engine::FabricEvent::What::capacity, l, BytesPerSecond(links[l.value].rate.value() * 0.5)}};
      }
      const std::string what = compare(fabric, scene, o);
      if (!what.empty()) RC_FAIL(what);
    }));
  }
}

#include "tests/conformance/both.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "sim/engine/closed_form/closed_form.h"
#include "sim/engine/simgrid/simgrid.h"

namespace weft::testing {
namespace {

using topology::Policy;

constexpr double allowed = 1e-9;

/// Of two times; zero when both are the same.
double deviation(double a, double b) { return a == b ? 0 : std::abs(a - b) / std::max(std::abs(a), std::abs(b)); }

Ground ground(std::string name, const char* topology, std::uint32_t nodes, const char* node, const char* transport, Policy policy,
              std::uint32_t qps = 1) {
  topology::RoutingSpec routing;
  routing.policy = policy;
  routing.qps = qps;
  return {std::move(name), make_fabric(topology, nodes, node, transport), routing};
}

template <class Run>
Times play(const Case& c, const engine::Options& options, Run run) {
  topology::Router router(c.ground->fabric, c.ground->routing);
  Times t;
  const auto program = c.program();
  t.summary = run(router, *program, options, t);
  return t;
}

void compare(const Case& c, const char* engine, const Times& is, const Times& due, Verdict& v) {
  const auto both = {std::tuple("starts", &is.start, &due.start), std::tuple("finishes", &is.finish, &due.finish)};
  for (const auto& [what, a, b] : both) {
    if (a->size() != b->size()) {
      v.wrong.push_back(fmt::format("{}: {} tells of {} operations that {}, SimGrid of {}", c.name, engine, a->size(), what, b->size()));
      continue;
    }
    for (std::size_t i = 0; i < a->size(); ++i) {
      const double d = deviation((*a)[i], (*b)[i]);
      const auto text = [&] { return fmt::format("{}: operation {} {} at {:.17g} on {}, {:.17g} on SimGrid", c.name, i, what, (*a)[i], engine, (*b)[i]); };
      if (d > v.worst) {
        v.worst = d;
        v.where = text();
      }
      if (!(d <= allowed)) v.wrong.push_back(text());
    }
  }
  if (!is.in_order) v.wrong.push_back(fmt::format("{}: {} tells finishes out of order", c.name, engine));
  if (deviation(is.summary.max_link_utilisation, due.summary.max_link_utilisation) > allowed) {
    v.wrong.push_back(fmt::format("{}: busiest link {:.17g} on {}, {:.17g} on SimGrid", c.name, is.summary.max_link_utilisation, engine,
                                  due.summary.max_link_utilisation));
  }
}

}  // namespace

void Times::finished(OpId id, Seconds t) {
  in_order = in_order && t.value() >= last_time_;
  last_time_ = t.value();
  put(finish, id, t);
}

void Times::put(std::vector<double>& into, OpId id, Seconds t) {
  if (id.value >= into.size()) into.resize(id.value + 1, -1);
  into[id.value] = t.value();
}

const std::vector<Ground>& grounds() {
  static const std::vector<Ground> all = [] {
    std::vector<Ground> g;
    const char* one = R"({"kind": "single_switch", "radix": 64})";
    const char* mpft = R"({"kind": "mpft", "radix": 4, "planes": 8})";
    const char* mrft = R"({"kind": "mrft", "radix": 8})";
    const char* dragonfly = R"({"kind": "dragonfly", "p": 2, "a": 4, "h": 2, "g": 5})";
    g.push_back(ground("one switch", one, 10, "endpoint", "ideal", Policy::adaptive));
    g.push_back(ground("one switch, headers", one, 10, "endpoint", "infiniband", Policy::static_dmodk));
    g.push_back(ground("ft2, sprayed", R"({"kind": "ft2", "radix": 8})", 16, "endpoint", "infiniband", Policy::adaptive));
    g.push_back(ground("ft2, ECMP of 3 queue pairs", R"({"kind": "ft2", "radix": 8})", 16, "endpoint", "roce", Policy::ecmp, 3));
    g.push_back(ground("mpft, sprayed", mpft, 4, "h800", "infiniband", Policy::adaptive));
    g.push_back(ground("mpft, static", mpft, 6, "h800", "infiniband", Policy::static_dmodk));
    g.push_back(ground("mrft, ECMP", mrft, 4, "h800", "roce", Policy::ecmp));
    g.push_back(ground("ft3, sprayed", R"({"kind": "ft3", "radix": 4})", 16, "endpoint", "infiniband", Policy::adaptive));
    g.push_back(ground("ft3, ECMP of 2 queue pairs", R"({"kind": "ft3", "radix": 4})", 16, "endpoint", "infiniband", Policy::ecmp, 2));
    g.push_back(ground("dragonfly, static", dragonfly, 20, "endpoint", "infiniband", Policy::static_dmodk));
    g.push_back(ground("dragonfly, ECMP", dragonfly, 20, "endpoint", "ideal", Policy::ecmp));
    g.push_back(ground("slim fly, ECMP of 2 queue pairs", R"({"kind": "slim_fly", "q": 5, "p": 2})", 40, "endpoint", "infiniband", Policy::ecmp, 2));
    return g;
  }();
  return all;
}

Verdict compare(const Case& c) {
  engine::Options options;
  options.events = c.events;
  const Times due = play(c, options, [](auto&... a) { return engine::run_simgrid(a...); });
  Verdict v;
  v.operations = static_cast<std::uint64_t>(std::count_if(due.finish.begin(), due.finish.end(), [](double t) { return t >= 0; }));
  if (due.summary.operations != v.operations) v.wrong.push_back(c.name + ": SimGrid does not tell every finish");
  if (!due.in_order) v.wrong.push_back(c.name + ": SimGrid tells finishes out of order");
  for (const bool classes : {true, false}) {
    options.classes = classes;
    compare(c, classes ? "fluid" : "fluid without classes", play(c, options, engine::run), due, v);
  }
  if (!c.events.empty()) return v;   // the closed form knows no changes
  const Times bound = play(c, options, engine::run_closed_form);
  for (std::size_t i = 0; i < due.finish.size(); ++i) {
    if (due.finish[i] < 0 || bound.finish.at(i) <= due.finish[i] * (1 + allowed)) continue;   // ids that the program has not used
    v.wrong.push_back(fmt::format("{}: operation {} finishes at {:.17g} on SimGrid, before the closed form's {:.17g}", c.name, i, due.finish[i], bound.finish[i]));
  }
  return v;
}

void need_simgrid() {
  static const std::shared_ptr<void> module = engine::load_simgrid();
  if (module == nullptr) std::exit(77);
}

}  // namespace weft::testing

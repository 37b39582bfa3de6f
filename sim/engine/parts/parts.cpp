#include "sim/engine/parts/parts.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <numeric>
#include <thread>

#include "sim/engine/parts/crossings.h"
#include "sim/engine/fluid/run.h"
#include "sim/engine/parts/joined_program.h"
#include "sim/engine/parts/records.h"

namespace weft::engine {
namespace {

/// Parts that run together, and what came of it.
struct Group {
  std::vector<std::uint32_t> parts;       // in order
  bool has_run = false;
  Summary summary;
  Records records;
  std::vector<std::uint32_t> links;       // that its flows crossed, in order; on failure those until then
  std::vector<double> carried;            // bytes, by place in `links`
  Crossings::Shares shares;
  std::exception_ptr failure;
};

/// A router of its own for a thread, with the links as they are in `original`.
std::unique_ptr<topology::Router> copy_of(const topology::Router& original) {
  auto copy = std::make_unique<topology::Router>(original.fabric(), original.spec());
  const auto links = static_cast<std::uint32_t>(original.fabric().links().size());
  for (LinkId l(0); l.value < links; ++l.value) {
    if (copy->is_up(l) != original.is_up(l)) copy->set_up(l, original.is_up(l));
    if (original.is_up(l) && copy->capacity(l) != original.capacity(l)) copy->set_capacity(l, original.capacity(l));
  }
  return copy;
}

/// Whether parts may meet on cables that limit nobody; else they may not meet at all.
bool may_share(const topology::Router& router, const Options& options) {
  return options.events.empty() && Crossings::can_tell(router.spec());
}

std::vector<std::uint32_t> links_of(const Paths& paths) {
  std::vector<std::uint32_t> links;
  for (std::uint32_t l = 0; l < paths.physical_links(); ++l) {
    if (paths.crossed(l)) links.push_back(l);
  }
  return links;
}

void run_group(Group& group, topology::Router& router, std::vector<std::unique_ptr<workloads::Program>> parts,
               const Options& options) {
  JoinedProgram joined(std::move(parts));
  workloads::Program& program = joined.only_part() != nullptr ? *joined.only_part() : joined;
  Crossings crossings(router);
  ObservedProgram observed(program, crossings);
  Run run(router, may_share(router, options) ? observed : program, options, group.records);
  try {
    group.summary = run.execute();
  } catch (...) {
    group.failure = std::current_exception();
  }
  group.links = links_of(run.paths());
  const std::vector<double> carried = run.carried();
  for (const std::uint32_t l : group.links) group.carried.push_back(carried[l]);
  group.shares = crossings.take();
}

/// The router that a thread works with. Events change the router that they happen to, so that with events each group has
/// one of its own; else the calling thread takes the one that it was given, and each other thread one for all its groups.
/// A copy reads which links are up and how fast, which finding routes never changes.
class Lane {
 public:
  Lane(topology::Router& original, bool calling_thread, bool events)
      : original_(original), given_(calling_thread && !events), events_(events) {}
  topology::Router& router() {
    if (given_) return original_;
    if (events_ || copy_ == nullptr) copy_ = copy_of(original_);
    return *copy_;
  }

 private:
  topology::Router& original_;
  bool given_, events_;
  std::unique_ptr<topology::Router> copy_;
};

/// Runs the groups that have not run yet. Which thread takes which group changes nothing: routes are the same from any
/// router of equal links, whatever it was asked before.
void run_groups(std::vector<Group>& groups, topology::Router& router, std::vector<std::unique_ptr<workloads::Program>> parts,
                const Options& options) {
  std::vector<Group*> waiting;
  for (Group& g : groups) {
    if (!g.has_run) waiting.push_back(&g);
  }
  std::atomic<std::size_t> next{0};
  const auto work = [&](bool calling_thread) {
    Lane lane(router, calling_thread, !options.events.empty());
    for (std::size_t i = next++; i < waiting.size(); i = next++) {
      Group& group = *waiting[i];
      group.has_run = true;
      std::vector<std::unique_ptr<workloads::Program>> members;
      for (const std::uint32_t p : group.parts) members.push_back(std::move(parts[p]));
      try {
        run_group(group, lane.router(), std::move(members), options);
      } catch (...) {
        group.failure = std::current_exception();
      }
    }
  };
  std::vector<std::jthread> threads;
  const std::size_t wanted = std::min<std::size_t>(std::max(1u, options.threads), waiting.size());
  for (std::size_t t = 1; t < wanted; ++t) threads.emplace_back(work, false);
  work(true);
}

/// By link: whether what the NICs of all groups together can put on it is no more than its rate.
std::vector<bool> unlimited_cables(const std::vector<Group>& groups, const topology::Router& router) {
  const auto links = router.fabric().links();
  std::vector<double> sending(links.size(), 0), receiving(links.size(), 0);
  for (const Group& g : groups) {
    for (const Crossings::Share& s : g.shares.sending) sending[s.cable] += s.ratio * router.capacity(LinkId(s.nic)).value();
    for (const Crossings::Share& s : g.shares.receiving) receiving[s.cable] += s.ratio * router.capacity(LinkId(s.nic)).value();
  }
  std::vector<bool> unlimited(links.size(), false);
  for (std::uint32_t l = 0; l < links.size(); ++l) {
    const double most = std::min(sending[l], receiving[l]);
    unlimited[l] = most > 0 && most <= router.capacity(LinkId(l)).value() * (1 + Solver::tolerance);
  }
  return unlimited;
}

/// Joins groups that met on a link where it matters; whether any did.
bool join_groups(std::vector<Group>& groups, const topology::Router& router) {
  std::vector<std::uint32_t> leader(groups.size());
  std::iota(leader.begin(), leader.end(), 0u);
  const auto find = [&](std::uint32_t g) {
    while (leader[g] != g) g = leader[g] = leader[leader[g]];
    return g;
  };
  const std::vector<bool> unlimited = unlimited_cables(groups, router);
  std::vector<std::uint32_t> first_on(unlimited.size(), ~std::uint32_t{0});
  bool met = false;
  for (std::uint32_t g = 0; g < groups.size(); ++g) {
    for (const std::uint32_t l : groups[g].links) {
      if (unlimited[l]) continue;
      if (first_on[l] == ~std::uint32_t{0}) {
        first_on[l] = g;
        continue;
      }
      const std::uint32_t a = find(first_on[l]), b = find(g);
      leader[std::max(a, b)] = std::min(a, b);
      met = met || a != b;
    }
  }
  if (!met) return false;
  std::vector<Group> joined;
  std::vector<std::uint32_t> place(groups.size());
  for (std::uint32_t g = 0; g < groups.size(); ++g) {
    if (find(g) == g) {
      place[g] = static_cast<std::uint32_t>(joined.size());
      joined.push_back(std::move(groups[g]));
      continue;
    }
    Group& into = joined[place[find(g)]];
    std::vector<std::uint32_t> parts = std::move(into.parts);
    parts.insert(parts.end(), groups[g].parts.begin(), groups[g].parts.end());
    std::sort(parts.begin(), parts.end());
    into = Group();
    into.parts = std::move(parts);
  }
  groups = std::move(joined);
  return true;
}

Summary summary_of(const std::vector<Group>& groups, const topology::Router& router, bool changes) {
  Summary s;
  for (const Group& g : groups) {
    s.makespan = std::max(s.makespan, g.summary.makespan);
    s.operations += g.summary.operations;
    s.flows += g.summary.flows;
    s.classes += g.summary.classes;
    s.events += g.summary.events;
    s.solves += g.summary.solves;
  }
  if (s.makespan.value() <= 0) return s;
  std::vector<double> busy(router.fabric().links().size(), 0);
  for (const Group& g : groups) {
    if (!changes) {
      for (std::size_t i = 0; i < g.links.size(); ++i) {
        const double could = router.capacity(LinkId(g.links[i])).value() * s.makespan.value();
        if (could > 0) busy[g.links[i]] += g.carried[i] / could;
      }
    } else if (g.summary.busiest_link.valid()) {   // no link belongs to two groups: what it carried stays, over a longer time
      busy[g.summary.busiest_link.value] = g.summary.max_link_utilisation * (g.summary.makespan / s.makespan);
    }
  }
  const auto busiest = std::max_element(busy.begin(), busy.end());
  if (*busiest <= 0) return s;
  s.max_link_utilisation = *busiest;
  s.busiest_link = LinkId(static_cast<std::uint32_t>(busiest - busy.begin()));
  return s;
}

}  // namespace

Summary run_parts(topology::Router& router, workloads::Program& program, std::vector<std::unique_ptr<workloads::Program>> parts,
                  const Options& options, TimelineSink& sink) {
  const bool record = sink.wants_operations();
  std::vector<Group> groups(parts.size());
  for (std::uint32_t p = 0; p < groups.size(); ++p) groups[p].parts = {p};
  for (;;) {
    for (Group& g : groups) {
      if (!g.has_run) g.records = Records(record);
    }
    run_groups(groups, router, std::move(parts), options);
    if (!join_groups(groups, router)) break;
    if (groups.size() == 1) return Run(router, program, options, sink).execute();
    parts = program.parts();
  }
  for (const Group& g : groups) {
    if (g.failure) std::rethrow_exception(g.failure);
  }
  std::vector<const Records*> all;
  for (const Group& g : groups) all.push_back(&g.records);
  tell(all, sink);
  return summary_of(groups, router, !options.events.empty());
}

}  // namespace weft::engine

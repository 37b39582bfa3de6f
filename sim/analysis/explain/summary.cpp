#include "sim/analysis/explain/summary.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

namespace weft::analysis {
namespace {

constexpr double kWorthTelling = 0.01;   ///< part of the time that a sentence takes notice of
constexpr double kAlike = 0.5;   ///< links of a role that carry at least this part of what the limiting one does belong to it

/// "2048" as "2,048".
std::string counted(std::uint64_t n) {
  std::string digits = fmt::format("{}", n);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

/// What limits a step while it runs; before that it may wait for a first byte.
Resource limit_of(const StepFacts& s, const LinkRoles& roles) {
  if (s.computes) return s.hbm_share > 0.5 ? Resource::hbm : Resource::sms;
  if (!s.moves) return Resource::dependency;
  if (s.at_rate_cap) return Resource::rate_cap;
  return s.limits.empty() ? Resource::latency : roles.resource(roles.of(s.limits.front().link));
}

/// How much of a step each resource takes.
class Shares {
 public:
  void add(const StepFacts& s, Resource limit) {
    const double whole = (s.step.finish - s.step.start).value();
    if (s.computes) {
      add(Resource::hbm, whole * s.hbm_share), add(Resource::sms, whole * (1 - s.hbm_share));
      return;
    }
    const double waits = s.moves ? std::min(s.latency, whole) : 0;
    add(Resource::latency, waits);
    add(limit, whole - waits);
  }
  void add(Resource r, double seconds) { by_[static_cast<std::size_t>(r)] += seconds; }
  double of(Resource r) const { return by_[static_cast<std::size_t>(r)]; }
  Resource largest() const {
    return static_cast<Resource>(std::max_element(by_.begin(), by_.end()) - by_.begin());
  }
  std::vector<Explanation::Share> sorted() const {
    std::vector<Explanation::Share> out;
    for (std::size_t r = 0; r < kResources; ++r)
      if (by_[r] > 0) out.push_back({static_cast<Resource>(r), Seconds(by_[r])});
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.time > b.time; });
    return out;
  }

 private:
  std::array<double, kResources> by_{};
};

/// Time of the path by what limits it there.
struct LinkTime {
  std::vector<StepFacts::Limit> limits;   ///< of the step that they limit longest
  double seconds = 0, most = 0;
};

class Builder {
 public:
  Builder(const topology::Router& router, const LinkRoles& roles, const LinksUsed& used) : router_(router), roles_(roles), used_(used) {}

  Summarised build(std::vector<StepFacts> steps, const std::vector<std::pair<std::string, Seconds>>& beyond, std::size_t most) {
    Explanation& why = out_.why;
    why.total = steps.empty() ? Seconds() : steps.back().step.finish;
    for (const auto& [name, time] : beyond) {
      StepFacts s;
      s.step.name = name;
      s.step.start = why.total;
      s.step.finish = why.total += time;
      steps.push_back(std::move(s));
    }
    for (StepFacts& s : steps) add(s);
    why.resources = all_.sorted();
    why.communicating = why.exposed + why.hidden;
    finish_phases();
    tell_links(most);
    tell_operations(most);
    tell_use();
    return std::move(out_);
  }

 private:
  void add(StepFacts& s) {
    Explanation& why = out_.why;
    const Seconds time = s.step.finish - s.step.start;
    const Resource limit = limit_of(s, roles_);
    all_.add(s, limit);
    if (s.moves) why.exposed += time;
    why.hidden += Seconds(s.hidden);
    s.step.limit = s.moves && s.latency > time.value() / 2 ? Resource::latency : limit;
    if (!s.limits.empty() && s.step.limit == limit) s.step.where = roles_.part(s.limits.front().link);
    why.path.push_back(s.step);
    if (time <= Seconds()) return;
    const std::string name = phase_name(s.step.name);
    const auto [at, fresh] = phase_of_.try_emplace(name, why.phases.size());
    if (fresh) {
      why.phases.push_back({name, 0, s.step.start, Seconds(), Resource::dependency, 0, ""});
      shares_.emplace_back();
      longest_.push_back(Seconds());
    }
    Explanation::Phase& p = why.phases[at->second];
    ++p.operations;
    p.time += time;
    shares_[at->second].add(s, limit);
    if (time > longest_[at->second] && !s.step.where.empty()) {
      longest_[at->second] = time;
      p.where = s.step.where;
    }
    if (s.moves && !s.limits.empty() && !s.at_rate_cap) {
      std::vector<std::pair<std::uint32_t, std::string>> key;
      for (const StepFacts::Limit& l : s.limits) key.emplace_back(roles_.of(l.link), l.kernel);
      std::sort(key.begin(), key.end());
      LinkTime& l = links_[key];
      const double moving = time.value() - std::min(s.latency, time.value());
      l.seconds += moving;
      if (moving > l.most) l.most = moving, l.limits = s.limits;
    }
  }

  void finish_phases() {
    for (std::size_t i = 0; i < out_.why.phases.size(); ++i) {
      Explanation::Phase& p = out_.why.phases[i];
      p.limit = shares_[i].largest();
      if (p.time > Seconds()) p.limit_share = shares_[i].of(p.limit) / p.time.value();
    }
  }

  double use(LinkId l) const {
    const double could = router_.capacity(l).value() * out_.why.total.value();
    return could > 0 ? used_.bytes[l.value] / could : 0;
  }

  /// Links of one role limit together, unless one carries far more than others; roles that limit the same steps are one cost.
  void tell_links(std::size_t most) {
    for (const auto& [key, time] : links_) {
      Explanation::Cost c;
      Freed freed;
      c.members = 0;
      c.time = Seconds(time.seconds);
      c.resource = roles_.resource(roles_.of(time.limits.front().link));
      std::vector<Alike> parts;
      for (const StepFacts::Limit& limit : time.limits) {
        parts.push_back(add_alike(limit, c, freed));
        c.utilisation = std::max(c.utilisation, use(limit.link));
      }
      c.name = name_of(parts);
      out_.why.links.push_back(std::move(c));
      out_.links.push_back(std::move(freed));
    }
    keep_costliest(out_.why.links, out_.links, most);
  }

  /// Links of one role that limit together.
  struct Alike {
    std::string role, part, kernel;   ///< the part of the limiting one; the kernel whose own rate it is, else empty
    std::size_t links;
  };

  /// Adds the links that are like the limiting one.
  Alike add_alike(const StepFacts::Limit& limit, Explanation::Cost& c, Freed& freed) const {
    const std::uint32_t role = roles_.of(limit.link);
    const double least = kAlike * used_.bytes[limit.link.value];
    std::vector<LinkId> alike;
    for (std::uint32_t l = 0; l < used_.bytes.size(); ++l) {
      if (roles_.of(LinkId(l)) == role && used_.bytes[l] >= least && used_.bytes[l] > 0) alike.push_back(LinkId(l));
    }
    c.members += alike.size();
    if (limit.kernel.empty()) {
      freed.links.insert(freed.links.end(), alike.begin(), alike.end());
    } else {
      c.own_rate = true;
      freed.kernels.push_back({limit.kernel, roles_.resource(role) != Resource::nvlink});
    }
    return {roles_.name(role), roles_.part(limit.link), limit.kernel, alike.size()};
  }

  /// "NIC in of node0.nic0", "deepep_normal's own rate on NIC out and NIC in (2,048 alike)".
  static std::string name_of(const std::vector<Alike>& parts) {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Alike& now = parts[i];
      const bool like_next = i + 1 < parts.size() && parts[i + 1].kernel == now.kernel && parts[i + 1].links == now.links && now.links > 1;
      const bool like_last = i > 0 && parts[i - 1].kernel == now.kernel && parts[i - 1].links == now.links && now.links > 1;
      if (i > 0) text += " and ";
      if (!now.kernel.empty() && !like_last) text += now.kernel + "'s own rate on ";
      text += now.role;
      if (now.links == 1) text += " of " + now.part;
      else if (!like_next) text += fmt::format(" ({} alike)", counted(now.links));
    }
    return text;
  }

  void tell_operations(std::size_t most) {
    for (const Explanation::Phase& p : out_.why.phases) {
      Explanation::Cost c;
      c.name = p.name;
      c.members = p.operations;
      c.resource = p.limit;
      c.time = p.time;
      Freed freed;
      if (p.limit != Resource::dependency) freed.operations = p.name;
      out_.why.operations.push_back(std::move(c));
      out_.operations.push_back(std::move(freed));
    }
    keep_costliest(out_.why.operations, out_.operations, most);
  }

  static void keep_costliest(std::vector<Explanation::Cost>& costs, std::vector<Freed>& freed, std::size_t most) {
    std::vector<std::size_t> order(costs.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return costs[a].time > costs[b].time; });
    order.resize(std::min(order.size(), most));
    std::vector<Explanation::Cost> kept;
    std::vector<Freed> kept_freed;
    for (const std::size_t i : order) kept.push_back(std::move(costs[i])), kept_freed.push_back(std::move(freed[i]));
    costs = std::move(kept);
    freed = std::move(kept_freed);
  }

  void tell_use() {
    std::vector<double> could(roles_.count(), 0);   // of links that carried anything
    for (std::uint32_t l = 0; l < used_.bytes.size(); ++l) {
      if (used_.bytes[l] <= 0) continue;
      out_.why.link_use.push_back({LinkId(l), use(LinkId(l))});
      could[roles_.of(LinkId(l))] += router_.capacity(LinkId(l)).value();
    }
    for (std::uint32_t r = 0; r < roles_.count(); ++r) {
      if (could[r] <= 0 || used_.by_role[r].empty()) continue;
      Explanation::GroupUse g{roles_.name(r), used_.by_role[r]};
      const double bin = out_.why.total.value() / static_cast<double>(g.utilisation.size());
      for (double& u : g.utilisation) u = bin > 0 ? std::min(1.0, u / (could[r] * bin)) : 0;
      out_.why.groups.push_back(std::move(g));
    }
  }

  const topology::Router& router_;
  const LinkRoles& roles_;
  const LinksUsed& used_;
  Summarised out_;
  Shares all_;
  std::map<std::string, std::size_t> phase_of_;
  std::vector<Shares> shares_;
  std::vector<Seconds> longest_;
  std::map<std::vector<std::pair<std::uint32_t, std::string>>, LinkTime> links_;   // by roles and kernels
};

/// The costliest links that are of the resource that takes most; null when it is no link.
const Explanation::Cost* costliest(const Explanation& why) {
  const auto cost = std::find_if(why.links.begin(), why.links.end(), [&](const Explanation::Cost& c) { return c.resource == why.resources.front().resource; });
  return cost == why.links.end() ? nullptr : &*cost;
}

}  // namespace

Summarised summarise(const topology::Router& router, const LinkRoles& roles, std::vector<StepFacts> steps, const LinksUsed& used,
                     const std::vector<std::pair<std::string, Seconds>>& beyond, std::size_t most) {
  return Builder(router, roles, used).build(std::move(steps), beyond, most);
}

std::string readable(Seconds t) {
  const double s = t.value();
  if (s >= 1 || s == 0) return fmt::format("{:.4g} s", s);
  return s >= 1e-3 ? fmt::format("{:.4g} ms", s * 1e3) : fmt::format("{:.4g} us", s * 1e6);
}

std::string limit_text(const Explanation& why) {
  if (why.resources.empty()) return "";
  const Explanation::Cost* cost = costliest(why);
  if (cost != nullptr) return cost->name;
  switch (const Resource r = why.resources.front().resource) {
    case Resource::dependency: return "fixed delays";
    case Resource::rate_cap: return "transfers' own rate caps";
    case Resource::hbm: return "memory (HBM)";
    default: return to_text(r);
  }
}

std::string sentence_of(const Explanation& why) {
  if (why.total <= Seconds() || why.resources.empty()) return "It takes no time.";
  const auto part = [&](Seconds t) { return fmt::format("{:.3g} %", 100 * (t / why.total)); };
  const Explanation::Share& first = why.resources.front();
  std::string text = fmt::format("{} of the {} ", part(first.time), readable(why.total));
  const Explanation::Cost* cost = costliest(why);
  switch (first.resource) {
    case Resource::sms:
    case Resource::hbm: text += fmt::format("are computing limited by {}", first.resource == Resource::sms ? "SMs" : "memory (HBM)"); break;
    case Resource::latency: text += "pass before first bytes move (latency)"; break;
    case Resource::rate_cap: text += "are transfers at their own rate cap"; break;
    case Resource::dependency: text += "are fixed delays (arrivals, pauses, launches)"; break;
    default: text += "wait for " + limit_text(why);
  }
  if (cost != nullptr && cost->if_free) {
    text += fmt::format("; with {} it would take {}", cost->own_rate ? "that rate lifted" : cost->members == 1 ? "it infinitely fast" : "them infinitely fast", readable(*cost->if_free));
    if (!cost->next.empty()) text += ", limited by " + cost->next;
  }
  if (why.resources.size() > 1 && why.resources[1].time > why.total * kWorthTelling) text += fmt::format("; next is {} with {}", to_text(why.resources[1].resource), part(why.resources[1].time));
  if (why.operations.size() > 1) text += fmt::format("; of its operations {} cost most ({})", why.operations[0].name, part(why.operations[0].time));
  if (why.exposed > Seconds() && why.exposed < why.total) {
    text += fmt::format(". Communication: {} of it exposed on the critical path, {} hidden beside its computing", readable(why.exposed), readable(why.hidden));
    if (why.without_communication) text += fmt::format("; without any it would take {}", readable(*why.without_communication));
  }
  return text + ".";
}

}  // namespace weft::analysis

// Lanes: flows that load the same links wherever it matters share a variable, though each has a size of its own.
#include <algorithm>
#include <bit>
#include <cmath>

#include "sim/core/random.h"
#include "sim/engine/fluid/classes.h"

namespace weft::engine {
namespace {

using Member = std::pair<double, std::uint32_t>;

std::uint64_t word(double x) { return std::bit_cast<std::uint64_t>(x); }

}  // namespace

// What `count` flows alike put on each link class together: count * sum over the links of one, spread over the class.
void Classes::find_terms(std::uint32_t flow, std::uint32_t count) {
  terms_.clear();
  for (const std::uint32_t p : flows_.pieces(flow)) {
    for (const Paths::Load& load : paths_.piece(p)) {
      if (paths_.covered(load.link)) continue;
      if (class_of_link_[load.link] == none) make_single(load.link);   // nothing crossed it for a moment
      const std::uint32_t lc = class_of_link_[load.link];
      if (sum_.size() <= lc) sum_.resize(link_classes_.size(), 0);
      if (sum_[lc] == 0) terms_.push_back({lc, 0});
      sum_[lc] += load.coefficient;
    }
  }
  const double weight = flows_.weight(flow);
  for (Solver::Term& t : terms_) {
    const std::uint32_t lc = t.link;
    t.coefficient = weight * sum_[lc] * (static_cast<double>(count) / link_classes_[lc].count);
    t.link = link_classes_[lc].constraint;
    sum_[lc] = 0;
  }
}

void Classes::make_single(std::uint32_t link) {
  const std::uint32_t id = new_link_class(paths_.capacity(link));
  link_classes_[id].first = link;
  link_classes_[id].count = 1;
  next_link_[link] = none;
  class_of_link_[link] = id;
}

// The part of terms_ that can limit the flow at present, and its hash.
std::uint64_t Classes::find_loud(double weight) {
  loud_.clear();
  std::uint64_t key = word(weight);
  for (const Solver::Term& t : terms_) {
    if (solver_.quiet(t.link)) continue;
    loud_.push_back(t);
    key += hash_with(t.link + 1, word(t.coefficient));
  }
  std::sort(loud_.begin(), loud_.end(), [](const Solver::Term& a, const Solver::Term& b) { return a.link < b.link; });
  return mix64(key);
}

// A class of one flow without a cap of its own becomes a member of a lane.
void Classes::hand_over(std::uint32_t id) {
  const FlowClass c = classes_[id];
  pending_.push_back({c.first, c.remaining});
  flows_.class_of[c.first] = none;
  --live_flows_;
  free_flow_class(id);
}

void Classes::place_pending(double now) {
  while (!pending_.empty()) {
    const Pending p = pending_.back();
    pending_.pop_back();
    find_terms(p.flow, 1);
    solver_.wake_some(terms_);
    if (!solver_.woken().empty()) {
      separate(now);
      find_terms(p.flow, 1);
    }
    place(p, now);
  }
}

void Classes::place(const Pending& p, double now) {
  const double weight = flows_.weight(p.flow);
  const std::uint64_t key = find_loud(weight);
  const auto known = lane_of_.find(key);
  std::uint32_t id = known == lane_of_.end() ? none : known->second;
  const bool fits = id != none && lanes_[classes_[id].lane].loud == loud_ && classes_[id].weight == weight;
  if (fits) {
    advance(classes_[id], now);
    solver_.add_share(classes_[id].variable, terms_);
  } else {
    id = new_lane(p.flow, now);
    lanes_[classes_[id].lane].key = key;
    if (known == lane_of_.end()) lane_of_.emplace(key, id);
  }
  FlowClass& c = classes_[id];
  const double so_far = served(c);
  add_member(c, so_far, p.remaining, p.flow);
  ++live_flows_;
  flows_.class_of[p.flow] = id;
  finish_.set(id, finish_time(c));
}

// A class with a lane and a variable of the flow's terms_ and loud_, and no member yet.
std::uint32_t Classes::new_lane(std::uint32_t flow, double now) {
  const std::uint32_t id = new_flow_class();
  FlowClass& c = classes_[id];
  c = FlowClass();
  c.weight = flows_.weight(flow);
  c.cap = flows_.cap(flow);
  c.since = now;
  c.lane = static_cast<std::uint32_t>(lanes_.size());
  if (free_lanes_.empty()) {
    lanes_.emplace_back();
  } else {
    c.lane = free_lanes_.back();
    free_lanes_.pop_back();
  }
  Lane& lane = lanes_[c.lane];
  lane.members.clear();
  lane.loud.assign(loud_.begin(), loud_.end());
  c.variable = solver_.add_variable(terms_);
  if (class_of_variable_.size() <= c.variable) class_of_variable_.resize(c.variable + 1);
  class_of_variable_[c.variable] = id;
  return id;
}

void Classes::forget_lane(std::uint32_t id, bool keep_links) {
  const std::uint32_t lane = classes_[id].lane;
  forget_key(id);
  free_lanes_.push_back(lane);
  leave(id, keep_links);
  free_flow_class(id);
}

void Classes::forget_key(std::uint32_t id) {
  const auto known = lane_of_.find(lanes_[classes_[id].lane].key);
  if (known != lane_of_.end() && known->second == id) lane_of_.erase(known);
}

// Takes a lane apart; its flows are placed anew.
void Classes::take_apart(std::uint32_t id, double now) {
  FlowClass& c = classes_[id];
  advance(c, now);
  const double so_far = served(c);
  for (const auto& [target, flow] : lanes_[c.lane].members) {
    pending_.push_back({flow, std::max(0.0, target - so_far)});
    flows_.class_of[flow] = none;
  }
  live_flows_ -= c.count;
  forget_lane(id, true);   // links that woke stay awake
}

// Lanes were made without regard to quiet links: where one woke, those that cross it may have members that differ there.
void Classes::separate(double now) {
  if (solver_.woken().empty()) return;
  collect_lanes_on(solver_.woken());
  for (const std::uint32_t id : users_) {
    if (classes_[id].count > 1) take_apart(id, now);
    else find_company(id, now);
  }
}

// A link that fell quiet no longer tells flows apart.
void Classes::unite(double now) {
  if (solver_.fallen_quiet().empty()) return;
  collect_lanes_on(solver_.fallen_quiet());
  for (const std::uint32_t id : users_) find_company(id, now);
}

// Fills users_, each once; empties the list of links.
void Classes::collect_lanes_on(std::vector<std::uint32_t>& links) {
  users_.clear();
  for (const std::uint32_t l : links) {
    solver_.for_users(l, [&](std::uint32_t v, double) {
      const std::uint32_t id = class_of_variable_[v];
      if (classes_[id].lane != none) users_.push_back(id);
    });
  }
  links.clear();
  std::sort(users_.begin(), users_.end());
  users_.erase(std::unique(users_.begin(), users_.end()), users_.end());
}

// Gives a lane the key of the links that matter now; joins it with another of that key. All its members agree on these.
void Classes::find_company(std::uint32_t id, double now) {
  if (classes_[id].count == 0 || classes_[id].lane == none) return;   // joined another since it was listed
  Lane& lane = lanes_[classes_[id].lane];
  find_terms(lane.members.front().second, 1);
  const std::uint64_t key = find_loud(classes_[id].weight);
  if (key == lane.key && loud_ == lane.loud) return;
  forget_key(id);
  lane.key = key;
  lane.loud.assign(loud_.begin(), loud_.end());
  const auto [known, fresh] = lane_of_.try_emplace(key, id);
  if (fresh) return;
  const std::uint32_t other = known->second;
  if (lanes_[classes_[other].lane].loud != lane.loud || classes_[other].weight != classes_[id].weight) return;
  if (classes_[other].count >= classes_[id].count) {
    join_lanes(other, id, now);
  } else {
    known->second = id;
    join_lanes(id, other, now);
  }
}

void Classes::join_lanes(std::uint32_t into, std::uint32_t from, double now) {
  FlowClass& c = classes_[into];
  advance(c, now);
  advance(classes_[from], now);
  const double so_far = served(c), others = served(classes_[from]);
  for (const auto& [target, flow] : lanes_[classes_[from].lane].members) {
    find_terms(flow, 1);
    solver_.add_share(c.variable, terms_);
    add_member(c, so_far, std::max(0.0, target - others), flow);
    flows_.class_of[flow] = into;
  }
  forget_lane(from);
  finish_.set(into, finish_time(classes_[into]));
}

// `so_far` is what each member has been served, which stays the same as members come and go.
void Classes::add_member(FlowClass& c, double so_far, double remaining, std::uint32_t flow) {
  auto& members = lanes_[c.lane].members;
  members.emplace_back(so_far + remaining, flow);
  std::push_heap(members.begin(), members.end(), std::greater<>());
  c.remaining = members.front().first - so_far;
  ++c.count;
}

// Members that end until `limit` leave their lane one by one.
double Classes::finish_members(std::uint32_t id, double limit, std::vector<Finished>& finished) {
  double last = 0;
  FlowClass& c = classes_[id];
  Lane& lane = lanes_[c.lane];
  const double so_far = served(c);
  for (double at = finish_time(c); at <= limit; at = finish_time(c)) {
    last = at;
    const std::uint32_t f = lane.members.front().second;
    std::pop_heap(lane.members.begin(), lane.members.end(), std::greater<>());
    lane.members.pop_back();
    finished.push_back({f, c.rate});
    account(f, flows_.bytes(f));
    flows_.class_of[f] = none;
    --live_flows_;
    --c.count;
    if (lane.members.empty()) {
      forget_lane(id);
      return last;
    }
    c.remaining = std::max(0.0, lane.members.front().first - so_far);
    find_terms(f, 1);
    solver_.remove_share(c.variable, terms_);
    dissolve_unused();
  }
  finish_.set(id, finish_time(c));
  return last;
}

}  // namespace weft::engine

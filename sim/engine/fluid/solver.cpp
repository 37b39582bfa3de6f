#include "sim/engine/fluid/solver.h"

#include <cmath>

#include "sim/core/error.h"

namespace weft::engine {

std::uint32_t Solver::add_link(double capacity) {
  WEFT_CHECK(std::isfinite(capacity) && capacity >= 0, "a capacity that is no finite number");
  std::uint32_t l = static_cast<std::uint32_t>(links_.size());
  if (free_links_.empty()) {
    links_.emplace_back();
    users_.emplace_back();
  } else {
    l = free_links_.back();
    free_links_.pop_back();
  }
  links_[l].capacity = capacity;
  return l;
}

void Solver::remove_link(std::uint32_t link) {
  WEFT_CHECK(users_[link].empty(), "a link is removed while variables cross it");
  const bool dirty = links_[link].dirty;   // it stays in the list, and may come back under the same number
  links_[link] = Link();
  links_[link].dirty = dirty;
  free_links_.push_back(link);
}

void Solver::set_capacity(std::uint32_t link, double capacity) {
  WEFT_CHECK(std::isfinite(capacity) && capacity >= 0, "a capacity that is no finite number");
  if (links_[link].capacity == capacity) return;
  links_[link].capacity = capacity;
  wake(link);
}

void Solver::wake(std::uint32_t link) {
  Link& l = links_[link];
  if (l.quiet) {
    l.quiet = false;
    l.load = load(link);
  }
  mark_dirty(link);
}

void Solver::mark_dirty(std::uint32_t link) {
  if (links_[link].dirty) return;
  links_[link].dirty = true;
  dirty_.push_back(link);
}

std::uint32_t Solver::add_variable(std::span<const Term> given) {
  WEFT_CHECK(!given.empty(), "a variable without links has no level");
  std::uint32_t v = static_cast<std::uint32_t>(variables_.size());
  if (free_variables_.empty()) {
    variables_.emplace_back();
  } else {
    v = free_variables_.back();
    free_variables_.pop_back();
  }
  Variable& variable = variables_[v];
  variable = Variable();
  variable.state = State::added;
  variable.length = static_cast<std::uint32_t>(given.size());
  variable.first = blocks_.take(variable.length);
  if (terms_.size() < blocks_.extent()) {
    terms_.resize(blocks_.extent());
    place_.resize(blocks_.extent());
  }
  std::uint32_t e = variable.first, narrowest = none;
  bool all_quiet = true;
  for (const Term& t : given) {
    all_quiet = all_quiet && links_[t.link].quiet;
    if (narrowest == none || t.coefficient * links_[given[narrowest].link].capacity > given[narrowest].coefficient * links_[t.link].capacity)
      narrowest = e - variable.first;
    terms_[e] = t;
    place_[e] = static_cast<std::uint32_t>(users_[t.link].size());
    users_[t.link].push_back({v, e, t.coefficient});
    ++e;
  }
  if (all_quiet) wake(given[narrowest].link);   // something has to limit it
  added_.push_back(v);
  return v;
}

void Solver::remove_variable(std::uint32_t v) {
  Variable& variable = variables_[v];
  WEFT_CHECK(variable.state == State::added || variable.state == State::fixed, "a variable is removed that is not there");
  for (std::uint32_t e = variable.first; e < variable.first + variable.length; ++e) {
    const std::uint32_t l = terms_[e].link;
    auto& users = users_[l];
    users[place_[e]] = users.back();
    place_[users.back().term] = place_[e];
    users.pop_back();
    links_[l].load = users.empty() ? 0 : links_[l].load - terms_[e].coefficient * variable.level;
    if (!links_[l].quiet) mark_dirty(l);
  }
  if (variable.bottleneck != none) --links_[variable.bottleneck].bound;
  blocks_.give_back(variable.first, variable.length);
  variable = Variable();
  free_variables_.push_back(v);
}

double Solver::load(std::uint32_t link) const {
  double sum = 0;
  for (const Use& u : users_[link]) sum += u.coefficient * variables_[u.variable].level;
  return sum;
}

}  // namespace weft::engine

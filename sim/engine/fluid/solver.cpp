#include "sim/engine/fluid/solver.h"

#include <algorithm>
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
  if (links_[link].gone > 0) forget_gone();
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
    woken_.push_back(link);
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
    height_.emplace_back();
  } else {
    v = free_variables_.take();
  }
  Variable& variable = variables_[v];
  variable = Variable();
  variable.state = State::added;
  height_[v] = 0;
  variable.room = static_cast<std::uint32_t>(given.size());
  variable.first = take_block(variable.room);
  for (const Term& t : given) append_term(v, t);
  wake_some(given);
  added_.push_back(v);
  return v;
}

void Solver::wake_some(std::span<const Term> terms) {
  double narrowest = 0;
  for (const Term& t : terms) {
    if (!links_[t.link].quiet) return;
    narrowest = std::max(narrowest, t.coefficient / links_[t.link].capacity);
  }
  for (const Term& t : terms) {
    if (t.coefficient / links_[t.link].capacity >= narrowest * (1 - tolerance)) wake(t.link);
  }
}

std::uint32_t Solver::take_block(std::uint32_t length) {
  const std::uint32_t first = blocks_.take(length);
  if (terms_.size() < blocks_.extent()) {
    const std::size_t size = std::max<std::size_t>(blocks_.extent(), terms_.size() * 3 / 2);
    terms_.resize(size);
    place_.resize(size);
  }
  return first;
}

void Solver::append_term(std::uint32_t v, const Term& t) {
  Variable& variable = variables_[v];
  if (variable.length == variable.room) {
    const std::uint32_t first = take_block(2 * variable.room);
    for (std::uint32_t i = 0; i < variable.length; ++i) {
      const std::uint32_t from = variable.first + i, to = first + i;
      terms_[to] = terms_[from];
      place_[to] = place_[from];
      users_[terms_[to].link][place_[to]].term = to;
    }
    blocks_.give_back(variable.first, variable.room);
    variable.first = first;
    variable.room *= 2;
  }
  const std::uint32_t e = variable.first + variable.length++;
  terms_[e] = {t.link, 1, t.coefficient};
  place_[e] = static_cast<std::uint32_t>(users_[t.link].size());
  users_[t.link].push_back({v, e, t.coefficient});
}

// Takes a term out of the list of its link.
void Solver::unlist(std::uint32_t e) {
  auto& users = users_[terms_[e].link];
  users[place_[e]] = users.back();
  place_[users.back().term] = place_[e];
  users.pop_back();
}

void Solver::erase_term(std::uint32_t v, std::uint32_t e) {
  Variable& variable = variables_[v];
  unlist(e);
  const std::uint32_t last = variable.first + --variable.length;
  if (e == last) return;
  terms_[e] = terms_[last];
  place_[e] = place_[last];
  users_[terms_[e].link][place_[e]].term = e;
}

std::uint32_t Solver::find_term(const Variable& v, std::uint32_t link) const {
  for (std::uint32_t e = v.first; e < v.first + v.length; ++e) {
    if (terms_[e].link == link) return e;
  }
  return none;
}

void Solver::add_share(std::uint32_t v, std::span<const Term> shares) {
  for (const Term& t : shares) {
    Link& l = links_[t.link];
    const std::uint32_t e = find_term(variables_[v], t.link);
    if (e == none) {
      append_term(v, t);
    } else {
      Entry& entry = terms_[e];
      ++entry.shares;
      entry.coefficient = l.quiet ? entry.coefficient + t.coefficient : entry.shares * t.coefficient;
      users_[t.link][place_[e]].coefficient = entry.coefficient;
    }
    l.load += t.coefficient * variables_[v].level;
    if (!l.quiet) mark_dirty(t.link);
    else note_if_full(t.link);
  }
}

void Solver::remove_share(std::uint32_t v, std::span<const Term> shares) {
  for (const Term& t : shares) {
    Link& l = links_[t.link];
    const std::uint32_t e = find_term(variables_[v], t.link);
    WEFT_CHECK(e != none, "a share is taken away that was never added");
    Entry& entry = terms_[e];
    if (--entry.shares == 0) {
      erase_term(v, e);
    } else {
      entry.coefficient = l.quiet ? entry.coefficient - t.coefficient : entry.shares * t.coefficient;
      users_[t.link][place_[e]].coefficient = entry.coefficient;
    }
    l.load = users(t.link) == 0 ? 0 : l.load - t.coefficient * variables_[v].level;
    if (!l.quiet) mark_dirty(t.link);
  }
}

void Solver::remove_variable(std::uint32_t v) {
  Variable& variable = variables_[v];
  WEFT_CHECK(variable.state == State::added || variable.state == State::fixed, "a variable is removed that is not there");
  for (std::uint32_t e = variable.first; e < variable.first + variable.length; ++e) {
    const std::uint32_t link = terms_[e].link;
    Link& l = links_[link];
    ++l.gone;
    l.load = users(link) == 0 ? 0 : l.load - terms_[e].coefficient * variable.level;
    if (!l.quiet) mark_dirty(link);
  }
  if (variable.bottleneck != none) --links_[variable.bottleneck].bound;
  variable.bottleneck = none;
  variable.level = height_[v] = 0;
  variable.state = State::gone;
  gone_.push_back(v);
}

// Variables mostly go many at once, all of a link's: then its list is emptied at a stroke.
void Solver::forget_gone() {
  for (const std::uint32_t v : gone_) {
    for (const Entry& t : terms(variables_[v])) {
      auto& users = users_[t.link];
      if (links_[t.link].gone != users.size()) continue;
      users.clear();
      links_[t.link].gone = 0;
    }
  }
  for (const std::uint32_t v : gone_) {
    Variable& variable = variables_[v];
    for (std::uint32_t e = variable.first; e < variable.first + variable.length; ++e) {
      Link& l = links_[terms_[e].link];
      if (l.gone == 0) continue;
      unlist(e);
      --l.gone;
    }
    blocks_.give_back(variable.first, variable.room);
    variable = Variable();
    free_variables_.give_back(v);
  }
  gone_.clear();
}

double Solver::load(std::uint32_t link) const {
  double sum = 0;
  for (const Use& u : users_[link]) sum += u.coefficient * variables_[u.variable].level;
  return sum;
}

}  // namespace weft::engine

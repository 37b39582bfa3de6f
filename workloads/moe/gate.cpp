#include "workloads/moe/gate.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "sim/core/error.h"

namespace weft::workloads::moe {

std::string to_text(GateRule rule) { return gate_rule_names()[static_cast<std::size_t>(rule)]; }
std::vector<std::string> gate_rule_names() { return {"deepep_test", "v3", "unrestricted"}; }

GateRule gate_rule(const std::string& name) {
  const auto names = gate_rule_names();
  const auto found = std::find(names.begin(), names.end(), name);
  WEFT_CHECK(found != names.end(), "a gate rule's name is checked when it is read");
  return static_cast<GateRule>(found - names.begin());
}

namespace {

/// Which experts a token already has.
class Taken {
 public:
  explicit Taken(std::uint32_t experts) {
    if (experts > 64 * small_.size()) large_.resize((experts + 63) / 64);
    words_ = large_.empty() ? small_.data() : large_.data();
  }
  bool take(std::uint32_t expert) {
    std::uint64_t& word = words_[expert / 64];
    const std::uint64_t bit = std::uint64_t{1} << (expert % 64);
    if (word & bit) return false;
    word |= bit;
    return true;
  }

 private:
  std::array<std::uint64_t, 8> small_{};
  std::vector<std::uint64_t> large_;
  std::uint64_t* words_;
};

/// Whole numbers below n, cut out of 64 random bits at a time where n is a power of two.
class Numbers {
 public:
  Numbers(Draws& draws, std::uint32_t n)
      : draws_(draws), n_(n), bits_(std::has_single_bit(n) ? std::countr_zero(n) : 0) {}
  std::uint32_t operator()() {
    if (bits_ == 0) return static_cast<std::uint32_t>(draws_.below(n_));
    if (left_ < bits_) word_ = draws_(), left_ = 64;
    const auto value = static_cast<std::uint32_t>(word_) & (n_ - 1);
    word_ >>= bits_, left_ -= bits_;
    return value;
  }

 private:
  Draws& draws_;
  std::uint32_t n_;
  int bits_, left_ = 0;
  std::uint64_t word_ = 0;
};

/// Independent scores put the experts in an order that is a uniform random permutation. The groups with the largest
/// best score are the first ones met in that order, and the experts chosen are the first ones met in these groups: so
/// the order is drawn one expert at a time, and once the groups are known, among their experts only.
void choose_by_order(const Gate& g, Draws& draws, std::span<std::uint32_t> out) {
  Taken taken(g.experts);
  const std::uint32_t size = g.group_size();
  std::vector<std::uint32_t> met_large;
  std::array<std::uint32_t, 16> met_small;
  const bool limited = g.rule == GateRule::deepep_test && g.chosen_groups < g.groups;
  if (limited && g.chosen_groups > met_small.size()) met_large.resize(g.chosen_groups);
  std::uint32_t* met = met_large.empty() ? met_small.data() : met_large.data();
  std::uint32_t groups_met = 0, have = 0;
  Numbers any(draws, g.experts), among(draws, limited ? g.chosen_groups * size : g.experts);
  while (have < g.topk) {
    std::uint32_t expert;
    if (limited && groups_met == g.chosen_groups) {
      const std::uint32_t i = among();
      expert = met[i / size] * size + i % size;
    } else {
      expert = any();
    }
    if (!taken.take(expert)) continue;
    out[have++] = expert;
    if (!limited || groups_met == g.chosen_groups) continue;
    const std::uint32_t group = expert / size;
    if (std::find(met, met + groups_met, group) == met + groups_met) met[groups_met++] = group;
  }
}

/// The affinities of one group, largest first, drawn when asked for: with U uniform, -log of the largest of m is an
/// exponential of mean 1/m, and each next one adds an exponential of mean 1/(m-1), ...
struct Descending {
  double minus_log = 0;
  std::uint32_t left = 0;
  void advance(Draws& draws) {
    minus_log -= std::log(1.0 - draws.unit()) / left;
    --left;
  }
};

void choose_v3(const Gate& g, Draws& draws, std::span<std::uint32_t> out) {
  struct Group {
    Descending best;
    double second = 0;  // minus log of the second best
    double sum = 0;
    std::uint32_t index = 0;
    bool first_given = false;
  };
  std::vector<Group> groups(g.groups);
  for (std::uint32_t i = 0; i < g.groups; ++i) {
    Group& group = groups[i];
    group.index = i;
    group.best.left = g.group_size();
    group.best.advance(draws);
    group.sum = std::exp(-group.best.minus_log);
    group.second = HUGE_VAL;
    if (g.group_size() > 1) {
      Descending next = group.best;
      next.advance(draws);
      group.second = next.minus_log;
      group.sum += std::exp(-group.second);
    }
  }
  std::partial_sort(groups.begin(), groups.begin() + g.chosen_groups, groups.end(),
                    [](const Group& a, const Group& b) { return a.sum != b.sum ? a.sum > b.sum : a.index < b.index; });
  Taken taken(g.experts);
  for (std::uint32_t& expert : out) {
    Group& top = *std::min_element(groups.begin(), groups.begin() + g.chosen_groups,
                                   [](const Group& a, const Group& b) { return a.best.minus_log < b.best.minus_log; });
    do expert = top.index * g.group_size() + static_cast<std::uint32_t>(draws.below(g.group_size()));
    while (!taken.take(expert));
    if (!top.first_given && top.best.left > 0) {
      top.first_given = true;
      top.best = {top.second, top.best.left - 1};
    } else if (top.best.left > 0) {
      top.best.advance(draws);
    } else {
      top.best.minus_log = HUGE_VAL;
    }
  }
}

}  // namespace

void Gate::choose(Draws& draws, std::span<std::uint32_t> out) const {
  WEFT_CHECK(out.size() == topk && groups > 0 && experts % groups == 0 && chosen_groups <= groups &&
                 topk <= chosen_groups * group_size(),
             "a gate must be able to choose topk experts");
  if (rule == GateRule::v3)
    choose_v3(*this, draws, out);
  else
    choose_by_order(*this, draws, out);
}

}  // namespace weft::workloads::moe

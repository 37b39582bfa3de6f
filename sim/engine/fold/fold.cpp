#include "sim/engine/fold/fold.h"

#include "sim/core/error.h"
#include "sim/engine/fold/orbits.h"

namespace weft::engine {

using workloads::Permutation;

Fold::Fold(std::shared_ptr<workloads::Symmetry> symmetry, std::size_t links) : symmetry_(std::move(symmetry)) {
  const std::uint32_t ranks = symmetry_->ranks().ranks();
  representative_ = Orbits(ranks).representatives();
  links_.representative = Orbits(links).representatives();
}

void Fold::add(Permutation image, Permutation back, std::span<const std::uint32_t> links) {
  const auto join = [](std::vector<std::uint32_t>& representative, std::span<const std::uint32_t> to) {
    Orbits orbits(representative.size());
    orbits.unite(representative);
    orbits.unite(to);
    representative = orbits.representatives();
  };
  join(representative_, image);
  join(links_.representative, links);
  generators_.push_back({std::move(image), std::move(back)});
}

void Fold::close() {
  size_ = sizes_of(representative_);
  links_.size = sizes_of(links_.representative);
  for (std::uint32_t r = 0; r < representative_.size(); ++r)
    if (is_simulated(r)) simulated_.push_back(r);
  collect_steps();
}

// A walk through each orbit from its representative, by generators alone: finite permutations need no way back.
void Fold::collect_steps() {
  constexpr std::uint32_t unseen = ~std::uint32_t{0};
  steps_.resize(representative_.size());
  step_of_.assign(representative_.size(), unseen);
  for (const std::uint32_t r : simulated_) {
    std::vector<Step>& steps = steps_[r];
    steps.push_back({0, 0, r});
    step_of_[r] = 0;
    for (std::uint32_t s = 0; s < steps.size(); ++s)
      for (std::uint32_t g = 0; g < generators_.size(); ++g) {
        const std::uint32_t next = generators_[g].image[steps[s].rank];
        if (step_of_[next] != unseen) continue;
        step_of_[next] = static_cast<std::uint32_t>(steps.size());
        steps.push_back({s, g, next});
      }
    WEFT_CHECK(steps.size() == size_[r], "a walk through an orbit misses a rank");
  }
}

OpId Fold::standing_for(OpId op) const {
  const std::uint32_t rank = symmetry_->owner(op);
  const std::vector<Step>& steps = steps_[representative_[rank]];
  for (std::uint32_t s = step_of_[rank]; s != 0; s = steps[s].before) {
    op = symmetry_->image(op, generators_[steps[s].generator].back);
    WEFT_CHECK(op.valid(), "an operation has no image under a symmetry that its program declared");
  }
  return op;
}

void Fold::images(OpId op, std::vector<OpId>& all) const {
  all.assign(1, op);
  const std::vector<Step>& steps = steps_[symmetry_->owner(op)];
  for (std::uint32_t s = 1; s < steps.size(); ++s) {
    all.push_back(symmetry_->image(all[steps[s].before], generators_[steps[s].generator].image));
    WEFT_CHECK(all.back().valid(), "an operation has no image under a symmetry that its program declared");
  }
}

}  // namespace weft::engine

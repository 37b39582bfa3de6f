#include "workloads/static_symmetry.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "sim/core/error.h"
#include "sim/core/random.h"
#include "workloads/static_program.h"

namespace weft::workloads {

/// Hashes what one operation is and where, its ends moved; legs in any order.
class StaticSymmetry::Reader final : public Sink {
 public:
  Reader(Placement ranks, std::span<const std::uint32_t> image) : moved_(ranks, image) {}
  std::uint64_t key = 0;

  void transfer(const Transfer& t, std::span<const OpId>) override {
    std::uint64_t legs = 0;
    for (const Leg& l : t.legs)
      legs += hash_with(hash_with(mix64(word_of(moved_(l.from))), word_of(moved_(l.to))), std::bit_cast<std::uint64_t>(l.share));
    key = hash_with(1, legs);
  }
  void compute(const Compute&, std::span<const OpId>) override { key = 2; }
  void marker(OpId, Seconds, std::span<const OpId>) override { key = 3; }

 private:
  MovedEnds moved_;
};

StaticSymmetry::StaticSymmetry(const StaticProgram& program, std::shared_ptr<const OwnedOperations> owned)
    : program_(program), owned_(std::move(owned)), identity_(owned_->ranks.ranks()), first_of_(identity_.size() + 1) {
  const auto operations = static_cast<std::uint32_t>(owned_->owner.size());
  WEFT_CHECK(operations == program_.size(), "every operation of a program that says which ranks are alike needs an owner");
  std::iota(identity_.begin(), identity_.end(), 0u);
  for (const std::uint32_t r : owned_->owner) ++first_of_[r + 1];
  std::partial_sum(first_of_.begin(), first_of_.end(), first_of_.begin());
  of_rank_.resize(operations);
  std::vector<std::uint32_t> next(first_of_.begin(), first_of_.end() - 1);
  for (std::uint32_t op = 0; op < operations; ++op) {
    of_rank_[next[owned_->owner[op]]++] = op;
    by_key_.push_back({key_of(op, identity_), op});
  }
  index_keys();
}

void StaticSymmetry::index_keys() {
  std::sort(by_key_.begin(), by_key_.end());
  turn_.resize(by_key_.size());
  slots_.assign(std::bit_ceil(2 * by_key_.size() + 1), {});
  for (std::size_t i = 0; i < by_key_.size(); ++i) {
    const std::uint64_t key = by_key_[i].key;
    if (i > 0 && key == by_key_[i - 1].key) turn_[by_key_[i].op] = turn_[by_key_[i - 1].op] + 1;
    else slots_[slot_of(key)] = {key, static_cast<std::uint32_t>(i + 1)};
  }
}

/// Where the key is, or would go.
std::size_t StaticSymmetry::slot_of(std::uint64_t key) const {
  std::size_t at = key & (slots_.size() - 1);
  while (slots_[at].first != 0 && slots_[at].key != key) at = (at + 1) & (slots_.size() - 1);
  return at;
}

std::uint64_t StaticSymmetry::key_of(std::uint32_t op, std::span<const std::uint32_t> image) const {
  Reader reader(owned_->ranks, image);
  program_.emit(OpId(op), reader);
  return hash_with(reader.key, image[owned_->owner[op]]);
}

void StaticSymmetry::emit(std::uint32_t rank, Sink& sink) {
  for (std::uint32_t i = first_of_[rank]; i < first_of_[rank + 1]; ++i) program_.emit(OpId(of_rank_[i]), sink);
}

OpId StaticSymmetry::image(OpId op, std::span<const std::uint32_t> image) const {
  if (op.value >= turn_.size()) return OpId();
  const std::uint64_t key = key_of(op.value, image);
  const std::uint32_t slot = slots_[slot_of(key)].first;
  const std::size_t at = std::size_t{slot} - 1 + turn_[op.value];
  if (slot == 0 || at >= by_key_.size() || by_key_[at].key != key) return OpId();
  return OpId(by_key_[at].op);
}

}  // namespace weft::workloads

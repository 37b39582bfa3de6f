#include "workloads/all_to_all_symmetry.h"

#include "sim/core/error.h"

namespace weft::workloads {

AllToAllSymmetry::AllToAllSymmetry(const AllToAllJob& job)
    : nodes_(job.nodes),
      per_node_(job.per_node),
      inside_(per_node_ * (per_node_ - 1)),
      between_(job.pxn ? per_node_ : per_node_ * per_node_),
      pxn_(job.pxn),
      transfers_(std::make_shared<AllToAllTransfers>(job)) {
  WEFT_CHECK(!job.rails || job.rails->keep_apart(), "nodes that lost a rail are not like others");
}

AllToAllSymmetry::Ends AllToAllSymmetry::ends_of(OpId op) const {
  const std::uint32_t of_node = inside_ + (nodes_ - 1) * between_;
  Ends e{op.value / of_node, 0, 0, 0};
  std::uint32_t rest = op.value % of_node;
  if (rest < inside_) {
    e.d = e.a;
    e.i = rest / (per_node_ - 1);
    e.j = rest % (per_node_ - 1);
    e.j += e.j >= e.i;
    return e;
  }
  rest -= inside_;
  e.d = rest / between_;
  e.d += e.d >= e.a;
  rest %= between_;
  e.i = pxn_ ? rest : rest / per_node_;
  e.j = pxn_ ? rest : rest % per_node_;
  return e;
}

OpId AllToAllSymmetry::op_of(const Ends& e) const {
  const std::uint32_t first = e.a * (inside_ + (nodes_ - 1) * between_);
  if (e.a == e.d) return OpId(first + e.i * (per_node_ - 1) + e.j - (e.j > e.i ? 1 : 0));
  const std::uint32_t block = first + inside_ + (e.d - (e.d > e.a ? 1 : 0)) * between_;
  return OpId(block + (pxn_ ? e.i : e.i * per_node_ + e.j));
}

void AllToAllSymmetry::emit(std::uint32_t rank, Sink& sink) {
  const std::uint32_t a = rank / per_node_, i = rank % per_node_;
  Transfer t;
  const auto send = [&](std::uint32_t d, std::uint32_t j) {
    t.id = op_of({a, i, d, j});
    transfers_->read(t.id.value, t);
    sink.transfer(t);
  };
  for (std::uint32_t j = 0; j < per_node_; ++j)
    if (j != i) send(a, j);
  for (std::uint32_t d = 0; d < nodes_; ++d) {
    if (d == a) continue;
    if (pxn_) send(d, i);
    for (std::uint32_t j = 0; j < per_node_ && !pxn_; ++j) send(d, j);
  }
}

std::uint32_t AllToAllSymmetry::owner(OpId op) const {
  const Ends e = ends_of(op);
  return e.a * per_node_ + e.i;
}

OpId AllToAllSymmetry::image(OpId op, std::span<const std::uint32_t> image) const {
  const Ends e = ends_of(op);
  const std::uint32_t from = image[e.a * per_node_ + e.i], to = image[e.d * per_node_ + e.j];
  const Ends moved{from / per_node_, from % per_node_, to / per_node_, to % per_node_};
  if (pxn_ && moved.a != moved.d && moved.i != moved.j) return OpId();
  if ((e.a == e.d) != (moved.a == moved.d)) return OpId();
  return op_of(moved);
}

}  // namespace weft::workloads

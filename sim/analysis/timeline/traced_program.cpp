#include "sim/analysis/timeline/traced_program.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::analysis {
namespace {

using workloads::Leg;
using workloads::OpLabel;
using workloads::Transfer;

bool between_nodes(const Leg& l) { return !in_same_machine(l.from, l.to); }
bool moves(const Leg& l) { return l.from != l.to && l.share > 0; }
/// Over the NICs that ranks have.
bool over_own_nics(const Leg& l) { return between_nodes(l) && !on_storage_network(l.from) && !on_storage_network(l.to); }

}  // namespace

TracedProgram::TracedProgram(workloads::Program& inside, Placement placement, TraceOptions options, TimelineEvents& to)
    : inside_(inside), placement_(placement), options_(std::move(options)), timeline_(to, *this, options_.arrows) {}

void TracedProgram::start(workloads::Sink& sink) {
  out_ = &sink;
  inside_.start(*this);
}

void TracedProgram::on_complete(OpId id, Seconds now, workloads::Sink& sink) {
  out_ = &sink;
  const LiveTimeline::Facts* facts = timeline_.find(id);
  const bool known = facts != nullptr;
  if (known) timeline_.finish(id, now, facts->drawn ? text_of(id, *facts) : LiveTimeline::Text());
  inside_.on_complete(id, now, *this);
  if (known) timeline_.forget(id);
}

void TracedProgram::transfer(const Transfer& t, std::span<const OpId> after) {
  note_transfer(t, after);
  out_->transfer(t, after);
}

void TracedProgram::transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) {
  Transfer t;
  for (std::uint32_t k = 0; k < batch->size(); ++k) {
    batch->read(k, t);
    t.id = OpId(first.value + k);
    note_transfer(t, after);
  }
  out_->transfers(batch, first, after);
}

void TracedProgram::compute(const workloads::Compute& c, std::span<const OpId> after) {
  spots_.clear();
  const std::uint32_t stream = c.stream.valid() ? c.stream.value : 0;
  if (!labelled(c.id)) {
    if (options_.ranks.empty()) spots_.push_back({placement_.ranks(), stream, 0, Slice::none});
  } else if (drawn(label_.rank.value)) {
    spots_.push_back({label_.rank.value, track_or(first_stream + stream), 0, Slice::none});
  }
  const auto tag = static_cast<std::uint32_t>(Kind::computation);
  if (!spots_.empty()) timeline_.add(c.id, {label_.sms > 0 ? label_.sms : c.sms, tag, false, true}, spots_, {}, after);
  out_->compute(c, after);
}

void TracedProgram::marker(OpId id, Seconds delay, std::span<const OpId> after) {
  if (labelled(id) && drawn(label_.rank.value)) {
    const LiveTimeline::Spot spot{label_.rank.value, track_or(0), 0, Slice::none};
    timeline_.add(id, {label_.sms, static_cast<std::uint32_t>(Kind::marker), false, true}, {&spot, 1}, {}, after);
  }
  out_->marker(id, delay, after);
}

void TracedProgram::note_transfer(const Transfer& t, std::span<const OpId> after) {
  find_spots(t);
  find_nics(t);
  if (spots_.empty() && nics_.empty()) return;
  const std::uint32_t tag = static_cast<std::uint32_t>(Kind::transfer) + (t.kernel.valid() ? t.kernel.value + 1 : 0);
  timeline_.add(t.id, {label_.sms, tag, true, false}, spots_, nics_, after);
}

/// Asks for the label; whether it says a rank.
bool TracedProgram::labelled(OpId id) {
  label_.clear();
  if (!inside_.label(id, label_)) return false;
  WEFT_CHECK(label_.track < OpLabel::tracks || label_.track == OpLabel::own_track, fmt::format("track {} of operation {}", label_.track, id.value));
  return label_.rank.valid();
}

void TracedProgram::find_spots(const Transfer& t) {
  spots_.clear();
  const bool far = std::any_of(t.legs.begin(), t.legs.end(), [](const Leg& l) { return moves(l) && between_nodes(l); });
  const bool has_rank = labelled(t.id);
  const std::uint32_t track = track_or(far ? network_track : nvlink_track);
  if (has_rank) {
    const std::uint32_t to = t.legs.empty() || in_storage_node(t.legs.back().to) ? Slice::none : rank_of(t.legs.back().to);
    if (drawn(label_.rank.value)) spots_.push_back({label_.rank.value, track, t.bytes.value(), to});
    return;
  }
  for (const Leg& l : t.legs) {
    if (moves(l) && between_nodes(l) == far) add_spot(l, t.bytes.value() * l.share, track);
  }
}

void TracedProgram::add_spot(const Leg& leg, double bytes, std::uint32_t track) {
  // What a storage node sends is drawn where it arrives.
  if (in_storage_node(leg.from) && in_storage_node(leg.to)) return;
  const std::uint32_t from = rank_of(in_storage_node(leg.from) ? leg.to : leg.from);
  const std::uint32_t to = in_storage_node(leg.from) || in_storage_node(leg.to) ? Slice::none : rank_of(leg.to);
  if (!drawn(from)) return;
  for (LiveTimeline::Spot& s : spots_) {
    if (s.process != from) continue;
    s.bytes += bytes;
    if (s.to != to) s.to = Slice::none;   // no one rank
    return;
  }
  spots_.push_back({from, track, bytes, to});
}

void TracedProgram::find_nics(const Transfer& t) {
  nics_.clear();
  for (const Leg& l : t.legs) {
    if (!over_own_nics(l) || l.share <= 0) continue;
    const std::uint32_t from = rank_of(l.from), to = rank_of(l.to);
    if (drawn(from)) nics_.push_back({from, true, t.bytes.value() * l.share});
    if (drawn(to)) nics_.push_back({to, false, t.bytes.value() * l.share});
  }
}

std::uint32_t TracedProgram::rank_of(const Endpoint& e) const {
  return placement_.rank({e.node, std::min(e.local, placement_.gpus_per_node() - 1)}).value;
}

LiveTimeline::Text TracedProgram::text_of(OpId id, const LiveTimeline::Facts& facts) {
  label_.clear();
  inside_.label(id, label_);
  if (label_.category.empty()) label_.category = "kernel";
  if (label_.name.empty()) {
    const std::uint32_t kernel = facts.tag - static_cast<std::uint32_t>(Kind::transfer);
    if (!facts.moves) label_.name = facts.tag == static_cast<std::uint32_t>(Kind::marker) ? "wait" : "compute";
    else label_.name = kernel == 0 ? "transfer" : inside_.kernels()[kernel - 1].name;
  }
  return {label_.name, label_.category, label_.detail};
}

std::string TracedProgram::process(std::uint32_t number) const {
  return number == placement_.ranks() ? "streams" : fmt::format("rank {}", number);
}

std::string TracedProgram::place(std::uint32_t number) const {
  if (number == placement_.ranks()) return "";
  const Place at = placement_.place(Rank(number));
  return fmt::format("node{}.gpu{}", at.node.value, at.local);
}

std::string TracedProgram::track(std::uint32_t process, std::uint32_t track) const {
  if (process == placement_.ranks()) return fmt::format("stream {}", track);
  if (track == nvlink_track) return "inside the node";
  if (track == network_track) return "network";
  if (track >= first_stream) return fmt::format("stream {}", track - first_stream);
  return inside_.track_name(track);
}

}  // namespace weft::analysis

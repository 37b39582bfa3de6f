#include "sim/analysis/timeline/live_timeline.h"

#include <algorithm>
#include <cmath>

namespace weft::analysis {
namespace {

/// Threads of lanes beside a track, and of tracks that are numbered so high themselves, count from here.
constexpr std::uint32_t first_of_lanes = 100000;
/// Where a lane stands among the threads of its process: the lanes of a track one below the other, tracks by number.
std::uint32_t order_of(std::uint32_t track, std::uint32_t lane) {
  constexpr std::uint64_t lanes_in_order = 4096, most = 0x7fffffff;   // viewers take 31 bits
  return static_cast<std::uint32_t>(std::min(most, track * lanes_in_order + std::min<std::uint64_t>(lane, lanes_in_order - 1)));
}

std::int64_t nanoseconds(Seconds t) { return std::llround(t.value() * 1e9); }

}  // namespace

LiveTimeline::Process& LiveTimeline::process(std::uint32_t number) {
  if (processes_.size() <= number) processes_.resize(number + 1);
  Process& p = processes_[number];
  if (!p.known) {
    p.known = true;
    p.more_threads = first_of_lanes;
    ++known_processes_;
    to_.process(number, names_.process(number), names_.place(number));
  }
  return p;
}

LiveTimeline::Track& LiveTimeline::track(Process& p, std::uint32_t number) {
  for (Track& t : p.tracks) {
    if (t.number == number) return t;
  }
  p.tracks.emplace_back().number = number;
  return p.tracks.back();
}

Line LiveTimeline::line(const Drawn& d) {
  return {d.spot.process, track(processes_[d.spot.process], d.spot.track).threads[d.lane]};
}

void LiveTimeline::open_lane(Process& p, std::uint32_t process, Track& t, std::uint32_t lane) {
  if (lane < t.threads.size()) return;
  t.threads.push_back(lane == 0 && t.number < first_of_lanes ? t.number : p.more_threads++);
  std::string name = names_.track(process, t.number);
  if (lane > 0) name += " (" + std::to_string(lane + 1) + ")";
  to_.thread({process, t.threads.back()}, name, order_of(t.number, lane));
}

void LiveTimeline::add(OpId id, Facts facts, std::span<const Spot> spots, std::span<const NicUse> nics, std::span<const OpId> after) {
  facts.drawn = !spots.empty();
  Operation& op = operations_.add(id);
  op.facts = facts;
  op.first_arrow = next_arrow_;
  for (std::size_t i = spots.size(); i-- > 0;) drawn_.push(op.drawn, {spots[i], 0});
  for (const NicUse& n : nics) nics_.push(op.nics, {n, 0});
  if (!arrows_ || !facts.drawn) return;
  if (after.empty()) op.set_off_by = ending_;
  for (const OpId a : after) {
    Operation* before = a.valid() ? operations_.find(a) : nullptr;
    if (before == nullptr || !before->facts.drawn) continue;
    if (before->finished) to_.arrow_from(next_arrow_, line(drawn_.front(before->drawn)), before->start_ns, before->end_ns);
    else arrows_out_.push(before->arrows_out, next_arrow_);
    ++next_arrow_;
  }
  op.arrows_in = static_cast<std::uint32_t>(next_arrow_ - op.first_arrow);
}

void LiveTimeline::start(OpId id, Seconds at) {
  Operation* op = operations_.find(id);
  if (op == nullptr) return;
  op->start_ns = nanoseconds(at);
  drawn_.for_each(op->drawn, [&](Drawn& d) {
    Process& p = process(d.spot.process);
    Track& t = track(p, d.spot.track);
    d.lane = t.lanes.take();
    open_lane(p, d.spot.process, t, d.lane);
    if (op->facts.sms > 0) hold_sms(p, d.spot.process, t, op->facts.sms, 1, op->start_ns);
  });
  nics_.for_each(op->nics, [&](Using& u) {
    std::unique_ptr<LinkUse>& use = process(u.use.process).nic[u.use.sends];
    if (!use) use = std::make_unique<LinkUse>();
    u.number = use->begin(op->start_ns);
  });
}

void LiveTimeline::finish(OpId id, Seconds at, const Text& text) {
  Operation& op = *operations_.find(id);
  op.finished = true;
  op.end_ns = nanoseconds(at);
  if (op.facts.drawn) {
    draw(id, op, text);
    tell_arrows(op);
  }
  nics_.for_each(op.nics, [&](const Using& u) {
    LinkUse& use = *processes_[u.use.process].nic[u.use.sends];
    const std::int64_t took = op.end_ns - op.start_ns;
    use.end(u.number, op.end_ns, took > 0 ? u.use.bytes / static_cast<double>(took) : 0);   // bytes a nanosecond are GB/s
    tell_nic(use, u.use.process, u.use.sends, op.end_ns);
  });
}

// Both ends of an arrow come after their slices: at equal times viewers keep the order of the file.
void LiveTimeline::tell_arrows(Operation& op) {
  const Line on = line(drawn_.front(op.drawn));
  for (std::uint32_t k = 0; k < op.arrows_in; ++k) to_.arrow_to(op.first_arrow + k, on, op.start_ns);
  if (const Past& by = op.set_off_by; by.end_ns == op.start_ns) {
    to_.arrow_from(next_arrow_, by.on, by.start_ns, by.end_ns);
    to_.arrow_to(next_arrow_++, on, op.start_ns);
  }
  arrows_out_.for_each(op.arrows_out, [&](std::uint64_t arrow) { to_.arrow_from(arrow, on, op.start_ns, op.end_ns); });
  ending_ = {on, op.start_ns, op.end_ns};
}

void LiveTimeline::draw(OpId id, const Operation& op, const Text& text) {
  Slice s;
  s.start_ns = op.start_ns;
  s.end_ns = op.end_ns;
  s.name = text.name;
  s.category = text.category;
  s.detail = text.detail;
  s.operation = id.value;
  s.sms = op.facts.sms;
  s.moves = op.facts.moves;
  drawn_.for_each(op.drawn, [&](const Drawn& d) {
    Process& p = processes_[d.spot.process];
    Track& t = track(p, d.spot.track);
    t.lanes.give_back(d.lane);
    if (op.facts.sms > 0) hold_sms(p, d.spot.process, t, op.facts.sms, -1, op.end_ns);
    s.on = {d.spot.process, t.threads[d.lane]};
    s.stream = d.spot.track;
    s.to = d.spot.to;
    s.bytes = d.spot.bytes;
    to_.slice(s);
    ++slices_;
  });
}

void LiveTimeline::forget(OpId id) {
  Operation& op = *operations_.find(id);
  ending_ = Past();
  drawn_.clear(op.drawn);
  nics_.clear(op.nics);
  arrows_out_.clear(op.arrows_out);
  operations_.remove(id);
}

void LiveTimeline::close() {
  for (std::uint32_t number = 0; number < processes_.size(); ++number) {
    Process& p = processes_[number];
    tell_sms(p, number);
    for (const bool sends : {false, true}) {
      if (p.nic[sends]) tell_nic(*p.nic[sends], number, sends, LinkUse::never);
    }
  }
}

// Changes of one moment are one value.
void LiveTimeline::hold_sms(Process& p, std::uint32_t process, Track& t, std::uint32_t sms, std::int32_t count, std::int64_t at) {
  if (at > p.sms_since) tell_sms(p, process);
  p.sms_since = at;
  p.sms -= t.sms.most();
  t.sms.add(sms, count);
  p.sms += t.sms.most();
}

void LiveTimeline::tell_sms(Process& p, std::uint32_t process) {
  if (p.sms == p.sms_told) return;
  p.sms_told = p.sms;
  to_.counter(process, "SMs", "in use", p.sms_since, 1000 * std::int64_t{p.sms});
}

void LiveTimeline::tell_nic(LinkUse& use, std::uint32_t process, bool sends, std::int64_t until_ns) {
  use.tell(until_ns, [&](std::int64_t at_ns, double rate) {
    to_.counter(process, sends ? "NIC out" : "NIC in", "GB/s", at_ns, std::llround(rate * 1000));
  });
}

}  // namespace weft::analysis

#include "sim/engine/simgrid/play.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::engine::simgrid {
namespace {

constexpr std::uint32_t page_bits = 12, page_size = 1u << page_bits;

}  // namespace

Play::Play(topology::Router& router, workloads::Program& program, const Options& options, TimelineSink& sink,
           std::function<void(const MachineUse&)> over)
    : program_(program), options_(options), sink_(sink), over_(std::move(over)), changes_(options.events),
      lowering_(router, program.kernels(), options.events) {
  for (const FabricEvent& e : changes_) {
    if (e.what == FabricEvent::What::capacity && e.rate.value() > 0) continue;
    throw UserError("--engine simgrid",
                    fmt::format("at {} the link {} {}: SimGrid never routes a flow anew and has no link without capacity", to_text(e.at),
                                router.fabric().name(e.link), e.what == FabricEvent::What::repair ? "comes back" : "fails"),
                    "parts that have failed from the start and capacities that change can be simulated; --engine fluid does the rest");
  }
  std::stable_sort(changes_.begin(), changes_.end(), [](const FabricEvent& a, const FabricEvent& b) { return a.at < b.at; });
}

bool Play::step(Machine& machine, std::span<const Ended> ended) {
  machine_ = &machine;
  ++steps_;
  try {
    play(ended);
  } catch (...) {   // the machine's frames know nothing of exceptions
    error_ = std::current_exception();
    ended_ = true;
  }
  return !ended_;
}

void Play::play(std::span<const Ended> ended) {
  if (!begun_) {
    begun_ = starting_ = true;
    program_.start(*this);
    starting_ = false;
    next_change();
  }
  if (!ended.empty()) instant_ = ended.front().at;
  bool sampled = false;
  for (const Ended& e : ended) {
    sampled = sampled || errands_[e.token].kind == Errand::Kind::sample;
    hear(e.token);
  }
  if (ended_) return;
  do {
    end_operations();
    start_ready();
  } while (!ending_.empty() || !ready_.empty());
  if (options_.stop_after_first_rates && !sampled) {
    // Rates are known once SimGrid has looked at what this instant began.
    machine_->call_at(machine_->now() * (1 + 2e-14), errand(Errand::Kind::sample));
    return;
  }
  if (done_ == emitted_) ended_ = true;
  else if (outstanding_ == 0) stuck();
}

void Play::hear(std::uint32_t token) {
  const Errand::Kind kind = errands_[token].kind;
  const OpId op = errands_[token].op;
  switch (kind) {
    case Errand::Kind::timed:
      --outstanding_;
      ending_.push_back(op);
      break;
    case Errand::Kind::flow: end_part(token); return;
    case Errand::Kind::first_byte: begin(token); return;
    case Errand::Kind::change: {
      const FabricEvent& e = changes_[changes_done_++];
      lowering_.set_capacity(e.link, e.rate.value(), machine_->now(), *machine_);
      next_change();
      break;
    }
    case Errand::Kind::sample: sample(); break;
    case Errand::Kind::none: WEFT_CHECK(false, "the SimGrid module told a token that nobody gave it");
  }
  ++events_;
  errands_[token] = {};
  free_.push_back(token);
}

void Play::end_operations() {
  std::vector<OpId> now;
  now.swap(ending_);
  std::sort(now.begin(), now.end());
  for (const OpId id : now) {
    makespan_ = instant_;
    sink_.finished(id, Seconds(instant_));
    const auto it = operations_.find(id);
    for (const OpId next : it->second.held) {
      Operation& op = operations_.at(next);
      if (--op.waiting == 0 && op.kind != Operation::Kind::awaited) ready_.push_back(next);
    }
    operations_.erase(it);
    mark_finished(id);
    program_.on_complete(id, Seconds(instant_), *this);
  }
}

void Play::start_ready() {
  std::vector<OpId> now;
  now.swap(ready_);
  for (const OpId id : now) {
    sink_.started(id, Seconds(instant_));
    Operation& op = operations_.at(id);
    if (op.kind == Operation::Kind::transfer) start_transfer(id, op);
    else run_for(op.duration, errand(Errand::Kind::timed, id));
  }
}

// From the instant on, which is a part in 1e14 before the machine's clock.
void Play::run_for(double seconds, std::uint32_t token) {
  ++outstanding_;
  machine_->call_at(std::max(instant_ + seconds, machine_->now()), token);
}

// A transfer's bytes, weight and cap are dealt out to its flows.
void Play::start_transfer(OpId id, Operation& op) {
  const workloads::Transfer& t = op.transfer;
  const auto flows = lowering_.lower(t, op.legs);
  op.parts = static_cast<std::uint32_t>(flows.size());
  if (op.from_the_start) --starts_due_;
  for (std::uint32_t q = 0; q < flows.size(); ++q) {
    const std::uint32_t token = errand(Errand::Kind::flow, id);
    Errand& e = errands_[token];
    e.flow = flows[q];
    e.sub_flow = q;
    e.bytes = t.bytes.value() * e.flow.share;
    e.weight = t.weight * e.flow.share;
    e.cap = t.rate_cap ? t.rate_cap->value() * e.flow.share : std::numeric_limits<double>::infinity();
    if (t.latency_mode == workloads::LatencyMode::none) e.flow.latency = 0;
    e.flow.latency += t.extra_latency.value();
    ++flows_;
    most_in_flight_ = std::max(most_in_flight_, ++in_flight_);
    if (op.from_the_start) ++first_bytes_due_;
    if (options_.stop_after_first_rates) {   // a machine says nothing when a first byte moves
      e.kind = Errand::Kind::first_byte;
      run_for(e.flow.latency, token);
    } else {
      begin(token);
    }
  }
}

void Play::begin(std::uint32_t token) {
  Errand& e = errands_[token];
  if (e.kind == Errand::Kind::first_byte) {
    --outstanding_;
    if (operations_.at(e.op).from_the_start) --first_bytes_due_;
    e.kind = Errand::Kind::flow;
    e.flow.latency = 0;
  }
  if (e.bytes <= 0) run_for(e.flow.latency, token);
  else if (e.flow.wires.empty()) run_for(e.flow.latency + e.bytes / e.cap, token);   // by an infinite cap: nothing
  else post(token);
}

void Play::post(std::uint32_t token) {
  Errand& e = errands_[token];
  links_.clear();
  for (const std::uint32_t w : e.flow.wires) links_.push_back(lowering_.machine_link(w, *machine_));
  if (options_.stop_after_first_rates) {
    e.meter = machine_->add_link(1e30);
    e.moving = true;
    links_.push_back(e.meter);
  }
  MachineFlow flow;
  flow.token = token;
  flow.links = links_;
  flow.bytes = e.bytes;
  flow.latency = std::max(0.0, instant_ + e.flow.latency - machine_->now());
  flow.weight = e.weight;
  flow.cap = e.cap;
  ++outstanding_;
  machine_->start(flow);
}

void Play::end_part(std::uint32_t token) {
  Errand& e = errands_[token];
  ++events_;
  --outstanding_;
  --in_flight_;
  lowering_.count(e.flow, e.bytes);
  if (e.moving && token < rate_.size()) rates_.push_back({e.op, e.sub_flow, rate_[token]});
  if (--operations_.at(e.op).parts == 0) ending_.push_back(e.op);
  e = {};
  free_.push_back(token);
}

void Play::next_change() {
  if (changes_done_ < changes_.size()) {
    machine_->call_at(std::max(changes_[changes_done_].at.value(), machine_->now()), errand(Errand::Kind::change));
  }
}

void Play::sample() {
  rate_.resize(errands_.size(), 0);
  for (std::uint32_t token = 0; token < errands_.size(); ++token) {
    if (errands_[token].moving) rate_[token] = machine_->usage(errands_[token].meter);
  }
  if (starts_due_ + first_bytes_due_ == 0) {
    tell_rates();
    makespan_ = instant_;
    ended_ = true;
  }
}

void Play::tell_rates() {
  for (std::uint32_t token = 0; token < errands_.size(); ++token) {
    const Errand& e = errands_[token];
    if (e.moving) rates_.push_back({e.op, e.sub_flow, rate_[token]});
  }
  std::sort(rates_.begin(), rates_.end(), [](const Rate& a, const Rate& b) { return a.op != b.op ? a.op < b.op : a.sub_flow < b.sub_flow; });
  for (const Rate& r : rates_) sink_.first_rate(r.op, r.sub_flow, BytesPerSecond(r.rate));
}

void Play::stuck() const {
  std::string text = fmt::format("{} operations never finish: ", emitted_ - done_);
  OpId awaited;
  for (const auto& [id, op] : operations_) {   // the least: the order does not matter
    if (op.kind == Operation::Kind::awaited && (!awaited.valid() || id < awaited)) awaited = id;
  }
  text += awaited.valid() ? fmt::format("some wait for operation {}, which the program never emits", awaited.value) : "they wait for each other";
  throw RunError(text);
}

std::uint32_t Play::errand(Errand::Kind kind, OpId op) {
  std::uint32_t token = static_cast<std::uint32_t>(errands_.size());
  if (free_.empty()) {
    errands_.emplace_back();
  } else {
    token = free_.back();
    free_.pop_back();
  }
  errands_[token].kind = kind;
  errands_[token].op = op;
  return token;
}

Summary Play::summary() const {
  if (error_) std::rethrow_exception(error_);
  Summary s;
  s.makespan = Seconds(makespan_);
  s.operations = emitted_;
  s.flows = flows_;
  s.classes = most_in_flight_;
  s.events = events_;
  s.solves = steps_;
  lowering_.utilisation(makespan_, s);
  return s;
}

// What the program calls.

void Play::transfer(const workloads::Transfer& t, std::span<const OpId> after) {
  WEFT_CHECK(std::isfinite(t.bytes.value()) && t.bytes.value() >= 0, fmt::format("transfer {} has no valid size", t.id.value));
  WEFT_CHECK(t.weight > 0 && std::isfinite(t.weight), fmt::format("transfer {} has no valid weight", t.id.value));
  Operation& op = emit(t.id, Operation::Kind::transfer, after);
  op.transfer = t;
  op.legs.assign(t.legs.begin(), t.legs.end());
  op.transfer.legs = {};
  if (!starting_) return;
  op.from_the_start = true;
  ++starts_due_;
}

void Play::compute(const workloads::Compute& c, std::span<const OpId> after) {
  emit(c.id, Operation::Kind::timed, after, c.stream).duration = c.duration.value();
}

void Play::marker(OpId id, Seconds delay, std::span<const OpId> after) {
  emit(id, Operation::Kind::timed, after).duration = delay.value();
}

Play::Operation& Play::emit(OpId id, Operation::Kind kind, std::span<const OpId> after, StreamId stream) {
  WEFT_CHECK(id.valid() && !finished(id), fmt::format("operation id {} is used twice", id.value));
  Operation& op = operations_[id];
  WEFT_CHECK(op.kind == Operation::Kind::awaited, fmt::format("operation id {} is used twice", id.value));
  op.kind = kind;
  ++emitted_;
  for (const OpId a : after) hold(id, a);
  if (stream.valid()) {
    OpId& tail = stream_tail_[stream];
    hold(id, tail);
    tail = id;
  }
  if (op.waiting == 0) ready_.push_back(id);
  return op;
}

void Play::hold(OpId id, OpId by) {
  if (!by.valid() || finished(by)) return;
  operations_[by].held.push_back(id);
  ++operations_[id].waiting;
}

bool Play::finished(OpId id) const {
  const auto page = finished_.find(id.value >> page_bits);
  return page != finished_.end() && page->second[id.value & (page_size - 1)];
}

void Play::mark_finished(OpId id) {
  auto& page = finished_[id.value >> page_bits];
  if (page.empty()) page.resize(page_size);
  page[id.value & (page_size - 1)] = true;
  ++done_;
}

}  // namespace weft::engine::simgrid

#include "workloads/inference/serving/serving_program.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads::inference::serving {

ServingProgram::ServingProgram(std::shared_ptr<const ServingSetup> setup, std::shared_ptr<ServingMetrics> metrics)
    : setup_(std::move(setup)), metrics_(std::move(metrics)), stream_(setup_->requests()), paths_(*setup_),
      decode_(setup_->decode, setup_->policy, setup_->seed), passes_(setup_->prefill.units), steps_(setup_->decode.units) {
  const WorkWeights weights = work_weights(*setup_->prefill.times, setup_->policy.max_tokens);
  prefill_.assign(setup_->prefill.units, PrefillUnit(setup_->prefill.unit, setup_->policy, weights));
}

OpId ServingProgram::emit(What what, std::uint32_t index, std::uint32_t number) {
  ops_.push_back({what, true, index, number});
  return OpId(first_op_ + static_cast<std::uint32_t>(ops_.size() - 1));
}

ServerState ServingProgram::state(double t) const {
  ServerState s;
  s.time = t;
  s.arrivals = arrivals_, s.prefilled = prefilled_, s.output_tokens = output_tokens_, s.finished = finished_;
  s.prompt_tokens = prompt_tokens_, s.cached_tokens = cached_tokens_, s.computed_tokens = computed_tokens_;
  s.waiting_prefill = waiting_.size(), s.waiting_decode = waiting_decode_.size(), s.decoding = decoding_;
  s.kv_time = memory_time_ + memory_ * (t - memory_since_);
  s.prefill_busy = prefill_busy_.at(t), s.decode_busy = decode_busy_.at(t);
  return s;
}

void ServingProgram::start(Sink& sink) {
  while (metrics_->next() <= 0) metrics_->tell(state(0));
  if (setup_->horizon && setup_->cut) sink.marker(emit(What::horizon, 0), *setup_->horizon);
  await_next(sink);
  start_passes(sink);
  if (ops_.empty()) metrics_->end(state(0));   // nothing to do
}

void ServingProgram::on_complete(OpId id, Seconds t, Sink& sink) {
  now_ = t.value();
  while (metrics_->next() <= now_) metrics_->tell(state(metrics_->next()));
  Op& op = ops_[id.value - first_op_];
  const What what = op.what;
  const std::uint32_t index = op.index;
  if (!cut_) {
    switch (what) {
      case What::arrival: arrive(next_, sink), await_next(sink), start_passes(sink); break;
      case What::read:
        if (requests_[index].counted) metrics_->cache_read.add(now_ - requests_[index].arrival);
        waiting_.push_back(index), start_passes(sink);
        break;
      case What::write: break;
      case What::pass: end_pass(index, sink), start_passes(sink); break;
      case What::transfer:
        if (--requests_[index].open == 0) arrived(index, sink), start_passes(sink);
        break;
      case What::step: end_step(index, sink), start_step(index, sink); break;
      case What::horizon: cut_ = true; break;
    }
  }
  ops_[id.value - first_op_].open = false;
  while (!ops_.empty() && !ops_.front().open) ops_.pop_front(), ++first_op_;
  if (!ops_.empty()) return;
  metrics_->unfinished = requests_.size();
  metrics_->stream_warnings = stream_->warnings();
  metrics_->end(state(now_));
}

void ServingProgram::start_passes(Sink& sink) {
  for (std::uint32_t u = 0; u < prefill_.size(); ++u) {
    PrefillUnit& unit = prefill_[u];
    if (unit.busy || (!unit.resumes() && (waiting_.empty() || unit.blocked()))) continue;
    Pass pass = unit.next(waiting_, requests_);
    if (!pass.pieces.empty()) start_pass(u, std::move(pass), sink);
  }
}

void ServingProgram::start_pass(std::uint32_t unit, Pass pass, Sink& sink) {
  const Seconds duration = setup_->prefill.times->prefill(pass.slowest);
  WEFT_CHECK(duration.value() >= 0, "a pass of prefill has no valid time");
  prefill_[unit].busy = true;
  prefill_busy_.begin(now_);
  for (const Piece& p : pass.pieces) {
    LiveRequest& r = requests_[p.request];
    r.prefill_unit = unit;
    if (r.prefilled == r.cached && r.delivered == 0) r.started = now_;
    r.open = 1;
    // One without room in decode goes when there is, after its pass.
    if (p.last && setup_->policy.overlap_transfer && r.delivered + 1 < r.output && waiting_decode_.empty()) send(p.request, sink);
  }
  ++metrics_->passes;
  if (metrics_->measuring()) {
    metrics_->prefill_imbalance.add(pass.imbalance, duration.value());
    metrics_->pass_tokens.add(pass.slowest.tokens, duration.value());
  }
  passes_[unit] = {std::move(pass), now_, duration.value()};
  Compute c;
  c.id = emit(What::pass, unit);
  c.stream = StreamId(unit);
  c.duration = duration;
  sink.compute(c);
}

void ServingProgram::end_pass(std::uint32_t unit, Sink& sink) {
  prefill_[unit].busy = false;
  prefill_busy_.end(passes_[unit].start, now_);
  const Pass pass = std::move(passes_[unit].pass);
  for (const Piece& p : pass.pieces) {
    requests_[p.request].prefilled += p.tokens;
    if (p.last) prefilled(p.request, sink);
  }
}

void ServingProgram::prefilled(std::uint32_t request, Sink& sink) {
  LiveRequest& r = requests_[request];
  r.prefill_end = now_;
  computed_tokens_ += r.context - r.cached;
  if (r.delivered == 0) {   // else again, after a preemption: the prompt is on the SSDs already, and decode writes the answer
    ++prefilled_;
    prompt_tokens_ += r.prompt;
    cached_tokens_ += r.cached;
    if (r.counted) metrics_->queue.add(r.started - r.arrival);
    write_back(KvPaths::gpu(*setup_, setup_->prefill, r.prefill_unit, r.prefill_group, 0).node.value, r.number, r.context - r.cached, sink);
  }
  if (r.delivered + 1 == r.output) {
    prefill_[r.prefill_unit].release(r.prefill_group, r.context);
    deliver_first(request);
    end_request(request);
  } else if (r.sent) {
    if (--r.open == 0) arrived(request, sink);   // the transfer began with the pass
  } else {
    r.open = 0;
    if (!waiting_decode_.empty() || !send(request, sink)) waiting_decode_.push_back(request);
  }
}

// To the decode group that has room. False: none has.
bool ServingProgram::send(std::uint32_t request, Sink& sink) {
  LiveRequest& r = requests_[request];
  const std::optional<std::uint32_t> group = decode_.choose(r);
  if (!group) return false;
  decode_.place(*group, r);
  note_memory();
  r.placed = now_;
  r.sent = true;
  ++r.open;
  Transfer t;
  t.id = emit(What::transfer, request, r.number);
  t.bytes = setup_->kv_per_token() * static_cast<double>(r.context);
  t.legs = paths_.transfer(r.prefill_unit, r.prefill_group, *group);
  t.kernel = ServingSetup::transfers;
  t.extra_latency = setup_->transfer_start_up;
  t.flow_key = r.number;
  sink.transfer(t);
  return true;
}

void ServingProgram::send_waiting(Sink& sink) {
  while (!waiting_decode_.empty() && send(waiting_decode_.front(), sink)) waiting_decode_.pop_front();
}

void ServingProgram::arrived(std::uint32_t request, Sink& sink) {
  LiveRequest& r = requests_[request];
  prefill_[r.prefill_unit].release(r.prefill_group, r.context);
  if (r.counted && r.delivered == 0) {
    metrics_->decode_wait.add(r.placed - r.prefill_end);
    metrics_->transfer.add(now_ - std::max(r.placed, r.prefill_end));
  }
  deliver_first(request);
  ++decoding_;
  decode_.arrive(request, r.decode_group);
  const std::uint32_t unit = decode_.unit_of(r.decode_group);
  if (!decode_.busy(unit)) start_step(unit, sink);
}

// The token that prefill has made.
void ServingProgram::deliver_first(std::uint32_t request) {
  LiveRequest& r = requests_[request];
  if (r.delivered == 0) r.first_token = now_;
  else if (r.counted) metrics_->itl.add(now_ - r.last_token);
  r.last_token = now_;
  ++r.delivered;
  ++output_tokens_;
}

void ServingProgram::end_request(std::uint32_t request) {
  metrics_->finish(requests_[request], now_);
  ++finished_;
  requests_.remove(request);
}

}  // namespace weft::workloads::inference::serving

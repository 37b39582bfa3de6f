// Decode in a server: steps of a unit, one after the other as long as it has requests; and what a timeline is told.
#include <algorithm>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "workloads/inference/serving/serving_program.h"

namespace weft::workloads::inference::serving {

void ServingProgram::note_memory() {
  memory_time_ += memory_ * (now_ - memory_since_);
  memory_since_ = now_;
  memory_ = decode_.taken() / (setup_->decode.unit.kv_tokens * static_cast<double>(setup_->decode.groups()));
  metrics_->kv_peak = std::max(metrics_->kv_peak, memory_);
}

void ServingProgram::start_step(std::uint32_t unit, Sink& sink) {
  left_.clear();
  StepPlan plan = decode_.begin(unit, requests_, left_);
  for (const Left& l : left_) {
    std::erase(plan.joined, l.request);
    evict(l);
  }
  if (!left_.empty()) {
    note_memory();
    start_passes(sink);
  }
  if (plan.requests == 0) return;
  const Seconds duration = setup_->decode.times->decode(plan.slowest);
  WEFT_CHECK(duration.value() > 0, "a step of decode has no valid time");
  decode_busy_.begin(now_);
  const double d = duration.value(), requests = static_cast<double>(plan.requests);
  ++metrics_->steps;
  metrics_->request_steps += requests;
  metrics_->largest_batch = std::max(metrics_->largest_batch, plan.largest_batch);
  if (metrics_->measuring()) {
    metrics_->batch.add(requests / setup_->decode.unit.groups, d);
    metrics_->kv_imbalance.add(plan.kv_imbalance, d);
    metrics_->request_imbalance.add(plan.request_imbalance, d);
  }
  steps_[unit] = {std::move(plan), now_, d};
  Compute c;
  c.id = emit(What::step, unit);
  c.stream = StreamId(setup_->prefill.units + unit);
  c.duration = duration;
  sink.compute(c);
}

void ServingProgram::end_step(std::uint32_t unit, Sink& sink) {
  const RunningStep& step = steps_[unit];
  decode_busy_.end(step.start, now_);
  std::uint64_t stayed = step.plan.counted;    // since the step before
  for (const std::uint32_t request : step.plan.joined) {
    if (!requests_[request].counted) continue;
    metrics_->itl.add(now_ - requests_[request].last_token);
    --stayed;
  }
  metrics_->itl.add(now_ - step.start, stayed);
  left_.clear();
  const std::uint64_t tokens = decode_.end(unit, requests_, left_);
  output_tokens_ += tokens;
  metrics_->step_tokens += static_cast<double>(tokens);
  for (const Left& l : left_) {
    LiveRequest& r = requests_[l.request];
    r.delivered += l.delivered;
    WEFT_CHECK(r.delivered == r.output, "a request ends with all of its answer");
    const std::uint32_t groups = setup_->decode.unit.groups;
    write_back(KvPaths::gpu(*setup_, setup_->decode, r.decode_group / groups, r.decode_group % groups, 0).node.value, r.number, r.output, sink);
    end_request(l.request);
  }
  decoding_ -= left_.size();
  note_memory();
  send_waiting(sink);
}

// Its cache is dropped; prompt and answer so far are prefilled again, ahead of all that wait.
void ServingProgram::evict(const Left& left) {
  LiveRequest& r = requests_[left.request];
  r.delivered += left.delivered;
  if (left.steps > 0) r.last_token = now_;
  r.context = r.prompt + r.delivered;
  r.prefilled = r.cached = 0;
  r.sent = false;
  waiting_.push_front(left.request);
  --decoding_;
  ++metrics_->preemptions;
}

bool ServingProgram::label(OpId id, OpLabel& out) const {
  if (id.value < first_op_ || id.value - first_op_ >= ops_.size()) return false;
  const Op& op = ops_[id.value - first_op_];
  const auto rank_of = [&](const StageSetup& stage, std::uint32_t unit) { return Rank((stage.first_node + unit * stage.unit.nodes) * setup_->placement.gpus_per_node()); };
  switch (op.what) {
    case What::pass: {
      const Pass& pass = passes_[op.index].pass;
      out.name = "prefill";
      out.rank = rank_of(setup_->prefill, op.index);
      if (!pass.pieces.empty()) {
        out.hbm_share = setup_->prefill.times->prefill_hbm_share(pass.slowest);
        out.detail = fmt::format("{} prompts or pieces; of the busiest group {:.0f} tokens, {:.0f} cached", pass.pieces.size(), pass.slowest.tokens, pass.slowest.cached);
      }
      return true;
    }
    case What::step: {
      const StepPlan& plan = steps_[op.index].plan;
      out.name = "decode";
      out.hbm_share = setup_->decode.times->decode_hbm_share(plan.slowest);
      out.rank = rank_of(setup_->decode, op.index);
      out.detail = fmt::format("{} requests; of the busiest group {:.0f} requests, {:.0f} tokens of cache", plan.requests, plan.slowest.requests, plan.slowest.kv_tokens);
      return true;
    }
    case What::transfer: out.name = "kv_transfer"; break;
    case What::read: out.name = "read_prefix"; break;
    case What::write: out.name = "write_back"; break;
    case What::arrival:
    case What::horizon: return false;
  }
  out.category = "gpu_memcpy";
  out.detail = fmt::format("request {}", op.number);
  return true;
}

}  // namespace weft::workloads::inference::serving

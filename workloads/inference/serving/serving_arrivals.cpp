// Requests come to a server: one after the other, past admission, with reads of their cached prompts.
#include <fmt/format.h>

#include "workloads/inference/serving/serving_program.h"
#include "workloads/static_program.h"

namespace weft::workloads::inference::serving {

void ServingProgram::await_next(Sink& sink) {
  const double horizon = setup_->horizon ? setup_->horizon->value() : 0;
  while (stream_->next(next_)) {
    if (setup_->horizon && next_.arrival.value() >= horizon) break;
    if (next_.arrival.value() > now_) {
      sink.marker(emit(What::arrival, 0), next_.arrival - Seconds(now_));
      return;
    }
    arrive(next_, sink);
  }
  metrics_->close(setup_->horizon ? std::max(horizon, now_) : now_);
}

bool ServingProgram::fits(const Request& r) {
  const double all = static_cast<double>(r.prompt) + r.output;
  const ServingPolicy& policy = setup_->policy;
  const auto refuse = [&](const std::string& problem, const std::string& hint) {
    if (policy.too_long == TooLong::error) {
      throw UserError("/requests", fmt::format("request {} ({} tokens of prompt, {} of answer) {}", arrivals_, r.prompt, r.output, problem), hint + ", or leave such requests out: \"policy\": {\"too_long\": \"refuse\"}");
    }
    ++metrics_->refused;
    return false;
  };
  if (policy.context != 0 && all > policy.context) {
    return refuse(fmt::format("is longer than the context of {} tokens", policy.context), "cut the requests");
  }
  // While it is decoded, the last token of its answer has not come into the cache.
  if (all > setup_->decode.unit.kv_tokens) {
    return refuse(fmt::format("does not fit into the {:.0f} tokens of KV memory of a decode group", setup_->decode.unit.kv_tokens), "cut the requests, give units more GPUs");
  }
  if (all > setup_->prefill.unit.kv_tokens) {
    return refuse(fmt::format("does not fit into the {:.0f} tokens of KV memory of a prefill group", setup_->prefill.unit.kv_tokens), "cut the requests, give units more GPUs");
  }
  return true;
}

void ServingProgram::arrive(const Request& r, Sink& sink) {
  const auto number = static_cast<std::uint32_t>(arrivals_++);
  const bool counted = r.arrival >= setup_->warm_up;
  metrics_->came += counted;
  if (!fits(r)) return;
  const ServingPolicy& policy = setup_->policy;
  if (policy.max_waiting != 0 && waiting_.size() >= policy.max_waiting) {
    ++metrics_->turned_away;
    return;
  }
  LiveRequest live;
  live.number = number;
  live.prompt = live.context = r.prompt;
  live.output = r.output;
  live.cached = live.prefilled = r.cached;
  live.arrival = r.arrival.value();
  live.counted = counted;
  const std::uint32_t request = requests_.add(live);
  if (r.cached > 0) read_cached(request, sink);
  else waiting_.push_back(request);
}

// Into the host memory of the prefill nodes in turn; from there it is at hand.
void ServingProgram::read_cached(std::uint32_t request, Sink& sink) {
  const LiveRequest& r = requests_[request];
  const Bytes bytes = setup_->kv_per_token() * static_cast<double>(r.cached);
  if (setup_->storage.nodes > 0) {
    const std::uint32_t node = setup_->prefill.first_node + static_cast<std::uint32_t>(reading_turn_++ % setup_->prefill.nodes());
    Transfer t;
    t.id = emit(What::read, request, r.number);
    t.bytes = bytes;
    t.legs = paths_.disk(r.number, node, false);
    t.kernel = ServingSetup::disk;
    t.flow_key = r.number;
    sink.transfer(t);
  } else if (setup_->policy.disk_rate.value() > 0) {
    sink.marker(emit(What::read, request, r.number), bytes / setup_->policy.disk_rate);
  } else {
    waiting_.push_back(request);
  }
}

void ServingProgram::write_back(std::uint32_t node, std::uint32_t number, double tokens, Sink& sink) {
  if (!setup_->policy.write_back || setup_->storage.nodes == 0 || tokens <= 0) return;
  Transfer t;
  t.id = emit(What::write, 0, number);
  t.bytes = setup_->kv_per_token() * tokens;
  t.legs = paths_.disk(number, node, true);
  t.kernel = ServingSetup::disk;
  t.flow_key = number;
  sink.transfer(t);
}

std::unique_ptr<Program> until_last_arrival(const ServingSetup& setup) {
  const auto stream = setup.requests();
  Request r;
  Seconds last;
  while (stream->next(r) && (!setup.horizon || r.arrival < *setup.horizon)) last = r.arrival;
  auto program = std::make_unique<StaticProgram>();
  program->add_marker(last);
  return program;
}

}  // namespace weft::workloads::inference::serving

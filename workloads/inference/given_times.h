// GivenTimes are StepTimes as linear formulas: so much a pass or step, so much for each thing in it.
#pragma once

#include "workloads/inference/step_times.h"

namespace weft::workloads::inference {

struct TimeFactors {
  Seconds base;                                          ///< of a pass or step that has anything to do
  Seconds per_token, per_pair, per_cached, per_prompt;   ///< prefill
  Seconds per_request, per_kv_token;                     ///< decode
};

class GivenTimes final : public StepTimes {
 public:
  explicit GivenTimes(const TimeFactors& f) : f_(f) {}
  Seconds prefill(const PrefillLoad& l) const override {
    if (l.tokens <= 0) return Seconds();
    return f_.base + f_.per_token * l.tokens + f_.per_pair * l.pairs + f_.per_cached * l.cached + f_.per_prompt * l.prompts;
  }
  Seconds decode(const DecodeLoad& l) const override {
    if (l.requests <= 0) return Seconds();
    return f_.base + f_.per_request * l.requests + f_.per_kv_token * l.kv_tokens;
  }

 private:
  TimeFactors f_;
};

}  // namespace weft::workloads::inference

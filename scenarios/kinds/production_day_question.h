// A DayQuestion is what the kind production_day is asked: a day, what its nodes can do, and how cells follow the load.
#pragma once

#include <memory>
#include <optional>

#include "models/llm/llm.h"
#include "scenarios/analysis_kind.h"
#include "scenarios/kinds/served_stage.h"
#include "workloads/inference/day/accounts.h"
#include "workloads/inference/mtp.h"

namespace weft::scenarios {

struct DayQuestion {
  workloads::inference::ProductionDay day;
  models::Llm model;                            ///< whose cache it is
  workloads::inference::TokenRates given = workloads::inference::kNoLimit;   ///< capacity of a node as the user gives it
  std::optional<ServedStage> prefill, decode;   ///< or what gives it
  double acceptance = workloads::inference::kAcceptance;   ///< of a draft token
  double tokens_a_pass = 16384;                 ///< new ones of a group in a pass of prefill
  double least_user_speed = 0;                  ///< tokens a second; zero: the cache alone limits a batch
  workloads::inference::FollowRule follow;
  std::shared_ptr<const Json> resolved;         ///< all keys

  bool limits_prefill() const;                  ///< whether it is known what nodes can do
  bool limits_decode() const;
};

/// Reads all keys; problems are recorded. Nothing after one.
std::optional<DayQuestion> read_day_question(JsonReader& where, const AnalysisContext& context);

}  // namespace weft::scenarios

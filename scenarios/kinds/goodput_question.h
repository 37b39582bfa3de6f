// A GoodputQuestion is what the kind goodput is asked: what fails how often, what the job does then, when it writes checkpoints.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "scenarios/analysis_kind.h"
#include "scenarios/failures/failure_streams.h"

namespace weft::scenarios {

/// When to write a checkpoint: every so often, or as a closed form says.
enum class IntervalRule { given, young, daly, best };

struct GoodputQuestion {
  explicit GoodputQuestion(const DataPlaces& data) : streams(data) {}

  StreamsQuestion streams;
  Seconds duration, pause;
  std::optional<BytesPerSecond> write_rate;   ///< that the pause follows from; nothing: it is given
  IntervalRule rule = IntervalRule::daly;
  Seconds interval;                    ///< where the rule is `given`
  std::optional<std::int64_t> spares;  ///< nothing: one is always at hand
  double weibull_shape = 1;
  std::int64_t replicas = 100;
  std::optional<Seconds> step;         ///< without failures
  double tokens_per_step = 0;
  std::uint64_t seed = 1;
  std::shared_ptr<const Json> resolved;
};

/// Reads all keys; problems are recorded. Nothing after one.
std::optional<GoodputQuestion> read_goodput_question(JsonReader& where, const AnalysisContext& context);
std::vector<ColumnDoc> goodput_parameter_docs();

}  // namespace weft::scenarios

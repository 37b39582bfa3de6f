#include "scenarios/kinds/served_stage.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace weft::scenarios {
namespace {

using namespace workloads::inference;

/// The key by which a stage says how evenly the experts' work lies on its GPUs; a number is that of the busiest over the mean.
constexpr const char* kImbalance = "balance";

template <class T>
void append_new(std::vector<T>& all, std::vector<T> more) {
  for (T& v : more) {
    if (std::find(all.begin(), all.end(), v) == all.end()) all.push_back(std::move(v));
  }
}

/// Of all models, each thing once.
template <class T, class Get>
std::vector<T> gathered(const std::vector<std::shared_ptr<const StageModel>>& models, Get get) {
  std::vector<T> all;
  for (const auto& m : models) append_new<T>(all, get(*m));
  return all;
}

}  // namespace

ServedStage ServedStage::read(const JsonReader& where, const AnalysisContext& context, Stage stage, const std::vector<double>& imbalances) {
  ServedStage s;
  s.key_ = where.pointer().substr(where.pointer().rfind('/'));
  s.band_ = !imbalances.empty();
  workloads::WorkloadContext for_stage{&context.data, context.seed, context.source()};
  const auto read_one = [&](const Json& object) {
    JsonReader r(object, where.file(), where.problems(), where.pointer());
    s.models_.push_back(read_stage_model(r, for_stage, stage));
  };
  if (s.band_ && where.is_object() && where.has(kImbalance)) where.fail_at(kImbalance, "stands beside a list of them", "leave out one of both");
  if (!s.band_ || !where.is_object()) read_one(where.value());
  for (std::size_t i = 0; s.band_ && where.is_object() && i < imbalances.size(); ++i) {
    const std::size_t before = where.problems().list().size();
    Json object = where.value();
    object[kImbalance] = imbalances[i];
    read_one(object);
    if (where.problems().list().size() != before) break;   // once is enough
  }
  return s;
}

TimedUnit ServedStage::timed(const workloads::ClusterView& cluster, std::size_t imbalance) const {
  try {
    return {model(imbalance).unit(), model(imbalance).times(cluster)};
  } catch (const UserError& e) {
    std::vector<Problem> problems = e.problems();
    for (Problem& p : problems) p.place = key_ + p.place;
    throw UserError(std::move(problems));
  }
}

Json ServedStage::resolved() const {
  if (models_.empty() || !models_.front()) return Json::object();   // not read, since something else of the scenario is wrong
  Json object = model().resolved();
  if (band_) object.erase(kImbalance);
  return object;
}

std::vector<ConstantUsed> ServedStage::constants() const {
  return gathered<ConstantUsed>(models_, [](const StageModel& m) { return m.constants(); });
}
std::vector<std::string> ServedStage::notes() const {
  return gathered<std::string>(models_, [](const StageModel& m) { return m.notes(); });
}
std::vector<std::string> ServedStage::warnings() const {
  return gathered<std::string>(models_, [](const StageModel& m) { return m.warnings(); });
}

}  // namespace weft::scenarios

#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"

namespace weft::scenarios {

#define WEFT_KIND(name) AnalysisKind analysis_##name();
#include "scenarios/analysis_kinds.inc"
#undef WEFT_KIND

Json Analysis::resolved() const { return Json::object(); }

std::shared_ptr<const models::CostModel> AnalysisContext::model(const models::Gpu& gpu, const KernelChoice& choice, const std::string& place) const {
  auto base = kernels.model(gpu, choice, place);
  return draw ? std::make_shared<const models::CostModel>(base->drawn(draw->seed, draw->number)) : base;
}

models::CostModelSource AnalysisContext::source() const {
  return [this](const models::Gpu& gpu, const KernelChoice& choice, const std::string& place) { return model(gpu, choice, place); };
}

const std::vector<AnalysisKind>& analysis_kinds() {
  static const std::vector<AnalysisKind> kinds = {
#define WEFT_KIND(name) analysis_##name(),
#include "scenarios/analysis_kinds.inc"
#undef WEFT_KIND
  };
  return kinds;
}

}  // namespace weft::scenarios

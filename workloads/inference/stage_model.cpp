#include "workloads/inference/stage_model.h"

#include <algorithm>

#include <fmt/format.h>

namespace weft::workloads::inference {

const std::vector<StageModelKind>& stage_model_kinds() {
  static const std::vector<StageModelKind> kinds = {given_times_kind(), llm_stage_kind()};
  return kinds;
}

std::unique_ptr<StageModel> read_stage_model(JsonReader& where, const WorkloadContext& context, Stage stage) {
  if (!where.expect_object("a stage: an object with its units and what gives their times")) return nullptr;
  std::string keys;
  for (const StageModelKind& kind : stage_model_kinds()) {
    if (where.has(kind.key)) return kind.read(where, context, stage);
    keys += fmt::format("{}\"{}\"", keys.empty() ? "" : " or ", kind.key);
  }
  where.fail("nothing says how long a unit of this stage takes", "give it " + keys);
  return nullptr;
}

}  // namespace weft::workloads::inference

// Layouts for tests: read from the keys of a workload, as scenarios give them.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "models/llm/llm.h"
#include "workloads/training/layout_reading.h"
#include "workloads/training/live_chunks.h"

namespace weft::workloads::training::test {

inline models::Llm model(const std::string& name) { return models::llm_named(name, DataPlaces::standard(), "--model"); }

/// The layout of a schedule, completed for `gpus` (0: dp says it). Throws UserError with all problems.
inline Layout layout(const models::Llm& m, const std::string& json, const std::string& schedule = "1f1b", std::uint32_t gpus = 0, std::uint32_t chunks = 2) {
  const DataPlaces data = DataPlaces::standard();
  const Json value = parse_json(json, "test.json");
  Problems problems;
  JsonReader where(value, "test.json", problems, "/workload/0");
  WorkloadContext context;
  context.data = &data;
  Parameters p(where, context);
  const Layout l = read_layout(p, m, shape_of(schedule_named(schedule, "schedule"), chunks));
  where.done();
  problems.throw_if_any();
  return completed(l, m, gpus);
}

/// DeepSeek-V3 as it was trained: arXiv:2412.19437 section 3.2, on 2,048 GPUs with 15,360 sequences a step.
inline Layout deepseek(const models::Llm& m, const std::string& more = "") {
  return layout(m, R"({"pp": 16, "ep": 64, "zero": 1, "global_batch": 15360)" + more + "}", "dualpipe", 2048);
}

}  // namespace weft::workloads::training::test

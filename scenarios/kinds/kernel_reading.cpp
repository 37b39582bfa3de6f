#include "scenarios/kinds/kernel_reading.h"

namespace weft::scenarios {

const models::KernelFamily* read_family(JsonReader& where) {
  auto family = where.at("family");
  if (!where.has("family")) return nullptr;
  const std::size_t before = where.problems().list().size();
  const std::string name = family.as_string();
  if (where.problems().list().size() != before) return nullptr;
  try {
    return &models::kernel_family(name, "");
  } catch (const UserError& e) {
    family.fail(e.problems().front().message, e.problems().front().hint);
    return nullptr;
  }
}

std::string lacking(const models::KernelCall& call, const models::Gpu& gpu) {
  for (const models::Demand& d : call.family->demands(call, gpu)) {
    const bool in_fp8 = d.unit == "FLOP" && d.resource.find("FP8") != std::string::npos;
    if (in_fp8 && gpu.fp8_rate.value.value() == 0) return "the " + gpu.name + " has no FP8 tensor cores";
  }
  return {};
}

}  // namespace weft::scenarios

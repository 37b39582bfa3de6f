// The list of workload kinds; meson.build names them, registry.py writes one WEFT_KIND(name) line for each.
#include <algorithm>

#include "workloads/workload.h"

namespace weft::workloads {

#define WEFT_KIND(name) WorkloadKind name##_kind();
#include "workloads/workload_kinds.inc"
#undef WEFT_KIND

const std::vector<WorkloadKind>& workload_kinds() {
  static const std::vector<WorkloadKind> kinds = {
#define WEFT_KIND(name) name##_kind(),
#include "workloads/workload_kinds.inc"
#undef WEFT_KIND
  };
  return kinds;
}

std::unique_ptr<Workload> read_workload(JsonReader where, const WorkloadContext& context) {
  if (!where.expect_object("a workload such as {\"id\": \"dispatch\", \"kind\": \"deepep_dispatch\"}")) return nullptr;
  const std::size_t before = where.problems().list().size();
  std::vector<std::string> names;
  for (const WorkloadKind& k : workload_kinds()) names.push_back(k.name);
  where.has("id");
  const std::string name = where.string("kind");
  if (where.problems().list().size() != before) return nullptr;
  const auto kind = std::find_if(workload_kinds().begin(), workload_kinds().end(), [&](const WorkloadKind& k) { return k.name == name; });
  if (kind == workload_kinds().end()) {
    where.fail_at("kind", "unknown workload \"" + name + "\"", unknown_name_hint(name, names));
    return nullptr;
  }
  std::unique_ptr<Workload> workload = kind->read(where, context);
  where.done();
  if (where.problems().list().size() != before) return nullptr;
  return workload;
}

}  // namespace weft::workloads

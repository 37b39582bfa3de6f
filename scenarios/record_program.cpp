#include "scenarios/record_program.h"

#include <fmt/format.h>

#include "scenarios/case_run.h"
#include "scenarios/resolve.h"
#include "sim/core/error.h"
#include "workloads/program_recorder.h"

namespace weft::scenarios {
namespace {

using workloads::Case;
using workloads::NamedProgram;

struct Found {
  const ResolvedVariant* variant;
  Case c;
  std::string name;
};

/// All cases whose name is `name`, or part of it: "WORKLOAD", "VARIANT/WORKLOAD", with or without labels.
std::vector<Found> cases_named(const std::vector<ResolvedVariant>& variants, const std::string& name, std::vector<std::string>& known) {
  std::vector<Found> found;
  for (const ResolvedVariant& v : variants) {
    for (const ResolvedWorkload& w : v.workloads) {
      if (!w.workload) continue;
      topology::Router router(v.cluster->fabric(), v.cluster->routing());
      std::vector<Case> cases;
      try {
        cases = w.workload->cases(v.cluster->view(router));
      } catch (const UserError& e) {
        throw placed(e, v.file, w.pointer);
      }
      for (Case& c : cases) {
        const std::string label = label_of(c), whole = fmt::format("{}/{}{}", v.name, w.id, label);
        known.push_back(whole);
        const bool base = &v == &variants.front();
        const bool means =
            name.empty() || name == whole || name == fmt::format("{}/{}", v.name, w.id) || (base && (name == w.id || name == w.id + label));
        if (means) found.push_back({&v, std::move(c), whole});
      }
    }
  }
  return found;
}

NamedProgram recorded(const Found& found, workloads::Program& program, const RunOptions& options) {
  const Cluster& cluster = *found.variant->cluster;
  workloads::ProgramRecorder recorder(program, cluster.fabric().placement());
  topology::Router router(cluster.fabric(), cluster.routing());
  engine::TimelineSink nothing;
  try {
    options.engine.run(router, recorder, engine_options(options, cluster), nothing);
  } catch (const UserError& e) {
    throw placed(e, found.variant->file, found.name);
  }
  return recorder.take();
}

}  // namespace

NamedProgram record_program(const Scenario& scenario, const DataPlaces& data, const RunOptions& options, const std::string& name) {
  const auto kernels = options.kernel_times ? options.kernel_times : std::make_shared<const KernelTimes>(data, options.kernels);
  const std::vector<ResolvedVariant> variants = resolve(scenario, data, options.seed, kernels.get());
  std::vector<std::string> known;
  const std::vector<Found> found = cases_named(variants, name, known);
  if (known.empty()) throw UserError("--scenario", "nothing in this scenario is simulated", "price, paths and models have no program");
  if (found.empty()) throw UserError("--of", fmt::format("no workload is called \"{}\"", name), unknown_name_hint(name, known));
  if (found.size() > 1) {
    throw UserError("--of", fmt::format("{} runs are meant{}", found.size(), name.empty() ? "" : fmt::format(" by \"{}\"", name)),
                    fmt::format("name one, for example --of '{}'", found.front().name));
  }
  const Found& one = found.front();
  NamedProgram out = recorded(one, *one.c.program(0), options);
  for (std::size_t i = 0; i < one.c.then.size(); ++i) workloads::append(out, recorded(one, *one.c.then[i].program(0), options), fmt::format("then{}", i + 1));
  return out;
}

}  // namespace weft::scenarios

#include "scenarios/record_program.h"

#include <fmt/format.h>

#include "scenarios/case_name.h"
#include "scenarios/case_run.h"
#include "scenarios/resolve.h"
#include "scenarios/trace.h"
#include "sim/core/error.h"
#include "workloads/program_recorder.h"

namespace weft::scenarios {
namespace {

using workloads::Case;
using workloads::NamedProgram;

/// The case that `name` means; of the base variant where that has one of the name.
TracedCase chosen_of(const std::vector<ResolvedVariant>& variants, const std::string& name) {
  const std::vector<TracedCase> all = cases_of(variants);
  if (!name.empty()) {
    const CaseName wanted = read_case_name(name, name, "--of");
    std::vector<TracedCase> base;
    for (const TracedCase& c : all) {
      if (c.variant == &variants.front() && wanted.may_mean(c.name)) base.push_back(c);
    }
    if (!base.empty()) return base[choose_case(base, name, "--of", "--scenario")];
  }
  return all[choose_case(all, name, "--of", "--scenario")];
}

NamedProgram recorded(const TracedCase& chosen, workloads::Program& program, const RunOptions& options) {
  const Cluster& cluster = *chosen.variant->cluster;
  workloads::ProgramRecorder recorder(program, cluster.fabric().placement());
  topology::Router router(cluster.fabric(), cluster.routing());
  engine::TimelineSink nothing;
  try {
    options.engine.run(router, recorder, engine_options(options, cluster), nothing);
  } catch (const UserError& e) {
    throw placed(e, chosen.variant->file, chosen.name);
  }
  return recorder.take();
}

}  // namespace

NamedProgram record_program(const Scenario& scenario, const DataPlaces& data, const RunOptions& options, const std::string& name) {
  const auto kernels = options.kernel_times ? options.kernel_times : std::make_shared<const KernelTimes>(data, options.kernels);
  const std::vector<ResolvedVariant> variants = resolve(scenario, data, options.seed, kernels.get());
  const TracedCase chosen = chosen_of(variants, name);
  const Cluster& cluster = *chosen.variant->cluster;
  topology::Router router(cluster.fabric(), cluster.routing());
  const Case c = chosen.workload->workload->cases(cluster.view(router)).at(chosen.number);
  NamedProgram out = recorded(chosen, *c.program(0), options);
  for (std::size_t i = 0; i < c.then.size(); ++i) workloads::append(out, recorded(chosen, *c.then[i].program(0), options), fmt::format("then{}", i + 1));
  return out;
}

}  // namespace weft::scenarios

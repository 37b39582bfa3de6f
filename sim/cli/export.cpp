// weft export FORMAT: a program, or what a scenario's workload does, as a trace for other tools.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "scenarios/record_program.h"
#include "sim/cli/execute.h"
#include "sim/cli/trace_formats.h"
#include "sim/core/error.h"
#include "workloads/text_program/text_program.h"

namespace weft::cli {
namespace {

struct Options {
  Common common;
  ScenarioOptions scenario;
  std::string format, file, scenario_file, of;
};

workloads::NamedProgram program_of(Options& o) {
  if (o.file.empty() == o.scenario_file.empty())
    throw UserError("FILE", o.file.empty() ? "which program?" : "a program and a scenario",
                    "name a program's file, or --scenario SCENARIO");
  if (!o.file.empty()) {
    if (!o.of.empty() || !o.scenario.settings.empty())
      throw UserError(o.of.empty() ? "--set" : "--of", "is about a scenario", "add --scenario SCENARIO, or leave it out");
    return workloads::read_text_program_file(o.file);
  }
  const auto scenario = scenarios::load_scenario(scenario_path(o.scenario_file), settings_of(o.scenario));
  return scenarios::record_program(scenario, DataPlaces::standard(), run_options(scenario, o.scenario), o.of);
}

void export_trace(Options& o) {
  const workloads::TraceFormat& format = format_named(o.format, false);
  const workloads::NamedProgram program = program_of(o);
  note(o.common, counted(program));
  emit_trace(program, format, o.common);
}

}  // namespace

void add_export(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("export", "write a program, or what a scenario's workload does, as a trace for other tools");
  sub->footer(
      "Formats:\n" + format_lines(false) +
      "\nWhat a format cannot say is told on stderr. workloads/traces/README.md says how each thing is written.\n"
      "\nExamples:\n  weft export goal scenarios/programs/two_micro_batches.weft\n  weft export chakra job.weft -o traces/job\n"
      "  weft export goal --scenario scenarios/my_cluster.json --of 'eight planes/all_to_all[gpus=64,size_B=1048576]' -o a2a.goal\n"
      "  weft export program --scenario scenarios/my_cluster.json --of 'all_reduce[gpus=256,tp=1,size_B=1073741824]' -o all_reduce.weft");
  sub->add_option("FORMAT", o->format, "what to write")->required();
  sub->add_option("FILE", o->file, "a program in text form; - is standard input");
  sub->add_option("--scenario", o->scenario_file, "record a workload of this scenario instead: a file, or the name of a shipped one")
      ->type_name("SCENARIO");
  sub->add_option("--of", o->of, "which one: [VARIANT/]WORKLOAD, with its labels when it has several runs")->type_name("NAME");
  sub->add_option("--set", o->scenario.settings, "change the scenario first")->type_name("/POINTER=VALUE")->take_all()->expected(1)->allow_extra_args(false);
  sub->add_option("--seed", o->scenario.seed, "seed of all random draws")->check(seed_problem);
  sub->add_option("-o,--output", o->common.output, "write to FILE, or to PREFIX and what the format adds; - is stdout")->type_name("FILE");
  sub->add_flag("-q,--quiet", o->common.quiet, "no notes on stderr");
  sub->callback([o] { export_trace(*o); });
}

}  // namespace weft::cli

// weft sensitivity SCENARIO: how much one number moves when each input moves.
#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include "scenarios/studies/sensitivity.h"
#include "sim/cli/app.h"
#include "sim/cli/execute.h"

namespace weft::cli {
namespace {

struct Options {
  Common common;
  ScenarioOptions scenario;
  scenarios::SensitivityOptions study;
  std::string by;
  bool doubled = false, all = false, list = false;
};

/// One line in words, broken where it must be.
std::string wrapped(const std::string& text, std::size_t width) {
  std::string out, line;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (!line.empty() && line.size() + 1 + word.size() > width) {
      out += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
    at = end + 1;
  }
  return out + line + "\n";
}

void answer(const Options& o) {
  const auto scenario = scenarios::load_scenario(scenario_path(o.scenario.files.front()), settings_of(o.scenario));
  scenarios::SensitivityOptions study = o.study;
  study.run = run_options(scenario, o.scenario);
  study.step.doubled = o.doubled;
  if (!o.by.empty()) study.step.by = scenarios::parse_part(o.by);
  const reports::RenderOptions render{o.scenario.explain_columns, false, line_width()};
  const std::string format = format_of(o.common);
  scenarios::Sensitivity result;
  {
    Progress progress(o.common);
    study.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
    if (o.list) result.listing = scenarios::sensitivity_inputs(scenario, DataPlaces::standard(), study);
    else result = scenarios::sensitivity(scenario, DataPlaces::standard(), study);
  }
  if (o.list || (format != "table" && format != "markdown")) return emit(result.listing, o.common, render);
  emit_text(wrapped(result.sentence, render.width) + "\n" + reports::render(scenarios::for_people(result, o.all), format, render), o.common);
}

}  // namespace

void add_sensitivity(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("sensitivity", "how much the answer moves when each input moves: a ranked tornado, and which assumptions matter");
  sub->footer("Every number of the cluster and the workload is an input, those of the data files that they name too.\n"
              "Examples:\n"
              "  weft sensitivity scenarios/training_mpft_2048.json\n"
              "  weft sensitivity scenarios/table5_latency.json --of 'RoCE/network[pair=cross_leaf]/latency_us' --by 20%\n"
              "  weft sensitivity scenarios/training_mpft_2048.json --double --inputs '*ep' --inputs '*nic_rate'\n"
              "  weft sensitivity scenarios/training_mpft_2048.json --together /cluster/node/nic_rate,/workload/step/kernel/nic_rate\n"
              "  weft sensitivity scenarios/production_day.json --list\n"
              "  weft sensitivity scenarios/training_mpft_2048.json -o tornado.json");
  add_common(*sub, o->common);
  sub->add_option("SCENARIO", o->scenario.files, "scenario or result (JSON), the name of a shipped scenario, or - for standard input")->required()->expected(1);
  sub->add_option("--of", o->study.of,
                  "the answer: VARIANT/WORKLOAD[label=value]/COLUMN, or any part of it that says which cell is meant (default: the first expected value, "
                  "else in the first row of the base its first time, price or number)")
      ->type_name("CELL");
  auto* by = sub->add_option("--by", o->by, "how far inputs move, for example 20% (default: 10%); whole numbers go to the next that hold")->type_name("PART");
  sub->add_flag("--double", o->doubled, "inputs are halved and doubled")->excludes(by);
  sub->add_option("--inputs", o->study.inputs, "only these, by pointer or name, * and ? stand for anything: --inputs '*latency'; may be repeated")
      ->type_name("PATTERN")->take_all()->expected(1)->allow_extra_args(false);
  sub->add_option("--together", o->study.together, "these move by the same factor, as one input; may be repeated")->type_name("/A,/B")->take_all()->expected(1)->allow_extra_args(false);
  sub->add_flag("--all", o->all, "inputs that move nothing or cannot be moved are shown as well (other formats than tables always have them)");
  sub->add_flag("--list", o->list, "say which inputs would be moved, and to where; run the scenario only once");
  sub->add_option("--set", o->scenario.settings, "change the scenario first")->type_name("/POINTER=VALUE")->take_all()->expected(1)->allow_extra_args(false);
  sub->add_option("--seed", o->scenario.seed, "seed of all random draws (default: 1)")->check(seed_problem);
  sub->add_option("--jobs", o->scenario.jobs, "runs at a time; never changes the result (default: all cores)")->check(CLI::Range(1, 1024));
  sub->add_flag("--explain-columns", o->scenario.explain_columns, "say below each table what its columns mean");
  add_engine_options(*sub, o->scenario.engine);
  add_kernel_time_options(*sub, o->scenario.kernels);
  sub->callback([o] {
    check_output(o->common);
    answer(*o);
  });
}

}  // namespace weft::cli

// weft show KIND NAME: parameters, columns, constants with their sources; for models their ops, for kernels their times.
#include <algorithm>
#include <set>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "sim/cli/app.h"
#include "sim/cli/catalogue.h"
#include "sim/cli/show_kernel.h"
#include "sim/cli/show_model.h"
#include "sim/cli/show_options.h"

namespace weft::cli {
namespace {

bool is_path(const std::string& name) { return name.find('/') != name.npos || name.ends_with(".json"); }

bool has(const std::vector<ShowOptionDoc>& docs, const std::string& name) {
  return std::any_of(docs.begin(), docs.end(), [&](const ShowOptionDoc& d) { return d.name == name; });
}

/// What is shown: a thing of the catalogue, or a model given by the path of its config.
reports::Listing show(const std::string& kind_name, const std::string& name, const ShowOptions& options) {
  const DataPlaces data = DataPlaces::standard();
  const CatalogueKind& kind = catalogue_kind(kind_name);
  if (kind.name == "models") {
    if (!is_path(name)) require_entry(kind, data, name);
    refuse_other_options(options, kind.singular, model_numbers(), model_words());
    return show_model(data, name, options);
  }
  if (kind.name == "kernels" && is_kernel_family(name)) {
    refuse_other_options(options, kind.singular, kernel_numbers(), kernel_words());
    return show_kernel_family(data, name, options);
  }
  if (kind.name != "calibrations" || !is_path(name)) require_entry(kind, data, name);
  refuse_other_options(options, kind.singular, {}, {});
  return kind.show(data, name);
}

}  // namespace

void refuse_other_options(const ShowOptions& given, const std::string& kind, const std::vector<ShowOptionDoc>& numbers,
                          const std::vector<ShowOptionDoc>& words) {
  const auto refuse = [&](const std::string& name) {
    throw UserError("--" + name, fmt::format("weft show {} takes no such option", kind), "weft show --help says what takes it");
  };
  for (const auto& [name, value] : given.numbers) {
    if (!has(numbers, name)) refuse(name);
  }
  for (const auto& [name, value] : given.words) {
    if (!has(words, name)) refuse(name);
  }
}

void add_show(CLI::App& app) {
  struct Options { Common common; std::string kind, name; ShowOptions more; };
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("show", "one thing by name: parameters, columns, constants with their sources; a model's ops");
  sub->footer("Examples:\n  weft show topology mpft\n  weft show hardware h800\n  weft show collective all_to_all\n  weft show schedule dualpipe\n"
              "  weft show prices table3-calibrated\n  weft show failures llama3_405b\n  weft show model deepseek-v3\n  weft show kernel deepep_normal\n"
              "  weft show kernel gemm --m 128 --n 7168 --k 16384 --gpu h800 --sms 108\n  weft show calibration h800_inference\n"
              "  weft show model deepseek-v3 --phase train --ep 64 --gpu h800 --sms 112\n"
              "  weft show model ./config.json --phase decode --tokens 128 --queries 2 --context 4096 --ep 128");
  add_common(*sub, o->common);
  sub->add_option("KIND", o->kind, "topology, hardware, model, kernel, calibration, collective, schedule, prices, failures, engine or scenario")->required();
  sub->add_option("NAME", o->name, "a name that `weft list KIND` gives; for a model also the path of a config.json, for a calibration of its file")->required();
  // A name that models and kernels share is one option.
  std::set<std::string> added;
  const auto numbers = [&](const std::vector<ShowOptionDoc>& docs, const char* group) {
    for (const ShowOptionDoc& d : docs) {
      if (!added.insert(d.name).second) continue;
      sub->add_option_function<double>("--" + d.name, [o, d](const double& v) { o->more.numbers[d.name] = v; }, d.text)->group(group);
    }
  };
  const auto words = [&](const std::vector<ShowOptionDoc>& docs, const char* group) {
    for (const ShowOptionDoc& d : docs) {
      if (!added.insert(d.name).second) continue;
      sub->add_option_function<std::string>("--" + d.name, [o, d](const std::string& v) { o->more.words[d.name] = v; }, d.text)->group(group);
    }
  };
  sub->add_flag_callback("--force", [o] { o->more.words["force"] = "yes"; }, "take a calibration of another GPU")->group("Kernels");
  added.insert("force");
  numbers(model_numbers(), "Models");
  words(model_words(), "Models");
  words(kernel_words(), "Kernels");
  numbers(kernel_numbers(), "Kernels");
  sub->callback([o] { emit(show(o->kind, o->name, o->more), o->common); });
}

}  // namespace weft::cli

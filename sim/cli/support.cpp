// weft support: what is covered, by what data, and how well it meets published numbers.
#include <algorithm>
#include <cmath>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/communication.h"
#include "scenarios/analysis_kind.h"
#include "scenarios/studies/validate.h"
#include "sim/cli/app.h"
#include "sim/cli/catalogue.h"
#include "topology/price.h"
#include "topology/topology.h"

namespace weft::cli {
namespace {

/// How the constants of a thing came about: "3 published, 2 fitted, 1 assumed".
std::string origins(const reports::Listing& shown) {
  std::map<std::string, int> count;
  for (const reports::Table& t : shown.tables) {
    if (t.id != "constants") continue;
    for (const Row& r : t.rows) ++count[std::get<std::string>(*r.find("origin"))];
  }
  std::string text;
  for (const char* o : {"published", "measured", "derived", "fitted", "assumed"}) {
    if (count[o] > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count[o], o);
  }
  return text.empty() ? "construction rules and formulas" : text;
}

struct Score {
  std::int64_t rows = 0, failed = 0, not_reproducible = 0;
  double worst = 0;
  void add(const scenarios::ValidationRow& r) {
    if (!r.not_reproducible.empty()) {
      ++not_reproducible;
      return;
    }
    ++rows;
    failed += r.missed();
    worst = std::max(worst, std::abs(r.error_pct));
  }
  std::string text() const {
    if (rows == 0) return "no published number of its own";
    return fmt::format("{} published numbers, largest error {:.2g} %{}{}", rows, worst, failed > 0 ? fmt::format(", {} out of tolerance", failed) : "",
                       not_reproducible > 0 ? fmt::format(", {} more not reproducible", not_reproducible) : "");
  }
};

/// What the first label of a row says, such as the model of "tables/models[model=deepseek-v3]/params_B"; empty when it says nothing of the kind.
std::string first_label(const scenarios::ValidationRow& r, const std::string& name) {
  const std::string label = "[" + name + "=";
  const std::size_t at = r.of.find(label);
  return at == std::string::npos ? "" : r.of.substr(at + label.size(), r.of.find_first_of(",]", at) - at - label.size());
}

}  // namespace

void add_support(CLI::App& app) {
  auto o = std::make_shared<Common>();
  CLI::App* sub = app.add_subcommand("support", "what is covered, by what data, how well (runs the validation)");
  sub->footer("Examples:\n  weft support\n  weft support --format markdown");
  add_common(*sub, *o);
  sub->callback([o] {
    const DataPlaces data = DataPlaces::standard();
    std::map<std::string, Score> by_topology, by_workload, by_model, by_schedule;
    {
      Progress progress(*o);
      scenarios::ValidationOptions options;
      options.progress = [&](std::size_t done, std::size_t total) { progress.update(done, total); };
      for (const auto& r : scenarios::validate(data, options)) {
        by_topology[r.topology].add(r);
        by_workload[r.workload].add(r);
        by_model[first_label(r, "model")].add(r);
        by_schedule[first_label(r, "schedule")].add(r);
      }
    }
    reports::Table t;
    t.id = "support";
    t.title = "What weft covers";
    t.columns = {{"kind", "kind of thing"}, {"name", "its name"}, {"data", "origins of its constants"},
                 {"checked", "published numbers that it is held against (weft validate), and the largest error among them"}};
    for (const CatalogueKind& k : catalogue()) {
      if (k.name == "scenarios" || k.name == "engines") continue;
      for (const Entry& e : k.entries(data)) {
        Row r;
        r.set("kind", k.singular).set("name", e.name).set("data", origins(k.show(data, e.name)));
        r.set("checked", k.name == "topologies"    ? by_topology[e.name].text()
                         : k.name == "collectives" ? by_workload[e.name].text()
                         : k.name == "models"      ? by_model[e.name].text()
                         : k.name == "schedules"   ? by_schedule[e.name].text()
                                                   : std::string("through the topologies and collectives that use it"));
        t.rows.push_back(std::move(r));
      }
    }
    reports::Listing listing;
    listing.tables.push_back(std::move(t));
    emit(listing, *o);
  });
}

}  // namespace weft::cli

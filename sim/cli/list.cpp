// weft list [KIND]: what is known by name.
#include <CLI/CLI.hpp>

#include "sim/cli/app.h"
#include "sim/cli/catalogue.h"

namespace weft::cli {

void add_list(CLI::App& app) {
  struct Options { Common common; std::string kind; };
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("list", "what weft knows by name");
  sub->footer("Examples:\n  weft list\n  weft list topologies\n  weft list scenarios --format csv");
  add_common(*sub, o->common);
  sub->add_option("KIND", o->kind, "topologies, hardware, models, kernels, calibrations, collectives, schedules, prices, failures, engines or scenarios (default: all)");
  sub->callback([o] {
    const DataPlaces data = DataPlaces::standard();
    reports::Listing listing;
    for (const CatalogueKind& k : catalogue()) {
      if (!o->kind.empty() && &k != &catalogue_kind(o->kind)) continue;
      reports::Table t;
      t.id = k.name;
      t.title = k.title;
      t.columns = {{"name", "as scenarios and `weft show " + k.singular + "` take it"}, {"title", "what it is"}};
      for (const Entry& e : k.entries(data)) {
        Row r;
        r.set("name", e.name).set("title", e.title.empty() ? e.name : e.title);
        t.rows.push_back(std::move(r));
      }
      listing.tables.push_back(std::move(t));
    }
    emit(listing, o->common);
  });
}

}  // namespace weft::cli

// weft show KIND NAME: parameters, columns, constants with their sources.
#include <CLI/CLI.hpp>

#include "sim/cli/app.h"
#include "sim/cli/catalogue.h"

namespace weft::cli {

void add_show(CLI::App& app) {
  struct Options { Common common; std::string kind, name; };
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("show", "one thing by name: parameters, columns, constants with their sources");
  sub->footer("Examples:\n  weft show topology mpft\n  weft show hardware h800\n  weft show collective all_to_all\n"
              "  weft show prices table3-calibrated\n  weft show kernel deepep_normal");
  add_common(*sub, o->common);
  sub->add_option("KIND", o->kind, "topology, hardware, kernel, collective, prices, engine or scenario")->required();
  sub->add_option("NAME", o->name, "a name that `weft list KIND` gives")->required();
  sub->callback([o] {
    const DataPlaces data = DataPlaces::standard();
    const CatalogueKind& kind = catalogue_kind(o->kind);
    require_entry(kind, data, o->name);
    emit(kind.show(data, o->name), o->common);
  });
}

}  // namespace weft::cli

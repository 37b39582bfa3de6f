// weft schema: the JSON Schema of scenarios, as the loader knows it.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "scenarios/schema.h"
#include "sim/cli/app.h"

namespace weft::cli {

void add_schema(CLI::App& app) {
  auto o = std::make_shared<Common>();
  CLI::App* sub = app.add_subcommand("schema", "JSON Schema of scenario files, for editors and checks");
  sub->footer("Example:\n  weft schema -o scenario.schema.json");
  sub->add_option("-o,--output", o->output, "write to FILE; - is stdout")->type_name("FILE");
  sub->callback([o] { emit_text(dump_json(scenarios::scenario_schema(DataPlaces::standard()), 2) + "\n", *o); });
}

}  // namespace weft::cli

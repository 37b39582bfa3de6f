// What weft knows by name: topologies, hardware, models, kernels, collectives, schedules, prices, failures, engines, scenarios; for list, show and support.
#pragma once

#include <string>
#include <vector>

#include "reports/report.h"
#include "sim/core/files.h"

namespace weft::cli {

/// One thing that can be shown.
struct Entry {
  std::string name, title;
};

/// A kind of thing, with how to list and show its members.
struct CatalogueKind {
  std::string name;       ///< "topologies", as `weft list` takes it
  std::string singular;   ///< "topology", as `weft show` takes it
  std::string title;
  std::vector<Entry> (*entries)(const DataPlaces&);
  reports::Listing (*show)(const DataPlaces&, const std::string& name);
};

const std::vector<CatalogueKind>& catalogue();

/// By plural or singular name; throws UserError (place KIND) with the nearest one.
const CatalogueKind& catalogue_kind(const std::string& name);
/// Throws UserError (place NAME) when the kind has no such entry.
void require_entry(const CatalogueKind& kind, const DataPlaces& data, const std::string& name);

/// Counts of the named topologies with the parameters of Table 3; kinds without such a row are left out.
reports::Table topology_counts_table(const std::vector<std::string>& names);

/// Constants as a table: name, value, origin, source.
reports::Table constants_table(const std::vector<ConstantUsed>& constants);

}  // namespace weft::cli

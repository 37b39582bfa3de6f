// Expert loads in CSV: a line for each layer, or for each token in each layer.
#include <algorithm>
#include <cmath>
#include <set>

#include <fmt/format.h>

#include "models/calibration/readers/csv_table.h"
#include "workloads/moe/expert_loads.h"

namespace weft::workloads::moe {
namespace {

using models::CsvTable;

/// A whole number below `end`, from `least`; a problem otherwise.
std::int64_t whole(CsvTable& csv, int column, std::int64_t least, std::int64_t end, const char* what) {
  const double value = csv.number(column, static_cast<double>(least));
  if (value == std::floor(value) && value < static_cast<double>(end)) return static_cast<std::int64_t>(value);
  csv.problems().add(csv.line(), fmt::format("expected {} from {} to {}, got {}", what, least, end - 1, value), {}, csv.columns()[static_cast<std::size_t>(column)]);
  return least;
}

/// Makes room for a layer.
void grow(ExpertLoads& loads, std::uint32_t layer, const std::string& file) {
  if (layer < loads.layers) return;
  loads.layers = layer + 1;
  const std::size_t size = std::size_t{loads.layers} * loads.experts;
  if (size > kMostLoads) throw UserError({{file, "", fmt::format("{} layers of {} experts are more than weft takes", loads.layers, loads.experts), ""}});
  loads.load.resize(size, 0);
}

RecordedLoads loads_by_layer(CsvTable& csv, const std::string& file) {
  RecordedLoads out;
  out.loads.experts = static_cast<std::uint32_t>(csv.columns().size() - 1);
  std::set<std::int64_t> seen;
  while (csv.next()) {
    const std::int64_t layer = whole(csv, 0, 0, kMostLayers, "a layer");
    if (!seen.insert(layer).second) csv.problems().add(csv.line(), fmt::format("layer {} stands here twice", layer));
    grow(out.loads, static_cast<std::uint32_t>(layer), file);
    for (std::uint32_t e = 0; e < out.loads.experts; ++e) {
      out.loads.load[static_cast<std::size_t>(layer) * out.loads.experts + e] = csv.number(static_cast<int>(e) + 1);
    }
  }
  csv.finish();
  if (seen.size() != out.loads.layers) throw UserError({{file, "", fmt::format("{} of the layers 0 to {} have no line", out.loads.layers - seen.size(), out.loads.layers - 1), ""}});
  out.format = fmt::format("loads of {} layers", out.loads.layers);
  return out;
}

RecordedLoads experts_of_tokens(CsvTable& csv, const std::string& file, std::uint32_t experts) {
  RecordedLoads out;
  out.loads.experts = experts;
  std::set<std::int64_t> tokens;
  std::size_t struck = 0;
  std::vector<std::int64_t> ids;
  while (csv.next()) {
    tokens.insert(whole(csv, 0, 0, std::int64_t{1} << 53, "a token"));
    const std::int64_t layer = whole(csv, 1, 0, kMostLayers, "a layer");
    grow(out.loads, static_cast<std::uint32_t>(layer), file);
    ids.clear();
    for (int k = 2; k < static_cast<int>(csv.columns().size()); ++k) {
      const std::int64_t id = whole(csv, k, -1, experts, "an expert");
      if (id < 0) ++struck;
      else if (std::find(ids.begin(), ids.end(), id) != ids.end()) csv.problems().add(csv.line(), fmt::format("expert {} stands here twice", id), "a token chooses different experts");
      else out.loads.load[static_cast<std::size_t>(layer) * experts + static_cast<std::size_t>(id)] += 1;
      ids.push_back(id);
    }
  }
  csv.finish();
  if (struck > 0) out.notes.push_back(fmt::format("{}: {} choices are struck out (-1) and count for nobody", file, struck));
  out.format = fmt::format("experts of {} tokens", tokens.size());
  return out;
}

}  // namespace

RecordedLoads expert_loads_in_csv(std::string_view text, const std::string& file, const LoadsReading& how) {
  CsvTable csv({file, text});
  const std::size_t columns = csv.columns().size();
  if (columns >= 3 && csv.columns()[0] == "token" && csv.columns()[1] == "layer") {
    if (how.experts == 0) throw UserError({{file, "", "these are experts of tokens, and nothing says how many experts there are", "give their number: --experts 256, or \"experts\": 256"}});
    return experts_of_tokens(csv, file, how.experts);
  }
  if (columns < 2 || csv.columns()[0] != "layer") {
    throw UserError({{file, "line 1", "expected the columns layer,... with loads, or token,layer,... with expert ids", "the first line names the columns"}});
  }
  if (columns - 1 > kMostExperts || (how.experts != 0 && columns - 1 != how.experts)) {
    throw UserError({{file, "line 1", fmt::format("{} columns of loads, but there are {} experts", columns - 1, how.experts), ""}});
  }
  return loads_by_layer(csv, file);
}

}  // namespace weft::workloads::moe

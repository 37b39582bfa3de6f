// HeadlineTemplate: a sentence with cells in it, "A step takes {MPFT/step/step_s:.3g} s", filled from a report.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/report.h"
#include "scenarios/cell_path.h"
#include "scenarios/scenario.h"

namespace weft::scenarios {

/// `{CELL}`, `{CELL:OPERATION}`, `{CELL:OPERATION:FORMAT}`; `{{` and `}}` are braces. CELL is a path as `expect` takes it; with nothing
/// before its first slash it is the first variant's. Operations:
///   ratio CELL       over that cell
///   percent CELL     as percent of that cell; `percent` alone: times 100
///   change CELL      +17 % or -5 %
///   longer|shorter CELL   "17 % longer" or "5 % shorter": any two words
///   minus CELL       less that cell
///   times NUMBER     in another unit
/// FORMAT is .Ng (N digits that count) or .Nf (N decimals); without one five digits count, for changes two.
class HeadlineTemplate {
 public:
  /// Throws UserError (place: /headline) when the text cannot be read as a template.
  static HeadlineTemplate parse(const std::string& text);

  /// The sentence. A cell may be missing, be a word that is calculated with, or give no finite number: then its clause (between semicolons) is
  /// left out, and with the first clause all of it: empty.
  std::optional<std::string> filled(const reports::Report& report) const;

  /// The cells that it speaks of, in its order; an empty variant is the first one.
  std::vector<CellPath> cells() const;

 private:
  enum class Operation { none, ratio, percent, change, words, minus, times };
  struct Field {
    CellPath cell;
    Operation operation = Operation::none;
    std::optional<CellPath> other;
    double factor = 1;
    std::string more, less;   ///< the words of Operation::words
    char style = 0;           ///< g, f, or 0: not given
    int digits = 5;
  };
  struct Piece {
    std::string text;            ///< stands before the field
    std::optional<Field> field;  ///< absent in the last piece
  };

  static Field parse_field(const std::string& text);
  static void read_part(const std::string& part, Field& field);
  static std::string value_of(const Field& field, const reports::Report& report);

  std::vector<Piece> pieces_;
};

/// The scenario's headline with the report's cells; empty when it has none, or when cells are not there. A report then has one of its own:
/// report.headline = headline_of(scenario, report).value_or(reports::automatic_headline(report)).
std::optional<std::string> headline_of(const Scenario& scenario, const reports::Report& report);

}  // namespace weft::scenarios

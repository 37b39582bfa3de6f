// A Report: what a run tells its reader, as tables with explained columns, ready for any format.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/json.h"
#include "sim/core/provenance.h"
#include "sim/core/row.h"

namespace weft::reports {

/// Rows of one kind with the meaning of every column. Rows may lack a column that does not apply to them;
/// a cell that stands in no column list, is empty, or is no finite number makes the rendering fail.
struct Table {
  std::string id;    ///< "all_to_all", as the scenario names the workload; unique in a report
  std::string kind;  ///< "all_to_all"; empty in listings
  std::string title;
  std::vector<ColumnDoc> label_columns;  ///< what a row is about (gpus, size_B): its key next to the variant
  std::vector<ColumnDoc> columns;        ///< what came out (time_us, busbw_GBps)
  std::vector<Row> rows;
};

/// One line of a scenario's `expect`, with what the run gave.
struct Expectation {
  std::string of;    ///< "MPFT/price/switches"
  double value = 0;  ///< expected
  double got = 0;
  double error_pct = 0;  ///< 100 (got - value) / |value|, or 100 (got - value) when value is 0
  double tolerance_pct = 0;
  bool pass = false;
  std::string source;
  std::string not_reproducible;   ///< why nobody can compute the expected value; then it is shown and never a miss
  std::string known_miss;         ///< why it is out of tolerance, and known to be; it is a miss all the same
  std::string kind = {};             ///< "predicted" (made without looking), "calibrated" (a fit used it) or "identity" (arithmetic on published inputs); empty in old files
  bool missed() const { return !pass && not_reproducible.empty(); }
};

/// Where a variant's input is not the base's; both sides as compact JSON, "absent" when there is none.
struct InputDifference {
  std::string variant;
  std::string pointer;  ///< "/cluster/topology/kind"
  std::string base;
  std::string value;
};

/// What the difference between variants is, cell by cell, in long form.
struct Comparison {
  std::string base;  ///< the variant that the others are held against
  std::vector<std::string> others;
  /// Cells: workload, <label columns>, column, variant, base, value; and for numbers delta (value - base) and ratio
  /// (value / base; absent when the base is 0). A pair of rows of which one is missing is not among them but in
  /// `notes`.
  std::vector<Row> rows;
  std::vector<InputDifference> input;
  std::vector<std::string> notes;
};

/// Who computed it. No date, host or wall time: the same input gives the same bytes.
struct System {
  std::string version;
  std::uint64_t seed = 0;
  std::string engine;
  std::vector<std::string> calibrations;
  // Only of a run that used kernel times:
  std::string cost_model;                       ///< what gave them where there was data: "measured"
  std::vector<std::string> calibration_files;   ///< as the user named them
  bool forced = false;                          ///< calibrations of another GPU were taken
  std::uint64_t draws = 0;                      ///< of kernel times, behind the columns _p5, _p50 and _p95
  double time_tolerance = 0;   ///< above 0: approximate, completions closer than this part of the time counted as one
  /// Where some ranks stood for others: workload, ranks, simulated_ranks; each such row once.
  std::vector<Row> folded;
};

/// The result of `run` and `compare`. In every table each row begins with the cells `variant` and `workload` (the
/// table's id), then labels, then results.
struct Report {
  std::string title, question, source;
  std::string headline;               ///< the answer in a sentence or two; may be empty
  std::vector<std::string> variants;  ///< names in order; the first is the base
  std::vector<Table> tables;          ///< one a workload, in the scenario's order
  std::vector<Row> bounds;            ///< terms of the lower bounds; may be empty
  std::vector<std::string> notes;
  std::vector<std::string> warnings;  ///< those of the notes that a user should be told on stderr too
  std::vector<Expectation> expectations;
  std::vector<ConstantUsed> constants;
  std::optional<Comparison> comparison;  ///< present: formats show it in place of the plain rows (JSON shows both)
  std::shared_ptr<const Json> input;     ///< resolved scenario with its digest; due for the json format
  System system;
};

/// Tables that are no result of a run: `weft list`, `weft show`, `weft topology cost`, `weft validate`.
/// As JSON it is an object with one array of rows per table, under the table's id, and `notes` when there are any.
struct Listing {
  std::vector<Table> tables;
  std::vector<std::string> notes;
  std::string schema;   ///< "weft-sensitivity/1": what JSON readers go by; empty for listings that nobody reads back
  std::string headline; ///< the answer in a sentence or two, before all tables; may be empty
};

}  // namespace weft::reports

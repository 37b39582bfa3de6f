// The name of a case, "variant/workload[label=value,...]": how it is written, and how what a user writes of it is read.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "sim/core/row.h"

namespace weft::scenarios {

/// "[gpus=16,size_B=1024]"; empty without labels. Values are written exactly.
std::string labels_text(const std::vector<std::pair<std::string, Cell>>& labels);

/// What a user wrote of a name: what stands before the labels, and the labels that are asked for.
struct CaseName {
  std::string name;   ///< "variant/workload", one of them, or nothing
  std::vector<std::pair<std::string, std::string>> labels;

  /// Whether the case of this full name, as weft writes it, may be meant: it has all labels, in whatever order.
  bool may_mean(const std::string& full) const;
  /// Whether the name is a piece of that one's variant/workload, and it has all labels.
  bool is_piece_of(const std::string& full) const;
  /// Whether a row has all labels.
  bool may_mean(const Row& row) const;
};

/// Reads "name[label=value, ...]" or a part of it. Throws UserError (place: `option`) for labels that are none; `whole`, what the user wrote, is told then.
CaseName read_case_name(const std::string& text, const std::string& whole, const std::string& option);

/// The places of the names that a user means: that of the very name; else of all that it may mean; else of all that it is a piece of. Throws as
/// read_case_name().
std::vector<std::size_t> places_meant(const std::string& of, const std::vector<std::string>& names, const std::string& option);

}  // namespace weft::scenarios

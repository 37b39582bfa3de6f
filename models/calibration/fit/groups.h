// Which rows are fitted together, with which formulas, and what they lack.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/calibration/fit/fit.h"

namespace weft::models {

/// Variants that are fitted together.
struct Group {
  std::vector<const FitTable*> tables;
  std::size_t rows() const {
    std::size_t n = 0;
    for (const FitTable* t : tables) n += t->calls.size();
    return n;
  }
};

/// Siblings (families or variants with one group) share a fit when one of them has too few rows for its own.
std::vector<Group> groups_of(const std::vector<FitTable>& tables);

/// "gemm/fp8_block, grouped_gemm/fp8_contiguous".
std::string names_of(const Group& group);
std::size_t distinct_shapes(const Group& group);

/// The form called `name` of every table of the group; empty when one has it not.
std::vector<KernelForm> forms_named(const Group& group, const std::string& name);

/// Forms of the group that the options admit. Throws UserError when the one named is none of its family's.
std::vector<const KernelForm*> forms_to_try(const Group& group, const FitOptions& options);

/// What is held of a family's parameters: "mla_decode.kappa" speaks for mla_decode, "gemm/bfloat16.te" for that variant alone.
std::map<std::string, double> held_of(const Group& group, const std::map<std::string, double>& hold);
/// Throws UserError for a name that no fitted family has, or a value outside of the parameter's range.
void check_held(const std::vector<FitTable>& tables, const std::map<std::string, double>& hold);

std::size_t open_parameters(const KernelForm& form, const std::map<std::string, double>& held);
/// Shapes that a form needs: one more than it fits, or as many when some of its parameters are held.
std::size_t shapes_needed(const KernelForm& form, const std::map<std::string, double>& held);
/// Why a group cannot be fitted with any of `forms`; empty when it can.
std::string missing(const Group& group, const std::vector<const KernelForm*>& forms, const std::map<std::string, double>& held);

}  // namespace weft::models

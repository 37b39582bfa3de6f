// What a sensitivity study found, as tables and as a sentence.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenarios/studies/sensitivity.h"
#include "scenarios/studies/sensitivity_answer.h"
#include "scenarios/studies/sensitivity_inputs.h"

namespace weft::scenarios {

/// An input at another value.
struct SideResult {
  std::string value;               ///< "440 Gbps"; empty: there is none on this side
  double ratio = 1;                ///< to the value of the base
  std::optional<double> answer;
  std::string note;                ///< why not the value that was wanted
};

/// An input, or several that move together, at both of its other values.
struct MovedInput {
  std::string name, pointers, value, origin, source;
  double reference = 0;            ///< the answer that changes are changes of
  SideResult low, high;
  bool structure = false;          ///< it could not move by the step that was asked for, but to the next value that holds

  double change_pct(const SideResult& side) const;   ///< zero when there is no answer
  double swing_pct() const;                          ///< from the least to the largest of the three answers
  bool moves() const;                                ///< by more than rounding
  bool doubtful() const { return origin == "assumed" || origin == "default"; }
};

/// Says of each whether it moved as was asked. Largest swing first; equal ones stay in order, and what has no answer comes last.
void rank(std::vector<MovedInput>& inputs, const StepSize& step);

/// `inputs` are ranked.
std::string sentence_of(const Answer& answer, const std::vector<MovedInput>& inputs);
reports::Listing tables_of(const Answer& answer, const std::vector<MovedInput>& inputs, const std::vector<StillInput>& still, const StepSize& step,
                           const std::string& sentence);
reports::Table still_table(const std::vector<StillInput>& still);
/// Of what would be moved: values without answers.
reports::Table input_table(const std::vector<MovedInput>& inputs);

}  // namespace weft::scenarios

// One line of a text program, read word by word.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/named_program.h"
#include "workloads/text_program/words.h"

namespace weft::workloads {

/// What is wrong with a line; caught by the reader of the file, which knows where it is.
struct LineProblem {
  std::string message, hint;
};

/// Takes words one after the other. Everything throws LineProblem where something else stands.
class LineWords {
 public:
  explicit LineWords(const std::vector<Word>& words) : words_(words) {}
  bool done() const { return at_ == words_.size(); }
  bool at_keyword() const { return !done() && !words_[at_].quoted && is_keyword(words_[at_].text); }
  /// Takes the next word if it is this one, and not in quotes.
  bool take(std::string_view word);
  const Word& next(const std::string& expected);
  /// A name: any word but a keyword without quotes.
  std::string name(const std::string& expected);
  std::uint64_t integer(const std::string& what, std::uint64_t most);
  double number(const std::string& what, double least, double most);
  Bytes bytes() { return Bytes(quantity(ParsedUnit::What::bytes, false)); }
  Seconds seconds() { return Seconds(quantity(ParsedUnit::What::seconds, false)); }
  BytesPerSecond rate() { return BytesPerSecond(quantity(ParsedUnit::What::bytes_per_second, true)); }
  std::string rest() const;

 private:
  double quantity(ParsedUnit::What what, bool positive);

  const std::vector<Word>& words_;
  std::size_t at_ = 0;
};

/// An operation whose names of others are not yet looked up.
struct ReadOperation {
  NamedOperation op;
  std::string kernel;
  std::vector<std::string> after;
};

/// From behind the name's colon to the end of the line. `shape` says the ranks.
ReadOperation read_operation(LineWords& words, const NamedProgram& shape);

}  // namespace weft::workloads

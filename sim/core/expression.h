// An Expression: a condition over named cells as a person writes it, such as "fits && price_MUSD < 20".
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/row.h"

namespace weft::core {

/// Numbers, texts in quotes (" or '), true and false, names; == != < <= > >=, && || !, + - * /, parentheses, with the precedence of C. A name is a
/// word or words joined by dots (price.price_MUSD); any other name stands in brackets: [/cluster/nodes].
class Expression {
 public:
  /// A name and the character of the text at which it first stands, from 0.
  struct Name {
    std::string name;
    std::size_t position = 0;
  };
  /// The cell of a name; nothing where it has none.
  using Lookup = std::function<std::optional<Cell>(const std::string& name)>;

  /// `place` is where the text comes from, for errors: "--where". Throws UserError with the character that is wrong.
  static Expression parse(const std::string& text, const std::string& place);

  const std::string& text() const { return text_; }
  /// The names it asks for, each once, in the order of the text.
  const std::vector<Name>& names() const { return names_; }

  /// Whether it is true. Nothing where that hangs on a name without a value or on a division by zero: false && x is false and true || x is true
  /// whatever x is. Throws UserError where a value has the wrong type: a text in a sum, a number as a condition, the two compared.
  std::optional<bool> holds(const Lookup& cell) const;

  /// Throws a UserError about the character at `position`.
  [[noreturn]] void fail(std::size_t position, const std::string& message, const std::string& hint = {}) const;

 private:
  friend class ExpressionParser;
  friend class ExpressionRun;
  enum class Kind { constant, name, negate, minus, and_, or_, equal, unequal, less, less_equal, greater, greater_equal, add, subtract, multiply, divide };
  struct Node {
    Kind kind = Kind::constant;
    std::size_t position = 0;          // in the text
    std::size_t left = 0, right = 0;   // places in nodes_; of a name, left is its place in names_
    Cell value;                        // of a constant
  };

  std::string text_, place_;
  std::vector<Name> names_;
  std::vector<Node> nodes_;
  std::size_t root_ = 0;
};

}  // namespace weft::core

namespace weft { using namespace core; }

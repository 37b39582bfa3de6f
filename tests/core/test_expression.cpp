// Expressions: what they mean, where they are wrong, and that they agree with a tree evaluated by hand.
#include <cmath>
#include <map>
#include <memory>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <rapidcheck.h>

#include "sim/core/error.h"
#include "sim/core/expression.h"

using namespace weft;

namespace {

const std::map<std::string, Cell> kCells = {{"price_usd", 12.5e6}, {"memory_fits", true},      {"gpus", std::int64_t{64}}, {"variant", std::string("MPFT")},
                                            {"step.time_s", 2.0},  {"/cluster/nodes", std::int64_t{8}}, {"one", 1.0},         {"two", 2.0}, {"zero", 0.0}};

std::optional<bool> holds(const std::string& text) {
  return Expression::parse(text, "--where").holds([](const std::string& name) {
    const auto at = kCells.find(name);
    return at == kCells.end() ? std::optional<Cell>() : at->second;
  });
}

std::string error_of(const std::string& text) {
  try {
    holds(text);
  } catch (const UserError& e) {
    return e.what();
  }
  return "no error";
}

bool says(const std::string& text, const std::string& words) {
  const std::string error = error_of(text);
  CAPTURE(error);
  CHECK(error.find(words) != std::string::npos);
  return error.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("a condition is read with the precedence of C") {
  CHECK(holds("memory_fits && price_usd < 20e6") == true);
  CHECK(holds("!memory_fits || gpus >= 64") == true);
  CHECK(holds("gpus > 32 && gpus < 64 || variant == 'MPFT'") == true);
  CHECK(holds("1 + 2 * 3 == 7 && (1 + 2) * 3 == 9") == true);
  CHECK(holds("8 - 2 - 1 == 5 && 8 / 2 / 2 == 2") == true);
  CHECK(holds("-gpus + 64 == 0") == true);
  CHECK(holds("true != false") == true);
  CHECK(holds("variant == \"M\\PFT\"") == true);
  CHECK(holds("step.time_s * 2 <= 4 && [/cluster/nodes] == 8") == true);
  CHECK(holds("gpus/one == 64") == true);
}

TEST_CASE("what has no value decides nothing unless the other side does") {
  CHECK(holds("absent < 1") == std::nullopt);
  CHECK(holds("!absent") == std::nullopt);
  CHECK(holds("absent && memory_fits") == std::nullopt);
  CHECK(holds("absent && !memory_fits") == false);
  CHECK(holds("memory_fits || absent") == true);
  CHECK(holds("absent + 1 == 2 || gpus == 64") == true);
  CHECK(holds("one / zero > 0") == std::nullopt);
}

TEST_CASE("mistakes are told with the character at which they stand") {
  CHECK(says("", "the expression is empty"));
  CHECK(says("gpus >", "\"gpus >\", character 7: expected a column, a number, a text in quotes or \"(\", got the end"));
  CHECK(says("gpus = 64", "character 6: \"=\" means nothing here (== compares)"));
  CHECK(says("gpus < 64 & one", "character 11: \"&\" means nothing here (&& means and)"));
  CHECK(says("(gpus < 64", "character 11: expected \")\", got the end"));
  CHECK(says("gpus < 64)", "character 10: expected an operator or the end, got \")\""));
  CHECK(says("price_usd < 20 USD", "character 16: expected an operator or the end, got \"USD\""));
  CHECK(says("1 < gpus < 100", "character 10: comparisons do not chain"));
  CHECK(says("variant == 'MPFT", "character 12: this text has no closing quote"));
  CHECK(says("[/cluster/nodes > 1", "character 1: this name has no closing bracket"));
  CHECK(says("gpus", "character 1: expected something true or false, got the number 64"));
  CHECK(says("variant + 1 > 2", "character 1: expected a number, got the text \"MPFT\""));
  CHECK(says("gpus == 'MPFT'", "character 6: the number 64 is compared with the text \"MPFT\""));
  CHECK(says("memory_fits < true", "character 13: true and false have no order"));
  CHECK(says("gpus < 1e999", "character 8: this number is too large"));
  CHECK(says("gpus \xc3\xa4 1", "\"\xc3\xa4\" means nothing here"));
  CHECK(says(std::string(5000, 'x'), "longer than 4000 characters"));
  CHECK(says(std::string(300, '(') + "1", "nested deeper than 100 levels"));
  CHECK(says(std::string(300, '!') + "true", "nested deeper than 100 levels"));
}

TEST_CASE("the names are listed once each, in order, with their places") {
  const Expression e = Expression::parse("b < 1 && a.x == b || [/c/d] > 2 && true", "--where");
  REQUIRE(e.names().size() == 3);
  CHECK(e.names()[0].name == "b");
  CHECK(e.names()[1].name == "a.x");
  CHECK(e.names()[1].position == 9);
  CHECK(e.names()[2].name == "/c/d");
}

namespace {

/// A random expression with its text and its value: nothing where it has none.
struct Drawn {
  std::string text;
  std::optional<double> number;
  std::optional<bool> truth;
  int binds = 9;   // how tightly: 1 ||, 2 &&, 3 comparison, 4 sum, 5 product, 6 sign
};

std::string inside(const Drawn& d, int least) {
  const bool needed = d.binds < least;
  return needed || *rc::gen::inRange(0, 4) == 0 ? "(" + d.text + ")" : d.text;
}

Drawn number(int depth) {
  if (depth == 0 || *rc::gen::inRange(0, 4) == 0) {
    const int k = *rc::gen::inRange(0, 6);
    if (k == 0) return {"absent", std::nullopt, std::nullopt};
    if (k == 1) return {"zero", 0.0, std::nullopt};
    if (k == 2) return {"two", 2.0, std::nullopt};
    const double v = *rc::gen::inRange(0, 50) / 4.0;
    return {fmt::format("{}", v), v, std::nullopt};
  }
  const int k = *rc::gen::inRange(0, 5);
  const Drawn a = number(depth - 1);
  if (k == 4) return {"-" + inside(a, 6), a.number ? std::optional(-*a.number) : std::nullopt, std::nullopt, 6};
  const Drawn b = number(depth - 1);
  const int binds = k < 2 ? 4 : 5;
  Drawn out{inside(a, binds) + " " + "+-*/"[k] + " " + inside(b, binds + 1), std::nullopt, std::nullopt, binds};
  if (!a.number || !b.number) return out;
  const double v = k == 0 ? *a.number + *b.number : k == 1 ? *a.number - *b.number : k == 2 ? *a.number * *b.number : *a.number / *b.number;
  if (std::isfinite(v)) out.number = v;
  return out;
}

Drawn truth(int depth) {
  const int k = depth == 0 ? 0 : *rc::gen::inRange(0, 5);
  if (k <= 1) {
    const Drawn a = number(depth), b = number(depth);
    const int sign = *rc::gen::inRange(0, 6);
    static const char* kSigns[] = {"==", "!=", "<", "<=", ">", ">="};
    Drawn out{inside(a, 4) + kSigns[sign] + inside(b, 4), std::nullopt, std::nullopt, 3};
    if (!a.number || !b.number) return out;
    const double x = *a.number, y = *b.number;
    out.truth = sign == 0 ? x == y : sign == 1 ? x != y : sign == 2 ? x < y : sign == 3 ? x <= y : sign == 4 ? x > y : x >= y;
    return out;
  }
  const Drawn a = truth(depth - 1);
  if (k == 2) return {"!" + inside(a, 6), std::nullopt, a.truth ? std::optional(!*a.truth) : std::nullopt, 6};
  const Drawn b = truth(depth - 1);
  const bool either = k == 3;   // || is true, && is false as soon as one side is
  Drawn out{inside(a, either ? 1 : 2) + (either ? "||" : " && ") + inside(b, either ? 2 : 3), std::nullopt, std::nullopt, either ? 1 : 2};
  if ((a.truth && *a.truth == either) || (b.truth && *b.truth == either)) out.truth = either;
  else if (a.truth && b.truth) out.truth = !either;
  return out;
}

}  // namespace

TEST_CASE("any expression has the value of its tree, however it is written") {
  CHECK(rc::check([] {
    const Drawn d = truth(4);
    RC_ASSERT(holds(d.text) == d.truth);
  }));
}

TEST_CASE("any text is an expression or an error of the user's") {
  CHECK(rc::check([] {
    const auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab1.2e<>=!&|+-*/()[]'\" \\")));
    try {
      holds(text);
    } catch (const UserError&) {
    }
  }));
}

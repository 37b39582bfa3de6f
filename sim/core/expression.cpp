#include "sim/core/expression.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::core {
namespace {

constexpr std::size_t kLongest = 4000;   // characters
constexpr int kDeepest = 100;            // parentheses and signs inside one another

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

struct Token {
  enum class Kind { number, text, name, sign, end };
  Kind kind = Kind::end;
  std::size_t position = 0;
  std::string words;   // of a name, text or sign
  double number = 0;
};

}  // namespace

/// Reads by recursive descent, one function a level of precedence.
class ExpressionParser {
 public:
  ExpressionParser(const std::string& text, const std::string& place) {
    out_.text_ = text;
    out_.place_ = place;
  }

  Expression parse() {
    if (out_.text_.size() > kLongest) throw UserError(out_.place_, fmt::format("the expression is longer than {} characters", kLongest));
    next();
    if (token_.kind == Token::Kind::end) throw UserError(out_.place_, "the expression is empty", "for example 'fits && price_MUSD < 20'");
    out_.root_ = either();
    if (token_.kind != Token::Kind::end) unexpected("an operator or the end");
    return std::move(out_);
  }

 private:
  using Kind = Expression::Kind;

  [[noreturn]] void unexpected(const std::string& wanted) const {
    std::string got = "the end";
    std::string hint;
    if (token_.kind == Token::Kind::number) got = "a number";
    if (token_.kind == Token::Kind::text) got = "a text";
    if (token_.kind == Token::Kind::name) {
      got = fmt::format("\"{}\"", token_.words);
      hint = "numbers have no unit here: columns carry it in their name; texts stand in quotes; || and && join conditions";
    }
    if (token_.kind == Token::Kind::sign) got = fmt::format("\"{}\"", token_.words);
    out_.fail(token_.position, fmt::format("expected {}, got {}", wanted, got), hint);
  }

  void next() {
    const std::string& s = out_.text_;
    while (at_ < s.size() && (s[at_] == ' ' || s[at_] == '\t' || s[at_] == '\n' || s[at_] == '\r')) ++at_;
    token_ = {};
    token_.position = at_;
    if (at_ == s.size()) return;
    const char c = s[at_];
    if (is_digit(c) || (c == '.' && at_ + 1 < s.size() && is_digit(s[at_ + 1]))) return number();
    if (c == '"' || c == '\'') return quoted(c);
    if (c == '[') return bracketed();
    if (is_letter(c)) return word();
    sign();
  }

  void number() {
    const std::string& s = out_.text_;
    const auto [end, error] = std::from_chars(s.data() + at_, s.data() + s.size(), token_.number);
    if (error != std::errc() || !std::isfinite(token_.number)) out_.fail(at_, "this number is too large or too small");
    token_.kind = Token::Kind::number;
    at_ = static_cast<std::size_t>(end - s.data());
  }

  void quoted(char quote) {
    const std::string& s = out_.text_;
    token_.kind = Token::Kind::text;
    for (++at_; at_ < s.size() && s[at_] != quote; ++at_) {
      if (s[at_] == '\\' && at_ + 1 < s.size()) ++at_;
      token_.words += s[at_];
    }
    if (at_ == s.size()) out_.fail(token_.position, "this text has no closing quote");
    ++at_;
  }

  void bracketed() {
    const std::size_t end = out_.text_.find(']', at_);
    if (end == std::string::npos) out_.fail(at_, "this name has no closing bracket");
    token_.kind = Token::Kind::name;
    token_.words = out_.text_.substr(at_ + 1, end - at_ - 1);
    if (token_.words.empty()) out_.fail(at_, "expected a name in the brackets");
    at_ = end + 1;
    bracketed_ = true;
  }

  void word() {
    const std::string& s = out_.text_;
    token_.kind = Token::Kind::name;
    bracketed_ = false;
    while (at_ < s.size()) {
      const bool joins = s[at_] == '.' && at_ + 1 < s.size() && is_letter(s[at_ + 1]);
      if (!is_letter(s[at_]) && !is_digit(s[at_]) && !joins) break;
      token_.words += s[at_++];
    }
  }

  void sign() {
    const std::string_view rest = std::string_view(out_.text_).substr(at_);
    for (const std::string_view two : {"&&", "||", "==", "!=", "<=", ">="}) {
      if (rest.starts_with(two)) return take(two);
    }
    for (const std::string_view one : {"!", "<", ">", "+", "-", "*", "/", "(", ")"}) {
      if (rest.starts_with(one)) return take(one);
    }
    std::string hint;
    if (rest.front() == '=') hint = "== compares";
    if (rest.front() == '&') hint = "&& means and";
    if (rest.front() == '|') hint = "|| means or";
    if (rest.front() == ']') hint = "a name in brackets begins with [";
    // A character of UTF-8 may have several bytes.
    std::size_t bytes = 1;
    while (bytes < rest.size() && (static_cast<unsigned char>(rest[bytes]) & 0xc0) == 0x80) ++bytes;
    out_.fail(at_, fmt::format("\"{}\" means nothing here", rest.substr(0, bytes)), hint);
  }

  void take(std::string_view sign) {
    token_.kind = Token::Kind::sign;
    token_.words = sign;
    at_ += sign.size();
  }

  bool is_sign(std::string_view sign) const { return token_.kind == Token::Kind::sign && token_.words == sign; }

  std::size_t node(Kind kind, std::size_t position, std::size_t left = 0, std::size_t right = 0, Cell value = {}) {
    out_.nodes_.push_back({kind, position, left, right, std::move(value)});
    return out_.nodes_.size() - 1;
  }

  template <std::size_t N, class Lower>
  std::size_t chain(const std::array<std::pair<std::string_view, Kind>, N>& signs, Lower lower) {
    std::size_t left = (this->*lower)();
    for (;;) {
      bool found = false;
      for (const auto& [sign, kind] : signs) {
        if (!is_sign(sign)) continue;
        const std::size_t position = token_.position;
        next();
        left = node(kind, position, left, (this->*lower)());
        found = true;
        break;
      }
      if (!found) return left;
    }
  }

  std::size_t either() { return chain<1>({{{"||", Kind::or_}}}, &ExpressionParser::both); }
  std::size_t both() { return chain<1>({{{"&&", Kind::and_}}}, &ExpressionParser::comparison); }
  std::size_t sum() { return chain<2>({{{"+", Kind::add}, {"-", Kind::subtract}}}, &ExpressionParser::product); }
  std::size_t product() { return chain<2>({{{"*", Kind::multiply}, {"/", Kind::divide}}}, &ExpressionParser::signed_value); }

  std::size_t comparison() {
    static constexpr std::array<std::pair<std::string_view, Kind>, 6> kSigns = {{{"==", Kind::equal}, {"!=", Kind::unequal}, {"<=", Kind::less_equal},
                                                                                 {">=", Kind::greater_equal}, {"<", Kind::less}, {">", Kind::greater}}};
    const auto compares = [&]() -> const std::pair<std::string_view, Kind>* {
      for (const auto& s : kSigns) {
        if (is_sign(s.first)) return &s;
      }
      return nullptr;
    };
    const std::size_t left = sum();
    const auto* sign = compares();
    if (sign == nullptr) return left;
    const std::size_t position = token_.position;
    next();
    const std::size_t compared = node(sign->second, position, left, sum());
    if (compares() != nullptr) out_.fail(token_.position, "comparisons do not chain", "write 1 < x && x < 3");
    return compared;
  }

  std::size_t signed_value() {
    if (++depth_ > kDeepest) out_.fail(token_.position, fmt::format("nested deeper than {} levels", kDeepest));
    const std::size_t position = token_.position;
    std::size_t out = 0;
    if (is_sign("!") || is_sign("-")) {
      const Kind kind = is_sign("!") ? Kind::negate : Kind::minus;
      next();
      out = node(kind, position, signed_value());
    } else {
      out = value();
    }
    --depth_;
    return out;
  }

  std::size_t value() {
    const Token t = token_;
    switch (t.kind) {
      case Token::Kind::number: next(); return node(Kind::constant, t.position, 0, 0, t.number);
      case Token::Kind::text: next(); return node(Kind::constant, t.position, 0, 0, t.words);
      case Token::Kind::name: return name(t);
      case Token::Kind::sign:
        if (t.words == "(") {
          next();
          const std::size_t inside = either();
          if (!is_sign(")")) unexpected("\")\"");
          next();
          return inside;
        }
        break;
      case Token::Kind::end: break;
    }
    unexpected("a column, a number, a text in quotes or \"(\"");
  }

  std::size_t name(const Token& t) {
    const bool plain = !bracketed_;
    next();
    if (plain && (t.words == "true" || t.words == "false")) return node(Kind::constant, t.position, 0, 0, t.words == "true");
    std::size_t k = 0;
    while (k < out_.names_.size() && out_.names_[k].name != t.words) ++k;
    if (k == out_.names_.size()) out_.names_.push_back({t.words, t.position});
    return node(Kind::name, t.position, k);
  }

  Expression out_;
  Token token_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool bracketed_ = false;   // whether the name that is the token stood in brackets
};

/// One evaluation: every node has a number, a truth, a text or nothing.
class ExpressionRun {
 public:
  using Value = std::variant<std::monostate, double, bool, std::string>;
  ExpressionRun(const Expression& e, const Expression::Lookup& cell) : e_(e), cell_(cell) {}

  std::optional<bool> condition(std::size_t at) {
    const Value v = value(at);
    if (std::holds_alternative<std::monostate>(v)) return std::nullopt;
    if (const bool* truth = std::get_if<bool>(&v)) return *truth;
    e_.fail(e_.nodes_[at].position, fmt::format("expected something true or false, got {}", describe(v)), "compare it: with ==, < or another");
  }

 private:
  using Kind = Expression::Kind;

  static std::string describe(const Value& v) {
    if (const double* d = std::get_if<double>(&v)) return fmt::format("the number {}", *d);
    if (const bool* b = std::get_if<bool>(&v)) return *b ? "true" : "false";
    return fmt::format("the text \"{}\"", std::get<std::string>(v).substr(0, 40));
  }

  std::optional<double> number(std::size_t at) {
    const Value v = value(at);
    if (std::holds_alternative<std::monostate>(v)) return std::nullopt;
    if (const double* d = std::get_if<double>(&v)) return *d;
    e_.fail(e_.nodes_[at].position, fmt::format("expected a number, got {}", describe(v)));
  }

  Value value(std::size_t at) {
    const Expression::Node& n = e_.nodes_[at];
    switch (n.kind) {
      case Kind::constant: return of(n.value);
      case Kind::name: {
        const std::optional<Cell> c = cell_(e_.names_[n.left].name);
        return c ? of(*c) : Value();
      }
      case Kind::negate: {
        const auto truth = condition(n.left);
        return truth ? Value(!*truth) : Value();
      }
      case Kind::minus: {
        const auto d = number(n.left);
        return d ? Value(-*d) : Value();
      }
      case Kind::and_: return joined(n, false);
      case Kind::or_: return joined(n, true);
      case Kind::add: case Kind::subtract: case Kind::multiply: case Kind::divide: return arithmetic(n);
      default: return compared(n);
    }
  }

  static Value of(const Cell& c) {
    if (const auto* whole = std::get_if<std::int64_t>(&c)) return static_cast<double>(*whole);
    if (const auto* real = std::get_if<double>(&c)) return *real;
    if (const auto* truth = std::get_if<bool>(&c)) return *truth;
    return std::get<std::string>(c);
  }

  /// && and ||: `decides` is the truth that settles it whatever the other side is.
  Value joined(const Expression::Node& n, bool decides) {
    const auto left = condition(n.left);
    if (left && *left == decides) return decides;
    const auto right = condition(n.right);
    if (right && *right == decides) return decides;
    return left && right ? Value(!decides) : Value();
  }

  Value arithmetic(const Expression::Node& n) {
    const auto a = number(n.left), b = number(n.right);
    if (!a || !b) return {};
    const double result = n.kind == Kind::add ? *a + *b : n.kind == Kind::subtract ? *a - *b : n.kind == Kind::multiply ? *a * *b : *a / *b;
    return std::isfinite(result) ? Value(result) : Value();
  }

  template <class T>
  static bool compare(Kind kind, const T& a, const T& b) {
    switch (kind) {
      case Kind::equal: return a == b;
      case Kind::unequal: return a != b;
      case Kind::less: return a < b;
      case Kind::less_equal: return a <= b;
      case Kind::greater: return a > b;
      default: return a >= b;
    }
  }

  Value compared(const Expression::Node& n) {
    const Value a = value(n.left), b = value(n.right);
    if (std::holds_alternative<std::monostate>(a) || std::holds_alternative<std::monostate>(b)) return {};
    if (a.index() != b.index()) e_.fail(n.position, fmt::format("{} is compared with {}", describe(a), describe(b)), "both sides must be numbers, or texts, or true and false");
    if (const double* d = std::get_if<double>(&a)) return compare(n.kind, *d, std::get<double>(b));
    if (const bool* t = std::get_if<bool>(&a)) {
      if (n.kind != Kind::equal && n.kind != Kind::unequal) e_.fail(n.position, "true and false have no order", "compare them with == or !=");
      return compare(n.kind, *t, std::get<bool>(b));
    }
    return compare(n.kind, std::get<std::string>(a), std::get<std::string>(b));
  }

  const Expression& e_;
  const Expression::Lookup& cell_;
};

Expression Expression::parse(const std::string& text, const std::string& place) { return ExpressionParser(text, place).parse(); }

std::optional<bool> Expression::holds(const Lookup& cell) const { return ExpressionRun(*this, cell).condition(root_); }

void Expression::fail(std::size_t position, const std::string& message, const std::string& hint) const {
  throw UserError(place_, fmt::format("\"{}\", character {}: {}", text_, position + 1, message), hint);
}

}  // namespace weft::core

#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/json.h"
#include "sim/core/sourced_number.h"

namespace weft::core {
namespace {

const Json kNull;

/// Escapes a key for a JSON pointer (RFC 6901).
std::string escaped(std::string_view key) {
  std::string out;
  for (char c : key) {
    if (c == '~') out += "~0";
    else if (c == '/') out += "~1";
    else out += c;
  }
  return out;
}

/// What a value looks like in an error message: short.
std::string shown(const Json& v) {
  std::string text = dump_json(v);
  if (text.size() > 60) text = text.substr(0, 57) + "...";
  return text;
}

std::string range_text(double min, double max) {
  const double big = 1e300;
  if (min > -big && max < big) return fmt::format("from {:g} to {:g}", min, max);
  if (min > -big) return fmt::format("of at least {:g}", min);
  if (max < big) return fmt::format("of at most {:g}", max);
  return "";
}

}  // namespace

JsonReader::JsonReader(const Json& value, std::string file, Problems& problems, std::string pointer)
    : value_(&value), file_(std::move(file)), pointer_(std::move(pointer)), problems_(&problems),
      known_(std::make_shared<std::set<std::string, std::less<>>>()) {}

void JsonReader::fail(std::string message, std::string hint) const {
  problems_->add({file_, pointer_.empty() ? "/" : pointer_, std::move(message), std::move(hint)});
}

void JsonReader::fail_at(std::string_view key, std::string message, std::string hint) const {
  problems_->add({file_, pointer_ + "/" + escaped(key), std::move(message), std::move(hint)});
}

bool JsonReader::is_object() const { return value_->is_object(); }
bool JsonReader::is_array() const { return value_->is_array(); }
bool JsonReader::is_string() const { return value_->is_string(); }
bool JsonReader::is_number() const { return value_->is_number(); }

bool JsonReader::expect_object(std::string_view what) const {
  if (value_->is_object()) return true;
  fail(fmt::format("expected {} as an object {{...}}, got {}", what, shown(*value_)));
  return false;
}

bool JsonReader::has(std::string_view key) const {
  if (known_) known_->emplace(key);
  return value_->is_object() && value_->contains(key);
}

JsonReader JsonReader::at(std::string_view key) {
  if (auto r = maybe(key)) return *r;
  if (value_->is_object()) fail_at(key, "this key is due but missing");
  Problems* quiet = problems_;
  JsonReader missing(kNull, file_, *quiet, pointer_ + "/" + escaped(key));
  missing.known_ = nullptr;  // marks a reader that has already been reported
  return missing;
}

std::optional<JsonReader> JsonReader::maybe(std::string_view key) {
  if (!has(key)) return std::nullopt;
  return JsonReader((*value_)[std::string(key)], file_, *problems_, pointer_ + "/" + escaped(key));
}

std::vector<JsonReader> JsonReader::items() const {
  std::vector<JsonReader> out;
  if (!value_->is_array()) return out;
  std::size_t i = 0;
  for (const Json& v : *value_) out.emplace_back(v, file_, *problems_, fmt::format("{}/{}", pointer_, i++));
  return out;
}

std::vector<std::pair<std::string, JsonReader>> JsonReader::members() {
  std::vector<std::pair<std::string, JsonReader>> out;
  if (!value_->is_object()) return out;
  for (const auto& [key, v] : value_->items()) {
    if (known_) known_->insert(key);
    out.emplace_back(key, JsonReader(v, file_, *problems_, pointer_ + "/" + escaped(key)));
  }
  return out;
}

std::string JsonReader::as_string() const {
  if (value_->is_string()) return value_->get<std::string>();
  if (known_) fail(fmt::format("expected a string, got {}", shown(*value_)));
  return {};
}

std::int64_t JsonReader::as_integer(std::int64_t min, std::int64_t max) const {
  const bool fits = value_->is_number_integer() &&
                    !(value_->is_number_unsigned() && value_->get<std::uint64_t>() > static_cast<std::uint64_t>(max));
  if (fits) {
    const auto v = value_->get<std::int64_t>();
    if (v >= min && v <= max) return v;
  }
  if (known_) {
    const auto wide = [](std::int64_t v, double infinite) {
      return v == std::numeric_limits<std::int64_t>::max() || v == std::numeric_limits<std::int64_t>::min()
                 ? infinite : static_cast<double>(v);
    };
    const std::string range = range_text(wide(min, -1e308), wide(max, 1e308));
    fail(fmt::format("expected a whole number{}{}, got {}", range.empty() ? "" : " ", range, shown(*value_)));
  }
  return min > 0 ? min : (max < 0 ? max : 0);
}

double JsonReader::as_number(double min, double max) const {
  if (value_->is_number()) {
    const double v = value_->get<double>();
    if (std::isfinite(v) && v >= min && v <= max) return v;
  }
  if (known_) {
    const std::string range = range_text(min, max);
    fail(fmt::format("expected a number{}{}, got {}", range.empty() ? "" : " ", range, shown(*value_)));
  }
  return min > 0 && min < 1e300 ? min : 0;
}

bool JsonReader::as_bool() const {
  if (value_->is_boolean()) return value_->get<bool>();
  if (known_) fail(fmt::format("expected true or false, got {}", shown(*value_)));
  return false;
}

double JsonReader::quantity(ParsedUnit::What what, bool positive) const {
  const double harmless = 1;
  if (known_ == nullptr) return harmless;  // missing, and already reported
  if (value_->is_number()) {
    const bool rate = what == ParsedUnit::What::bytes_per_second;
    fail(fmt::format("expected {}, got {}", expectation(what), shown(*value_)),
         rate ? "bits or bytes cannot be guessed" : "a bare number has no unit");
    return harmless;
  }
  if (!value_->is_string()) {
    fail(fmt::format("expected {}, got {}", expectation(what), shown(*value_)));
    return harmless;
  }
  const ParsedUnit u = parse_unit(value_->get<std::string>());
  if (!u.problem.empty()) {
    fail(fmt::format("expected {}, got {}", expectation(what), shown(*value_)), u.problem);
    return harmless;
  }
  if (u.what != what) {
    fail(fmt::format("expected {}, got {}", expectation(what), shown(*value_)),
         fmt::format("that reads as {}", expectation(u.what)));
    return harmless;
  }
  // Beyond these no physical quantity of a cluster lies, and products of them would leave the range of a double.
  constexpr double kLeast = 1e-15, kMost = 1e21;
  if (u.value != 0 && (std::abs(u.value) < kLeast || std::abs(u.value) > kMost)) {
    fail(fmt::format("expected {} of a sensible magnitude, got {}", expectation(what), shown(*value_)));
    return harmless;
  }
  if (positive ? u.value <= 0 : u.value < 0) {
    fail(fmt::format("expected {} value, got {}", positive ? "a positive" : "a non-negative", shown(*value_)));
    return harmless;
  }
  return u.value;
}

double JsonReader::sourced_value(ParsedUnit::What what, bool positive, std::optional<Origin> bare_origin, Origin& origin,
                                 std::string& source) {
  if (known_ == nullptr) return 1;
  if (!value_->is_object()) {
    if (!bare_origin) {
      fail("expected {\"value\": ..., \"origin\": ..., \"source\": ...}", "every constant of a data file says where it comes from");
      return 1;
    }
    origin = *bare_origin;
    source = "given in " + file_;
    return quantity(what, positive);
  }
  origin = read_origin(*this);
  source = string("source");
  const double v = at("value").quantity(what, positive);
  done();
  return v;
}

std::string JsonReader::string(std::string_view key) { return at(key).as_string(); }
std::string JsonReader::string(std::string_view key, std::string fallback) {
  auto r = maybe(key);
  return r ? r->as_string() : fallback;
}
std::int64_t JsonReader::integer(std::string_view key, std::int64_t min, std::int64_t max) { return at(key).as_integer(min, max); }
std::int64_t JsonReader::integer_or(std::string_view key, std::int64_t fallback, std::int64_t min, std::int64_t max) {
  auto r = maybe(key);
  return r ? r->as_integer(min, max) : fallback;
}
double JsonReader::number(std::string_view key, double min, double max) { return at(key).as_number(min, max); }
double JsonReader::number_or(std::string_view key, double fallback, double min, double max) {
  auto r = maybe(key);
  return r ? r->as_number(min, max) : fallback;
}
bool JsonReader::boolean_or(std::string_view key, bool fallback) {
  auto r = maybe(key);
  return r ? r->as_bool() : fallback;
}

std::string JsonReader::one_of(std::string_view key, const std::vector<std::string>& words, const std::string& fallback) {
  if (!fallback.empty() && !has(key)) return fallback;
  JsonReader r = at(key);
  if (r.known_ == nullptr) return words.front();
  const std::string word = r.as_string();
  for (const std::string& w : words) {
    if (w == word) return word;
  }
  if (r.is_string()) r.fail(fmt::format("unknown word \"{}\"", word), unknown_name_hint(word, words));
  return words.front();
}

std::vector<std::string> JsonReader::asked() const {
  if (!known_) return {};
  return {known_->begin(), known_->end()};
}

void JsonReader::done() const {
  if (!value_->is_object() || known_ == nullptr) return;
  const std::vector<std::string> known(known_->begin(), known_->end());
  for (const auto& [key, v] : value_->items()) {
    if (!known_->contains(key)) fail_at(key, fmt::format("unknown key \"{}\"", key), unknown_name_hint(key, known));
  }
}

}  // namespace weft::core

// Reading JSON with its place: every error names the pointer, and all errors of a file are reported at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "sim/core/error.h"
#include "sim/core/provenance.h"
#include "sim/core/units.h"

namespace weft::core {

/// Objects keep the order in which they were written.
using Json = nlohmann::ordered_json;

/// Parses text: `//` and `/* */` comments are allowed; a duplicate key, an infinite number, an empty text, too deep
/// nesting (over 200) or an object of more than 20,000 keys is an error. Throws UserError naming `file` and the place.
Json parse_json(std::string_view text, const std::string& file);

/// Reads and parses a file (16 MiB at most). `-` reads standard input. Throws UserError.
Json read_json_file(const std::string& path);

/// Compact or indented text of a value with numbers in shortest round-trip form; same value, same bytes.
std::string dump_json(const Json& value, int indent = -1);

/// A JSON value together with where it is. Getters record problems and return a harmless value, so that reading goes
/// on; call `done()` on each object after its last key (reports unknown keys) and `problems().throw_if_any()` at the end.
class JsonReader {
 public:
  JsonReader(const Json& value, std::string file, Problems& problems, std::string pointer = "");

  const Json& value() const { return *value_; }
  const std::string& pointer() const { return pointer_; }
  const std::string& file() const { return file_; }
  Problems& problems() const { return *problems_; }

  /// Adds a problem at this place, or at a key below it.
  void fail(std::string message, std::string hint = {}) const;
  void fail_at(std::string_view key, std::string message, std::string hint = {}) const;

  bool is_object() const;
  bool is_array() const;
  bool is_string() const;
  bool is_number() const;
  /// Records a problem unless this is an object (or array) and says what was expected.
  bool expect_object(std::string_view what) const;

  bool has(std::string_view key) const;             ///< marks the key as known
  /// The member; a problem when absent (then a reader on null).
  JsonReader at(std::string_view key);
  std::optional<JsonReader> maybe(std::string_view key);
  /// Members of an array or of an object in order, with their places. An object's keys count as known.
  std::vector<JsonReader> items() const;
  std::vector<std::pair<std::string, JsonReader>> members();

  // Scalars of this place.
  std::string as_string() const;
  std::int64_t as_integer(std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                          std::int64_t max = std::numeric_limits<std::int64_t>::max()) const;
  double as_number(double min = -std::numeric_limits<double>::max(), double max = std::numeric_limits<double>::max()) const;
  bool as_bool() const;
  /// A string with a unit; `min_exclusive_zero` demands a positive value, otherwise negative ones are refused.
  template <class Q> Q as_quantity(bool positive = true) const { return Q(quantity(UnitOf<Q>::what, positive)); }

  // Members: with a fallback they are optional, without they are due.
  std::string string(std::string_view key);
  std::string string(std::string_view key, std::string fallback);
  std::int64_t integer(std::string_view key, std::int64_t min, std::int64_t max = std::numeric_limits<std::int64_t>::max());
  std::int64_t integer_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                          std::int64_t max = std::numeric_limits<std::int64_t>::max());
  double number(std::string_view key, double min, double max);
  double number_or(std::string_view key, double fallback, double min, double max);
  bool boolean_or(std::string_view key, bool fallback);
  /// One of the given words; unknown ones get the nearest name as hint.
  std::string one_of(std::string_view key, const std::vector<std::string>& words, const std::string& fallback = {});
  template <class Q> Q quantity(std::string_view key, bool positive = true) { return at(key).template as_quantity<Q>(positive); }
  template <class Q> Q quantity_or(std::string_view key, Q fallback, bool positive = true) {
    auto r = maybe(key);
    return r ? r->template as_quantity<Q>(positive) : fallback;
  }
  /// {"value": "50 GB/s", "origin": "published", "source": "..."} or, when `bare_origin` is given, a bare "50 GB/s".
  template <class Q> Sourced<Q> sourced(std::string_view key, std::optional<Origin> bare_origin = Origin::assumed, bool positive = true) {
    return at(key).template as_sourced<Q>(bare_origin, positive);
  }
  template <class Q> Sourced<Q> as_sourced(std::optional<Origin> bare_origin, bool positive = true) {
    Sourced<Q> s;
    s.value = Q(sourced_value(UnitOf<Q>::what, positive, bare_origin, s.origin, s.source));
    return s;
  }

  /// Reports every key that nobody asked for.
  void done() const;
  /// Every key that was asked for so far, sorted: what a schema is made of.
  std::vector<std::string> asked() const;

 private:
  double quantity(ParsedUnit::What what, bool positive) const;
  double sourced_value(ParsedUnit::What what, bool positive, std::optional<Origin> bare_origin, Origin& origin, std::string& source);

  const Json* value_;
  std::string file_;
  std::string pointer_;
  Problems* problems_;
  std::shared_ptr<std::set<std::string, std::less<>>> known_;
};

}  // namespace weft::core

namespace weft { using namespace core; }

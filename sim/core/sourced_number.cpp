#include "sim/core/sourced_number.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft::core {
namespace {

constexpr std::array kOrigins = {Origin::published, Origin::measured, Origin::derived, Origin::fitted, Origin::assumed};

template <class Read>
Sourced<double> read_sourced(JsonReader where, std::string_view what, std::string_view example, Read number) {
  Sourced<double> s;
  if (where.is_number()) {
    s.value = number(where);
    s.source = "given in " + where.file();
    return s;
  }
  if (!where.expect_object(fmt::format(R"({}, or {{"value": {}, "origin": ..., "source": ...}})", what, example))) return s;
  s.value = number(where.at("value"));
  s.origin = read_origin(where);
  s.source = where.string("source");
  where.done();
  return s;
}

}  // namespace

Origin read_origin(JsonReader& where) {
  static const std::vector<std::string> kWords = [] {
    std::vector<std::string> words;
    for (const Origin o : kOrigins) words.push_back(to_text(o));
    return words;
  }();
  const std::string word = where.one_of("origin", kWords);
  return kOrigins[static_cast<std::size_t>(std::find(kWords.begin(), kWords.end(), word) - kWords.begin())];
}

Sourced<double> read_sourced_number(JsonReader& r, std::string_view key, double min, double max, std::string_view what) {
  return read_sourced(r.at(key), what, "0.5", [&](const JsonReader& n) { return n.as_number(min, max); });
}

Sourced<double> read_sourced_count(JsonReader& r, std::string_view key, std::int64_t min, std::int64_t max, std::string_view what) {
  return read_sourced(r.at(key), what, "8", [&](const JsonReader& n) { return static_cast<double>(n.as_integer(min, max)); });
}

}  // namespace weft::core

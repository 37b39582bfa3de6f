#include "sim/core/unit_names.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

namespace weft::core {
namespace {

using What = ParsedUnit::What;

struct Prefix {
  std::string_view text;
  double factor;
};

constexpr std::array<Prefix, 6> kDecimal{{{"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {"P", 1e15}}};
constexpr std::array<Prefix, 5> kBinary{
    {{"Ki", 1024.0}, {"Mi", 1048576.0}, {"Gi", 1073741824.0}, {"Ti", 1099511627776.0}, {"Pi", 1125899906842624.0}}};

/// The factor of `prefix` in front of a unit; empty when there is no such prefix.
std::optional<double> prefix_factor(std::string_view prefix, bool binary_too) {
  if (prefix.empty()) return 1.0;
  for (const Prefix& p : kDecimal) {
    if (p.text == prefix) return p.factor;
  }
  if (binary_too) {
    for (const Prefix& p : kBinary) {
      if (p.text == prefix) return p.factor;
    }
  }
  return std::nullopt;
}

struct Unit {
  What what;
  double factor;
};

struct Fixed {
  std::string_view text;
  Unit unit;
};

constexpr std::array<Fixed, 17> kFixed{{
    {"s", {What::seconds, 1}}, {"ms", {What::seconds, 1e-3}}, {"us", {What::seconds, 1e-6}},
    {"µs", {What::seconds, 1e-6}}, {"ns", {What::seconds, 1e-9}}, {"min", {What::seconds, 60}},
    {"h", {What::seconds, 3600}}, {"d", {What::seconds, 86400}}, {"m", {What::meters, 1}},
    {"ns/m", {What::seconds_per_meter, 1e-9}}, {"us/m", {What::seconds_per_meter, 1e-6}},
    {"USD", {What::dollars, 1}}, {"kUSD", {What::dollars, 1e3}}, {"MUSD", {What::dollars, 1e6}},
    {"W", {What::watts, 1}}, {"kW", {What::watts, 1e3}}, {"km", {What::meters, 1e3}}}};

/// A unit that a prefix may stand before. Bits per second are written b or bit, bytes B: "Gbps", "Gbit/s", "GB/s", "GiB/s", "GBps".
/// Of two that end alike the longer stands first.
struct Prefixed {
  std::string_view text;
  Unit unit;
  bool binary;
};

constexpr std::array<Prefixed, 9> kPrefixed{{
    {"bps", {What::bytes_per_second, 0.125}, false}, {"bit/s", {What::bytes_per_second, 0.125}, false},
    {"b/s", {What::bytes_per_second, 0.125}, false}, {"B/s", {What::bytes_per_second, 1}, true}, {"Bps", {What::bytes_per_second, 1}, true},
    {"FLOPS", {What::flops_per_second, 1}, false}, {"FLOP/s", {What::flops_per_second, 1}, false}, {"FLOP", {What::flops, 1}, false},
    {"B", {What::bytes, 1}, true}}};

std::optional<Unit> find_unit(std::string_view u) {
  for (const Fixed& f : kFixed) {
    if (f.text == u) return f.unit;
  }
  for (const Prefixed& p : kPrefixed) {
    if (!u.ends_with(p.text)) continue;
    if (const auto f = prefix_factor(u.substr(0, u.size() - p.text.size()), p.binary)) return Unit{p.unit.what, *f * p.unit.factor};
  }
  return std::nullopt;
}

/// Up to five significant digits, without trailing zeros.
std::string short_number(double v) {
  return fmt::format("{:.5g}", v);
}

template <std::size_t N>
std::string scaled(double v, const std::array<std::pair<double, const char*>, N>& steps) {
  for (const auto& [factor, name] : steps) {
    if (std::abs(v) >= factor) return short_number(v / factor) + " " + name;
  }
  return short_number(v / steps.back().first) + " " + steps.back().second;
}

}  // namespace

ParsedUnit parse_unit(std::string_view text) {
  ParsedUnit out;
  std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) {
    out.problem = "it is empty";
    return out;
  }
  text.remove_prefix(begin);
  text = text.substr(0, text.find_last_not_of(" \t") + 1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number)) {
    out.problem = "it does not start with a finite number";
    return out;
  }
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  if (unit.empty()) {
    out.problem = "the unit is missing";
    return out;
  }
  const auto found = find_unit(unit);
  if (!found) {
    out.problem = fmt::format("unknown unit \"{}\"", unit);
    return out;
  }
  out.value = number * found->factor;
  if (!std::isfinite(out.value)) {
    out.problem = "it is too large";
    return out;
  }
  out.what = found->what;
  return out;
}

std::string expectation(What what) {
  switch (what) {
    case What::bytes: return "a size like \"4 KiB\"";
    case What::seconds: return "a time like \"2.8 us\"";
    case What::bytes_per_second: return "a rate like \"400 Gbps\" or \"50 GB/s\"";
    case What::flops: return "an amount of work like \"2 GFLOP\"";
    case What::flops_per_second: return "a speed like \"989 TFLOPS\"";
    case What::dollars: return "a price like \"58000 USD\"";
    case What::meters: return "a length like \"20 m\"";
    case What::seconds_per_meter: return "a delay per length like \"5 ns/m\"";
    case What::watts: return "a power like \"700 W\"";
    case What::unknown: break;
  }
  return "a quantity with a unit";
}

std::vector<UnitNames> unit_names() {
  std::vector<UnitNames> out;
  for (int i = 0; i < static_cast<int>(What::unknown); ++i) {
    UnitNames names{static_cast<What>(i), expectation(static_cast<What>(i)), {}, {}, false};
    for (const Fixed& f : kFixed) {
      if (f.unit.what == names.what) names.fixed.emplace_back(f.text);
    }
    for (const Prefixed& p : kPrefixed) {
      if (p.unit.what != names.what) continue;
      names.with_prefix.emplace_back(p.text);
      names.binary_prefixes = names.binary_prefixes || p.binary;
    }
    out.push_back(std::move(names));
  }
  return out;
}

std::vector<std::string> decimal_prefixes() {
  std::vector<std::string> out;
  for (const Prefix& p : kDecimal) out.emplace_back(p.text);
  return out;
}

std::vector<std::string> binary_prefixes() {
  std::vector<std::string> out;
  for (const Prefix& p : kBinary) out.emplace_back(p.text);
  return out;
}

std::string to_text(Bytes v) {
  // Binary prefixes where they are exact, decimal ones otherwise.
  static constexpr std::array<std::pair<double, const char*>, 4> kBinarySteps{
      {{1099511627776.0, "TiB"}, {1073741824.0, "GiB"}, {1048576.0, "MiB"}, {1024.0, "KiB"}}};
  for (const auto& [factor, name] : kBinarySteps) {
    const double q = v.value() / factor;
    if (q >= 1 && q == std::floor(q)) return fmt::format("{:.0f} {}", q, name);
  }
  if (v.value() == std::floor(v.value()) && v.value() < 1e6) return fmt::format("{:.0f} B", v.value());
  static constexpr std::array<std::pair<double, const char*>, 5> kSteps{
      {{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}, {1.0, "B"}}};
  return scaled(v.value(), kSteps);
}

std::string to_text(Seconds v) {
  static constexpr std::array<std::pair<double, const char*>, 4> kSteps{{{1.0, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {1e-9, "ns"}}};
  if (v.value() == 0) return "0 s";
  return scaled(v.value(), kSteps);
}

std::string to_text(BytesPerSecond v) {
  static constexpr std::array<std::pair<double, const char*>, 5> kSteps{
      {{1e12, "TB/s"}, {1e9, "GB/s"}, {1e6, "MB/s"}, {1e3, "kB/s"}, {1.0, "B/s"}}};
  return scaled(v.value(), kSteps);
}

std::string to_text(Dollars v) { return fmt::format("{:.10g} USD", v.value()); }

}  // namespace weft::core

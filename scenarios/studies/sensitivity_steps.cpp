#include "scenarios/studies/sensitivity_steps.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/error.h"
#include "sim/core/units.h"

namespace weft::scenarios {
namespace {

constexpr double kSmStep = 4;   // the smallest that kernels of DeepEP and calibrations know

/// "400 Gbps" as 400 and "Gbps"; nothing when it is no quantity.
std::optional<std::pair<double, std::string>> split(const std::string& text) {
  const ParsedUnit u = parse_unit(text);
  if (!u.problem.empty()) return {};
  const std::size_t begin = text.find_first_not_of(" \t");
  double number = 0;
  const auto [end, error] = std::from_chars(text.data() + begin, text.data() + text.size(), number);
  if (error != std::errc()) return {};
  std::string unit(end, text.data() + text.size());
  unit.erase(0, unit.find_first_not_of(' '));
  return std::pair{number, unit};
}

/// Twelve digits: a text for people, and far closer than any step.
std::string number_text(double v) { return fmt::format("{:.12g}", v); }
double rounded(double v) { return std::stod(number_text(v)); }

std::vector<Json> of_quantity(const std::string& text, double factor) {
  const auto parts = split(text);
  if (!parts || parts->first == 0) return {};
  std::vector<Json> out = {number_text(parts->first * factor) + " " + parts->second};
  const ParsedUnit u = parse_unit(out.front().get<std::string>());
  if (u.what == ParsedUnit::What::bytes) {   // where only whole bytes will do
    const double whole = std::round(u.value);
    if (whole > 0 && whole != u.value) out.push_back(fmt::format("{:.0f} B", whole));
    out.push_back(number_text(parts->first * (factor < 1 ? 0.5 : 2)) + " " + parts->second);
  }
  return out;
}

/// Whole numbers below or above `n`, nearest to the step first: itself rounded, rounded to multiples of the powers of two that divide `n`
/// (nodes, scales of 128), half or twice, one off.
std::vector<double> whole(double n, const std::string& key, double factor) {
  const double sign = factor < 1 ? -1 : 1, wanted = n * factor;
  std::vector<double> out;
  const auto add = [&](double v) {
    const bool beyond = (v - n) * sign > 0;
    if (v >= 1 && beyond && v == std::floor(v) && std::find(out.begin(), out.end(), v) == out.end()) out.push_back(v);
  };
  add(std::round(wanted));
  for (double g = 2; g <= n / 2 && std::fmod(n, g) == 0; g *= 2) add(std::round(wanted / g) * g);
  add(sign < 0 ? n / 2 : n * 2);
  add(n + sign);
  std::stable_sort(out.begin(), out.end(), [&](double a, double b) { return std::abs(std::log(a / wanted)) < std::abs(std::log(b / wanted)); });
  const double sms = n + sign * kSmStep;
  if (key.ends_with("sms") && sms >= 1) out.insert(out.begin(), sms);
  return out;
}

std::vector<Json> of_number(double v, const std::string& key, double factor) {
  std::vector<Json> out = {rounded(v * factor)};
  if (factor > 1 && v > 0.5 && v < 1 && v * factor > 1) out.push_back(rounded((1 + v) / 2));   // a share stays below one
  if (v == std::floor(v) && v >= 1) {
    for (const double n : whole(v, key, factor)) out.push_back(n);
  }
  return out;
}

}  // namespace

double StepSize::factor(Side side) const {
  if (doubled) return side == Side::low ? 0.5 : 2;
  return side == Side::low ? 1 - by : 1 + by;
}

std::string StepSize::text() const { return doubled ? "half and twice" : fmt::format("{:g} %", 100 * by); }

double parse_part(const std::string& text) {
  double percent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  std::string rest(error == std::errc() ? end : text.data(), text.data() + text.size());
  rest.erase(0, rest.find_first_not_of(' '));
  if (error != std::errc() || rest != "%" || !(percent > 0 && percent < 100)) {
    throw UserError("--by", fmt::format("expected a part like \"20%\", above 0 % and below 100 %, got \"{}\"", text));
  }
  return percent / 100;
}

std::optional<double> magnitude(const Json& value) {
  if (value.is_boolean()) return {};
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return {};
  const ParsedUnit u = parse_unit(value.get<std::string>());
  return u.problem.empty() ? std::optional(u.value) : std::nullopt;
}

std::string value_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_number_float() ? number_text(value.get<double>()) : dump_json(value);
}

std::vector<Json> neighbours(const Json& value, const std::string& key, Side side, const StepSize& step) {
  const double factor = step.factor(side);
  if (value.is_string()) return of_quantity(value.get<std::string>(), factor);
  if (!value.is_number() || value.get<double>() <= 0) return {};
  if (!value.is_number_integer()) return of_number(value.get<double>(), key, factor);
  std::vector<Json> out;
  for (const double n : whole(value.get<double>(), key, factor)) out.push_back(static_cast<std::int64_t>(n));
  return out;
}

}  // namespace weft::scenarios

#include "sim/core/cell_text.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

namespace weft::core {

namespace {

/// "-1234567" -> "-1,234,567".
std::string with_separators(std::string_view digits) {
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > first && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string without_trailing_zeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace

std::string exact_text(const Cell& cell) {
  if (const auto* text = std::get_if<std::string>(&cell)) return *text;
  if (const auto* truth = std::get_if<bool>(&cell)) return *truth ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return fmt::format("{}", *whole);
  return fmt::format("{}", std::get<double>(cell));
}

std::string readable_text(double value) {
  constexpr int digits = 5;
  if (value == 0) return "0";
  const double size = std::abs(value);
  if (size < 1e-4 || size >= 1e15) return fmt::format("{:.3g}", value);
  // Decimals such that five digits count; whole numbers beyond that keep all of theirs.
  const int before_point = static_cast<int>(std::floor(std::log10(size))) + 1;
  const std::string text = fmt::format("{:.{}f}", value, std::max(0, digits - before_point));
  const std::size_t point = text.find('.');
  if (point == std::string::npos) return with_separators(text);
  return without_trailing_zeros(with_separators(text.substr(0, point)) + text.substr(point));
}

std::string significant_text(double value, int digits) {
  const double rounded = std::strtod(fmt::format("{:.{}g}", value, digits).c_str(), nullptr);
  if (rounded != 0 && (std::abs(rounded) < 1e-4 || std::abs(rounded) >= 1e15)) return fmt::format("{:.{}g}", rounded, digits);
  const int before_point = rounded == 0 ? 1 : static_cast<int>(std::floor(std::log10(std::abs(rounded)))) + 1;
  return without_trailing_zeros(fixed_text(rounded, std::max(0, digits - before_point)));
}

std::string fixed_text(double value, int decimals) {
  const std::string text = fmt::format("{:.{}f}", value, decimals);
  const std::size_t point = std::min(text.find('.'), text.size());
  return with_separators(text.substr(0, point)) + text.substr(point);
}

std::string readable_text(const Cell& cell) {
  if (const auto* truth = std::get_if<bool>(&cell)) return *truth ? "yes" : "no";
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return with_separators(fmt::format("{}", *whole));
  if (const auto* real = std::get_if<double>(&cell)) return readable_text(*real);
  return std::get<std::string>(cell);
}

bool is_number(const Cell& cell) {
  return std::holds_alternative<double>(cell) || std::holds_alternative<std::int64_t>(cell);
}

double number_of(const Cell& cell) {
  if (const auto* whole = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*whole);
  return std::get<double>(cell);
}

}  // namespace weft::core

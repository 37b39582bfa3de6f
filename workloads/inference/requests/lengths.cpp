#include "workloads/inference/requests/lengths.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include <nlohmann/json.hpp>

#include "models/normal.h"

namespace weft::workloads::inference {
namespace {

/// Of the logarithm, whose mean is then log(mean) - sigma^2 / 2.
double sigma_of(double cv) { return std::sqrt(std::log1p(cv * cv)); }

double normal_below(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

/// Mean of the smaller of a lognormal length and `max`.
double clipped_lognormal(double mean, double cv, double max) {
  const double sigma = sigma_of(cv);
  if (sigma == 0) return std::min(mean, max);
  const double z = (std::log(max / mean) + sigma * sigma / 2) / sigma;   // standard deviations from the median to max
  return mean * normal_below(z - sigma) + max * (1 - normal_below(z));
}

}  // namespace

double Lengths::draw(Draws& draws) const {
  switch (kind) {
    case Kind::constant: return scale * mean;
    case Kind::lognormal: {
      const double sigma = sigma_of(cv);
      return scale * mean * std::exp(sigma * models::normal(draws) - sigma * sigma / 2);
    }
    case Kind::exponential: return scale * mean * -std::log1p(-draws.unit());
    case Kind::uniform: return scale * (low + static_cast<double>(draws.below(static_cast<std::uint64_t>(high - low) + 1)));
    case Kind::table: break;
  }
  const auto at = std::upper_bound(up_to.begin(), up_to.end(), draws.unit());
  return scale * values[std::min(static_cast<std::size_t>(at - up_to.begin()), values.size() - 1)];
}

std::uint32_t Lengths::tokens(Draws& draws) const {
  return static_cast<std::uint32_t>(std::clamp(std::round(draw(draws)), 1.0, static_cast<double>(max)));
}

double Lengths::expected() const {
  const double most = static_cast<double>(max);
  switch (kind) {
    case Kind::constant: return std::min(scale * mean, most);
    case Kind::lognormal: return clipped_lognormal(scale * mean, cv, most);
    case Kind::exponential: return scale * mean * -std::expm1(-most / (scale * mean));
    case Kind::uniform: {   // those up to max, and the rest at max
      const double n = high - low + 1, under = std::clamp(std::floor(most / scale) - low + 1, 0.0, n);
      return (scale * under * (2 * low + under - 1) / 2 + most * (n - under)) / n;
    }
    case Kind::table: break;
  }
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += (up_to[i] - (i == 0 ? 0 : up_to[i - 1])) * std::min(scale * values[i], most);
  return sum;
}

namespace {

constexpr double kLongest = static_cast<double>(longest_length);

void read_table(JsonReader& r, Lengths& l, Json& resolved) {
  const JsonReader values = r.at("values"), weights = r.at("weights");
  std::vector<double> parts;
  if (r.has("values") && !values.is_array()) values.fail("expected a list of lengths");
  if (r.has("weights") && !weights.is_array()) weights.fail("expected a list of weights, one for each of the values");
  for (const JsonReader& v : values.items()) l.values.push_back(static_cast<double>(v.as_integer(1, longest_length)));
  for (const JsonReader& w : weights.items()) parts.push_back(w.as_number(0, 1e18));
  const double sum = std::accumulate(parts.begin(), parts.end(), 0.0);
  if (values.is_array() && l.values.empty()) values.fail("expected lengths, got an empty list");
  if (weights.is_array() && parts.size() != l.values.size())
    weights.fail("expected as many weights as values, " + std::to_string(l.values.size()) + ", got " + std::to_string(parts.size()));
  else if (weights.is_array() && !parts.empty() && sum <= 0) weights.fail("all weights are zero");
  double up_to = 0;
  for (const double p : parts) l.up_to.push_back((up_to += p) / sum);
  resolved["values"] = values.value();
  resolved["weights"] = weights.value();
}

void read_object(JsonReader& r, double mean, Lengths& l, Json& resolved) {
  static const std::vector<std::string> kinds = {"constant", "lognormal", "exponential", "uniform", "table"};
  const std::string word = r.one_of("distribution", kinds, "lognormal");
  l.kind = static_cast<Lengths::Kind>(std::max<std::ptrdiff_t>(0, std::find(kinds.begin(), kinds.end(), word) - kinds.begin()));
  resolved["distribution"] = word;
  if (l.kind == Lengths::Kind::uniform) {
    const std::int64_t low = r.integer("low", 1, longest_length);
    const std::int64_t high = r.integer("high", 1, longest_length);
    if (high < low && r.at("high").is_number()) r.fail_at("high", "expected at least `low`, " + std::to_string(low) + ", got " + std::to_string(high));
    l.low = static_cast<double>(low);
    l.high = static_cast<double>(std::max(low, high));
    resolved["low"] = low;
    resolved["high"] = high;
  } else if (l.kind == Lengths::Kind::table) {
    read_table(r, l, resolved);
  } else {
    resolved["mean"] = l.mean = r.number_or("mean", mean, 1, kLongest);
  }
  if (l.kind == Lengths::Kind::lognormal) {
    const bool by_sigma = r.has("sigma");
    if (by_sigma && r.has("cv")) r.fail_at("sigma", "`cv` says it already", "leave one of the two out");
    if (by_sigma) l.cv = std::sqrt(std::expm1(std::pow(r.number("sigma", 0, 5), 2)));
    else l.cv = r.number_or("cv", 1, 0, 1e5);
    resolved["cv"] = l.cv;
  }
  if (r.has("max")) resolved["max"] = l.max = static_cast<std::uint32_t>(r.integer("max", 1, longest_length));
}

}  // namespace

Lengths read_lengths(std::optional<JsonReader> where, double mean, Json& resolved) {
  Lengths l;
  l.mean = mean;
  resolved = Json::object();
  if (!where) {
    resolved = {{"distribution", "lognormal"}, {"mean", mean}, {"cv", l.cv}};
  } else if (where->is_number()) {
    l.kind = Lengths::Kind::constant;
    l.mean = static_cast<double>(where->as_integer(1, longest_length));
    resolved = {{"distribution", "constant"}, {"mean", l.mean}};
  } else if (where->expect_object("lengths, such as 4096 or {\"distribution\": \"lognormal\", \"mean\": 4383, \"cv\": 1}")) {
    read_object(*where, mean, l, resolved);
    where->done();
  }
  return l;
}

}  // namespace weft::workloads::inference

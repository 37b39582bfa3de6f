#include "models/calibration/readers/printed.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace weft::models {

std::optional<double> Pairs::number(std::string_view name) const {
  const auto at = values.find(name);
  return at == values.end() ? std::nullopt : number_in(at->second);
}

bool Pairs::has_word(std::string_view word) const { return std::find(words.begin(), words.end(), word) != words.end(); }

Pairs pairs_in(std::string_view text) {
  Pairs p;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view item = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty()) continue;
    if (const std::size_t equal = item.find('='); equal != std::string_view::npos) {
      p.values[std::string(trimmed(item.substr(0, equal)))] = trimmed(item.substr(equal + 1));
    } else {
      p.words.emplace_back(item);
    }
  }
  return p;
}

std::optional<std::string_view> between(std::string_view text, std::string_view begin, std::string_view end) {
  const std::size_t from = text.find(begin);
  if (from == std::string_view::npos) return std::nullopt;
  const std::size_t to = text.find(end, from + begin.size());
  if (to == std::string_view::npos) return std::nullopt;
  return text.substr(from + begin.size(), to - from - begin.size());
}

std::string_view digits_before(std::string_view text, std::string_view unit) {
  const std::size_t end = text.find(unit);
  if (end == std::string_view::npos) return {};
  std::size_t begin = end;
  while (begin > 0 && (std::isdigit(static_cast<unsigned char>(text[begin - 1])) || text[begin - 1] == '.' || text[begin - 1] == '-')) --begin;
  return text.substr(begin, end - begin);
}

std::optional<double> number_before(std::string_view text, std::string_view unit) { return number_in(digits_before(text, unit)); }

bool StatedFacts::take(std::string_view line, std::size_t number, LineProblems& problems) {
  constexpr std::string_view kBegin = "# weft:";
  line = trimmed(line);
  if (!line.starts_with(kBegin)) return false;
  facts_ = pairs_in(line.substr(kBegin.size()));
  for (const auto& [name, value] : facts_.values) {
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) {
      problems.add(number, fmt::format("\"{}\" says nothing that is asked here", name), unknown_name_hint(name, names_));
    } else if (name != "device" && !number_in(value)) {
      problems.add(number, fmt::format("{}: expected a number, got \"{}\"", name, value));
    }
  }
  for (const std::string& word : facts_.words) problems.add(number, fmt::format("\"{}\" is no name=value", word));
  return true;
}

std::string StatedFacts::word(const std::string& name) const {
  const auto at = facts_.values.find(name);
  return at == facts_.values.end() ? "" : at->second;
}

double step_of(std::string_view printed) {
  const std::size_t dot = printed.find('.');
  return dot == std::string_view::npos ? 1 : std::pow(10.0, -static_cast<double>(printed.size() - dot - 1));
}

std::optional<double> better_time_us(double time_us, double time_step_us, double operations, double tflops, double rate_step) {
  if (!(tflops > 0)) return time_us;
  const double by_rate = operations / tflops * 1e-6;
  const double time_loss = time_us > 0 ? time_step_us / 2 / time_us : 1, rate_loss = rate_step / 2 / tflops;
  if (std::abs(by_rate - time_us) > (0.03 + rate_loss) * by_rate + time_step_us / 2) return std::nullopt;
  return time_loss <= rate_loss ? time_us : by_rate;
}

std::string LeftOutRows::text() const {
  std::string all;
  for (const auto& [why, n] : count_) all += fmt::format("{}{} {}", all.empty() ? "" : "; ", n, why);
  return all;
}

void LeftOutRows::tell(std::vector<std::string>& notes) const {
  for (const auto& [why, n] : count_) notes.push_back(fmt::format("left out: {} {}", n, why));
}

}  // namespace weft::models

#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "workloads/inference/requests/lengths.h"
#include "workloads/inference/requests/trace_reader.h"

namespace weft::workloads::inference {
namespace {

/// Reads digits from the front of a text.
class Digits {
 public:
  explicit Digits(std::string_view text) : left_(text) {}
  bool empty() const { return left_.empty(); }

  /// Exactly so many digits.
  bool number(std::size_t digits, int& value) {
    if (left_.size() < digits) return false;
    const auto [end, error] = std::from_chars(left_.data(), left_.data() + digits, value);
    if (error != std::errc() || end != left_.data() + digits || left_[0] == '-') return false;
    left_.remove_prefix(digits);
    return true;
  }
  bool take(char c) {
    if (left_.empty() || left_[0] != c) return false;
    left_.remove_prefix(1);
    return true;
  }
  /// Up to nine digits after a point, as nanoseconds; further ones must be digits.
  std::int64_t fraction_ns() {
    std::int64_t ns = 0, unit = 100'000'000;
    while (!left_.empty() && left_[0] >= '0' && left_[0] <= '9') {
      ns += (left_[0] - '0') * unit;
      unit /= 10;
      left_.remove_prefix(1);
    }
    return ns;
  }

 private:
  std::string_view left_;
};

/// "2023-11-16 18:15:46.6805900", "2024-05-12T00:00:00+00:00", ... since 1970 in UTC; without a zone it is taken for UTC.
std::optional<std::int64_t> time_of(std::string_view text) {
  Digits d(text);
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!d.number(4, year) || !d.take('-') || !d.number(2, month) || !d.take('-') || !d.number(2, day) || !(d.take(' ') || d.take('T'))) return {};
  if (!d.number(2, hour) || !d.take(':') || !d.number(2, minute) || !d.take(':') || !d.number(2, second)) return {};
  const std::int64_t ns = d.take('.') ? d.fraction_ns() : 0;
  int zone = 0;
  if (!d.take('Z') && !d.empty()) {
    const int sign = d.take('-') ? -1 : d.take('+') ? 1 : 0;
    int hours = 0, minutes = 0;
    if (sign == 0 || !d.number(2, hours) || !d.take(':') || !d.number(2, minutes)) return {};
    zone = sign * (hours * 60 + minutes);
  }
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)), std::chrono::day(static_cast<unsigned>(day))};
  if (!d.empty() || !date.ok() || year < 1700 || year > 2250 || hour > 23 || minute > 59 || second > 60) return {};
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (((days * 24 + hour) * 60 + minute - zone) * 60 + second) * 1'000'000'000 + ns;
}

constexpr std::array<std::string_view, 3> kColumns = {"TIMESTAMP", "ContextTokens", "GeneratedTokens"};

/// The fields of a line; quotes around one are taken off. The traces have no commas within fields.
void split(std::string_view line, std::vector<std::string_view>& fields) {
  fields.clear();
  for (;;) {
    const std::size_t comma = line.find(',');
    std::string_view field = line.substr(0, comma);
    if (field.size() >= 2 && field.front() == '"' && field.back() == '"') field = field.substr(1, field.size() - 2);
    fields.push_back(field);
    if (comma == std::string_view::npos) return;
    line.remove_prefix(comma + 1);
  }
}

class Azure final : public TraceReader {
 public:
  Azure(const std::string& path, const std::string& name) : lines_(path, name) {
    std::string_view line;
    if (!lines_.next(line)) throw UserError({{name, "", "the trace is empty", "expected Azure's CSV"}});
    split(line, fields_);
    columns_ = fields_.size();
    for (std::size_t c = 0; c < kColumns.size(); ++c) {
      std::size_t at = 0;
      while (at < fields_.size() && fields_[at] != kColumns[c]) ++at;
      if (at == fields_.size()) lines_.fail(fmt::format("there is no column {}", kColumns[c]), "the first line of Azure's CSV is TIMESTAMP,ContextTokens,GeneratedTokens");
      where_[c] = at;
    }
  }

  bool next(TraceEntry& out) override {
    std::string_view line;
    if (!lines_.next(line)) return false;
    split(line, fields_);
    if (fields_.size() != columns_)
      lines_.fail(fmt::format("expected {} fields, got {}", columns_, fields_.size()), lines_.unfinished() ? "the file seems to be cut off" : "");
    const auto time = time_of(fields_[where_[0]]);
    if (!time) lines_.fail(fmt::format("expected TIMESTAMP such as 2023-11-16 18:15:46.6805900, got \"{}\"", fields_[where_[0]]));
    out.time_ns = *time;
    out.prompt = length(1);
    out.output = length(2);
    out.blocks.clear();
    return true;
  }

  const TraceLines& lines() const override { return lines_; }

 private:
  std::uint32_t length(std::size_t column) const {
    const std::string_view text = fields_[where_[column]];
    std::uint32_t tokens = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), tokens);
    if (error != std::errc() || end != text.data() + text.size() || tokens > longest_length)
      lines_.fail(fmt::format("expected {} as a number of tokens up to {}, got \"{}\"", kColumns[column], longest_length, text));
    return tokens;
  }

  TraceLines lines_;
  std::vector<std::string_view> fields_;
  std::size_t columns_ = 0;
  std::array<std::size_t, 3> where_{};
};

}  // namespace

std::unique_ptr<TraceReader> read_azure(const std::string& path, const std::string& name) { return std::make_unique<Azure>(path, name); }

}  // namespace weft::workloads::inference

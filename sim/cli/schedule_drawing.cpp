#include "sim/cli/schedule_drawing.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

namespace weft::cli {
namespace {

using workloads::training::Cell;
using workloads::training::CellKind;
using workloads::training::CellSpan;
using workloads::training::Pass;
using workloads::training::PipelineSchedule;
using workloads::training::PlayedSchedule;

/// Looks of a character: 0 idle, else 1 + 2 letter + second.
enum Letter { kForward, kBackward, kInput, kWeight, kLetters };
constexpr const char* kNames = "FBIW";
constexpr int kColours[kLetters][2] = {{215, 223}, {114, 157}, {75, 117}, {177, 183}};   // of the 256 ANSI colours: direction 0, the others

/// Direction 1, or another stage of the rank than its first.
bool second(const Pass& p, const PipelineSchedule& s) { return p.direction > 0 || p.stage >= s.ranks; }

Letter letter_of(CellKind kind) {
  switch (kind) {
    case CellKind::forward: return kForward;
    case CellKind::backward_input: return kInput;
    case CellKind::weight: return kWeight;
    default: return kBackward;
  }
}

char letter(Letter l, bool second) { return static_cast<char>(kNames[l] + (second ? 'a' - 'A' : 0)); }
char look(Letter l, bool second) { return static_cast<char>(1 + 2 * l + (second ? 1 : 0)); }

/// One row: what stands in it, and how each character looks.
struct Line {
  std::string text, looks;

  void put(std::size_t from, std::size_t to, const std::string& what, char as, bool colour) {
    for (std::size_t i = from; i < to; ++i) {
      text[i] = i - from < what.size() ? what[i - from] : colour ? ' ' : '-';
      looks[i] = as;
    }
  }

  std::string slice(std::size_t from, std::size_t to, bool colour) const {
    std::string out;
    for (std::size_t i = from; i < to;) {
      std::size_t end = i;
      while (end < to && looks[end] == looks[i]) ++end;
      const std::string run = text.substr(i, end - i);
      if (!colour || looks[i] == 0) out += run;
      else out += fmt::format("\033[38;5;16;48;5;{}m{}\033[0m", kColours[(looks[i] - 1) / 2][(looks[i] - 1) % 2], run);
      i = end;
    }
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
  }
};

class Drawing {
 public:
  Drawing(const PipelineSchedule& s, const PlayedSchedule& p, const DrawingOptions& o) : s_(s), p_(p), o_(o) {
    label_ = fmt::format("rank {} ", std::max(1u, s.ranks) - 1).size();
    choose_unit();
    const std::size_t room = o.width > label_ + 10 ? o.width - label_ : 10;
    cell_ = 1 + std::to_string(std::max(1u, s.per_direction()) - 1).size();
    if (columns() * (cell_ + 1) <= room) ++cell_;   // a blank between the cells where there is room
    a_line_ = std::max<std::size_t>(1, room / cell_);
  }

  std::string text() {
    std::vector<Line> lines;
    for (std::uint32_t r = 0; r < s_.ranks; ++r) lines.push_back(line_of(r));
    const std::size_t panels = (columns() + a_line_ - 1) / a_line_;
    constexpr std::size_t kFirst = 2, kShown = 3;   // of a long drawing: two lines of each rank from the start, one from the end
    std::string out;
    for (std::size_t i = 0; i < panels; ++i) {
      if (!o_.all && panels > kShown && i == kFirst) {
        const std::size_t skipped = panels - kShown;
        out += fmt::format("... from {:.6g} to {:.6g} left out (--all draws it, --from and --to choose)\n\n", time_of(i * a_line_), time_of((i + skipped) * a_line_));
        i += skipped;
      }
      out += panel(lines, i * a_line_, std::min(columns(), (i + 1) * a_line_));
      if (i + 1 < panels) out += "\n";
    }
    if (missing_) out += fmt::format("cells shorter than {:.6g} may be missing here\n", unit_ / 2);
    return out;
  }

 private:
  /// The shortest cell is a column, unless that would stretch the longest beyond 16.
  void choose_unit() {
    double least = std::numeric_limits<double>::infinity(), most = 0;
    for (const auto& spans : p_.cells) {
      for (const CellSpan& c : spans) {
        const double d = (c.finish - c.start).value();
        if (d > 0) least = std::min(least, d);
        most = std::max(most, d);
      }
    }
    unit_ = most > 0 ? std::max(least, most / 16) : 1;
    missing_ = least < unit_ / 2;
    first_ = column_of(std::min(o_.from, p_.makespan.value()));
    last_ = std::max(first_ + 1, column_of(std::min(o_.to, p_.makespan.value())));
  }

  std::size_t column_of(double time) const { return static_cast<std::size_t>(std::llround(time / unit_)); }
  double time_of(std::size_t column) const { return static_cast<double>(first_ + column) * unit_; }
  std::size_t columns() const { return last_ - first_; }

  Line line_of(std::uint32_t rank) const {
    Line line{std::string(columns() * cell_, ' '), std::string(columns() * cell_, '\0')};
    for (std::size_t i = 0; i < columns(); ++i) line.text[i * cell_] = '.';
    for (std::size_t i = 0; i < s_.cells[rank].size(); ++i) {
      const CellSpan& span = p_.cells[rank][i];
      const std::size_t from = std::max(first_, column_of(span.start.value())), to = std::min(last_, column_of(span.finish.value()));
      if (from < to) put(line, s_.cells[rank][i], (from - first_) * cell_, (to - first_) * cell_);
    }
    return line;
  }

  void put(Line& line, const Cell& c, std::size_t from, std::size_t to) const {
    const auto half = [&](Letter l, const Pass& p, std::size_t a, std::size_t b) {
      const bool other = second(p, s_);
      std::string text = letter(l, other) + std::to_string(p.micro_batch);
      if (cell_ > text.size() && !o_.colour && b == to && b - a == cell_) text.resize(cell_, ' ');   // a cell of one column needs no dash
      line.put(a, b, text, look(l, other), o_.colour);
    };
    if (c.kind != CellKind::overlapped) {
      half(letter_of(c.kind), c.kind == CellKind::forward ? c.forward : c.backward, from, to);
      return;
    }
    const std::size_t middle = from + (to - from) / 2;
    half(kForward, c.forward, from, middle);
    half(kBackward, c.backward, middle, to);
  }

  std::string panel(const std::vector<Line>& lines, std::size_t from, std::size_t to) const {
    std::string out = axis(from, to);
    for (std::size_t r = 0; r < lines.size(); ++r) {
      out += fmt::format("{:<{}}{}\n", fmt::format("rank {}", r), label_, lines[r].slice(from * cell_, to * cell_, o_.colour));
    }
    return out;
  }

  /// Times above the columns, far enough apart to be read.
  std::string axis(std::size_t from, std::size_t to) const {
    std::size_t every = 5;
    while (every * cell_ < 8) every *= 2;
    std::string out = fmt::format("{:<{}}", "time", label_);
    for (std::size_t c = from; c < to; c += every) {
      const std::string mark = fmt::format("{:.4g}", time_of(c));
      if (c + every < to || mark.size() <= (to - c) * cell_) out += fmt::format("{:<{}}", mark, every * cell_);
    }
    while (out.back() == ' ') out.pop_back();
    return out + "\n";
  }

  const PipelineSchedule& s_;
  const PlayedSchedule& p_;
  const DrawingOptions& o_;
  double unit_ = 1;
  bool missing_ = false;   // some cells are shorter than half a column
  std::size_t first_ = 0, last_ = 1;   // columns that are drawn
  std::size_t label_ = 0, cell_ = 2, a_line_ = 1;
};

}  // namespace

std::string drawing_of(const PipelineSchedule& schedule, const PlayedSchedule& played, const DrawingOptions& options) {
  return Drawing(schedule, played, options).text();
}

std::string drawing_legend(const PipelineSchedule& s, bool colour) {
  static const char* const kMeaning[] = {"forward", "backward", "backward of the inputs", "of the weights"};
  std::vector<bool> has(kLetters, false);
  for (const auto& cells : s.cells) {
    for (const Cell& c : cells) {
      has[letter_of(c.kind)] = true;
      if (c.has_forward()) has[kForward] = true;
    }
  }
  std::string out;
  for (int l = 0; l < kLetters; ++l) {
    if (!has[l]) continue;
    const std::string name = colour ? fmt::format("\033[38;5;16;48;5;{}m {} \033[0m", kColours[l][0], kNames[l]) : std::string(1, kNames[l]);
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, kMeaning[l]);
  }
  if (s.directions > 1) out += "; small letters: micro-batches that enter at the last rank";
  else if (s.stages > s.ranks) out += s.stages > 2 * s.ranks ? "; small letters: later stages of the rank" : "; small letters: the rank's second stage";
  return out + "; dots: bubble";
}

}  // namespace weft::cli

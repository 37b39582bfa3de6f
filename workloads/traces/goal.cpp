// GOAL, the group operation assembly language of LogGOPSim and ATLAHS, in its text form.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "sim/core/files.h"
#include "workloads/traces/goal_words.h"
#include "workloads/traces/rank_trace.h"

namespace weft::workloads {
namespace {

using Kind = RankOperation::Kind;

/// A dependency, whose names are looked up at the end of the rank.
struct Requirement {
  std::string waits, before;
  bool start = false;
  std::size_t line = 0;
};

class GoalReader {
 public:
  GoalReader(std::string_view text, const std::string& path) : path_(path), words_(text, path) {}

  RankTrace read(TraceNotes& notes) {
    words_.skip_ends();
    if (words_.done()) words_.fail("the file is empty", "GOAL begins with the line: num_ranks 2");
    if (!words_.take("num_ranks")) words_.fail("expected num_ranks, got " + words_.shown(), "GOAL begins with the line: num_ranks 2");
    const std::uint64_t ranks = words_.integer("a number of ranks", kMostNamedRanks);
    if (ranks == 0) words_.fail("a program has at least one rank", "");
    trace_.ranks.resize(ranks);
    seen_.resize(ranks, 0);
    for (words_.skip_ends(); !words_.done(); words_.skip_ends()) read_rank();
    if (nics_) notes.push_back("\"nic\" is not used: every GPU sends through its own NIC");
    return std::move(trace_);
  }

 private:
  void read_rank() {
    if (!words_.take("rank")) words_.fail("expected rank, got " + words_.shown(), "what a rank does stands in: rank 0 { ... }");
    const auto rank = static_cast<std::uint32_t>(words_.integer("a rank", trace_.ranks.size() - 1));
    if (seen_[rank] != 0) words_.fail(fmt::format("rank {} stands in line {} already", rank, seen_[rank]), "join the two");
    seen_[rank] = words_.line();
    if (!words_.take("{")) words_.fail("expected {, got " + words_.shown(), "rank 0 {");
    number_of_.clear();
    requirements_.clear();
    for (words_.skip_ends(); !words_.take("}"); words_.skip_ends()) {
      if (words_.done()) words_.fail(fmt::format("rank {} is never closed", rank), "add }");
      read_statement(rank);
      if (!words_.at_end_of_line())
        words_.fail("expected the end of the line, got " + words_.shown(), "one operation or dependency a line");
    }
    look_up(rank);
  }

  void read_statement(std::uint32_t rank) {
    std::string label;
    const std::size_t line = words_.line();
    if (!words_.at("calc") && !words_.at("send") && !words_.at("recv")) {
      label = words_.label();
      const bool start = words_.take("irequires");
      if (start || words_.take("requires")) {
        requirements_.push_back({label, words_.label(), start, line});
        return;
      }
      if (!words_.take(":")) words_.fail("expected :, requires or irequires, got " + words_.shown(), "l1: calc 100");
    }
    RankOperation op;
    op.place = fmt::format("{}:{}", path_, line);
    if (words_.take("calc"))
      read_calc(op);
    else if (words_.take("send"))
      read_message(op, Kind::send);
    else if (words_.take("recv"))
      read_message(op, Kind::receive);
    else
      words_.fail("expected calc, send or recv, got " + words_.shown(), "l1: calc 100");
    std::vector<RankOperation>& own = trace_.ranks[rank];
    op.name = label.empty() ? fmt::format("line{}", line) : label;
    if (++count_ > kMostNamedOperations) words_.fail(fmt::format("more than {} operations", kMostNamedOperations), "import a part of them");
    if (!label.empty() && !number_of_.try_emplace(label, static_cast<std::uint32_t>(own.size())).second) {
      words_.fail_at(line, fmt::format("the label {} is taken in this rank", label), "give each operation a label of its own");
    }
    own.push_back(std::move(op));
  }

  /// calc NANOSECONDS [cpu N]. Without a duration it only joins dependencies and takes no CPU.
  void read_calc(RankOperation& op) {
    op.duration = Seconds(static_cast<double>(words_.integer("a number of ns", 1'000'000'000'000'000'000ull)) * 1e-9);
    const std::uint64_t cpu = words_.take("cpu") ? words_.integer("a CPU", 255) : 0;
    if (op.duration.value() == 0) return;
    op.kind = Kind::compute;
    op.stream = fmt::format("cpu{}", cpu);
  }

  /// send 1024b to 1 [tag 5] [cpu 0] [nic 0]
  void read_message(RankOperation& op, Kind kind) {
    op.kind = kind;
    op.bytes = Bytes(static_cast<double>(words_.bytes(1'000'000'000'000'000'000ull)));
    const char* towards = kind == Kind::send ? "to" : "from";
    if (!words_.take(towards))
      words_.fail(fmt::format("expected {}, got {}", towards, words_.shown()),
                  kind == Kind::send ? "send 1024b to 1" : "recv 1024b from 1");
    refuse_any("rank");
    op.peer = static_cast<std::uint32_t>(words_.integer("a rank", trace_.ranks.size() - 1));
    if (words_.take("tag")) {
      refuse_any("tag");
      op.tag = static_cast<std::int64_t>(words_.integer("a tag", 0xffffffffull));
    }
    if (words_.take("cpu")) words_.integer("a CPU", 255);
    if (words_.take("nic")) nics_ = words_.integer("a NIC", 255) != 0 || nics_;
  }

  void refuse_any(const char* what) {
    if (words_.at("-1"))
      words_.fail(fmt::format("a message from any {} cannot be read: which one it is would depend on what arrives first", what),
                  fmt::format("write the {} that it had", what));
  }

  void look_up(std::uint32_t rank) {
    const auto number = [&](const std::string& label, std::size_t line) {
      const auto found = number_of_.find(label);
      if (found == number_of_.end()) {
        std::vector<std::string> known;
        for (const auto& entry : number_of_) known.push_back(entry.first);
        std::sort(known.begin(), known.end());
        words_.fail_at(line, fmt::format("rank {} has no label {}", rank, label), unknown_name_hint(label, known));
      }
      return found->second;
    };
    for (const Requirement& r : requirements_) {
      const std::uint32_t op = number(r.waits, r.line), before = number(r.before, r.line);
      if (op == before) words_.fail_at(r.line, fmt::format("{} waits for itself", r.waits), "take the line out");
      RankOperation& waiting = trace_.ranks[rank][op];
      (r.start ? waiting.after_start : waiting.after).push_back(before);
    }
  }

  std::string path_;
  GoalWords words_;
  RankTrace trace_;
  std::vector<std::size_t> seen_;                             ///< line of each rank, from 1
  std::unordered_map<std::string, std::uint32_t> number_of_;  ///< of the rank's labels
  std::vector<Requirement> requirements_;
  std::size_t count_ = 0;
  bool nics_ = false;
};

NamedProgram read_goal(const std::string& path, const TraceOptions& options, TraceNotes& notes) {
  const std::string text = read_file(path, std::size_t{1} << 30);
  const std::string name = path == "-" ? "standard input" : path;
  RankTrace trace = GoalReader(text, name).read(notes);
  try {
    return joined(std::move(trace), options);
  } catch (const UserError& e) {
    std::vector<Problem> problems = e.problems();
    for (Problem& p : problems) p.file = p.file.empty() ? name : p.file;
    throw UserError(std::move(problems));
  }
}

/// Whole numbers are what GOAL knows; counts those that were none.
class Rounding {
 public:
  std::uint64_t operator()(double v) {
    const double whole = std::round(v);
    changed_ += std::abs(whole - v) > 1e-6 * std::max(1.0, std::abs(v));
    return static_cast<std::uint64_t>(whole);
  }
  std::size_t changed() const { return changed_; }

 private:
  std::size_t changed_ = 0;
};

/// CPUs of a rank: one a stream; what runs on its own takes the others in turn.
class Cpus {
 public:
  explicit Cpus(const std::vector<RankOperation>& own) {
    for (const RankOperation& op : own) {
      if (op.kind == Kind::compute && !op.stream.empty()) of_stream_.try_emplace(op.stream, of_stream_.size());
    }
    if (of_stream_.size() > 255) throw UserError("", fmt::format("a rank has {} streams, GOAL knows 256 CPUs", of_stream_.size()), "");
    next_ = of_stream_.size();
  }
  std::size_t of(const RankOperation& op) {
    if (!op.stream.empty()) return of_stream_.at(op.stream);
    const std::size_t cpu = next_;
    next_ = next_ == 255 ? of_stream_.size() : next_ + 1;
    return cpu;
  }

 private:
  std::map<std::string, std::size_t> of_stream_;
  std::size_t next_ = 0;
};

std::vector<TraceFile> write_goal(const NamedProgram& program, TraceNotes& notes) {
  const RankTrace trace = rank_trace(program, notes);
  std::string text = fmt::format("num_ranks {}\n", trace.ranks.size());
  const auto out = std::back_inserter(text);
  Rounding whole;
  for (std::size_t r = 0; r < trace.ranks.size(); ++r) {
    fmt::format_to(out, "\nrank {} {{\n", r);
    Cpus cpus(trace.ranks[r]);
    for (std::size_t i = 0; i < trace.ranks[r].size(); ++i) {
      const RankOperation& op = trace.ranks[r][i];
      if (op.kind == Kind::send)
        fmt::format_to(out, "l{}: send {}b to {} tag {}\n", i, whole(op.bytes.value()), op.peer, op.tag);
      else if (op.kind == Kind::receive)
        fmt::format_to(out, "l{}: recv {}b from {} tag {}\n", i, whole(op.bytes.value()), op.peer, op.tag);
      else if (op.duration.value() > 0)
        fmt::format_to(out, "l{}: calc {} cpu {}\n", i, whole(op.duration.value() * 1e9), cpus.of(op));
      else
        fmt::format_to(out, "l{}: calc 0\n", i);
      std::vector<std::uint32_t> after = op.after;
      std::sort(after.begin(), after.end());
      after.erase(std::unique(after.begin(), after.end()), after.end());
      for (const std::uint32_t before : after) fmt::format_to(out, "l{} requires l{}\n", i, before);
    }
    fmt::format_to(out, "}}\n");
  }
  if (whole.changed() > 0) notes.push_back(fmt::format("{} times or sizes were rounded to whole ns or bytes", whole.changed()));
  return {{"", std::move(text)}};
}

}  // namespace

TraceFormat goal_format() {
  TraceFormat f;
  f.name = "goal";
  f.title = "GOAL, the text form of LogGOPSim and ATLAHS";
  f.files = "one file";
  f.read = read_goal;
  f.write = write_goal;
  return f;
}

}  // namespace weft::workloads

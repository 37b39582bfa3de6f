#include <optional>
#include <unordered_map>

#include <fmt/format.h>

#include "models/calibration/readers/lines.h"
#include "sim/core/files.h"
#include "workloads/text_program/line.h"
#include "workloads/text_program/text_program.h"

namespace weft::workloads {
namespace {

class TextReader {
 public:
  TextReader(std::string_view text, const std::string& path) : path_(path), lines_(text), problems_(path) {}

  NamedProgram read() {
    read_head();
    std::string_view line;
    while (next_line(line)) {
      try {
        read_line();
      } catch (const LineProblem& p) {
        problems_.add(lines_.number(), p.message, p.hint);
      }
    }
    problems_.throw_if_any();
    look_up();
    problems_.throw_if_any();
    const OperationOrder order = operation_order(waits_of(program_));
    if (order.loop.empty()) return std::move(program_);
    problems_.add(line_of_[order.loop.front()], "operations wait for each other in a loop: " + loop_text(program_, order.loop),
                  "take one of these dependencies out; a stream runs in the order of its lines");
    problems_.throw_if_any();
    return {};
  }

 private:
  /// The next line with words on it.
  bool next_line(std::string_view& line) {
    while (lines_.next(line)) {
      const std::string problem = split_words(line, words_);
      if (!problem.empty())
        problems_.add(lines_.number(), problem);
      else if (!words_.empty())
        return true;
    }
    return false;
  }

  void read_head() {
    std::string_view line;
    if (!next_line(line)) {
      problems_.throw_if_any();
      throw UserError({{path_, "", "the file is empty", "a program begins with the line: weft-program 1"}});
    }
    const bool first = words_[0].text == "weft-program" && !words_[0].colon;
    if (!first)
      throw UserError({{path_ + ":" + std::to_string(lines_.number()), "", "this is no program in text form",
                        "it begins with the line: weft-program 1"}});
    if (words_.size() != 2 || words_[1].text != "1") {
      throw UserError(
          {{path_ + ":" + std::to_string(lines_.number()), "", "expected weft-program 1", "this weft reads version 1 of the text form"}});
    }
    std::string_view second;
    try {
      if (!next_line(second)) throw LineProblem{"expected the ranks, but the file ends", "ranks 16 per-node 8"};
      LineWords words(words_);
      if (!words.take("ranks"))
        throw LineProblem{"expected the ranks, got " + words.rest(), "the second line says them: ranks 16 per-node 8"};
      program_.ranks = static_cast<std::uint32_t>(words.integer("a number of ranks", kMostNamedRanks));
      if (!words.take("per-node")) throw LineProblem{"expected per-node and how many GPUs a node has", "ranks 16 per-node 8"};
      program_.per_node = static_cast<std::uint32_t>(words.integer("GPUs of a node", 1024));
      if (program_.ranks == 0 || program_.per_node == 0)
        throw LineProblem{"a program has at least one rank, and a node at least one GPU", ""};
      if (!words.done()) throw LineProblem{"expected the end of the line, got " + words.rest(), ""};
    } catch (const LineProblem& p) {  // without ranks nothing else can be judged
      problems_.add(lines_.number(), p.message, p.hint);
      problems_.throw_if_any();
    }
  }

  void read_line() {
    if (!words_[0].colon) return read_kernel();
    const std::string name = words_[0].text;
    if (name.empty()) throw LineProblem{"an operation needs a name before the colon", ""};
    words_.erase(words_.begin());
    LineWords words(words_);
    ReadOperation read = read_operation(words, program_);
    read.op.name = name;
    legs_ += read.op.legs.size();
    if (program_.operations.size() == kMostNamedOperations || legs_ > kMostNamedLegs) {
      throw UserError({{path_, "", fmt::format("the program has more than {} operations or {} legs", kMostNamedOperations, kMostNamedLegs),
                        "split it"}});
    }
    const auto number = static_cast<std::uint32_t>(program_.operations.size());
    const auto [at, fresh] = number_of_.try_emplace(name, number);
    if (!fresh)
      throw LineProblem{fmt::format("the name \"{}\" is taken by line {}", name, line_of_[at->second]),
                        "give each operation a name of its own"};
    program_.operations.push_back(std::move(read.op));
    line_of_.push_back(lines_.number());
    after_.push_back(std::move(read.after));
    kernel_.push_back(std::move(read.kernel));
  }

  void read_kernel() {
    LineWords words(words_);
    if (!words.take("kernel")) {
      throw LineProblem{"expected an operation (name: compute, transfer or marker ...) or a kernel, got " + words.rest(),
                        "behind the name of an operation stands a colon"};
    }
    CommKernel k;
    k.name = words.name("the name of a kernel");
    while (!words.done()) {
      if (words.take("nic-share")) {
        if (k.nic_share) throw LineProblem{"nic-share is said twice", "leave one out"};
        k.nic_share = words.number("a part of the NIC's rate", 1e-3, 1);
        continue;
      }
      std::optional<BytesPerSecond>* rate = words.take("nic") ? &k.nic_rate : words.take("nvlink") ? &k.nvlink_rate : nullptr;
      if (rate == nullptr)
        throw LineProblem{"expected nic or nvlink and a rate, or nic-share, got " + words.rest(), "kernel a2a nic 44 GB/s nvlink 125 GB/s"};
      if (*rate) throw LineProblem{"a rate is said twice", "leave one out"};
      *rate = words.rate();
    }
    if (!kernel_of_.try_emplace(k.name, KernelId(static_cast<std::uint32_t>(program_.kernels.size()))).second) {
      throw LineProblem{fmt::format("there is a kernel \"{}\" already", k.name), "give each a name of its own"};
    }
    program_.kernels.push_back(std::move(k));
  }

  void look_up() {
    for (std::uint32_t i = 0; i < program_.operations.size(); ++i) {
      NamedOperation& op = program_.operations[i];
      if (!kernel_[i].empty()) {
        const auto k = kernel_of_.find(kernel_[i]);
        if (k == kernel_of_.end())
          problems_.add(line_of_[i], fmt::format("there is no kernel \"{}\"", kernel_[i]), kernel_hint(kernel_[i]));
        else
          op.options.kernel = k->second;
      }
      for (const std::string& name : after_[i]) {
        const auto before = number_of_.find(name);
        if (before == number_of_.end())
          problems_.add(line_of_[i], fmt::format("there is no operation \"{}\"", name), name_hint(name));
        else if (before->second == i)
          problems_.add(line_of_[i], fmt::format("\"{}\" waits for itself", name), "leave it out");
        else
          op.after.push_back(before->second);
      }
    }
  }

  std::string kernel_hint(const std::string& name) const {
    std::vector<std::string> known;
    for (const CommKernel& k : program_.kernels) known.push_back(k.name);
    return unknown_name_hint(name, known) + "; a kernel is a line: kernel NAME nic 44 GB/s";
  }

  std::string name_hint(const std::string& name) const {
    constexpr std::size_t compared = 100000;
    std::vector<std::string> known;
    for (std::size_t i = 0; i < program_.operations.size() && i < compared; ++i) known.push_back(program_.operations[i].name);
    return unknown_name_hint(name, known);
  }

  std::string path_;
  models::Lines lines_;
  models::LineProblems problems_;
  std::vector<Word> words_;
  NamedProgram program_;
  std::vector<std::size_t> line_of_;
  std::vector<std::vector<std::string>> after_;
  std::vector<std::string> kernel_;
  std::unordered_map<std::string, std::uint32_t> number_of_;
  std::unordered_map<std::string, KernelId> kernel_of_;
  std::size_t legs_ = 0;
};

}  // namespace

NamedProgram read_text_program(std::string_view text, const std::string& path) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  return TextReader(text, path).read();
}

NamedProgram read_text_program_file(const std::string& path) {
  return read_text_program(read_file(path, std::size_t{1} << 30), path == "-" ? "standard input" : path);
}

}  // namespace weft::workloads

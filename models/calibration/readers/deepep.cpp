// What DeepEP's tests print: "[tuning] Best dispatch (FP8): SMs 24, ...: 229 + 1391 us, ..." and "[rank 0] Dispatch bandwidth: ..., avg_t=... us | ...".
#include <numeric>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "models/calibration/readers/printed.h"

namespace weft::models {
namespace {

constexpr const char* kExpected =
    "expected \"[tuning] Best dispatch (FP8): SMs 24, NVL chunk 40, RDMA chunk 16: 229 + 1391 us, 43.36 GB/s (RDMA), 141.61 GB/s (NVL)\", "
    "\"[tuning] Best dispatch (FP8): SMs 24, NVL chunk 30, 352.43 GB/s (NVL), t: 453.49 us\" or "
    "\"[rank 0] Dispatch bandwidth: 98.01 GB/s, avg_t=77.40 us | Combine bandwidth: 127.20 GB/s, avg_t=114.10 us\"";

bool is_best(std::string_view line) { return line.find("[tuning] Best dispatch") != std::string_view::npos || line.find("[tuning] Best combine") != std::string_view::npos; }
bool is_low_latency(std::string_view line) { return line.find("] Dispatch bandwidth: ") != std::string_view::npos; }
bool is_hook(std::string_view line) { return line.find("] Dispatch send/recv time: ") != std::string_view::npos; }

bool recognises(const MeasurementText& file) {
  Lines lines(beginning(file, 1 << 20));
  for (std::string_view line; lines.next(line);) {
    if (is_best(line) || is_low_latency(line) || is_hook(line)) return true;
  }
  return false;
}

class DeepEpText {
 public:
  explicit DeepEpText(const MeasurementText& file) : file_(file), problems_(file.path), facts_({"device", "nodes", "tokens", "hidden", "topk", "experts"}) {}

  Measurements read() {
    Lines lines(file_.text);
    for (std::string_view line; lines.next(line);) {
      number_ = lines.number();
      if (facts_.take(line, number_, problems_)) continue;
      if (const std::size_t at = line.find("[config] "); at != std::string_view::npos) config_ = pairs_in(line.substr(at + 9));
      if (is_hook(line)) left_out_.add("lines of the hook mode (send and receive apart, the transfer itself not timed)");
      if (is_best(line)) best(line);
      if (is_low_latency(line)) low_latency(line);
    }
    end_run();
    problems_.throw_if_any();
    if (out_.rows.empty()) throw UserError({{file_.path, "", left_out_.empty() ? "there is no result of DeepEP's tests" : "nothing here is in a family: " + left_out_.text(), kExpected}});
    left_out_.tell(out_.notes);
    return std::move(out_);
  }

 private:
  /// What the test printed, else what the user stated; adds to `missing` when neither says it.
  void put(std::map<std::string, double>& shape, const char* field, const char* printed, std::string& missing) const {
    auto value = facts_.number(field);
    if (printed != nullptr && config_.number(printed)) value = config_.number(printed);
    if (value) shape[field] = *value;
    else missing += fmt::format("{}{}", missing.empty() ? "" : ", ", field);
  }

  bool complain(const std::string& missing, std::size_t number) {
    if (missing.empty()) return false;
    if (told_missing_.insert(missing).second) {
      problems_.add(number, fmt::format("the output does not say {}", missing), "add a line above it, such as: # weft: device=NVIDIA H800, nodes=2, tokens=4096, hidden=7168, topk=8, experts=256");
    }
    return true;
  }

  void best(std::string_view line) {
    const bool dispatch = line.find("Best dispatch") != std::string_view::npos;
    if (dispatch && line.find("(BF16)") != std::string_view::npos) return left_out_.add("dispatches in BF16 (the family is of FP8)");
    const bool network = line.find("(RDMA)") != std::string_view::npos;
    const auto sms = between(line, "SMs ", ",");
    const std::vector<double> times_us = times_of(line);
    if (!sms || !number_in(*sms)) return problems_.add(number_, "a result of another version", kExpected);
    if (times_us.empty()) {
      if (line.find(" us") != std::string_view::npos) return problems_.add(number_, "a result of another version", kExpected);
      return left_out_.add("results without a time (the first version prints rates alone)");
    }
    std::map<std::string, double> shape{{"sms", *number_in(*sms)}};
    std::string missing;
    if (network) put(shape, "nodes", nullptr, missing);
    else shape["nodes"] = 1;
    put(shape, "hidden", "hidden", missing);
    put(shape, "tokens", "num_tokens", missing);
    put(shape, "topk", "num_topk", missing);
    put(shape, "experts", "num_experts", missing);
    if (complain(missing, number_)) return;
    if (!are_times(times_us)) return;
    const double time_us = std::accumulate(times_us.begin(), times_us.end(), 0.0);
    out_.rows.push_back({dispatch ? "deepep_dispatch" : "deepep_combine", "normal", shape, time_us, facts_.word("device"), {}, line_place(file_.path, number_)});
  }

  /// Each figure of the line has to be a time: two that are none may well add up to one.
  bool are_times(const std::vector<double>& times_us) {
    for (const double t : times_us) {
      if (const std::string bad = time_problem(t); !bad.empty()) {
        problems_.add(number_, bad, "a measured time is positive and finite; take the line out");
        return false;
      }
    }
    return true;
  }

  /// What adds up to the time: "229 + 1391 us" (waiting and sending), "transmit: 1391 us, notify: 229 us" or "t: 453.49 us". Empty without one.
  static std::vector<double> times_of(std::string_view line) {
    const auto transmit = between(line, "transmit: ", " us"), notify = between(line, "notify: ", " us");
    if (transmit && notify && number_in(*transmit) && number_in(*notify)) return {*number_in(*transmit), *number_in(*notify)};
    const auto last = number_before(line, " us");
    if (!last) return {};
    const std::string_view before = line.substr(0, line.find(" us") - digits_before(line, " us").size());
    if (!before.ends_with(" + ")) return {*last};
    const auto first = number_before(before, " + ");
    return first ? std::vector<double>{*first, *last} : std::vector<double>{};
  }

  /// One line a rank; the mean over the ranks of a run is its time.
  void low_latency(std::string_view line) {
    const auto rank = between(line, "[rank ", "]");
    const std::size_t bar = line.find('|');
    const auto time = [](std::string_view text) {
      const auto t = between(text, "avg_t=", " us");
      return t ? number_in(*t) : std::nullopt;
    };
    if (!rank || bar == std::string_view::npos || !time(line.substr(0, bar)) || !time(line.substr(bar))) return problems_.add(number_, "a result of another version", kExpected);
    const double dispatch_us = *time(line.substr(0, bar)), combine_us = *time(line.substr(bar));
    if (!are_times({dispatch_us, combine_us})) return;
    if (!ranks_.insert(std::string(trimmed(*rank))).second) {
      end_run();
      ranks_.insert(std::string(trimmed(*rank)));
    }
    run_line_ = number_;
    dispatch_us_ += dispatch_us;
    combine_us_ += combine_us;
  }

  void end_run() {
    if (ranks_.empty()) return;
    const auto count = static_cast<double>(ranks_.size());
    std::map<std::string, double> shape;
    std::string missing;
    for (const char* field : {"nodes", "hidden", "tokens", "topk", "experts"}) put(shape, field, nullptr, missing);
    if (!complain(missing, run_line_)) {
      for (const auto& [family, sum] : {std::pair{"deepep_ll_dispatch", dispatch_us_}, {"deepep_ll_combine", combine_us_}}) {
        out_.rows.push_back({family, "low_latency", shape, sum / count, facts_.word("device"), fmt::format("mean of {} ranks", count), line_place(file_.path, run_line_)});
      }
    }
    ranks_.clear();
    dispatch_us_ = combine_us_ = 0;
  }

  const MeasurementText& file_;
  LineProblems problems_;
  StatedFacts facts_;
  LeftOutRows left_out_;
  Measurements out_;
  Pairs config_;
  std::set<std::string> ranks_, told_missing_;
  double dispatch_us_ = 0, combine_us_ = 0;
  std::size_t number_ = 0, run_line_ = 0;
};

Measurements read(const MeasurementText& file, const DataPlaces&) { return DeepEpText(file).read(); }

}  // namespace

Reader deepep_reader() { return {"deepep", "what DeepEP's tests print (\"[tuning] Best dispatch ...\", \"[rank 0] Dispatch bandwidth: ...\")", recognises, read}; }

}  // namespace weft::models

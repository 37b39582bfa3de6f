#include "scenarios/studies/sensitivity.h"

#include <algorithm>
#include <cmath>

#include <fnmatch.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/parallel.h"
#include "scenarios/resolve.h"
#include "scenarios/studies/sensitivity_answer.h"
#include "scenarios/studies/sensitivity_inputs.h"
#include "scenarios/studies/sensitivity_tables.h"

namespace weft::scenarios {
namespace {

constexpr double kSame = 1e-9;           // of an answer: a default said aloud changes nothing
constexpr double kRoundedDefault = 1e-3; // of an answer: a default that is shown rounded

/// One input, or several that move by the same factor.
struct Move {
  std::vector<Input> inputs;
  double reference = 0;

  bool of_gpu() const {
    return std::any_of(inputs.begin(), inputs.end(), [](const Input& i) { return i.of_gpu; });
  }
  std::vector<std::pair<const Input*, Json>> at_base() const {
    std::vector<std::pair<const Input*, Json>> out;
    for (const Input& i : inputs) out.emplace_back(&i, *i.value);
    return out;
  }
};

std::string reason_of(const std::exception& e) {
  const auto* user = dynamic_cast<const UserError*>(&e);
  return user != nullptr ? user->problems().front().message : e.what();
}

/// The whole number that a default is shown as: 4.0 where a reader wants 4.
bool make_whole(Input& i) {
  if (!i.value->is_number_float()) return false;
  const double v = i.value->get<double>();
  if (v != std::floor(v) || std::abs(v) > 1e15) return false;
  i.value = std::make_shared<const Json>(static_cast<std::int64_t>(v));
  return true;
}

bool fits(const Input& i, const std::string& pattern) {
  const auto match = [&](const std::string& text) {
    return text == pattern || ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
  };
  return match(i.name) || std::any_of(i.places.begin(), i.places.end(), [&](const InputPlace& p) { return match(p.pointer); });
}

std::string hint_of(const std::vector<Input>& inputs, const std::string& pattern) {
  std::vector<std::string> known;
  for (const Input& i : inputs) {
    known.push_back(i.name);
    for (const InputPlace& p : i.places) known.push_back(p.pointer);
  }
  const std::string near = nearest_name(pattern, known);
  return (near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near)) + "weft sensitivity SCENARIO --list names them";
}

class Study {
 public:
  Study(const Scenario& scenario, const DataPlaces& data, const SensitivityOptions& options)
      : scenario_(scenario), data_(data), options_(options), run_(options.run) {
    run_.jobs = 1;
    run_.progress = nullptr;
    run_.trace = nullptr;
    if (!run_.kernel_times) run_.kernel_times = std::make_shared<const KernelTimes>(data_, run_.kernels);
    answer_ = choose_answer(scenario_, data_, run_, options_.of);
    found_ = find_inputs(*answer_.document, answer_.base, data_);
    carry_calibrations();
    drop_what_cannot_be_said();
    choose_moves();
  }

  Sensitivity study() {
    find_references();
    std::vector<MovedInput> moved = named();
    run_parallel(moved.size() * 2, threads(), options_.progress, [&](std::size_t i) {
      MovedInput& m = moved[i / 2];
      const Side side = i % 2 == 0 ? Side::low : Side::high;
      try_values(moves_[i / 2], side, side == Side::low ? m.low : m.high, [&](const Json& document, bool gpu) { return answer_of(document, gpu); });
    });
    rank(moved, options_.step);
    Sensitivity out;
    out.sentence = sentence_of(answer_, moved);
    out.listing = tables_of(answer_, moved, found_.still, options_.step, out.sentence);
    if (answer_.chosen) notes_.insert(notes_.begin(), fmt::format("looked at: {} (--of names another cell)", answer_.of));
    out.listing.notes.insert(out.listing.notes.begin(), notes_.begin(), notes_.end());
    return out;
  }

  reports::Listing list() {
    std::vector<MovedInput> moved = named();
    run_parallel(moved.size() * 2, threads(), options_.progress, [&](std::size_t i) {
      MovedInput& m = moved[i / 2];
      const Side side = i % 2 == 0 ? Side::low : Side::high;
      try_values(moves_[i / 2], side, side == Side::low ? m.low : m.high, [&](const Json& document, bool gpu) { return check(document, gpu), 0.0; });
    });
    reports::Listing out;
    out.tables = {input_table(moved), still_table(found_.still)};
    out.notes = notes_;
    if (answer_.chosen) out.notes.insert(out.notes.begin(), fmt::format("looked at: {} (--of names another cell)", answer_.of));
    return out;
  }

 private:
  unsigned threads() const { return threads_of(options_.run.jobs); }
  Scenario scenario_of_document(const Json& document) const { return scenario_of(document, scenario_.file, {}); }
  const RunOptions& options_for(bool gpu) const { return gpu ? gpu_run_ : run_; }
  double answer_of(const Json& document, bool gpu) const { return answer_in(run_scenario(scenario_of_document(document), data_, options_for(gpu)), answer_); }
  void check(const Json& document, bool gpu) const {
    resolve(scenario_of_document(document), data_, run_.seed, options_for(gpu).kernel_times.get());
  }

  /// A changed GPU is another GPU, whose kernel times are those of the first one's calibrations, as parts of its peaks.
  void carry_calibrations() {
    gpu_run_ = run_;
    gpu_run_.kernels.force = true;
    for (const std::string& name : data_.names("models/calibrations")) {
      if (found_.gpus.contains(read_calibration_at(name, data_, "models/calibrations").gpu)) gpu_run_.kernels.calibrations.push_back(name);
    }
    gpu_run_.kernel_times = std::make_shared<const KernelTimes>(data_, gpu_run_.kernels);
  }

  /// Keys that a resolved scenario shows and no scenario takes, such as what follows from others.
  void drop_what_cannot_be_said() {
    std::vector<std::string> why(found_.inputs.size());
    run_parallel(found_.inputs.size(), threads(), {}, [&](std::size_t i) {
      Input& input = found_.inputs[i];
      const auto problem = [&]() -> std::string {
        try {
          check(moved(*answer_.document, {{&input, *input.value}}, scenario_.file), input.of_gpu);
          return "";
        } catch (const UserError& e) {
          return reason_of(e);
        }
      };
      why[i] = problem();
      if (!why[i].empty() && make_whole(input)) why[i] = problem();
    });
    std::vector<Input> kept;
    for (std::size_t i = 0; i < why.size(); ++i) {
      Input& input = found_.inputs[i];
      if (why[i].empty()) kept.push_back(std::move(input));
      else if (!why[i].starts_with("unknown key")) found_.still.push_back({input.name, value_text(*input.value), input.origin, input.source, why[i]});
    }
    found_.inputs = std::move(kept);
  }

  void choose_moves() {
    std::vector<bool> taken(found_.inputs.size(), false);
    for (const std::string& group : options_.together) {
      Move m;
      for (std::size_t begin = 0; begin <= group.size();) {
        const std::size_t end = std::min(group.find(",/", begin), group.size());
        const std::string pointer = group.substr(begin, end - begin);
        add_to(m, pointer, taken);
        begin = end + 1;
      }
      moves_.push_back(std::move(m));
    }
    std::vector<bool> wanted(found_.inputs.size(), false);
    for (const std::string& pattern : options_.inputs) {
      bool any = false;
      for (std::size_t i = 0; i < found_.inputs.size(); ++i) {
        if (fits(found_.inputs[i], pattern)) any = wanted[i] = true;
      }
      if (!any) throw UserError("--inputs", fmt::format("no input is called \"{}\"", pattern), hint_of(found_.inputs, pattern));
    }
    for (std::size_t i = 0; i < found_.inputs.size(); ++i) {
      const Input& input = found_.inputs[i];
      const bool all = options_.inputs.empty() && !input.on_request;
      if ((all || wanted[i]) && !taken[i]) moves_.push_back({{input}, 0});
    }
    std::size_t left = 0;
    for (const Input& i : found_.inputs) left += i.on_request;
    if (left > 0 && options_.inputs.empty()) notes_.push_back(fmt::format("{} numbers of the language model are left alone: they are what is computed; --inputs '*/model/*' moves them", left));
  }

  void add_to(Move& m, const std::string& pointer, std::vector<bool>& taken) {
    bool any = false;
    for (std::size_t i = 0; i < found_.inputs.size(); ++i) {
      if (!fits(found_.inputs[i], pointer)) continue;
      any = true;
      if (!taken[i]) m.inputs.push_back(found_.inputs[i]);
      taken[i] = true;
    }
    if (!any) throw UserError("--together", fmt::format("no input is called \"{}\"", pointer), hint_of(found_.inputs, pointer));
  }

  /// What changes are changes of. To say a default aloud must change nothing; of a GPU the answer with its calibrations carried over counts.
  void find_references() {
    std::vector<std::pair<const Input*, Json>> restated;
    bool gpu = false;
    for (Move& m : moves_) {
      m.reference = answer_.value;
      if (m.of_gpu()) gpu = true;
      else for (const Input& i : m.inputs) if (i.restated) restated.emplace_back(&i, *i.value);
    }
    if (gpu) find_gpu_reference();
    if (restated.empty() || same_answer(restated)) return;
    std::vector<Move> kept;
    for (Move& m : moves_) {
      const bool any = std::any_of(m.inputs.begin(), m.inputs.end(), [](const Input& i) { return i.restated; });
      if (m.of_gpu() || !any || restates(m)) kept.push_back(std::move(m));
    }
    moves_ = std::move(kept);
  }

  bool same_answer(const std::vector<std::pair<const Input*, Json>>& values) const {
    try {
      return std::abs(answer_of(moved(*answer_.document, values, scenario_.file), false) - answer_.value) <= kSame * std::abs(answer_.value);
    } catch (const std::exception&) {
      return false;
    }
  }

  /// False: saying it changes the answer, so that moving it would say nothing.
  bool restates(Move& m) {
    std::string why;
    try {
      const double now = answer_of(moved(*answer_.document, m.at_base(), scenario_.file), false);
      if (std::abs(now - answer_.value) <= kRoundedDefault * std::abs(answer_.value)) {
        m.reference = now;
        return true;
      }
      why = fmt::format("its default means more than this value: said aloud, the answer is {:.6g}", now);
    } catch (const std::exception& e) {
      why = reason_of(e);
    }
    for (const Input& i : m.inputs) found_.still.push_back({i.name, value_text(*i.value), i.origin, i.source, why});
    return false;
  }

  void find_gpu_reference() {
    std::vector<std::pair<const Input*, Json>> values;
    for (const Move& m : moves_) {
      if (m.of_gpu() && values.empty()) values = m.at_base();
    }
    double now = answer_.value;
    try {
      now = answer_of(moved(*answer_.document, values, scenario_.file), true);
    } catch (const std::exception& e) {
      for (const Move& m : moves_) {
        if (!m.of_gpu()) continue;
        for (const Input& i : m.inputs) found_.still.push_back({i.name, value_text(*i.value), i.origin, i.source, reason_of(e)});
      }
      std::erase_if(moves_, [](const Move& m) { return m.of_gpu(); });
      return;
    }
    for (Move& m : moves_) {
      if (m.of_gpu()) m.reference = now;
    }
    notes_.push_back("a changed GPU keeps the kernel times of its calibrations as parts of its peaks (as --force does): what scales with a peak is a guess" +
                     (std::abs(now - answer_.value) > kSame * std::abs(answer_.value)
                          ? fmt::format("; its changes are from {:.6g}, which is the answer so computed for the GPU as it is", now)
                          : std::string()));
  }

  std::vector<MovedInput> named() const {
    std::vector<MovedInput> out;
    for (const Move& m : moves_) {
      MovedInput n;
      n.reference = m.reference;
      for (const Input& i : m.inputs) {
        const char* gap = n.name.empty() ? "" : " + ";
        n.name += gap + i.name;
        n.value += gap + value_text(*i.value);
        n.pointers += (n.pointers.empty() ? "" : ",") + i.pointers();
        if (n.origin.empty() || i.origin == "assumed") n.origin = i.origin;   // a group is as doubtful as its most doubtful member
        if (n.source.find(i.source) == std::string::npos) n.source += (n.source.empty() ? "" : "; ") + i.source;
      }
      out.push_back(std::move(n));
    }
    return out;
  }

  /// Takes the first value that holds; why the wanted one does not is noted.
  template <class Ask>
  void try_values(const Move& m, Side side, SideResult& out, const Ask& ask) const {
    std::vector<std::vector<Json>> lists;
    std::size_t longest = 0;
    for (const Input& i : m.inputs) {
      lists.push_back(neighbours(*i.value, i.key, side, options_.step));
      longest = std::max(longest, lists.back().size());
    }
    for (std::size_t k = 0; k < longest; ++k) {
      std::vector<std::pair<const Input*, Json>> values;
      std::string text;
      for (std::size_t i = 0; i < m.inputs.size(); ++i) {
        if (lists[i].empty()) continue;
        values.emplace_back(&m.inputs[i], lists[i][std::min(k, lists[i].size() - 1)]);
        text += (text.empty() ? "" : " + ") + value_text(values.back().second);
      }
      try {
        out.answer = ask(moved(*answer_.document, values, scenario_.file), m.of_gpu());
        out.value = text;
        out.ratio = *magnitude(values.front().second) / *magnitude(*values.front().first->value);
        return;
      } catch (const std::exception& e) {
        if (out.note.empty()) out.note = fmt::format("{}: {}", text, reason_of(e));
        if (out.value.empty()) out.value = text;
      }
    }
    if (longest == 0) out.note = "there is no value on this side";
  }

  const Scenario& scenario_;
  const DataPlaces& data_;
  const SensitivityOptions& options_;
  RunOptions run_, gpu_run_;
  Answer answer_;
  FoundInputs found_;
  std::vector<Move> moves_;
  std::vector<std::string> notes_;
};

}  // namespace

Sensitivity sensitivity(const Scenario& scenario, const DataPlaces& data, const SensitivityOptions& options) { return Study(scenario, data, options).study(); }

reports::Listing sensitivity_inputs(const Scenario& scenario, const DataPlaces& data, const SensitivityOptions& options) {
  return Study(scenario, data, options).list();
}

}  // namespace weft::scenarios

#include "scenarios/studies/sensitivity_tables.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace weft::scenarios {
namespace {

constexpr double kRounding_pct = 1e-7;     // runs that differ by less are the same
constexpr double kMatters_pct = 1;         // an assumption that moves the answer by more is listed
constexpr double kAsAsked = 0.3;           // of the logarithm of a step: 32 to 35 is ten percent rounded, 8 to 16 is not
constexpr std::size_t kNamed = 12;         // names in a note
constexpr std::size_t kHalfBar = 14;

/// d ln(answer) / d ln(input) between two points; nothing where a logarithm has no meaning.
std::optional<double> elasticity(double answer, double other, double ratio, double base_ratio = 1) {
  if (!(answer > 0 && other > 0) || ratio == base_ratio) return {};
  return std::log(other / answer) / std::log(ratio / base_ratio);
}

std::string noted(const MovedInput& m) {
  std::vector<std::string> notes;
  if (!m.low.note.empty()) notes.push_back("low: " + m.low.note);
  if (!m.high.note.empty()) notes.push_back("high: " + m.high.note);
  return fmt::format("{}", fmt::join(notes, "; "));
}

Row row_of(const MovedInput& m, std::int64_t number) {
  Row r;
  r.set("rank", number).set("input", m.name).set("base", m.value);
  if (!m.low.value.empty()) r.set("low", m.low.value);
  if (!m.high.value.empty()) r.set("high", m.high.value);
  if (m.low.answer) r.set("answer_low", *m.low.answer).set("change_low_pct", m.change_pct(m.low));
  if (m.high.answer) r.set("answer_high", *m.high.answer).set("change_high_pct", m.change_pct(m.high));
  const auto down = m.low.answer ? elasticity(m.reference, *m.low.answer, m.low.ratio) : std::nullopt;
  const auto up = m.high.answer ? elasticity(m.reference, *m.high.answer, m.high.ratio) : std::nullopt;
  const auto both = m.low.answer && m.high.answer ? elasticity(*m.low.answer, *m.high.answer, m.high.ratio, m.low.ratio) : down ? down : up;
  if (both) r.set("elasticity", *both);
  if (down) r.set("elasticity_down", *down);
  if (up) r.set("elasticity_up", *up);
  r.set("swing_pct", m.swing_pct()).set("moved", m.structure ? "next" : "step").set("origin", m.origin);
  if (!m.source.empty()) r.set("source", m.source);
  r.set("pointer", m.pointers);
  if (const std::string note = noted(m); !note.empty()) r.set("note", note);
  return r;
}

std::vector<ColumnDoc> columns() {
  return {{"base", "its value in the scenario"},
          {"low", "the smaller value"},
          {"high", "the larger value"},
          {"answer_low", "the answer at the smaller value", true},
          {"answer_high", "the answer at the larger value", true},
          {"change_low_pct", "change of the answer at the smaller value"},
          {"change_high_pct", "change of the answer at the larger value"},
          {"elasticity", "d ln(answer) / d ln(input) from the smaller to the larger value: -1 is an answer that halves when the input doubles"},
          {"elasticity_down", "the same from the base down; where it is not the one upwards there is a kink", true},
          {"elasticity_up", "the same from the base up", true},
          {"swing_pct", "from the least to the largest of the three answers, of the answer", true},
          {"moved", "step: by the step that was asked for; next: to the next value that holds, since it is a whole number or structure", true},
          {"origin", "published, measured, derived, fitted, assumed; given: by the scenario; default: of the workload, nobody gave it"},
          {"source", "where it comes from", true},
          {"pointer", "where it stands, as --together takes it, and --set where the scenario names the file that it is of", true},
          {"note", "why it did not move as asked"}};
}

/// "node h800: nic_rate (400 Gbps to 440 Gbps: -4.1 %)".
std::string told(const MovedInput& m) {
  constexpr double kLike = 0.999;   // of two changes that are as good as the same the upper is told
  const bool high = m.high.answer && (!m.low.answer || std::abs(m.change_pct(m.high)) >= kLike * std::abs(m.change_pct(m.low)));
  const SideResult& s = high ? m.high : m.low;
  const double pct = m.change_pct(s);
  return fmt::format("{} ({} to {}: {} %)", m.name, m.value, s.value, std::abs(pct) < 10 ? fmt::format("{:+.2g}", pct) : fmt::format("{:+.0f}", pct));
}

std::string told(const std::vector<const MovedInput*>& list) {
  std::string out;
  for (std::size_t i = 0; i < list.size(); ++i) out += (i == 0 ? "" : i + 1 == list.size() ? " and " : ", ") + told(*list[i]);
  return out;
}

template <class Wanted>
std::vector<const MovedInput*> first(const std::vector<MovedInput>& inputs, std::size_t most, const Wanted& wanted) {
  std::vector<const MovedInput*> out;
  for (const MovedInput& m : inputs) {
    if (m.moves() && wanted(m) && out.size() < most) out.push_back(&m);
  }
  return out;
}

std::string names(const std::vector<const MovedInput*>& list) {
  std::vector<std::string> all;
  for (const MovedInput* m : list) all.push_back(m->name);
  const std::size_t shown = std::min(all.size(), kNamed);
  return fmt::format("{}{}", fmt::join(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                     shown < all.size() ? fmt::format(" and {} more", all.size() - shown) : "");
}

/// "------|++++": a change down to the left, a change up to the right.
std::string bar(double low_pct, double high_pct, double most_pct) {
  const auto length = [&](double pct) { return pct > 0 ? std::max<std::size_t>(1, static_cast<std::size_t>(std::lround(kHalfBar * pct / most_pct))) : 0; };
  const std::size_t left = length(-std::min({low_pct, high_pct, 0.0})), right = length(std::max({low_pct, high_pct, 0.0}));
  return std::string(kHalfBar - left, ' ') + std::string(left, '-') + "|" + std::string(right, '+');
}

}  // namespace

double MovedInput::change_pct(const SideResult& side) const {
  if (!side.answer) return 0;
  return 100 * (*side.answer - reference) / (reference != 0 ? std::abs(reference) : 1);
}

double MovedInput::swing_pct() const {
  const double a = change_pct(low), b = change_pct(high);
  return std::max({a, b, 0.0}) - std::min({a, b, 0.0});
}

bool MovedInput::moves() const { return swing_pct() > kRounding_pct; }

void rank(std::vector<MovedInput>& inputs, const StepSize& step) {
  for (MovedInput& m : inputs) {
    const auto other = [&](const SideResult& r, Side side) { return r.answer && std::abs(std::log(r.ratio) / std::log(step.factor(side)) - 1) > kAsAsked; };
    m.structure = other(m.low, Side::low) || other(m.high, Side::high);
  }
  const auto key = [](const MovedInput& m) { return m.low.answer || m.high.answer ? (m.moves() ? m.swing_pct() : 0) : -1; };
  std::stable_sort(inputs.begin(), inputs.end(), [&](const MovedInput& a, const MovedInput& b) { return key(a) > key(b); });
}

std::string sentence_of(const Answer& a, const std::vector<MovedInput>& inputs) {
  const auto matters = [](const MovedInput& m, const char* origin) { return m.origin == origin && m.swing_pct() > kMatters_pct; };
  const auto most = first(inputs, 3, [](const MovedInput& m) { return !m.structure; });
  const auto structure = first(inputs, 2, [](const MovedInput& m) { return m.structure; });
  const auto assumed = first(inputs, 2, [&](const MovedInput& m) { return matters(m, "assumed"); });
  const auto defaults = first(inputs, 2, [&](const MovedInput& m) { return matters(m, "default"); });
  std::string out = fmt::format("{} of {} is {:.5g}.", a.column, a.of.substr(0, a.of.rfind('/')), a.value);
  if (most.empty() && structure.empty()) return out + " None of the inputs moves it.";
  if (!most.empty()) out += fmt::format(" It depends most on {}.", told(most));
  if (!structure.empty()) out += fmt::format(" Of what moves in whole steps only, most on {}.", told(structure));
  if (assumed.empty()) out += fmt::format(" No input that was assumed moves it by more than {:g} %", kMatters_pct);
  else out += fmt::format(" Of what is assumed, {} matter{}", told(assumed), assumed.size() == 1 ? "s" : "");
  return out + (defaults.empty() ? "." : fmt::format("; of the defaults that the scenario leaves, {}.", told(defaults)));
}

reports::Table still_table(const std::vector<StillInput>& still) {
  reports::Table t;
  t.id = "not_moved";
  t.title = "Inputs that stay where they are";
  t.label_columns = {{"input", "name of the input"}};
  t.columns = {{"base", "its value"}, {"origin", "where it comes from: published, measured, derived, fitted, assumed, given, default"},
               {"why", "why it is not moved"}, {"source", "where it comes from", true}};
  for (const StillInput& s : still) {
    Row r;
    r.set("input", s.name).set("base", s.value).set("origin", s.origin).set("why", s.why);
    if (!s.source.empty()) r.set("source", s.source);
    t.rows.push_back(std::move(r));
  }
  return t;
}

reports::Table input_table(const std::vector<MovedInput>& inputs) {
  reports::Table t;
  t.id = "inputs";
  t.title = "Inputs that would be moved";
  t.label_columns = {{"input", "name of the input"}};
  t.columns = {{"pointer", "where it stands"}, {"base", "its value in the scenario"}, {"low", "the smaller value"}, {"high", "the larger value"},
               {"origin", "published, measured, derived, fitted, assumed; given: by the scenario; default: of the workload"}, {"note", "why it would not move as asked"},
               {"source", "where it comes from"}};
  for (const MovedInput& m : inputs) {
    Row r;
    r.set("input", m.name).set("pointer", m.pointers).set("base", m.value);
    if (!m.low.value.empty()) r.set("low", m.low.value);
    if (!m.high.value.empty()) r.set("high", m.high.value);
    r.set("origin", m.origin);
    if (const std::string note = noted(m); !note.empty()) r.set("note", note);
    if (!m.source.empty()) r.set("source", m.source);
    t.rows.push_back(std::move(r));
  }
  return t;
}

reports::Listing tables_of(const Answer& a, const std::vector<MovedInput>& inputs, const std::vector<StillInput>& still, const StepSize& step,
                           const std::string& sentence) {
  reports::Listing out;
  out.schema = "weft-sensitivity/1";
  std::vector<const MovedInput*> rest, failed;
  for (const MovedInput& m : inputs) {
    if (!m.low.answer && !m.high.answer) failed.push_back(&m);
    else if (!m.moves()) rest.push_back(&m);
  }
  reports::Table answer;
  answer.id = "answer";
  answer.title = "What is looked at";
  answer.label_columns = {{"of", "variant/workload[labels]/column"}};
  answer.columns = {{"value", "the answer with all inputs as they are"}, {"step", "how far inputs move"}, {"inputs", "inputs that were moved"},
                    {"still", "of them, those that move nothing"}, {"failed", "of them, those that could be moved to no other value"},
                    {"sentence", "the study in words"}};
  answer.rows.push_back(Row().set("of", a.of).set("value", a.value).set("step", step.text()).set("inputs", static_cast<std::int64_t>(inputs.size()))
                            .set("still", static_cast<std::int64_t>(rest.size())).set("failed", static_cast<std::int64_t>(failed.size())).set("sentence", sentence));
  reports::Table table;
  table.id = "sensitivity";
  table.title = "What moves it: each input alone, the others as they are";
  table.label_columns = {{"rank", "1 is the largest swing"}, {"input", "name of the input"}};
  table.columns = columns();
  reports::Table assumed = table;
  assumed.id = "assumed";
  assumed.title = fmt::format("Assumptions, and defaults that nobody chose, that move it by more than {:g} %", kMatters_pct);
  std::int64_t number = 0;
  for (const MovedInput& m : inputs) {
    table.rows.push_back(row_of(m, ++number));
    if (m.doubtful() && m.swing_pct() > kMatters_pct) assumed.rows.push_back(table.rows.back());
  }
  out.tables = {std::move(answer), std::move(table), std::move(assumed), still_table(still)};
  if (!rest.empty()) out.notes.push_back(fmt::format("{} of {} inputs move nothing: {}", rest.size(), inputs.size(), names(rest)));
  if (!failed.empty()) out.notes.push_back(fmt::format("{} can be moved to no other value that holds: {}", failed.size(), names(failed)));
  return out;
}

namespace {

double change(const Row& r, const char* name) { return r.find(name) != nullptr ? r.number(name) : 0; }
bool moves(const Row& r) { return r.number("swing_pct") > kRounding_pct; }
bool has_answer(const Row& r) { return r.find("answer_low") != nullptr || r.find("answer_high") != nullptr; }
bool in_steps(const Row& r) { return std::get<std::string>(*r.find("moved")) == "step"; }

/// The table without its details and with those of its rows that are wanted; bars, when asked for, are to one scale.
template <class Wanted>
reports::Table part_of(const reports::Table& all, bool bars, const Wanted& wanted) {
  reports::Table t = all;
  std::erase_if(t.columns, [](const ColumnDoc& d) { return d.detail && d.name != "note"; });
  std::erase_if(t.rows, [&](const Row& r) { return !wanted(r); });
  double most = 0;
  for (const Row& r : t.rows) most = std::max({most, std::abs(change(r, "change_low_pct")), std::abs(change(r, "change_high_pct"))});
  if (bars) t.columns.insert(t.columns.begin() + 5, {"bar", "how far the answer goes down (-) and up (+)"});
  for (Row& r : t.rows) {
    Row shown;
    for (const std::vector<ColumnDoc>* docs : {&t.label_columns, &t.columns}) {
      for (const ColumnDoc& d : *docs) {
        if (const Cell* c = r.find(d.name)) shown.set(d.name, *c);
        if (d.name == "bar" && moves(r)) shown.set("bar", bar(change(r, "change_low_pct"), change(r, "change_high_pct"), most));
      }
    }
    r = std::move(shown);
  }
  return t;
}

}  // namespace

reports::Listing for_people(const Sensitivity& result, bool all) {
  reports::Listing out;
  out.notes = result.listing.notes;
  const std::vector<reports::Table>& tables = result.listing.tables;
  const reports::Table& inputs = tables[1];
  const auto add = [&](reports::Table t) {
    if (!t.rows.empty()) out.tables.push_back(std::move(t));
  };
  add(part_of(inputs, true, [&](const Row& r) { return in_steps(r) && has_answer(r) && (moves(r) || all); }));
  reports::Table structure = part_of(inputs, true, [&](const Row& r) { return !in_steps(r) && has_answer(r) && (moves(r) || all); });
  structure.id = "structure";
  structure.title = "What moves in whole steps only: to the next value that holds";
  add(std::move(structure));
  reports::Table stuck = part_of(inputs, false, [](const Row& r) { return !has_answer(r); });
  stuck.id = "stuck";
  stuck.title = "What can be moved to no other value that holds";
  if (all) add(std::move(stuck));
  add(part_of(tables[2], false, [](const Row&) { return true; }));
  if (all) add(tables[3]);
  else if (const std::size_t n = tables[3].rows.size(); n > 0) {
    out.notes.push_back(fmt::format("{} input{} where {} (zero, parts of a fit, or without a key): --all or --list say why", n, n > 1 ? "s stay" : " stays", n > 1 ? "they are" : "it is"));
  }
  return out;
}

}  // namespace weft::scenarios

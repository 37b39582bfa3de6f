#include "models/calibration/fit/fit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "models/calibration/fit/form_fit.h"
#include "models/calibration/fit/groups.h"
#include "sim/core/error.h"
#include "sim/core/random.h"

namespace weft::models {
namespace {

constexpr int kManyFamilies = 40;              // more: ten folds in place of each alone
constexpr int kManyShapes = 150;
constexpr std::size_t kTestRows = 3000;        // tests on left-out rows use whole shape families up to about so many rows
constexpr int kFolds = 10;
constexpr double kImpossible = 0.5;   // of the roofline: caches explain less
constexpr double kHopeless = 50;      // per cent that a formula misses on what it was fitted to

const std::vector<TransferSetting>& settings() {
  static const std::vector<TransferSetting> all = {{4, 0.2, false}, {8, 0.3, false}, {16, 0.5, false}, {12, 0.3, true}};
  return all;
}

FormRows rows_of(const Group& group, const std::vector<KernelForm>& forms, const Gpu& gpu, const std::map<std::string, double>& held) {
  FormRows rows;
  rows.forms = forms;
  rows.held = held;
  std::map<std::string, int> families;
  for (std::size_t t = 0; t < group.tables.size(); ++t) {
    const FitTable& table = *group.tables[t];
    for (std::size_t i = 0; i < table.calls.size(); ++i) {
      rows.which.push_back(static_cast<int>(t));
      const KernelCall call = on_gpu(table.calls[i], gpu);
      rows.features.push_back(forms[t].features(call, gpu));
      rows.times_us.push_back(table.times_us[i]);
      rows.places.push_back(place_of(call, forms[t], rows.features.back().data()));
      rows.family.push_back(families.try_emplace(shape_family_of(table.calls[i]), static_cast<int>(families.size())).first->second);
    }
  }
  rows.families = static_cast<int>(families.size());
  return rows;
}

int test_stride(const FormRows& rows) { return static_cast<int>((rows.size() + kTestRows - 1) / kTestRows); }

/// Whole shape families, about kTestRows rows of them, spread evenly over all.
FormRows sample_of(const FormRows& rows) {
  if (rows.size() <= kTestRows) return rows;
  const int stride = test_stride(rows);
  FormRows out;
  out.forms = rows.forms;
  out.held = rows.held;
  std::map<int, int> renumbered;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows.family[i] % stride != 0) continue;
    out.which.push_back(rows.which[i]);
    out.features.push_back(rows.features[i]);
    out.times_us.push_back(rows.times_us[i]);
    out.places.push_back(rows.places[i]);
    out.family.push_back(renumbered.try_emplace(rows.family[i], static_cast<int>(renumbered.size())).first->second);
  }
  out.families = static_cast<int>(renumbered.size());
  return out;
}

std::vector<std::size_t> all_of(const FormRows& rows) {
  std::vector<std::size_t> i(rows.size());
  std::iota(i.begin(), i.end(), 0);
  return i;
}

std::vector<int> family_folds(const FormRows& rows, int& folds) {
  folds = rows.families <= kManyFamilies ? rows.families : kFolds;
  std::vector<int> fold;
  for (int f : rows.family) fold.push_back(f % folds);
  return fold;
}

/// A number a distinct shape: repeats of one are left out together, or they would speak for each other.
std::vector<int> shapes_of(const FormRows& rows, int& shapes) {
  std::map<std::pair<int, std::vector<double>>, int> numbers;
  std::vector<int> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out.push_back(numbers.try_emplace({rows.which[i], rows.features[i]}, static_cast<int>(numbers.size())).first->second);
  }
  shapes = static_cast<int>(numbers.size());
  return out;
}

std::vector<int> row_folds(const FormRows& rows, int& folds) {
  std::vector<int> fold = shapes_of(rows, folds);
  if (folds <= kManyShapes) return fold;
  for (int& f : fold) f = static_cast<int>(Draws(1, "left-out rows", static_cast<std::uint64_t>(f)).below(kFolds));
  folds = kFolds;
  return fold;
}

/// Why the times cannot be: half of them far below the roofline are in another unit than they say, or of another GPU. Empty: they can.
std::string impossible_times(const Group& group, const Gpu& gpu) {
  for (const FitTable* t : group.tables) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < t->calls.size(); ++i) {
      if (const double least = roofline(t->calls[i], gpu).value() * 1e6; least > 0) ratios.push_back(t->times_us[i] / least);
    }
    if (const double typical = quantile(ratios, 0.5); !ratios.empty() && typical < kImpossible) {
      return fmt::format("{}/{}: half of the times are below {:.2g} of the least that an {} can take; are their unit, the shapes and the GPU right?", t->family, t->variant,
                         typical, gpu.name);
    }
  }
  return {};
}

/// A form with what it reached.
struct Candidate {
  std::vector<KernelForm> forms;
  FormRows rows;
  FormFit fit;
  FormRows test;              ///< the rows of the tests
  LeftOut family_out;
  std::vector<std::vector<int>> table_families;   ///< of the rows of each variant, in order
};

Candidate try_form(const Group& group, const std::vector<KernelForm>& forms, const Gpu& gpu, const std::map<std::string, double>& held) {
  Candidate c;
  c.forms = forms;
  c.rows = rows_of(group, forms, gpu, held);
  c.test = sample_of(c.rows);
  c.table_families.resize(forms.size());
  for (std::size_t i = 0; i < c.rows.size(); ++i) c.table_families[static_cast<std::size_t>(c.rows.which[i])].push_back(c.rows.family[i]);
  c.fit = fit_form(c.test, all_of(c.test), {}, 60, false);
  int folds = 0;
  const std::vector<int> fold = family_folds(c.test, folds);
  const bool all = c.test.size() == c.rows.size();
  if (c.test.families > 1) c.family_out = leave_out(c.test, fold, folds, c.fit.parameters, all ? settings() : std::vector<TransferSetting>{});
  c.family_out.transferred.resize(settings().size());
  return c;
}

double mean_error(const std::vector<double>& log_errors) { return error_statistics(log_errors).mean_pct; }

/// Errors of the rows of one variant.
std::vector<double> of_table(const FormRows& rows, const std::vector<double>& errors, int table) {
  std::vector<double> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows.which[i] == table) out.push_back(errors[i]);
  }
  return out;
}

std::string words_for(const Candidate& c, int row_folds, const Group& group) {
  int shapes = 0;
  shapes_of(c.test, shapes);
  std::string text = fmt::format("rows: {}; shape families ({}): {} of {}",
                                 row_folds > kFolds || row_folds == shapes ? "each shape alone" : fmt::format("{} parts of the shapes, drawn", row_folds),
                                 fmt::join(group.tables.front()->calls.front().family->shape_family, ","),
                                 c.family_out.folds == c.test.families ? "each alone" : fmt::format("{} parts", c.family_out.folds), c.test.families);
  if (c.test.size() < c.rows.size()) text += fmt::format("; on {} of {} rows, whole families", c.test.size(), c.rows.size());
  return text + "; formula and transfer were chosen by the same left-out families";
}

/// The setting that helps left-out families most; neighbours 0 when none helps.
std::size_t best_setting(const LeftOut& left, TransferSetting& setting) {
  std::size_t best = 0;
  for (std::size_t s = 1; s < settings().size(); ++s) {
    if (mean_error(left.transferred[s]) < mean_error(left.transferred[best])) best = s;
  }
  setting = settings()[best];
  if (mean_error(left.transferred[best]) >= mean_error(left.formula)) setting.neighbours = 0;
  return best;
}

/// Transfer on the families of the test: the formula of a fit that has not seen them, and neighbours from all rows but the family's own, since
/// those of a sample would lie too far apart.
void transfer_from_all(Candidate& c) {
  const int stride = test_stride(c.rows);
  for (auto& out : c.family_out.transferred) out.assign(c.test.size(), 0);
  std::vector<std::size_t> tested;
  for (std::size_t i = 0; i < c.rows.size(); ++i) {
    if (c.rows.family[i] % stride == 0) tested.push_back(i);
  }
  int folds = 0;
  const std::vector<int> fold = family_folds(c.test, folds);
  for (int k = 0; k < folds; ++k) {
    const std::vector<double>& parameters = c.family_out.parameters[static_cast<std::size_t>(k)];
    for (std::size_t s = 0; s < settings().size(); ++s) {
      const std::vector<Transfer> transfers = transfers_of(c.rows, all_of(c.rows), parameters, settings()[s]);
      for (std::size_t t = 0; t < tested.size(); ++t) {
        if (fold[t] != k) continue;
        const std::size_t i = tested[t];
        const auto table = static_cast<std::size_t>(c.rows.which[i]);
        const double error = std::log(c.rows.times_us[i] / c.rows.predict(i, parameters));
        c.family_out.transferred[s][t] = error - transfers[table].correction(c.rows.places[i], &c.table_families[table], c.rows.family[i]);
      }
    }
  }
}

std::vector<CalibrationEntry> entries_of(const Group& group, Candidate c) {
  c.fit = fit_form(c.rows, all_of(c.rows), c.test.size() < c.rows.size() ? c.fit.parameters : std::vector<double>{}, 60, true);
  int folds = 0;
  const std::vector<int> fold = row_folds(c.test, folds);
  const LeftOut row_out = folds > 1 ? leave_out(c.test, fold, folds, c.fit.parameters, {}) : LeftOut{};
  if (c.test.size() < c.rows.size()) transfer_from_all(c);
  const bool families = c.test.families > 1;   // one alone cannot be left out
  TransferSetting setting;
  setting.neighbours = 0;
  const std::size_t chosen = families ? best_setting(c.family_out, setting) : 0;
  std::vector<CalibrationEntry> out;
  for (std::size_t t = 0; t < group.tables.size(); ++t) {
    const FitTable& table = *group.tables[t];
    CalibrationEntry e;
    e.family = table.family;
    e.variant = table.variant;
    e.form = c.forms[t].name;
    e.parameters = c.fit.parameters;
    e.covariance = c.fit.covariance;
    for (std::size_t j = 0; j < c.fit.at_bound.size(); ++j) {
      const std::string& name = c.forms[t].parameters[j].name;
      if (c.rows.held.count(name) > 0) {
        e.held.push_back(name);
      } else if (c.fit.at_bound[j]) {
        e.at_bounds.push_back(name);
      }
    }
    for (const FitTable* other : group.tables) {
      if (other != &table) e.fitted_with += fmt::format("{}{}/{}", e.fitted_with.empty() ? "" : ", ", other->family, other->variant);
    }
    e.transfer = setting;
    e.left_out = words_for(c, folds, group);
    std::vector<double> in_sample;
    for (std::size_t i = 0, k = 0; i < c.rows.size(); ++i) {
      if (c.rows.which[i] != static_cast<int>(t)) continue;
      const double predicted = c.rows.predict(i, c.fit.parameters);
      e.points.push_back({table.calls[k++].at, c.rows.times_us[i], predicted});
      in_sample.push_back(std::log(c.rows.times_us[i] / predicted));
    }
    const int which = static_cast<int>(t);
    e.errors["in_sample"] = error_statistics(in_sample);
    if (folds > 1) e.errors["leave_one_out"] = error_statistics(of_table(c.test, row_out.formula, which));
    if (group.tables.size() > 1) {
      if (folds > 1) e.errors["together_leave_one_out"] = error_statistics(row_out.formula);
      if (families) e.errors["together_leave_family_out"] = error_statistics(c.family_out.formula);
    }
    if (!families) {
      out.push_back(std::move(e));
      continue;
    }
    e.errors["leave_family_out"] = error_statistics(of_table(c.test, c.family_out.formula, which));
    e.errors["transfer_leave_family_out"] =
        error_statistics(of_table(c.test, setting.neighbours > 0 ? c.family_out.transferred[chosen] : c.family_out.formula, which));
    out.push_back(std::move(e));
  }
  return out;
}

std::vector<CalibrationEntry> fit_group(const Group& group, const Gpu& gpu, const std::vector<const KernelForm*>& forms,
                                        const std::map<std::string, double>& held) {
  std::vector<Candidate> tried;
  const std::size_t shapes = distinct_shapes(group);
  for (const KernelForm* f : forms) {
    // Between forms, a long one wants rows: twice as many shapes as it fits.
    const bool enough = shapes >= shapes_needed(*f, held) && (forms.size() == 1 || tried.empty() || shapes > 2 * open_parameters(*f, held));
    if (enough) tried.push_back(try_form(group, forms_named(group, f->name), gpu, held));
  }
  std::size_t best = 0;
  for (std::size_t i = 1; i < tried.size(); ++i) {
    if (mean_error(tried[i].family_out.formula) < mean_error(tried[best].family_out.formula)) best = i;
  }
  return entries_of(group, std::move(tried[best]));
}

}  // namespace

std::string shape_family_of(const KernelCall& call) {
  std::string text;
  for (const std::string& field : call.family->shape_family) text += fmt::format("{}{}", text.empty() ? "" : ",", call.get(field.c_str()));
  return text;
}

std::vector<FitTable> fit_tables(const std::vector<Measurement>& rows) {
  std::vector<FitTable> tables;
  std::map<std::string, std::size_t> index;
  for (const Measurement& m : rows) {
    KernelCall call = kernel_call(kernel_family(m.family, m.place), m.variant, m.shape, m.place);
    if (!(m.time_us > 0) || !std::isfinite(m.time_us)) throw UserError(m.place, fmt::format("a time has to be above zero, got {:g} us", m.time_us));
    const auto [it, fresh] = index.try_emplace(m.family + "/" + call.variant, tables.size());
    if (fresh) tables.push_back({m.family, call.variant, {}, {}});
    tables[it->second].calls.push_back(std::move(call));
    tables[it->second].times_us.push_back(m.time_us);
  }
  return tables;
}

Calibration fit_calibration(const Measurements& data, const Gpu& gpu, const FitOptions& options) {
  Calibration c;
  c.title = options.title;
  c.source = options.source;
  c.gpu = gpu.name;
  c.date = options.date;
  c.digest = data.digest;
  c.notes = data.notes;
  const std::vector<FitTable> tables = fit_tables(data.rows);
  if (tables.empty()) throw UserError("DATA", "there is no row to fit");
  check_held(tables, options.hold);
  for (const auto& [family, form] : options.form) {
    if (!family.empty()) kernel_family(family, "--form");
  }
  std::vector<std::string> left, doubtful;
  for (const Group& group : groups_of(tables)) {
    const std::vector<const KernelForm*> forms = forms_to_try(group, options);
    const std::map<std::string, double> held = held_of(group, options.hold);
    std::string why = missing(group, forms, held);
    if (why.empty()) why = impossible_times(group, gpu);
    if (!why.empty()) {
      left.push_back(std::move(why));
      continue;
    }
    for (CalibrationEntry& e : fit_group(group, gpu, forms, held)) {
      if (const double missed = e.errors.at("in_sample").mean_pct; missed > kHopeless) {
        doubtful.push_back(fmt::format("{}/{}: its formula misses what it was fitted to by {:.0f} % (mean): are the unit of the times and the shapes right?", e.family,
                                   e.variant, missed));
      }
      c.entries.push_back(std::move(e));
    }
  }
  if (c.entries.empty()) throw UserError("DATA", fmt::format("nothing can be fitted: {}", fmt::join(left, "; ")), "look at what weft calibrate import shows of the data");
  for (const std::string& why : left) c.notes.push_back("not fitted: " + why);
  for (const std::string& why : doubtful) c.notes.push_back("doubtful: " + why);
  return c;
}

}  // namespace weft::models

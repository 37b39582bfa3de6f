#include "models/cost_model.h"

#include <algorithm>
#include <cmath>

#include <Eigen/Dense>
#include <fmt/format.h>

#include "models/calibration/fit/fit.h"
#include "models/normal.h"
#include "sim/core/error.h"
#include "sim/core/random.h"

namespace weft::models {
namespace {

/// Logarithms of parameters, moved by a draw from their covariance; kept inside the form's range.
std::vector<double> moved(const CalibrationEntry& e, const KernelForm& form, Draws draws) {
  const auto n = static_cast<Eigen::Index>(e.parameters.size());
  Eigen::MatrixXd c(n, n);
  for (Eigen::Index a = 0; a < n; ++a) {
    for (Eigen::Index b = 0; b < n; ++b) c(a, b) = e.covariance[static_cast<std::size_t>(a)][static_cast<std::size_t>(b)];
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(c);
  Eigen::VectorXd z(n);
  for (Eigen::Index a = 0; a < n; ++a) z(a) = normal(draws) * std::sqrt(std::max(0.0, eigen.eigenvalues()(a)));
  const Eigen::VectorXd shift = eigen.eigenvectors() * z;
  std::vector<double> out;
  for (std::size_t j = 0; j < e.parameters.size(); ++j) {
    out.push_back(std::clamp(e.parameters[j] * std::exp(shift(static_cast<Eigen::Index>(j))), form.parameters[j].low, form.parameters[j].high));
  }
  return out;
}

constexpr std::size_t kAsked = 200;   // points whose distance to another family is looked at: a median needs no more

/// Median distance from a point to the nearest one of another shape family; 1 where there is only one family.
double typical_distance(const CalibrationEntry& e, const std::vector<std::vector<double>>& places) {
  std::vector<std::string> family;
  for (const CalibrationPoint& p : e.points) family.push_back(shape_family_of({&e.kernel(), e.variant, p.at}));
  std::vector<double> found;
  const std::size_t step = std::max<std::size_t>(1, places.size() / kAsked);
  for (std::size_t i = 0; i < places.size(); i += step) {
    double best = HUGE_VAL;
    for (std::size_t j = 0; j < places.size(); ++j) {
      if (family[j] == family[i]) continue;
      double square = 0;
      for (std::size_t d = 0; d < places[j].size(); ++d) square += (places[j][d] - places[i][d]) * (places[j][d] - places[i][d]);
      best = std::min(best, square);
    }
    if (best < HUGE_VAL) found.push_back(std::sqrt(best));
  }
  if (found.empty()) return 1;
  std::nth_element(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(found.size() / 2), found.end());
  return std::max(found[found.size() / 2], 1e-3);
}

/// A point as this GPU would run it; one of another GPU may have had more SMs.
KernelCall measured_on(const CalibrationEntry& e, const CalibrationPoint& p, const Gpu& gpu) {
  KernelCall call{&e.kernel(), e.variant, p.at};
  for (std::size_t i = 0; i < call.at.size(); ++i) {
    if (e.kernel().fields[i].name == "sms" && (call.at[i] == 0 || call.at[i] > gpu.sms.value)) call.at[i] = gpu.sms.value;
  }
  return call;
}

/// What the points say of the formula's error; those of another GPU (`foreign`) say it of the formula there.
Transfer transfer_of(const CalibrationEntry& e, const KernelForm& form, const Gpu& gpu, const std::vector<double>& parameters, bool foreign) {
  std::vector<std::vector<double>> places;
  std::vector<double> errors;
  for (const CalibrationPoint& p : e.points) {
    const KernelCall call = measured_on(e, p, gpu);
    const std::vector<double> features = form.features(call, gpu);
    places.push_back(place_of(call, form, features.data()));
    errors.push_back(std::log(p.time_us / (foreign ? p.predicted_us : form.time_us(features.data(), parameters.data()))));
  }
  return Transfer(std::move(places), std::move(errors), e.transfer);
}

}  // namespace

std::string to_text(Fidelity f) { return f == Fidelity::roofline ? "roofline" : f == Fidelity::fitted ? "fitted" : "measured"; }

std::vector<std::string> fidelity_names() { return {"roofline", "fitted", "measured"}; }

Fidelity fidelity_named(const std::string& name, const std::string& place) {
  for (const Fidelity f : {Fidelity::roofline, Fidelity::fitted, Fidelity::measured}) {
    if (to_text(f) == name) return f;
  }
  throw UserError(place, fmt::format("there is no cost model \"{}\"", name), unknown_name_hint(name, fidelity_names()));
}

CostModel::CostModel(Gpu gpu, std::vector<Calibration> calibrations, Fidelity wanted, bool force, const std::string& place)
    : gpu_(std::move(gpu)), calibrations_(std::make_shared<const std::vector<Calibration>>(std::move(calibrations))), wanted_(wanted) {
  for (const Calibration& c : *calibrations_) {
    if (c.gpu == gpu_.name || force) continue;
    throw UserError(place, fmt::format("the calibration {} is of {} ({}), and this is about {}", c.id, c.gpu, c.device, gpu_.name),
                    "calibrate for this GPU, or take --force: rates are then carried over as parts of the peaks, and the result says so");
  }
  if (wanted_ == Fidelity::roofline) return;
  for (const Calibration& c : *calibrations_) {
    for (const CalibrationEntry& e : c.entries) {
      auto& slot = tables_[{e.family, e.variant}];
      if (slot) continue;
      auto t = std::make_shared<Table>();
      t->entry = &e;
      t->id = c.id;
      t->form = &e.formula();
      t->parameters = e.parameters;
      t->foreign = c.gpu != gpu_.name;
      t->low.assign(e.kernel().fields.size(), HUGE_VAL);
      t->high.assign(e.kernel().fields.size(), 0);
      std::vector<std::vector<double>> places;
      for (const CalibrationPoint& p : e.points) {
        const KernelCall call = measured_on(e, p, gpu_);
        for (std::size_t i = 0; i < call.at.size(); ++i) {
          t->low[i] = std::min(t->low[i], call.at[i]);
          t->high[i] = std::max(t->high[i], call.at[i]);
        }
        places.push_back(place_of(call, *t->form, t->form->features(call, gpu_).data()));
      }
      t->typical = typical_distance(e, places);
      t->measured = std::make_shared<const Transfer>(std::move(places), std::vector<double>(e.points.size(), 0), TransferSetting{});
      if (wanted_ == Fidelity::measured && e.transfer.neighbours > 0) t->transfer = transfer_of(e, *t->form, gpu_, t->parameters, t->foreign);
      slot = std::move(t);
    }
  }
}

std::vector<std::string> CostModel::names() const {
  std::vector<std::string> out;
  for (const Calibration& c : *calibrations_) {
    out.push_back(c.id + (c.gpu != gpu_.name ? fmt::format(" (of {}, forced)", c.gpu) : ""));
  }
  return out;
}

std::string forced_caution(const std::string& name) {
  return fmt::format("calibration {}: its rates were carried over as parts of the peaks, a guess", name);
}

std::vector<std::string> CostModel::cautions() const {
  std::vector<std::string> out;
  const std::vector<std::string> shown = names();
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if ((*calibrations_)[i].gpu != gpu_.name) out.push_back(forced_caution(shown[i]));
  }
  return out;
}

const CostModel::Table* CostModel::table_for(const KernelCall& call) const {
  const auto found = tables_.find({call.family->name, call.variant});
  return found == tables_.end() ? nullptr : found->second.get();
}

const CalibrationEntry* CostModel::entry_for(const KernelCall& call, std::string* id) const {
  const Table* t = table_for(call);
  if (t != nullptr && id != nullptr) *id = t->id;
  return t == nullptr ? nullptr : t->entry;
}

double CostModel::shape_error(const Table& t, const KernelCall& call, const std::vector<double>& place) const {
  const auto variance_of = [&](const char* kind) {
    const auto errors = t.entry->errors.find(kind);
    if (errors == t.entry->errors.end()) return -1.0;
    // A normal error with this mean magnitude: sigma = mean / sqrt(2 / pi).
    const double sigma = std::log1p(errors->second.mean_pct / 100) / 0.7978845608028654;
    return sigma * sigma;
  };
  const double here = std::max(0.0, variance_of("in_sample"));
  double away = variance_of(wanted_ == Fidelity::measured ? "transfer_leave_family_out" : "leave_family_out");
  // Where only one family was measured nobody knows how wrong others are: a doubling away is taken for twice the variance of the fit.
  if (away < 0) away = 2 * here;
  const double sigma = std::sqrt(here + std::max(0.0, away - here) * t.measured->distance(place) / t.typical);
  Draws draws(seed_, "kernel time of a shape: " + t.entry->family + "/" + t.entry->variant + "/" + shape_family_of(call), draw_);
  return sigma * normal(draws);
}

KernelTime CostModel::time(const KernelCall& given) const {
  const KernelCall call = on_gpu(given, gpu_);
  KernelTime k;
  const Roofline bound = roofline_of(call, gpu_);
  k.time = k.roofline = bound.time;
  k.memory = bound.memory;
  const Table* t = table_for(call);
  if (t == nullptr) return k;
  const std::vector<double> features = t->form->features(call, gpu_);
  const std::vector<double> place = place_of(call, *t->form, features.data());
  double us = t->form->time_us(features.data(), t->parameters.data());
  k.fidelity = Fidelity::fitted;
  if (!t->transfer.empty()) {
    us *= std::exp(t->transfer.correction(place));
    k.fidelity = Fidelity::measured;
  }
  if (drawn_) us *= std::exp(shape_error(*t, call, place));
  k.calibration = t->id;
  k.form = t->form->name;
  k.time = Seconds(us * 1e-6);
  if (k.time < k.roofline) {
    k.time = k.roofline;
    k.clamped = true;
  }
  for (std::size_t i = 0; i < call.at.size(); ++i) {
    const ShapeField& field = call.family->fields[i];
    const bool below = call.at[i] < t->low[i], above = call.at[i] > t->high[i];
    // A zero that stands for "as many" (heads) may well be what was measured under its number.
    const bool stands_for = field.fallback == 0 && call.at[i] == 0;
    if ((!below && !above) || stands_for) continue;
    k.outside += fmt::format("{}{} {} is {} {}", k.outside.empty() ? "" : ", ", field.name, call.at[i], below ? "below" : "above",
                             below ? t->low[i] : t->high[i]);
  }
  return k;
}

double CostModel::normal_of(const std::string& what) const {
  if (!drawn_) return 0;
  Draws draws(seed_, "constant: " + what, draw_);
  return normal(draws);
}

CostModel CostModel::drawn(std::uint64_t seed, std::uint64_t draw) const {
  CostModel copy = *this;
  copy.drawn_ = true;
  copy.seed_ = seed;
  copy.draw_ = draw;
  for (auto& [key, table] : copy.tables_) {
    auto changed = std::make_shared<Table>(*table);
    changed->parameters = moved(*table->entry, *table->form, Draws(seed, "parameters of " + key.first + "/" + key.second, draw));
    // Neighbours correct the formula as it is; with other parameters they correct it by less or more.
    if (!table->transfer.empty()) changed->transfer = transfer_of(*table->entry, *table->form, gpu_, changed->parameters, table->foreign);
    table = std::move(changed);
  }
  return copy;
}

}  // namespace weft::models

// What every kernel family, variant and formula owes: finite and positive, never below the roofline, monotone, explained, and strict about shapes.
#include <doctest/doctest.h>

#include <limits>
#include <set>

#include "models/cost_model.h"
#include "sim/core/random.h"
#include "tests/models/kernels_support.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

namespace {

/// Shapes of every family: tiny, usual, large.
std::vector<Shape> shapes_of(const std::string& family) {
  if (family == "gemm") {
    std::vector<Shape> all = {{{"m", 1}, {"n", 128}, {"k", 128}}, {{"m", 64}, {"n", 2112}, {"k", 7168}}, {{"m", 4096}, {"n", 7168}, {"k", 2048}}};
    for (std::uint64_t i = 0; i < 40; ++i) {   // tiles depend on all three
      Draws draws(1, "shapes of gemm", i);
      Shape s;
      for (const auto& [field, doublings] : {std::pair("m", 13.0), {"n", 9.0}, {"k", 8.0}}) s[field] = std::floor(std::exp2(doublings * draws.unit()));
      all.push_back({{"m", s["m"]}, {"n", 64 * s["n"]}, {"k", 64 * s["k"]}});
    }
    return all;
  }
  if (family == "gemm_wgrad") return {{{"m", 7168}, {"n", 2048}, {"k", 4096}}, {{"m", 576}, {"n", 7168}, {"k", 512}}};
  if (family == "grouped_gemm") return {{{"groups", 4}, {"m", 0.5}, {"n", 4096}, {"k", 7168}}, {{"groups", 8}, {"m", 4096}, {"n", 7168}, {"k", 2048}}};
  if (family == "moe_experts") return {{{"tokens", 1}, {"hidden", 7168}, {"inter", 2048}, {"topk", 8}, {"experts", 256}},
                                       {{"tokens", 8192}, {"hidden", 7168}, {"inter", 2048}, {"topk", 8}, {"experts", 256}, {"ep", 8}, {"tp", 2}, {"skew", 1.2}}};
  if (family == "mla_decode") return {{{"batch", 1}, {"heads", 1}, {"kv", 1}}, {{"batch", 128}, {"heads", 128}, {"s_q", 2}, {"kv", 4096}}, {{"batch", 37}, {"heads", 16}, {"kv", 131072}}};
  if (family == "mla_prefill") return {{{"batch", 1}, {"heads", 16}, {"seq", 1}}, {{"batch", 4}, {"heads", 128}, {"seq", 4096}, {"prefix", 2000}}};
  if (family == "attention_forward" || family == "attention_backward") return {{{"heads", 1}, {"seq", 1}}, {{"batch", 2}, {"heads", 128}, {"kv_heads", 8}, {"seq", 4096}, {"d_qk", 192}}};
  if (family == "elementwise") return {{{"bytes", 1}}, {{"bytes", 1e8}}};
  if (family == "memory" || family == "peer_copy") return {{{"bytes", 1}}, {{"bytes", 1e9}}};
  if (family == "router") return {{{"tokens", 1}, {"experts", 8}, {"topk", 1}}, {{"tokens", 4096}, {"experts", 256}}};
  if (family == "launch") return {{{"count", 1}}, {{"count", 100}}};
  if (family == "nccl") return {{{"gpus", 2}, {"bytes", 8}}, {{"gpus", 8}, {"bytes", 1e6}}, {{"gpus", 8}, {"bytes", 1e10}}};
  Shape s = {{"nodes", 1}, {"hidden", 7168}, {"tokens", 128}, {"topk", 8}, {"experts", 256}};   // DeepEP
  Shape large = {{"nodes", 8}, {"hidden", 7168}, {"tokens", 4096}, {"topk", 8}, {"experts", 256}};
  if (family == "deepep_dispatch" || family == "deepep_combine") s["sms"] = large["sms"] = 24;
  return {s, large};
}

/// Calls f(call, form) for every family, variant, formula and shape.
template <class F>
void everywhere(F f) {
  for (const KernelFamily& family : kernel_families()) {
    for (const std::string& variant : family.variants) {
      for (const Shape& shape : shapes_of(family.name)) {
        const KernelCall c = call(family.name, variant, shape);
        for (const KernelForm& form : family.forms) {
          const std::string which = family.name + "/" + variant + " " + form.name + " " + to_text(c);
          CAPTURE(which);
          f(c, form);
        }
      }
    }
  }
}

/// Start parameters without what measurements show to depend on something else than size: in DeepGEMM of 2026 tiles without multicast spill, a
/// kernel with multicast starts later, rows out of bounds and an m that is no multiple of 4 cost something.
std::vector<double> of_size_alone(const KernelForm& form) {
  std::vector<double> at = parameters(form);
  for (std::size_t j = 0; j < at.size(); ++j) {
    const std::string& p = form.parameters[j].name;
    if (p == "spill" || p == "spill_much" || p == "branch") at[j] = 1;
    if (p == "cluster" || p == "oob" || p == "odd") at[j] = 0;
  }
  return at;
}

double size_time(const KernelCall& c, const KernelForm& form, const Gpu& g) { return form.time_us(form.features(c, g).data(), of_size_alone(form).data()); }

/// How much of the time more work (or fewer SMs) may save. Nothing, but for rounding, where a rule takes the fewest waves or where there are no
/// tiles. A library that chooses tiles by an estimate of its own is wrong about them at times: the larger problem then has the better tile. It
/// may gain a quarter by that, and nothing as long as the tile stays the same. FlashMLA's scheduler pays an unfinished block and kappa more at a
/// part's share of HBM, which is larger when fewer SMs are parts: that much and no more.
double may_save(const KernelCall& before, const KernelCall& after, const KernelForm& form, const Gpu& g) {
  if (form.name == "flashmla") {
    const double kappa = parameters(form).back();
    return (1 + kappa) * figure(before, form.name, {}, g, "moving a block") / size_time(before, form, g) + 1e-12;
  }
  const bool estimates = form.name == "deepgemm_2026" || form.name == "library";
  if (!estimates) return 1e-12;
  for (const char* part : {"tile rows", "tile columns"}) {
    if (figure(before, form.name, {}, g, part) != figure(after, form.name, {}, g, part)) return 0.25;
  }
  if (form.name == "deepgemm_2026" && figure(before, form.name, {}, g, "multicast") != figure(after, form.name, {}, g, "multicast")) return 0.25;
  return 1e-12;
}

double start_time(const KernelCall& c, const KernelForm& form, const Gpu& g) { return form.time_us(form.features(c, g).data(), parameters(form).data()); }

/// A calibration with one entry, whose points say that the formula is `factor` times too long.
Calibration calibration_of(const KernelCall& c, const KernelForm& form, const Gpu& g, double factor) {
  CalibrationEntry e;
  e.family = c.family->name;
  e.variant = c.variant;
  e.form = form.name;
  e.parameters = parameters(form);
  e.covariance.assign(e.parameters.size(), std::vector<double>(e.parameters.size(), 0));
  e.transfer = {4, 0.2, false};
  const double us = start_time(c, form, g);
  for (int i = 0; i < 4; ++i) e.points.push_back({c.at, us / factor, us});
  Calibration k;
  k.id = "made_up";
  k.gpu = g.name;
  k.entries = {e};
  return k;
}

}  // namespace

TEST_CASE("every family has shapes here, and the names of families, fields, variants and forms are each their own") {
  std::set<std::string> names;
  for (const KernelFamily& f : kernel_families()) {
    CAPTURE(f.name);
    CHECK(names.insert(f.name).second);
    CHECK(shapes_of(f.name).size() >= 2);
    CHECK(std::set<std::string>(f.variants.begin(), f.variants.end()).size() == f.variants.size());
    std::set<std::string> fields, forms;
    for (const ShapeField& x : f.fields) CHECK(fields.insert(x.name).second);
    for (const KernelForm& x : f.forms) CHECK(forms.insert(x.name).second);
    for (const std::string& x : f.shape_family) CHECK(fields.count(x) == 1);
    CHECK(!f.shape_family.empty());
    CHECK(!f.forms.empty());
  }
}

TEST_CASE("families, fields, forms, parameters and figures say what they are") {
  for (const KernelFamily& f : kernel_families()) {
    CAPTURE(f.name);
    for (const std::string& text : {f.title, f.summary, f.source}) CHECK(!text.empty());
    for (const ShapeField& x : f.fields) CHECK(!x.meaning.empty());
    for (const KernelForm& form : f.forms) {
      CAPTURE(form.name);
      CHECK(!form.title.empty());
      CHECK(!form.formula.empty());
      for (const FormParameter& p : form.parameters) {
        CAPTURE(p.name);
        CHECK(!p.meaning.empty());
        CHECK(p.low > 0);   // a fit works on logarithms
        CHECK(p.low <= p.start);
        CHECK(p.start <= p.high);
      }
    }
  }
  everywhere([g = gpu()](const KernelCall& c, const KernelForm& form) {
    const auto figures = form.figures(form.features(c, g).data(), parameters(form).data());
    CHECK(!figures.empty());
    for (const Figure& x : figures) {
      CHECK(!x.name.empty());
      CHECK(!x.meaning.empty());
      CHECK(std::isfinite(x.value));
      CHECK(x.value >= 0);
    }
    for (const Demand& d : c.family->demands(c, g)) {
      CHECK(!d.resource.empty());
      CHECK((d.unit == "FLOP" || d.unit == "B"));
    }
  });
}

TEST_CASE("features are finite and times positive on every shipped GPU, at the start and at both ends of the parameters' ranges") {
  for (const std::string& name : DataPlaces::standard().names("models/hardware")) {
    const Gpu g = gpu(name);
    CAPTURE(name);
    everywhere([&](const KernelCall& c, const KernelForm& form) {
      const std::vector<double> features = form.features(c, g);
      for (double x : features) CHECK(std::isfinite(x));
      std::vector<double> low, high;
      for (const FormParameter& p : form.parameters) {
        low.push_back(p.low);
        high.push_back(p.high);
      }
      for (const auto& at : {parameters(form), low, high}) {
        const double us = form.time_us(features.data(), at.data());
        CHECK(std::isfinite(us));
        CHECK(us > 0);
      }
      for (double x : form.place != nullptr ? form.place(features.data()) : std::vector<double>{}) CHECK(std::isfinite(x));
    });
  }
}

TEST_CASE("no answer is below the roofline, whatever the fidelity and however short the measured neighbours were") {
  const Gpu g = gpu();
  everywhere([&](const KernelCall& c, const KernelForm& form) {
    for (const Fidelity f : {Fidelity::roofline, Fidelity::fitted, Fidelity::measured}) {
      const CostModel model(g, {calibration_of(c, form, g, 1000)}, f, false, "test");
      const KernelTime t = model.time(c);
      CHECK(t.time >= t.roofline);
      CHECK(t.roofline.value() == roofline(c, g).value());
      CHECK(t.fidelity == f);
      // At the start parameters, a thousandth of the formula is below any roofline but that of an empty launch.
      if (f == Fidelity::measured && t.roofline.value() > 0 && start_time(c, form, g) < 500e6 * t.roofline.value()) CHECK(t.clamped);
    }
  });
}

TEST_CASE("twice the size is never faster, but for tiles that a library estimates badly") {
  const Gpu g = gpu();
  everywhere([&](const KernelCall& c, const KernelForm& form) {
    for (std::size_t i = 0; i < c.family->fields.size(); ++i) {
      const std::string& field = c.family->fields[i].name;
      // Not sizes: SMs, ranks that share the work, the mask, the skew; more experts of the same tokens are less work for each (low latency).
      static const std::set<std::string> not_sizes = {"sms", "ep", "tp", "causal", "skew", "node_limit"};
      if (not_sizes.count(field) != 0 || (field == "experts" && c.family->name.rfind("deepep_ll", 0) == 0)) continue;
      KernelCall large = c;
      for (int doubling = 0; doubling < 8; ++doubling) {
        const KernelCall small = large;
        large.at[i] *= 2;
        if (large.at[i] == 0 || large.at[i] > c.family->fields[i].high) break;
        const std::string step = field + " " + std::to_string(large.at[i]);
        CAPTURE(step);
        const double before = size_time(small, form, g), after = size_time(large, form, g);
        CHECK(after >= before * (1 - may_save(small, large, form, g)));
      }
    }
  });
}

TEST_CASE("fewer SMs are never faster, but for tiles that a library estimates badly") {
  const Gpu g = gpu();
  everywhere([&](const KernelCall& c, const KernelForm& form) {
    for (std::size_t i = 0; i < c.family->fields.size(); ++i) {
      if (c.family->fields[i].name != "sms") continue;
      KernelCall with = c;
      with.at[i] = g.sms.value;
      double floor = 0;
      for (const double sms : {120.0, 112.0, 108.0, 88.0, 66.0, 33.0, 16.0, 4.0, 1.0}) {
        const KernelCall more = with;
        with.at[i] = sms;
        CAPTURE(sms);
        const double us = size_time(with, form, g), before = size_time(more, form, g);
        CHECK(us >= before * (1 - may_save(more, with, form, g)));
        CHECK(roofline(with, g).value() >= floor);
        floor = roofline(with, g).value();
      }
    }
  });
}

TEST_CASE("no SMs named are all SMs of the GPU") {
  const Gpu g = gpu();
  everywhere([&](const KernelCall& c, const KernelForm& form) {
    for (std::size_t i = 0; i < c.family->fields.size(); ++i) {
      if (c.family->fields[i].name != "sms" || c.family->fields[i].fallback != 0) continue;
      KernelCall all = c, none = c;
      all.at[i] = g.sms.value;
      none.at[i] = 0;
      CHECK(start_time(all, form, g) == start_time(none, form, g));
    }
  });
}

TEST_CASE("impossible shapes are refused with place and hint, field by field") {
  const auto refused = [](const KernelFamily& family, const std::string& variant, const Shape& shape, const std::string& part) {
    try {
      kernel_call(family, variant, shape, "here");
      FAIL("accepted: " << part);
    } catch (const UserError& e) {
      REQUIRE(e.problems().size() == 1);
      CHECK(e.problems().front().place == "here");
      CHECK(!e.problems().front().hint.empty());
      CHECK_MESSAGE(has(e.what(), part), e.what());
    }
  };
  for (const KernelFamily& family : kernel_families()) {
    CAPTURE(family.name);
    const Shape good = shapes_of(family.name).back();
    refused(family, "no such variant", good, "no such variant");
    Shape more = good;
    more["widht"] = 1;
    refused(family, "", more, "widht");
    for (const ShapeField& f : family.fields) {
      CAPTURE(f.name);
      Shape bad = good;
      for (const double x : {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 2 * f.high}) {
        bad[f.name] = x;
        refused(family, "", bad, f.name);
      }
      if (f.whole) {
        bad[f.name] = 1.5;
        refused(family, "", bad, f.name);
      }
      bad[f.name] = 0;
      if (f.fallback != 0 && !f.or_zero) refused(family, "", bad, f.name);
      bad.erase(f.name);
      if (f.fallback < 0) refused(family, "", bad, f.name);
    }
  }
  try {
    kernel_family("gem", "here");
    FAIL("accepted");
  } catch (const UserError& e) {
    CHECK(has(e.what(), "did you mean \"gemm\""));
  }
}

TEST_CASE("a call's text has the fields that are not at their fallback") {
  CHECK(to_text(call("gemm", "", {{"m", 128}, {"n", 7168}, {"k", 16384}})) == "m=128 n=7168 k=16384");
  CHECK(to_text(call("gemm", "", {{"m", 128}, {"n", 7168}, {"k", 16384}, {"sms", 108}})) == "m=128 n=7168 k=16384 sms=108");
  CHECK(to_text(call("attention_forward", "", {{"heads", 4}, {"seq", 64}, {"causal", 0}})) == "heads=4 seq=64 causal=0");
}

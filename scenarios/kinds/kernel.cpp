// How long kernels of one family take over a grid of shapes, beside what the hardware allows at best.
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"
#include "scenarios/kinds/kernel_reading.h"

namespace weft::scenarios {
namespace {

using models::KernelCall;

struct Asked {
  KernelCall call;
  Row labels;
};

class KernelAnalysis final : public Analysis {
 public:
  KernelAnalysis(std::shared_ptr<const models::CostModel> model, const models::KernelFamily& family, std::string variant, std::vector<Asked> asked)
      : model_(std::move(model)), family_(family), variant_(std::move(variant)), asked_(std::move(asked)) {}

  std::vector<Row> rows(const Cluster&) const override {
    std::vector<Row> rows;
    for (const Asked& a : asked_) rows.push_back(row_of(a));
    return rows;
  }

  std::vector<ConstantUsed> constants(const Cluster&) const override {
    std::vector<ConstantUsed> all = models::constants_of(model_->gpu());
    for (ConstantUsed& c : models::constants_of(*model_, calls())) all.push_back(std::move(c));
    return all;
  }

  std::vector<ColumnDoc> labels() const override {
    std::vector<ColumnDoc> docs;
    for (const models::ShapeField& f : family_.fields) docs.push_back({f.name, f.meaning});
    return docs;
  }

  Json resolved() const override {
    Json shapes = Json::array();
    for (const Asked& a : asked_) shapes.push_back(models::to_text(a.call));
    return {{"gpu", model_->gpu().name}, {"family", family_.name}, {"variant", variant_}, {"cost_model", models::to_text(model_->wanted())},
            {"shape", std::move(shapes)}};
  }

  const models::CostModel* cost_model() const override { return model_.get(); }
  std::vector<std::string> warnings() const override { return models::warnings_on(*model_, calls()); }

 private:
  std::vector<KernelCall> calls() const {
    std::vector<KernelCall> all;
    for (const Asked& a : asked_) all.push_back(a.call);
    return all;
  }

  Row row_of(const Asked& a) const {
    const models::KernelTime t = model_->time(a.call);
    Row r;
    r.set("gpu", model_->gpu().name).set("family", family_.name).set("kernel_variant", variant_);
    for (const auto& [name, cell] : a.labels.cells()) r.set(name, cell);
    r.set("time_us", t.time.value() * 1e6);
    double flop = 0, longest = -1;
    std::string slowest;
    for (const models::Demand& d : family_.demands(a.call, model_->gpu())) {
      if (d.rate <= 0) continue;
      if (d.unit == "FLOP") flop += d.amount;
      else if (r.find("GBps") == nullptr && t.time.value() > 0) r.set("GBps", d.amount / t.time.value() / 1e9);
      if (d.amount / d.rate > longest) slowest = d.resource;
      longest = std::max(longest, d.amount / d.rate);
    }
    if (longest > 0) {
      r.set("roofline_us", t.roofline.value() * 1e6).set("gap_pct", 100 * (t.time / t.roofline - 1)).set("bound_by", slowest);
    }
    if (flop > 0) r.set("tflops", flop / t.time.value() / 1e12);
    add_reasons(r, t);
    return r;
  }

  std::shared_ptr<const models::CostModel> model_;
  const models::KernelFamily& family_;
  std::string variant_;
  std::vector<Asked> asked_;
};

constexpr std::size_t kMostShapes = 100'000;

/// One object of "shape": lists make a grid, the last field runs fastest.
void read_shapes(JsonReader& where, const models::KernelFamily& family, const std::string& variant, std::vector<Asked>& out) {
  if (!where.expect_object("the shape of a kernel, by its fields")) return;
  const std::size_t before = where.problems().list().size();
  std::vector<std::pair<std::string, std::vector<double>>> axes;
  std::size_t points = 1;
  for (auto& [name, member] : where.members()) {
    std::vector<double> values;
    if (!member.is_array()) values.push_back(member.as_number());
    else for (const JsonReader& v : member.items()) values.push_back(v.as_number());
    if (values.empty()) return member.fail("expected at least one value");
    points *= values.size();
    if (points + out.size() > kMostShapes) return where.fail(fmt::format("these are more than {} shapes", kMostShapes));
    axes.emplace_back(name, std::move(values));
  }
  if (where.problems().list().size() != before) return;
  for (std::size_t point = 0; point < points; ++point) {
    std::map<std::string, double> shape;
    Asked asked;
    for (std::size_t a = axes.size(), rest = point; a-- > 0; rest /= axes[a].second.size()) shape[axes[a].first] = axes[a].second[rest % axes[a].second.size()];
    try {
      asked.call = models::kernel_call(family, variant, shape, "");
    } catch (const UserError& e) {
      return where.fail(e.problems().front().message, e.problems().front().hint);
    }
    for (const auto& [name, values] : axes) {
      const double v = shape[name];
      if (std::floor(v) == v && std::abs(v) < 9e15) asked.labels.set(name, static_cast<std::int64_t>(v));
      else asked.labels.set(name, v);
    }
    out.push_back(std::move(asked));
  }
}

std::unique_ptr<Analysis> read_kernel(JsonReader& where, const AnalysisContext& context) {
  const std::size_t before = where.problems().list().size();
  const models::Gpu gpu = models::read_gpu(where.at("gpu"), context.data);
  const models::KernelFamily* family = read_family(where);
  std::string variant = where.string("variant", "");
  const KernelChoice choice = models::read_kernel_choice(where);
  auto shape = where.at("shape");
  if (where.problems().list().size() != before) return nullptr;
  if (variant.empty()) variant = family->variants.front();
  std::vector<Asked> asked;
  if (std::find(family->variants.begin(), family->variants.end(), variant) == family->variants.end()) {
    where.fail_at("variant", fmt::format("{} has no variant \"{}\"", family->name, variant), unknown_name_hint(variant, family->variants));
    return nullptr;
  }
  if (shape.is_array()) {
    if (shape.items().empty()) shape.fail("expected at least one shape");
    for (JsonReader& one : shape.items()) read_shapes(one, *family, variant, asked);
  } else {
    read_shapes(shape, *family, variant, asked);
  }
  if (where.problems().list().size() != before) return nullptr;
  if (const std::string what = lacking(asked.front().call, gpu); !what.empty()) {
    where.fail_at("variant", what, fmt::format("its variants are {}", fmt::join(family->variants, ", ")));
    return nullptr;
  }
  return std::make_unique<KernelAnalysis>(context.model(gpu, choice, where.pointer() + "/calibration"), *family, variant, std::move(asked));
}

}  // namespace

AnalysisKind analysis_kernel() {
  AnalysisKind k;
  k.name = "kernel";
  k.title = "Kernel times";
  k.summary = "How long kernels of one family take on one GPU, alone, by the cost model of the run (--cost-model, --calibration), beside the "
              "roofline: the longest of what a kernel demands of each resource over that resource's peak.";
  k.uses_cluster = false;
  k.found_by = "times of the cost model";
  k.parameters = {{"gpu", "a name (weft list hardware), a path or an object"},
                  {"family", "what kind of kernel: weft list kernels"},
                  {"variant", "data type or flavour; default: the family's first"},
                  {"shape", "the family's fields, {\"m\": [64, 128], \"n\": 7168, \"k\": 16384}; lists make a grid; or a list of such objects"},
                  {"cost_model", "roofline, fitted or measured, for this workload; default: that of the run"},
                  {"calibration", "a calibration, or a list of them, that wins over those of the run in this workload"}};
  k.label_columns = {{"gpu", "the GPU"}, {"family", "kind of kernel"}, {"kernel_variant", "its data type or flavour"}};
  k.columns = {{"time_us", "how long the kernel takes"},
               {"roofline_us", "nothing can be faster: the longest of amount over peak rate (absent when it demands nothing)"},
               {"gap_pct", "how far the time lies above the roofline"},
               {"bound_by", "the resource that makes the roofline", true},
               {"tflops", "operations over the time (absent when there are none)"},
               {"GBps", "bytes of the kernel's first memory or link over the time (absent when it moves none)", true}};
  for (const ColumnDoc& d : reason_columns()) k.columns.push_back(d);
  k.read = read_kernel;
  return k;
}

}  // namespace weft::scenarios

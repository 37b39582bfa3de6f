#include "scenarios/record_program.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "scenarios/case_run.h"
#include "scenarios/resolve.h"
#include "sim/core/error.h"
#include "workloads/symmetry.h"

namespace weft::scenarios {
namespace {

using workloads::Case;
using workloads::NamedOperation;
using workloads::NamedProgram;
using workloads::Program;
using workloads::Sink;

/// Plays another program and writes down what it emits. It has no symmetry and no parts, so that every operation is seen.
class Recording final : public Program, private Sink {
 public:
  Recording(std::unique_ptr<Program> inside, NamedProgram& out) : inside_(std::move(inside)), out_(out) {
    if (const auto symmetry = inside_->symmetry()) owners_ = symmetry;
    std::unordered_set<std::string> names;
    for (workloads::CommKernel k : inside_->kernels()) {
      if (k.name.empty()) k.name = "kernel";
      while (!names.insert(k.name).second) k.name += "'";
      out_.kernels.push_back(std::move(k));
    }
  }

  std::span<const workloads::CommKernel> kernels() const override { return inside_->kernels(); }
  void start(Sink& sink) override {
    sink_ = &sink;
    inside_->start(*this);
  }
  void on_complete(OpId id, Seconds now, Sink& sink) override {
    sink_ = &sink;
    cause_ = id;
    inside_->on_complete(id, now, *this);
    cause_ = OpId();
  }

  /// Names become places once all are known.
  void finish() {
    for (std::size_t i = 0; i < after_.size(); ++i) {
      std::vector<std::uint32_t>& after = out_.operations[i].after;
      for (const OpId id : after_[i]) {
        const auto at = place_.find(id.value);
        if (at == place_.end()) throw RunError(fmt::format("operation {} waits for operation {}, which never came", out_.operations[i].name, id.value));
        after.push_back(at->second);
      }
      std::sort(after.begin(), after.end());
      after.erase(std::unique(after.begin(), after.end()), after.end());
    }
  }

 private:
  void transfer(const workloads::Transfer& t, std::span<const OpId> after) override {
    NamedOperation op;
    op.kind = NamedOperation::Kind::transfer;
    op.bytes = t.bytes;
    op.legs.assign(t.legs.begin(), t.legs.end());
    op.options = {t.kernel, t.extra_latency, t.latency_mode, t.weight, t.rate_cap, t.flow_key};
    legs_ += op.legs.size();
    keep('t', t.id, std::move(op), after);
    sink_->transfer(t, after);
  }
  void compute(const workloads::Compute& c, std::span<const OpId> after) override {
    NamedOperation op;
    op.kind = NamedOperation::Kind::compute;
    op.duration = c.duration;
    if (c.stream.valid()) op.stream = fmt::format("s{}", c.stream.value);
    op.sms = c.sms;
    op.rank = owner(c.id);
    keep('c', c.id, std::move(op), after);
    sink_->compute(c, after);
  }
  void marker(OpId id, Seconds delay, std::span<const OpId> after) override {
    NamedOperation op;
    op.duration = delay;
    op.rank = owner(id);
    keep('m', id, std::move(op), after);
    sink_->marker(id, delay, after);
  }

  std::optional<Rank> owner(OpId id) const {
    if (!owners_ || owners_->owner(id) >= out_.ranks) return std::nullopt;
    return Rank(owners_->owner(id));
  }

  void keep(char kind, OpId id, NamedOperation op, std::span<const OpId> after) {
    if (out_.operations.size() == workloads::kMostNamedOperations || legs_ > workloads::kMostNamedLegs) {
      throw UserError("--scenario", fmt::format("the workload comes to more than {} operations or {} legs", workloads::kMostNamedOperations, workloads::kMostNamedLegs),
                      "choose a smaller case: --set /workload/ID/gpus=64");
    }
    op.name = fmt::format("{}{}", kind, id.value);
    place_.try_emplace(id.value, static_cast<std::uint32_t>(out_.operations.size()));
    out_.operations.push_back(std::move(op));
    after_.emplace_back(after.begin(), after.end());
    if (cause_.valid()) after_.back().push_back(cause_);
  }

  std::unique_ptr<Program> inside_;
  NamedProgram& out_;
  std::shared_ptr<workloads::Symmetry> owners_;
  Sink* sink_ = nullptr;
  OpId cause_;
  std::vector<std::vector<OpId>> after_;
  std::unordered_map<std::uint32_t, std::uint32_t> place_;
  std::size_t legs_ = 0;
};

struct Found {
  const ResolvedVariant* variant;
  Case c;
  std::string name;
};

/// All cases whose name is `name`, or part of it: "WORKLOAD", "VARIANT/WORKLOAD", with or without labels.
std::vector<Found> cases_named(const std::vector<ResolvedVariant>& variants, const std::string& name, std::vector<std::string>& known) {
  std::vector<Found> found;
  for (const ResolvedVariant& v : variants) {
    for (const ResolvedWorkload& w : v.workloads) {
      if (!w.workload) continue;
      topology::Router router(v.cluster->fabric(), v.cluster->routing());
      std::vector<Case> cases;
      try {
        cases = w.workload->cases(v.cluster->view(router));
      } catch (const UserError& e) {
        throw placed(e, v.file, w.pointer);
      }
      for (Case& c : cases) {
        const std::string label = label_of(c), whole = fmt::format("{}/{}{}", v.name, w.id, label);
        known.push_back(whole);
        const bool base = &v == &variants.front();
        const bool means = name.empty() || name == whole || name == fmt::format("{}/{}", v.name, w.id) || (base && (name == w.id || name == w.id + label));
        if (means) found.push_back({&v, std::move(c), whole});
      }
    }
  }
  return found;
}

}  // namespace

NamedProgram record_program(const Scenario& scenario, const DataPlaces& data, const RunOptions& options, const std::string& name) {
  const std::vector<ResolvedVariant> variants = resolve(scenario, data, options.seed, options.kernel_times.get());
  std::vector<std::string> known;
  const std::vector<Found> found = cases_named(variants, name, known);
  if (known.empty()) throw UserError("--scenario", "nothing in this scenario is simulated", "price, paths and models have no program");
  if (found.empty()) throw UserError("--of", fmt::format("no workload is called \"{}\"", name), unknown_name_hint(name, known));
  if (found.size() > 1) {
    throw UserError("--of", fmt::format("{} runs are meant{}", found.size(), name.empty() ? "" : fmt::format(" by \"{}\"", name)),
                    fmt::format("name one, for example --of '{}'", found.front().name));
  }
  const Found& one = found.front();
  const topology::Fabric& fabric = one.variant->cluster->fabric();
  NamedProgram out;
  out.ranks = fabric.placement().ranks();
  out.per_node = fabric.placement().gpus_per_node();
  Recording recording(one.c.program(0), out);
  topology::Router router(fabric, one.variant->cluster->routing());
  engine::TimelineSink nothing;
  options.engine.run(router, recording, engine_options(options, *one.variant->cluster), nothing);
  recording.finish();
  return out;
}

}  // namespace weft::scenarios

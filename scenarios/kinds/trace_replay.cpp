// A profiler's trace played again, as it was or with a what-if: its span, its phases, and how much of its communication is hidden.
#include <algorithm>
#include <cmath>
#include <mutex>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/calibration/readers/trace_facts.h"
#include "scenarios/analysis_kind.h"
#include "scenarios/replay/replay.h"

namespace weft::scenarios {
namespace {

using namespace replay;
using workloads::replay::Recording;

class TraceReplay final : public Analysis {
 public:
  TraceReplay(Recording recording, WhatIf what, std::unique_ptr<Cluster> recorded_on, KernelModels kernels, const AnalysisContext& context,
              Json resolved)
      : recording_(std::move(recording)),
        dependencies_(workloads::replay::dependencies_of(recording_)),
        what_(std::move(what)),
        recorded_on_(std::move(recorded_on)),
        kernels_(std::move(kernels)),
        data_(context.data),
        resolved_(std::move(resolved)) {
    run_.seed = context.seed;
  }

  std::vector<Row> rows(const Cluster& cluster) const override {
    const Replay& r = run(cluster);
    std::vector<Row> rows;
    const auto add = [&](const std::string& phase, std::int64_t runs, double recorded_s, double replayed_s) -> Row& {
      Row row;
      row.set("phase", phase).set("runs", runs).set("recorded_ms", 1e3 * recorded_s).set("replayed_ms", 1e3 * replayed_s);
      const double pct = recorded_s > 0 ? 100 * (replayed_s / recorded_s - 1) : 0;
      row.set("difference_pct", std::abs(pct) < 1e-6 ? 0.0 : pct);  // rounding of the clock is no difference
      return rows.emplace_back(std::move(row));
    };
    Row& span = add("span", 1, r.recorded.span_s, r.replayed.span_s);
    span.set("recorded_hidden_pct", r.recorded.hidden_pct()).set("hidden_pct", r.replayed.hidden_pct());
    add("computing", 1, r.recorded.computing_s, r.replayed.computing_s);
    add("communication", 1, r.recorded.communication_s, r.replayed.communication_s);
    add_phases(r, add);
    return rows;
  }

  std::vector<std::string> notes(const Cluster& cluster) const override { return run(cluster).notes; }
  std::vector<ConstantUsed> constants(const Cluster& cluster) const override {
    std::vector<ConstantUsed> all = run(cluster).durations.constants;
    const std::string value = fmt::format("{} operations on {} streams, {:.3f} ms", recording_.ops.size(), recording_.streams.size(),
                                          recording_.span_us() * 1e-3);
    all.insert(all.begin(), {"trace " + resolved_.at("trace").get<std::string>(), value, Origin::measured,
                             recording_.source.empty() ? "the profiler's file" : recording_.source});
    return all;
  }
  Json resolved() const override { return resolved_; }
  const models::CostModel* cost_model() const override { return kernels_.now.get(); }

 private:
  /// The span over the layers, then each phase: mean over its runs.
  template <class Add>
  void add_phases(const Replay& r, const Add& add) const {
    struct Sum {
      std::string name;
      std::int64_t runs = 0;
      double recorded_s = 0, replayed_s = 0;
    };
    std::vector<Sum> sums;
    for (const PhaseTimes& p : r.phases) {
      auto at = std::find_if(sums.begin(), sums.end(), [&](const Sum& s) { return s.name == p.name; });
      if (at == sums.end()) at = sums.insert(sums.end(), Sum{p.name});
      ++at->runs;
      at->recorded_s += p.recorded_s;
      at->replayed_s += p.replayed_s;
    }
    std::int64_t layers = 0;
    for (const Sum& s : sums) layers = std::max(layers, s.runs);
    if (layers == 0) return;
    const auto mean = [&](const std::string& name, std::int64_t n, double recorded_s, double replayed_s) {
      add(name, n, recorded_s / static_cast<double>(n), replayed_s / static_cast<double>(n));
    };
    mean("layer", layers, r.recorded.span_s, r.replayed.span_s);
    for (const Sum& s : sums) mean(s.name, s.runs, s.recorded_s, s.replayed_s);
  }

  /// Once for a cluster, whoever asks first.
  const Replay& run(const Cluster& cluster) const {
    const std::lock_guard lock(running_);
    if (ran_on_ != &cluster) {
      const bool same = resolved_.at("recorded_cluster") == cluster.resolved();
      result_ = replay::replay(recording_, dependencies_, what_, {recorded_on_.get(), same ? recorded_on_.get() : &cluster}, kernels_,
                               data_, run_);
      ran_on_ = &cluster;
    }
    return result_;
  }

  Recording recording_;
  workloads::replay::Dependencies dependencies_;
  WhatIf what_;
  std::unique_ptr<Cluster> recorded_on_;
  KernelModels kernels_;
  DataPlaces data_;
  RunOptions run_;
  Json resolved_;
  mutable std::mutex running_;
  mutable const Cluster* ran_on_ = nullptr;
  mutable Replay result_;
};

std::unique_ptr<Analysis> read_trace_replay(JsonReader& where, const AnalysisContext& context) {
  const std::size_t before = where.problems().list().size();
  const std::string trace = where.string("trace");
  WhatIf what;
  what.no_communication = !where.boolean_or("communication", true);
  what.balanced = where.boolean_or("balanced", false);
  what.predicted = where.boolean_or("predicted", false);
  what.fixed_limits = where.boolean_or("fixed_limits", false);
  what.gpu = where.string("gpu", "");
  what.recorded_gpu = where.string("recorded_gpu", "");
  if (where.has("comm_sms")) what.comm_sms = where.integer("comm_sms", 0, 100000);
  what.kernels = models::read_kernel_choice(where);
  what.usual_calibrations = context.kernels.options().calibrations.empty();
  const auto given = where.maybe("recorded_cluster");
  if (where.problems().list().size() != before) return nullptr;
  Recording recording = workloads::replay::recording_of(models::find_trace(trace, context.data, "/trace"), context.data);
  const Json usual = usual_cluster(recording);
  auto recorded_on =
      Cluster::read(given ? *given : JsonReader(usual, where.file(), where.problems(), where.pointer() + "/recorded_cluster"), context.data,
                    context.seed);
  if (where.problems().list().size() != before) return nullptr;
  Json resolved = {{"trace", trace},
                   {"communication", !what.no_communication},
                   {"balanced", what.balanced},
                   {"predicted", what.predicted},
                   {"fixed_limits", what.fixed_limits},
                   {"gpu", what.gpu},
                   {"recorded_gpu", what.recorded_gpu},
                   {"recorded_cluster", recorded_on->resolved()}};
  if (what.comm_sms) resolved["comm_sms"] = *what.comm_sms;
  KernelModels kernels = kernel_models(recording, what, context.data, context.source());
  if (kernels.now) resolved["cost_model"] = models::to_text(kernels.now->wanted());
  if (!what.kernels.calibrations.empty()) resolved["calibration"] = what.kernels.calibrations;
  return std::make_unique<TraceReplay>(std::move(recording), std::move(what), std::move(recorded_on), std::move(kernels), context,
                                       std::move(resolved));
}

}  // namespace

AnalysisKind analysis_trace_replay() {
  AnalysisKind k;
  k.name = "trace_replay";
  k.title = "A trace played again";
  k.summary =
      "The GPU operations of a profiler's trace with its durations and launch gaps; start times come from the engine. What-ifs change "
      "durations: a "
      "communication kernel by its simulated time on the scenario's cluster over that on the recorded one, a computing kernel by its cost "
      "model.";
  k.found_by = "a recorded trace, played again on the engine";
  k.parameters = {
      {"trace",
       "a recording that weft ships by name, a path to a trace of PyTorch's profiler, or one to the facts of such a trace; relative paths "
       "are looked for in $WEFT_REFERENCE too"},
      {"communication", "false: exchanges and waits for peers take no time; default true"},
      {"balanced", "experts get the mean of the rows, ranks send the mean, and none is late; default false"},
      {"predicted", "durations from cost models and the simulated network; default false"},
      {"gpu", "another GPU; default: the one of the trace"},
      {"recorded_gpu", "the GPU of the trace where weft does not know its device"},
      {"comm_sms", "SMs that communication takes from computing kernels; default: as recorded"},
      {"fixed_limits",
       "communication kernels keep their fitted rates on faster links; default false: they keep their share of the links' rates"},
      {"recorded_cluster", "a cluster: what the trace was recorded on; default: H800 nodes for its ranks on eight planes"},
      {"cost_model", "roofline, fitted or measured; default fitted"},
      {"calibration", "a calibration, or a list of them; default: the training's of the GPU where there is one"}};
  k.label_columns = {{"phase",
                      "a phase by its annotation (mean of its runs); span: first start to last end; layer: span over the layers; "
                      "computing, communication: time in which some such operation runs"}};
  k.columns = {{"runs", "how many of it are in the trace"},
               {"recorded_ms", "as the profiler saw it"},
               {"replayed_ms", "as it is played again"},
               {"difference_pct", "replayed against recorded"},
               {"recorded_hidden_pct", "part of the communication during which something computes, as recorded", true},
               {"hidden_pct", "the same, as it is played again"}};
  k.read = read_trace_replay;
  return k;
}

}  // namespace weft::scenarios

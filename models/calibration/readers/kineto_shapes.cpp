#include "models/calibration/readers/kineto_shapes.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/json.h"

namespace weft::models {
namespace {

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

KnownTraining read_known(const std::string& path) {
  const Json json = read_json_file(path);
  Problems problems;
  JsonReader r(json, path, problems);
  KnownTraining t;
  t.title = r.string("title");
  t.source = r.string("source");
  t.kernel = r.string("kernel");
  JsonReader memory = r.at("shared_memory");
  t.shared_memory_base = memory.number("base", 0, 1e9);
  t.k_per_byte = memory.number("k_per_byte", 1e-6, 1e6);
  memory.done();
  for (auto [name, field] : {std::pair{"experts", &t.experts}, {"topk", &t.topk}, {"hidden", &t.hidden}, {"heads", &t.heads}, {"rope", &t.rope},
                             {"expert_width", &t.expert_width}, {"gpus_per_node", &t.gpus_per_node}}) {
    *field = r.number(name, 1, 1e9);
  }
  for (auto& [name, list] : r.at("phases").members()) {
    for (JsonReader g : list.items()) {
      KnownGemm gemm{g.string("op"), g.one_of("kind", {"gemm", "grouped", "wgrad", "bf16", "bf16_wgrad"}), 0, 0, 0};
      gemm.m = g.number_or("m", 0, 0, 1e9);
      gemm.n = g.number_or("n", 0, 0, 1e9);
      gemm.k = g.number_or("k", 0, 0, 1e9);
      g.done();
      t.phases[name].push_back(gemm);
    }
  }
  for (auto& [phase, earlier] : r.at("after").members()) t.after[phase] = earlier.as_string();
  for (auto& [operation, g] : r.at("expert_gradients").members()) {
    t.expert_gradients[operation] = {g.number("m", 1, 1e9), g.number("n", 1, 1e9), g.string("rows_of")};
    g.done();
  }
  r.done();
  problems.throw_if_any();
  return t;
}

/// The kind of GEMM that a kernel is, in the words of the data file; empty for what is none.
std::string gemm_word(const KernelKind& kind) {
  if (kind.family == "grouped_gemm") return "grouped";
  if (kind.family == "gemm") return kind.variant == "bfloat16" ? "bf16" : "gemm";
  if (kind.family == "gemm_wgrad") return kind.variant == "bfloat16" ? "bf16_wgrad" : "wgrad";
  return {};
}

/// Kernels that run one block a token or a row.
bool is_cast_by_rows(const TraceKernel& k) { return holds(k.name, "per_token_cast_to_fp8"); }

/// Puts shapes on the GEMMs of one phase; says why it cannot.
std::string place_gemms(const Trace& trace, const KnownTraining& known, const std::vector<KnownGemm>& gemms, const PhaseRun& run, double sms, std::vector<KernelShape>& shapes) {
  std::vector<std::size_t> found;
  for (const std::size_t i : run.kernels) {
    if (!gemm_word(shapes[i].kind).empty()) found.push_back(i);
  }
  if (found.size() != gemms.size()) return fmt::format("{} GEMMs where {} are known", found.size(), gemms.size());
  for (std::size_t j = 0; j < found.size(); ++j) {
    const TraceKernel& k = trace.kernels[found[j]];
    const KnownGemm& gemm = gemms[j];
    if (gemm_word(shapes[found[j]].kind) != gemm.kind) return fmt::format("GEMM {} is a {} where {} was expected", j + 1, gemm_word(shapes[found[j]].kind), gemm.kind);
    const double told = (k.shared_memory - known.shared_memory_base) * known.k_per_byte;
    if ((gemm.kind == "gemm" || gemm.kind == "grouped") && told != gemm.k) return fmt::format("{}: K is {} by its shared memory, {} was expected", gemm.operation, told, gemm.k);
  }
  const double groups = trace.world_size > 0 ? known.experts / trace.world_size : 0;
  for (std::size_t j = 0; j < found.size(); ++j) {
    const KnownGemm& gemm = gemms[j];
    KernelShape& s = shapes[found[j]];
    s.operation = gemm.operation;
    if (gemm.n == 0) continue;   // told to be unknown
    if (gemm.kind == "grouped") {
      if (run.rows > 0 && groups >= 1) s.shape = {{"groups", groups}, {"m", run.rows / groups}, {"n", gemm.n}, {"k", gemm.k}, {"sms", sms}};
    } else if (gemm.m > 0) {
      s.shape = {{"m", gemm.m}, {"n", gemm.n}, {"k", run.tokens}, {"sms", sms}};
    } else {
      s.shape = {{"m", run.tokens}, {"n", gemm.n}, {"k", gemm.k}, {"sms", sms}};
    }
  }
  return {};
}

void place_attention(const Trace& trace, const KnownTraining& known, const PhaseRun& run, double sms, std::vector<KernelShape>& shapes) {
  for (const std::size_t i : run.kernels) {
    KernelShape& s = shapes[i];
    if (s.kind.family != "attention_forward" && s.kind.family != "attention_backward") continue;
    // Blocks of 128 queries by heads; with another grid it is not this attention.
    if (trace.kernels[i].grid[0] * 128 != run.tokens || trace.kernels[i].grid[1] != known.heads) continue;
    s.operation = s.kind.family == "attention_forward" ? "attention" : "attention_backward";
    s.shape = {{"batch", 1}, {"heads", known.heads}, {"kv_heads", known.heads}, {"seq", run.tokens}, {"d_qk", 128 + known.rope}, {"d_v", 128}, {"causal", 1}, {"sms", sms}};
  }
}

void place_communication(const Trace& trace, const KnownTraining& known, const PhaseRun& run, std::vector<KernelShape>& shapes) {
  if (trace.world_size < 1) return;
  for (const std::size_t i : run.kernels) {
    KernelShape& s = shapes[i];
    if (s.kind.family != "deepep_dispatch" && s.kind.family != "deepep_combine") continue;
    s.shape = {{"nodes", std::ceil(trace.world_size / known.gpus_per_node)}, {"hidden", known.hidden}, {"tokens", run.tokens}, {"topk", known.topk},
               {"experts", known.experts}, {"sms", trace.kernels[i].blocks()}};
    s.operation = s.kind.family == "deepep_combine" ? "combine kernel" : "dispatch kernel";
  }
}

}  // namespace

std::optional<KnownTraining> known_training(const Trace& trace, const DataPlaces& data) {
  for (const std::string& name : data.names("models/data/traces")) {
    KnownTraining t = read_known(data.find("models/data/traces", name).string());
    const bool phases = std::all_of(t.phases.begin(), t.phases.end(), [&](const auto& p) { return std::find(trace.phases.begin(), trace.phases.end(), p.first) != trace.phases.end(); });
    const bool kernel = std::any_of(trace.kernels.begin(), trace.kernels.end(), [&](const TraceKernel& k) { return holds(k.name, t.kernel); });
    if (phases && kernel) return t;
  }
  return std::nullopt;
}

TraceSizes sizes_of(const Trace& trace) {
  TraceSizes s;
  double communication = 0;
  for (const TraceKernel& k : trace.kernels) {
    if (is_cast_by_rows(k) && (s.tokens == 0 || k.grid[0] < s.tokens)) s.tokens = k.grid[0];
    const std::string family = kernel_kind(k.name).family;
    if (family == "deepep_dispatch" || family == "deepep_combine") communication = std::max(communication, k.blocks());
  }
  if (trace.sms == 0) {
    s.unknown = "the trace does not say how many SMs its GPU has (deviceProperties, numSms)";
  } else if (trace.sms <= communication) {
    s.unknown = fmt::format("the trace says that its GPU has {} SMs, and communication kernels alone run on {}", trace.sms, communication);
  } else {
    s.sms = trace.sms - communication;
  }
  return s;
}

std::vector<PhaseRun> phase_runs(const Trace& trace, const TraceSizes& sizes) {
  std::map<int, PhaseRun> runs;
  for (std::size_t i = 0; i < trace.kernels.size(); ++i) {
    const TraceKernel& k = trace.kernels[i];
    if (k.phase_number < 0) continue;
    PhaseRun& run = runs[k.phase_number];
    run.tokens = sizes.tokens;
    run.kernels.push_back(i);
    if (is_cast_by_rows(k) && k.grid[0] > sizes.tokens) run.rows = std::max(run.rows, k.grid[0]);
    if (holds(k.name, "reduce_fused_impl")) run.received = k.grid[0];
  }
  std::vector<PhaseRun> out;
  for (auto& [number, run] : runs) out.push_back(std::move(run));
  return out;
}

std::vector<KernelShape> shapes_of(const Trace& trace, const KnownTraining& known, std::vector<std::string>& notes) {
  std::vector<KernelShape> shapes(trace.kernels.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) shapes[i].kind = kernel_kind(trace.kernels[i].name);
  const TraceSizes sizes = sizes_of(trace);
  if (!sizes.unknown.empty()) {
    notes.push_back("shapes unknown: " + sizes.unknown);
    return shapes;
  }
  std::map<std::string, int> odd;
  for (const PhaseRun& run : phase_runs(trace, sizes)) {
    const std::string& name = trace.kernels[run.kernels.front()].phase;
    place_attention(trace, known, run, sizes.sms, shapes);
    place_communication(trace, known, run, shapes);
    const auto gemms = known.phases.find(name);
    if (gemms == known.phases.end()) continue;
    const std::string why = place_gemms(trace, known, gemms->second, run, sizes.sms, shapes);
    if (!why.empty()) ++odd[fmt::format("{}: shapes unknown: {}", name, why)];
    add_bytes(trace, known, run, sizes.sms, shapes);
  }
  for (const auto& [why, times] : odd) notes.push_back(fmt::format("{} ({} time{})", why, times, times == 1 ? "" : "s"));
  return shapes;
}

}  // namespace weft::models

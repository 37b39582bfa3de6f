#include "sim/cli/show_phases.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "models/llm/infer_phases.h"
#include "models/llm/train_phases.h"
#include "scenarios/kernel_times.h"
#include "sim/cli/catalogue.h"
#include "sim/core/error.h"

namespace weft::cli {
namespace {

using namespace weft::models;

constexpr const char* kConstants = "deepseek_v3_h800";

/// One phase of one piece of the model.
struct Piece {
  std::string name, phase;
  std::vector<PhaseKernel> kernels;
};

std::vector<Piece> training_pieces(const Llm& m, const OpRequest& q) {
  TrainShape s;
  s.tokens = q.tokens;
  s.sequence = q.context;
  s.ep = q.ep;
  s.fp8 = q.fp8;
  std::vector<Piece> out;
  const auto add = [&](const char* name, TrainPhase p) { out.push_back({name, to_text(p), kernels_of(m, p, s)}); };
  for (const bool moe : {false, true}) {
    if ((moe ? m.moe_layers : m.dense_layers()) == 0) continue;
    s.moe = moe;
    for (const TrainPhase p : layer_phases()) add(moe ? "MoE layer" : "dense layer", p);
  }
  for (const TrainPhase p : train_phases()) {
    const bool of_mtp = to_text(p).starts_with("mtp");
    if (p < TrainPhase::embedding_forward || p == TrainPhase::optimizer || (of_mtp && m.mtp_modules == 0)) continue;
    add(of_mtp ? "MTP projection" : "ends", p);
  }
  return out;
}

std::vector<Piece> serving_pieces(const Llm& m, const OpRequest& q) {
  InferShape s;
  s.decode = q.phase == Phase::decode;
  s.tokens = q.tokens;
  s.requests = q.tokens / q.queries;
  s.kv_tokens = s.requests * q.context;
  s.prompts = q.tokens / q.context;
  s.pairs = s.prompts * q.context * (q.context + 1) / 2;
  s.ep = q.ep, s.redundant = q.redundant;
  s.fp8 = q.fp8, s.fp8_cache = q.fp8_cache;
  std::vector<Piece> out;
  for (const InferPhase p : infer_phases()) {
    const bool ends = p >= InferPhase::dispatch_send && p <= InferPhase::combine_receive;
    if (m.moe_layers == 0 && (p == InferPhase::experts || p == InferPhase::shared || ends)) continue;
    if ((ends && !s.decode) || (p == InferPhase::dense_mlp && m.dense_layers() == 0) || (p == InferPhase::mtp_projection && m.mtp_modules == 0)) continue;
    out.push_back({p >= InferPhase::embedding ? "ends" : p == InferPhase::dense_mlp ? "dense layer" : "layer", to_text(p), kernels_of(m, p, s)});
  }
  return out;
}

std::vector<Piece> pieces_of(const Llm& m, const OpRequest& q) { return q.phase == Phase::train ? training_pieces(m, q) : serving_pieces(m, q); }

double sms_of(const ShowOptions& options, const Gpu& gpu) {
  const auto given = options.numbers.find("sms");
  if (given == options.numbers.end()) return gpu.sms.value;
  if (!(given->second >= 1) || given->second > gpu.sms.value || std::floor(given->second) != given->second) {
    throw UserError("--sms", fmt::format("expected a whole number from 1 to {:.0f}, got {:g}", gpu.sms.value, given->second));
  }
  return given->second;
}

Row phase_row(const Piece& piece, const PhaseTime& t) {
  Row r;
  r.set("piece", piece.name).set("phase", piece.phase).set("time_ms", t.total.value() * 1e3).set("gemm_ms", t.gemm.value() * 1e3);
  r.set("attention_ms", t.attention.value() * 1e3).set("other_ms", t.other.value() * 1e3).set("gaps_ms", t.gaps.value() * 1e3);
  r.set("kernels", t.kernels).set("tflops", t.flops.value() / t.total.value() / 1e12);
  return r;
}

}  // namespace

void add_phases(reports::Listing& out, const DataPlaces& data, const Llm& m, const OpRequest& request, const ShowOptions& options) {
  const Gpu gpu = gpu_named(options.words.at("gpu"), data, "--gpu");
  const double sms = sms_of(options, gpu);
  std::vector<std::string> calibrations;
  if (options.words.contains("calibration")) calibrations.push_back(options.words.at("calibration"));
  // Beside communication kernels of training come first, for decode those that run alone on the GPU.
  const std::vector<std::string> shipped = data.names("models/calibrations");
  const bool training = request.phase == Phase::train, decode = request.phase == Phase::decode;
  for (const std::string& name : {gpu.name + (decode ? "_inference" : "_training"), gpu.name + (decode ? "_training" : "_inference")}) {
    if (std::find(shipped.begin(), shipped.end(), name) != shipped.end()) calibrations.push_back(name);
    if (training) break;
  }
  const auto model = scenarios::KernelTimes(data, {Fidelity::measured, calibrations, options.words.contains("force")}).model(gpu, {}, "--calibration");
  const TrainConstants constants = train_constants_named(kConstants, data, "--gpu");
  reports::Table phases, kernels;
  phases.id = "phases";
  phases.title = fmt::format("How long the phases of {} take on {:.0f} SMs of {}", training ? "a training step" : decode ? "decode" : "prefill", sms, gpu.name);
  phases.columns = {{"piece", "part of the model"}, {"phase", "between two exchanges"}, {"time_ms", "of one"}, {"gemm_ms", "of it: matrix products"},
                    {"attention_ms", "of it: attention itself"}, {"other_ms", "of it: what moves bytes"}, {"gaps_ms", "of it: between kernels"},
                    {"kernels", "launched"}, {"tflops", "10^12 operations a second"}};
  kernels.id = "phase_kernels";
  kernels.title = "Their kernels, in order";
  kernels.columns = {{"piece", "part of the model"}, {"phase", "between two exchanges"}, {"kernel", "what it does"}, {"family", "of kernels"},
                     {"variant", "data type or flavour"}, {"shape", "by the family's fields"}, {"count", "how many"}, {"stream", "streams run side by side"},
                     {"time_us", "of one"}};
  for (const Piece& piece : pieces_of(m, request)) {
    const std::vector<PhaseKernel>& list = piece.kernels;
    const PhaseTime t = phase_time(*model, list, sms, constants);
    phases.rows.push_back(phase_row(piece, t));
    if (t.roofline_only.value() > 0) {
      out.notes.push_back(fmt::format("{}, {}: {:.3g} of {:.3g} ms are rooflines, a lower bound: no calibration of {} has these kernels", piece.name, piece.phase,
                                      t.roofline_only.value() * 1e3, t.total.value() * 1e3, gpu.name));
    }
    for (const PhaseKernel& k : list) {
      Row r;
      r.set("piece", piece.name).set("phase", piece.phase).set("kernel", k.name).set("family", k.call.family->name).set("variant", k.call.variant);
      r.set("shape", models::to_text(k.call)).set("count", k.count).set("stream", static_cast<std::int64_t>(k.stream));
      r.set("time_us", kernel_time(*model, k, sms, constants).time.value() * 1e6);
      kernels.rows.push_back(std::move(r));
    }
  }
  out.tables.push_back(std::move(phases));
  out.tables.push_back(std::move(kernels));
  for (const std::string& caution : model->cautions()) out.notes.push_back(caution);
  if (!model->names().empty()) out.notes.push_back(fmt::format("Calibrations, the first that knows a kernel: {}", fmt::join(model->names(), ", ")));
  out.notes.push_back(fmt::format("Phases: routed rows are spread evenly, one GPU holds all heads{}; exchanges between GPUs are not among them.",
                                  training ? ", norms and SwiGLU are computed anew in backward" : ""));
  out.tables.push_back(constants_table(constants_of(constants)));
  out.tables.back().id = "kernel_constants";
}

}  // namespace weft::cli

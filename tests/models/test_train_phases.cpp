// The phases of a training step: kernels against DeepSeek's trace, their times, their operations, and how they change with sizes.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "models/calibration/measurement.h"
#include "models/llm/ops.h"
#include "models/llm/train_phases.h"
#include "tests/models/kernels_support.h"
#include "tests/models/llm_support.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

namespace {

const DataPlaces& places() {
  static const DataPlaces p = DataPlaces::standard();
  return p;
}

const TrainConstants& constants() {
  static const TrainConstants c = train_constants_named("deepseek_v3_h800", places(), "test");
  return c;
}

const CostModel& trained() {
  static const CostModel m(gpu(), {read_calibration("h800_training", places(), "test")}, Fidelity::measured, false, "test");
  return m;
}

// Rows of the routed experts in the trace's four layers, of the forward and of the backward micro-batch, and the tokens received for them.
struct Layer { double forward, forward_received, backward, backward_received; };

// The phases in the trace's own names, with their mean wall time over the four layers.
struct Recorded { TrainPhase phase; const char* name; double ms; };
const std::vector<Recorded> kRecorded = {
    {TrainPhase::attention_forward, "attn(F)", 4.599}, {TrainPhase::mlp_backward, "mlp(B)", 5.363}, {TrainPhase::mlp_weight, "mlp(W)", 5.073},
    {TrainPhase::mlp_forward, "mlp(F)", 4.641}, {TrainPhase::attention_backward, "attn(B)", 9.540}, {TrainPhase::attention_weight, "attn(W)", 2.396}};

bool is_forward(TrainPhase p) { return p == TrainPhase::attention_forward || p == TrainPhase::mlp_forward; }

TrainShape shape_of(const Layer& l, TrainPhase p) {
  TrainShape s;
  s.routed_rows = is_forward(p) ? l.forward : l.backward;
  s.received = is_forward(p) ? l.forward_received : l.backward_received;
  return s;
}

}  // namespace

TEST_CASE("dump") {
  const Llm v3 = shipped("deepseek-v3");
  const std::vector<Layer> layers = {{31104, 29000, 34688, 32120}, {30976, 28856, 32512, 30048}, {36864, 34000, 32896, 30500}, {31104, 29000, 28416, 26500}};
  for (const double sms : {112.0, 132.0}) {
    double sum = 0, real = 0;
    for (const Recorded& r : kRecorded) {
      PhaseTime t;
      double ms = 0;
      for (const Layer& l : layers) {
        t = phase_time(trained(), kernels_of(v3, r.phase, shape_of(l, r.phase)), sms, constants());
        ms += t.total.value() * 1e3 / 4;
      }
      sum += ms; real += r.ms;
      std::printf("%s %g: %.3f vs %.3f %+.1f%%  gemm %.3f attn %.3f other %.3f gaps %.3f roofline %.3f kernels %g\n", r.name, sms, ms, r.ms, (ms / r.ms - 1) * 100, t.gemm.value() * 1e3, t.attention.value() * 1e3, t.other.value() * 1e3, t.gaps.value() * 1e3, t.roofline_only.value() * 1e3, t.kernels);
    }
    std::printf("sum %.3f vs %.3f %+.2f%%\n", sum, real, (sum / real - 1) * 100);
  }
  const auto show = [&](const char* what, TrainPhase p, TrainShape s, double sms) {
    const PhaseTime t = phase_time(trained(), kernels_of(v3, p, s), sms, constants());
    std::printf("%s %s %g: %.3f ms gemm %.3f attn %.3f other %.3f gaps %.3f roofline %.3f kernels %g\n", what, to_text(p).c_str(), sms, t.total.value() * 1e3, t.gemm.value() * 1e3, t.attention.value() * 1e3, t.other.value() * 1e3, t.gaps.value() * 1e3, t.roofline_only.value() * 1e3, t.kernels);
  };
  TrainShape dense;
  dense.moe = false;
  for (const double sms : {112.0, 132.0}) {
    for (TrainPhase p : layer_phases()) show("MoE", p, {}, sms);
    for (TrainPhase p : layer_phases()) show("dense", p, dense, sms);
    for (TrainPhase p : train_phases()) {
      TrainShape s;
      s.optimizer_parameters = 1e8;
      if (std::find(layer_phases().begin(), layer_phases().end(), p) == layer_phases().end()) show("rest", p, s, sms);
    }
  }
  if (std::getenv("KERNELS")) {
    for (const Recorded& r : kRecorded) {
      for (const PhaseKernel& k : kernels_of(v3, r.phase, shape_of(layers[1], r.phase))) {
        std::printf("%s | %s | %gx %.1f us %s\n", r.name, k.name.c_str(), k.count, kernel_time(trained(), k, 112, constants()).time.value() * 1e6, to_text(k.call).c_str());
      }
    }
  }
}

// Traces of PyTorch's profiler (Kineto): every kernel goes into a family; shapes where the trace tells them.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "models/calibration/readers/kineto_shapes.h"

namespace weft::models {
namespace {

bool recognises(const MeasurementText& file) {
  const std::size_t first = file.text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || (file.text[first] != '{' && file.text[first] != '[')) return false;
  if (file.text.find("\"traceEvents\"") != std::string_view::npos) return true;
  return file.text[first] == '[' && beginning(file).find("\"ph\"") != std::string_view::npos;
}

/// Why a kernel is in no fit, counted by family.
struct Unknown {
  std::map<std::string, std::size_t> by_family;

  void tell(std::vector<std::string>& notes, bool known) const {
    std::string list;
    std::size_t all = 0;
    for (const auto& [family, n] : by_family) {
      list += fmt::format("{}{} {}", list.empty() ? "" : ", ", n, family);
      all += n;
    }
    if (all == 0) return;
    notes.push_back(fmt::format("{} kernel{} of unknown shape, in no fit: {}", all, all == 1 ? "" : "s", list));
    if (!known) notes.push_back("the trace is of no training that weft knows (models/data/traces): the shapes of its kernels are unknown");
  }
};

Measurement measurement_of(const TraceKernel& k, const KernelShape& s, const Trace& trace, const std::string& path) {
  const std::string operation = s.operation.empty() ? short_kernel_name(k.name) : s.operation;
  return {s.kind.family, s.kind.variant, s.shape, k.time_us, trace.device, k.phase.empty() ? operation : k.phase + " " + operation, path};
}

Measurements read(const MeasurementText& file, const DataPlaces& data) {
  const Trace trace = read_trace(file);
  const std::optional<KnownTraining> known = known_training(trace, data);
  Measurements out;
  std::vector<KernelShape> shapes;
  if (known) {
    const TraceSizes sizes = sizes_of(trace);
    if (sizes.unknown.empty()) out.notes.push_back(fmt::format("{} tokens; computing kernels on {} SMs; shapes as in: {}", sizes.tokens, sizes.sms, known->title));
    shapes = shapes_of(trace, *known, out.notes);
  } else {
    for (const TraceKernel& k : trace.kernels) shapes.push_back({kernel_kind(k.name), {}, {}});
  }
  Unknown unknown;
  std::size_t copies = 0, sets = 0, zeros = 0;
  for (std::size_t i = 0; i < trace.kernels.size(); ++i) {
    const TraceKernel& k = trace.kernels[i];
    copies += k.what == TraceKernel::What::copy;
    sets += k.what == TraceKernel::What::set;
    if (k.what != TraceKernel::What::kernel) continue;
    const bool zero = k.time_us == 0, shaped = !shapes[i].shape.empty();
    (shaped && !zero ? out.rows : out.others).push_back(measurement_of(k, shapes[i], trace, file.path));
    zeros += zero;
    if (!shaped && !zero) ++unknown.by_family[shapes[i].kind.family];
  }
  unknown.tell(out.notes, known.has_value());
  if (zeros > 0) out.notes.push_back(fmt::format("{} kernel{} of 0 us, in no fit: some profilers count whole microseconds", zeros, zeros == 1 ? "" : "s"));
  if (std::any_of(out.rows.begin(), out.rows.end(), [](const Measurement& m) { return m.family.starts_with("deepep"); })) {
    out.notes.push_back("communication kernels ran beside computing ones, and their times include waiting for other ranks");
  }
  if (copies + sets > 0) out.notes.push_back(fmt::format("{} copies and {} fills (Memcpy, Memset) are no kernels and are not among them", copies, sets));
  return out;
}

}  // namespace

Reader kineto_reader() { return {"kineto", "trace of PyTorch's profiler (Kineto; torch.profiler's export_chrome_trace)", recognises, read}; }

}  // namespace weft::models

// Kineto traces as programs.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include <unistd.h>

#include "tests/support/text_programs.h"
#include "tests/support/trace_text.h"
#include "workloads/traces/trace_format.h"

using namespace weft;
using namespace weft::testing;
using namespace weft::workloads;

namespace {

NamedProgram imported(const std::string& path) {
  static const DataPlaces data = DataPlaces::standard();
  TraceOptions options;
  options.data = &data;
  TraceNotes notes;
  for (const TraceFormat& f : trace_formats())
    if (f.name == "kineto") return f.read(path, options, notes);
  throw std::runtime_error("no kineto");
}

class TraceFileOf {
 public:
  explicit TraceFileOf(const std::string& text)
      : path_(std::filesystem::temp_directory_path() / ("weft_" + std::to_string(::getpid()) + ".json")) {
    write_file_atomically(path_, text);
  }
  ~TraceFileOf() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("a \"kineto\" trace becomes a program that takes as long as was recorded, and stays so in text form") {
  const weft::test::TracedProgram traced = weft::test::prefill_trace(3);
  const weft::test::TracedProgram::Times times = traced.play();
  const TraceFileOf file(traced.text());
  const NamedProgram p = imported(file.path());
  // From the first launch, where the program begins, to the last end.
  const double span = (*std::max_element(times.end.begin(), times.end.end()) - times.launch.front()) * 1e-6;
  CHECK(seconds_of(p, Ground(mpft, 1)) == doctest::Approx(span).epsilon(1e-9));
  CHECK(read_text_program(write_text_program(p), "again.weft") == p);
  const auto computes = std::count_if(p.operations.begin(), p.operations.end(),
                                      [](const NamedOperation& op) { return op.kind == NamedOperation::Kind::compute; });
  CHECK(static_cast<std::size_t>(computes) >= traced.kernels.size());
  const auto first = std::find_if(p.operations.begin(), p.operations.end(),
                                  [](const NamedOperation& op) { return op.kind == NamedOperation::Kind::compute; });
  CHECK(first->stream == "stream7");
  CHECK(first->label.find("ATTN(mb1): ") == 0);
  CHECK(first->rank == Rank(0));
}

TEST_CASE("what is no trace is refused") {
  const TraceFileOf file("{\"traceEvents\": []}");
  CHECK(!said_by([&] { imported(file.path()); }).empty());
  CHECK(said_by([] { imported("/nonexistent.json"); }).find("nonexistent") != std::string::npos);
}

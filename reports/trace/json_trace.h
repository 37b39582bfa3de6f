// JsonTrace: a timeline as trace-event JSON, with the field names of PyTorch's profiler, for Perfetto and chrome://tracing.
#pragma once

#include <string>
#include <string_view>

#include "reports/trace/json_text.h"
#include "reports/trace/trace_file.h"
#include "sim/analysis/timeline/events.h"

namespace weft::reports::trace {

/// What a trace is of, as viewers show it.
struct TraceTitle {
  std::string_view scenario, of, version, engine;
};

/// Times are microseconds with three decimals, so exact. Everything throws RunError when the disk says no.
class JsonTrace final : public analysis::TimelineEvents {
 public:
  /// The file has to outlive this.
  explicit JsonTrace(TraceFile& to);
  /// Once, at the end; the file is whole then, and yet to be committed.
  void end(const TraceTitle& title);

  void process(std::uint32_t number, std::string_view name, std::string_view place) override;
  void thread(analysis::Line line, std::string_view name, std::uint32_t order) override;
  void slice(const analysis::Slice& s) override;
  void arrow_from(std::uint64_t id, analysis::Line line, std::int64_t start_ns, std::int64_t end_ns) override;
  void arrow_to(std::uint64_t id, analysis::Line line, std::int64_t start_ns) override;
  void counter(std::uint32_t process, std::string_view name, std::string_view unit, std::int64_t at_ns, std::int64_t thousandths) override;

 private:
  JsonText& event(std::size_t texts = 0);
  void at(analysis::Line line, std::int64_t ns);

  TraceFile& to_;
  JsonText json_;
  bool first_ = true;
};

}  // namespace weft::reports::trace

#include "reports/trace/json_trace.h"

#include <cmath>

namespace weft::reports::trace {
namespace {

constexpr std::size_t longest_frame = 512;    // an event without its texts
constexpr std::size_t longest_text = 4096;    // more of a name is cut off

// No UTF-8 character may be cut in two.
std::string_view cut(std::string_view text) {
  if (text.size() <= longest_text) return text;
  std::size_t end = longest_text;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

// Room for one event with `texts` texts, and what separates it from the last one.
JsonText& JsonTrace::event(std::size_t texts) {
  json_.make_room(longest_frame + texts * 6 * longest_text, [&](std::string_view text) { to_.write(text); });
  if (!first_) json_.raw(",\n");
  first_ = false;
  return json_;
}

JsonTrace::JsonTrace(TraceFile& to) : to_(to) {
  json_.raw("{\"schemaVersion\":1,\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
}

void JsonTrace::end(const TraceTitle& title) {
  first_ = true;
  event(4).raw("\n],\n\"otherData\":{\"title\":\"").escaped(cut(title.scenario)).raw("\",\"case\":\"").escaped(cut(title.of));
  json_.raw("\",\"version\":\"weft ").escaped(cut(title.version)).raw("\",\"engine\":\"").escaped(cut(title.engine)).raw("\"}}\n");
  to_.write(json_.text());
  json_.clear();
}

void JsonTrace::process(std::uint32_t number, std::string_view name, std::string_view place) {
  const auto tell = [&](JsonText& j) -> JsonText& { return j.number(number).raw(",\"tid\":0,\"args\":{\""); };
  tell(event(1).raw("{\"name\":\"process_name\",\"ph\":\"M\",\"ts\":0,\"pid\":")).raw("name\":\"").escaped(cut(name)).raw("\"}}");
  tell(event(1).raw("{\"name\":\"process_labels\",\"ph\":\"M\",\"ts\":0,\"pid\":")).raw("labels\":\"").escaped(cut(place)).raw("\"}}");
  tell(event().raw("{\"name\":\"process_sort_index\",\"ph\":\"M\",\"ts\":0,\"pid\":")).raw("sort_index\":").number(number).raw("}}");
}

void JsonTrace::thread(analysis::Line line, std::string_view name, std::uint32_t order) {
  const auto tell = [&](JsonText& j) -> JsonText& { return j.number(line.process).raw(",\"tid\":").number(line.thread).raw(",\"args\":{\""); };
  tell(event(1).raw("{\"name\":\"thread_name\",\"ph\":\"M\",\"ts\":0,\"pid\":")).raw("name\":\"").escaped(cut(name)).raw("\"}}");
  tell(event().raw("{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"ts\":0,\"pid\":")).raw("sort_index\":").number(order).raw("}}");
}

void JsonTrace::at(analysis::Line line, std::int64_t ns) {
  json_.raw("\"pid\":").number(line.process).raw(",\"tid\":").number(line.thread).raw(",\"ts\":").thousandths(ns);
}

void JsonTrace::slice(const analysis::Slice& s) {
  event(3).raw("{\"ph\":\"X\",\"cat\":\"").escaped(cut(s.category)).raw("\",\"name\":\"").escaped(cut(s.name)).raw("\",");
  at(s.on, s.start_ns);
  json_.raw(",\"dur\":").thousandths(s.end_ns - s.start_ns).raw(",\"args\":{\"op\":").number(s.operation);
  json_.raw(",\"device\":").number(s.on.process);
  if (s.stream != analysis::Slice::none) json_.raw(",\"stream\":").number(s.stream);
  if (s.moves) json_.raw(",\"bytes\":").number(static_cast<std::uint64_t>(std::llround(s.bytes)));
  if (s.to != analysis::Slice::none) json_.raw(",\"to\":").number(s.to);
  if (s.sms > 0) json_.raw(",\"sms\":").number(s.sms);
  if (!s.detail.empty()) json_.raw(",\"detail\":\"").escaped(cut(s.detail)).raw("\"");
  json_.raw("}}");
}

// Bound to the slice that is under way then: its last nanosecond.
void JsonTrace::arrow_from(std::uint64_t id, analysis::Line line, std::int64_t start_ns, std::int64_t end_ns) {
  event().raw("{\"ph\":\"s\",\"id\":").number(id).raw(",");
  at(line, end_ns > start_ns ? end_ns - 1 : start_ns);
  json_.raw(",\"cat\":\"ac2g\",\"name\":\"ac2g\"}");
}

void JsonTrace::arrow_to(std::uint64_t id, analysis::Line line, std::int64_t start_ns) {
  event().raw("{\"ph\":\"f\",\"id\":").number(id).raw(",");
  at(line, start_ns);
  json_.raw(",\"cat\":\"ac2g\",\"name\":\"ac2g\",\"bp\":\"e\"}");
}

void JsonTrace::counter(std::uint32_t process, std::string_view name, std::string_view unit, std::int64_t at_ns, std::int64_t thousandths) {
  event(2).raw("{\"ph\":\"C\",\"name\":\"").escaped(cut(name)).raw("\",");
  at({process, 0}, at_ns);
  json_.raw(",\"args\":{\"").escaped(cut(unit)).raw("\":").thousandths(thousandths).raw("}}");
}

}  // namespace weft::reports::trace

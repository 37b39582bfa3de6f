// The trace as text: JSON that a parser takes, fields of the profiler, files that are whole or not there, gzip.
#include <doctest/doctest.h>

#include <limits>

#include <zlib.h>

#include "reports/trace/json_trace.h"
#include "sim/core/error.h"
#include "sim/core/unfinished.h"
#include "tests/support/trace_rules.h"

using namespace weft;
using reports::trace::JsonTrace;
using reports::trace::TraceFile;
using testing::ScratchFile;

namespace {

template <class F>
nlohmann::json written(F events) {
  const ScratchFile file(".json");
  TraceFile out(file.path());
  JsonTrace json(out);
  events(json);
  json.end({"a \"title\"", "V/w[n=1]", "0.1", "fluid"});
  out.commit();
  return nlohmann::json::parse(file.text());
}

analysis::Slice slice(std::string_view name, std::int64_t start, std::int64_t end) {
  analysis::Slice s;
  s.on = {3, 7};
  s.name = name;
  s.category = "kernel";
  s.start_ns = start;
  s.end_ns = end;
  return s;
}

bool only_temporary(const std::string& path) {
  bool found = false;
  const std::filesystem::path named(path);
  for (const auto& entry : std::filesystem::directory_iterator(named.parent_path())) {
    found = found || entry.path().filename().string().starts_with(named.filename().string() + ".");
  }
  return found && !std::filesystem::exists(named);
}

bool nothing(const std::string& path) { return !std::filesystem::exists(path) && !only_temporary(path); }

std::string unzipped(const std::string& path) {
  std::string text(1 << 20, '\0');
  gzFile in = ::gzopen(path.c_str(), "rb");
  const int n = ::gzread(in, text.data(), static_cast<unsigned>(text.size()));
  ::gzclose(in);
  text.resize(static_cast<std::size_t>(std::max(0, n)));
  return text;
}

}  // namespace

TEST_CASE("a slice has the profiler's fields, in microseconds with the nanoseconds behind the point") {
  const nlohmann::json all = written([](JsonTrace& t) {
    analysis::Slice s = slice("gemm", 1234567, 1234567 + 2050);
    s.operation = 9;
    s.stream = 7;
    s.sms = 112;
    s.detail = "layer 4";
    t.slice(s);
    s.moves = true;
    s.bytes = 1e12;
    s.to = 11;
    t.slice(s);
  });
  CHECK(all["traceEvents"][0] == nlohmann::json::parse(
      R"({"ph":"X","cat":"kernel","name":"gemm","pid":3,"tid":7,"ts":1234.567,"dur":2.05,"args":{"op":9,"device":3,"stream":7,"sms":112,"detail":"layer 4"}})"));
  CHECK(all["traceEvents"][1]["args"]["bytes"] == 1000000000000);
  CHECK(all["traceEvents"][1]["args"]["to"] == 11);
  CHECK(all["otherData"]["title"] == "a \"title\"");
  CHECK(all["otherData"]["case"] == "V/w[n=1]");
}

TEST_CASE("all decimals of a time are written and none more") {
  const std::vector<std::int64_t> times{0, 1, 10, 100, 1000, 1001, 1010, 1100, 999999, 19926000000001, std::numeric_limits<std::int64_t>::max() / 2};
  const nlohmann::json all = written([&](JsonTrace& t) {
    for (const std::int64_t ns : times) t.arrow_to(1, {0, 0}, ns);
  });
  for (std::size_t i = 0; i < times.size() - 1; ++i) CHECK(testing::ns_of(all["traceEvents"][i]["ts"]) == times[i]);
  CHECK(all["traceEvents"][2]["ts"].dump() == "0.01");
}

TEST_CASE("names with quotes, line ends and other alphabets come back as they were; far too long ones are cut at a letter") {
  const std::string odd = "a\"b\\c\n\t\x01 \xc3\xa9 \xe4\xb8\xad";
  const std::string longest = std::string(4095, 'x') + "\xc3\xa9";
  const nlohmann::json all = written([&](JsonTrace& t) {
    t.slice(slice(odd, 0, 1));
    t.slice(slice(longest, 0, 1));
    t.slice(slice(std::string(100000, '"'), 0, 1));
    t.process(0, odd, odd);
    t.counter(0, odd, odd, 0, -1500);
  });
  const auto& e = all["traceEvents"];
  CHECK(e[0]["name"] == odd);
  CHECK(e[1]["name"] == std::string(4095, 'x'));
  CHECK(e[2]["name"] == std::string(4096, '"'));
  CHECK(e[3]["args"]["name"] == odd);
  CHECK(e[6]["args"][odd] == -1.5);
}

TEST_CASE("processes, threads, arrows and counters are the events that viewers know") {
  const nlohmann::json all = written([](JsonTrace& t) {
    t.process(3, "rank 3", "node0.gpu3");
    t.thread({3, 7}, "compute", 5);
    t.arrow_from(8, {3, 7}, 1000, 3000);
    t.arrow_to(8, {3, 20}, 3000);
    t.counter(3, "NIC out", "GB/s", 2000, 43500);
  });
  const auto& e = all["traceEvents"];
  CHECK(e[0] == nlohmann::json::parse(R"({"name":"process_name","ph":"M","ts":0,"pid":3,"tid":0,"args":{"name":"rank 3"}})"));
  CHECK(e[1]["args"]["labels"] == "node0.gpu3");
  CHECK(e[2]["args"]["sort_index"] == 3);
  CHECK(e[3] == nlohmann::json::parse(R"({"name":"thread_name","ph":"M","ts":0,"pid":3,"tid":7,"args":{"name":"compute"}})"));
  CHECK(e[4]["args"]["sort_index"] == 5);
  CHECK(e[5] == nlohmann::json::parse(R"({"ph":"s","id":8,"pid":3,"tid":7,"ts":2.999,"cat":"ac2g","name":"ac2g"})"));
  CHECK(e[6] == nlohmann::json::parse(R"({"ph":"f","id":8,"pid":3,"tid":20,"ts":3,"cat":"ac2g","name":"ac2g","bp":"e"})"));
  CHECK(e[7] == nlohmann::json::parse(R"({"ph":"C","name":"NIC out","pid":3,"tid":0,"ts":2,"args":{"GB/s":43.5}})"));
}

TEST_CASE("a trace without events is JSON too, one of many blocks as well") {
  CHECK(written([](JsonTrace&) {})["traceEvents"].empty());
  const nlohmann::json all = written([](JsonTrace& t) {
    for (std::int64_t i = 0; i < 20000; ++i) t.slice(slice("kernel", i, i + 1));
  });
  CHECK(all["traceEvents"].size() == 20000);
  CHECK(testing::ns_of(all["traceEvents"][19999]["ts"]) == 19999);
}

TEST_CASE("a file has its name only when it is whole") {
  const ScratchFile file(".json");
  {
    TraceFile out(file.path());
    out.write("abc");
    CHECK(only_temporary(file.path()));
  }
  CHECK(nothing(file.path()));
  TraceFile out(file.path());
  out.write("abc");
  out.commit();
  CHECK(file.text() == "abc");
  CHECK(out.bytes() == 3);
  {
    TraceFile again(file.path());
    again.write("more");
  }
  CHECK(file.text() == "abc");
}

TEST_CASE("whoever ends the program can remove what is unfinished") {
  const ScratchFile file(".json");
  TraceFile out(file.path());
  CHECK(only_temporary(file.path()));
  remove_unfinished_files();
  CHECK(nothing(file.path()));
}

TEST_CASE("a file called .gz is gzip of the same text") {
  const ScratchFile file(".json.gz");
  TraceFile out(file.path());
  std::string text;
  for (int i = 0; i < 50000; ++i) text += std::to_string(i) + ",";
  for (std::size_t at = 0; at < text.size(); at += 10000) out.write(std::string_view(text).substr(at, 10000));
  out.commit();
  CHECK(unzipped(file.path()) == text);
  CHECK(out.bytes() == text.size());
  CHECK(out.bytes_on_disk() == std::filesystem::file_size(file.path()));
  CHECK(out.bytes_on_disk() < text.size() / 2);
}

TEST_CASE("a full disk is a failed run, a path that leads nowhere is told beforehand") {
  CHECK(reports::trace::why_not_writable("/dev/full").empty());
  TraceFile full("/dev/full");
  CHECK_THROWS_WITH_AS(full.write("abc"), doctest::Contains("No space left"), RunError);
  CHECK_THROWS_AS(TraceFile("no/such/folder/x.json"), RunError);
  CHECK(reports::trace::why_not_writable("no/such/folder/x.json").find("there is no folder") == 0);
  CHECK(reports::trace::why_not_writable(std::filesystem::temp_directory_path().string()).find("this is a folder") == 0);
  CHECK(reports::trace::why_not_writable("x.json").empty());
  CHECK(!reports::trace::why_not_writable("").empty());
}

// Traces of requests: Mooncake's JSON lines and Azure's CSV, cut, repeated and compressed in time, and every mistake with its line.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <unistd.h>
#include <zlib.h>

#include "tests/support/trace_rules.h"
#include "tests/workloads/request_support.h"

using namespace weft;
using namespace weft::test;
using doctest::Approx;

namespace {

// The first lines of Mooncake's published trace.
const std::string kMooncake = R"({"timestamp": 0, "input_length": 6755, "output_length": 500, "hash_ids": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]}
{"timestamp": 0, "input_length": 7319, "output_length": 490, "hash_ids": [0, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27]}
{"timestamp": 3052, "input_length": 7234, "output_length": 794, "hash_ids": [0, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41]}
{"timestamp": 3052, "input_length": 2287, "output_length": 316, "hash_ids": [0, 42, 43, 44, 45]}
)";
const std::string kAzure = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n2023-11-16 18:15:51.2225670,879,55\n";

/// A trace of this text in a file, and the keys that name it.
class Written {
 public:
  explicit Written(const std::string& text, const std::string& suffix = ".trace") : file_(suffix) { std::ofstream(file_.path(), std::ios::binary) << text; }
  std::string keys(const std::string& more = "") const { return R"("trace": ")" + file_.path() + "\"" + (more.empty() ? "" : ", " + more); }
  std::string path() const { return file_.path(); }
  std::vector<Request> read(const std::string& more = "") const { return requests_of(keys(more)); }

 private:
  testing::ScratchFile file_;
};

std::string compressed(const std::string& text) {
  const testing::ScratchFile file(".zip");
  gzFile out = ::gzopen(file.path().c_str(), "wb");
  ::gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  ::gzclose(out);
  return file.text();
}

void says(const std::string& text, const std::string& part, const std::string& more = "") {
  const Written w(text);
  const std::string problem = problem_of(w.keys(more));
  CAPTURE(text);
  CAPTURE(problem);
  CHECK(problem.find(part) != std::string::npos);
}

std::string line(double ms, int prompt = 100, int output = 10, const std::string& ids = "[1]") {
  return "{\"timestamp\": " + std::to_string(ms) + ", \"input_length\": " + std::to_string(prompt) + ", \"output_length\": " + std::to_string(output) + ", \"hash_ids\": " + ids + "}\n";
}

}  // namespace

TEST_CASE("Mooncake: milliseconds, lengths, and blocks of 512 tokens that earlier prompts left in the cache") {
  const auto all = Written(kMooncake).read();
  REQUIRE(all.size() == 4);
  CHECK(all[2].arrival.value() == Approx(3.052));
  CHECK(all[0].prompt == 6755);
  CHECK(all[3].output == 316);
  CHECK(all[0].cached == 0);
  for (std::size_t i = 1; i < 4; ++i) CHECK(all[i].cached == 512);   // they share block 0 alone
  for (const Request& r : Written(kMooncake).read(R"("cache": "none")")) CHECK(r.cached == 0);
}

TEST_CASE("Mooncake: the same prompt again is all in the cache but for its last token; a cache of 8 blocks has lost block 0 by then or kept it") {
  const std::string twice = line(0, 1300, 1, "[1, 2, 3]") + line(1, 1300, 1, "[1, 2, 3]");
  CHECK(Written(twice).read()[1].cached == 1299);
  // Five blocks of others come between: 1, 2, 3 (of 512, 512 and 276 tokens) and those are 3,860 tokens.
  const std::string between = line(0, 1300, 1, "[1, 2, 3]") + line(1, 2560, 1, "[5, 6, 7, 8, 9]") + line(2, 1300, 1, "[1, 2, 3]");
  CHECK(Written(between).read(R"("cache": {"capacity_tokens": 3860})")[2].cached == 1299);
  CHECK(Written(between).read(R"("cache": {"capacity_tokens": 3859})")[2].cached == 1024);   // block 3 was the oldest
  CHECK(Written(between).read(R"("cache": {"capacity_tokens": 3072})")[2].cached == 512);
  CHECK(Written(between).read(R"("cache": {"capacity": "3072 kB", "token_bytes": "1 kB"})")[2].cached == 512);
}

TEST_CASE("Azure: times to a ten-millionth of a second, in any order of columns, with zones, quotes, line ends of Windows and a byte order mark") {
  const auto all = Written(kAzure).read();
  REQUIRE(all.size() == 3);
  CHECK(all[0].arrival.value() == 0);
  CHECK(all[1].arrival.value() == Approx(4.314579).epsilon(1e-12));
  CHECK(all[2].arrival.value() == Approx(4.541977).epsilon(1e-12));
  CHECK(all[1].prompt == 396);
  CHECK(all[1].output == 109);
  CHECK(all[1].cached == 0);
  const auto other = Written("\xEF\xBB\xBFNumImages,\"GeneratedTokens\",TIMESTAMP,ContextTokens\r\n0,7,2024-05-12 00:00:00+00:00,33\r\n\r\n1,8,\"2024-05-12T02:00:00.25+01:30\",34").read();
  REQUIRE(other.size() == 2);
  CHECK(other[1].arrival.value() == Approx(1800.25));
  CHECK(other[1].prompt == 34);
  CHECK(other[1].output == 8);
  const auto years = Written("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-02-28 23:59:59,1,1\n2024-03-01 00:00:01,1,1\n").read();
  CHECK(years[1].arrival.value() == 86402);   // a leap year
}

TEST_CASE("times more than 100 years apart are told with their line, whatever their difference") {
  const auto azure = [](const char* year) { return std::string("TIMESTAMP,ContextTokens,GeneratedTokens\n1700-01-01 00:00:00,1,1\n") + year + "-01-01 00:00:00,1,1\n"; };
  CHECK(Written(azure("1799")).read().size() == 2);
  for (const char* year : {"1801", "2001", "2250"}) says(azure(year), "line 3: this request comes more than 100 years after the first");
  says("TIMESTAMP,ContextTokens,GeneratedTokens\n2250-01-01 00:00:00,1,1\n1700-01-01 00:00:00,1,1\n", "before that of the line above");
  says(line(0) + line(4e12), "line 2: this request comes more than 100 years after the first");
}

TEST_CASE("a rate factor brings so many times as many requests a second; a limit ends") {
  const auto all = Written(kAzure).read(R"("rate_factor": 2, "limit": 2)");
  REQUIRE(all.size() == 2);
  CHECK(all[1].arrival.value() == Approx(4.314579 / 2));
}

TEST_CASE("start and duration cut in the trace's time, and what lies before the start fills the cache") {
  const std::string text = line(1000) + line(2000, 1024, 1, "[7, 8]") + line(4000, 1024, 1, "[7, 8]") + line(9000);
  const auto all = Written(text).read(R"("start": "2 s", "duration": "5 s", "rate_factor": 0.5)");
  REQUIRE(all.size() == 1);
  CHECK(all[0].arrival.value() == Approx(2));   // 4 s are 3 s after the first, 1 s after the start
  CHECK(all[0].cached == 1023);
  says(text, "there are no requests between 20 s and 25 s; the last that was read comes at 8 s", R"("start": "20 s", "duration": "5 s")");
  says(text, "there are no requests from 20 s on", R"("start": "20 s")");
}

TEST_CASE("a repeat begins a mean gap after the last request, or with the next duration, and its blocks are new ones") {
  const std::string text = line(0, 600, 1, "[1, 2]") + line(1000, 600, 1, "[1, 2]") + line(4000, 600, 1, "[1, 2]");
  const auto all = Written(text).read(R"("repeat": 3)");
  REQUIRE(all.size() == 9);
  CHECK(all[3].arrival.value() == Approx(4 + 2));   // (4 - 0) / 2 between requests
  CHECK(all[8].arrival.value() == Approx(2 * 6 + 4));
  for (std::size_t i = 0; i < 9; ++i) CHECK(all[i].cached == (i % 3 == 0 ? 0 : 599));
  const auto cut = Written(text).read(R"("repeat": 2, "duration": "2 s", "rate_factor": 4)");
  REQUIRE(cut.size() == 4);
  CHECK(cut[2].arrival.value() == Approx(0.5));
  says(line(5), "cannot be repeated without a `duration`", R"("repeat": 2)");
}

TEST_CASE("a compressed trace is read as it is; one that is cut off is an error of its line") {
  const auto plain = Written(kMooncake).read(), zipped = Written(compressed(kMooncake)).read();
  REQUIRE(zipped.size() == plain.size());
  CHECK(zipped[3].cached == plain[3].cached);
  std::string long_one;
  for (int i = 0; i < 5000; ++i) long_one += line(i, 100 + i * 7919 % 300);
  const std::string half = compressed(long_one);
  const std::string problem = problem_of(Written(half.substr(0, half.size() / 2)).keys());
  CAPTURE(problem);
  CHECK(problem.find("the file seems to be cut off or damaged") != std::string::npos);
  CHECK(problem.find(": line ") != std::string::npos);
}

TEST_CASE("wrong traces are told with file, line and a way out") {
  says("", "the trace is empty");
  says("\n  \n", "the trace is empty");
  says("TIMESTAMP,ContextTokens,GeneratedTokens\n", "the trace has no requests");
  says("hello\n", "line 1: this is neither Mooncake's JSON, an object a line, nor Azure's CSV");
  says("TIMESTAMP,ContextTokens\n2023-11-16 18:15:46,1\n", "line 1: there is no column GeneratedTokens");
  says("timestamp,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,1\n", "line 1: there is no column TIMESTAMP");
  says(kAzure + "2023-11-16 18:15:40.0000000,1,1\n", "line 5: this request comes 11.223 s before that of the line above (sort the lines by their times)");
  says(kAzure + "2023-11-16 18:15:52,12x,1\n", "line 5: expected ContextTokens as a number of tokens up to 16777215, got \"12x\"");
  says(kAzure + "2023-11-16 18:15:52,1\n", "line 5: expected 3 fields, got 2");
  says(kAzure + "2023-11-16 18:15:52,1", "line 5: expected 3 fields, got 2 (the file seems to be cut off)");
  says(kAzure + "2023-11-16 18:15:52,,1\n", "line 5: expected ContextTokens");
  says(kAzure + "2023-11-16 18:15:52,1,-1\n", "line 5: expected GeneratedTokens");
  for (const char* time : {"2023-11-31 18:15:46", "16/11/2023 18:15", "2023-11-16", "2023-11-16 24:00:00", "2023-11-16 18:15:46 x", "-023-11-16 18:15:46", ""})
    says(kAzure + time + ",1,1\n", std::string("line 5: expected TIMESTAMP such as 2023-11-16 18:15:46.6805900, got \"") + time + "\"");
  says(kAzure + "2023-11-16 18:15:52,0,1\n", "line 5: a prompt of zero tokens (\"zero_lengths\": \"drop\" leaves such requests out)");
  says(kMooncake + line(2000), "line 5: this request comes 1.052 s before that of the line above");
  says(kMooncake + line(4000, 100, 0), "line 5: an answer of zero tokens");
  says(kMooncake + "{\"timestamp\": 4000, \"input_le", "line 5: this is not JSON (the file seems to be cut off)");
  says(kMooncake + "{\"timestamp\": 4000 \"input_length\": 3}\n", "line 5: this is not JSON (expected one object a line)");
  says(kMooncake + "[1, 2]\n", "line 5: expected an object");
  says(kMooncake + R"({"timestamp": 4000, "output_length": 1, "hash_ids": [1]})", "line 5: there is no \"input_length\"");
  says(kMooncake + R"({"timestamp": 4000, "input_length": 10, "output_length": 1})", "line 5: there is no \"hash_ids\"");
  says(kMooncake + R"({"timestamp": "4", "input_length": 10, "output_length": 1, "hash_ids": [1]})", "line 5: expected \"timestamp\" as milliseconds since the start, got \"4\"");
  says(kMooncake + R"({"timestamp": -4, "input_length": 10, "output_length": 1, "hash_ids": [1]})", "got -4");
  says(kMooncake + R"({"timestamp": 4000, "input_length": 10.5, "output_length": 1, "hash_ids": [1]})", "line 5: expected \"input_length\" as a number of tokens up to 16777215, got 10.5");
  says(kMooncake + R"({"timestamp": 4000, "input_length": 10, "output_length": 1, "hash_ids": "1"})", "line 5: expected \"hash_ids\" as a list of numbers, got \"1\"");
  says(kMooncake + R"({"timestamp": 4000, "input_length": 10, "output_length": 1, "hash_ids": [-1]})", "with -1 in it");
  says(kMooncake + line(4000, 513, 1, "[1, 2, 3]"), "line 5: 3 hash_ids for 513 tokens, which are 2 blocks of 512 (another size of blocks is named by \"block\")");
  says(kMooncake, "line 1: 14 hash_ids for 6755 tokens, which are 7 blocks of 1024", R"("block": 1024)");
  says(kMooncake, "/format", R"("format": "mooncak")");
  says(kMooncake, "line 1: there is no column TIMESTAMP", R"("format": "azure")");
  says(kMooncake, "unknown key \"count\"", R"("count": 3)");
  says(kAzure, "/cache", R"("cache": "blocks")");
  CHECK(problem_of(R"("trace": "gone.jsonl")").find("/trace: there is no file \"gone.jsonl\"") != std::string::npos);
  CHECK(problem_of(R"("trace": 5)").find("/trace") != std::string::npos);
  CHECK(problem_of(R"("trace": ")" + std::filesystem::temp_directory_path().string() + "\"").find("this is a folder") != std::string::npos);
}

TEST_CASE("requests of zero tokens or longer than the context may be left out, with a warning that counts them") {
  const Written w(line(0) + line(1, 100, 0) + line(2, 0, 5, "[]") + line(3, 500, 20) + line(4, 90, 20));
  const auto source = source_of(w.keys(R"("zero_lengths": "drop", "too_long": "drop")"), 115);
  auto stream = source->open(1);
  const auto all = all_of(*stream);
  REQUIRE(all.size() == 2);
  REQUIRE(stream->warnings().size() == 2);
  CHECK(stream->warnings()[0] == "2 requests with a prompt or an answer of zero tokens left out");
  CHECK(stream->warnings()[1] == "1 request was longer than 115 tokens and left out");
  const std::string problem = problem_of(w.keys(R"("zero_lengths": "drop")"), 115);
  CAPTURE(problem);
  CHECK(problem.find("line 4: a prompt of 500 and an answer of 20 tokens are 520 in all; the context has 115") != std::string::npos);
  const auto cut = requests_of(w.keys(R"("zero_lengths": "drop", "too_long": "cut")"), 1, 115);
  CHECK(cut[1].prompt == 114);
  CHECK(cut[1].output == 1);
}

TEST_CASE("what a trace's source came to asks for the same requests again; relative paths are found below WEFT_REFERENCE") {
  const Written w(kMooncake);
  const auto source = source_of(w.keys(R"("repeat": 2, "rate_factor": 3, "start": "0 s", "cache": {"capacity": "1 GB"})"), 100000);
  const std::string text = dump_json(source->resolved());
  const auto again = source_of(text.substr(1, text.size() - 2));
  CHECK(dump_json(again->resolved()) == text);
  const auto a = all_of(*source->open(1)), b = all_of(*again->open(2));
  REQUIRE(a.size() == b.size());
  CHECK(a.size() == 8);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i].arrival == b[i].arrival);
  const std::filesystem::path path = w.path();
  const char* before = std::getenv("WEFT_REFERENCE");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("WEFT_REFERENCE", path.parent_path().c_str(), 1);
  CHECK(requests_of(R"("trace": ")" + path.filename().string() + "\"").size() == 4);
  if (before == nullptr) ::unsetenv("WEFT_REFERENCE");
  else ::setenv("WEFT_REFERENCE", kept.c_str(), 1);
}

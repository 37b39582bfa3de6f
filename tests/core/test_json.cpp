// The JSON reader: every mistake is named with its place, all of a file at once.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "sim/core/json.h"
#include "sim/core/sourced_number.h"

using namespace weft;

namespace {
std::string problems_of(const std::string& text) {
  try {
    Problems problems;
    const Json j = parse_json(text, "s.json");
    JsonReader r(j, "s.json", problems);
    r.quantity<BytesPerSecond>("rate");
    r.integer("radix", 2, 128);
    r.one_of("kind", {"mpft", "mrft", "ft2"});
    r.done();
    problems.throw_if_any();
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}
bool names(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("a sound object is read without a word") {
  CHECK(problems_of(R"({"rate": "400 Gbps", "radix": 64, "kind": "mpft"})") == "");
  CHECK(problems_of("// a remark\n{\"rate\": \"400 Gbps\", /* and one more */ \"radix\": 64, \"kind\": \"mpft\"}") == "");
}

TEST_CASE("a bare number where a unit is due is an error that names the place") {
  CHECK(problems_of(R"({"rate": 400, "radix": 64, "kind": "mpft"})") ==
        "s.json: /rate: expected a rate like \"400 Gbps\" or \"50 GB/s\", got 400 (bits or bytes cannot be guessed)");
}

TEST_CASE("each kind of mistake is told with its place") {
  struct { const char* text; const char* part; } cases[] = {
      {R"({"rate": "4 KiB", "radix": 64, "kind": "mpft"})", "/rate: expected a rate like"},
      {R"({"rate": "0 Gbps", "radix": 64, "kind": "mpft"})", "/rate: expected a positive value"},
      {R"({"rate": "-1 Gbps", "radix": 64, "kind": "mpft"})", "/rate: expected a positive value"},
      {R"({"rate": "nan Gbps", "radix": 64, "kind": "mpft"})", "/rate: expected a rate"},
      {R"({"rate": "1 Gbps", "radix": 64.5, "kind": "mpft"})", "/radix: expected a whole number from 2 to 128, got 64.5"},
      {R"({"rate": "1 Gbps", "radix": 1000000000000000000000, "kind": "mpft"})", "/radix: expected a whole number"},
      {R"({"rate": "1 Gbps", "radix": 64, "kind": "mpfd"})", "did you mean \"mpft\"?"},
      {R"({"rate": "1 Gbps", "radix": 64, "kind": 3})", "/kind: expected a string, got 3"},
      {R"({"rate": "1 Gbps", "radix": 64, "kind": "mpft", "raddix": 1})", "/raddix: unknown key \"raddix\" (did you mean \"radix\"?"},
      {R"({"rate": "1 Gbps", "radix": 64, "kind": "mpft", "kind": "mrft"})", "/kind: this key stands here twice"},
      {R"({"radix": 64, "kind": "mpft"})", "/rate: this key is due but missing"},
      {R"({"rate": 1e999})", "numbers must be finite"},
      {R"({"rate": NaN})", "this is not JSON"},
      {R"({"rate": "1 Gbps", "radix": )", "the file seems to be cut off"},
      {"", "the file is empty"},
      {"  \n", "the file is empty"},
      {"[1,2", "cut off"},
      {"{\"a\" 1}", "line 1, column 6"}};
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const std::string told = problems_of(c.text);
    CAPTURE(told);
    CHECK(names(told, c.part));
  }
}

TEST_CASE("all mistakes of a file are told at once") {
  const std::string told = problems_of(R"({"rate": 400, "radix": "many", "kind": "mpfd", "extra": 1})");
  CHECK(names(told, "/rate"));
  CHECK(names(told, "/radix"));
  CHECK(names(told, "/kind"));
  CHECK(names(told, "/extra"));
}

TEST_CASE("deep nesting and giant objects are refused, not crashed on") {
  CHECK(names(problems_of(std::string(100000, '[')), "nested deeper"));
  std::string many = "{";
  for (int i = 0; i < 30000; ++i) many += (i ? ",\"k" : "\"k") + std::to_string(i) + "\":1";
  CHECK(names(problems_of(many + "}"), "more than 20000 keys"));
}

TEST_CASE("a duplicate key deep inside is named by its pointer") {
  try {
    parse_json(R"({"a": [{"b": 1}, {"c": 1, "c": 2}]})", "s.json");
    FAIL("no error");
  } catch (const UserError& e) {
    CHECK(std::string(e.what()) == "s.json: /a/1/c: this key stands here twice (keep one of the two)");
  }
}

TEST_CASE("a sourced constant carries origin and source") {
  Problems problems;
  const Json j = parse_json(R"({"r": {"value": "44 GB/s", "origin": "fitted", "source": "to six numbers"}, "b": "1 us"})", "d.json");
  JsonReader r(j, "d.json", problems);
  const auto rate = r.sourced<BytesPerSecond>("r", std::nullopt);
  CHECK(rate.value.value() == 44e9);
  CHECK(rate.origin == Origin::fitted);
  CHECK(rate.source == "to six numbers");
  CHECK(problems.empty());
  r.sourced<Seconds>("b", std::nullopt);
  CHECK(!problems.empty());
}

TEST_CASE("a number without a unit carries origin and source, too") {
  Problems problems;
  const Json j = parse_json(R"({"share": {"value": 0.88, "origin": "fitted", "source": "to six numbers"}, "bare": 0.5, "count": 2.5,
                                "word": {"value": 1, "origin": "guessed", "source": "s"}, "big": {"value": 7, "origin": "derived", "source": "s"}})", "d.json");
  JsonReader r(j, "d.json", problems);
  const Sourced<double> share = read_sourced_number(r, "share", 0, 1, "a share");
  CHECK(share.value == 0.88);
  CHECK(share.origin == Origin::fitted);
  CHECK(share.source == "to six numbers");
  const Sourced<double> bare = read_sourced_number(r, "bare", 0, 1, "a share");
  CHECK(bare.value == 0.5);
  CHECK(bare.origin == Origin::assumed);
  CHECK(bare.source == "given in d.json");
  CHECK(problems.empty());
  read_sourced_number(r, "big", 0, 1, "a share");
  read_sourced_number(r, "word", 0, 1, "a share");
  read_sourced_count(r, "count", 1, 10, "a count");
  REQUIRE(problems.list().size() == 3);
  CHECK(problems.list()[0].place == "/big/value");
  CHECK(problems.list()[1].place == "/word/origin");
  CHECK(problems.list()[2].place == "/count");
}

TEST_CASE("a missing object is told once, and reading below it is harmless") {
  Problems problems;
  const Json j = parse_json("{}", "s.json");
  JsonReader r(j, "s.json", problems);
  JsonReader below = r.at("cluster");
  below.quantity<Seconds>("latency");
  below.integer("nodes", 1);
  below.one_of("kind", {"a", "b"});
  CHECK(below.items().empty());
  below.done();
  CHECK(problems.list().size() == 1);
}

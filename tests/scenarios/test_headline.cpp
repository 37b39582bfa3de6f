// Headlines: a template with cells in it becomes a sentence, bad ones are told when a scenario is read, and a run never fails for one.
#include <doctest/doctest.h>

#include <filesystem>

#include "scenarios/headline.h"
#include "sim/core/error.h"
#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;

namespace {

/// Two variants; B takes 1.25 times as long on the larger size and costs 10 % less.
reports::Report sample() {
  reports::Report r;
  r.variants = {"A: one", "B"};
  reports::Table t;
  t.id = "step";
  t.label_columns = {{"size_B", "bytes"}};
  t.columns = {{"time_us", "time"}, {"share", "part"}, {"limit", "what limits"}, {"none", "nothing"}};
  const auto row = [](const char* variant, std::int64_t size, double time, double share) {
    Row out;
    out.set("variant", variant).set("workload", "step").set("size_B", size).set("time_us", time).set("share", share).set("limit", "SSDs, writing").set("none", 0.0);
    return out;
  };
  t.rows = {row("A: one", 64, 21530.7, 0.25), row("A: one", 128, 40000, 0.5), row("B", 64, 21530.7, 0.2), row("B", 128, 50000, 0.45)};
  r.tables = {t};
  return r;
}

std::string filled(const std::string& text) { return HeadlineTemplate::parse(text).filled(sample()).value_or("(nothing)"); }

std::string problem_of(const std::string& text) {
  try {
    HeadlineTemplate::parse(text);
  } catch (const UserError& e) {
    CHECK(e.problems().front().place == "/headline");
    return e.problems().front().message;
  }
  return "";
}

const std::string kScenario = R"({"title": "t", "headline": "@", "cluster": {"topology": {"kind": "ft2"}}, "workload": [{"kind": "price"}]})";

std::string with_headline(std::string text) { return std::string(kScenario).replace(kScenario.find('@'), 1, text); }

std::string headline_after(const std::string& headline, const std::vector<Setting>& settings = {}) {
  const Scenario s = test::scenario(with_headline(headline), settings);
  reports::Report r = run_scenario(s, test::data(), {});
  return headline_of(s, r).value_or("(one of its own)");
}

}  // namespace

TEST_CASE("a cell stands in a sentence with five digits, or as many as are asked for") {
  CHECK(filled("It takes {B/step[size_B=64]/time_us} us.") == "It takes 21,531 us.");
  CHECK(filled("{B/step[size_B=64]/time_us:.3g}, {B/step[size_B=64]/time_us:.1f}, {B/step[size_B=64]/time_us:.0f}") == "21,500, 21,530.7, 21,531");
  CHECK(filled("{B/step[size_B=64]/limit} limits") == "SSDs, writing limits");
  CHECK(filled("{{braces}} and {B/step[size_B=128]/size_B}") == "{braces} and 128");
}

TEST_CASE("an empty variant is the first one, and colons may stand in the names of variants") {
  CHECK(filled("{/step[size_B=128]/time_us}") == "40,000");
  CHECK(filled("{A: one/step[size_B=128]/time_us:.2g}") == "40,000");
  CHECK(filled("{B/step[size_B=128]/time_us:ratio A: one/step[size_B=128]/time_us:.3g}") == "1.25");
}

TEST_CASE("operations: ratio, percent, change, two words, minus and times") {
  // 50000 / 40000 = 1.25: 25 % more, 125 % of it, 10000 more; 0.45 of 0.5 is 10 % less.
  const std::string b = "{B/step[size_B=128]/time_us:", a = " /step[size_B=128]/time_us";
  CHECK(filled(b + "ratio" + a + "}") == "1.25");
  CHECK(filled(b + "percent" + a + "} %") == "125 %");
  CHECK(filled(b + "change" + a + "}") == "+25 %");
  CHECK(filled(b + "longer|shorter" + a + "}") == "25 % longer");
  CHECK(filled(b + "minus" + a + "}") == "10,000");
  CHECK(filled("{B/step[size_B=128]/share:change /step[size_B=128]/share}") == "-10 %");
  CHECK(filled("{B/step[size_B=128]/share:more|less /step[size_B=128]/share:.3g}") == "10 % less");
  CHECK(filled("{B/step[size_B=128]/share:percent} %") == "45 %");
  CHECK(filled("{B/step[size_B=128]/time_us:times 1e-3:.1f} ms") == "50.0 ms");
}

TEST_CASE("where a cell is missing, a word is calculated with or nothing divides, there is no sentence") {
  for (const char* text : {"{C/step[size_B=64]/time_us}", "{B/stop[size_B=64]/time_us}", "{B/step[size_B=65]/time_us}", "{B/step/time_us}",
                           "{B/step[size_B=64]/time_s}", "{B/step[size_B=64]/limit:times 2}", "{B/step[size_B=64]/time_us:ratio /step[size_B=64]/none}"}) {
    CAPTURE(text);
    CHECK(filled(text) == "(nothing)");
  }
}

TEST_CASE("a later clause without its cells is left out, the first one is not") {
  const std::string here = "{B/step[size_B=128]/time_us}", gone = "{C/step/time_us}";
  CHECK(filled("a " + here + "; b " + gone + " and " + here + "; c " + here) == "a 50,000; c 50,000");
  CHECK(filled("a " + here + "; b " + gone) == "a 50,000");
  CHECK(filled("a " + gone + "; b " + here) == "(nothing)");
}

TEST_CASE("what is no template is told with what was expected") {
  CHECK(problem_of("") == "expected a sentence, got an empty text");
  CHECK(problem_of("{A/b/c") == "a { without its } in \"{A/b/c\"");
  CHECK(problem_of("A/b/c}") == "a } without its { in \"A/b/c}\"");
  CHECK(problem_of("{time_us}").find("expected variant/workload[label=value]/column") == 0);
  CHECK(problem_of("{A/b/}").find("expected variant/workload[label=value]/column") == 0);
  CHECK(problem_of("{A/b[x=1/c}") == "a ] is missing in \"A/b[x=1/c\"");
  CHECK(problem_of("{A/b/c:.3q}").find("unknown operation") == 0);
  CHECK(problem_of("{A/b/c:.0g}") == "\".0g\" is no format: expected .1g to .9g or .0f to .9f");
  CHECK(problem_of("{A/b/c:over B/b/c}").find("unknown operation \"over B/b/c\"") == 0);
  CHECK(problem_of("{A/b/c:ratio}") == "\"ratio\" needs a cell behind it");
  CHECK(problem_of("{A/b/c:times many}") == "\"times many\": expected times and a number");
  CHECK(problem_of("{A/b/c:.3g:ratio B/b/c}") == "\"ratio B/b/c\" stands where nothing more can");
  CHECK(problem_of("two\nlines").find("one line") != std::string::npos);
}

TEST_CASE("a bad template is an error of the scenario, with its place") {
  CHECK(test::error_of(with_headline("{A/b")).find("test.json: /headline: a { without its }") != std::string::npos);
  CHECK(test::error_of(R"({"title": "t", "headline": 7, "cluster": {"topology": {"kind": "ft2"}}, "workload": [{"kind": "price"}]})").find("/headline") != std::string::npos);
}

TEST_CASE("a report takes its headline from the scenario, and one of its own where the cells are gone") {
  CHECK(headline_after("{/price/switches} switches") == "96 switches");
  CHECK(headline_after("{gone/price/switches} switches") == "(one of its own)");
}

TEST_CASE("the template is part of the input, so that a result that is run again has the same headline, and no part of the digest") {
  const Scenario s = test::scenario(with_headline("{/price/switches} switches"));
  const reports::Report r = run_scenario(s, test::data(), {});
  CHECK((*r.input)["headline"] == "{/price/switches} switches");
  const reports::Report other = run_scenario(test::scenario(with_headline("{/price/cables} cables")), test::data(), {});
  CHECK((*r.input)["digest"] == (*other.input)["digest"]);
  CHECK(scenario_of(*r.input, "again.json", {}).headline == s.headline);
}

TEST_CASE("every shipped scenario has a headline that can be read") {
  for (const std::string& name : test::data().names("scenarios")) {
    CAPTURE(name);
    CHECK_FALSE(load_scenario(test::data().find("scenarios", name).string(), {}).headline.empty());
  }
}

// Axes: lists, ranges, places in step, and what is no axis.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/studies/axes.h"
#include "scenarios/studies/study_file.h"
#include "tests/scenarios/sweep_support.h"

using namespace weft;
using namespace weft::scenarios;
using namespace weft::scenarios::test;

namespace {

/// The values of the first place of an axis, as compact JSON.
std::string values(const std::string& text) {
  Json out = Json::array();
  for (const auto& step : parse_axis(text).steps) out.push_back(*step[0].value);
  return dump_json(out);
}

std::string error_of(const std::string& text) {
  return words_of([&] { parse_axis(text); });
}

}  // namespace

TEST_CASE("a list holds JSON and words; brackets, braces and quotes keep their commas") {
  CHECK(values("/p=1,2.5,mpft,true") == R"([1,2.5,"mpft",true])");
  CHECK(values("/p=a b, c") == R"(["a b","c"])");
  CHECK(values(R"(/p=[1,2],{"a":1,"b":2},"x,y",100 Gbps)") == R"([[1,2],{"a":1,"b":2},"x,y","100 Gbps"])");
}

TEST_CASE("a range goes in steps from one end to the other") {
  CHECK(values("/p=1:8:1") == "[1,2,3,4,5,6,7,8]");
  CHECK(values("/p=1:8:3") == "[1,4,7]");
  CHECK(values("/p=8:2:-2") == "[8,6,4,2]");
  CHECK(values("/p=5:5:1") == "[5]");
  CHECK(values("/p=100:400:100 Gbps") == R"(["100 Gbps","200 Gbps","300 Gbps","400 Gbps"])");
  CHECK(values("/p=1:2:0.5us") == R"(["1 us","1.5 us","2 us"])");
  CHECK(values("/p=-1:1:1") == "[-1,0,1]");
  // Ten tenths are one, and each is the number that a person would write.
  CHECK(values("/p=0:1:0.1") == "[0.0,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1.0]");
  CHECK(values("/p=1,2,4:16:4,auto") == R"([1,2,4,8,12,16,"auto"])");
}

TEST_CASE("a logarithmic range grows by a factor and keeps both ends") {
  CHECK(values("/p=1:1024:log11") == "[1,2,4,8,16,32,64,128,256,512,1024]");
  CHECK(values("/p=1000:1:log4") == "[1000,100,10,1]");
  CHECK(values("/p=1.0:100:log3") == "[1.0,10.0,100.0]");
  // 1, 10^(1/2) to six digits, 10.
  CHECK(values("/p=1:10:log3 us") == R"(["1 us","3.16228 us","10 us"])");
  // Whole numbers: 16 * 16^(1/4) = 32, 64, 128, 256.
  CHECK(values("/p=16:256:log5") == "[16,32,64,128,256]");
}

TEST_CASE("what only looks like a range is a word, and what is a bad range is an error") {
  CHECK(values("/p=2:1,a:b:c,\"1:2:3\"") == R"(["2:1","a:b:c","1:2:3"])");
  CHECK(error_of("/p=1:8:0").find("the range 1:8:0: the step is 0") != std::string::npos);
  CHECK(error_of("/p=8:1:1").find("no step of 1 leads from 8 to 1") != std::string::npos);
  CHECK(error_of("/p=1:8:x").find("expected a step or logN") != std::string::npos);
  CHECK(error_of("/p=1:8:1 parsec").find("unknown unit \"parsec\"") != std::string::npos);
  CHECK(error_of("/p=1:8:log1").find("from 2 to") != std::string::npos);
  CHECK(error_of("/p=0:8:log3").find("above 0") != std::string::npos);
  CHECK(error_of("/p=1:4:log9").find("round to the same") != std::string::npos);
  CHECK(error_of("/p=0:1e9:1").find("more than 100000 values") != std::string::npos);
  CHECK(error_of("/p=").find("/p has an empty value") != std::string::npos);
  CHECK(error_of("/p=1,,2").find("empty value") != std::string::npos);
  CHECK(error_of("p=1").find("expected /pointer=value") != std::string::npos);
  CHECK(error_of("").find("expected /pointer=value") != std::string::npos);
}

TEST_CASE("places joined by a semicolon go in step") {
  const Axis axis = parse_axis("/cluster/nodes=64:256:64; /workload/a/gpus=512,1024,1536,2048");
  CHECK(axis.pointers == std::vector<std::string>{"/cluster/nodes", "/workload/a/gpus"});
  REQUIRE(axis.steps.size() == 4);
  CHECK(dump_json(*axis.steps[3][0].value) == "256");
  CHECK(dump_json(*axis.steps[3][1].value) == "2048");
  CHECK(error_of("/a=1,2;/b=1,2,3").find("/a has 2 values and /b has 3") != std::string::npos);
  // A semicolon that no place follows belongs to the value.
  CHECK(values("/p=a;b") == R"(["a;b"])");
}

TEST_CASE("a grid has every combination, the last axis fastest, zipped places together") {
  const Grid grid({parse_axis("/a=1,2;/b=x,y"), parse_axis("/c=10:30:10")});
  CHECK(grid.points() == 6);
  CHECK(grid.pointers() == std::vector<std::string>{"/a", "/b", "/c"});
  std::string all;
  for (std::size_t p = 0; p < grid.points(); ++p) {
    for (const Setting& s : grid.at(p)) all += dump_json(*s.value) + " ";
    all += "; ";
  }
  CHECK(all == "1 \"x\" 10 ; 1 \"x\" 20 ; 1 \"x\" 30 ; 2 \"y\" 10 ; 2 \"y\" 20 ; 2 \"y\" 30 ; ");
  const Row lead = grid.lead(4);
  CHECK(std::get<std::int64_t>(*lead.find("/a")) == 2);
  CHECK(std::get<std::string>(*lead.find("/b")) == "y");
  CHECK(std::get<std::int64_t>(*lead.find("/c")) == 20);
  Problems problems;
  const Json j = grid.to_json();
  CHECK(Grid(read_axes(JsonReader(j, "f", problems))).to_json() == j);
}

TEST_CASE("a grid is refused when it is empty, too large, or says a thing twice") {
  const auto error = [](std::vector<std::string> texts) {
    return words_of([&] {
      std::vector<Axis> axes;
      for (const auto& t : texts) axes.push_back(parse_axis(t));
      Grid grid(std::move(axes));
    });
  };
  CHECK(error({}).find("at least one axis") != std::string::npos);
  CHECK(error({"/a=1:1000:1", "/b=1:1000:1"}).find("more than 100000 points") != std::string::npos);
  CHECK(error({"/a=1", "/a=2"}).find("/a is varied twice") != std::string::npos);
  CHECK(error({"/a=1;/a=2"}).find("/a is varied twice") != std::string::npos);
  CHECK(error({"/a=1,2,1"}).find("/a = 1 stands there twice") != std::string::npos);
  CHECK(error({"/a/b=1", "/a=2"}).find("/a replaces /a/b") != std::string::npos);
  CHECK(error({"/a=x", "/a/b=1"}) == "");
  CHECK_THROWS_AS(Grid({Axis()}), UserError);
}

TEST_CASE("a study says all that the command line can") {
  const Json j = parse_json(R"({"title": "s", "scenario": "x.json", "set": {"/variants": []},
    "axes": ["/cluster/topology/kind=mpft,mrft", {"/cluster/nodes": [4, 8], "/workload/a/gpus": "32:64:32"}],
    "where": "price_usd < 1e6", "pareto": {"x": "price_usd", "y": "min:time_us"}})", "study.json");
  CHECK(is_study(j));
  CHECK(!is_study(parse_json(R"({"title": "t", "cluster": {}, "workload": []})", "s.json")));
  const Study study = read_study(j, "study.json");
  CHECK(study.scenario == "x.json");
  CHECK(study.settings.size() == 1);
  CHECK(Grid(study.axes).points() == 4);
  CHECK(study.where == "price_usd < 1e6");
  REQUIRE(study.pareto);
  CHECK(!study.pareto->x.most);
  CHECK(!study.pareto->y.most);
}

TEST_CASE("mistakes of a study are told with their places, all at once") {
  const auto error = [](const std::string& text) {
    return words_of([&] { read_study(parse_json(text, "study.json"), "study.json"); });
  };
  const std::string both = error(R"({"scenario": "x", "axes": [{"nodes": [1]}, {"/a": 1}, "/b=1:8:0", 7], "wher": "x"})");
  for (const char* words : {"/axes/0/nodes: expected a place of the scenario", "/axes/1/~1a: expected a list of values", "/axes/2: the range 1:8:0", "/axes/3: expected an axis", "/wher"}) {
    CAPTURE(both);
    CHECK(both.find(words) != std::string::npos);
  }
  CHECK(error(R"({"axes": []})").find("/scenario") != std::string::npos);
  CHECK(error(R"({"scenario": "x", "axes": [], "zip": []})").find("in one object of \"axes\"") != std::string::npos);
  CHECK(error(R"({"scenario": "x", "axes": [{"/a": [1, 2], "/b": [1]}]})").find("/a has 2 values and /b has 1") != std::string::npos);
  CHECK(error(R"({"scenario": "x", "axes": [], "pareto": {"x": "a"}})").find("/pareto/y") != std::string::npos);
}

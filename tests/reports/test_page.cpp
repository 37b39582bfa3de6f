#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "reports/cells.h"
#include "reports/page/curves.h"
#include "reports/page/doubts.h"
#include "reports/page/glance.h"
#include "reports/page/html.h"
#include "reports/page/page_template.h"
#include "sim/core/error.h"
#include "tests/reports/page_reading.h"
#include "tests/reports/sample.h"

using namespace weft;
using namespace weft::reports;

namespace {

PagePart sample_part() {
  PagePart part;
  part.report = sample_report();
  part.file = "sample.json";
  part.command = "weft run sample.json";
  part.curves = curves_of(part.report);
  return part;
}

Expectation expectation(const std::string& of, double value, double got, double tolerance_pct) {
  Expectation e;
  e.of = of;
  e.value = value;
  e.got = got;
  e.error_pct = 100 * (got - value) / value;
  e.tolerance_pct = tolerance_pct;
  e.pass = std::abs(e.error_pct) <= tolerance_pct;
  e.source = "Table 9";
  return e;
}

/// Half of 2 ms waits for NIC out, half computes.
Story sample_story() {
  using analysis::Resource;
  Story s;
  s.of = "MPFT/all_to_all[gpus=16,size_B=1024]";
  s.why.total = Seconds(2e-3);
  s.why.phases = {{"dispatch", 4, Seconds(0), Seconds(1e-3), Resource::nic_out, 0.75, "node0.nic0"}, {"expert", 2, Seconds(1e-3), Seconds(1e-3), Resource::sms, 1, ""}};
  s.why.resources = {{Resource::nic_out, Seconds(1e-3)}, {Resource::sms, Seconds(1e-3)}};
  s.why.links = {{"NIC out of node0.nic0", 16, Resource::nic_out, Seconds(1e-3), 0.5, Seconds(1e-3), false, "NVLink out (64 alike)",
                  "--set '/cluster/node/nic_rate=800 Gbps'"}};
  s.why.groups = {{"NIC out", {1, 0}}};
  s.why.sentence = "50 % of the 2 ms wait for the NICs' way out.";
  return s;
}

std::string wholly(const PagePart& part) {
  const std::string html = page_of_part(part);
  const ReadPage page = read_page(html);
  for (const std::string& error : page.errors) FAIL_CHECK(error);
  CHECK(Json::accept(page.data));
  return html;
}

constexpr const char* kHostile = "</script><script>alert(\"1\")</script><img src=x onerror='a' & <!-- @data@ @body@ ]]> \xff\x01 \xe2\x80\xa8";

}  // namespace

TEST_CASE("page: every cell, column meaning and constant of a report stands in it") {
  const PagePart part = sample_part();
  const ReadPage page = read_page(wholly(part));
  const auto has = [&](const std::string& text) { CHECK_MESSAGE(page.text.find(text) != std::string::npos, text); };
  for (const Table& table : part.report.tables) {
    for (const Row& row : table.rows) {
      for (const auto& [name, cell] : row.cells()) has(readable_text(cell));
    }
    for (const auto* docs : {&table.label_columns, &table.columns}) {
      for (const ColumnDoc& d : *docs) has(d.text);
    }
  }
  for (const ConstantUsed& c : part.report.constants) {
    has(c.name);
    has(c.value);
    has(c.source);
  }
  for (const std::string& text : {part.report.title, part.report.question, part.report.source, part.command, std::string("abc")}) has(text);
}

TEST_CASE("page: what others wrote is text, in every place where it can stand") {
  PagePart part = sample_part();
  Report& r = part.report;
  const std::string bad = kHostile;
  r.title = r.question = r.source = r.headline = part.command = part.file = bad;
  r.variants = {bad, "MRFT"};
  r.tables[0].title = bad;
  r.tables[0].label_columns[0].text = bad;
  for (Row& row : r.tables[0].rows) row.set("variant", bad);
  r.notes = r.warnings = {bad};
  r.constants = {{bad, bad, Origin::assumed, bad}, {bad, bad, Origin::published, bad}};
  r.expectations = {expectation(bad, 1, 2, 1)};
  r.expectations[0].source = r.expectations[0].known_miss = bad;
  part.stories = {sample_story()};
  part.stories[0].of = part.stories[0].why.sentence = part.stories[0].why.phases[0].name = part.stories[0].why.groups[0].name = bad;
  part.stories[0].network.title = bad;
  part.stories[0].network.switches = {{}};
  part.stories[0].network.switches[0].name = bad;
  part.curves = {{bad, bad, bad, false, false, {{bad, {1, 2}, {1, 2}, {}, {}}}, {{bad, bad, 1, 1, 1, true}}}};
  const std::string html = wholly(part);
  CHECK(html.find("<img") == std::string::npos);
  CHECK(html.find("<script>alert") == std::string::npos);
  // Two elements <script> would be one too many: that of the data is the only one.
  const ReadPage page = read_page(html);
  CHECK(std::count(page.tags.begin(), page.tags.end(), "script") == 1);
  CHECK(page.data.find('<') == std::string::npos);
}

TEST_CASE("page: the same page has the same bytes") { CHECK(page_of_part(sample_part()) == page_of_part(sample_part())); }

TEST_CASE("page: answer, why and doubt stand on top, and lead down") {
  PagePart part = sample_part();
  part.report.headline = "Planes are as fast as rails and cost less.";
  part.stories = {sample_story()};
  part.report.constants.push_back({"gpu h800: launch", "2 us", Origin::assumed, "nobody says"});
  const std::string html = wholly(part);
  const std::size_t first_table = html.find("<table");
  for (const char* text : {"Planes are as fast as rails and cost less.", "50 % of the 2 ms wait for the NICs&#39; way out.", "Of 2 constants 1 is assumed"}) {
    INFO(text);
    CHECK(html.find(text) < first_table);
  }
}

TEST_CASE("page: the answer's table, then why, doubt, what was expected, and all results") {
  PagePart part = sample_part();
  part.stories = {sample_story()};
  part.report.expectations = {expectation("a", 100, 101, 2)};
  const std::string html = wholly(part);
  std::size_t before = html.find("At a glance");
  CHECK(before != std::string::npos);
  for (const char* id : {"why", "doubts", "expected", "results", "pictures", "constants", "repeat"}) {
    const std::size_t at = html.find(" id=\"" + std::string(id) + "\"");
    CHECK_MESSAGE((at != std::string::npos && at > before), id);
    before = at;
  }
}

TEST_CASE("page: a table of many rows is folded away with its count, and ranks stand behind what sums them up") {
  PagePart part = sample_part();
  Table t;
  t.id = "step";
  t.label_columns = {{"rank", "r"}};
  t.columns = {{"time_us", "t"}};
  const auto row = [](const std::string& rank, double us) {
    Row r;
    return r.set("variant", "MPFT").set("workload", "step").set("rank", rank).set("time_us", us);
  };
  t.rows = {row("mean", 111.5)};
  for (int i = 0; i < 4; ++i) t.rows.push_back(row(std::to_string(i), 200.5 + i));
  part.report.tables.push_back(t);
  for (Row& r : t.rows) r.set("workload", "long");
  t.id = "long";
  t.rows.erase(t.rows.begin());
  for (int i = 4; i < 31; ++i) t.rows.push_back(row(std::to_string(i), 300.5 + i).set("workload", "long"));
  part.report.tables.push_back(t);
  const std::string html = wholly(part);
  // In this order, the first table of all (at a glance) aside.
  std::size_t at = html.find("id=\"table-step\"");
  for (const char* text : {"step, 1 of 5 rows: those that sum ranks up", ">111.5<", "<summary>All 5 rows, with those of single ranks</summary>", ">203.5<", "<summary>long, 31 rows</summary>", ">330.5<"}) {
    at = html.find(text, at);
    CHECK_MESSAGE(at != std::string::npos, text);
  }
}

TEST_CASE("page: a timeline says what part of its case it shows") {
  PagePart part = sample_part();
  part.stories = {sample_story()};   // 2 ms long
  TimelinePicture& t = part.stories[0].timeline;
  t.tracks = {{"rank 3", "compute"}};
  t.names = {"expert"};
  t.slices = {{0, 0, 1500, 0, false, 1}};
  t.ranks = 1;
  t.of_ranks = 2048;
  t.left_out = 12;
  const std::string text = read_page(wholly(part)).text;
  for (const char* words : {"operations of 1 of 2,048 ranks", "they end at 1.5 ms of the case's 2 ms", "the 12 shortest operations are left out"}) CHECK_MESSAGE(text.find(words) != std::string::npos, words);
  t.slices[0].end_us = 2000;
  t.ranks = t.of_ranks = 1;
  t.left_out = 0;
  CHECK(read_page(wholly(part)).text.find("operations by rank; drag") != std::string::npos);
}

TEST_CASE("page: without a sentence the first figure of the base is the answer, with the variant furthest from it") {
  // MRFT on the larger size: 22000 over 20000 is 10 % more.
  const ReadPage page = read_page(wholly(sample_part()));
  CHECK(page.text.find("time_us is 20,000 with \"MPFT\", and 22,000 (+10 %) with \"MRFT\".") != std::string::npos);
}

TEST_CASE("page: phases, resources and links are told in numbers, not in a picture alone") {
  PagePart part = sample_part();
  part.stories = {sample_story()};
  const ReadPage page = read_page(wholly(part));
  for (const char* text : {"dispatch", "node0.nic0", "75 %", "NIC out of node0.nic0", "1 ms (-50 %)", "NVLink out (64 alike)", "--set '/cluster/node/nic_rate=800 Gbps'"}) {
    CHECK_MESSAGE(page.text.find(text) != std::string::npos, text);
  }
  const Json bars = Json::parse(page.data)["parts"][0]["stories"][0]["bars"]["rows"];
  // Both bars are the whole 2 ms: 1 + 1.
  for (const Json& row : bars) CHECK(row["parts"][0]["value"].get<double>() + row["parts"][1]["value"].get<double>() == doctest::Approx(2000));
}

TEST_CASE("page: an expected value is met, missed, known to be missed, or not reproducible") {
  PagePart part = sample_part();
  auto& e = part.report.expectations;
  e = {expectation("a", 100, 101, 2), expectation("b", 100, 110, 2), expectation("c", 100, 120, 2), expectation("d", 100, 130, 0)};
  e[2].known_miss = "an older driver";
  e[3].not_reproducible = "the trace is not published";
  const Verdict v = verdict_of(part.report);
  CHECK(v.all == 3);
  CHECK(v.met == 1);
  CHECK(v.missed == 1);
  CHECK(v.known == 1);
  const ReadPage page = read_page(wholly(part));
  for (const char* text : {"1 of 3 expected values is out of tolerance for no known reason; of those met the farthest is a, +1 % of 2 % allowed.", "known miss: an older driver", "not reproducible: the trace is not published", "+20 %"}) {
    CHECK_MESSAGE(page.text.find(text) != std::string::npos, text);
  }
}

TEST_CASE("page: several results stand below one another, each with its own links") {
  WebPage page;
  page.parts = {sample_part(), sample_part()};
  page.parts[1].report.title = "Rails again";
  const ReadPage read = read_page(filled_page(kFrame, page));
  for (const std::string& error : read.errors) FAIL_CHECK(error);
  CHECK(read.text.find("2 results") != std::string::npos);
  CHECK(std::count(read.tags.begin(), read.tags.end(), "h1") == 1);
}

TEST_CASE("page: kernels stand under roofs that follow from their own rows") {
  // H800: 3.35 TB/s and 1979 TFLOP/s. 100 TFLOP/s moving 1000 GB/s are 100 FLOP/byte, whose roof is 335; at 800 FLOP/byte it is the flat one.
  PagePart part = sample_part();
  Table t;
  t.id = t.kind = "kernel";
  t.label_columns = {{"m", "rows"}};
  t.columns = {{"time_us", "t"}, {"roofline_us", "r"}, {"bound_by", "b"}, {"tflops", "f"}, {"GBps", "g"}};
  const auto kernel = [](std::int64_t m, double tflops, double rate, double roof, const char* by) {
    Row row;
    row.set("variant", "MPFT").set("workload", "kernel").set("m", m).set("time_us", 10.0).set("roofline_us", 10.0 * tflops / roof);
    return row.set("bound_by", by).set("tflops", tflops).set("GBps", rate);
  };
  t.rows = {kernel(64, 100, 1000, 335, "HBM"), kernel(4096, 1200, 1500, 1979, "tensor cores (FP8)")};
  part.report.tables.push_back(t);
  const Json roofline = Json::parse(read_page(wholly(part)).data)["parts"][0]["roofline"];
  CHECK(roofline["roofs"][0]["slope_GBps"].get<double>() == doctest::Approx(3350));
  CHECK(roofline["roofs"][1]["flat_tflops"].get<double>() == doctest::Approx(1979));
  CHECK(roofline["points"][1]["x"].get<double>() == doctest::Approx(800));
}

TEST_CASE("page: a price is drawn by its parts") {
  PagePart part = sample_part();
  Table t;
  t.id = t.kind = "price";
  t.columns = {{"price_MUSD", "all"}, {"switches_MUSD", "s"}, {"cables_MUSD", "c"}};
  Row row;
  t.rows = {row.set("variant", "MPFT").set("workload", "price").set("price_MUSD", 72.0).set("switches_MUSD", 50.0).set("cables_MUSD", 22.0)};
  part.report.tables.push_back(t);
  const Json costs = Json::parse(read_page(wholly(part)).data)["parts"][0]["costs"];
  double sum = 0;
  for (const Json& p : costs[0]["rows"][0]["parts"]) sum += p["value"].get<double>();
  CHECK(sum == doctest::Approx(72));
}

TEST_CASE("page: a sensitivity is a tornado, and its weightiest assumption is doubted") {
  WebPage page;
  page.parts = {sample_part()};
  Listing listing;
  Table t;
  t.id = "sensitivity";
  const auto input = [](const char* name, double low, double high, const char* origin) {
    Row row;
    return row.set("input", name).set("change_low_pct", low).set("change_high_pct", high).set("elasticity", -1.0).set("origin", origin);
  };
  t.rows = {input("nic_rate", 20, -10, "published"), input("launch_gap", -3, 4, "assumed"), input("still", 0, 0, "assumed")};
  listing.tables = {t};
  page.tornados = {listing};
  const ReadPage read = read_page(filled_page(kFrame, page));
  for (const std::string& error : read.errors) FAIL_CHECK(error);
  const Json bars = Json::parse(read.data)["tornados"][0]["bars"];
  REQUIRE(bars.size() == 2);   // what moves nothing is in the table alone
  CHECK(bars[0]["low_pct"] == 20);
  CHECK(read.text.find("launch_gap, moves the answer by 4 %") != std::string::npos);
  CHECK(read.text.find("still") != std::string::npos);
}

TEST_CASE("page: points of a sweep are sorted, and those of its front are marked") {
  WebPage page;
  page.x = "price_MUSD";
  page.y = "tokens";
  const auto point = [](std::int64_t nodes, double price, double tokens, bool on_front) {
    Row row;
    return row.set("/cluster/nodes", nodes).set("price_MUSD", price).set("tokens", tokens).set("on_front", on_front);
  };
  Table points;
  points.id = "pareto";
  points.label_columns = {{"/cluster/nodes", "nodes"}};
  points.rows = {point(64, 20, 5, true), point(32, 10, 4, true), point(48, 25, 3, false)};   // more money for fewer tokens
  Listing listing;
  listing.tables = {points};
  page.sweeps = {listing};
  const ReadPage read = read_page(filled_page(kFrame, page));
  for (const std::string& error : read.errors) FAIL_CHECK(error);
  const Json cloud = Json::parse(read.data)["sweeps"][0];
  CHECK(cloud["x"] == Json({10, 20, 25}));
  CHECK(cloud["front"] == Json({1, 1, 0}));
  CHECK(cloud["names"][0] == "/cluster/nodes=32");
}

TEST_CASE("page: nothing to draw is an error, and so is a cell without a meaning") {
  CHECK_THROWS_AS(filled_page(kFrame, {}), UserError);
  PagePart part = sample_part();
  part.report.tables[0].rows[0].set("colour", "red");
  CHECK_THROWS_AS(page_of_part(part), RunError);
}

TEST_CASE("page: the template that is compiled in has its library's licence and no other place in the network") {
  if (!can_draw_pages()) {
    CHECK(!page_template_missing().empty());
    CHECK_THROWS_AS(html_page({}), NotPossibleHere);
    return;
  }
  WebPage page;
  page.parts = {sample_part()};
  const std::string html = html_page(page);
  CHECK(html.find("Permission is hereby granted, free of charge") < html.find("<style>"));
  for (const char* loads : {"src=", "@import", "url(", "href=\"http", "fetch(", "XMLHttpRequest", "<link"}) {
    INFO(loads);
    CHECK(html.find(loads) == std::string::npos);
  }
  CHECK(html.find("default-src &#39;none&#39;") + html.find("default-src 'none'") != 2 * std::string::npos);
  CHECK(html.size() < 200'000);
}

TEST_CASE("html: texts are cleaned to UTF-8 without control characters") {
  CHECK(clean_text("a\xff\x01z") == "a\xEF\xBF\xBD\xEF\xBF\xBDz");
  CHECK(clean_text("\xc0\xaf") == "\xEF\xBF\xBD\xEF\xBF\xBD");          // an overlong slash
  CHECK(clean_text("\xed\xa0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");   // half of a surrogate pair
  CHECK(clean_text("µs\t\n\xf0\x9f\x99\x82") == "µs\t\n\xf0\x9f\x99\x82");
  CHECK(escaped("<a href=\"x\">&'") == "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

TEST_CASE("glance: the figure of a table is its price, total, time or rate, in its case that sums up") {
  Table t;
  t.id = "step";
  t.label_columns = {{"rank", "r"}};
  t.columns = {{"gpus", "g"}, {"step_time_s", "t"}, {"tflops", "f"}};
  const auto row = [](const char* variant, const char* rank, double s) {
    Row r;
    return r.set("variant", variant).set("workload", "step").set("rank", rank).set("gpus", 8).set("step_time_s", s).set("tflops", 1.0);
  };
  t.rows = {row("A", "mean", 2), row("A", "15", 9), row("B", "mean", 1.5)};
  Report r;
  r.variants = {"A", "B"};
  r.tables = {t};
  const std::vector<KeyFigure> figures = key_figures(r);
  REQUIRE(figures.size() == 1);
  CHECK(figures[0].column == "step_time_s");
  CHECK(figures[0].labels == "rank=mean");
  CHECK(*figures[0].values[0] == 2);
  CHECK(*figures[0].values[1] == 1.5);
  CHECK(change_text(1.5, 2) == "-25 %");
  CHECK(change_text(8, 2) == "x 4");
}

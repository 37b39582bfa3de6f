#include <sstream>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "reports/compare.h"
#include "reports/render.h"
#include "tests/reports/sample.h"

using namespace weft;
using namespace weft::reports;

TEST_CASE("jsonl: every line is a row of its own that begins with its table") {
  Report r = sample_report();
  r.tables[0].rows.resize(2);
  CHECK(render(r, "jsonl") ==
        "{\"table\":\"all_to_all\",\"variant\":\"MPFT\",\"workload\":\"all_to_all\",\"gpus\":16,\"size_B\":1024,\"time_us\":12.5}\n"
        "{\"table\":\"all_to_all\",\"variant\":\"MPFT\",\"workload\":\"all_to_all\",\"gpus\":16,\"size_B\":1073741824,\"time_us\":20000.0}\n");
}

TEST_CASE("jsonl: rows of several tables follow one another, a cell that a row lacks is not there") {
  Row a, b;
  a.set("name", "f\"t2");
  b.set("count", 3).set("fits", true);
  Listing l;
  l.tables.push_back({"kinds", "", "", {{"name", "kind"}}, {}, {a}});
  l.tables.push_back({"sums", "", "", {}, {{"count", "how many"}, {"fits", "whether"}}, {b}});
  CHECK(render(l, "jsonl") == "{\"table\":\"kinds\",\"name\":\"f\\\"t2\"}\n{\"table\":\"sums\",\"count\":3,\"fits\":true}\n");
}

TEST_CASE("jsonl: a comparison gives its long form, each line JSON by itself") {
  Report r = sample_report();
  r.tables[0].rows[2].set("time_us", 25.0);
  r.comparison = compare_variants(r);
  std::istringstream lines(render(r, "jsonl"));
  std::string line;
  std::size_t count = 0;
  while (std::getline(lines, line)) {
    CHECK(Json::parse(line)["table"] == "comparison");
    ++count;
  }
  CHECK(count == r.comparison->rows.size());
}

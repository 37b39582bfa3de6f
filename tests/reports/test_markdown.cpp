#include <doctest/doctest.h>

#include "reports/render.h"
#include "tests/reports/sample.h"

using namespace weft;
using namespace weft::reports;

TEST_CASE("markdown: tables are GitHub's, numbers to the right") {
  const std::string text = render(sample_report(), "markdown");
  CHECK(text.starts_with(
      "# Planes or rails\n\nWhich is faster?\n\nSource: a test\n\n## all_to_all: every rank to every rank\n\n"
      "| variant | gpus | size_B | time_us |\n| --- | ---: | ---: | ---: |\n| MPFT | 16 | 1,024 | 12.5 |\n"));
  CHECK(text.ends_with("weft 0.1.0, fluid engine, seed 7\n"));
}

TEST_CASE("markdown: a bar in a cell does not end it") {
  Report r = sample_report();
  r.tables[0].rows[0].set("variant", "a|b");
  CHECK(render(r, "markdown").find("| a\\|b | 16 |") != std::string::npos);
}

TEST_CASE("markdown: meanings of columns are a list below the table when asked") {
  RenderOptions options;
  options.explain_columns = true;
  CHECK(render(sample_report(), "markdown", options).find("\n\n* `gpus`: ranks that take part\n") != std::string::npos);
}

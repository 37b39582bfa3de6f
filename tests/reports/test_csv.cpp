#include <doctest/doctest.h>

#include "reports/compare.h"
#include "reports/render.h"
#include "tests/reports/sample.h"

using namespace weft;
using namespace weft::reports;

TEST_CASE("csv: one header with the columns of all rows, exact numbers, empty fields where a column does not apply") {
  Report r = sample_report();
  r.tables[0].rows.resize(2);
  Row price;
  price.set("variant", "MPFT").set("workload", "price").set("price_usd", 9000000.5);
  r.tables.push_back({"price", "price", "cost", {}, {{"price_usd", "sum of all parts"}}, {price}});
  CHECK(render(r, "csv") ==
        "variant,workload,gpus,size_B,time_us,price_usd\n"
        "MPFT,all_to_all,16,1024,12.5,\n"
        "MPFT,all_to_all,16,1073741824,20000,\n"
        "MPFT,price,,,,9000000.5\n");
}

TEST_CASE("csv: commas, quotes and line breaks are quoted as RFC 4180 says") {
  Report r = sample_report();
  r.tables[0].rows.resize(1);
  r.tables[0].rows[0].set("variant", "MPFT, \"one\"\nspine lost");
  CHECK(render(r, "csv").find("\"MPFT, \"\"one\"\"\nspine lost\",all_to_all,16") != std::string::npos);
}

TEST_CASE("csv: a comparison gives its long form") {
  Report r = sample_report();
  r.tables[0].rows[2].set("time_us", 25.0);
  r.comparison = compare_variants(r);
  // 25 us against 12.5 us: 12.5 us more, twice as long.
  CHECK(
      render(r, "csv").starts_with("workload,gpus,size_B,column,variant,base,value,delta,ratio\n"
                                   "all_to_all,16,1024,time_us,MRFT,12.5,25,12.5,2\n"));
}

TEST_CASE("csv: tables of a listing are told apart") {
  Row a, b;
  a.set("name", "ft2");
  b.set("count", 3);
  Listing l;
  l.tables.push_back({"kinds", "", "", {{"name", "kind"}}, {}, {a}});
  CHECK(render(l, "csv") == "name\nft2\n");
  l.tables.push_back({"sums", "", "", {}, {{"count", "how many"}}, {b}});
  CHECK(render(l, "csv") == "table,name,count\nkinds,ft2,\nsums,,3\n");
}

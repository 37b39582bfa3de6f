// --where: which rows stay.
#include <doctest/doctest.h>

#include "scenarios/studies/where.h"
#include "tests/scenarios/sweep_support.h"

using namespace weft;
using namespace weft::scenarios;
using namespace weft::scenarios::test;

namespace {

struct Kept {
  std::size_t price, memory, a2a, failed;
  std::vector<std::string> notes;
};

Kept keep(const std::string& where) {
  reports::Listing l = swept();
  Kept k{};
  k.notes = keep_where(l, Expression::parse(where, "--where"));
  k.price = l.tables[0].rows.size();
  k.memory = l.tables[1].rows.size();
  k.a2a = l.tables[2].rows.size();
  k.failed = l.tables[3].rows.size();
  return k;
}

std::string error_of(const std::string& where) {
  return words_of([&] { keep(where); });
}

}  // namespace

TEST_CASE("a condition on a point keeps the rows of all its tables") {
  // Two points of two variants; memory fits on 8 nodes: half of everything.
  const Kept k = keep("memory_fits");
  CHECK(k.price == 2);
  CHECK(k.memory == 2);
  CHECK(k.a2a == 4);
  CHECK(k.failed == 1);
  CHECK(k.notes.empty());
}

TEST_CASE("columns of different tables meet in one condition") {
  // Prices are 4, 8, 8 and 16 million; memory fits for the last two; below 10 million that leaves one.
  const Kept k = keep("memory_fits && price_usd < 10e6");
  CHECK(k.price == 1);
  CHECK(k.memory == 1);
  CHECK(k.a2a == 2);
  CHECK(keep("memory.memory_fits && price.price_usd < 10e6").a2a == 2);
}

TEST_CASE("what is set at a point and the variant are columns, too") {
  CHECK(keep("[/cluster/nodes] == 4 && variant == 'B'").price == 1);
  CHECK(keep("workload == 'a2a'").price == 0);
  CHECK(keep("workload == 'a2a'").a2a == 8);
}

TEST_CASE("rows beside several values are left out, and that is said") {
  // Times: 256, 512, 128, 256, 128, 256, 64, 128 us: three are 128 and one is less; a price has two times beside it.
  const Kept k = keep("time_us <= 128");
  CHECK(k.a2a == 4);
  CHECK(k.price == 0);
  REQUIRE(k.notes.size() == 2);
  CHECK(k.notes[0].find("4 of 4 rows of price") != std::string::npos);
  // The price decides alone where it can.
  CHECK(keep("time_us <= 0 || price_usd < 5e6").price == 1);
}

TEST_CASE("labels that two tables have in common say which row is beside which") {
  reports::Listing l = swept();
  reports::Table bytes = l.tables[2];
  bytes.id = "bytes";
  bytes.columns = {{"sent_B", "bytes"}};
  for (Row& r : bytes.rows) {
    Row fresh;
    for (const char* name : {"/cluster/nodes", "variant", "workload", "size_B"}) fresh.set(name, *r.find(name));
    r = fresh.set("sent_B", 10 * r.number("size_B"));
  }
  l.tables.push_back(bytes);
  keep_where(l, Expression::parse("sent_B > 20000 && time_us < 200", "--where"));
  // Of size 2048 (sent 20480) the times are 512, 256, 256 and 128.
  CHECK(l.tables[2].rows.size() == 1);
  CHECK(l.tables[4].rows.size() == 1);
}

TEST_CASE("labels that never agree mean different things, and then every row counts") {
  reports::Listing l = swept();
  // Of the four designs the first two have a rank that does not fit.
  reports::Table ranks{"ranks", "m", "t", l.tables[0].label_columns, {{"fits", "whether"}}, {}}, step{"step", "s", "t", l.tables[0].label_columns, {{"step_s", "time"}}, {}};
  ranks.label_columns.push_back({"rank", "rank"});
  step.label_columns.push_back({"rank", "rank, or mean"});
  for (const Row& price : l.tables[0].rows) {
    Row lead;
    for (const char* name : {"/cluster/nodes", "variant"}) lead.set(name, *price.find(name));
    Row mean = lead;
    step.rows.push_back(mean.set("rank", std::string("mean")).set("step_s", 1.0));
    for (const std::int64_t rank : {0, 1}) {
      Row row = lead;
      ranks.rows.push_back(row.set("rank", rank).set("fits", rank == 0 || price.number("/cluster/nodes") == 8));
    }
  }
  l.tables = {ranks, step};
  keep_where(l, Expression::parse("fits && step_s < 2", "--where"));
  CHECK(l.tables[1].rows.size() == 2);
  CHECK(l.tables[0].rows.size() == 4 + 2);   // of a rank itself its own word counts
}

TEST_CASE("a column that nobody has is told with its place and the nearest") {
  const std::string error = error_of("memory_fits && prise_usd < 1");
  CHECK(error.find("character 16: there is no column \"prise_usd\"") != std::string::npos);
  CHECK(error.find("did you mean \"price_usd\"?") != std::string::npos);
  CHECK(error_of("price.time_us < 1").find("there is no column \"price.time_us\"") != std::string::npos);
  CHECK(error_of("memory_fits > 1").find(" is compared with the number 1") != std::string::npos);
  CHECK(words_of([] { check_columns(Expression::parse("loss_pct < 1 && x.loss_pct > 0", "--where"), swept(), {"loss_pct"}); }) == "");
}

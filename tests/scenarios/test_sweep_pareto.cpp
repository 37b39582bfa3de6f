// Pareto fronts: against the definition, over tables, and what cannot be one.
#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "scenarios/studies/pareto.h"
#include "tests/scenarios/sweep_support.h"

using namespace weft;
using namespace weft::scenarios;
using namespace weft::scenarios::test;

namespace {

reports::Table front(const reports::Listing& l, const std::string& goals, bool all = false) { return pareto_table(l, parse_pareto(goals, "--pareto"), all); }

std::string error_of(const std::string& goals) {
  return words_of([&] { front(swept(), goals); });
}

/// A table of points with columns a and b.
reports::Listing points(const std::vector<std::pair<int, int>>& list) {
  reports::Table t{"t", "", "", {{"/p", "set"}, {"variant", "v"}}, {{"a", "a"}, {"b", "b"}}, {}};
  std::int64_t n = 0;
  for (const auto& [a, b] : list) {
    Row r;
    t.rows.push_back(r.set("/p", n++).set("variant", "v").set("a", std::int64_t{a}).set("b", std::int64_t{b}));
  }
  reports::Listing l;
  l.tables.push_back(std::move(t));
  return l;
}

}  // namespace

TEST_CASE("a front has what no other point beats, and equals stay together") {
  // Less a and more b: (1, 1), (2, 3) twice; (3, 3) and (2, 2) are beaten by (2, 3), (4, 2) by all of those.
  const reports::Table t = front(points({{4, 2}, {2, 3}, {1, 1}, {3, 3}, {2, 3}, {2, 2}}), "a,b");
  REQUIRE(t.rows.size() == 3);
  CHECK(t.rows[0].number("/p") == 2);
  CHECK(t.rows[1].number("/p") == 1);
  CHECK(t.rows[2].number("/p") == 4);
  CHECK(std::get<bool>(*t.rows[0].find("on_front")));
  const reports::Table all = front(points({{4, 2}, {2, 3}, {1, 1}}), "a,b", true);
  REQUIRE(all.rows.size() == 3);
  CHECK(!std::get<bool>(*all.rows[2].find("on_front")));
  CHECK(all.title == "least a against most b");
}

TEST_CASE("either end of a column can be the better one") {
  const reports::Listing l = points({{1, 1}, {1, 2}, {2, 1}, {2, 2}});
  const auto only = [&](const char* goals) {
    const reports::Table t = front(l, goals);
    REQUIRE(t.rows.size() == 1);
    return t.rows[0].number("/p");
  };
  CHECK(only("a,min:b") == 0);
  CHECK(only("a,b") == 1);
  CHECK(only("max:a,min:b") == 2);
  CHECK(only("max:a,max:b") == 3);
}

TEST_CASE("a front is that of the definition") {
  CHECK(rc::check([](const std::vector<std::pair<std::uint8_t, std::uint8_t>>& drawn, bool most_x, bool most_y) {
    std::vector<std::pair<int, int>> list;
    for (const auto& [a, b] : drawn) list.emplace_back(a % 8, b % 8);
    if (list.empty()) return;
    const reports::Table t = front(points(list), std::string(most_x ? "max:a," : "min:a,") + (most_y ? "max:b" : "min:b"), true);
    RC_ASSERT(t.rows.size() == list.size());
    for (const Row& r : t.rows) {
      const auto better = [](double u, double v, bool most) { return most ? u > v : u < v; };
      bool beaten = false;
      for (const auto& [a, b] : list) {
        const double x = r.number("a"), y = r.number("b");
        const bool no_worse = !better(x, a, most_x) && !better(y, b, most_y);
        beaten = beaten || (no_worse && (better(a, x, most_x) || better(b, y, most_y)));
      }
      RC_ASSERT(std::get<bool>(*r.find("on_front")) == !beaten);
    }
  }));
}

TEST_CASE("columns of different tables are joined by point and variant") {
  // Prices 4, 8, 8, 16 million; times of 1,024 bytes 256, 128, 128, 64 us, of 2,048 bytes twice that: every price has its fastest time.
  const reports::Table t = front(swept(), "price_usd,min:time_us");
  REQUIRE(t.rows.size() == 4);
  CHECK(t.columns[0].name == "price.price_usd");
  CHECK(t.columns[1].name == "a2a.time_us");
  CHECK(t.rows[0].number("price.price_usd") == 4e6);
  CHECK(t.rows[0].number("a2a.time_us") == 256);
  CHECK(t.rows[0].number("size_B") == 1024);
  CHECK(t.rows[3].number("a2a.time_us") == 64);
  CHECK(front(swept(), "price.price_usd,min:a2a.time_us", true).rows.size() == 8);
}

TEST_CASE("a column that is not there, is no number or is of several tables is told") {
  CHECK(error_of("prise_usd,min:time_us").find("--x: there is no column \"prise_usd\" (did you mean \"price_usd\"?") != std::string::npos);
  CHECK(error_of("price_usd,memory_fits").find("--y: memory.memory_fits is no number everywhere: \"false\"") != std::string::npos);
  CHECK(error_of("price_usd").find("expected two columns X,Y") != std::string::npos);
  CHECK(error_of("price_usd,max:").find("expected a column") != std::string::npos);
  reports::Listing l = swept();
  l.tables.push_back(l.tables[2]);
  l.tables.back().id = "other";
  CHECK(words_of([&] { front(l, "price_usd,min:time_us"); }).find("say which: a2a.time_us, other.time_us") != std::string::npos);
  CHECK(front(l, "other.size_B,min:time_us").rows.size() == 1);
  CHECK_THROWS_AS(front(reports::Listing(), "a,b"), UserError);
}

TEST_CASE("the longest time is nobody's goal unless it is asked for by name") {
  CHECK(words_of([] { parse_pareto("price_MUSD,time_us", "--pareto"); }).find("say min:time_us, or max:time_us") != std::string::npos);
  CHECK(words_of([] { parse_pareto("algbw_GBps,price_MUSD", "--pareto"); }).find("say max:algbw_GBps") != std::string::npos);
  CHECK(parse_pareto("price_MUSD,max:time_us", "--pareto").y.most);
  CHECK(!parse_pareto("price_MUSD,min:time_us", "--pareto").y.most);
  for (const char* rate : {"tokens_per_s", "tokens_per_USD", "tflops"}) CHECK(parse_pareto(std::string("price_MUSD,") + rate, "--pareto").y.most);
  CHECK(words_of([] { parse_pareto("tokens_per_s,price_MUSD", "--pareto"); }).find("as X would be the better the less") != std::string::npos);
}

TEST_CASE("rows of one design that answer different questions are said to compete") {
  reports::Listing l = points({{1, 1}, {1, 2}, {2, 1}});
  CHECK(front(l, "a,b").title == "least a against most b");
  for (Row& row : l.tables[0].rows) row.set("/p", std::int64_t{0});
  l.tables[0].label_columns.push_back({"size_B", "bytes"});
  for (std::size_t i = 0; i < 3; ++i) l.tables[0].rows[i].set("size_B", static_cast<std::int64_t>(i));
  CHECK(front(l, "a,b").title == "least a against most b; rows of different size_B of one design compete");
}

// Explanations of whole scenarios: what bounds them, and that a run without it takes what was said.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "scenarios/studies/explain.h"
#include "scenarios/studies/explanation_tables.h"
#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;
using namespace weft::scenarios::test;
using analysis::Explanation;
using analysis::Resource;
using doctest::Approx;

namespace {

analysis::Explanation why(const Scenario& s, const std::string& of = "", std::size_t free = 5) {
  ExplainOptions o;
  o.free = free;
  return explain(s, data(), of, o).why;
}

double cell(const reports::Report& r, const std::string& column) { return r.tables.at(0).rows.at(0).number(column); }

double time_of(const Scenario& s, const std::string& column = "time_us") { return cell(run_scenario(s, data(), {}), column); }

double sum(const std::vector<Explanation::Phase>& phases) {
  double all = 0;
  for (const auto& p : phases) all += p.time.value();
  return all;
}

/// Four GPUs on other nodes send 1 GB each to GPU 0 at once.
std::string incast_file() {
  const auto file = std::filesystem::temp_directory_path() / fmt::format("weft_incast_{}.weft", ::getpid());
  std::ofstream out(file);
  out << "weft-program 1\nranks 40 per-node 8\n";
  for (int i = 1; i < 5; ++i) out << "t" << i << ": transfer 1 GB from gpu " << 8 * i << " to gpu 0\n";
  return file.string();
}

const char* const kMpft = R"("node": "h800", "nodes": 256, "topology": {"kind": "mpft"}, "transport": "infiniband")";

}  // namespace

TEST_CASE("an incast is explained by the receiver's NIC, and without it takes what was said") {
  const std::string file = incast_file();
  const std::string text = minimal(R"("node": "h800", "nodes": 5, "topology": {"kind": "mpft"}, "transport": "infiniband")",
                                   R"({"id": "incast", "kind": "program", "file": ")" + file + R"("})");
  const Explanation e = why(scenario(text));
  REQUIRE_FALSE(e.links.empty());
  CHECK(e.links[0].name == "NIC in of node0.nic0");
  CHECK(e.resources[0].resource == Resource::nic_in);
  CHECK(e.links[0].time / e.total > 0.99);
  REQUIRE(e.links[0].if_free);
  CHECK_FALSE(e.links[0].own_rate);
  CHECK(e.links[0].next.starts_with("PCIe to GPU"));   // PCIe is next: 57.6 in place of 50 GB/s (and fewer header bytes)
  CHECK(*e.links[0].if_free < e.total);
  const double without = time_of(scenario(text, {set(R"(/cluster/events=[{"at": "0 us", "slow": "node0.nic0", "rate": "50 TB/s"}])")}));
  CHECK(e.links[0].if_free->value() * 1e6 == Approx(without).epsilon(1e-6));
  std::filesystem::remove(file);
}

TEST_CASE("with a spine lost the plane's uplinks bound an all-to-all at line rate; mended, it takes what was said") {
  const std::string text = minimal(std::string(kMpft) + R"(, "failed": ["plane0.spine0"])",
                                   R"({"id": "a2a", "kind": "all_to_all", "gpus": 2048, "sizes": "1 GiB", "kernel": "line_rate"})");
  const Explanation e = why(scenario(text));
  CHECK(e.resources[0].resource == Resource::uplink);
  REQUIRE_FALSE(e.links.empty());
  CHECK(e.links[0].name.starts_with("plane0: leaf to spine"));
  CHECK(e.links[0].name.find("plane0: spine to leaf") != std::string::npos);   // as full on the way down
  CHECK(e.links[0].try_it == "--set '/cluster/failed=[]'");
  REQUIRE(e.links[0].if_free);
  CHECK((e.total / *e.links[0].if_free) == Approx(1.1712).epsilon(0.001));   // 28.1 / 24 (N8.06): then NICs bound it, as without the failure
  CHECK(e.links[0].if_free->value() * 1e6 == Approx(time_of(scenario(text, {set("/cluster/failed=[]")}))).epsilon(1e-4));
  CHECK(e.links[0].next == "NIC out and NIC in (2,048 alike)");
}

TEST_CASE("links as full as those that are made free are named: freeing one rail of eight saves nothing") {
  const std::string text = minimal(R"("node": "h800", "nodes": 256, "topology": {"kind": "mrft"}, "transport": "infiniband", "failed": ["spine0"])",
                                   R"({"id": "shift", "kind": "shift", "gpus": 2048, "sizes": "1 GiB"})");
  const Explanation e = why(scenario(text), "", 1);
  REQUIRE(e.links[0].if_free);
  CHECK(*e.links[0].if_free / e.total == Approx(1).epsilon(1e-9));
  CHECK(e.links[0].name.starts_with("rail0: leaf to spine"));
  CHECK(e.links[0].next.starts_with("rail1: leaf to spine"));
  CHECK(e.sentence.find(", limited by rail1: leaf to spine") != std::string::npos);
  CHECK_FALSE(e.without_communication);   // it is nothing else
}

TEST_CASE("the phases of the training step of Table 4 add up to it") {
  const Scenario s = load_scenario(data().find("scenarios", "training_mpft_2048").string(), {set("/variants=[]")});
  const Explanation e = why(s, "", 1);
  CHECK(sum(e.phases) == Approx(e.total.value()).epsilon(1e-9));
  CHECK(e.total.value() == Approx(time_of(s, "step_time_s")).epsilon(1e-6));
  double resources = 0;
  for (const auto& r : e.resources) resources += r.time.value();
  CHECK(resources == Approx(e.total.value()).epsilon(1e-9));
  // most of DeepSeek's step is computing (its exchanges are hidden: published)
  CHECK((e.resources[0].resource == Resource::sms || e.resources[0].resource == Resource::hbm));
  REQUIRE_FALSE(e.operations.empty());
  REQUIRE(e.operations[0].if_free);
  CHECK(*e.operations[0].if_free < e.total);
  REQUIRE(e.without_communication);
  const double without = time_of(load_scenario(data().find("scenarios", "training_mpft_2048").string(), {set("/variants=[]"), set("/workload/step/communication=false")}), "step_time_s");
  CHECK(e.without_communication->value() == Approx(without).epsilon(1e-6));
}

TEST_CASE("folded or not, an explanation says the same") {
  const std::string text = minimal(R"("node": "h800", "nodes": 8, "topology": {"kind": "mpft"}, "transport": "infiniband")",
                                   R"({"id": "a2a", "kind": "all_to_all", "gpus": 64, "sizes": "1 MiB"})");
  ExplainOptions o;
  const Explanation folded = explain(scenario(text), data(), "", o).why;
  o.run.fold = false;
  const Explanation full = explain(scenario(text), data(), "", o).why;
  CHECK(folded.total.value() == Approx(full.total.value()).epsilon(1e-9));
  REQUIRE(folded.links.size() == full.links.size());
  for (std::size_t i = 0; i < full.links.size(); ++i) {
    CHECK(folded.links[i].name == full.links[i].name);
    CHECK(folded.links[i].time.value() == Approx(full.links[i].time.value()).epsilon(1e-9));
    CHECK(folded.links[i].utilisation == Approx(full.links[i].utilisation).epsilon(1e-9));
    CHECK(folded.links[i].if_free->value() == Approx(full.links[i].if_free->value()).epsilon(1e-9));
  }
  REQUIRE(folded.link_use.size() == full.link_use.size());
  for (std::size_t i = 0; i < full.link_use.size(); ++i) CHECK(folded.link_use[i].utilisation == Approx(full.link_use[i].utilisation).epsilon(1e-9));
}

TEST_CASE("planes that are alike are equally full over time, although one of them stands for the others") {
  // 40 nodes: two leaves a plane, so that half of the traffic crosses a spine of each.
  const std::string text = minimal(R"("node": "h800", "nodes": 40, "topology": {"kind": "mpft"}, "transport": "infiniband")",
                                   R"({"id": "a2a", "kind": "all_to_all", "gpus": 320, "sizes": "1 MiB"})");
  ExplainOptions o;
  o.free = 0;
  o.bins = 10;
  const Explanation folded = explain(scenario(text), data(), "", o).why;
  o.run.fold = false;
  const Explanation full = explain(scenario(text), data(), "", o).why;
  REQUIRE(folded.groups.size() == full.groups.size());
  const Explanation::GroupUse* first = nullptr;
  std::size_t planes = 0;
  for (std::size_t g = 0; g < full.groups.size(); ++g) {
    CHECK(folded.groups[g].name == full.groups[g].name);
    for (std::size_t b = 0; b < o.bins; ++b) CHECK(folded.groups[g].utilisation[b] == Approx(full.groups[g].utilisation[b]).epsilon(1e-9));
    if (full.groups[g].name.find("leaf to spine") == std::string::npos) continue;
    ++planes;
    if (first == nullptr) first = &full.groups[g];
    for (std::size_t b = 0; b < o.bins; ++b) CHECK(full.groups[g].utilisation[b] == Approx(first->utilisation[b]).epsilon(1e-9));
  }
  CHECK(planes == 8);
}

TEST_CASE("what is not simulated, and a case that nothing is called, are said to be so") {
  const Scenario price = scenario(minimal(kMpft, R"({"id": "price", "kind": "price"})"));
  const auto all = Explainer(price, data(), {}).cases();
  REQUIRE(all.size() == 1);
  CHECK_FALSE(all[0].simulated);
  CHECK_THROWS_AS(explain(price, data(), "", {}), UserError);
  const Scenario two = scenario(minimal(kMpft, R"({"id": "a2a", "kind": "all_to_all", "gpus": [16, 32], "sizes": "1 MiB"})"));
  CHECK_THROWS_WITH_AS(explain(two, data(), "", {}), doctest::Contains("2 simulations"), UserError);
  CHECK_THROWS_WITH_AS(explain(two, data(), "a2b", {}), doctest::Contains("nothing here is called"), UserError);
  const Scenario three = scenario(minimal(kMpft, R"({"id": "a2a", "kind": "all_to_all", "gpus": 16, "sizes": "1 MiB"}, {"id": "whole", "kind": "all_to_all", "gpus": 32, "sizes": "1 MiB"})"));
  CHECK(explain(three, data(), "t/who", {}).of == "t/whole[gpus=32,size_B=1048576,pxn=true]");   // a piece is enough where only one has it
}

TEST_CASE("an analysis says what gives its answer; goodput also which causes cost most") {
  // A stop every 10 h costs a restart of an hour and half an interval; one every 100 h the tenth of that; a checkpoint of 1 s in 600 s 0.17 %.
  const Scenario weeks = scenario(minimal(kMpft, R"({"id": "weeks", "kind": "goodput", "pause": "1 s", "interval": "600 s", "restart": "1 h", "detection": "0 s", "replicas": 20, "rates": {"causes": [
    {"name": "rare", "part": "node", "mtbf": "100 h"}, {"name": "often", "part": "software", "mtbf": "10 h"}]}})"));
  const auto told = Explainer(weeks, data(), {}).analyses("", {});
  REQUIRE(told.size() == 1);
  CHECK(told[0].found_by == "weeks of failures, simulated");
  const std::size_t often = told[0].why.find("most by \"often\" (stops"), rare = told[0].why.find("then \"rare\" (stops"), pause = told[0].why.find("and standing still for checkpoints");
  CHECK(often < rare);
  CHECK(rare < pause);
  CHECK(pause != std::string::npos);
  const Scenario price = scenario(minimal(kMpft, R"({"id": "price", "kind": "price"})"));
  const reports::Listing listing = explained_overview(Explainer(price, data(), {}), {});
  CHECK(std::get<std::string>(*listing.tables.at(0).rows.at(0).find("found_by")) == "cables and switches counted and priced");
  CHECK_THROWS_WITH_AS(explained_analyses(Explainer(price, data(), {}), "prise", {}), doctest::Contains("nothing here is called"), UserError);
}

TEST_CASE("what a kernel's own rate costs is what a run without it saves; what a variant sets itself is not suggested") {
  const std::string a2a = R"({"id": "a2a", "kind": "all_to_all", "gpus": 64, "sizes": "1 GiB"})";
  const std::string cluster = R"("node": "h800", "nodes": 8, "topology": {"kind": "mpft"}, "transport": "infiniband")";
  const Explanation e = why(scenario(minimal(cluster, a2a)));
  REQUIRE_FALSE(e.links.empty());
  CHECK(e.links[0].try_it == R"(--set '/workload/a2a/kernel={"extends": "nccl_all_to_all", "nic_rate": "10 TB/s"}')");
  const double without = time_of(scenario(minimal(cluster, a2a), {set(R"(/workload/a2a/kernel={"extends": "nccl_all_to_all", "nic_rate": "10 TB/s"})")}));
  REQUIRE(e.links[0].if_free);
  CHECK(e.links[0].if_free->value() * 1e6 == Approx(without).epsilon(1e-6));
  const std::string spine = R"({"title": "t", "cluster": {)" + cluster + R"(}, "workload": [)" + a2a +
                            R"(], "variants": [{"name": "own", "set": {"/workload/a2a/kernel": {"extends": "nccl_all_to_all"}}}]})";
  for (const auto& l : why(scenario(spine)).links) CHECK(l.try_it.find("kernel") == std::string::npos);
}

TEST_CASE("an analysis goes by its own name though a simulated workload begins with it") {
  const Scenario s = scenario(minimal(kMpft, R"({"id": "price", "kind": "price"}, {"id": "price_of_moving", "kind": "shift", "sizes": "1 MiB"})"));
  const Explainer explainer(s, data(), {});
  REQUIRE(explainer.analyses("price", {}).size() == 1);
  CHECK(explainer.analyses("t/price", {})[0].of == "t/price");
  CHECK(explain(s, data(), "price_of", {}).of == "t/price_of_moving[gpus=2048,by_nodes=32,size_B=1048576]");
}

TEST_CASE("nothing is said of a server without communication when it then does something else") {
  // A few thousand requests in a minute: without transfers of their caches they come to decode in other batches.
  const Scenario s = load_scenario(data().find("scenarios", "serving_hour").string(),
                                   {set("/variants=[]"), set("/workload/0/requests/count=3000"), set("/workload/0/requests/duration=60 s")});
  const Explanation e = why(s, "", 1);
  CHECK(e.exposed > Seconds());
  CHECK_FALSE(e.without_communication);   // 293.7 s in place of 267.7, though transfers took 3.9 ms of the path
  REQUIRE_FALSE(e.notes.empty());
  CHECK(e.notes.back().find("would go on differently") != std::string::npos);
}

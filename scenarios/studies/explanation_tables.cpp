#include "scenarios/studies/explanation_tables.h"

#include <algorithm>

#include <fmt/format.h>

#include "scenarios/parallel.h"
#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

using analysis::Explanation;
using analysis::to_text;

double ms(Seconds t) { return t.value() * 1e3; }
double pct(Seconds t, Seconds of) { return of > Seconds() ? 100 * (t / of) : 0; }

const char* const kTime = "of the critical path";
const char* const kShare = "part of the case's time";

reports::Table phases(const Explanation& why) {
  reports::Table t{"phases", "", "Phases of the critical path", {}, {}, {}};
  t.label_columns = {{"phase", "operations of one name, in order of their first start on the path"}};
  t.columns = {{"operations", "of this name on the path"}, {"start_ms", "when the first of them begins"}, {"time_ms", kTime}, {"share_pct", kShare},
               {"bound_by", "what most of that time waits for"}, {"bound_pct", "part of the phase's time that it takes"},
               {"where", "the part that limits the longest of them; of many alike one"}};
  for (const Explanation::Phase& p : why.phases) {
    Row& r = t.rows.emplace_back();
    r.set("phase", p.name).set("operations", static_cast<std::int64_t>(p.operations)).set("start_ms", ms(p.start)).set("time_ms", ms(p.time));
    r.set("share_pct", pct(p.time, why.total)).set("bound_by", to_text(p.limit)).set("bound_pct", 100 * p.limit_share);
    if (!p.where.empty()) r.set("where", p.where);
  }
  return t;
}

reports::Table resources(const Explanation& why) {
  reports::Table t{"resources", "", "What the critical path waits for", {{"resource", "NIC, NVLink, PCIe, links between switches, SMs, HBM, latency, fixed delays"}}, {}, {}};
  t.columns = {{"time_ms", kTime}, {"share_pct", kShare}};
  for (const Explanation::Share& s : why.resources) {
    t.rows.emplace_back().set("resource", to_text(s.resource)).set("time_ms", ms(s.time)).set("share_pct", pct(s.time, why.total));
  }
  return t;
}

reports::Table communication(const Explanation& why) {
  reports::Table t{"communication", "", "Exposed and hidden communication", {}, {}, {}};
  t.columns = {{"exposed_ms", "communication on the critical path"}, {"hidden_ms", "communication that the path's ranks send while the path computes"},
               {"hidden_pct", "hidden part of both"}, {"without_ms", "what the whole case takes when transfers take no time, run again"}};
  if (why.communicating > Seconds()) {
    Row& r = t.rows.emplace_back().set("exposed_ms", ms(why.exposed)).set("hidden_ms", ms(why.hidden)).set("hidden_pct", pct(why.hidden, why.communicating));
    if (why.without_communication) r.set("without_ms", ms(*why.without_communication));
  }
  return t;
}

void set_cost(Row& r, const Explanation::Cost& c, const Explanation& why) {
  r.set("members", static_cast<std::int64_t>(c.members)).set("time_ms", ms(c.time)).set("share_pct", pct(c.time, why.total));
  if (c.if_free) r.set("if_free_ms", ms(*c.if_free)).set("saves_pct", pct(why.total - *c.if_free, why.total));
}

const ColumnDoc kIfFree{"if_free_ms", "what the whole case takes with them infinitely fast, run again; of a kernel's own rate with that lifted, while the links stay as they are"};
const ColumnDoc kSaves{"saves_pct", "how much of the case's time that saves"};

reports::Table links(const Explanation& why) {
  reports::Table t{"links", "", "Links that cost most", {{"link", "links of one role that limit steps of the path; one alone where it carries more than twice what others do"}}, {}, {}};
  t.columns = {{"members", "how many they are"}, {"time_ms", "of the path, limited by them"}, {"share_pct", kShare},
               {"utilisation_pct", "bytes over capacity of the one that limits longest, over the whole case"}, kIfFree, kSaves,
               {"then", "what most of the case would wait for then, of links with at least 2 % of the time"},
               {"try", "a setting that goes this way: twice the rate, the kernel's own rate lifted, failed parts mended; it may reach more than these links", true}};
  for (const Explanation::Cost& c : why.links) {
    Row& r = t.rows.emplace_back();
    r.set("link", c.name);
    set_cost(r, c, why);
    r.set("utilisation_pct", 100 * c.utilisation);
    if (!c.next.empty()) r.set("then", c.next);
    if (!c.try_it.empty()) r.set("try", c.try_it);
  }
  return t;
}

reports::Table operations(const Explanation& why) {
  reports::Table t{"operations", "", "Operations that cost most", {{"operation", "operations of one name"}}, {}, {}};
  t.columns = {{"members", "how many of them are on the path"}, {"time_ms", kTime}, {"share_pct", kShare}, {"bound_by", "what most of that time waits for"}, kIfFree, kSaves};
  for (const Explanation::Cost& c : why.operations) {
    Row& r = t.rows.emplace_back();
    r.set("operation", c.name);
    set_cost(r, c, why);
    r.set("bound_by", to_text(c.resource));
  }
  return t;
}

reports::Table path_table(const Explanation& why) {
  reports::Table t{"path", "", "The critical path", {{"step", "number, from the start"}}, {}, {}};
  t.columns = {{"operation", "its name"}, {"detail", "what else it says of itself"}, {"rank", "whose it is"}, {"start_ms", "when it begins"}, {"time_ms", "how long it takes"},
               {"bound_by", "what it waits for"}, {"where", "the part that limits it"}};
  std::int64_t n = 0;
  for (const analysis::PathStep& s : why.path) {
    Row& r = t.rows.emplace_back();
    r.set("step", n++).set("operation", s.name).set("start_ms", ms(s.start)).set("time_ms", ms(s.finish - s.start)).set("bound_by", to_text(s.limit));
    if (!s.detail.empty()) r.set("detail", s.detail);
    if (s.rank >= 0) r.set("rank", s.rank);
    if (!s.where.empty()) r.set("where", s.where);
  }
  return t;
}

}  // namespace

reports::Listing explanation_tables(const ExplainedCase& e, bool path) {
  reports::Listing out;
  out.headline = e.of + ": " + e.why.sentence;
  for (reports::Table t : {phases(e.why), resources(e.why), communication(e.why), links(e.why), operations(e.why)}) {
    if (!t.rows.empty()) out.tables.push_back(std::move(t));
  }
  if (path) out.tables.push_back(path_table(e.why));
  out.notes = e.why.notes;
  const auto first = std::find_if(e.why.links.begin(), e.why.links.end(), [](const Explanation::Cost& c) { return !c.try_it.empty(); });
  if (first != e.why.links.end()) out.notes.push_back(fmt::format("to try it on {}: {}", first->name, first->try_it));
  return out;
}

reports::Listing explained_analyses(const Explainer& explainer, const std::string& of, const ExplainOptions& options) {
  const std::vector<ExplainedAnalysis> all = explainer.analyses(of, options);
  reports::Listing out;
  reports::Table t{"answers", "", "What gives each answer", {{"answer", "as --of names it"}}, {}, {}};
  t.columns = {{"found_by", "what gives it"}, {"why", "what made it so; - where its rows say all"}};
  for (const ExplainedAnalysis& a : all) {
    Row& r = t.rows.emplace_back();
    r.set("answer", a.of).set("found_by", a.found_by);
    if (!a.why.empty()) r.set("why", a.why);
  }
  for (const ExplainedAnalysis& a : all) {
    if (a.why.empty()) continue;
    out.headline = a.of + ": " + a.why;
    break;
  }
  out.tables.push_back(std::move(t));
  out.notes.push_back("no operations wait for one another here, so there is no critical path. weft sensitivity SCENARIO --of CELL tells what moves an answer, "
                      "weft run SCENARIO --constants where the constants come from");
  return out;
}

reports::Listing explained_overview(const Explainer& explainer, ExplainOptions options) {
  const std::vector<Explainable> all = explainer.cases();
  std::vector<const Explainable*> simulated;
  std::string others;
  for (const Explainable& e : all) {
    if (e.simulated) simulated.push_back(&e);
    else if (e.variant == all.front().variant) others += (others.empty() ? "" : ", ") + e.of;
  }
  if (simulated.empty()) return explained_analyses(explainer, "", options);
  options.free = 0;
  options.bins = 0;
  const auto progress = std::move(options.progress);
  options.progress = nullptr;
  std::vector<Row> rows(simulated.size());
  run_parallel(simulated.size(), threads_of(options.run.jobs), progress, [&](std::size_t i) {
    const Explanation why = explainer.explain(simulated[i]->of, options).why;
    Row& r = rows[i];
    r.set("case", simulated[i]->of).set("time_ms", ms(why.total));
    if (why.resources.empty()) return;
    r.set("bound_by", to_text(why.resources.front().resource)).set("bound_pct", pct(why.resources.front().time, why.total));
    if (!why.links.empty()) r.set("link", why.links.front().name);
    if (why.resources.size() > 1) r.set("then", to_text(why.resources[1].resource)).set("then_pct", pct(why.resources[1].time, why.total));
    if (why.communicating > Seconds()) r.set("hidden_pct", pct(why.hidden, why.communicating));
  });
  reports::Listing out;
  reports::Table t{"cases", "", "What bounds each simulation", {{"case", "as --of names it"}}, {}, std::move(rows)};
  t.columns = {{"time_ms", "of the whole case"}, {"bound_by", "what most of it waits for"}, {"bound_pct", kShare}, {"link", "the links that limit longest"},
               {"then", "what comes second"}, {"then_pct", kShare}, {"hidden_pct", "part of the communication that is hidden beside computing"}};
  out.tables.push_back(std::move(t));
  out.notes.push_back("--of CASE tells one of them in full: phases, costs, and what it would take without");
  if (!others.empty()) out.notes.push_back("these have no operations that wait for one another; --of says what gives their answers: " + others);
  return out;
}

}  // namespace weft::scenarios

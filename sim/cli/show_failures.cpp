#include "sim/cli/show_failures.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/failures/recovery.h"

namespace weft::cli {
namespace {

constexpr const char* kFailures = "models/data/failures";
constexpr const char* kRecovery = "models/data/recovery";

reports::Listing show_recovery(const DataPlaces& data, const std::string& name) {
  Problems problems;
  const Json workload = {{"recovery", name}};
  JsonReader where(workload, "weft show", problems);
  const models::Recovery recovery = models::read_recovery(where, data);
  problems.throw_if_any();
  reports::Listing out;
  out.notes = {recovery.title, fmt::format("the network tries again every {:.3g} s for {:.3g} s before the job ends", recovery.retry().quantum().value(), recovery.retry().budget().value())};
  out.tables.push_back(constants_table(models::constants_of(recovery)));
  return out;
}

reports::Table causes_table(const models::FailureRates& rates) {
  reports::Table t;
  t.id = "causes";
  t.title = "Causes";
  t.columns = {{"cause", "as published"}, {"part", "what it takes down"}, {"stated", "how often, as published"}, {"per_million_h", "failures in a million hours of one"},
               {"per", "what that is one of"}, {"origin", "published, measured, derived, fitted or assumed"}, {"source", "where it is from"}};
  const char* per[] = {"GPU", "node", "part", "job"};
  for (const models::FailureCause& c : rates.causes) {
    Row r;
    r.set("cause", c.name).set("part", models::to_text(c.part)).set("stated", c.stated).set("per_million_h", c.per_hour.value * 1e6).set("per", per[static_cast<int>(c.per)]);
    t.rows.push_back(std::move(r.set("origin", to_text(c.per_hour.origin)).set("source", c.per_hour.source)));
  }
  return t;
}

/// Files of a folder with their titles.
void add_entries(const DataPlaces& data, const char* folder, std::vector<Entry>& out) {
  for (const std::string& name : data.names(folder)) out.push_back({name, read_json_file(data.find(folder, name).string()).value("title", "")});
}

}  // namespace

std::vector<Entry> failure_entries(const DataPlaces& data) {
  std::vector<Entry> out;
  add_entries(data, kFailures, out);
  add_entries(data, kRecovery, out);
  return out;
}

reports::Listing show_failures(const DataPlaces& data, const std::string& name) {
  if (data.find(kFailures, name).empty()) return show_recovery(data, name);
  Problems problems;
  const Json word = name;
  const models::FailureRates rates = models::read_failure_rates(JsonReader(word, "weft show", problems), data);
  problems.throw_if_any();
  reports::Listing out;
  out.notes = {rates.title};
  out.tables.push_back(causes_table(rates));
  if (rates.also_published.empty()) return out;
  std::vector<ConstantUsed> facts;
  for (const models::FailureFact& f : rates.also_published) facts.push_back({f.name, fmt::format("{:g}", f.number.value), f.number.origin, f.number.source});
  out.tables.push_back(constants_table(facts));
  out.tables.back().id = "also_published";
  out.tables.back().title = "Published beside them; enters no rate";
  return out;
}

}  // namespace weft::cli

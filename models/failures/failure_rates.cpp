#include "models/failures/failure_rates.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/named_object.h"
#include "sim/core/sourced_number.h"

namespace weft::models {
namespace {

constexpr double kSecondsOfHour = 3600;
constexpr double kHoursOfMonth = 365.25 * 24 / 12;
/// Oftener than once a second nothing fails that is called a part of a cluster.
constexpr double kMostPerHour = kSecondsOfHour;

/// What counts of a file refer to.
struct Observed {
  double gpus = 0, hours = 0;
};

Observed read_observed(JsonReader& r) {
  Observed o;
  if (r.has("gpus")) o.gpus = read_sourced_count(r, "gpus", 1, 100'000'000, "the GPUs that were watched").value;
  if (r.has("duration")) o.hours = r.sourced<Seconds>("duration").value.value() / kSecondsOfHour;
  return o;
}

/// The number with the part of a rate that is arithmetic applied; a rate that follows from a count keeps the count's origin.
Sourced<double> scaled(Sourced<double> s, double factor) {
  s.value *= factor;
  return s;
}

void read_count(JsonReader& r, const Observed& o, FailureCause& c) {
  const Sourced<double> count = read_sourced_number(r, "count", 0, 1e9, "how many failures were counted");
  if (o.gpus == 0 || o.hours == 0) {
    r.fail_at("count", "says nothing without the file's \"gpus\" and \"duration\"", "give both, or an \"mtbf\"");
    return;
  }
  c.per = RatePer::gpu;
  c.per_hour = scaled(count, 1 / (o.gpus * o.hours));
  c.stated = fmt::format("{:g} in {:g} h on {:g} GPUs", count.value, o.hours, o.gpus);
}

void read_monthly(JsonReader& r, FailureCause& c) {
  const Sourced<double> pct = read_sourced_number(r, "monthly_pct", 0, 1e6, "per cent of the parts that fail in a month");
  c.per = RatePer::part;
  c.per_hour = scaled(pct, 0.01 / kHoursOfMonth);
  c.stated = fmt::format("{:g} % a month", pct.value);
}

void read_node_days(JsonReader& r, FailureCause& c) {
  const Sourced<double> rate = read_sourced_number(r, "per_1000_node_days", 0, 1e9, "failures in a thousand days of a node");
  c.per = RatePer::node;
  c.per_hour = scaled(rate, 1 / (1000 * 24.0));
  c.stated = fmt::format("{:g} in 1,000 node-days", rate.value);
}

void read_mtbf(JsonReader& r, FailureCause& c) {
  static const std::vector<std::string> kPer = {"gpu", "node", "part", "job"};
  const Sourced<Seconds> mtbf = r.sourced<Seconds>("mtbf");
  const std::string per = r.one_of("per", kPer, "job");
  c.per = static_cast<RatePer>(std::find(kPer.begin(), kPer.end(), per) - kPer.begin());
  c.per_hour = {kSecondsOfHour / mtbf.value.value(), mtbf.origin, mtbf.source};
  c.stated = fmt::format("one in {:g} h of a {}", mtbf.value.value() / kSecondsOfHour, per);
  if (c.per_hour.value > kMostPerHour) r.fail_at("mtbf", fmt::format("expected a second or more between two failures, got {}", core::to_text(mtbf.value)));
}

FailureCause read_cause(JsonReader r, const Observed& observed) {
  FailureCause c;
  if (!r.expect_object("a cause of failures")) return c;
  const std::string part = r.one_of("part", failed_part_names());
  const auto& names = failed_part_names();
  c.part = static_cast<FailedPart>(std::find(names.begin(), names.end(), part) - names.begin());
  c.name = r.string("name", part);
  const bool given[] = {r.has("count"), r.has("monthly_pct"), r.has("per_1000_node_days"), r.has("mtbf")};
  if (std::count(std::begin(given), std::end(given), true) != 1) {
    r.fail(fmt::format("expected exactly one of \"count\", \"monthly_pct\", \"per_1000_node_days\" and \"mtbf\" of \"{}\"", c.name));
    r.has("per");
  } else if (given[0]) {
    read_count(r, observed, c);
  } else if (given[1]) {
    read_monthly(r, c);
  } else if (given[2]) {
    read_node_days(r, c);
  } else {
    read_mtbf(r, c);
  }
  r.done();
  return c;
}

void check_names(const JsonReader& r, const std::vector<FailureCause>& causes) {
  for (std::size_t i = 0; i < causes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (causes[i].name == causes[j].name) r.fail(fmt::format("two causes are called \"{}\"", causes[i].name), "give them a \"name\" each");
    }
  }
}

}  // namespace

const std::vector<std::string>& failed_part_names() {
  static const std::vector<std::string> kNames = {"gpu", "hbm", "node", "software", "silent", "nic", "nic_link", "link", "leaf", "spine", "core", "plane", "network", "flap"};
  return kNames;
}

std::string to_text(FailedPart part) { return failed_part_names()[static_cast<std::size_t>(part)]; }

bool in_network(FailedPart part) { return part >= FailedPart::nic && part <= FailedPart::network; }

double per_hour(const FailureCause& cause, const Exposure& exposure) {
  switch (cause.per) {
    case RatePer::gpu: return cause.per_hour.value * exposure.gpus;
    case RatePer::node: return cause.per_hour.value * exposure.nodes;
    case RatePer::part: return cause.per_hour.value * exposure.parts;
    case RatePer::job: break;
  }
  return cause.per_hour.value;
}

FailureRates read_failure_rates(JsonReader where, const DataPlaces& data) {
  FailureRates rates;
  auto found = read_named_object(where, data, "models/data/failures", "failure rates");
  if (!found) return rates;
  JsonReader& r = found->reader;
  rates.name = found->name;
  rates.title = r.string("title", rates.name);
  const Observed observed = read_observed(r);
  JsonReader causes = r.at("causes");
  if (r.has("causes") && (!causes.is_array() || causes.items().empty())) causes.fail("expected a list of causes like [{\"part\": \"node\", \"mtbf\": \"24 h\"}]");
  for (JsonReader& cause : causes.items()) rates.causes.push_back(read_cause(cause, observed));
  check_names(causes, rates.causes);
  if (auto facts = r.maybe("also_published")) {
    for (JsonReader& f : facts->items()) {
      FailureFact fact;
      fact.name = f.string("name");
      fact.number = read_sourced_number(f, "number", -1e300, 1e300, "a published number");
      f.done();
      rates.also_published.push_back(std::move(fact));
    }
  }
  r.done();
  return rates;
}

std::vector<ConstantUsed> constants_of(const FailureRates& rates) {
  std::vector<ConstantUsed> used;
  for (const FailureCause& c : rates.causes) {
    used.push_back({fmt::format("failures {}: {} ({})", rates.name, c.name, to_text(c.part)), c.stated, c.per_hour.origin, c.per_hour.source});
  }
  return used;
}

std::vector<ColumnDoc> failure_rate_docs() {
  return {{"rates", "how often what fails: a name (weft list failures), a path, an object {\"causes\": [{\"part\": \"node\", \"mtbf\": \"24 h\"}]}, or a list of these; default llama3_405b"}};
}

}  // namespace weft::models

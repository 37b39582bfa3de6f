#include "models/failures/recovery.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/named_object.h"
#include "sim/core/sourced_number.h"

namespace weft::models {
namespace {

/// InfiniBand Architecture Specification, local ack timeout: 4.096 us x 2^n.
constexpr double kTick_s = 4.096e-6;

const std::vector<std::pair<const char*, Sourced<Seconds> Recovery::*>>& times() {
  static const std::vector<std::pair<const char*, Sourced<Seconds> Recovery::*>> kTimes = {
      {"detection", &Recovery::detection},       {"network_detection", &Recovery::network_detection}, {"silent_detection", &Recovery::silent_detection},
      {"flap_shortest", &Recovery::flap_shortest}, {"flap_longest", &Recovery::flap_longest},         {"switch_over", &Recovery::switch_over},
      {"rail_switch_over", &Recovery::rail_switch_over}, {"restart", &Recovery::restart}};
  return kTimes;
}

/// The parts that are away for a while.
const std::vector<FailedPart>& repaired() {
  using enum FailedPart;
  static const std::vector<FailedPart> kParts = {gpu, node, nic, nic_link, link, leaf, spine, core, plane};
  return kParts;
}

/// A key of the workload where it gives one, else of the file.
JsonReader either(JsonReader& workload, JsonReader& file, const char* key) {
  const bool own = workload.has(key);
  file.has(key);   // known there as well
  return own ? workload.at(key) : file.at(key);
}

void read_repair(JsonReader& workload, JsonReader& file, Recovery& r) {
  JsonReader usual = file.at("repair");
  std::optional<JsonReader> own = workload.maybe("repair");
  if (own && !own->expect_object("times until parts are there again, such as {\"node\": \"24 h\"}")) return;
  for (const FailedPart part : repaired()) {
    const std::string name = to_text(part);
    usual.has(name);
    r.repair[part] = (own && own->has(name) ? *own : usual).sourced<Seconds>(name, Origin::assumed, false);
  }
  usual.done();
  if (own) own->done();
}

}  // namespace

Seconds RetryPolicy::quantum() const { return Seconds(std::ldexp(kTick_s, static_cast<int>(timeout_exponent))); }

Seconds RetryPolicy::budget() const { return quantum() * retries; }

std::optional<Seconds> RetryPolicy::stall(Seconds down) const {
  const double tries = std::ceil(down / quantum() * (1 - 1e-12));
  if (tries > retries) return std::nullopt;
  return quantum() * tries;
}

Seconds Recovery::repair_of(FailedPart part) const {
  const auto at = repair.find(part == FailedPart::hbm || part == FailedPart::silent ? FailedPart::gpu : part);
  return at == repair.end() ? Seconds(0) : at->second.value;
}

Recovery read_recovery(JsonReader& where, const DataPlaces& data) {
  static const Json kUsual = "nccl_default";
  Recovery r;
  const JsonReader named = where.has("recovery") ? where.at("recovery") : JsonReader(kUsual, where.file(), where.problems(), where.pointer() + "/recovery");
  auto found = read_named_object(named, data, "models/data/recovery", "what a job does about failures");
  if (!found) return r;
  JsonReader& file = found->reader;
  r.name = found->name;
  r.title = file.string("title", r.name);
  for (const auto& [key, member] : times()) r.*member = either(where, file, key).as_sourced<Seconds>(Origin::assumed, false);
  const auto count = [&](const char* key, std::int64_t min, std::int64_t max, const char* what) {
    const bool own = where.has(key);
    file.has(key);
    return read_sourced_count(own ? where : file, key, min, max, what);
  };
  r.timeout_exponent = count("timeout_exponent", 0, 31, "the exponent of a time-out of 4.096 us x 2^n");
  r.retries = count("retries", 1, 7, "how often a packet is sent again");
  if (r.flap_longest.value < r.flap_shortest.value) {
    (where.has("flap_longest") || where.has("flap_shortest") ? where : file).fail("flap_longest is shorter than flap_shortest");
  }
  read_repair(where, file, r);
  file.done();
  return r;
}

std::vector<ConstantUsed> constants_of(const Recovery& r) {
  std::vector<ConstantUsed> used;
  const auto add = [&](const std::string& what, std::string value, Origin origin, const std::string& source) {
    used.push_back({fmt::format("recovery {}: {}", r.name, what), std::move(value), origin, source});
  };
  for (const auto& [key, member] : times()) add(key, core::to_text((r.*member).value), (r.*member).origin, (r.*member).source);
  add("timeout_exponent", fmt::format("{:g}", r.timeout_exponent.value), r.timeout_exponent.origin, r.timeout_exponent.source);
  add("retries", fmt::format("{:g}", r.retries.value), r.retries.origin, r.retries.source);
  for (const auto& [part, time] : r.repair) add("repair of a " + to_text(part), core::to_text(time.value), time.origin, time.source);
  return used;
}

Json resolved_recovery(const Recovery& r) {
  Json j = {{"recovery", r.name}};
  for (const auto& [key, member] : times()) j[key] = fmt::format("{:.15g} s", (r.*member).value.value());
  j["timeout_exponent"] = static_cast<std::int64_t>(r.timeout_exponent.value);
  j["retries"] = static_cast<std::int64_t>(r.retries.value);
  for (const auto& [part, time] : r.repair) j["repair"][to_text(part)] = fmt::format("{:.15g} s", time.value.value());
  return j;
}

std::vector<ColumnDoc> recovery_docs() {
  return {{"recovery", "what the job does about failures: a name (weft list failures), a path or an object; default nccl_default. The keys below are its own; what a workload gives "
                       "stands in their place"},
          {"detection", "from a failure that stops the job until it is known; \"network_detection\" where the network is to blame"},
          {"silent_detection", "mean time until a silent corruption is noticed"},
          {"timeout_exponent", "NCCL_IB_TIMEOUT: the network tries again after 4.096 us x 2^n, \"retries\" (NCCL_IB_RETRY_CNT) times; then the job ends"},
          {"flap_shortest", "a link that flaps is away for a time between this and \"flap_longest\""},
          {"switch_over", "until switches route around what was lost; \"rail_switch_over\": until GPUs send by NICs of their neighbours. Longer than the retries last: the job ends and starts again"},
          {"restart", "from knowing of a failure until the job trains again"},
          {"repair", "times until parts are there again: {\"gpu\", \"node\", \"nic\", \"nic_link\", \"link\", \"leaf\", \"spine\", \"core\", \"plane\"}"}};
}

}  // namespace weft::models

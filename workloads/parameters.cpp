#include "workloads/parameters.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace weft::workloads {

Parameters::Parameters(JsonReader& where, const WorkloadContext& context)
    : where_(where), context_(context), resolved_(std::make_shared<Json>(Json::object())) {}
Parameters::~Parameters() = default;

std::int64_t Parameters::integer(const std::string& key, std::int64_t fallback, std::int64_t min, std::int64_t max) {
  const std::int64_t v = where_.integer_or(key, fallback, min, max);
  (*resolved_)[key] = v;
  return v;
}

std::int64_t Parameters::integer_due(const std::string& key, std::int64_t min) {
  const std::int64_t v = where_.integer(key, min);
  (*resolved_)[key] = v;
  return v;
}

namespace {

/// The value itself, or the members of a list; an empty list is a problem.
std::vector<JsonReader> one_or_many(JsonReader& where, const std::string& key, bool due, const std::string& what) {
  if (!due && !where.has(key)) return {};
  JsonReader value = where.at(key);
  if (!value.is_array()) return {value};
  std::vector<JsonReader> items = value.items();
  if (items.empty()) value.fail("expected " + what + ", got an empty list");
  return items;
}

}  // namespace

std::vector<std::int64_t> Parameters::integers(const std::string& key, const std::vector<std::int64_t>& fallback,
                                               std::int64_t min) {
  std::vector<std::int64_t> values;
  for (const JsonReader& item : one_or_many(where_, key, fallback.empty(), "one or more integers"))
    values.push_back(item.as_integer(min));
  if (values.empty()) values = fallback;
  (*resolved_)[key] = values;
  return values;
}

std::vector<double> Parameters::numbers(const std::string& key, double min, double max) {
  std::vector<double> values;
  for (const JsonReader& item : one_or_many(where_, key, false, "one or more numbers"))
    values.push_back(item.as_number(min, max));
  if (!values.empty()) (*resolved_)[key] = values;
  return values;
}

bool Parameters::boolean(const std::string& key, bool fallback) {
  const bool v = where_.boolean_or(key, fallback);
  (*resolved_)[key] = v;
  return v;
}

std::string Parameters::word(const std::string& key, const std::vector<std::string>& words,
                             const std::string& fallback) {
  const std::string v = where_.one_of(key, words, fallback);
  (*resolved_)[key] = v;
  return v;
}

std::vector<std::string> Parameters::words(const std::string& key, const std::vector<std::string>& words,
                                           const std::vector<std::string>& fallback) {
  std::vector<std::string> values;
  for (const JsonReader& item : one_or_many(where_, key, false, "one or more words")) {
    const std::string v = item.as_string();
    if (!item.is_string()) continue;
    if (std::find(words.begin(), words.end(), v) == words.end())
      item.fail("unknown name \"" + v + "\"", unknown_name_hint(v, words));
    values.push_back(v);
  }
  if (values.empty()) values = fallback;
  (*resolved_)[key] = values;
  return values;
}

std::string Parameters::text_due(const std::string& key) {
  const std::string v = where_.string(key);
  (*resolved_)[key] = v;
  return v;
}

void Parameters::remember(const std::string& key, const std::string& text) { (*resolved_)[key] = text; }

namespace {

Bytes parse_size(const std::string& text) {
  const ParsedUnit u = parse_unit(text);
  WEFT_CHECK(u.what == ParsedUnit::What::bytes, "a default size must be readable: " + text);
  return Bytes(u.value);
}

}  // namespace

Bytes Parameters::size(const std::string& key, const std::string& fallback) {
  if (!where_.has(key)) {
    (*resolved_)[key] = fallback;
    return parse_size(fallback);
  }
  const JsonReader value = where_.at(key);
  (*resolved_)[key] = value.value();
  return value.as_quantity<Bytes>();
}

std::vector<Bytes> Parameters::sizes(const std::string& key, const std::vector<std::string>& fallback) {
  std::vector<Bytes> values;
  Json texts = Json::array();
  for (const JsonReader& item : one_or_many(where_, key, fallback.empty(), "one or more sizes")) {
    values.push_back(item.as_quantity<Bytes>());
    texts.push_back(item.value());
  }
  if (values.empty()) {
    for (const std::string& text : fallback) {
      values.push_back(parse_size(text));
      texts.push_back(text);
    }
  }
  (*resolved_)[key] = texts;
  return values;
}

template <class Read>
auto Parameters::named(const std::string& key, const std::string& fallback, Read read) {
  const Json by_default = fallback;
  const bool given = where_.has(key);
  const Json value = given ? where_.at(key).value() : by_default;
  (*resolved_)[key] = value;
  WEFT_CHECK(context_.data != nullptr, "reading a workload needs the places of data files");
  auto thing = given ? read(where_.at(key), *context_.data)
                     : read(JsonReader(value, where_.file(), where_.problems(), where_.pointer() + "/" + key), *context_.data);
  for (ConstantUsed& c : constants_of(thing)) constants_.push_back(std::move(c));
  return thing;
}

models::CommunicationModel Parameters::kernel(const std::string& key, const std::string& fallback, bool counts_messages) {
  models::CommunicationModel m = named(key, fallback, models::read_communication_model);
  if (m.message_rate.value > 0 && !counts_messages)
    where_.fail_at(key, "has a message_rate, and this workload does not count messages", "all_to_all and deepep_low_latency do; leave message_rate out here");
  return m;
}

models::ActivationStorage Parameters::activation_storage(const std::string& key, const std::string& fallback) {
  return named(key, fallback, models::read_activation_storage);
}

void Parameters::remember(const std::string& key, Json value) { (*resolved_)[key] = std::move(value); }

CommKernel comm_kernel(const models::CommunicationModel& m) {
  CommKernel k;
  k.name = m.name;
  if (m.nic_rate.value.value() > 0) k.nic_rate = m.nic_rate.value;
  if (m.nvlink_rate.value.value() > 0) k.nvlink_rate = m.nvlink_rate.value;
  if (m.nic_share.value > 0) k.nic_share = m.nic_share.value;
  return k;
}

CommKernel comm_kernel(const models::CommunicationModel& m, Bytes message) {
  CommKernel k = comm_kernel(m);
  if (m.message_rate.value <= 0) return k;
  const BytesPerSecond posted = message * m.message_rate.value / Seconds(1);
  if (!k.nic_rate || posted < *k.nic_rate) k.nic_rate = posted;
  return k;
}

}  // namespace weft::workloads

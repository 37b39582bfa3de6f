// The speed limit of expert parallelism: how long the exchanges of a decoded token take at least, by its bytes alone and with their start-up.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"
#include "workloads/parameters.h"

namespace weft::scenarios {
namespace {

struct Network {
  std::string name;
  Sourced<BytesPerSecond> rate;
};

struct SpeedQuestion {
  std::vector<Network> networks;
  std::vector<std::int64_t> hidden;
  double tokens = 0, copies = 0, layers = 0, micro_batches = 0;
  Bytes dispatch, combine;   ///< an element
  models::CommunicationModel kernel;
  std::vector<ConstantUsed> constants;
  Json resolved;
};

double micro(Seconds s) { return s.value() * 1e6; }
double milli(Seconds s) { return s.value() * 1e3; }

class SpeedLimitAnalysis final : public Analysis {
 public:
  explicit SpeedLimitAnalysis(SpeedQuestion q) : q_(std::move(q)) {}

  std::vector<Row> rows(const Cluster&) const override {
    std::vector<Row> rows;
    for (const Network& n : q_.networks) {
      for (const std::int64_t hidden : q_.hidden) rows.push_back(row_of(n, hidden));
    }
    return rows;
  }

  std::vector<std::string> notes(const Cluster&) const override {
    return {fmt::format("the start-up is that of {} on every network here, once for dispatch and once for combine; without it the times are no prediction "
                        "but a limit: all {:.0f} copies of a token cross the network, computing and all else take no time", q_.kernel.name, q_.copies)};
  }

  std::vector<ConstantUsed> constants(const Cluster&) const override { return q_.constants; }
  Json resolved() const override { return q_.resolved; }

 private:
  Row row_of(const Network& n, std::int64_t hidden) const {
    const double elements = q_.tokens * q_.copies * static_cast<double>(hidden), layers = q_.layers * q_.micro_batches;
    const Bytes dispatch = elements * q_.dispatch, combine = elements * q_.combine;
    const Seconds comm = (dispatch + combine) / n.rate.value, start_up = 2 * q_.kernel.start_up.value;
    const Seconds token = layers * comm, with_latency = layers * (comm + start_up);
    Row r;
    r.set("network", n.name).set("hidden", hidden).set("rate_GBps", n.rate.value.value() * 1e-9);
    r.set("dispatch_bytes", dispatch.value()).set("combine_bytes", combine.value()).set("bytes", (dispatch + combine).value());
    r.set("comm_us", micro(comm)).set("layer_us", micro(q_.micro_batches * comm));
    r.set("tpot_ms", milli(token)).set("tokens_per_s", 1 / token.value());
    r.set("start_up_us", micro(start_up)).set("comm_with_latency_us", micro(comm + start_up));
    r.set("tpot_with_latency_ms", milli(with_latency)).set("tokens_per_s_with_latency", 1 / with_latency.value());
    return r;
  }

  SpeedQuestion q_;
};

/// The two of arXiv:2505.09343 section 2.3.2.
std::vector<Network> networks_of_paper() {
  const std::string source = "arXiv:2505.09343 section 2.3.2";
  return {{"InfiniBand 400 Gbps", {BytesPerSecond(50e9), Origin::published, source}}, {"GB200 NVL72", {BytesPerSecond(900e9), Origin::published, source}}};
}

std::vector<Network> read_networks(JsonReader& where) {
  const auto given = where.maybe("networks");
  if (!given) return networks_of_paper();
  std::vector<Network> out;
  if (!given->is_array() || given->items().empty()) {
    given->fail("expected a list of networks", "such as [{\"name\": \"InfiniBand 400 Gbps\", \"rate\": \"50 GB/s\"}]");
    return out;
  }
  for (JsonReader r : given->items()) {
    if (!r.expect_object("a network, such as {\"name\": \"InfiniBand 400 Gbps\", \"rate\": \"50 GB/s\"}")) continue;
    Network n{r.string("name"), r.sourced<BytesPerSecond>("rate")};
    if (n.name.empty() && r.at("name").is_string()) r.fail_at("name", "expected a name, got an empty string");
    r.done();
    const bool twice = std::any_of(out.begin(), out.end(), [&](const Network& o) { return o.name == n.name; });
    if (twice) r.fail_at("name", "a network \"" + n.name + "\" stands here already");
    out.push_back(std::move(n));
  }
  return out;
}

std::unique_ptr<Analysis> read_speed_limit(JsonReader& where, const AnalysisContext& context) {
  constexpr std::int64_t kMost = 1'000'000;
  const std::size_t before = where.problems().list().size();
  workloads::WorkloadContext data;
  data.data = &context.data;
  workloads::Parameters p(where, data);
  SpeedQuestion q;
  q.networks = read_networks(where);
  Json networks = Json::array();
  for (const Network& n : q.networks) {
    networks.push_back({{"name", n.name}, {"rate", to_text(n.rate.value)}});
    q.constants.push_back({"network " + n.name + ": rate", to_text(n.rate.value), n.rate.origin, n.rate.source});
  }
  p.remember("networks", std::move(networks));
  q.hidden = p.integers("hidden", {7000, 7168}, 1);
  for (auto width = q.hidden.begin(); width != q.hidden.end(); ++width) {
    if (std::find(q.hidden.begin(), width, *width) != width) where.fail_at("hidden", fmt::format("{} stands here twice", *width));
  }
  const auto count = [&](const char* key, std::int64_t fallback) { return static_cast<double>(p.integer(key, fallback, 1, kMost)); };
  q.tokens = count("tokens", 32);
  q.copies = count("copies", 9);
  q.layers = count("layers", 61);
  q.micro_batches = count("micro_batches", 2);
  q.dispatch = p.size("dispatch_element", "1 B");
  q.combine = p.size("combine_element", "2 B");
  q.kernel = p.kernel("kernel", "deepep_low_latency");
  for (const ConstantUsed& c : p.constants()) {
    if (c.name.ends_with(": start_up")) q.constants.push_back(c);
  }
  if (where.problems().list().size() != before) return nullptr;
  q.resolved = *p.resolved();
  return std::make_unique<SpeedLimitAnalysis>(std::move(q));
}

}  // namespace

AnalysisKind analysis_ep_speed_limit() {
  AnalysisKind k;
  k.name = "ep_speed_limit";
  k.title = "Speed limit of decoding with expert parallelism";
  k.summary = "The arithmetic of arXiv:2505.09343 section 2.3.2, every term a column: a token goes to all of its experts and comes back in each layer, and with two "
              "micro-batches whose exchanges hide each other's computing the time of a token is layers x 2 exchanges. Beside it the same with the start-up of each "
              "kernel. Nothing is simulated; the cluster does not matter.";
  k.uses_cluster = false;
  k.parameters = {{"networks", "list of {\"name\", \"rate\"}, bytes a second of one GPU; default: InfiniBand at 50 GB/s and GB200 NVL72 at 900 GB/s"},
                  {"hidden", "width of a token's vector, one or a list; default [7000, 7168]: as the paper rounds it, and as DeepSeek-V3 has it"},
                  {"tokens", "tokens of a GPU in a micro-batch; default 32"},
                  {"copies", "experts that each token is sent to; default 9: eight routed and the shared one"},
                  {"layers", "layers; default 61"},
                  {"micro_batches", "exchanges in a row that a token waits for in each layer; default 2"},
                  {"dispatch_element", "bytes of an element that is dispatched; default \"1 B\" (FP8); \"1.03125 B\" with an FP32 scale every 128"},
                  {"combine_element", "bytes of an element that is combined; default \"2 B\" (BF16)"},
                  {"kernel", "communication kernel whose start-up dispatch and combine take; default deepep_low_latency"}};
  k.label_columns = {{"network", "the network"}, {"hidden", "width of a token's vector"}};
  k.columns = {{"rate_GBps", "of one GPU and direction"},
               {"dispatch_bytes", "bytes that a GPU dispatches in a micro-batch and layer"},
               {"combine_bytes", "bytes that it gets back"},
               {"bytes", "both"},
               {"comm_us", "bytes over rate: dispatch and combine of one micro-batch"},
               {"layer_us", "of all micro-batches"},
               {"tpot_ms", "time of a token: all layers"},
               {"tokens_per_s", "of one request"},
               {"start_up_us", "start-up of one dispatch and one combine"},
               {"comm_with_latency_us", "bytes over rate and start-up"},
               {"tpot_with_latency_ms", "time of a token with start-up"},
               {"tokens_per_s_with_latency", "of one request, with start-up"}};
  k.read = read_speed_limit;
  return k;
}

}  // namespace weft::scenarios

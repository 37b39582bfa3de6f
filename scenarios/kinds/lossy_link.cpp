// What of a link's rate is left when packets are lost, by how the sender repeats them, and what credits allow.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/analysis_kind.h"
#include "workloads/parameters.h"

namespace weft::scenarios {
namespace {

struct LossQuestion {
  std::vector<double> loss;
  std::vector<Bytes> credits;   ///< empty: more than are ever needed
  Seconds round_trip;
  Json resolved;
};

class LossyLinkAnalysis final : public Analysis {
 public:
  explicit LossyLinkAnalysis(LossQuestion q) : q_(std::move(q)) {}

  std::vector<Row> rows(const Cluster& cluster) const override {
    std::vector<Row> rows;
    const std::vector<Bytes> unlimited = {Bytes()};
    for (const Bytes credits : q_.credits.empty() ? unlimited : q_.credits) {
      for (const double loss : q_.loss) rows.push_back(row_of(cluster, loss, credits));
    }
    return rows;
  }

  std::vector<std::string> notes(const Cluster&) const override {
    return {fmt::format("the sender always has data; a lost packet is noticed a round trip ({}) later, and losses are independent. Credits that are lossless lose nothing in "
                        "queues, so that only errors of the wire are left to repeat", to_text(q_.round_trip))};
  }

  std::vector<ConstantUsed> constants(const Cluster& cluster) const override {
    const auto& t = cluster.transport();
    const auto& nic = cluster.node().nic_rate;
    return {{"node " + cluster.node().name + ": nic_rate", to_text(nic.value), nic.origin, nic.source},
            {"transport " + t.name + ": mtu", to_text(t.mtu.value), t.mtu.origin, t.mtu.source}};
  }
  Json resolved() const override { return q_.resolved; }

 private:
  Row row_of(const Cluster& cluster, double loss, Bytes credits) const {
    const BytesPerSecond wire = cluster.node().nic_rate.value;
    const BytesPerSecond allowed = credits.value() > 0 ? std::min(wire, credits / q_.round_trip) : wire;
    const Bytes in_flight = allowed * q_.round_trip;
    // Go-back-N sends again what was in flight behind each lost packet: 1 packet costs 1 + loss x packets in flight. With less than a packet in flight that
    // is the lost packet itself, as with selective repeat.
    const double selective = 1 - loss, go_back_n = std::min(selective, 1 / (1 + loss * (in_flight / cluster.transport().mtu.value)));
    Row r;
    r.set("loss", loss);
    if (credits.value() > 0) r.set("credits_B", credits.value());
    r.set("rate_GBps", allowed.value() * 1e-9).set("in_flight_B", in_flight.value());
    r.set("go_back_n_share", go_back_n).set("selective_repeat_share", selective);
    r.set("go_back_n_GBps", allowed.value() * go_back_n * 1e-9).set("selective_repeat_GBps", allowed.value() * selective * 1e-9);
    return r;
  }

  LossQuestion q_;
};

std::unique_ptr<Analysis> read_lossy_link(JsonReader& where, const AnalysisContext& context) {
  const std::size_t before = where.problems().list().size();
  workloads::WorkloadContext data;
  data.data = &context.data;
  workloads::Parameters p(where, data);
  LossQuestion q;
  q.loss = p.numbers("loss", 0, 0.5);
  if (q.loss.empty()) q.loss = {0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2};
  if (where.has("credits")) q.credits = p.sizes("credits", {});
  q.round_trip = where.quantity_or<Seconds>("round_trip", Seconds(7.4e-6));
  if (where.problems().list().size() != before) return nullptr;
  if (q.round_trip.value() <= 0) where.fail_at("round_trip", "expected a time above 0", "\"7.4 us\", say");
  for (std::size_t i = 0; i < q.credits.size(); ++i) {
    if (q.credits[i].value() <= 0) where.fail_at("credits", "expected bytes above 0", "leave credits out for as many as are needed");
  }
  for (auto loss = q.loss.begin(); loss != q.loss.end(); ++loss) {
    if (std::find(q.loss.begin(), loss, *loss) != loss) where.fail_at("loss", fmt::format("{:g} stands here twice", *loss));
  }
  if (where.problems().list().size() != before) return nullptr;
  q.resolved = *p.resolved();
  q.resolved["loss"] = q.loss;
  q.resolved["round_trip"] = to_text(q.round_trip);
  return std::make_unique<LossyLinkAnalysis>(std::move(q));
}

}  // namespace

AnalysisKind analysis_lossy_link() {
  AnalysisKind k;
  k.name = "lossy_link";
  k.title = "Goodput of a link that loses packets, or has few credits";
  k.summary = "By formula, for the cluster's NIC rate and MTU. Go-back-N repeats everything that was in flight behind a lost packet, and gets 1 / (1 + loss x packets in flight) of the rate; "
              "selective repeat sends the lost packet alone, and gets 1 - loss. Credits (lossless links, as in InfiniBand or CBFC) allow credits / round trip at most.";
  k.parameters = {{"loss", "chance that a packet is lost, 0 to 0.5, a list; default [0, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2]"},
                  {"credits", "bytes that a sender may have in flight on a virtual lane, a size or a list; default: as many as are needed"},
                  {"round_trip", "time until a loss is noticed or a credit comes back; default 7.4 us (twice InfiniBand's 3.7 us across leaves, arXiv:2505.09343 Table 5)"}};
  k.label_columns = {{"loss", "chance that a packet is lost"}, {"credits_B", "bytes of credits (shown where they are limited)"}};
  k.columns = {{"rate_GBps", "what NIC and credits allow"},
               {"in_flight_B", "rate times round trip"},
               {"go_back_n_share", "part of the rate that is goodput with go-back-N"},
               {"selective_repeat_share", "part of the rate that is goodput with selective repeat"},
               {"go_back_n_GBps", "goodput with go-back-N"},
               {"selective_repeat_GBps", "goodput with selective repeat"}};
  k.read = read_lossy_link;
  return k;
}

}  // namespace weft::scenarios

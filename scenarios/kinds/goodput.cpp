// Weeks of a training job under failures: what part of the time it works, what the rest goes into, beside the closed forms.
#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/kinds/goodput_question.h"
#include "workloads/failures/interval.h"

namespace weft::scenarios {
namespace {

using namespace workloads::failures;

constexpr double kSecondsOfHour = 3600, kSecondsOfDay = 86400, kPercent = 100;
/// A run of so many takes about a minute.
constexpr double kMostFailures = 2e8;

/// What the closed forms see of a job: whatever makes it start again.
CheckpointJob closed_form_job(const TrainingJob& job) {
  double per_hour = 0, detection = 0;
  for (const FailureStream& s : job.streams) {
    if (s.effect != Effect::stop && s.effect != Effect::corrupt) continue;
    per_hour += s.per_hour;
    detection += s.effect == Effect::stop ? s.per_hour * s.detection.value() : 0;
  }
  return {Seconds(per_hour > 0 ? kSecondsOfHour / per_hour : std::numeric_limits<double>::infinity()), job.pause,
          job.restart + Seconds(per_hour > 0 ? detection / per_hour : 0)};
}

/// The value below which `part` of the sorted values lie, between neighbours along a line.
double quantile(const std::vector<double>& sorted, double part) {
  const double at = part * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  return low + 1 < sorted.size() ? sorted[low] + (at - static_cast<double>(low)) * (sorted[low + 1] - sorted[low]) : sorted[low];
}

const char* effect_of(const FailureStream& s) {
  switch (s.effect) {
    case Effect::stop: return std::isinf(s.nodes_lost) ? "stops until repaired" : "stops";
    case Effect::slow: return s.slowdown > 1 ? "slows" : "goes unnoticed";
    case Effect::corrupt: return "corrupts";
    case Effect::flap: return "stalls";
  }
  return "";
}

struct GoodputAnswer {
  TrainingJob job;
  CheckpointJob closed;
  TimeSpent spent;                     ///< mean over replicas
  std::vector<CauseOutcome> causes;    ///< mean over replicas
  std::vector<double> goodputs;        ///< of each replica, sorted
  BytesPerSecond all_nics;             ///< what the NICs of all nodes can send together
};

class GoodputAnalysis final : public Analysis {
 public:
  explicit GoodputAnalysis(GoodputQuestion q) : q_(std::move(q)) {}

  std::vector<Row> rows(const Cluster& cluster) const override {
    const GoodputAnswer& a = answer(cluster);
    std::vector<Row> rows = {total_row(a)};
    for (std::size_t s = 0; s < a.causes.size(); ++s) rows.push_back(cause_row(a, s));
    return rows;
  }

  std::vector<std::string> notes(const Cluster& cluster) const override {
    const GoodputAnswer& a = answer(cluster);
    std::vector<std::string> notes = {
        fmt::format("{} runs of {:g} days; failures of a cause are {}. The closed forms see what makes the job start again, detection and restart together; they know no slower "
                    "network, no stall, no wait for spares and no work that a corruption spoils", q_.replicas, q_.duration.value() / kSecondsOfDay,
                    q_.weibull_shape == 1 ? "exponential" : fmt::format("Weibull of shape {:g}, the cause as a whole", q_.weibull_shape))};
    if (!q_.write_rate) notes.push_back(fmt::format("the pause of {} is given: whether a checkpoint can be written in it is not looked at; \"state\" and \"write_rate\" give it", text(q_.pause.value())));
    if (!q_.spares) notes.push_back("a spare node is always at hand");
    if (!q_.streams.by_topology) notes.push_back("every failure of the network is taken to end the job, whatever the topology");
    const bool network = std::any_of(a.job.streams.begin(), a.job.streams.end(), [](const FailureStream& s) { return models::in_network(s.part); });
    if (network && q_.streams.by_topology) {
      notes.push_back(fmt::format("what a lost part of the network does is played on the engine (as in failures_by_part) with {} traffic; {:g} % of a step get as much slower",
                                  q_.streams.shift ? "shift" : "uniform", kPercent * q_.streams.communication_share));
    }
    return notes;
  }

  std::vector<std::string> warnings() const override {
    const std::lock_guard lock(answering_);
    std::vector<std::string> all;
    if (!answer_) return all;
    const GoodputAnswer& a = *answer_;
    if (q_.write_rate && q_.write_rate->value() > a.all_nics.value()) {
      all.push_back(fmt::format("a write_rate of {:.4g} GB/s is more than the {:.4g} GB/s of all NICs together: no checkpoint leaves the nodes in {}", q_.write_rate->value() / 1e9,
                                a.all_nics.value() / 1e9, text(a.job.pause.value())));
    }
    const double away = a.closed.restart.value(), mtbf = a.closed.mtbf.value(), interval = a.job.interval.value();
    if (interval < a.job.pause.value()) {
      all.push_back(fmt::format("the interval of {} is shorter than the pause of {} for a checkpoint: most of the time goes into checkpoints", text(interval), text(a.job.pause.value())));
    }
    if (away > mtbf) {
      all.push_back(fmt::format("detection and restart take {}, longer than the {} between failures: the job hardly ever trains", text(away), text(mtbf)));
    } else if (interval > mtbf) {
      all.push_back(fmt::format("the interval of {} is longer than the {} between failures: most work is lost before it is written", text(interval), text(mtbf)));
    }
    return all;
  }

  std::vector<ConstantUsed> constants(const Cluster&) const override {
    std::vector<ConstantUsed> all;
    for (const models::FailureRates& rates : q_.streams.rates) {
      for (ConstantUsed& c : models::constants_of(rates)) all.push_back(std::move(c));
    }
    for (ConstantUsed& c : models::constants_of(q_.streams.recovery)) all.push_back(std::move(c));
    return all;
  }

  Json resolved() const override { return *q_.resolved; }

 private:
  static std::string text(double seconds) {
    return seconds < 120 ? fmt::format("{:.4g} s", seconds) : seconds < 7200 ? fmt::format("{:.4g} min", seconds / 60) : fmt::format("{:.4g} h", seconds / kSecondsOfHour);
  }

  const GoodputAnswer& answer(const Cluster& cluster) const {
    const std::lock_guard lock(answering_);
    if (!answer_) answer_ = compute(cluster);
    return *answer_;
  }

  GoodputAnswer compute(const Cluster& cluster) const {
    GoodputAnswer a;
    const models::Recovery& r = q_.streams.recovery;
    a.job.duration = q_.duration, a.job.pause = q_.pause, a.job.restart = r.restart.value;
    a.job.weibull_shape = q_.weibull_shape, a.job.retry = r.retry();
    a.job.flap_shortest = r.flap_shortest.value, a.job.flap_longest = r.flap_longest.value, a.job.silent_detection = r.silent_detection.value;
    if (q_.spares) a.job.spares = static_cast<double>(*q_.spares);
    a.job.streams = failure_streams(cluster, q_.streams);
    a.closed = closed_form_job(a.job);
    a.job.interval = interval_of(a.closed);
    const double failures = expected_failures(a.job, static_cast<double>(q_.replicas));
    if (failures > kMostFailures) {
      throw UserError("/duration", fmt::format("{:.3g} failures would have to be simulated, weft takes {:.3g}", failures, kMostFailures), "fewer replicas, a shorter duration, or rarer failures");
    }
    a.all_nics = cluster.node().nic_rate.value * static_cast<double>(cluster.nodes() * cluster.node().gpus);
    a.causes.resize(a.job.streams.size());
    for (std::int64_t replica = 0; replica < q_.replicas; ++replica) add(simulate(a.job, q_.seed, static_cast<std::uint64_t>(replica)), a);
    std::sort(a.goodputs.begin(), a.goodputs.end());
    return a;
  }

  Seconds interval_of(const CheckpointJob& closed) const {
    if (q_.rule == IntervalRule::given) return q_.interval;
    if (!std::isfinite(closed.mtbf.value())) throw UserError("/interval", "nothing ever stops this job, so no rule says when to write checkpoints", "give a time, such as \"30 min\"");
    if (q_.pause.value() == 0) throw UserError("/interval", "a checkpoint that costs nothing would be written all the time by any rule", "give a time, such as \"30 min\"");
    const Seconds t = q_.rule == IntervalRule::young ? young_interval(closed) : q_.rule == IntervalRule::daly ? daly_interval(closed) : best_interval(closed);
    return std::max(t, Seconds(1e-3));
  }

  void add(const JobOutcome& o, GoodputAnswer& a) const {
    const double n = static_cast<double>(q_.replicas), wall = q_.duration.value();
    for (double TimeSpent::* part : {&TimeSpent::useful, &TimeSpent::degraded, &TimeSpent::checkpoints, &TimeSpent::recomputed, &TimeSpent::stalled, &TimeSpent::detection,
                                     &TimeSpent::restart, &TimeSpent::waiting}) a.spent.*part += o.spent.*part / n;
    for (std::size_t s = 0; s < a.causes.size(); ++s) {
      a.causes[s].failures += o.causes[s].failures / n;
      a.causes[s].interruptions += o.causes[s].interruptions / n;
      a.causes[s].lost_s += o.causes[s].lost_s / n;
    }
    a.goodputs.push_back(kPercent * o.spent.useful / wall);
  }

  Row total_row(const GoodputAnswer& a) const {
    Row r;
    const double wall = q_.duration.value();
    const auto pct = [&](double seconds) { return kPercent * seconds / wall; };
    double failures = 0, interruptions = 0;
    for (const CauseOutcome& c : a.causes) failures += c.failures, interruptions += c.interruptions;
    r.set("cause", "all").set("failures", failures).set("interruptions", interruptions).set("lost_pct", pct(wall - a.spent.useful));
    r.set("goodput_pct", pct(a.spent.useful)).set("goodput_pct_p5", quantile(a.goodputs, 0.05)).set("goodput_pct_p50", quantile(a.goodputs, 0.5)).set("goodput_pct_p95", quantile(a.goodputs, 0.95));
    r.set("ettr", (a.spent.useful + a.spent.degraded) / wall);
    if (interruptions > 0) r.set("mtbi_h", wall / interruptions / kSecondsOfHour);
    r.set("checkpoint_pct", pct(a.spent.checkpoints)).set("recomputed_pct", pct(a.spent.recomputed)).set("restart_pct", pct(a.spent.restart)).set("detection_pct", pct(a.spent.detection));
    r.set("degraded_pct", pct(a.spent.degraded)).set("stalled_pct", pct(a.spent.stalled)).set("waiting_pct", pct(a.spent.waiting));
    r.set("pause_s", a.job.pause.value()).set("interval_s", a.job.interval.value());
    add_closed_forms(r, a);
    if (q_.step) {
      const double a_day = q_.tokens_per_step / q_.step->value() * kSecondsOfDay / 1e9;
      r.set("tokens_per_day_B", a_day * a.spent.useful / wall).set("tokens_per_day_no_failures_B", a_day);
    }
    return r;
  }

  static void add_closed_forms(Row& r, const GoodputAnswer& a) {
    const CheckpointJob& c = a.closed;
    if (!std::isfinite(c.mtbf.value())) return;
    const Seconds best = best_interval(c);
    r.set("mtbf_h", c.mtbf.value() / kSecondsOfHour);
    r.set("young_interval_s", young_interval(c).value()).set("daly_interval_s", daly_interval(c).value()).set("best_interval_s", best.value());
    r.set("closed_form_pct", kPercent * efficiency(c, a.job.interval)).set("first_order_pct", kPercent * first_order_efficiency(c, a.job.interval));
    r.set("closed_form_ettr", expected_ettr(c, a.job.interval));
    if (best.value() > 0) r.set("best_pct", kPercent * efficiency(c, best));
  }

  Row cause_row(const GoodputAnswer& a, std::size_t s) const {
    const FailureStream& f = a.job.streams[s];
    Row r;
    r.set("cause", f.cause).set("part", models::to_text(f.part)).set("effect", effect_of(f));
    r.set("failures", a.causes[s].failures).set("interruptions", a.causes[s].interruptions).set("lost_pct", kPercent * a.causes[s].lost_s / q_.duration.value());
    if (f.effect == Effect::slow) r.set("slowdown", f.slowdown);
    if (f.nodes_lost > 0 && std::isfinite(f.nodes_lost)) r.set("nodes_lost", f.nodes_lost);
    return r;
  }

  GoodputQuestion q_;
  mutable std::mutex answering_;
  mutable std::optional<GoodputAnswer> answer_;
};

/// The three that cost most, of causes and of checkpoints.
std::string why_of(const std::vector<Row>& rows) {
  const Row& all = rows.front();
  std::vector<std::pair<double, std::string>> losses = {{all.number("checkpoint_pct"), "standing still for checkpoints"}};
  for (std::size_t i = 1; i < rows.size(); ++i) {
    losses.emplace_back(rows[i].number("lost_pct"), fmt::format("\"{}\" ({}, {:.3g} times)", std::get<std::string>(*rows[i].find("cause")), std::get<std::string>(*rows[i].find("effect")), rows[i].number("failures")));
  }
  std::erase_if(losses, [](const auto& l) { return l.first <= 0; });
  std::stable_sort(losses.begin(), losses.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text = fmt::format("{:.4g} % of the time is useful work, {:.3g} % is lost", all.number("goodput_pct"), all.number("lost_pct"));
  for (std::size_t i = 0; i < std::min<std::size_t>(3, losses.size()); ++i) text += fmt::format("{}{} with {:.3g} %", i == 0 ? ": most by " : i == 1 ? ", then " : " and ", losses[i].second, losses[i].first);
  return text + ".";
}

}  // namespace

AnalysisKind analysis_goodput() {
  AnalysisKind k;
  k.name = "goodput";
  k.title = "Weeks of training under failures";
  k.summary = "Failures strike each kind of part at published rates; the job notices, waits, goes on with a slower network, or starts again from its last checkpoint. A first row says what part "
              "of the time was useful work and where the rest went, with the closed forms of Young and Daly beside it; then a row for each cause.";
  k.found_by = "weeks of failures, simulated";
  k.parameters = goodput_parameter_docs();
  k.label_columns = {{"cause", "what failed; all: the whole job"}};
  k.columns = {{"part", "what that takes down"},
               {"effect", "what it does to the job on this network"},
               {"failures", "in the duration, mean over the replicas"},
               {"interruptions", "of these, those after which the job had to start again"},
               {"lost_pct", "of the time: all that was no useful work; of a cause: without checkpoints"},
               {"slowdown", "of a step until the part is repaired"},
               {"nodes_lost", "nodes that spares have to replace", true},
               {"goodput_pct", "useful work over the time, both at full speed; mean over the replicas"},
               {"goodput_pct_p5", "5 % of the replicas lie below", true},
               {"goodput_pct_p50", "median", true},
               {"goodput_pct_p95", "95 % lie below", true},
               {"ettr", "effective training time ratio: the part of the time in which the job did work that it kept, at whatever speed"},
               {"mtbi_h", "hours between interruptions"},
               {"checkpoint_pct", "of the time: standing still for checkpoints"},
               {"recomputed_pct", "work that was lost"},
               {"restart_pct", "starting again"},
               {"detection_pct", "not knowing yet"},
               {"degraded_pct", "what work took longer with parts of the network lost"},
               {"stalled_pct", "waiting for the network to find another way"},
               {"waiting_pct", "waiting for a spare node or a repair"},
               {"pause_s", "C: for one checkpoint", true},
               {"interval_s", "work between two checkpoints"},
               {"mtbf_h", "M: between failures that make the job start again"},
               {"young_interval_s", "sqrt(2 C M) (Young 1974)", true},
               {"daly_interval_s", "Daly 2006, higher order"},
               {"best_interval_s", "where the closed form is highest, found numerically"},
               {"closed_form_pct", "t / (M e^(R/M) (e^((t+C)/M) - 1)): exact for exponential failures that stop the job (Daly 2006)"},
               {"first_order_pct", "1 - C/t - t/2M - R/M", true},
               {"closed_form_ettr", "(1 - (R + t/2)/M) / (1 + C/t) (arXiv:2410.21680)", true},
               {"best_pct", "the closed form at the best interval", true},
               {"tokens_per_day_B", "billions, with failures"},
               {"tokens_per_day_no_failures_B", "without", true}};
  k.why = why_of;
  k.read = [](JsonReader& where, const AnalysisContext& context) -> std::unique_ptr<Analysis> {
    auto question = read_goodput_question(where, context);
    return question ? std::make_unique<GoodputAnalysis>(std::move(*question)) : nullptr;
  };
  return k;
}

}  // namespace weft::scenarios

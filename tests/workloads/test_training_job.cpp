// A training job under failures over weeks: the simulated efficiency against the closed form, and every effect on its own.
#include <doctest/doctest.h>

#include <cmath>
#include <ctime>

#include "workloads/failures/interval.h"
#include "workloads/failures/training_job.h"

using namespace weft;
using namespace weft::workloads::failures;
using doctest::Approx;

namespace {

constexpr double kDay = 86400, kHour = 3600;

TrainingJob job(double days, double interval_s, double pause_s, double restart_s) {
  TrainingJob j;
  j.duration = Seconds(days * kDay);
  j.interval = Seconds(interval_s);
  j.pause = Seconds(pause_s);
  j.restart = Seconds(restart_s);
  return j;
}

FailureStream stream(Effect effect, double mtbf_h) {
  FailureStream s;
  s.cause = "something";
  s.effect = effect;
  s.per_hour = 1 / mtbf_h;
  return s;
}

/// Mean over replicas.
JobOutcome mean(const TrainingJob& j, int replicas, std::uint64_t seed = 1) {
  JobOutcome sum;
  sum.causes.resize(j.streams.size());
  for (int i = 0; i < replicas; ++i) {
    const JobOutcome o = simulate(j, seed, static_cast<std::uint64_t>(i));
    for (double TimeSpent::* part : {&TimeSpent::useful, &TimeSpent::degraded, &TimeSpent::checkpoints, &TimeSpent::recomputed, &TimeSpent::stalled, &TimeSpent::detection,
                                     &TimeSpent::restart, &TimeSpent::waiting}) sum.spent.*part += o.spent.*part / replicas;
    for (std::size_t s = 0; s < sum.causes.size(); ++s) {
      sum.causes[s].failures += o.causes[s].failures / replicas;
      sum.causes[s].interruptions += o.causes[s].interruptions / replicas;
      sum.causes[s].lost_s += o.causes[s].lost_s / replicas;
    }
  }
  return sum;
}

double part(const TrainingJob& j, double seconds) { return seconds / j.duration.value(); }

}  // namespace

TEST_CASE("the simulated efficiency lies within 1 % of the closed form") {
  // (M in h, C, R) of 2,048 and 16,384 GPUs at Llama 3's rate, and settings where losses are large.
  const double settings[][3] = {{24.74, 20, 600}, {24.74, 60, 600}, {3.093, 60, 600}, {3.093, 5, 60}, {0.5, 30, 300}, {0.25, 60, 900}};
  for (const auto& [mtbf_h, pause_s, restart_s] : settings) {
    const CheckpointJob closed = {Seconds(mtbf_h * kHour), Seconds(pause_s), Seconds(restart_s)};
    for (const double factor : {0.5, 1.0, 3.0}) {
      TrainingJob j = job(365, young_interval(closed).value() * factor, pause_s, restart_s);
      j.streams = {stream(Effect::stop, mtbf_h)};
      const double exact = efficiency(closed, j.interval), got = part(j, mean(j, 40).spent.useful);
      CAPTURE(mtbf_h);
      CAPTURE(pause_s);
      CAPTURE(factor);
      CHECK(got == Approx(exact).epsilon(0.01));
    }
  }
}

TEST_CASE("several causes together are one of their rates' sum; detection counts as restart") {
  TrainingJob j = job(365, 1156, 60, 300), one = job(365, 1156, 60, 600);
  for (int i = 0; i < 4; ++i) {
    j.streams.push_back(stream(Effect::stop, 4 * 3.093));
    j.streams.back().cause = std::string(1, static_cast<char>('a' + i));
    j.streams.back().detection = Seconds(300);
  }
  const JobOutcome o = mean(j, 40);
  CHECK(part(j, o.spent.useful) == Approx(efficiency({Seconds(3.093 * kHour), Seconds(60), Seconds(600)}, one.interval)).epsilon(0.01));
  for (const CauseOutcome& c : o.causes) CHECK(c.interruptions == Approx(365 * 24 / (4 * 3.093)).epsilon(0.03));
}

TEST_CASE("without failures the useful part is t / (t + C)") {
  const TrainingJob j = job(28, 1800, 20, 600);
  const JobOutcome o = simulate(j, 1, 0);
  CHECK(part(j, o.spent.useful) == Approx(1800.0 / 1820).epsilon(1e-3));
  CHECK(o.spent.useful + o.spent.checkpoints == Approx(28 * kDay));
}

TEST_CASE("time adds up, whatever strikes, and what causes lost is all that was neither useful nor a checkpoint") {
  TrainingJob j = job(60, 900, 15, 400);
  j.spares = 2;
  j.silent_detection = Seconds(2000);
  j.flap_shortest = Seconds(0.5), j.flap_longest = Seconds(40);
  for (const Effect e : {Effect::stop, Effect::slow, Effect::corrupt, Effect::flap}) {
    FailureStream s = stream(e, 2);
    s.cause = std::to_string(static_cast<int>(e));
    s.nodes_lost = 1;
    s.slowdown = 1.3;
    s.detection = Seconds(100), s.switch_over = Seconds(e == Effect::slow ? 5 : 0), s.repair = Seconds(4 * kHour);
    j.streams.push_back(s);
  }
  for (std::uint64_t replica = 0; replica < 20; ++replica) {
    const JobOutcome o = simulate(j, 7, replica);
    CHECK(o.spent.total() == Approx(60 * kDay).epsilon(1e-9));
    double lost = 0;
    for (const CauseOutcome& c : o.causes) lost += c.lost_s;
    // At the end of the run a pause may be under way that no checkpoint has come of.
    CHECK(lost == Approx(60 * kDay - o.spent.useful - o.spent.checkpoints).epsilon(1e-9));
    for (const double v : {o.spent.degraded, o.spent.recomputed, o.spent.stalled, o.spent.detection, o.spent.restart, o.spent.waiting}) CHECK(v > 0);
  }
}

TEST_CASE("a slower network costs (f - 1) / f of the time that it is broken, and stops nobody") {
  // One in 100 h, repaired after 8 h: broken for 1 - e^-0.08 of the time, since failures may overlap; 1 - 1 / 1.25 of that is lost.
  TrainingJob j = job(1000, 1800, 0, 600);
  j.streams = {stream(Effect::slow, 100)};
  j.streams[0].slowdown = 1.25, j.streams[0].repair = Seconds(8 * kHour);
  const JobOutcome o = mean(j, 40);
  CHECK(part(j, o.spent.degraded) == Approx((1 - std::exp(-0.08)) * 0.2).epsilon(0.03));
  CHECK(o.causes[0].interruptions == 0);
  CHECK(o.spent.recomputed == 0);
}

TEST_CASE("with several parts lost the job is as slow as the worst makes it") {
  TrainingJob j = job(10, 1800, 0, 600);
  for (const double f : {1.1, 1.5}) {
    j.streams.push_back(stream(Effect::slow, 0.01));   // struck at once, and again before it is repaired
    j.streams.back().cause = std::to_string(f);
    j.streams.back().slowdown = f, j.streams.back().repair = Seconds(10 * kDay);
  }
  CHECK(part(j, simulate(j, 1, 0).spent.useful) == Approx(1 / 1.5).epsilon(0.001));
}

TEST_CASE("a switch-over within the retries stalls the job up to the next try; a longer one ends it") {
  const double quantum = models::RetryPolicy().quantum().value();
  TrainingJob j = job(100, 1800, 10, 600);
  j.streams = {stream(Effect::slow, 10)};
  j.streams[0].switch_over = Seconds(5);
  JobOutcome o = mean(j, 10);
  CHECK(o.causes[0].interruptions == 0);
  CHECK(o.spent.stalled == Approx(o.causes[0].failures * 2 * quantum).epsilon(0.01));   // 5 s: the second try after 4.3 s
  j.streams[0].switch_over = Seconds(60);
  j.streams[0].detection = Seconds(10);
  o = mean(j, 10);
  CHECK(o.causes[0].interruptions > 0.98 * o.causes[0].failures);
  CHECK(o.spent.stalled == 0);
  // Nobody knows before the retries are over.
  CHECK(o.spent.detection == Approx(o.causes[0].interruptions * models::RetryPolicy().budget().value()).epsilon(0.01));
}

TEST_CASE("flaps of 0.5 to 3 s stall one quantum each; with a short time-out longer ones end the job") {
  TrainingJob j = job(100, 1800, 10, 600);
  j.flap_shortest = Seconds(0.5), j.flap_longest = Seconds(3);
  j.streams = {stream(Effect::flap, 1)};
  JobOutcome o = mean(j, 10);
  CHECK(o.spent.stalled == Approx(o.causes[0].failures * j.retry.quantum().value()).epsilon(0.01));
  CHECK(o.causes[0].interruptions == 0);
  // 2^16 ticks: 0.268 s a try, 1.879 s in all; 1.12 of the 2.5 s of the range lie above.
  j.retry = {16, 7};
  o = mean(j, 10);
  CHECK(o.causes[0].interruptions / o.causes[0].failures == Approx((3 - j.retry.budget().value()) / 2.5 * (1 - part(j, o.spent.restart + o.spent.detection))).epsilon(0.05));
}

TEST_CASE("a silent corruption costs the work since it struck, and a restart") {
  // Found after a mean of d = 2 h: lost are d and half an interval before it.
  TrainingJob j = job(2000, 600, 0, 300);
  j.silent_detection = Seconds(2 * kHour);
  j.streams = {stream(Effect::corrupt, 200)};
  const JobOutcome o = mean(j, 20);
  CHECK(o.spent.restart == Approx(o.causes[0].interruptions * 300).epsilon(0.01));
  CHECK(o.spent.recomputed / o.causes[0].interruptions == Approx(2 * kHour + 300).epsilon(0.05));
}

TEST_CASE("a restart from a checkpoint that is older than a corruption heals it") {
  // Stops come every minute, checkpoints never: each corruption is gone before anybody sees it.
  TrainingJob j = job(10, 1e7, 0, 1);
  j.silent_detection = Seconds(1e6);
  j.streams = {stream(Effect::stop, 1.0 / 60), stream(Effect::corrupt, 1)};
  j.streams[1].cause = "silent";
  const JobOutcome o = simulate(j, 1, 0);
  CHECK(o.causes[1].failures > 100);
  CHECK(o.causes[1].interruptions == 0);
}

TEST_CASE("without a spare the job waits until the node is repaired; with one it does not") {
  TrainingJob j = job(400, 1800, 0, 60);
  j.streams = {stream(Effect::stop, 240)};
  j.streams[0].nodes_lost = 1, j.streams[0].repair = Seconds(24 * kHour);
  j.spares = 0;
  JobOutcome o = mean(j, 20);
  CHECK(o.spent.waiting == Approx(o.causes[0].interruptions * (24 * kHour)).epsilon(0.1));
  j.spares = 4;
  o = mean(j, 20);
  CHECK(part(j, o.spent.waiting) < 1e-3);
  j.spares = std::numeric_limits<double>::infinity();
  CHECK(mean(j, 20).spent.waiting == 0);
}

TEST_CASE("a fault that takes the whole job is waited for, whatever the spares") {
  TrainingJob j = job(400, 1800, 0, 60);
  j.streams = {stream(Effect::stop, 400)};
  j.streams[0].nodes_lost = std::numeric_limits<double>::infinity(), j.streams[0].repair = Seconds(kHour), j.streams[0].detection = Seconds(600);
  const JobOutcome o = mean(j, 20);
  CHECK(o.spent.waiting == Approx(o.causes[0].interruptions * (kHour - 600)).epsilon(0.02));
}

TEST_CASE("failures that come in clusters (Weibull below 1) are as many over time") {
  TrainingJob j = job(2000, 1800, 10, 60);
  j.weibull_shape = 0.7;
  j.streams = {stream(Effect::stop, 10)};
  CHECK(mean(j, 20).causes[0].failures == Approx(2000 * 24 / 10.0).epsilon(0.02));
}

TEST_CASE("with Weibull failures the useful part is that of the renewal sum, bursts and wear alike") {
  // A failure starts the job anew at once. Of a gap X between failures the whole intervals t, each with its pause C, are kept: t floor(X / (t + C)), and
  // E floor(X / a) = sum over n of P(X >= n a) = sum of e^-(n a / l)^k with l = M / Gamma(1 + 1/k). For k = 1 that is Daly's form without a restart.
  const double mtbf = 10 * kHour, t = 1800, pause = 60;
  for (const double k : {0.5, 0.7, 1.0, 2.0}) {
    TrainingJob j = job(4000, t, pause, 0);
    j.weibull_shape = k;
    j.streams = {stream(Effect::stop, 10)};
    double intervals = 0;
    for (int n = 1; n < 10000; ++n) intervals += std::exp(-std::pow(n * (t + pause) * std::tgamma(1 + 1 / k) / mtbf, k));
    CAPTURE(k);
    CHECK(part(j, mean(j, 20).spent.useful) == Approx(t * intervals / mtbf).epsilon(0.005));
    if (k == 1) CHECK(t * intervals / mtbf == Approx(efficiency({Seconds(mtbf), Seconds(pause), Seconds()}, Seconds(t))).epsilon(1e-9));
  }
}

TEST_CASE("draws depend on seed and replica alone: the same run twice is the same, another cause changes no other") {
  TrainingJob j = job(100, 1800, 10, 600);
  j.streams = {stream(Effect::stop, 10)};
  const JobOutcome a = simulate(j, 1, 3), b = simulate(j, 1, 3), c = simulate(j, 2, 3), d = simulate(j, 1, 4);
  CHECK(a.spent.useful == b.spent.useful);
  CHECK(a.spent.useful != c.spent.useful);
  CHECK(a.spent.useful != d.spent.useful);
  j.streams.push_back(stream(Effect::stop, 50));
  j.streams[1].cause = "another";
  CHECK(simulate(j, 1, 3).causes[0].failures == a.causes[0].failures);
}

TEST_CASE("a restart that takes longer than failures leave time for ends, with nearly nothing done") {
  TrainingJob j = job(28, 600, 60, 36000);
  j.streams = {stream(Effect::stop, 0.5)};
  const JobOutcome o = simulate(j, 1, 0);
  CHECK(part(j, o.spent.useful) < 0.01);
  CHECK(o.spent.total() == Approx(28 * kDay));
}

TEST_CASE("four weeks of 2,048 GPUs a hundred times over take less than a second, however short the interval") {
  TrainingJob j = job(28, 0.01, 0.001, 600);
  j.streams = {stream(Effect::stop, 24.74)};
  const std::clock_t begin = std::clock();   // of this process: others may keep the machine busy
  mean(j, 100);
  CHECK(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC < 1);
}

// What a training step comes to: parts that add up, exposed communication, and the identities of Table 4 at the published step.
#include <doctest/doctest.h>

#include "tests/workloads/schedule_checks.h"
#include "tests/workloads/training_layouts.h"
#include "tests/workloads/training_runs.h"

using namespace weft;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;
using weft::testing::Ground;
using doctest::Approx;

namespace {

/// Of one rank that works through F and B by hand: F 0..2, B 3..8, with 1.5 of B's time for weights; computing 0..1, 3..4, 6..8.
StepRecord by_hand(const PipelineSchedule& s) {
  StepRecord record(plan_step(s, std::vector<StageContent>{{false, 0, 1, 0, 0}}, {1, 8, 8, 8, 1, 8}, true));
  StepRecord::Rank& r = record.ranks[0];
  r.cells = {{0, 2}, {3, 8}};
  r.weighing = {0, 1.5};
  r.computing = {{0, 1}, {3, 4}, {6, 8}};
  r.exchanging = {{1, 3.5}, {5, 6.5}};
  return record;
}

StepRates published(double step_s) {
  const models::Llm m = model("deepseek-v3");
  return rates_of(m, models::gpu_named("h800", DataPlaces::standard(), "--gpu"), deepseek(m), Seconds(step_s));
}

}  // namespace

TEST_CASE("the parts of a rank's step are its cells, what is between them, and the end") {
  const PipelineSchedule s = schedule_of("1f1b", 1, 1);
  const StepParts p = parts_of(s, by_hand(s), Seconds(10), Seconds(1)).front();
  CHECK(p.forward == 2);
  CHECK(p.weight == 1.5);
  CHECK(p.backward == 3.5);
  CHECK(p.overlapped == 0);
  CHECK(p.bubble == 10 - 7);
  CHECK(p.sum() == 11);
  CHECK(p.computing == 4);
  // Exchanges 1..3.5 and 5..6.5; computing covers 3..3.5 and 6..6.5 of them.
  CHECK(p.communicating == 4);
  CHECK(p.exposed == 3);
}

TEST_CASE("reductions of a team and exchanges at one time count once") {
  const PipelineSchedule s = schedule_of("1f1b", 1, 1);
  StepRecord record = by_hand(s);
  record.ranks[0].reducing = {{3.25, 5.5}, {7, 7.5}};
  const StepParts p = parts_of(s, record, Seconds(10), Seconds(1)).front();
  CHECK(p.communicating == 5.5 + 0.5);       // 1..6.5 and 7..7.5
  CHECK(p.exposed == 6 - (1 + 0.5 + 0.5));   // computing covers 3..4, 6..6.5 and 7..7.5
}

TEST_CASE("the rows of a step add up to it to 1e-12, on each rank and on average, whatever the schedule") {
  const Ground ground(testing::mpft, 8, "h800", "infiniband");
  for (const ScheduleKind& kind : schedule_kinds()) {
    const StepSetup setup = step_setup(R"("model": )" + small_model(1, 16) + R"(, "schedule": ")" + kind.name +
                                       R"(", "pp": 4, "ep": 16, "micro_batches": 8, "sequence": 512, "gate": "unrestricted", "ranks": "all")");
    const PreparedStep step = prepared(setup, ground);
    const Ran is = ran(ground, step);
    const StepEnd end = end_of(setup, Seconds(0.001), Seconds(0.002), Seconds(0.003));
    const std::vector<Row> rows = rows_of(setup, step, is.record, is.pipeline, end);
    REQUIRE(rows.size() == 5);
    const char* const parts[] = {"forward_s", "backward_s", "weight_s", "overlapped_s", "bubble_s", "end_s"};
    for (const Row& row : rows) {
      double sum = 0;
      for (const char* part : parts) {
        sum += row.number(part);
        CHECK(row.number(part) >= 0);
      }
      CAPTURE(kind.name);
      CHECK(sum == Approx(row.number("step_time_s")).epsilon(1e-12));
      CHECK(row.number("step_time_s") == Approx(is.pipeline.value() + 0.006).epsilon(1e-12));
      CHECK(row.number("exposed_s") <= row.number("exchanging_s"));
      CHECK(row.number("computing_s") + row.number("exposed_s") <= is.pipeline.value() * (1 + 1e-12));
      CHECK((row.number("overlapped_s") > 0) == kind.overlaps);
    }
    for (const char* column : {"step_time_s", "forward_s", "backward_s", "weight_s", "overlapped_s", "bubble_s", "computing_s", "exchanging_s", "exposed_s"}) {
      double mean = 0;
      for (std::size_t r = 1; r < rows.size(); ++r) mean += rows[r].number(column) / 4;
      CHECK(rows[0].number(column) == Approx(mean).epsilon(1e-12));
    }
    const StepRates rates = rates_of(setup.model, setup.gpu, step.layout, Seconds(rows[0].number("step_time_s")));
    CHECK(rows[0].number("tokens_per_day_B") == Approx(rates.tokens_per_day * 1e-9).epsilon(1e-12));
    CHECK(rows[0].number("MUSD_per_T") == Approx(2 * rows[0].number("kGPU_hours_per_T") * 1e-3).epsilon(1e-12));   // $2 an hour
  }
}

TEST_CASE("the end of a step is what is simulated, or the given time where that is longer") {
  StepSetup setup = step_setup(R"("model": )" + small_model(0, 1));
  CHECK(end_of(setup, Seconds(1), Seconds(2), Seconds(4)).total == Seconds(7));
  setup.optimizer_time = Seconds(6);
  CHECK(end_of(setup, Seconds(1), Seconds(2), Seconds(4)).total == Seconds(7));
  setup.optimizer_time = Seconds(8);
  CHECK(end_of(setup, Seconds(1), Seconds(2), Seconds(4)).total == Seconds(8));
}

TEST_CASE("Table 4's rows are the parts of a step: they add up to 19.90 and 19.94 s (C027, C028)") {
  StepParts mpft, mrft;
  mpft.forward = 1.13, mpft.backward = 1.99, mpft.weight = 0.48, mpft.overlapped = 13.95, mpft.bubble = 2.06, mpft.end = 0.29;
  mrft.forward = 1.13, mrft.backward = 1.99, mrft.weight = 0.48, mrft.overlapped = 14.00, mrft.bubble = 2.03, mrft.end = 0.31;
  CHECK(std::abs(mpft.sum() - 19.90) < 1e-12);
  CHECK(std::abs(mrft.sum() - 19.94) < 1e-12);
}

TEST_CASE("15,360 sequences of 4,096 tokens on 2,048 GPUs: 120 micro-batches a rank, 62,914,560 tokens (C024, C031)") {
  const Layout l = deepseek(model("deepseek-v3"));
  CHECK(l.micro_batches == 120);
  CHECK(l.tokens_per_step() == 62914560);
  CHECK(l.gpus() == 2048);
}

TEST_CASE("from the published step follow tokens a day, TFLOPS and MFU (C025, C026, C029, C030)") {
  const StepRates mpft = published(19.926), mrft = published(19.946);
  CHECK(std::abs(mpft.tokens_per_day * 1e-9 - 272.8) < 0.005);
  CHECK(std::abs(mrft.tokens_per_day * 1e-9 - 272.52) < 0.02);
  CHECK(std::abs(mpft.causal.value() * 1e-12 - 385.14) < 0.5);
  CHECK(std::abs(mpft.whole.value() * 1e-12 - 432.47) < 0.5);
  CHECK(std::abs(100 * mpft.mfu_causal - 38.92) < 0.04);
  CHECK(std::abs(100 * mpft.mfu - 43.71) < 0.04);
  // Exactly: (15,360 x 4,096) tokens in 19.926 s.
  CHECK(mpft.tokens_per_day == Approx(15360.0 * 4096 * 86400 / 19.926).epsilon(1e-14));
}

TEST_CASE("GPU hours and days at the published step, and hours for 14.8 T tokens (C032, C033, C034)") {
  const StepRates r = published(19.926);
  const double hours_per_T = r.gpu_seconds_per_token / 3600 * 1e12;
  CHECK(std::abs(hours_per_T * 1e-3 - 180.18) < 0.1);
  CHECK(std::abs(hours_per_T / 2048 / 24 - 3.666) < 0.005);
  CHECK(std::abs(hours_per_T * 14.8e-3 - 2666.6) < 3);
}

// 2.664 M GPU hours x 3,600 s x 700 W / 14.8e12 tokens = 0.4536 J: all of board power all of the time.
TEST_CASE("energy of a token is GPU time by power: 0.4536 J at 700 W and the published hours (C103), less where GPUs wait") {
  StepRates r;
  r.gpu_seconds_per_token = 2.664e6 * 3600 / 14.8e12;
  CHECK(r.joules_per_token(Watts(700)) == Approx(0.4536).epsilon(0.001));
  const PowerModel power;
  CHECK(power.mean(1) == Approx(0.1 + 0.9 * 0.85).epsilon(1e-12));
  CHECK(power.mean(0) == Approx(0.1 + 0.9 * 0.35).epsilon(1e-12));
  CHECK(published(19.926).joules_per_token(Watts(700) * power.mean(0.8)) < published(19.926).joules_per_token(Watts(700)));
}

// Gradients and weights at the end of a step: how many bytes over NICs and NVLink, and how long.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/fold_checks.h"
#include "tests/workloads/training_layouts.h"
#include "tests/workloads/training_runs.h"
#include "workloads/training/shares.h"

using namespace weft;
using namespace weft::workloads::training;
using namespace weft::workloads::training::test;
using weft::testing::Ground;
using doctest::Approx;

namespace {

const std::string kKeys = R"("model": "deepseek-v3", "schedule": "dualpipe", "pp": 16, "ep": 64, "global_batch": 15360)";

StepGrid grid_of(const Layout& l) { return {l.pp, l.gpus_per_stage(), l.ep, 8, l.tp, 8}; }

Bytes amount(const GroupSync& g, SyncPass pass) { return pass == SyncPass::reduce_scatter ? g.reduce_scatter : g.all_gather; }

}  // namespace

// The best ring of n copies sends (n - 1) / n of the bytes over each NIC. Here the eight GPUs of a node, which have the same parameters, first share what they
// have over NVLink (7/8 of it leaves each), so that a GPU's NIC carries an eighth to the other 31 of 32 nodes with copies. Experts have their copies on other nodes.
TEST_CASE("DeepSeek-V3 on 2,048 GPUs: every GPU sends what its copies need, an eighth of common parameters over its own NIC (compute.md 8)") {
  const StepSetup setup = step_setup(kKeys);
  const Layout l = completed(setup.layout, setup.model, 2048);
  for (const SyncPass pass : {SyncPass::reduce_scatter, SyncPass::all_gather}) {
    testing::RecordingSink sink;
    sync_program(setup, l, grid_of(l), pass)->start(sink);
    const testing::Traffic t = testing::traffic_of(sink);
    CHECK(t.nic_out.size() == 2048);
    double most = 0;
    for (std::uint32_t p = 0; p < 16; ++p) {
      const GradientSync sync = sync_of(setup.model, l, p);
      CHECK(sync.others.copies == 256);   // 128 on the rank, 128 on its mirror
      CHECK(sync.experts.copies == 4);
      const double whole = amount(sync.others, pass).value() * 256 / 255;
      const double over_nic = amount(sync.experts, pass).value() + whole / 8 * 31 / 32;
      most = std::max(most, over_nic);
      for (const std::uint32_t gpu : {p * 128u, p * 128 + 77}) {
        const testing::Traffic::Port port{gpu / 8, gpu % 8};
        for (const auto* ports : {&t.nic_out, &t.nic_in}) CHECK(ports->at(port) == Approx(over_nic).epsilon(1e-9));
        for (const auto* ports : {&t.nvlink_out, &t.nvlink_in}) CHECK(ports->at(port) == Approx(whole * 7 / 8).epsilon(1e-9));
      }
    }
    // Of a middle rank, compute.md 8: experts 4.23 GB and others 7.43 GB of FP32 gradients, half of that as BF16 weights.
    const double part = pass == SyncPass::reduce_scatter ? 1 : 0.5;
    const GradientSync middle = sync_of(setup.model, l, 7);
    CHECK(amount(middle.experts, pass).value() * 1e-9 == Approx(4.23 * part).epsilon(0.003));
    CHECK(amount(middle.others, pass).value() * 1e-9 == Approx(7.43 * part).epsilon(0.003));
    // On wires without delay the fullest NIC says how long, at 48 GB/s after 8.4 us (nccl_ring); NVLink is done earlier.
    const Ground ideal(testing::mpft, 256, "ideal", "ideal");
    CHECK(ideal.makespan(*sync_program(setup, l, grid_of(l), pass)).value() == Approx(8.4e-6 + most / 48e9).epsilon(1e-9));
  }
}

TEST_CASE("the end of a step folds, with mirrors and without, and copies of a team share inside the node first") {
  const Ground ground(testing::mpft, 8, "h800", "infiniband");
  for (const std::string layout : {R"("schedule": "dualpipe", "ep": 16)", R"("schedule": "1f1b", "ep": 8)", R"("schedule": "1f1b", "ep": 8, "zero": 0)"}) {
    const StepSetup setup = step_setup(R"("model": )" + small_model(1, 3) + R"(, "gate": "unrestricted", "pp": 4, "micro_batches": 8, )" + layout);
    const PreparedStep step = prepared(setup, ground);
    CAPTURE(layout);
    for (const SyncPass pass : {SyncPass::reduce_scatter, SyncPass::all_gather}) {
      CHECK(simulated(testing::fold_and_full(ground.fabric, [&] { return sync_program(setup, step.layout, step.job->plan.grid, pass); })) == 4);
    }
  }
  const StepSetup teams = step_setup(R"("model": )" + small_model(2, 0) + R"(, "pp": 1, "tp": 4, "micro_batches": 1)");
  const Layout l = completed(teams.layout, teams.model, 16);
  testing::RecordingSink sink;
  sync_program(teams, l, {1, 16, 16, 8, 4, 8}, SyncPass::reduce_scatter)->start(sink);
  CHECK(sink.transfers.size() == 16 * 2);   // to the other copy in its node, and its half of that to its namesake: 1/2 + 1/4 of the whole = (4 - 1) / 4
  double sent = 0;
  for (const auto& t : sink.transfers) sent += t.what.bytes.value() / 16;
  CHECK(sent == Approx(sync_of(teams.model, l, 0).others.reduce_scatter.value()).epsilon(1e-9));
}

// A node sends its eight GPUs' parts over seven NICs: no faster than 8/7 of the time when the others share the lost one's bytes, and 2 when a neighbour takes them; that is
// what the fullest NIC carries. A little more, since what goes around shares with what does not by weight, not so that all end together.
TEST_CASE("a step goes around a lost NIC: the sum of gradients takes 8/7 of its time, or twice when a neighbour takes what was due, and at most 5 % more") {
  const std::string keys = R"("model": )" + small_model(2, 3) + R"(, "gate": "unrestricted", "pp": 4, "ep": 16, "micro_batches": 8, "schedule": "dualpipe")";
  const Ground sound(testing::mpft, 8, "ideal", "ideal"), lost(testing::mpft, 8, "ideal", "ideal", {"node2.nic5"});
  const auto end_of = [](const StepSetup& setup, const Ground& ground) {
    const PreparedStep step = prepared(setup, ground);
    return ground.makespan(*sync_program(setup, step.layout, step.job->plan.grid, SyncPass::reduce_scatter, step.job->rails)).value() - 8.4e-6;
  };
  const StepSetup rebalance = step_setup(keys + R"(, "on_lost_nic": "rebalance")"), neighbour = step_setup(keys + R"(, "on_lost_nic": "neighbour")");
  const double before = end_of(rebalance, sound);
  for (const auto& [setup, longer] : {std::pair{&rebalance, 8.0 / 7}, std::pair{&neighbour, 2.0}}) {
    const double around = end_of(*setup, lost) / before;
    CHECK(around >= longer * (1 - 1e-9));
    CHECK(around <= longer * 1.05);
  }
  // The pipeline's sends and exchanges go around it too.
  CHECK(ran(lost, rebalance).pipeline >= ran(sound, rebalance).pipeline);
}

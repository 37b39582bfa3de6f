// The deepep reader: best results of the normal kernels, means over ranks of the low-latency ones.
#include <doctest/doctest.h>

#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;

namespace {

using Shape = std::map<std::string, double>;
const std::string kConfig = "[config] num_tokens=4096, hidden=7168, num_topk_groups=2, num_topk=8\n";

}  // namespace

TEST_CASE("normal kernels between nodes: waiting and sending add up; what is not printed is stated") {
  const Measurements m = measurements_in("# weft: device=NVIDIA H800, nodes=2, experts=256\n" + kConfig +
                                         "[tuning] SMs 24, NVL chunk 4, RDMA chunk 24: 130 + 2010 us, 30.01 GB/s (RDMA), 98.00 GB/s (NVL) \n"
                                         "[tuning] Best dispatch (FP8): SMs 24, NVL chunk 40, RDMA chunk 16: 229 + 1391 us, 43.36 GB/s (RDMA), 141.61 GB/s (NVL)\n"
                                         "[tuning] Best dispatch (BF16): SMs 24, NVL chunk 32, RDMA chunk 16: 135 + 2606 us, 44.89 GB/s (RDMA), 146.59 GB/s (NVL)\n"
                                         "[tuning] Best combine: SMs 20, NVL chunk 4, RDMA chunk 20, 778.64 + 2681.00 us, 43.63 GB/s (RDMA), 142.49 GB/s (NVL)\n");
  REQUIRE(m.rows.size() == 2);
  CHECK(m.rows[0].family == "deepep_dispatch");
  CHECK(m.rows[0].time_us == 229 + 1391);
  CHECK(m.rows[0].shape == Shape{{"nodes", 2}, {"hidden", 7168}, {"tokens", 4096}, {"topk", 8}, {"experts", 256}, {"sms", 24}});
  CHECK(m.rows[1].family == "deepep_combine");
  CHECK(m.rows[1].time_us == doctest::Approx(778.64 + 2681).epsilon(1e-12));
  CHECK(m.rows[1].shape.at("sms") == 20);
  CHECK(says(m.notes[0], "1 dispatches in BF16"));
}

TEST_CASE("normal kernels inside a node and the form with names for both times") {
  const Measurements m = measurements_in("# weft: experts=256\n" + kConfig + "[tuning] Best dispatch (FP8): SMs 24, NVL chunk 30, 352.43 GB/s (NVL), t: 453.49 us\n"
                                         "[tuning] Best combine: SMs 24, NVL chunk 0, RDMA chunk 0, transmit: 800.50 us, notify: 20.00 us, BW: 0.00 GB/s, 9 GB/s (NVL)\n");
  REQUIRE(m.rows.size() == 2);
  CHECK(m.rows[0].shape.at("nodes") == 1);
  CHECK(m.rows[0].time_us == 453.49);
  CHECK(m.rows[1].time_us == 820.5);
}

TEST_CASE("low-latency lines of all ranks are one run; a rank that comes again begins the next") {
  const std::string head = "# weft: nodes=1, tokens=128, hidden=7168, topk=8, experts=288\n";
  const auto rank = [](int r, const char* d, const char* c) {
    return "[rank " + std::to_string(r) + "] Dispatch bandwidth: 98.01 GB/s, avg_t=" + d + " us | Combine bandwidth: 127.20 GB/s, avg_t=" + c + " us\n";
  };
  const Measurements m = measurements_in(head + rank(0, "70", "110") + rank(1, "80", "120") + rank(0, "60", "100") +
                                         "[rank 0] Dispatch send/recv time: 27.25 + 7.71 us | Combine send/recv time: 32.48 + 9.45 us\n");
  REQUIRE(m.rows.size() == 4);
  CHECK(m.rows[0].family == "deepep_ll_dispatch");
  CHECK(m.rows[0].time_us == 75);
  CHECK(m.rows[0].shape == Shape{{"nodes", 1}, {"hidden", 7168}, {"tokens", 128}, {"topk", 8}, {"experts", 288}});
  CHECK(m.rows[1].time_us == 115);
  CHECK(m.rows[2].time_us == 60);
  CHECK(says(m.notes[0], "1 lines of the hook mode"));
}

TEST_CASE("each figure is a time of its own: a negative or missing one does not hide in a sum or a mean") {
  const std::string head = "# weft: nodes=2, experts=256\n" + kConfig;
  const auto best = [&](const std::string& time) { return refusal(head + "[tuning] Best dispatch (FP8): SMs 24, NVL chunk 40, RDMA chunk 16: " + time + " us, 43.36 GB/s (RDMA), 141.61 GB/s (NVL)\n"); };
  CHECK(best("229 + 1391") == "");
  CHECK(says(best("-229 + 1391"), "file.txt:3: the time is negative: -229 us"));
  CHECK(says(best("229 + -1"), "file.txt:3: the time is negative: -1 us"));
  CHECK(says(best("229 + 0"), "file.txt:3: the time is zero"));
  CHECK(says(refusal(head + "[tuning] Best combine: SMs 24, NVL chunk 0, RDMA chunk 0, transmit: 800.50 us, notify: -20.00 us, BW: 0.00 GB/s, 9 GB/s (NVL)\n"), "file.txt:3: the time is negative: -20 us"));
  const auto ranks = [](const std::string& d, const std::string& c) {
    return refusal("# weft: nodes=1, tokens=128, hidden=7168, topk=8, experts=288\n[rank 0] Dispatch bandwidth: 98.01 GB/s, avg_t=" + d +
                   " us | Combine bandwidth: 127.20 GB/s, avg_t=" + c + " us\n[rank 1] Dispatch bandwidth: 98.01 GB/s, avg_t=177.40 us | Combine bandwidth: 127.20 GB/s, avg_t=114.10 us\n");
  };
  CHECK(ranks("77.40", "114.10") == "");
  CHECK(says(ranks("-77.40", "114.10"), "file.txt:2: the time is negative: -77.4 us"));
  CHECK(says(ranks("77.40", "nan"), "file.txt:2: the time is not a number"));
  CHECK(says(ranks("77.40", "inf"), "file.txt:2: the time is not finite"));
}

TEST_CASE("what the output does not say is asked for; other versions are refused") {
  const std::string best = "[tuning] Best dispatch (FP8): SMs 24, NVL chunk 40, RDMA chunk 16: 229 + 1391 us, 43.36 GB/s (RDMA), 141.61 GB/s (NVL)\n";
  CHECK(says(refusal(kConfig + best), "file.txt:2: the output does not say nodes, experts"));
  CHECK(says(refusal(kConfig + best), "# weft: device=NVIDIA H800, nodes=2"));
  CHECK(says(refusal("[rank 0] Dispatch bandwidth: 98.01 GB/s, avg_t=70 us | Combine bandwidth: 127.20 GB/s, avg_t=110 us\n"), "does not say nodes, hidden, tokens, topk, experts"));
  CHECK(says(refusal("[rank 0] Dispatch bandwidth: 98.01 GB/s\n"), "file.txt:1: a result of another version (expected"));
  CHECK(says(refusal("[tuning] Best dispatch (FP8): SMs 24, NVL chunk 32, RDMA chunk 32: 55.25 GB/s (RDMA), 110.94 GB/s (NVL)\n"), "results without a time"));
}

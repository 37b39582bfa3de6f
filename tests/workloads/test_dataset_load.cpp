// Samples for training: what is read, and whether storage, cores or training set the pace.
#include <doctest/doctest.h>

#include "tests/support/storage_runs.h"

using namespace weft;
using namespace weft::testing;

namespace {

Row load(const std::string& more) {
  return storage_ground(4, 3)
      .run(R"({"kind": "dataset_load", "samples_per_step": 1000, "sample": "1 MB", "steps": 10, )" + ideal_access + ", " + more + "}")
      .at(0);
}

}  // namespace

TEST_CASE("every step of \"dataset_load\" reads its samples, runs ahead by the prefetch, and computes in order") {
  const auto cases = workload_from(R"({"kind": "dataset_load", "samples_per_step": 10, "sample": "1 kB", "steps": 4, "prefetch": 2})")
                         ->cases(storage_view(3, 6));
  const RecordingSink sink = record(cases[0]);
  CHECK(sink.transfers.size() == 12);
  CHECK(sink.computes.size() == 24);
  double bytes = 0;
  for (const auto& [ssd, b] : storage_bytes(sink).read) bytes += b;
  CHECK(bytes == doctest::Approx(4 * 3 * 10 * 1000.0));
}

TEST_CASE("where storage and cores keep up, only the first samples are waited for") {
  // 4 nodes x 1 GB a step against 100 GB/s of clients: 0.04 s and 1000 x 6.4 ms / 64 = 0.1 s of cores, under a step of 1 s.
  const Row row = load(R"("step_time": "1 s", "preprocess_time": "6.4 ms")");
  CHECK(std::get<std::string>(*row.find("bound_by")) == "training");
  CHECK(row.number("time_s") > 10.1);
  CHECK(row.number("time_s") < 10.2);
  CHECK(row.number("needed_TiBps") == doctest::Approx(4e9 / (1ll << 40)));
}

TEST_CASE("cores that are too few set the pace") {
  // 1000 x 0.128 s / 64 = 2 s a step: ten of them, the first read and the last step.
  const Row row = load(R"("step_time": "1 s", "preprocess_time": "128 ms")");
  CHECK(std::get<std::string>(*row.find("bound_by")) == "preprocessing");
  CHECK(row.number("time_s") == doctest::Approx(21).epsilon(0.01));
}

TEST_CASE("clients' NICs that are too slow set the pace") {
  // 1 GB a step of a node through 25 GB/s: 40 ms at least, against a step of 10 ms.
  const Row row = load(R"("step_time": "10 ms", "preprocess_time": "0 s")");
  CHECK(std::get<std::string>(*row.find("bound_by")) == "client NICs");
  CHECK(row.number("time_s") >= 0.4);
  CHECK(row.number("stall_pct") > 300);
}

TEST_CASE("too many samples to draw are refused") {
  CHECK_THROWS_WITH_AS(storage_ground(4, 3).run(R"({"kind": "dataset_load", "samples_per_step": 1000, "steps": 100000})"),
                       doctest::Contains("too many to draw"), UserError);
}

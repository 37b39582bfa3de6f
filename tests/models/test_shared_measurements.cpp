// The readers on the files of $WEFT_REFERENCE/data, read in place; skipped where the folder is absent.
#include <doctest/doctest.h>

#include <chrono>

#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;

TEST_CASE("NVIDIA's tables for the H100 are read whole and fast") {
  const struct {
    const char* name;
    std::size_t rows;
  } tables[] = {{"gemm.csv", 18648 + 4810}, {"mla_context.csv", 2352}, {"mla_generation.csv", 4124}, {"moe_context.csv", 323},
                {"moe_generation.csv", 198}, {"nccl.csv", 672}, {"deepep_normal.csv", 2 * 2484}, {"deepep_low_latency.csv", 2 * 176}};
  for (const auto& t : tables) {
    CAPTURE(t.name);
    const std::string path = reference_file(std::string("data/measured_h100/") + t.name);
    const auto begin = std::chrono::steady_clock::now();
    const Measurements m = read_measurements(path);
    CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() < 2.0);   // a loaded machine; alone some tens of ms
    CHECK(m.rows.size() == t.rows);
    CHECK(m.notes.empty());
  }
}

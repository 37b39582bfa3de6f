// The workload kind "program": a text program on a cluster.
#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>

#include <unistd.h>

#include "sim/core/files.h"
#include "tests/support/text_programs.h"

using namespace weft;
using namespace weft::testing;

namespace {

/// A file that is there as long as the object.
class ProgramFile {
 public:
  explicit ProgramFile(const std::string& lines, const std::string& ranks = "ranks 16 per-node 8")
      : path_(std::filesystem::temp_directory_path() / ("weft_" + std::to_string(::getpid()) + ".weft")) {
    write_file_atomically(path_, "weft-program 1\n" + ranks + "\n" + lines);
  }
  ~ProgramFile() { std::filesystem::remove(path_); }
  std::string json() const { return R"({"kind": "program", "file": ")" + path_.string() + "\"}"; }

 private:
  std::filesystem::path path_;
};

}  // namespace

TEST_CASE("a \"program\" of two computes and a transfer takes what its lines say") {
  // 1 ms, then 50 MB at 50 GB/s: 1 ms, then 2 ms; a lone 1 ms beside it. Rank 8 computes 2 ms, rank 0 1 ms, rank 1 1 ms.
  const ProgramFile file(
      "a: compute 1 ms rank 0 stream s\nx: compute 1 ms rank 1 stream s\n"
      "t: transfer 50 MB from gpu 0 to gpu 8 after a\nb: compute 2 ms rank 8 stream s after t\n");
  const Row row = Ground(mpft, 2).run(file.json()).at(0);
  CHECK(row.number("time_us") == doctest::Approx(4000).epsilon(1e-9));
  CHECK(row.number("transfer_busy_us") == doctest::Approx(1000).epsilon(1e-9));
  CHECK(row.number("compute_busy_us") == doctest::Approx(2000).epsilon(1e-9));
  CHECK(row.number("compute_mean_us") == doctest::Approx(4000.0 / 3).epsilon(1e-9));
  CHECK(row.number("busiest_rank") == 8);
  CHECK(row.number("bytes_B") == 50e6);
}

TEST_CASE("a kernel's limit and a weight hold in a text program as in any other") {
  // The kernel lets 25 GB/s through each NIC. The two flows share it 3 : 1 until the heavy one, 75 MB at 18.75 GB/s, ends at
  // 4 ms; the light one has then sent 25 MB of 50 MB at 6.25 GB/s and the rest goes at 25 GB/s: 1 ms.
  const ProgramFile file(
      "kernel half nic 25 GB/s\nheavy: transfer 75 MB from gpu 0 to gpu 8 kernel half weight 3\n"
      "light: transfer 50 MB from gpu 0 to gpu 8 kernel half\n");
  CHECK(Ground(mpft, 2).number(file.json(), "time_us") == doctest::Approx(5000).epsilon(1e-9));
}

TEST_CASE("computes of no rank are counted, and nobody is called the busiest") {
  const ProgramFile file("a: compute 2 ms stream s\n");
  const Row row = Ground(mpft, 2).run(file.json()).at(0);
  CHECK(row.number("compute_busy_us") == doctest::Approx(2000).epsilon(1e-9));
  CHECK(row.find("busiest_rank") == nullptr);
}

TEST_CASE("computes that overlap in two streams of a rank count once") {
  const ProgramFile file("a: compute 2 ms rank 0 stream s\nb: compute 3 ms rank 0 stream t\n");
  CHECK(Ground(mpft, 2).number(file.json(), "compute_busy_us") == doctest::Approx(3000).epsilon(1e-9));
}

TEST_CASE("a program that the cluster cannot hold is refused") {
  const ProgramFile file("a: transfer 1 B from gpu 0 to gpu 8\n");
  CHECK(said_by([&] { Ground(mpft, 1).run(file.json()); }).find("has 16 ranks, the cluster has 8") != std::string::npos);
  CHECK(said_by([&] {
          Ground(R"({"kind": "ft2", "radix": 64})", 16, "endpoint").run(file.json());
        }).find("nodes of 8 GPUs, the cluster's have 1") != std::string::npos);
  const ProgramFile across("far: transfer 1 B from nic 0 to nic 9\n");
  const std::string said = said_by([&] { Ground(mpft, 2).run(across.json()); });
  CHECK(said.find("\"far\"") != std::string::npos);
  CHECK(said.find("no path from nic 0 to nic 9") != std::string::npos);
  const ProgramFile storage("s: transfer 1 B from storage_nic of node 0 to host of node 0\n", "ranks 2 per-node 1");
  CHECK(said_by([&] { Ground(R"({"kind": "ft2", "radix": 64})", 16, "endpoint").run(storage.json()); }).find("\"s\" uses a storage NIC") !=
        std::string::npos);
}

TEST_CASE("a file that is missing, empty or from standard input is refused at its key") {
  CHECK(said_by([] { workload_from(R"({"kind": "program", "file": "/nonexistent.weft"})"); }).find("no such file") != std::string::npos);
  CHECK(said_by([] { workload_from(R"({"kind": "program", "file": "-"})"); }).find("standard input") != std::string::npos);
  CHECK(said_by([] { workload_from(R"({"kind": "program"})"); }).find("/workload/0/file") != std::string::npos);
  const ProgramFile empty("# no operation\n");
  CHECK(said_by([&] { workload_from(empty.json()); }).find("has no operation") != std::string::npos);
}

TEST_CASE("the shipped example takes the 6 ms that its comment works out") {
  const std::string json = R"({"kind": "program", "file": "scenarios/programs/two_micro_batches.weft"})";
  CHECK(Ground(mpft, 2).number(json, "time_us") == doctest::Approx(6000).epsilon(1e-9));
}

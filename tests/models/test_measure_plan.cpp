// Plans: grids to kernels and shapes, tables of shapes, and what is wrong with them.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include <nlohmann/json.hpp>

#include "models/calibration/cuda/rows.h"
#include "models/calibration/measure/plan.h"
#include "models/calibration/measure/simulated.h"
#include "models/kernels/kernel.h"
#include "sim/core/error.h"

using namespace weft;
using namespace weft::models;

namespace {

const std::vector<MeasuredKernel>& kernels() {
  static const std::vector<MeasuredKernel> all = kernels_of(simulated_module());
  return all;
}

std::vector<std::string> texts(const Plan& plan) {
  std::vector<std::string> out;
  for (const PlannedKernel& k : plan.kernels) out.push_back(to_text(k));
  return out;
}

std::string problem_of(const std::string& json) {
  const Json value = parse_json(json, "plan.json");
  Problems problems;
  read_plan(JsonReader(value, "plan.json", problems), kernels());
  return problems.empty() ? "" : core::to_text(problems.list()[0]);
}

struct TemporaryFile {
  explicit TemporaryFile(const std::string& text) : path(std::filesystem::temp_directory_path() / "weft_test_measure_plan.csv") {
    std::ofstream(path) << text;
  }
  ~TemporaryFile() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

std::string csv_problem(const std::string& text) {
  const TemporaryFile file(text);
  try {
    plan_from_csv(file.path.string(), kernels());
  } catch (const UserError& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a grid gives every combination once, the first list slowest, fields that are left out their fallback") {
  const Json json = parse_json(R"({"kernels": [
    {"family": "gemm", "variants": ["fp8_block", "bfloat16"], "shapes": {"n k": [[2112, 7168], [512, 128]], "m": [64, 128]}},
    {"family": "gemm", "variants": ["bfloat16"], "shapes": {"m": [64], "n": [512], "k": [128], "sms": [0, 108]}}]})", "plan.json");
  Problems problems;
  const Plan plan = read_plan(JsonReader(json, "plan.json", problems), kernels());
  CHECK(problems.empty());
  CHECK(texts(plan) == std::vector<std::string>{
      "gemm/fp8_block m=64 n=2112 k=7168 sms=0", "gemm/fp8_block m=128 n=2112 k=7168 sms=0", "gemm/fp8_block m=64 n=512 k=128 sms=0",
      "gemm/fp8_block m=128 n=512 k=128 sms=0", "gemm/bfloat16 m=64 n=2112 k=7168 sms=0", "gemm/bfloat16 m=128 n=2112 k=7168 sms=0",
      "gemm/bfloat16 m=64 n=512 k=128 sms=0", "gemm/bfloat16 m=128 n=512 k=128 sms=0", "gemm/bfloat16 m=64 n=512 k=128 sms=108"});
}

TEST_CASE("problems of a plan name their place") {
  CHECK(problem_of(R"({"kernels": [{"family": "gem", "variants": ["fp8"], "shapes": {"m": [1]}}]})").find("no kernel of a family \"gem\"") != std::string::npos);
  CHECK(problem_of(R"({"kernels": [{"family": "gemm", "variants": ["fp9"], "shapes": {"m": [1]}}]})").find("/kernels/0/variants/0: gemm has no variant \"fp9\"") != std::string::npos);
  CHECK(problem_of(R"({"kernels": [{"family": "gemm", "variants": ["fp8"], "shapes": {"m": [1], "n": [8]}}]})").find("gemm/fp8 needs k") != std::string::npos);
  CHECK(problem_of(R"({"kernels": [{"family": "gemm", "variants": ["fp8"], "shapes": {"m": [1.5], "n": [8], "k": [8]}}]})").find("whole number") != std::string::npos);
  CHECK(problem_of(R"({"kernels": [{"family": "memory", "variants": ["copy"], "shapes": {"bytes": [32], "sms": [1]}}]})").find("memory/copy has no field sms") != std::string::npos);
  CHECK(problem_of(R"({"kernels": [{"family": "gemm", "variants": ["fp8"], "shapes": {"n k": [[1]]}}]})").find("expected 2 numbers") != std::string::npos);
  CHECK(problem_of(R"({"kernels": [], "extra": 1})").find("extra") != std::string::npos);
}

TEST_CASE("the shipped plans are read whole and cover DeepSeek-V3's weights, training and decoding") {
  const Plan plan = plan_named("deepseek_v3", DataPlaces::standard(), kernels());
  const std::vector<std::string> all = texts(plan);
  const std::set<std::string> set(all.begin(), all.end());
  CHECK(set.size() == all.size());
  for (const char* nk : {"n=2112 k=7168", "n=24576 k=1536", "n=32768 k=512", "n=7168 k=16384", "n=4096 k=7168", "n=7168 k=2048"}) {
    for (const char* m : {"64", "128", "4096"}) CHECK(set.count(std::string("gemm/fp8_block m=") + m + " " + nk + " sms=0") == 1);
    CHECK(set.count(std::string("gemm/fp8_block m=4096 ") + nk + " sms=112") == 1);
  }
  CHECK(set.count("grouped_gemm/fp8_contiguous groups=4 m=8192 n=4096 k=7168 sms=0") == 1);
  CHECK(set.count("grouped_gemm/fp8_masked groups=4 m=256 n=7168 k=2048 sms=0") == 1);
  CHECK(set.count("mla_decode/bfloat16 batch=64 heads=128 s_q=2 kv=4096 sms=0") == 1);
  std::set<std::string> covered;
  for (const PlannedKernel& k : plan.kernels) covered.insert(k.kernel.family + "/" + k.kernel.variant);
  CHECK(covered.size() == kernels().size());   // every kernel that can be measured is in it
  CHECK(plan_named("quick", DataPlaces::standard(), kernels()).kernels.size() < 30);
}

TEST_CASE("the shipped plans ask for what the kernels take: whole rows and vectors, aligned matrices") {
  namespace c = weft::cuda;
  const std::map<std::string, std::int64_t> row = {{"norm", c::norm_row_bytes}, {"cast", c::cast_row_bytes}, {"swiglu", c::swiglu_row_bytes},
                                                   {"residual", c::residual_row_bytes}, {"permute", c::permute_row_bytes}, {"reduce", c::reduce_row_bytes}};
  for (const char* name : {"deepseek_v3", "quick"}) {
    for (const PlannedKernel& k : plan_named(name, DataPlaces::standard(), kernels()).kernels) {
      INFO(to_text(k));
      const auto bytes = static_cast<std::int64_t>(k.at[0]);
      if (k.kernel.family == "elementwise") CHECK(bytes % row.at(k.kernel.variant) == 0);
      const bool gemm = k.kernel.family == "gemm" || k.kernel.family == "gemm_wgrad";
      const std::size_t m = k.kernel.family == "grouped_gemm" ? 1 : 0;
      if (gemm || m == 1) CHECK((static_cast<int>(k.at[m]) % 4 == 0 && static_cast<int>(k.at[m + 1]) % 16 == 0 && static_cast<int>(k.at[m + 2]) % 16 == 0));
      if (k.kernel.family == "router") CHECK(static_cast<int>(k.at[1]) % 32 == 0);
      if (k.kernel.family == "memory") CHECK(bytes % 48 == 0);
      if (k.kernel.family == "nccl") CHECK(static_cast<std::int64_t>(k.at[1]) % (2 * bytes) == 0);   // the first field: GPUs
    }
  }
}

TEST_CASE("what is measured are families, variants and fields of weft's kernel families") {
  for (const MeasuredKernel& k : kernels()) {
    INFO(k.family << "/" << k.variant);
    std::map<std::string, double> shape;
    for (const auto& f : k.fields) shape[f.name] = f.fallback.value_or(8);
    CHECK_NOTHROW(kernel_call(kernel_family(k.family, "a test"), k.variant, shape, "a test"));
  }
}

TEST_CASE("a table of shapes: the first variant and fallbacks fill what is empty") {
  const TemporaryFile file("\xef\xbb\xbf" "family, variant, m, n, k, bytes\r\ngemm,,16,32,64,\r\n\r\nmemory,read,,,,4096\r\n");
  CHECK(texts(plan_from_csv(file.path.string(), kernels())) == std::vector<std::string>{"gemm/fp8_block m=16 n=32 k=64 sms=0", "memory/read bytes=4096"});
}

TEST_CASE("a table of shapes is CSV as the measurements are: quotes and comments") {
  const TemporaryFile file("# mine\n\"family\",m,n,k\n\"gemm\",\"16\",32,64\n# the end\n");
  CHECK(texts(plan_from_csv(file.path.string(), kernels())) == std::vector<std::string>{"gemm/fp8_block m=16 n=32 k=64 sms=0"});
}

TEST_CASE("problems of a table name their line") {
  CHECK(csv_problem("").find("there is no header line") != std::string::npos);
  CHECK(csv_problem("family,m,n,k\n").find("there is a header and no row below it") != std::string::npos);
  CHECK(csv_problem("m,n,k\n1,2,3\n").find("plan.csv:1: there is no column \"family\"") != std::string::npos);
  CHECK(csv_problem("family,m,m\ngemm,16,32\n").find("plan.csv:1: the column \"m\" stands here twice") != std::string::npos);
  CHECK(csv_problem("family,m,n,k\ngemm,16,32\n").find("plan.csv:2: 3 cells where the header has 4 columns") != std::string::npos);
  CHECK(csv_problem("family,m,n,k\ngemm,16,32,x\n").find("plan.csv:2: k: expected a number, got \"x\"") != std::string::npos);
  CHECK(csv_problem("family,m,n,k\ngemm,16,32,nan\n").find("plan.csv:2: k: expected a number, got \"nan\"") != std::string::npos);
  CHECK(csv_problem("family,m,n,k\ngemm,16,32,1.5\n").find("plan.csv:2: k: expected a whole number") != std::string::npos);
  CHECK(csv_problem("family,m,n,k\ngemm,0,32,8\n").find("m: expected a whole number of at least 1, got 0") != std::string::npos);
  CHECK(csv_problem("family,m,n,k\nattention_forward,0,32,8\n").find("no kernel of a family") != std::string::npos);
}

TEST_CASE("families are picked by name or by name and variant") {
  const Plan plan = plan_named("quick", DataPlaces::standard(), kernels());
  for (const PlannedKernel& k : only(plan, {"memory", "gemm/bfloat16"}, kernels()).kernels) {
    CHECK((k.kernel.family == "memory" || k.kernel.variant == "bfloat16"));
  }
  CHECK(only(plan, {"memory"}, kernels()).kernels.size() == 3);
  CHECK_THROWS_AS(only(plan, {"memroy"}, kernels()), UserError);
}

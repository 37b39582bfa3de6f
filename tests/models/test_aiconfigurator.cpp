// The aiconfigurator reader: each column set of NVIDIA's tables, on short samples.
#include <doctest/doctest.h>

#include "tests/models/reading_measurements.h"

using namespace weft;
using namespace weft::models;

namespace {

const std::string kHead = "framework,version,device,op_name,kernel_source,";
const std::string kRow = "SGLang,0.5,NVIDIA H100 80GB HBM3,";

using Shape = std::map<std::string, double>;

}  // namespace

TEST_CASE("GEMM rows become gemm by data type, in microseconds") {
  const Measurements m = measurements_in(kHead + "gemm_dtype,m,n,k,latency\n" + kRow + "gemm,x,fp8_block,1,128,256,0.0034\n" + kRow +
                                         "gemm,x,float16,2,128,256,1.5\n" + kRow + "gemm,x,fp8_static,3,128,256,1\n");
  REQUIRE(m.rows.size() == 3);
  CHECK(m.rows[0].variant == "fp8_block");
  CHECK(m.rows[0].time_us == doctest::Approx(3.4).epsilon(1e-12));
  CHECK(m.rows[0].shape == Shape{{"m", 1}, {"n", 128}, {"k", 256}});
  CHECK(m.rows[0].device == "NVIDIA H100 80GB HBM3");
  CHECK(m.rows[1].variant == "bfloat16");
  CHECK(m.rows[2].variant == "fp8");
}

TEST_CASE("rows of a data type that no variant covers are left out and told") {
  const Measurements m = measurements_in(kHead + "gemm_dtype,m,n,k,latency\n" + kRow + "gemm,x,int8_wo,1,128,256,1\n" + kRow + "gemm,x,fp8,1,128,256,1\n");
  CHECK(m.rows.size() == 1);
  REQUIRE(m.notes.size() == 1);
  CHECK(says(m.notes[0], "1 row with gemm_dtype int8_wo left out; read are fp8_block"));
}

TEST_CASE("MLA rows become prefill and decode; the cache holds isl + step tokens") {
  const std::string head = kHead + "mla_dtype,kv_cache_dtype,num_heads,batch_size,isl,tp_size,step,latency\n";
  const Measurements m = measurements_in(head + kRow + "mla_context,x,bfloat16,fp8,16,4,512,8,32,0.5\n" + kRow + "mla_generation,x,bfloat16,bfloat16,16,4,1,8,4095,0.5\n");
  REQUIRE(m.rows.size() == 2);
  CHECK(m.rows[0].family == "mla_prefill");
  CHECK(m.rows[0].variant == "fp8_kv");
  CHECK(m.rows[0].shape == Shape{{"batch", 4}, {"heads", 16}, {"seq", 512}, {"prefix", 32}});
  CHECK(m.rows[1].family == "mla_decode");
  CHECK(m.rows[1].variant == "bfloat16");
  CHECK(m.rows[1].shape == Shape{{"batch", 4}, {"heads", 16}, {"s_q", 1}, {"kv", 4096}});
}

TEST_CASE("expert rows carry the exponent of their power law") {
  const std::string head = kHead + "moe_dtype,num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,moe_ep_size,distribution,latency\n";
  const Measurements m = measurements_in(head + kRow + "moe_context,x,fp8_block,32,7168,2048,8,256,1,2,power_law_1.01,1\n" + kRow +
                                         "moe_generation,x,fp8_block,32,7168,2048,8,256,1,2,uniform,1\n" + kRow + "moe_context,x,fp8_block,32,7168,2048,8,256,1,2,bursty,1\n");
  REQUIRE(m.rows.size() == 2);
  CHECK(m.rows[0].variant == "context");
  CHECK(m.rows[0].shape == Shape{{"tokens", 32}, {"hidden", 7168}, {"inter", 2048}, {"topk", 8}, {"experts", 256}, {"tp", 1}, {"ep", 2}, {"skew", 1.01}});
  CHECK(m.rows[1].variant == "generation");
  CHECK(m.rows[1].shape.at("skew") == 0);
  REQUIRE(m.notes.size() == 1);
  CHECK(says(m.notes[0], "distribution bursty"));
}

TEST_CASE("NCCL counts elements: half has two bytes, int8 one") {
  const Measurements m = measurements_in(kHead + "nccl_dtype,num_gpus,message_size,latency\n" + kRow + "alltoall,NCCL,half,8,256,0.0054\n" + kRow + "all_gather,NCCL,int8,8,256,0.0054\n");
  REQUIRE(m.rows.size() == 2);
  CHECK(m.rows[0].variant == "all_to_all");
  CHECK(m.rows[0].shape == Shape{{"gpus", 8}, {"bytes", 512}});
  CHECK(m.rows[1].shape == Shape{{"gpus", 8}, {"bytes", 256}});
}

TEST_CASE("a DeepEP row becomes a dispatch and a combine, waiting included") {
  const Measurements normal = measurements_in(
      kHead + "node_num,hidden_size,num_token,num_topk,num_experts,dispatch_sms,dispatch_transmit_us,dispatch_notify_us,combine_sms,combine_transmit_us,combine_notify_us\n" +
      kRow + "normal,deepep,2,7168,4096,8,256,24,100,5,20,200,0.0\n");
  REQUIRE(normal.rows.size() == 2);
  CHECK(normal.rows[0].family == "deepep_dispatch");
  CHECK(normal.rows[0].time_us == 105);
  CHECK(normal.rows[0].shape == Shape{{"nodes", 2}, {"hidden", 7168}, {"tokens", 4096}, {"topk", 8}, {"experts", 256}, {"sms", 24}});
  CHECK(normal.rows[1].family == "deepep_combine");
  CHECK(normal.rows[1].time_us == 200);
  CHECK(normal.rows[1].shape.at("sms") == 20);
  const Measurements ll = measurements_in(
      kHead + "node_num,hidden_size,num_token,num_topk,num_experts,combine_avg_t_us,combine_bandwidth_gbps,dispatch_avg_t_us,dispatch_bandwidth_gbps\n" + kRow +
      "ll,deepep,1,2048,1,8,128,11.5,2.9,10.25,1.6\n");
  REQUIRE(ll.rows.size() == 2);
  CHECK(ll.rows[0].family == "deepep_ll_dispatch");
  CHECK(ll.rows[0].time_us == 10.25);
  CHECK(ll.rows[1].family == "deepep_ll_combine");
  CHECK(ll.rows[1].time_us == 11.5);
}

TEST_CASE("an unknown column set and impossible cells are refused") {
  CHECK(says(refusal(kHead + "speed\n" + kRow + "x,y,1\n"), "unknown column set"));
  const std::string head = kHead + "gemm_dtype,m,n,k,latency\n";
  CHECK(says(refusal(head + kRow + "gemm,x,fp8,0,128,256,1\n"), "file.txt:2: m: expected at least 1, got 0"));
  CHECK(says(refusal(head + kRow + "gemm,x,fp8,1,128,256,-1\n"), "file.txt:2: latency: the time is negative"));
  CHECK(says(refusal(head), "a header and no row"));
}

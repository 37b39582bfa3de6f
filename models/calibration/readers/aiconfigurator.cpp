// The tables that NVIDIA publishes with AIConfigurator, as CSV: the header tells which of them it is. `latency` is milliseconds.
#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "models/calibration/readers/csv_table.h"

namespace weft::models {
namespace {

constexpr double kMillisecond = 1e3;   // us
constexpr std::array kBegin = {"framework", "version", "device", "op_name", "kernel_source"};

bool recognises(const MeasurementText& file) {
  const std::vector<std::string> header = csv_header(file);
  return header.size() > kBegin.size() && std::equal(kBegin.begin(), kBegin.end(), header.begin());
}

/// Counts rows that no kernel family covers, by what they are.
class LeftOut {
 public:
  void add(std::string what, std::string known) { ++count_[{std::move(what), std::move(known)}]; }
  void tell(std::vector<std::string>& notes) const {
    for (const auto& [what, rows] : count_) {
      notes.push_back(fmt::format("{} row{} with {} left out; read are {}", rows, rows == 1 ? "" : "s", what.first, what.second));
    }
  }

 private:
  std::map<std::pair<std::string, std::string>, std::size_t> count_;
};

struct Sink {
  CsvTable& table;
  Measurements& out;
  LeftOut& left_out;

  std::string word(const char* column) const { return std::string(table.cell(table.index(column))); }
  double count(const char* column, double least = 1) const { return table.number(table.index(column), least); }
  void add(const char* family, std::string variant, std::map<std::string, double> shape, double time_us, std::string label = {}) const {
    if (!table.row_is_good()) return;   // told at the end
    out.rows.push_back({family, std::move(variant), std::move(shape), time_us, word("device"), std::move(label), table.place()});
  }
  double latency() const { return table.time_us(table.index("latency"), kMillisecond); }
};

void gemm(const Sink& s) {
  const std::string dtype = s.word("gemm_dtype");
  std::string variant;
  if (dtype == "fp8_block") variant = "fp8_block";
  if (dtype == "bfloat16" || dtype == "float16") variant = "bfloat16";
  if (dtype == "fp8" || dtype == "fp8_static" || dtype == "fp8_ootb") variant = "fp8";
  if (variant.empty()) return s.left_out.add("gemm_dtype " + dtype, "fp8_block, fp8, fp8_static, fp8_ootb, bfloat16 and float16");
  s.add("gemm", variant, {{"m", s.count("m")}, {"n", s.count("n")}, {"k", s.count("k")}}, s.latency());
}

void mla(const Sink& s) {
  const std::string cache = s.word("kv_cache_dtype"), type = s.word("mla_dtype"), op = s.word("op_name");
  if (type != "bfloat16" && type != "float16") return s.left_out.add("mla_dtype " + type, "bfloat16 and float16");
  if (cache != "bfloat16" && cache != "float16" && cache != "fp8") return s.left_out.add("kv_cache_dtype " + cache, "bfloat16, float16 and fp8");
  const std::string variant = cache == "fp8" ? "fp8_kv" : "bfloat16";
  const double batch = s.count("batch_size"), heads = s.count("num_heads"), isl = s.count("isl"), step = s.count("step", 0);
  // num_heads are those of one GPU: tp_size has been divided out.
  if (op == "mla_context") {
    s.add("mla_prefill", variant, {{"batch", batch}, {"heads", heads}, {"seq", isl}, {"prefix", step}}, s.latency());
  } else if (op == "mla_generation") {
    s.add("mla_decode", variant, {{"batch", batch}, {"heads", heads}, {"s_q", 1}, {"kv", isl + step}}, s.latency());
  } else {
    s.left_out.add("op_name " + op, "mla_context and mla_generation");
  }
}

void experts(const Sink& s) {
  const std::string type = s.word("moe_dtype"), op = s.word("op_name"), load = s.word("distribution");
  const std::string law = "power_law_";
  if (type != "fp8_block") return s.left_out.add("moe_dtype " + type, "fp8_block");
  if (op != "moe_context" && op != "moe_generation") return s.left_out.add("op_name " + op, "moe_context and moe_generation");
  std::optional<double> skew;
  if (load == "uniform") skew = 0;
  if (load.starts_with(law)) skew = number_in(std::string_view(load).substr(law.size()));
  if (!skew || !(*skew >= 0 && *skew < 100)) return s.left_out.add("distribution " + load, "uniform and power_law_X");
  s.add("moe_experts", op == "moe_context" ? "context" : "generation",
        {{"tokens", s.count("num_tokens")}, {"hidden", s.count("hidden_size")}, {"inter", s.count("inter_size")}, {"topk", s.count("topk")},
         {"experts", s.count("num_experts")}, {"ep", s.count("moe_ep_size")}, {"tp", s.count("moe_tp_size")}, {"skew", *skew}},
        s.latency());
}

void nccl(const Sink& s) {
  static const std::map<std::string, double> kSizes = {{"half", 2}, {"bfloat16", 2}, {"float", 4}, {"int8", 1}};
  static const std::map<std::string, std::string> kOps = {
      {"all_reduce", "all_reduce"}, {"all_gather", "all_gather"}, {"reduce_scatter", "reduce_scatter"}, {"alltoall", "all_to_all"}};
  const auto size = kSizes.find(s.word("nccl_dtype"));
  const auto op = kOps.find(s.word("op_name"));
  if (size == kSizes.end()) return s.left_out.add("nccl_dtype " + s.word("nccl_dtype"), "half, bfloat16, float and int8");
  if (op == kOps.end()) return s.left_out.add("op_name " + s.word("op_name"), "all_reduce, all_gather, reduce_scatter and alltoall");
  // message_size counts elements of what nccl-tests calls "size": the larger of a rank's send and receive buffer.
  s.add("nccl", op->second, {{"gpus", s.count("num_gpus")}, {"bytes", s.count("message_size") * size->second}}, s.latency(), op->first + " " + size->first);
}

std::map<std::string, double> deepep_shape(const Sink& s) {
  return {{"nodes", s.count("node_num")}, {"hidden", s.count("hidden_size")}, {"tokens", s.count("num_token")}, {"topk", s.count("num_topk")},
          {"experts", s.count("num_experts")}};
}

void deepep_normal(const Sink& s) {
  for (const std::string half : {"dispatch", "combine"}) {
    auto shape = deepep_shape(s);
    shape["sms"] = s.count((half + "_sms").c_str());
    const double time = s.table.time_us(s.table.index(half + "_transmit_us"), 1) + s.table.time_us(s.table.index(half + "_notify_us"), 1, true);
    s.add(("deepep_" + half).c_str(), "normal", shape, time);
  }
}

void deepep_low_latency(const Sink& s) {
  for (const std::string half : {"dispatch", "combine"}) {
    s.add(("deepep_ll_" + half).c_str(), "low_latency", deepep_shape(s), s.table.time_us(s.table.index(half + "_avg_t_us"), 1));
  }
}

/// A column set: what a table is called, the columns it has to have, and what a row becomes.
struct ColumnSet {
  const char* title;
  std::vector<const char*> columns;
  void (*row)(const Sink&);
};

const std::vector<ColumnSet>& column_sets() {
  static const std::vector<ColumnSet> sets = {
      {"GEMM", {"gemm_dtype", "m", "n", "k", "latency"}, gemm},
      {"MLA", {"mla_dtype", "kv_cache_dtype", "num_heads", "batch_size", "isl", "tp_size", "step", "latency"}, mla},
      {"experts", {"moe_dtype", "num_tokens", "hidden_size", "inter_size", "topk", "num_experts", "moe_tp_size", "moe_ep_size", "distribution", "latency"}, experts},
      {"NCCL", {"nccl_dtype", "num_gpus", "message_size", "latency"}, nccl},
      {"DeepEP normal", {"node_num", "hidden_size", "num_token", "num_topk", "num_experts", "dispatch_sms", "dispatch_transmit_us", "dispatch_notify_us",
                         "combine_sms", "combine_transmit_us", "combine_notify_us"}, deepep_normal},
      {"DeepEP low latency", {"node_num", "hidden_size", "num_token", "num_topk", "num_experts", "combine_avg_t_us", "dispatch_avg_t_us"}, deepep_low_latency},
  };
  return sets;
}

const ColumnSet& column_set_of(const CsvTable& table, const std::string& path) {
  std::string known;
  for (const ColumnSet& set : column_sets()) {
    if (std::all_of(set.columns.begin(), set.columns.end(), [&](const char* c) { return table.has(c); })) return set;
    known += fmt::format("{}{} ({})", known.empty() ? "" : "; ", set.title, fmt::join(set.columns, ","));
  }
  throw UserError({{line_place(path, table.line()), "", "an unknown column set behind framework,version,device,op_name,kernel_source", "known are " + known}});
}

Measurements read(const MeasurementText& file, const DataPlaces&) {
  CsvTable table(file);
  if (!table.has("device") || !table.has("op_name")) {
    throw UserError({{line_place(file.path, table.line()), "", "this is no AIConfigurator table", "its header begins framework,version,device,op_name,kernel_source"}});
  }
  const ColumnSet& set = column_set_of(table, file.path);
  Measurements out;
  LeftOut left_out;
  const Sink sink{table, out, left_out};
  while (table.next()) set.row(sink);
  table.finish();
  left_out.tell(out.notes);
  return out;
}

}  // namespace

Reader aiconfigurator_reader() { return {"aiconfigurator", "AIConfigurator's tables as CSV (header: framework,version,device,op_name,kernel_source,...)", recognises, read}; }

}  // namespace weft::models

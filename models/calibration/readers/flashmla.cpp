// What FlashMLA's test prints: a line "b=128, s_q=1, mean_sk=4096, h_q=16, ..." and below it "0.123 ms, 456 TFLOPS, 789 GB/s".
#include <fmt/format.h>

#include "models/calibration/readers/printed.h"

namespace weft::models {
namespace {

constexpr const char* kExpected =
    "expected \"b=128, s_q=1, mean_sk=4096, h_q=16, h_kv=1, d=576, dv=512, causal=True, varlen=False\" and below it \"0.123 ms, 456 TFLOPS, 789 GB/s\"";

bool is_shape(std::string_view line) { return trimmed(line).starts_with("b=") && line.find("s_q=") != std::string_view::npos && line.find("h_q=") != std::string_view::npos; }
bool is_sparse(std::string_view line) { return line.find("TestParam(") != std::string_view::npos && line.find("topk=") != std::string_view::npos; }
bool is_time(std::string_view line) {
  return line.find(" TFLOPS") != std::string_view::npos && line.find("GB/s") != std::string_view::npos && (line.find(" ms") != std::string_view::npos || line.find(" us") != std::string_view::npos);
}

bool recognises(const MeasurementText& file) {
  Lines lines(beginning(file, 1 << 20));
  for (std::string_view line; lines.next(line);) {
    if (is_shape(line) || is_sparse(line)) return true;
  }
  return false;
}

/// Why a shape is in no family; empty when it is in one.
std::string outside(const Pairs& p) {
  const auto is = [&](const char* name, const char* value) {
    const auto at = p.values.find(name);
    return at != p.values.end() && at->second == value;
  };
  if (p.number("d").value_or(576) != 576 || p.number("dv").value_or(512) != 512 || p.number("h_kv").value_or(1) != 1) return "shapes that are not MLA (d 576, dv 512, one KV head)";
  if (is("varlen", "True")) return "runs with requests of different lengths (their lengths are not printed)";
  const auto type = p.values.find("torch_dtype");
  if (type != p.values.end() && type->second.find("float8") != std::string::npos) return "runs with an FP8 cache of another layout";
  return {};
}

void read_time(std::string_view line, const Pairs& p, const std::string& device, std::size_t number, LineProblems& problems, const std::string& path, Measurements& out) {
  const auto batch = p.number("b"), queries = p.number("s_q"), heads = p.number("h_q");
  auto cache = p.number("mean_sk");
  if (!cache) cache = p.number("s_k");
  if (!batch || !queries || !heads || !cache) return problems.add(number, "the line above does not give batch, s_q, mean_sk and h_q", kExpected);
  const char* unit = line.find(" ms") != std::string_view::npos ? " ms" : " us";
  const double scale = unit[1] == 'm' ? 1000 : 1;
  const auto time = number_before(line, unit), rate = number_before(line, " TFLOPS");
  if (!time || !rate) return problems.add(number, "a result of another version", kExpected);
  const double operations = *queries * *batch * *cache * *heads * (576 + 512) * 2;   // as the test counts them
  const auto time_us = better_time_us(*time * scale, step_of(digits_before(line, unit)) * scale, operations, *rate, step_of(digits_before(line, " TFLOPS")));
  if (!time_us) {
    return problems.add(number, fmt::format("{:.6g} us for this shape are {:.0f} TFLOPS, but the line says {}", *time * scale, operations / (*time * scale) * 1e-6, *rate), kExpected);
  }
  if (const std::string bad = time_problem(*time_us); !bad.empty()) return problems.add(number, bad);
  out.rows.push_back({"mla_decode", "bfloat16", {{"batch", *batch}, {"heads", *heads}, {"s_q", *queries}, {"kv", *cache}}, *time_us, device, {}, line_place(path, number)});
}

Measurements read(const MeasurementText& file, const DataPlaces&) {
  Measurements out;
  LineProblems problems(file.path);
  LeftOutRows left_out;
  StatedFacts facts({"device"});
  Lines lines(file.text);
  std::optional<Pairs> shape;
  for (std::string_view line; lines.next(line);) {
    if (facts.take(line, lines.number(), problems)) continue;
    if (is_sparse(line)) left_out.add("runs of the sparse kernels");
    const bool has_shape = is_shape(line);
    if (has_shape) shape = pairs_in(trimmed(line));
    if (!is_time(line)) continue;
    if (!shape) {
      problems.add(lines.number(), "a time without a shape above it", kExpected);
      continue;
    }
    // Some versions print both in one line.
    if (const std::string why = outside(*shape); !why.empty()) left_out.add(why);
    else read_time(line, *shape, facts.word("device"), lines.number(), problems, file.path, out);
    shape.reset();
  }
  problems.throw_if_any();
  if (shape && out.rows.empty() && left_out.empty()) throw UserError({{file.path, "", "there is a shape and no time below it", "was the test stopped? " + std::string(kExpected)}});
  if (out.rows.empty()) throw UserError({{file.path, "", left_out.empty() ? "there is no result of FlashMLA's test" : "nothing here is in a family: " + left_out.text(), kExpected}});
  left_out.tell(out.notes);
  return out;
}

}  // namespace

Reader flashmla_reader() { return {"flashmla", "what FlashMLA's test prints (\"b=128, s_q=1, mean_sk=4096, ...\" and \"... ms, ... TFLOPS, ... GB/s\")", recognises, read}; }

}  // namespace weft::models

// What DeepGEMM's tests print: " > Perf (m= 4096, n= 2112, k= 7168): 57 us | throughput: 1234 TFLOPS, 890 GB/s" and its later forms.
#include <fmt/format.h>

#include "models/calibration/readers/printed.h"

namespace weft::models {
namespace {

constexpr const char* kExpected =
    "expected \" > Perf (m= 4096, n= 2112, k= 7168): 57 us | throughput: 1234 TFLOPS, 890 GB/s\" (2025-02), "
    "\" > Perf (num_groups=4, m=32768, n=4096, k=7168, 1D2D, layout=NT): 1483 us | 1297 TFLOPS | 418 GB/s\" (since 2025-07)";

bool is_result(std::string_view line) { return starts_with_any(trimmed(line), {"> Perf (", "> Performance (", "> Perf(", "> Performance("}); }

bool recognises(const MeasurementText& file) {
  Lines lines(beginning(file, 1 << 20));
  for (std::string_view line; lines.next(line);) {
    if (is_result(line)) return true;
  }
  return false;
}

struct Shape {
  std::string family, variant;
  std::map<std::string, double> fields;
  double operations = 0;
};

/// Family and shape of a line, in `section` ("Testing grouped masked GEMM:"). A reason in `left_out` when no family covers it.
std::optional<Shape> shape_of(const Pairs& p, const std::string& section, std::string& left_out) {
  const auto has = [&](const char* word) { return section.find(word) != std::string::npos; };
  const auto n = p.number("n"), k = p.number("k"), groups = p.number("num_groups");
  if (p.number("avg_k") || has("k-grouped") || has("K-grouped")) return left_out = "weight gradients grouped along k", std::nullopt;
  for (const std::string& word : p.words) {
    if (word.find("FP4") != std::string::npos) return left_out = "GEMMs with FP4", std::nullopt;
  }
  // Since it measures BF16 too, a line says its layout; FP8 lines name their scales (1D1D, 1D2D).
  const bool scales = p.has_word("1D1D") || p.has_word("1D2D");
  const bool bf16 = !scales && (p.values.count("layout") != 0 || p.values.count("psum") != 0);
  Shape s;
  if (!n || !k) return std::nullopt;
  s.fields = {{"n", *n}, {"k", *k}};
  if (!groups) {
    const auto m = p.number("m");
    if (!m) return std::nullopt;
    const bool gradient = has("weight gradient") || has("wgrad") || p.number("acc").value_or(0) == 1;
    s.family = gradient ? "gemm_wgrad" : "gemm";
    s.variant = bf16 ? "bfloat16" : "fp8_block";
    s.fields["m"] = *m;
    s.operations = 2 * *m * *n * *k;
    return s;
  }
  const auto expected = p.number("expected_m_per_group"), per_group = p.number("m_per_group"), all = p.number("m");
  if (*groups < 1 || (!expected && !per_group && !all)) return std::nullopt;
  const double m = expected ? *expected : per_group ? *per_group : *all / *groups;
  const bool masked = has("masked") || expected.has_value();
  s.family = "grouped_gemm";
  s.variant = bf16 ? "bfloat16" : masked ? "fp8_masked" : "fp8_contiguous";
  s.fields["groups"] = *groups;
  s.fields["m"] = m;
  s.operations = 2 * *groups * m * *n * *k;
  // Rows of masked groups are drawn: the printed rate counts those drawn, not the expected ones.
  if (expected) s.operations = 0;
  return s;
}

void read_result(std::string_view line, const std::string& section, const std::string& device, std::size_t number, LineProblems& problems, LeftOutRows& left_out,
                 const std::string& path, Measurements& out) {
  const auto shape_text = between(line, "(", ")");
  const std::size_t close = line.find("):");
  std::string_view rest = close == std::string_view::npos ? std::string_view{} : line.substr(close + 2);
  const bool in_ms = rest.find(" ms |") < rest.find(" us");
  const char* unit = in_ms ? " ms" : " us";
  const auto time = number_before(rest, unit), rate = number_before(rest, " TFLOPS");
  if (!shape_text || !time || !rate) return problems.add(number, "a result of another version", kExpected);
  std::string why;
  const auto shape = shape_of(pairs_in(*shape_text), section, why);
  if (!why.empty()) return left_out.add(why);
  if (!shape) return problems.add(number, "a result of another version: its shape is not understood", kExpected);
  const double scale = in_ms ? 1000 : 1;
  const auto time_us = shape->operations > 0 ? better_time_us(*time * scale, step_of(digits_before(rest, unit)) * scale, shape->operations, *rate, step_of(digits_before(rest, " TFLOPS")))
                                             : std::optional<double>(*time * scale);
  if (!time_us) {
    return problems.add(number, fmt::format("{:.6g} us for this shape are {:.0f} TFLOPS, but the line says {}", *time * scale, shape->operations / (*time * scale) * 1e-6, *rate),
                        std::string("is it of another version? ") + kExpected);
  }
  if (const std::string bad = time_problem(*time_us); !bad.empty()) return problems.add(number, bad);
  out.rows.push_back({shape->family, shape->variant, shape->fields, *time_us, device, section, line_place(path, number)});
}

Measurements read(const MeasurementText& file, const DataPlaces&) {
  Measurements out;
  LineProblems problems(file.path);
  LeftOutRows left_out;
  StatedFacts facts({"device"});
  Lines lines(file.text);
  std::string section;
  for (std::string_view line; lines.next(line);) {
    if (facts.take(line, lines.number(), problems)) continue;
    const std::string_view text = trimmed(line);
    if (text.starts_with("Testing ")) {
      section = text.substr(8);
      while (!section.empty() && (section.back() == ':' || section.back() == '.')) section.pop_back();
    }
    if (is_result(line)) read_result(text, section, facts.word("device"), lines.number(), problems, left_out, file.path, out);
  }
  problems.throw_if_any();
  if (out.rows.empty()) throw UserError({{file.path, "", left_out.empty() ? "there is no result of DeepGEMM's tests" : "nothing here is in a family: " + left_out.text(), kExpected}});
  left_out.tell(out.notes);
  out.notes.push_back("a time that was printed with fewer digits than its rate is taken from the rate");
  return out;
}

}  // namespace

Reader deepgemm_reader() { return {"deepgemm", "what DeepGEMM's tests print (\" > Perf (m=..., n=..., k=...): ... us | ...\")", recognises, read}; }

}  // namespace weft::models

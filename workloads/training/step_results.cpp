#include "workloads/training/step_results.h"

#include <algorithm>

#include <fmt/format.h>

#include "models/llm/counts.h"

namespace weft::workloads::training {

StepParts& StepParts::operator+=(const StepParts& o) {
  forward += o.forward, backward += o.backward, weight += o.weight, overlapped += o.overlapped, bubble += o.bubble, end += o.end;
  communicating += o.communicating, exposed += o.exposed, computing += o.computing;
  return *this;
}

StepParts StepParts::operator/(double n) const {
  return {forward / n, backward / n, weight / n, overlapped / n, bubble / n, end / n, communicating / n, exposed / n, computing / n};
}

namespace {

/// Time that both lists cover; spans of each follow one another.
double overlap(const std::vector<Span>& a, const std::vector<Span>& b) {
  double sum = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    sum += std::max(0.0, std::min(a[i].end, b[j].end) - std::max(a[i].begin, b[j].begin));
    if (a[i].end < b[j].end) ++i;
    else ++j;
  }
  return sum;
}

/// Spans that cover what either list does, one after the other.
std::vector<Span> merged(std::vector<Span> a, const std::vector<Span>& b) {
  if (b.empty()) return a;
  a.insert(a.end(), b.begin(), b.end());
  std::sort(a.begin(), a.end(), [](const Span& x, const Span& y) { return x.begin < y.begin; });
  std::vector<Span> out;
  for (const Span& s : a) {
    if (!out.empty() && s.begin <= out.back().end) out.back().end = std::max(out.back().end, s.end);
    else out.push_back(s);
  }
  return out;
}

double length(const std::vector<Span>& spans) {
  double sum = 0;
  for (const Span& s : spans) sum += s.end - s.begin;
  return sum;
}

StepParts parts_of_rank(const std::vector<Cell>& cells, const StepRecord::Rank& r, double pipeline, double end) {
  StepParts p;
  double busy = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const double span = r.cells[i].end - r.cells[i].begin;
    busy += span;
    switch (cells[i].kind) {
      case CellKind::forward: p.forward += span; break;
      case CellKind::overlapped: p.overlapped += span; break;
      case CellKind::backward_input: p.backward += span; break;
      case CellKind::weight: p.weight += span; break;
      case CellKind::backward:
        p.weight += r.weighing[i];
        p.backward += span - r.weighing[i];
        break;
    }
  }
  p.bubble = pipeline - busy;
  p.end = end;
  p.computing = length(r.computing);
  const std::vector<Span> communicating = merged(r.exchanging, r.reducing);
  p.communicating = length(communicating);
  p.exposed = p.communicating - overlap(r.computing, communicating);
  return p;
}

}  // namespace

std::vector<StepParts> parts_of(const PipelineSchedule& schedule, const StepRecord& record, Seconds pipeline, Seconds end) {
  std::vector<StepParts> all;
  for (std::size_t r = 0; r < schedule.cells.size(); ++r) all.push_back(parts_of_rank(schedule.cells[r], record.ranks[r], pipeline.value(), end.value()));
  return all;
}

StepEnd end_of(const StepSetup& s, Seconds reduce_scatter, Seconds update, Seconds all_gather) {
  StepEnd e{reduce_scatter, update, all_gather, reduce_scatter + update + all_gather};
  if (s.optimizer_time) e.total = std::max(e.total, *s.optimizer_time);
  return e;
}

namespace {

void set_parts(Row& row, const StepParts& p) {
  row.set("step_time_s", p.sum()).set("forward_s", p.forward).set("backward_s", p.backward).set("weight_s", p.weight);
  row.set("overlapped_s", p.overlapped).set("bubble_s", p.bubble).set("end_s", p.end);
  row.set("computing_s", p.computing);
  if (p.communicating > 0) {
    row.set("exchanging_s", p.communicating).set("exposed_s", p.exposed).set("hidden_pct", 100 * (1 - p.exposed / p.communicating));
  }
}

void set_rates(Row& row, const StepSetup& s, const PreparedStep& step, const StepParts& mean) {
  const StepRates r = rates_of(s.model, s.gpu, step.layout, Seconds(mean.sum()));
  row.set("tokens_per_day_B", r.tokens_per_day * 1e-9);
  row.set("tflops_causal", r.causal.value() * 1e-12).set("tflops", r.whole.value() * 1e-12);
  row.set("mfu_causal_pct", 100 * r.mfu_causal).set("mfu_pct", 100 * r.mfu);
  row.set("kGPU_hours_per_T", r.gpu_seconds_per_token / 3600 * 1e9).set("MUSD_per_T", r.gpu_seconds_per_token / 3600 * 1e6 * s.gpu_hour_usd);
  const double power = PowerModel{}.mean(mean.computing / mean.sum());
  if (s.gpu.power.value.value() > 0) row.set("J_per_token", r.joules_per_token(s.gpu.power.value * power));
}

}  // namespace

StepRates rates_of(const models::Llm& m, const models::Gpu& gpu, const Layout& l, Seconds step) {
  const double tokens = l.tokens_per_step(), gpus = l.gpus();
  const auto rate = [&](bool causal) { return models::sum_of(models::train_flops(m, l.sequence, causal)) * (tokens / gpus) / step; };
  StepRates r;
  r.tokens_per_day = tokens / step.value() * 86400;
  r.causal = rate(true), r.whole = rate(false);
  r.mfu_causal = r.causal / gpu.bf16_rate.value, r.mfu = r.whole / gpu.bf16_rate.value;
  r.gpu_seconds_per_token = gpus * step.value() / tokens;
  return r;
}

std::vector<Row> rows_of(const StepSetup& s, const PreparedStep& step, const StepRecord& record, Seconds pipeline, const StepEnd& end) {
  const std::vector<StepParts> parts = parts_of(step.schedule, record, pipeline, end.total);
  const std::vector<RankMemory> memory = memory_of(s.model, step.layout, live_chunks(s.model, step.layout, step.schedule));
  StepParts mean;
  for (const StepParts& p : parts) mean += p;
  mean = mean / static_cast<double>(parts.size());
  std::vector<Row> rows(1);
  const auto set_memory = [&](Row& row, const RankMemory& m) {
    row.set("memory_GB", m.total().value() * 1e-9).set("fits", m.total() <= s.gpu.memory.value);
    if (m.total() > s.gpu.memory.value) row.set("too_much_GB", (m.total() - s.gpu.memory.value).value() * 1e-9);
  };
  rows.front().set("rank", std::string("mean"));
  set_parts(rows.front(), mean);
  set_rates(rows.front(), s, step, mean);
  rows.front().set("reduce_scatter_s", end.reduce_scatter.value()).set("update_s", end.update.value()).set("all_gather_s", end.all_gather.value());
  set_memory(rows.front(), memory[fullest(memory)]);
  for (std::size_t r = 0; s.all_ranks && r < parts.size(); ++r) {
    Row& row = rows.emplace_back();
    row.set("rank", std::to_string(r));
    set_parts(row, parts[r]);
    set_memory(row, memory[r]);
  }
  return rows;
}

std::vector<ColumnDoc> step_column_docs() {
  return {{"rank", "pipeline rank, or \"mean\" of all"},
          {"step_time_s", "one step: the six parts that follow add up to it"},
          {"forward_s", "cells with a forward pass alone (Table 4: 1F)"},
          {"backward_s", "cells with a backward pass alone, without their weight gradients (1B)"},
          {"weight_s", "weight gradients in cells of their own and inside full backward cells (1W)"},
          {"overlapped_s", "cells with a forward and a backward at once (1F1B)"},
          {"bubble_s", "between cells, and after the last one until all ranks have ended"},
          {"end_s", "gradients, optimiser and weights (opt): what is simulated, or the given optimizer_time where that is longer"},
          {"computing_s", "time in which a kernel computes", true},
          {"exchanging_s", "time with an exchange of tokens, or of tensor-parallel parts", true},
          {"exposed_s", "of it, time in which nothing is computed"},
          {"hidden_pct", "of the exchanges' time that computing covers", true},
          {"tokens_per_day_B", "billions (10^9) of tokens a day"},
          {"tflops_causal", "per GPU, attention counted over half the square of the sequence", true},
          {"tflops", "per GPU, attention counted over the whole square", true},
          {"mfu_causal_pct", "of the dense BF16 peak"},
          {"mfu_pct", "of the dense BF16 peak, attention counted over the whole square", true},
          {"kGPU_hours_per_T", "thousands of GPU hours for 10^12 tokens"},
          {"MUSD_per_T", "millions of dollars for 10^12 tokens at gpu_hour_usd", true},
          {"J_per_token", "energy of the GPUs alone, by an assumed power model", true},
          {"reduce_scatter_s", "simulated: gradients summed over the copies of each parameter", true},
          {"update_s", "the optimiser's kernel on the fullest rank", true},
          {"all_gather_s", "simulated: weights sent back to the copies", true},
          {"memory_GB", "of one GPU at the fullest instant (mean: of the fullest rank)"},
          {"fits", "whether the GPU has as much"},
          {"too_much_GB", "what is lacking (training_memory says which change would do)"}};
}

std::vector<ConstantUsed> constants_of(const PowerModel& p) {
  const std::string source = "assumed: no power of DeepSeek's training is published; about 76 % of a node's rated power under LLM training (arXiv:2506.14551)";
  const auto part = [&](const char* name, double value) {
    return ConstantUsed{fmt::format("power model: {}", name), fmt::format("{} of board power", value), Origin::assumed, source};
  };
  return {part("idle", p.idle), part("computing, above idle", p.computing), part("waiting, above idle", p.waiting)};
}

}  // namespace weft::workloads::training

#include "workloads/training/step_setup.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workloads/moe/moe_parameters.h"
#include "workloads/training/step_program.h"

namespace weft::workloads::training {
namespace {

/// What the model's gate says; without MoE layers no experts.
RoutingChoice read_routing(Parameters& p, const models::Llm& m, const Layout& l) {
  RoutingChoice r;
  r.gate.experts = static_cast<std::uint32_t>(m.moe_layers > 0 ? m.experts : 0);
  r.gate.topk = static_cast<std::uint32_t>(m.topk);
  r.gate.groups = static_cast<std::uint32_t>(std::max(1.0, m.expert_groups));
  r.gate.chosen_groups = static_cast<std::uint32_t>(std::max(1.0, m.topk_groups));
  if (p.where().has("topk_groups")) r.gate.chosen_groups = static_cast<std::uint32_t>(p.integer("topk_groups", 0, 1, 1u << 20));
  if (r.gate.chosen_groups > r.gate.groups) p.where().fail_at("topk_groups", fmt::format("{} of {} groups", r.gate.chosen_groups, r.gate.groups), "at most all groups can be chosen");
  r.drawn = p.word("routing", {"expected", "drawn"}, "expected") == "drawn";
  r.imbalance = p.where().has("imbalance") ? p.where().at("imbalance").as_number(0, 3) : 0;
  p.remember("imbalance", r.imbalance);
  if (r.imbalance > 0 && !r.drawn) p.where().fail_at("imbalance", "loads of unequal experts are drawn", "\"routing\": \"drawn\"");
  const std::string fallback = r.gate.groups > 1 ? "v3" : "unrestricted";
  r.gate.rule = moe::gate_rule(p.word("gate", moe::gate_rule_names(), fallback));
  if (r.gate.chosen_groups * r.gate.groups > 0 && r.gate.experts % r.gate.groups != 0) r.gate.groups = r.gate.chosen_groups = 1;
  // Each GPU of a tensor-parallel team dispatches its part of the tokens.
  r.tokens = static_cast<std::uint32_t>(std::min(4e9, std::max(1.0, l.tokens_per_micro_batch() / l.tp)));
  r.seed = p.seed();
  return r;
}

std::string default_schedule(JsonReader& where) { return where.has("pp") && where.at("pp").value() != 1 ? "dualpipe" : "1f1b"; }

std::vector<std::string> schedule_names() {
  std::vector<std::string> names;
  for (const ScheduleKind& k : schedule_kinds()) names.push_back(k.name);
  return names;
}

void read_kernels(Parameters& p, StepSetup& s) {
  s.exchange = p.kernel("kernel", "deepep_normal");
  s.intranode = p.kernel("intranode_kernel", "deepep_intranode");
  s.pipeline = p.kernel("pipeline_kernel", "nccl_ring");
  s.tensor = p.kernel("tensor_kernel", "nccl_ring");
  s.synchronise = p.kernel("synchronise_kernel", "nccl_ring");
  const auto hidden = static_cast<std::int64_t>(s.model.hidden);
  s.dispatch = moe::read_token_format(p, "dispatch_dtype", s.model.fp8 ? "fp8" : "bf16", hidden, true);
  s.combine = moe::read_token_format(p, "combine_dtype", "bf16", hidden, false);
  moe::read_logfmt(p, {&s.dispatch, &s.combine}, s.exchange);
  s.communicates = p.boolean("communication", true);
}

void read_figures(Parameters& p, StepSetup& s) {
  JsonReader& where = p.where();
  s.communication_sms = static_cast<std::uint32_t>(p.integer("communication_sms", s.model.moe_layers > 0 ? 20 : 0, 0, 1000));
  if (s.communication_sms >= s.gpu.sms.value) where.fail_at("communication_sms", fmt::format("the {} has {:.0f} SMs", s.gpu.name, s.gpu.sms.value), "leave some to compute");
  s.slowest_rows = where.has("slowest_rows") ? where.at("slowest_rows").as_number(1, 1000) : 1;
  p.remember("slowest_rows", s.slowest_rows);
  if (s.slowest_rows > 1 && s.routing.drawn) where.fail_at("slowest_rows", "drawn loads have their own slowest rank", "leave slowest_rows out, or set it to 1; \"imbalance\" makes drawn loads more uneven");
  s.time_factor = where.has("time_factor") ? where.at("time_factor").as_number(1e-3, 1000) : 1;
  p.remember("time_factor", s.time_factor);
  s.late_head_weight = p.word("head_weight", {"backward", "weight"}, "backward") == "weight";
  s.jitter = where.has("jitter") ? where.at("jitter").as_number(0, 1) : 0;
  p.remember("jitter", s.jitter);
  if (where.has("optimizer_time")) {
    s.optimizer_time = where.at("optimizer_time").as_quantity<Seconds>(false);
    p.remember("optimizer_time", where.at("optimizer_time").value());
  }
  s.gpu_hour_usd = where.has("gpu_hour_usd") ? where.at("gpu_hour_usd").as_number(0, 1e6) : 2;
  p.remember("gpu_hour_usd", s.gpu_hour_usd);
}

void read_cost_model(Parameters& p, const WorkloadContext& context, StepSetup& s) {
  JsonReader& where = p.where();
  models::KernelChoice choice = models::read_kernel_choice(where);
  // Beside communication kernels run as they did in the training profile.
  if (choice.calibrations.empty() && s.gpu.goes_by("h800")) choice.calibrations = {"h800_training"};
  static const Json by_default = "deepseek_v3_h800";
  const bool given = where.has("train_constants");
  s.constants = models::read_train_constants(
      given ? where.at("train_constants") : JsonReader(by_default, where.file(), where.problems(), where.pointer() + "/train_constants"), *context.data);
  if (!where.problems().empty()) return;
  s.costs = context.cost_model(s.gpu, choice, where.pointer() + "/calibration");
  p.remember("calibration", choice.calibrations);
  p.remember("cost_model", models::to_text(s.costs->wanted()));
}

}  // namespace

std::optional<StepSetup> read_step(Parameters& p, const WorkloadContext& context) {
  JsonReader& where = p.where();
  const std::size_t before = where.problems().list().size();
  const auto sound = [&] {
    if (where.problems().list().size() == before) return true;
    for (const ColumnDoc& d : step_parameter_docs()) where.has(d.name);   // keys that are not read any more are known all the same
    return false;
  };
  static const Json h800 = "h800";
  StepSetup s;
  s.gpu = models::read_gpu(where.has("gpu") ? where.at("gpu") : JsonReader(h800, where.file(), where.problems(), where.pointer() + "/gpu"), *context.data);
  s.model = models::read_llm(where.at("model"), *context.data);
  if (where.has("fp8")) s.model.fp8 = p.boolean("fp8", s.model.fp8);
  const std::string schedule = p.word("schedule", schedule_names(), default_schedule(where));
  s.chunks = static_cast<std::uint32_t>(where.integer_or("stages_per_rank", 2, 1, 1000));
  if (!sound()) return {};
  s.schedule = schedule_named(schedule, where.pointer() + "/schedule");
  if (s.schedule.takes_chunks) p.remember("stages_per_rank", s.chunks);
  s.layout = read_layout(p, s.model, shape_of(s.schedule, s.chunks));
  if (!sound()) return {};
  read_kernels(p, s);
  s.rails = read_rail_options(p);
  s.routing = read_routing(p, s.model, s.layout);
  read_figures(p, s);
  if (!sound()) return {};
  read_cost_model(p, context, s);
  if (!sound()) return {};
  s.all_ranks = p.word("ranks", {"mean", "all"}, "mean") == "all";
  s.seed = context.seed;
  p.remember("gpu", s.gpu.name);
  p.remember("model", s.model.name);
  return s;
}

namespace {

StepGrid grid_of(const StepSetup& s, const Layout& l, const ClusterView& cluster) {
  StepGrid g;
  g.pipeline = l.pp;
  g.stage_size = l.gpus_per_stage();
  g.per_node = cluster.placement.gpus_per_node();
  const bool exchanges = s.routing.gate.experts > 0 && l.ep > 1;
  g.group_size = exchanges ? l.ep : g.stage_size;
  g.block_size = exchanges ? std::min(l.ep, g.per_node) : (g.stage_size % g.per_node == 0 ? g.per_node : l.tp);
  g.team_size = l.tp;
  const std::string ep = fmt::format("{} GPUs of expert parallelism on nodes of {}", l.ep, g.per_node);
  if (exchanges && (l.ep % g.block_size != 0 || g.per_node % g.block_size != 0)) throw UserError("/ep", ep + " are neither whole nodes nor a part of one");
  if (g.block_size > 1 && g.stage_size % g.block_size != 0) {
    throw UserError("/pp", fmt::format("a pipeline rank has {} GPUs, which are not whole blocks of {}", g.stage_size, g.block_size), "dp x tp that nodes divide");
  }
  if (l.tp > g.per_node || g.per_node % l.tp != 0 || g.block_size % l.tp != 0) throw UserError("/tp", fmt::format("{} GPUs of tensor parallelism do not share nodes of {} evenly", l.tp, g.per_node));
  return g;
}

PipelineSchedule schedule_of(const StepSetup& s, const Layout& l) {
  try {
    return s.schedule.make({l.pp, l.micro_batches, s.chunks});
  } catch (const UserError& e) {   // its places are keys
    std::vector<Problem> problems = e.problems();
    for (Problem& p : problems) p.place = "/" + p.place;
    throw UserError(std::move(problems));
  }
}

/// What kernel models find wrong with the model's shapes is told at the keys that they come from.
StepCosts costs_for(const StepSetup& s, const Layout& l, double received) {
  try {
    return costs_of(s, l, received);
  } catch (const UserError& e) {
    std::vector<Problem> problems = e.problems();
    for (Problem& p : problems) {
      if (!p.file.empty()) continue;
      p.place = p.place == "--ep" ? "/ep" : p.place == "--tp" ? "/tp" : p.place == "--tokens" ? "/micro_batch" : "/model";
    }
    throw UserError(std::move(problems));
  }
}

/// The kernel of exchanges, or another where it has to code.
KernelId kernel_for(StepJob& job, const models::CommunicationModel& exchange, const moe::TokenFormat& format) {
  if (format.codec_overhead <= 0) return KernelId(0);
  job.kernels.push_back(comm_kernel(moe::coding(exchange, format)));
  return KernelId(static_cast<std::uint32_t>(job.kernels.size() - 1));
}

}  // namespace

PreparedStep prepare_step(const StepSetup& s, const ClusterView& cluster) {
  PreparedStep out;
  out.layout = completed(s.layout, s.model, cluster.placement.ranks());
  const Layout& l = out.layout;
  out.schedule = schedule_of(s, l);
  auto job = std::make_shared<StepJob>();
  const StepGrid grid = grid_of(s, l, cluster);
  const bool exchanges = s.routing.gate.experts > 0 && l.ep > 1;
  job->plan = plan_step(out.schedule, l.stages, grid, exchanges, s.late_head_weight);
  double received = 0;
  const std::uint32_t nodes = grid.ranks() / grid.per_node;
  if (nodes > 1 && grid.ranks() % grid.per_node == 0) job->rails = std::make_shared<Rails>(cluster, nodes, grid.per_node, s.rails);
  if (exchanges) {
    job->loads = std::make_unique<StepLoads>(s.routing, grid.group_size, grid.block_size);
    received = job->loads->mean_ranks() / s.routing.gate.topk;
  }
  job->costs = costs_for(s, l, received);
  const models::CommunicationModel& exchange = grid.blocks() > 1 ? s.exchange : s.intranode;
  job->kernels = {comm_kernel(exchange), comm_kernel(s.pipeline), comm_kernel(s.tensor)};
  job->dispatch_kernel = kernel_for(*job, exchange, s.dispatch);
  job->combine_kernel = kernel_for(*job, exchange, s.combine);
  job->communicates = s.communicates;
  if (s.communicates) {
    job->exchange_start_up = exchange.start_up.value;
    job->send_start_up = s.pipeline.start_up.value;
    job->team_start_up = s.tensor.start_up.value;
    job->dispatch_lead = s.constants.dispatch_layout.value;
    job->gradient_lead = s.constants.gradient_cast.value;
  }
  const double on = s.communicates ? 1 : 0, tokens = l.tokens_per_micro_batch();
  const auto hidden = static_cast<std::int64_t>(s.model.hidden);
  const Bytes activations = moe::token_format("bf16").copy(hidden);
  job->dispatched = s.dispatch.copy(hidden) * on;
  job->combined = s.combine.copy(hidden) * on;
  job->sent = activations * (tokens / l.tp * on);
  // An all-reduce, or a reduce-scatter and an all-gather, of the layer's output: rings send 2 (t - 1) / t of it.
  job->reduced = activations * (2.0 * (l.tp - 1) / l.tp * tokens * on);
  job->sms = static_cast<std::uint32_t>(s.gpu.sms.value);
  job->communication_sms = s.communication_sms;
  job->jitter = s.jitter;
  job->seed = s.seed;
  StepProgram::require_ids(job->plan);
  out.job = std::move(job);
  return out;
}

std::vector<ColumnDoc> step_parameter_docs() {
  std::vector<ColumnDoc> docs = {
      {"model", "a name (weft list models), a path to a config.json or an object"},
      {"gpu", "a name (weft list hardware), a path or an object; default \"h800\""},
      {"schedule", "a name (weft list schedules); default \"dualpipe\" (\"1f1b\" with pp 1)"},
      {"stages_per_rank", "interleaved_1f1b: stages on each rank; default 2"}};
  for (ColumnDoc& d : layout_parameter_docs()) docs.push_back(std::move(d));
  for (ColumnDoc& d : std::vector<ColumnDoc>{
           {"routing", "\"expected\" (default): every rank sends and gets the mean; \"drawn\": from the seeded gate, for each micro-batch and layer"},
           {"imbalance", "sigma of the logarithm of the experts' popularity, drawn once a step and layer; default 0; with routing drawn"},
           {"slowest_rows", "with routing expected: routed rows of the rank for which each exchange waits, over the mean of its group: all ranks then compute as long as it does (the upper reading); default 1"},
           {"gate", "unrestricted, v3 or deepep_test; default \"v3\" for models with groups of experts"},
           {"communication_sms", "SMs that exchanges take from the kernels beside them; default 20 with experts"},
           {"communication", "false: every transfer is of nothing and takes no time; default true"},
           {"dispatch_dtype", "of tokens to experts, and of gradients back: fp8 (default for models in FP8), bf16, logfmt10 or logfmt8"},
           {"combine_dtype", "of what experts return, and of gradients to them: bf16 (default), fp8, logfmt10 or logfmt8"},
           {"fp8", "whether the model is trained in FP8: products of layers with their casts, and what else follows it by default (dispatch, activations, moments); default as its config.json says"},
           {"topk_groups", "groups of experts (nodes) that a token may use; default: the model's"},
           {"kernel", "communication kernel of expert exchanges; default \"deepep_normal\""},
           {"intranode_kernel", "the same when one node holds a group; default \"deepep_intranode\""},
           {"pipeline_kernel", "of transfers between pipeline ranks; default \"nccl_ring\""},
           {"tensor_kernel", "of tensor parallelism; default \"nccl_ring\""},
           {"synchronise_kernel", "of gradients and weights at the end; default \"nccl_ring\""},
           {"head_weight", "where the head's weight gradient is taken: \"backward\" (default; the gradients of all logits are not kept) or \"weight\", with those of the layers"},
           {"time_factor", "all computing takes so many times what kernel models say; default 1. Where it was fitted to a result, that is an input"},
           {"jitter", "sigma of the logarithm of each stretch of computing, drawn for each GPU and stretch; its mean stays; default 0"},
           {"optimizer_time", "what follows the last micro-batch (gradients, update, weights) takes at least this; default: what is simulated"},
           {"gpu_hour_usd", "price of a GPU hour; default 2"},
           {"ranks", "rows: \"mean\" of all pipeline ranks (default) or \"all\": each of them too"},
           {"train_constants", "what kernels of a training step cost beyond their formulas; default \"deepseek_v3_h800\""},
           {"cost_model", "roofline, fitted or measured; default: the run's"},
           {"calibration", "calibrations before the run's; default for the h800 \"h800_training\""}})
    docs.push_back(d);
  for (ColumnDoc& d : moe::logfmt_parameter_docs()) docs.push_back(std::move(d));
  for (ColumnDoc& d : rail_parameter_docs()) docs.push_back(std::move(d));
  return docs;
}

}  // namespace weft::workloads::training

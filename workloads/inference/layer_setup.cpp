#include "workloads/inference/layer_setup.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "workloads/inference/deployment_reading.h"
#include "workloads/moe/moe_parameters.h"

namespace weft::workloads::inference {
namespace {

/// SMs that communication kernels of prefill take: deepseek-ai/profile-data README, "24 SMs".
constexpr std::int64_t kPrefillCommunicationSms = 24;

JsonReader or_default(JsonReader& where, const char* key, const Json& fallback) {
  return where.has(key) ? where.at(key) : JsonReader(fallback, where.file(), where.problems(), where.pointer() + "/" + key);
}

/// Physical experts take the place of logical ones: copies lie in the group (on the nodes) of their expert, as hierarchical balancing puts them.
moe::Gate gate_of(Parameters& p, const models::Llm& m, const Deployment& d) {
  moe::Gate g;
  g.experts = static_cast<std::uint32_t>(m.moe_layers > 0 ? m.experts + d.redundant : 0);
  g.topk = static_cast<std::uint32_t>(m.topk);
  g.groups = static_cast<std::uint32_t>(std::max(1.0, m.expert_groups));
  g.chosen_groups = static_cast<std::uint32_t>(std::max(1.0, m.topk_groups));
  if (g.experts % g.groups != 0) g.groups = g.chosen_groups = 1;
  if (p.where().has("topk_groups")) g.chosen_groups = static_cast<std::uint32_t>(p.integer("topk_groups", 0, 1, 1u << 20));
  if (g.chosen_groups > g.groups) p.where().fail_at("topk_groups", fmt::format("{} of {} groups", g.chosen_groups, g.groups), "at most all groups can be chosen");
  g.rule = moe::gate_rule(p.word("gate", moe::gate_rule_names(), g.groups > 1 ? "v3" : "unrestricted"));
  return g;
}

void read_kernels(Parameters& p, LayerSetup& s) {
  const bool decode = s.stage() == Stage::decode;
  s.exchange = p.kernel("kernel", decode ? "deepep_low_latency" : "deepep_normal");
  s.intranode = decode ? s.exchange : p.kernel("intranode_kernel", "deepep_intranode");
  s.tensor = p.kernel("tensor_kernel", "nccl_ring");
  if (decode && p.word("nic", {"destination_rail", "own"}, "destination_rail") == "own") s.nic = moe::NicChoice::own;
  const auto hidden = static_cast<std::int64_t>(s.model.hidden);
  s.dispatch = moe::read_token_format(p, "dispatch_dtype", s.model.fp8 ? "fp8" : "bf16", hidden, true);
  s.combine = moe::read_token_format(p, "combine_dtype", "bf16", hidden, false);
  moe::read_logfmt(p, {&s.dispatch, &s.combine}, s.exchange);
  s.communicates = p.boolean("communication", true);
  s.communication_sms = decode ? 0 : static_cast<std::uint32_t>(p.integer("communication_sms", s.model.moe_layers > 0 ? kPrefillCommunicationSms : 0, 0, 1000));
  if (s.communication_sms >= s.gpu.sms.value) {
    p.where().fail_at("communication_sms", fmt::format("the {} has {:.0f} SMs", s.gpu.name, s.gpu.sms.value), "leave some to compute");
  }
  s.rails = read_rail_options(p);
}

void read_cost_model(Parameters& p, const WorkloadContext& context, LayerSetup& s) {
  JsonReader& where = p.where();
  models::KernelChoice choice = models::read_kernel_choice(where);
  // Beside communication kernels run as they did in the training profile; alone on the GPU as in the published tables.
  if (choice.calibrations.empty() && s.gpu.goes_by("h800")) {
    choice.calibrations = {"h800_training", "h800_inference"};
    if (s.stage() == Stage::decode) std::swap(choice.calibrations[0], choice.calibrations[1]);
  }
  static const Json by_default = "deepseek_v3_h800";
  s.constants = models::read_train_constants(or_default(where, "kernel_constants", by_default), *context.data);
  if (!where.problems().empty()) return;
  s.costs = context.cost_model(s.gpu, choice, where.pointer() + "/calibration");
  p.remember("calibration", Json(choice.calibrations));
  p.remember("cost_model", models::to_text(s.costs->wanted()));
}

/// In a draw of --uncertainty what no calibration holds varies too: pauses and least times of kernels, and what exchanges reach.
void vary(LayerSetup& s) {
  const auto factor = [&](const char* what, const Sourced<double>& spread) { return std::exp(spread.value * s.costs->normal_of(what)); };
  const double launch = factor("launch", s.constants.launch_spread);
  s.constants.gap.value = s.constants.gap.value * launch;
  s.constants.least.value = s.constants.least.value * launch;
  s.constants.pause.value = s.constants.pause.value * launch;
  const double exchange = factor("exchange", s.constants.exchange_spread);
  for (models::CommunicationModel* m : {&s.exchange, &s.intranode, &s.tensor}) {
    m->nic_rate.value = m->nic_rate.value * exchange;
    m->nvlink_rate.value = m->nvlink_rate.value * exchange;
    m->start_up.value = m->start_up.value / exchange;
  }
}

}  // namespace

std::optional<LayerSetup> read_layer_setup(Parameters& p, const WorkloadContext& context, Stage stage) {
  JsonReader& where = p.where();
  const std::size_t before = where.problems().list().size();
  const auto sound = [&] {
    if (where.problems().list().size() == before) return true;
    for (const ColumnDoc& d : layer_parameter_docs(stage)) where.has(d.name);   // keys that are not read any more are known all the same
    return false;
  };
  static const Json h800 = "h800", v3 = "deepseek-v3";
  LayerSetup s;
  s.gpu = models::read_gpu(or_default(where, "gpu", h800), *context.data);
  s.model = models::read_llm(or_default(where, "model", v3), *context.data);
  if (!sound()) return {};
  s.deployment = read_deployment(p, s.model, stage);
  const std::string overlap = p.word("overlap", overlap_names(stage), overlap_names(stage).front());
  s.overlap = overlap == "none" ? Overlap::none : stage == Stage::decode ? Overlap::five_stages : Overlap::two_micro_batches;
  if (!sound()) return {};
  read_kernels(p, s);
  s.gate = gate_of(p, s.model, s.deployment);
  s.balance = moe::read_balance(p, "balance", static_cast<std::uint32_t>(s.model.experts), static_cast<std::uint32_t>(std::max(1.0, s.model.expert_groups)));
  if (!sound()) return {};
  read_cost_model(p, context, s);
  if (!sound() || !s.costs) return {};   // no cost model is made after a problem in another key
  vary(s);
  s.seed = context.seed;
  p.remember("gpu", s.gpu.name);
  p.remember("model", s.model.name);
  return s;
}

std::shared_ptr<const LayerSetup> undivided(const LayerSetup& s) {
  auto one = std::make_shared<LayerSetup>(s);
  one->overlap = Overlap::none;
  return one;
}

std::vector<ColumnDoc> layer_parameter_docs(Stage stage) {
  const bool decode = stage == Stage::decode;
  std::vector<ColumnDoc> docs = {{"model", "a name (weft list models), a path to a config.json or an object; default \"deepseek-v3\""},
                                 {"gpu", "a name (weft list hardware), a path or an object; default \"h800\""}};
  for (ColumnDoc& d : deployment_parameter_docs(stage)) docs.push_back(std::move(d));
  docs.push_back(decode ? ColumnDoc{"overlap", "\"five_stages\" (default): two micro-batches, attention in two parts; \"none\": one, and nothing beside an exchange"}
                        : ColumnDoc{"overlap", "\"two_micro_batches\" (default), or \"none\": one, and nothing beside an exchange"});
  docs.push_back({"kernel", decode ? "communication kernel of expert exchanges; default \"deepep_low_latency\"" : "communication kernel of expert exchanges; default \"deepep_normal\""});
  if (decode) {
    docs.push_back({"nic", "\"destination_rail\" (default): over PCIe to the node's NIC on the destination's rail; \"own\": the GPU's own NIC, across rails"});
  } else {
    docs.push_back({"intranode_kernel", "the same when one node holds all GPUs; default \"deepep_intranode\""});
    docs.push_back({"communication_sms", "SMs that exchanges take from the kernels beside them; default 24 with experts"});
  }
  for (ColumnDoc& d : std::vector<ColumnDoc>{
           {"tensor_kernel", "of sums over GPUs that share heads; default \"nccl_ring\""},
           {"dispatch_dtype", "fp8 (default for models in FP8), bf16, logfmt10 or logfmt8"},
           {"combine_dtype", "of what experts return: bf16 (default), fp8, logfmt10 or logfmt8"},
           {"topk_groups", "groups of experts (nodes) that a token may use; default: the model's"},
           {"communication", "false: every exchange is of nothing and takes no time; default true"},
           {"gate", "unrestricted, v3 or deepep_test; default \"v3\" for models with groups of experts"},
           {"kernel_constants", "what kernels cost beyond their formulas (gaps, least time); default \"deepseek_v3_h800\", measured in the training profile"},
           {"cost_model", "roofline, fitted or measured; default: the run's"},
           {"calibration", decode ? "calibrations before the run's; default for the h800 \"h800_inference\", then \"h800_training\""
                                  : "calibrations before the run's; default for the h800 \"h800_training\", then \"h800_inference\""}})
    docs.push_back(d);
  for (ColumnDoc& d : moe::logfmt_parameter_docs()) docs.push_back(std::move(d));
  for (ColumnDoc& d : moe::balance_parameter_docs("balance")) docs.push_back(std::move(d));
  for (ColumnDoc& d : rail_parameter_docs()) docs.push_back(std::move(d));
  return docs;
}

std::vector<ConstantUsed> constants_of(const LayerSetup& s) {
  std::vector<ConstantUsed> all = models::constants_of(s.gpu);
  for (ConstantUsed& c : models::constants_of(s.model)) all.push_back(std::move(c));
  for (ConstantUsed& c : models::constants_of(s.constants)) all.push_back(std::move(c));
  for (const auto& [what, spread] : {std::pair{"launch_spread", &s.constants.launch_spread}, {"exchange_spread", &s.constants.exchange_spread}}) {
    all.push_back({fmt::format("training {}: {}", s.constants.name, what), fmt::format("{:g}", spread->value), spread->origin, spread->source});
  }
  return all;
}

}  // namespace weft::workloads::inference

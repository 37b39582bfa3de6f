#include "workloads/inference/serving/reading.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft::workloads::inference::serving {
namespace {

const std::vector<std::string> kPrefillBalances = {"work", "tokens", "in_turn"};
const std::vector<std::string> kDecodeBalances = {"kv_and_requests", "kv", "requests", "in_turn"};

template <class Choice>
Choice choice(Parameters& p, const std::string& key, const std::vector<std::string>& words, const std::string& fallback) {
  const std::string word = p.word(key, words, fallback);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return static_cast<Choice>(i);
  }
  return Choice{};
}

/// A quantity that may be left out: then there is none.
template <class Q>
std::optional<Q> maybe(Parameters& p, const std::string& key, bool positive = true) {
  if (!p.where().has(key)) return std::nullopt;
  const JsonReader at = p.where().at(key);
  p.remember(key, at.value());
  return at.as_quantity<Q>(positive);
}

/// An object of keys that may be left out as a whole. `read` gets an empty one then.
template <class Read>
void section(Parameters& p, const WorkloadContext& context, const std::string& key, const std::string& what, Read read) {
  static const Json empty = Json::object();
  JsonReader at = p.where().has(key) ? p.where().at(key) : JsonReader(empty, p.where().file(), p.where().problems(), p.where().pointer() + "/" + key);
  if (!at.expect_object(what)) return;
  Parameters own(at, context);
  read(own);
  at.done();
  p.remember(key, *own.resolved());
}

void read_policy(Parameters& q, ServingPolicy& policy) {
  policy.max_tokens = static_cast<std::uint32_t>(q.integer("max_tokens", policy.max_tokens, 1, 1'000'000'000));
  policy.max_piece = static_cast<std::uint32_t>(q.integer("max_piece", policy.max_tokens, 1, 1'000'000'000));
  policy.min_piece = static_cast<std::uint32_t>(q.integer("min_piece", policy.min_piece, 1, 1'000'000'000));
  policy.max_prompts = static_cast<std::uint32_t>(q.integer("max_prompts", 0, 0, 1'000'000'000));
  policy.max_waiting = static_cast<std::uint64_t>(q.integer("max_waiting", 0, 0));
  policy.max_requests = static_cast<std::uint32_t>(q.integer("max_requests", 0, 0, 1'000'000'000));
  policy.prefill_balance = choice<PrefillBalance>(q, "prefill_balance", kPrefillBalances, "work");
  policy.decode_balance = choice<DecodeBalance>(q, "decode_balance", kDecodeBalances, "kv_and_requests");
  policy.wait_for = choice<WaitFor>(q, "wait_for", {"busiest_group", "largest_of_each"}, "busiest_group");
  policy.kv_room = choice<KvRoom>(q, "kv_room", {"reserve", "preempt"}, "reserve");
  policy.too_long = choice<TooLong>(q, "too_long", {"error", "refuse"}, "error");
}

void read_slo(Parameters& q, Slo& slo) {
  slo.ttft = maybe<Seconds>(q, "ttft");
  slo.tpot = maybe<Seconds>(q, "tpot");
}

std::shared_ptr<const StageModel> read_stage(Parameters& p, const WorkloadContext& context, const std::string& key, Stage stage, StageSetup& out) {
  if (!p.where().has(key)) {
    p.where().fail_at(key, fmt::format("no {} units", key), "say what they are: {\"units\": 1, ...}");
    return nullptr;
  }
  JsonReader at = p.where().at(key);
  if (!at.expect_object("a stage: an object with its units and what gives their times")) return nullptr;
  out.units = static_cast<std::uint32_t>(at.integer_or("units", 1, 1, 100'000));
  std::shared_ptr<const StageModel> model = read_stage_model(at, context, stage);
  if (!model) return nullptr;
  out.unit = model->unit();
  Json resolved = {{"units", out.units}};
  resolved.update(model->resolved());
  p.remember(key, std::move(resolved));
  return model;
}

void read_times(Parameters& p, ServingSetup& s) {
  s.horizon = maybe<Seconds>(p, "horizon");
  s.cut = p.word("after_horizon", {"drain", "cut"}, "drain") == "cut";
  if (s.cut && !s.horizon) p.where().fail_at("after_horizon", "there is no horizon to cut at", "give a \"horizon\": \"1 h\" in seconds, or leave it out");
  s.warm_up = maybe<Seconds>(p, "warm_up", false).value_or(Seconds());
  if (s.horizon && s.warm_up >= *s.horizon) {
    p.where().fail_at("warm_up", fmt::format("nothing would be counted: the last requests come at the horizon, {}", to_text(*s.horizon)), "a longer horizon, or a shorter warm-up");
  }
  if (const auto every = maybe<Seconds>(p, "every")) s.every = *every;
  else p.remember("every", Json("60 s"));
}

/// Problems of a stage, at its key.
template <class Ask>
auto at_stage(const std::string& key, Ask ask) {
  try {
    return ask();
  } catch (const UserError& e) {
    std::vector<Problem> problems = e.problems();
    for (Problem& p : problems) {
      if (p.file.empty()) p.place = "/" + key + p.place;
    }
    throw UserError(std::move(problems));
  }
}

void check_gpus(const StageSetup& stage, const ClusterView& cluster, const std::string& key) {
  const std::uint64_t has = std::uint64_t{stage.unit.nodes} * cluster.placement.gpus_per_node();
  const std::uint64_t due = std::uint64_t{stage.unit.groups} * stage.unit.gpus_per_group;
  if (due <= has) return;
  throw UserError("/" + key, fmt::format("{} groups of {} GPUs do not fit into {} nodes of {}", stage.unit.groups, stage.unit.gpus_per_group, stage.unit.nodes,
                                         cluster.placement.gpus_per_node()));
}

}  // namespace

std::optional<ServingInput> read_serving(Parameters& p, const WorkloadContext& context) {
  const std::size_t before = p.where().problems().list().size();
  ServingInput in;
  ServingSetup& s = in.setup;
  s.seed = p.seed();
  in.prefill = read_stage(p, context, "prefill", Stage::prefill, s.prefill);
  in.decode = read_stage(p, context, "decode", Stage::decode, s.decode);
  section(p, context, "policy", "limits and load balancers", [&](Parameters& q) { read_policy(q, s.policy); });
  section(p, context, "slo", "goals: ttft, tpot", [&](Parameters& q) { read_slo(q, s.slo); });
  const auto model_context = in.decode ? in.decode->context() : 0;
  s.policy.context = static_cast<std::uint32_t>(p.integer("context", model_context, 0, 1'000'000'000));
  s.policy.acceptance = p.where().number_or("acceptance", kAcceptance, 0, 1);
  if (s.decode.unit.drafts > 0) p.remember("acceptance", Json(s.policy.acceptance));
  else if (in.decode && p.where().has("acceptance")) p.where().fail_at("acceptance", "decode makes no draft tokens", "give it \"mtp\": 1, or \"drafts\" beside \"times\"");
  const models::CommunicationModel kernel = p.kernel("kv_kernel", "line_rate");
  s.kernels[ServingSetup::transfers.value] = comm_kernel(kernel);
  s.kernels[ServingSetup::transfers.value].name = "kv_transfer";
  s.transfer_start_up = kernel.start_up.value;
  s.policy.overlap_transfer = p.word("kv_transfer", {"after", "overlapped"}, "after") == "overlapped";
  section(p, context, "prefix_cache", "how cached prompts are read", [&](Parameters& q) {
    if (const auto rate = maybe<BytesPerSecond>(q, "disk_rate")) s.policy.disk_rate = *rate;
    s.policy.disk_stripes = static_cast<std::uint32_t>(q.integer("stripes", 8, 1, 100'000));
    s.policy.write_back = q.boolean("write_back", false);
    s.kernels[ServingSetup::disk.value] = comm_kernel(q.kernel("kernel", "threefs"));
    s.kernels[ServingSetup::disk.value].name = "prefix_cache";
    if (p.where().has("prefix_cache")) in.constants = q.constants();
  });
  read_times(p, s);
  in.rails = read_rail_options(p);
  RequestContext rc;
  rc.data = context.data;
  rc.max_context = s.policy.context;
  rc.token_bytes = s.kv_per_token();
  if (p.where().has("requests")) {
    in.requests = requests_from(p.where().at("requests"), rc);
    if (in.requests) p.remember("requests", in.requests->resolved());
  } else {
    p.where().fail_at("requests", "no requests", "say which: {\"process\": ...} or {\"trace\": \"file\"}");
  }
  if (p.where().problems().list().size() != before) return std::nullopt;
  return in;
}

std::shared_ptr<const ServingSetup> prepare_serving(const ServingInput& input, const ClusterView& cluster) {
  auto s = std::make_shared<ServingSetup>(input.setup);
  const std::uint64_t nodes = s->prefill.nodes() + s->decode.nodes();
  if (nodes > cluster.placement.nodes()) {
    throw UserError("/decode/units", fmt::format("units of prefill and decode take {} + {} nodes, the cluster has {}", s->prefill.nodes(), s->decode.nodes(), cluster.placement.nodes()),
                    fmt::format("give the cluster {} nodes, or it fewer units", nodes));
  }
  s->decode.first_node = static_cast<std::uint32_t>(s->prefill.nodes());
  if (s->policy.write_back && cluster.storage.nodes == 0) {
    throw UserError("/prefix_cache/write_back", "new cache is to be written to storage nodes, and the cluster has none", "\"storage\": {\"node\": \"threefs_2025\", \"nodes\": 6} in the cluster");
  }
  check_gpus(s->prefill, cluster, "prefill");
  check_gpus(s->decode, cluster, "decode");
  s->prefill.times = at_stage("prefill", [&] { return input.prefill->times(cluster); });
  s->decode.times = at_stage("decode", [&] { return input.decode->times(cluster); });
  s->placement = cluster.placement;
  s->rails = std::make_shared<const Rails>(cluster, static_cast<std::uint32_t>(nodes), cluster.placement.gpus_per_node(), input.rails);
  s->storage = cluster.storage;
  s->requests = [source = input.requests, seed = s->seed] { return source->open(seed); };
  return s;
}

std::vector<ColumnDoc> serving_parameter_docs() {
  std::vector<ColumnDoc> docs = request_parameter_docs();
  const std::vector<ColumnDoc> own = {
      {"prefill", "prefill units: {\"units\": 1} and what gives their times (due)"},
      {"decode", "decode units, on the nodes after those of prefill (due)"},
      {"policy", "limits and load balancers: an object"},
      {"policy/max_tokens", "new tokens of a group (a GPU) in a pass, and as work: of one fresh prompt; default 16384"},
      {"policy/max_piece", "new tokens of one prompt in a pass, default max_tokens; longer ones are computed in pieces"},
      {"policy/min_piece", "the shortest piece that a prompt is cut to, default 256 (assumed)"},
      {"policy/max_prompts", "prompts or pieces of a group in a pass; default 0: no limit"},
      {"policy/max_waiting", "requests that wait for prefill before more are turned away; default 0: no limit"},
      {"policy/max_requests", "requests of a decode group; default 0: memory decides"},
      {"policy/prefill_balance", "how prompts are dealt out to groups: \"work\" (default: attention and tokens, longest first), \"tokens\" or \"in_turn\""},
      {"policy/decode_balance", "how requests are: \"kv_and_requests\" (default), \"kv\", \"requests\" or \"in_turn\""},
      {"policy/kv_room", "\"reserve\" (default): memory for prompt and answer when a request is placed; \"preempt\": as it grows, and when it is full the youngest give way and are prefilled again"},
      {"policy/wait_for", "what a pass or step takes as long as: \"busiest_group\" (default: the group with the most work, with no fewer tokens or requests than the mean) or \"largest_of_each\" (one that had the largest of each number: an upper bound)"},
      {"policy/too_long", "requests longer than the context or a group's memory: \"error\" (default) or \"refuse\""},
      {"slo", "goals of a request: {\"ttft\": \"2 s\", \"tpot\": \"50 ms\"}; default none: no goodput"},
      {"context", "most tokens of prompt and answer; default: the model's, 0: no limit"},
      {"acceptance", "probability that a draft is accepted when those before it were, where decode makes drafts; default 0.85 (arXiv:2505.09343 section 2.3.3: 80 to 90 %)"},
      {"kv_transfer", "prefill to decode \"after\" a prompt's last pass (default), or \"overlapped\" with it, layer by layer"},
      {"kv_kernel", "communication kernel of these transfers, by name or inline; default \"line_rate\""},
      {"prefix_cache", "where cached prompts come from: SSDs of the cluster's storage nodes, if it has any"},
      {"prefix_cache/disk_rate", "of a read where there are none, e.g. \"5 GB/s\"; default: no time"},
      {"prefix_cache/stripes", "SSDs that a read is spread over, default 8 (assumed)"},
      {"prefix_cache/write_back", "new cache is written to them, default false"},
      {"prefix_cache/kernel", "what such reads and writes reach of a NIC; default \"threefs\""},
      {"horizon", "requests that come later are left out; default none"},
      {"after_horizon", "\"drain\" (default): what is there is served to its end; \"cut\""},
      {"warm_up", "requests that come earlier are served and not counted; default 0"},
      {"every", "between rows of the series; default \"60 s\"; doubled when there would be more than 1500"}};
  docs.insert(docs.end(), own.begin(), own.end());
  for (const StageModelKind& kind : stage_model_kinds()) {
    for (const ColumnDoc& doc : kind.parameters) docs.push_back({"prefill|decode/" + doc.name, doc.text});
  }
  for (const ColumnDoc& doc : rail_parameter_docs()) docs.push_back(doc);
  return docs;
}

}  // namespace weft::workloads::inference::serving

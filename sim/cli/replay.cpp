// weft replay TRACE: plays a profiler's trace on the engine, as it was or with a what-if.
#include <cctype>
#include <cmath>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "models/calibration/readers/trace_facts.h"
#include "scenarios/replay/replay.h"
#include "sim/cli/app.h"
#include "sim/cli/execute.h"
#include "sim/core/json.h"

namespace weft::cli {
namespace {

using namespace scenarios::replay;
using workloads::replay::Recording;

struct ReplayOptions {
  Common common;
  EngineOptions engine;
  KernelTimeOptions kernels;
  std::string trace, cluster, recorded_cluster, nic_rate, nvlink_rate, topology, facts;
  std::vector<std::string> settings, slow;
  std::uint64_t seed = 1;
  std::int64_t comm_sms = -1;
  WhatIf what;
  bool operations = false;
};

/// "17=+5ms" as operation and microseconds.
std::pair<std::uint32_t, double> slower(const std::string& text) {
  const auto refuse = [&] {
    return UserError("--slow", fmt::format("expected OPERATION=+TIME like 17=+5ms, got \"{}\"", text),
                     "operations are numbered in the order of their start: --operations shows them");
  };
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos || equals > 9 || text.find_first_not_of("0123456789") != equals) throw refuse();
  std::string time = text.substr(equals + 1);
  const bool less = time.starts_with("-");
  if (less || time.starts_with("+")) time.erase(0, 1);
  for (std::size_t i = 1; i < time.size(); ++i) {
    if (std::isalpha(static_cast<unsigned char>(time[i])) && (std::isdigit(static_cast<unsigned char>(time[i - 1])) || time[i - 1] == '.'))
      time.insert(i++, " ");
  }
  const ParsedUnit unit = parse_unit(time);
  if (unit.what != ParsedUnit::What::seconds) throw refuse();
  return {static_cast<std::uint32_t>(std::stoul(text)), (less ? -1e6 : 1e6) * unit.value};
}

/// The cluster of a scenario's file, or a file that holds a cluster alone.
Json cluster_in(const std::string& path) {
  Json json = read_json_file(scenario_path(path));
  if (json.is_object() && json.contains("cluster")) return json["cluster"];
  return json;
}

std::unique_ptr<scenarios::Cluster> read_cluster(const Json& document, const std::string& file, std::uint64_t seed) {
  Problems problems;
  JsonReader root(document, file, problems);
  auto cluster = scenarios::Cluster::read(root.at("cluster"), DataPlaces::standard(), seed);
  problems.throw_if_any();
  return cluster;
}

/// Where the trace is replayed, when that is another network than it was recorded on.
Json changed_cluster(const ReplayOptions& o, const Json& recorded) {
  Json document = {{"cluster", o.cluster.empty() ? recorded : cluster_in(o.cluster)}};
  std::vector<std::string> settings;
  if (!o.topology.empty()) settings.push_back(fmt::format("/cluster/topology={}", Json{{"kind", o.topology}}.dump()));
  if (!o.nic_rate.empty()) settings.push_back("/cluster/node/nic_rate=" + o.nic_rate);
  if (!o.nvlink_rate.empty()) settings.push_back("/cluster/node/nvlink_rate=" + o.nvlink_rate);
  settings.insert(settings.end(), o.settings.begin(), o.settings.end());
  for (const std::string& s : settings) scenarios::apply_setting(document, scenarios::parse_setting(s, "--set"), "--set", "--set");
  return document["cluster"];
}

/// What an operation of the recording waited for.
Json after_of(const workloads::replay::Dependencies& dependencies, std::uint32_t op) {
  Json out = Json::array();
  for (const auto& d : dependencies.of[op])
    out.push_back({{"operation", d.on}, {"lag_us", d.lag_us}, {"why", workloads::replay::to_text(d.reason)}});
  return out;
}

Json json_of(const Recording& recording, const workloads::replay::Dependencies& dependencies, const Replay& r, bool operations) {
  Json out = {{"recorded_span_s", r.recorded.span_s},
              {"replayed_span_s", r.replayed.span_s},
              {"hidden_communication_pct", r.replayed.hidden_pct()}};
  out["phases"] = Json::array();
  for (const PhaseTimes& p : r.phases)
    out["phases"].push_back({{"name", p.name}, {"layer", p.layer}, {"recorded_s", p.recorded_s}, {"replayed_s", p.replayed_s}});
  out["recorded_hidden_communication_pct"] = r.recorded.hidden_pct();
  out["recorded_communication_s"] = r.recorded.communication_s;
  out["communication_s"] = r.replayed.communication_s;
  out["recorded_computing_s"] = r.recorded.computing_s;
  out["computing_s"] = r.replayed.computing_s;
  out["notes"] = r.notes;
  if (!operations) return out;
  Json& list = out["operations"] = Json::array();
  for (std::uint32_t op = 0; op < recording.ops.size(); ++op) {
    const auto& o = recording.ops[op];
    Json row = {{"operation", op}, {"name", o.name}, {"stream", recording.streams[o.stream].number}};
    if (o.phase >= 0)
      row["phase"] = recording.phases[static_cast<std::size_t>(o.phase)].name,
      row["layer"] = recording.phases[static_cast<std::size_t>(o.phase)].layer;
    row["recorded_start_s"] = (o.start_us - recording.ops.front().start_us) * 1e-6;
    row["start_s"] = r.times.start_s[op] - r.times.start_s.front();
    row["recorded_time_s"] = o.time_us * 1e-6;
    row["time_s"] = r.durations.us[op] * 1e-6;
    if (dependencies.latency_us[op] >= 0) row["after_launch_us"] = dependencies.latency_us[op];
    row["after"] = after_of(dependencies, op);
    list.push_back(std::move(row));
  }
  return out;
}

/// Rounding of the clock is no difference.
double difference_pct(double recorded, double replayed) {
  const double pct = recorded > 0 ? 100 * (replayed / recorded - 1) : 0;
  return std::abs(pct) < 1e-6 ? 0 : pct;
}

Row row_of(const char* figure, double recorded, double replayed) {
  Row row;
  row.set("figure", figure).set("recorded", recorded).set("replayed", replayed).set("difference_pct", difference_pct(recorded, replayed));
  return row;
}

reports::Listing listing_of(const Recording& recording, const Replay& r, bool operations) {
  reports::Listing out;
  reports::Table figures{"replay",
                         "",
                         "Replay",
                         {},
                         {{"figure", "what of the trace"},
                          {"recorded", "as the profiler saw it"},
                          {"replayed", "on the engine"},
                          {"difference_pct", "replayed against recorded"}},
                         {}};
  figures.rows = {row_of("span_ms", 1e3 * r.recorded.span_s, 1e3 * r.replayed.span_s),
                  row_of("computing_ms", 1e3 * r.recorded.computing_s, 1e3 * r.replayed.computing_s),
                  row_of("communication_ms", 1e3 * r.recorded.communication_s, 1e3 * r.replayed.communication_s),
                  row_of("hidden_communication_pct", r.recorded.hidden_pct(), r.replayed.hidden_pct())};
  out.tables.push_back(std::move(figures));
  reports::Table phases{"phases",
                        "",
                        "Phases, first start to last end",
                        {},
                        {{"phase", "as annotated"},
                         {"layer", "which run of it"},
                         {"recorded_ms", "as the profiler saw it"},
                         {"replayed_ms", "on the engine"},
                         {"difference_pct", "replayed against recorded"}},
                        {}};
  for (const PhaseTimes& p : r.phases) {
    Row row;
    row.set("phase", p.name).set("layer", p.layer).set("recorded_ms", 1e3 * p.recorded_s).set("replayed_ms", 1e3 * p.replayed_s);
    row.set("difference_pct", difference_pct(p.recorded_s, p.replayed_s));
    phases.rows.push_back(std::move(row));
  }
  if (!phases.rows.empty()) out.tables.push_back(std::move(phases));
  out.notes = r.notes;
  if (!operations) return out;
  reports::Table ops{"operations",
                     "",
                     "Operations in the order of their recorded start",
                     {},
                     {{"operation", "its number, for --slow"},
                      {"name", "kernel"},
                      {"stream", "as the trace numbers it"},
                      {"phase", "annotation around its launch"},
                      {"layer", "which run of it"},
                      {"recorded_start_us", "from the first start on"},
                      {"start_us", "on the engine"},
                      {"recorded_us", "how long it took"},
                      {"time_us", "on the engine"}},
                     {}};
  for (std::uint32_t op = 0; op < recording.ops.size(); ++op) {
    const auto& o = recording.ops[op];
    Row row;
    row.set("operation", std::int64_t{op}).set("name", o.name).set("stream", recording.streams[o.stream].number);
    if (o.phase >= 0)
      row.set("phase", recording.phases[static_cast<std::size_t>(o.phase)].name)
          .set("layer", recording.phases[static_cast<std::size_t>(o.phase)].layer);
    row.set("recorded_start_us", o.start_us - recording.ops.front().start_us)
        .set("start_us", 1e6 * (r.times.start_s[op] - r.times.start_s.front()));
    row.set("recorded_us", o.time_us).set("time_us", r.durations.us[op]);
    ops.rows.push_back(std::move(row));
  }
  out.tables.push_back(std::move(ops));
  return out;
}

void replay_trace(ReplayOptions& o) {
  const DataPlaces data = DataPlaces::standard();
  const models::Trace trace = models::find_trace(o.trace, data, "TRACE");
  if (!o.facts.empty()) core::write_file_atomically(o.facts, models::trace_facts(trace, {"GPU operations of " + o.trace, o.trace}));
  const Recording recording = workloads::replay::recording_of(trace, data);
  const auto dependencies = workloads::replay::dependencies_of(recording);
  scenarios::RunOptions run;
  run.seed = o.seed;
  apply(o.engine, run);
  apply(o.kernels, run.kernels);
  if (!o.kernels.cost_model.empty()) o.what.kernels.cost_model = run.kernels.cost_model;
  if (o.comm_sms >= 0) o.what.comm_sms = o.comm_sms;
  for (const std::string& s : o.slow) {
    const auto [op, us] = slower(s);
    o.what.longer_us[op] += us;
  }
  const Json before = o.recorded_cluster.empty() ? usual_cluster(recording) : cluster_in(o.recorded_cluster),
             after = changed_cluster(o, before);
  const auto recorded =
      read_cluster({{"cluster", before}}, o.recorded_cluster.empty() ? "the cluster of the trace" : o.recorded_cluster, o.seed);
  const bool same = before == after;
  const auto now = same ? nullptr : read_cluster({{"cluster", after}}, o.cluster.empty() ? "the changed cluster" : o.cluster, o.seed);
  const scenarios::KernelTimes kernels(data, run.kernels);
  o.what.usual_calibrations = run.kernels.calibrations.empty();
  const KernelModels chosen =
      kernel_models(recording, o.what, data, [&](const models::Gpu& gpu, const models::KernelChoice& choice, const std::string& place) {
        return kernels.model(gpu, choice, place);
      });
  const Replay r = replay(recording, dependencies, o.what, {recorded.get(), same ? recorded.get() : now.get()}, chosen, data, run);
  for (const std::string& w : r.durations.warnings) note(o.common, "warning: " + w);
  if (format_of(o.common) == "json") return emit_text(json_of(recording, dependencies, r, o.operations).dump(2) + "\n", o.common);
  emit(listing_of(recording, r, o.operations), o.common);
}

}  // namespace

void add_replay(CLI::App& app) {
  auto o = std::make_shared<ReplayOptions>();
  CLI::App* sub =
      app.add_subcommand("replay", "play a profiler's trace on the engine: as it was, or with another network, GPU, SMs, balance");
  sub->footer(
      "Durations and launch gaps are the trace's, start times the engine's. The phases are the trace's annotations.\n\n"
      "Examples:\n"
      "  weft replay deepseek_v3_train\n"
      "  weft replay deepseek_v3_train --nic-rate '800 Gbps' --json -o faster.json\n"
      "  weft replay deepseek_v3_train --nvlink-rate '450 GB/s' --no-communication\n"
      "  weft replay deepseek_v3_train --gpu h20\n"
      "  weft replay deepseek_v3_train --predicted --balanced\n"
      "  weft replay deepseek_v3_train --slow 100=+5ms --operations --format csv");
  add_common(*sub, o->common);
  sub->add_option("TRACE", o->trace,
                  "a trace of PyTorch's profiler (Kineto, JSON), its facts (--facts), or a recording that weft ships (deepseek_v3_train)")
      ->required();
  sub->add_option("--cluster", o->cluster, "replay on the cluster of this scenario (or of a file that holds a cluster alone)")
      ->type_name("FILE");
  sub->add_option("--recorded-cluster", o->recorded_cluster,
                  "the cluster that the trace was recorded on (default: H800 nodes for its ranks on eight planes)")
      ->type_name("FILE");
  sub->add_option("--nic-rate", o->nic_rate, "another rate of the NICs, like '800 Gbps'");
  sub->add_option("--nvlink-rate", o->nvlink_rate, "another rate of NVLink per direction, like '450 GB/s'");
  sub->add_option("--topology", o->topology, "another network of the same nodes, with its usual parameters: weft list topologies");
  sub->add_option("--set", o->settings, "any other setting of the cluster, /cluster/...=VALUE")
      ->type_name("POINTER=VALUE")
      ->allow_extra_args(false);
  sub->add_flag(
      "--fixed-limits", o->what.fixed_limits,
      "communication kernels keep the rates that were fitted, however fast the links are (default: their share of the links' rates)");
  sub->add_option("--gpu", o->what.gpu, "another GPU: kernels scaled by cost model or roofline, the rest by HBM (weft list hardware)");
  sub->add_option("--recorded-gpu", o->what.recorded_gpu, "what the trace ran on, where weft does not know the device's name");
  sub->add_option("--comm-sms", o->comm_sms, "SMs that communication takes from computing kernels")->check(CLI::Range(0, 100000));
  sub->add_flag("--no-communication", o->what.no_communication, "exchanges and waits for peers take no time");
  sub->add_flag("--balanced", o->what.balanced, "every expert gets the mean of the rows, every rank sends the mean, and no rank is late");
  sub->add_flag("--predicted", o->what.predicted, "durations from cost models and the simulated network instead of the recorded ones");
  sub->add_option("--slow", o->slow, "make one operation longer, like 17=+5ms; may be given more than once")
      ->type_name("OPERATION=+TIME")
      ->allow_extra_args(false);
  sub->add_flag("--operations", o->operations, "list every operation too");
  sub->add_option("--facts", o->facts, "write the facts of the trace that a replay needs to a small file, which can be replayed as well")
      ->type_name("FILE");
  sub->add_option("--seed", o->seed, "seed of the routing that is drawn for exchanges")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_kernel_time_options(*sub, o->kernels);
  add_engine_options(*sub, o->engine);
  sub->callback([o] {
    check_output(o->common);
    replay_trace(*o);
  });
}

}  // namespace weft::cli

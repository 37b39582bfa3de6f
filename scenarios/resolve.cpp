#include "scenarios/resolve.h"

#include <map>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/random.h"

namespace weft::scenarios {
namespace {

std::vector<std::string> all_kind_names() {
  std::vector<std::string> names;
  for (const auto& k : analysis_kinds()) names.push_back(k.name);
  for (const auto& k : workloads::workload_kinds()) names.push_back(k.name);
  return names;
}

template <class Kind>
const Kind* find_kind(const std::vector<Kind>& kinds, const std::string& name) {
  for (const Kind& k : kinds) {
    if (k.name == name) return &k;
  }
  return nullptr;
}

ResolvedWorkload read_entry(JsonReader& where, const workloads::WorkloadContext& context, const AnalysisContext& for_analysis) {
  ResolvedWorkload w;
  w.pointer = where.pointer();
  if (!where.expect_object("a workload")) return w;
  const std::size_t before = where.problems().list().size();
  const std::string kind = where.string("kind");
  w.id = where.string("id", kind);
  if (where.problems().list().size() != before) return w;
  if (w.id.empty() || w.id.find_first_of("/[]") != std::string::npos) {
    where.fail_at("id", fmt::format("expected a name without / [ ], got \"{}\"", w.id));
  }
  w.analysis_kind = find_kind(analysis_kinds(), kind);
  if (w.analysis_kind == nullptr) w.kind = find_kind(workloads::workload_kinds(), kind);
  if (w.analysis_kind != nullptr || w.kind != nullptr) {
    try {
      if (w.kind != nullptr) w.workload = w.kind->read(where, context);
      else w.analysis = w.analysis_kind->read(where, for_analysis);
    } catch (const UserError& e) {
      // A calibration that cannot be had (all else is recorded); what is wrong in its own file has its place there.
      if (!e.problems().front().file.empty()) throw;
      throw placed(e, where.file(), where.pointer());
    }
  } else {
    const std::vector<std::string> names = all_kind_names();
    where.fail_at("kind", fmt::format("unknown kind of workload \"{}\"", kind), unknown_name_hint(kind, names));
    return w;
  }
  where.done();
  return w;
}

ResolvedVariant read_variant(const Scenario& scenario, const Variant& v, const AnalysisContext& context, std::uint64_t seed, Problems& problems) {
  ResolvedVariant out;
  out.name = v.name;
  out.file = scenario.file;
  if (scenario.variants.size() > 1) out.file += fmt::format(" (variant \"{}\")", v.name);
  JsonReader root(*v.document, out.file, problems);
  out.cluster = Cluster::read(root.at("cluster"), context.data, seed);
  const workloads::WorkloadContext for_workload{&context.data, seed, context.source()};
  std::set<std::string> ids;
  for (JsonReader& r : root.at("workload").items()) {
    out.workloads.push_back(read_entry(r, for_workload, context));
    const std::string& id = out.workloads.back().id;
    if (!id.empty() && !ids.insert(id).second) r.fail_at("id", fmt::format("a workload \"{}\" stands here already", id), "give each its own id");
  }
  return out;
}

/// The values behind the names: a data file that changes changes the digest, and two "h800, changed" can be told apart.
void add_constants(Json& where, const std::vector<ConstantUsed>& constants) {
  for (const ConstantUsed& c : constants) where["constants"][c.name] = c.value;
}

/// A problem of the base shows in every variant; it is told once, under the plain file name.
std::vector<Problem> without_repeats(const Scenario& scenario, const std::vector<Problem>& problems) {
  std::vector<Problem> out;
  const std::size_t variants = scenario.variants.size();
  for (const Problem& p : problems) {
    std::size_t equal = 0;
    bool told = false;
    const auto same = [&](const Problem& q) { return q.place == p.place && q.message == p.message && q.hint == p.hint; };
    for (const Problem& q : problems) equal += same(q);
    for (const Problem& q : out) told = told || same(q);
    if (told) continue;
    out.push_back(p);
    if (equal >= variants && p.file.starts_with(scenario.file)) out.back().file = scenario.file;   // not of a file that it names
  }
  return out;
}

}  // namespace

/// One id, one kind: a table has one set of columns.
void check_kinds(const std::vector<ResolvedVariant>& variants, Problems& problems) {
  std::map<std::string, std::string> kind_of;
  for (const ResolvedVariant& v : variants) {
    for (const ResolvedWorkload& w : v.workloads) {
      if (!w.kind && !w.analysis_kind) continue;
      const std::string& kind = w.kind ? w.kind->name : w.analysis_kind->name;
      const std::string& first = kind_of.try_emplace(w.id, kind).first->second;
      if (first != kind) {
        problems.add({v.file, w.pointer + "/kind", fmt::format("\"{}\" is of kind {} here and of kind {} in another variant", w.id, kind, first),
                      "give workloads of different kinds different ids"});
      }
    }
  }
}

std::vector<ResolvedVariant> resolve(const Scenario& scenario, const DataPlaces& data, std::uint64_t seed,
                                     const KernelTimes* kernels, std::optional<KernelDraw> draw) {
  Problems problems;
  std::vector<ResolvedVariant> out;
  const KernelTimes usual(data, {});
  const AnalysisContext context{data, kernels != nullptr ? *kernels : usual, draw, seed};
  for (const Variant& v : scenario.variants) out.push_back(read_variant(scenario, v, context, seed, problems));
  check_kinds(out, problems);
  if (!problems.empty()) throw UserError(without_repeats(scenario, problems.list()));
  return out;
}

std::shared_ptr<const Json> resolved_input(const Scenario& scenario, const std::vector<ResolvedVariant>& variants, std::uint64_t seed) {
  Json j = *scenario.document;
  Json list = Json::array();
  for (const ResolvedVariant& v : variants) {
    Json one = {{"name", v.name}, {"cluster", v.cluster->resolved()}};
    add_constants(one["cluster"], v.cluster->constants());
    Json works = Json::array();
    for (const ResolvedWorkload& w : v.workloads) {
      Json work = {{"id", w.id}, {"kind", w.kind ? w.kind->name : w.analysis_kind->name}};
      const Json parameters = w.workload ? w.workload->resolved() : w.analysis->resolved();
      for (const auto& [key, value] : parameters.items()) work[key] = value;
      if (w.workload) add_constants(work, w.workload->constants());
      if (w.analysis) add_constants(work, w.analysis->constants(*v.cluster));
      works.push_back(std::move(work));
    }
    one["workload"] = std::move(works);
    list.push_back(std::move(one));
  }
  j["resolved"] = std::move(list);
  Json computed = j;
  for (const char* key : kWordKeys) computed.erase(key);
  const std::string text = dump_json(computed) + "#" + std::to_string(seed);
  j["digest"] = fmt::format("fnv1a64:{:016x}", hash_name(text));
  return std::make_shared<const Json>(std::move(j));
}

UserError placed(const UserError& e, const std::string& file, const std::string& pointer) {
  std::vector<Problem> problems = e.problems();
  for (Problem& p : problems) {
    const bool elsewhere = !p.file.empty() && p.file != file;   // in a file that the scenario names, with a place of its own
    if (p.file.empty()) p.file = file;
    // What is about the cluster, a workload or an option of the command line has its whole place already.
    const bool whole = p.place.starts_with("/cluster") || p.place.starts_with("/workload") || p.place.starts_with("--");
    if (whole || elsewhere) continue;
    if (p.place.empty() || p.place.starts_with("/")) {
      p.place = pointer + p.place;
    } else {   // no key, but what something is called
      p.message = p.place + ": " + p.message;
      p.place = pointer;
    }
  }
  return UserError(std::move(problems));
}

}  // namespace weft::scenarios

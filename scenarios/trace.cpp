#include "scenarios/trace.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "scenarios/case_name.h"
#include "scenarios/case_run.h"
#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

constexpr std::size_t most_listed = 12;

/// Names of cases; where they are many, of workloads, and how many cases each has.
std::string listed(const std::vector<TracedCase>& cases) {
  std::vector<std::string> names;
  for (std::size_t i = 0, n = 0; i < cases.size(); i += n) {
    for (n = 1; cases.size() > most_listed && i + n < cases.size() && cases[i + n].workload == cases[i].workload; ++n) {}
    names.push_back(n == 1 ? fmt::format("\"{}\"", cases[i].name) : fmt::format("\"{}/{}\" ({} cases)", cases[i].variant->name, cases[i].workload->id, n));
  }
  const std::size_t shown = std::min(names.size(), most_listed);
  const std::string rest = shown < names.size() ? fmt::format(" and {} more", names.size() - shown) : "";
  return fmt::format("{}{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "), rest);
}

}  // namespace

RankList::RankList(const std::string& text, const std::string& option) : option_(option) {
  const auto wrong = [&](const std::string& part) {
    return UserError(option, fmt::format("expected ranks like \"0-15,64\", got \"{}\"", part.empty() ? text : part));
  };
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    const char* const comma = std::find(at, end, ',');
    const std::string part(at, comma);
    std::uint32_t first = 0, last = 0;
    auto [after, error] = std::from_chars(at, comma, first);
    if (error != std::errc()) throw wrong(part);
    last = first;
    if (after != comma && *after == '-') {
      const auto second = std::from_chars(after + 1, comma, last);
      if (second.ec != std::errc()) throw wrong(part);
      after = second.ptr;
    }
    if (after != comma) throw wrong(part);
    if (last < first) throw UserError(option, fmt::format("the ranks \"{}\" go backwards", part), fmt::format("{}-{}", last, first));
    ranges_.emplace_back(first, last);
    if (comma == end) return;
    at = comma + 1;
  }
}

std::vector<bool> RankList::of(std::uint32_t ranks) const {
  std::vector<bool> listed(empty() ? 0 : ranks, false);
  for (const auto& [first, last] : ranges_) {
    if (last >= ranks) throw UserError(option_, fmt::format("there is no rank {}: this cluster has the ranks 0 to {}", last, ranks - 1));
    std::fill(listed.begin() + first, listed.begin() + last + 1, true);
  }
  return listed;
}

std::vector<TracedCase> cases_of(const std::vector<ResolvedVariant>& variants) {
  std::vector<TracedCase> out;
  for (const ResolvedVariant& v : variants) {
    for (const ResolvedWorkload& w : v.workloads) {
      if (!w.workload) continue;
      try {
        topology::Router router(v.cluster->fabric(), v.cluster->routing());
        std::size_t number = 0;
        for (const workloads::Case& c : w.workload->cases(v.cluster->view(router))) {
          out.push_back({&v, &w, number++, fmt::format("{}/{}{}", v.name, w.id, label_of(c))});
        }
      } catch (const UserError& e) {
        throw placed(e, v.file, w.pointer);
      }
    }
  }
  return out;
}

std::size_t choose_case(const std::vector<TracedCase>& all, const std::string& of, const std::string& option, const std::string& asking) {
  if (all.empty()) throw UserError(asking, "nothing in this scenario is simulated", "weft list collectives names what is");
  std::vector<std::string> names;
  for (const TracedCase& c : all) names.push_back(c.name);
  const std::vector<std::size_t> places = places_meant(of, names, option);
  std::vector<TracedCase> fit;
  for (const std::size_t at : places) fit.push_back(all[at]);
  if (fit.empty()) throw UserError(option, fmt::format("nothing here is called \"{}\"", of), "there are " + listed(all));
  if (fit.size() > 1) {
    const std::string hint = "name one with " + option + ": " + listed(fit);
    if (of.empty()) throw UserError(asking, fmt::format("this scenario runs {} simulations, and this is about one of them", fit.size()), hint);
    throw UserError(option, fmt::format("\"{}\" may be any of {} simulations", of, fit.size()), hint);
  }
  return places.front();
}

TracedCase choose_traced(const std::vector<ResolvedVariant>& variants, const TraceRequest& request) {
  const std::vector<TracedCase> all = cases_of(variants);
  const TracedCase chosen = all[choose_case(all, request.of, "--trace-of", "--trace")];
  request.ranks.of(chosen.variant->cluster->fabric().placement().ranks());
  return chosen;
}

}  // namespace weft::scenarios

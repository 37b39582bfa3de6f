#include "sim/analysis/guard.h"

#include <algorithm>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "sim/analysis/load.h"

namespace weft::analysis {
namespace {

using Kind = Ledger::Kind;

const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::none: break;
    case Kind::transfer: return "transfer";
    case Kind::compute: return "computation";
    case Kind::marker: return "marker";
  }
  return "nothing";
}

double us(double seconds) { return seconds * 1e6; }

/// Bytes of some transfers over a link or segment, from the first start to the last finish.
struct Crossing {
  double bytes = 0, first = std::numeric_limits<double>::infinity(), last = 0;
  std::uint32_t last_operation = 0;

  void add(double more, double start, double finish, std::uint32_t operation) {
    bytes += more;
    first = std::min(first, start);
    if (finish >= last) last_operation = operation;
    last = std::max(last, finish);
  }
  void add(const Crossing& o, double share) {
    bytes += o.bytes * share;
    first = std::min(first, o.first);
    if (o.last >= last) last_operation = o.last_operation;
    last = std::max(last, o.last);
  }
};

/// Crossings by number; forgets only what was touched.
class Crossings {
 public:
  Crossing& at(std::uint32_t i) {
    if (i >= all_.size()) all_.resize(i + 1);
    if (all_[i].bytes == 0) touched_.push_back(i);
    return all_[i];
  }
  template <class F>
  void take(F f) {
    for (const std::uint32_t i : touched_) {
      if (all_[i].bytes > 0) f(i, all_[i]);
      all_[i] = {};
    }
    touched_.clear();
  }

 private:
  std::vector<Crossing> all_;
  std::vector<std::uint32_t> touched_;
};

class Guard {
 public:
  Guard(const Ledger& ledger, const topology::Router& router, std::span<const workloads::CommKernel> kernels, const Timeline& timeline,
        const GuardOptions& options)
      : ledger_(ledger), router_(router), kernels_(kernels), timeline_(timeline), options_(options), by_kernel_(kernels.size() + 1) {}

  std::optional<std::string> check() {
    if (auto wrong = check_operations()) return wrong;
    if (!options_.sharing) return std::nullopt;
    std::vector<std::vector<std::uint32_t>> phases(ledger_.phases() + 1);   // 0: the whole run
    const auto entries = ledger_.entries();
    for (std::uint32_t id = 0; id < entries.size(); ++id) {
      if (entries[id].kind != Kind::transfer) continue;
      phases[entries[id].phase].push_back(id);
      phases[0].push_back(id);
    }
    for (std::uint32_t p = 1; p < phases.size(); ++p) {
      if (auto wrong = check_links(phases[p], phase_name(p))) return wrong;
    }
    return phases.size() > 2 ? check_links(phases[0], "the whole run") : std::nullopt;
  }

 private:
  double start(std::uint32_t id) const { return timeline_.start[id].value(); }
  double finish(std::uint32_t id) const { return timeline_.finish[id].value(); }
  std::string phase_name(std::uint32_t p) const { return fmt::format("phase {} of {}", p, ledger_.phases()); }

  std::optional<std::string> check_operations() const {
    const auto entries = ledger_.entries();
    for (std::uint32_t id = 0; id < entries.size(); ++id) {
      const Ledger::Entry& e = entries[id];
      if (e.kind == Kind::none) continue;
      const auto told = [&](const std::string& what) {
        return fmt::format("{}, operation {} ({}): {}", phase_name(e.phase), id, name_of(e.kind), what);
      };
      if (id >= timeline_.start.size() || id >= timeline_.finish.size()) return told("it has not run");
      const double took = finish(id) - start(id);
      // The comparison is also false for what is no number.
      if (!(took >= e.least - options_.slack * finish(id)) || !(start(id) >= 0)) {
        return told(fmt::format("from {:.9g} us to {:.9g} us, but it takes {:.9g} us at least", us(start(id)), us(finish(id)), us(e.least)));
      }
    }
    return std::nullopt;
  }

  /// Adds up by segment first: segments are few, and each has many links.
  std::optional<std::string> check_links(const std::vector<std::uint32_t>& transfers, const std::string& phase) {
    const auto entries = ledger_.entries();
    for (const std::uint32_t id : transfers) {
      const Ledger::Entry& e = entries[id];
      Crossings& segments = by_kernel_[e.kernel.valid() ? e.kernel.value + 1 : 0];
      for (const Ledger::Load& l : ledger_.loads(e)) {
        if (l.bytes > 0) segments.at(l.segment.value).add(l.bytes, start(id), finish(id), id);
      }
    }
    std::optional<std::string> wrong;
    for (std::size_t k = 0; k < by_kernel_.size(); ++k) {
      by_kernel_[k].take([&](std::uint32_t segment, const Crossing& c) {
        for (const topology::Hop& hop : router_.segment(SegmentId(segment))) {
          links_.at(hop.link.value).add(c, hop.share);
          if (k > 0) own_.at(hop.link.value).add(c, payload(router_.fabric(), hop));
        }
      });
      own_.take([&](std::uint32_t link, const Crossing& c) {
        const workloads::CommKernel& kernel = kernels_[k - 1];
        check_link(c, kernel_rate(kernel, router_.fabric().link(LinkId(link))), link, phase, " at the rate of kernel " + kernel.name, wrong);
      });
    }
    links_.take([&](std::uint32_t link, const Crossing& c) { check_link(c, router_.capacity(LinkId(link)).value(), link, phase, "", wrong); });
    return wrong;
  }

  void check_link(const Crossing& c, double rate, std::uint32_t link, const std::string& phase, const std::string& of, std::optional<std::string>& wrong) const {
    const double least = c.bytes / rate;
    if (wrong || c.last - c.first >= least - options_.slack * c.last) return;
    wrong = fmt::format("{}: {:.9g} bytes cross {} from {:.9g} us to {:.9g} us (operation {} is the last), but they take {:.9g} us at least{}", phase,
                        c.bytes, router_.fabric().name(LinkId(link)), us(c.first), us(c.last), c.last_operation, us(least), of);
  }

  const Ledger& ledger_;
  const topology::Router& router_;
  std::span<const workloads::CommKernel> kernels_;
  const Timeline& timeline_;
  const GuardOptions& options_;
  std::vector<Crossings> by_kernel_;   // by kernel + 1: segments
  Crossings links_, own_;
};

}  // namespace

std::optional<std::string> below_bound(const Bound& bound, Seconds makespan, const GuardOptions& options) {
  const Seconds least = options.sharing ? bound.total : bound.longest_chain;
  if (makespan.value() >= least.value() * (1 - options.slack)) return std::nullopt;
  const bool by_link = options.sharing && bound.busiest_link > bound.longest_chain;
  return fmt::format("the whole run: the result {:.9g} us lies under its bound {:.9g} us ({})", us(makespan.value()), us(least.value()),
                     by_link ? "bytes over the busiest link" : "the longest chain of operations");
}

std::optional<std::string> impossible(const Ledger& ledger, const topology::Router& router, std::span<const workloads::CommKernel> kernels,
                                      const Timeline& timeline, const GuardOptions& options) {
  return Guard(ledger, router, kernels, timeline, options).check();
}

}  // namespace weft::analysis

#include "sim/analysis/explain/path_reader.h"

#include <algorithm>
#include <set>

#include "sim/analysis/explain/free_program.h"

namespace weft::analysis {

using workloads::Transfer;

namespace {

constexpr double kSame = 0.01;   ///< links that are full to within this part of each other are equally full

/// The rank that a transfer belongs to when its label says none: the GPU or NIC that it leaves first.
std::int64_t first_rank(const Transfer& t, Placement placement) {
  for (const workloads::Leg& l : t.legs) {
    if (in_storage_node(l.from) || l.from.local >= placement.gpus_per_node() || l.from.kind == Endpoint::Kind::host) continue;
    return placement.rank({l.from.node, l.from.local}).value;
  }
  return -1;
}

}  // namespace

PathReader::PathReader(workloads::Program& inside, topology::Router& router, const engine::LinkOrbits* orbits, const LinkRoles& roles,
                       std::span<const OnPath> path, double offset, double bin, LinksUsed& used)
    : inside_(inside), router_(router), roles_(roles), paths_(router, inside.kernels(), orbits), lowering_(router, paths_), orbits_(orbits), offset_(offset),
      bin_(bin), used_(used), windows_(path.size()), link_bytes_(router.fabric().links().size(), 0) {
  for (std::uint32_t i = 0; i < path.size(); ++i) {
    PathStep& s = windows_[i].facts.step;
    s.op = path[i].op;
    s.start = path[i].start;
    s.finish = path[i].finish;
    place_[s.op.value] = i;
  }
  if (orbits_ != nullptr) find_roles_of_orbits();
}

void PathReader::find_roles_of_orbits() {
  roles_of_orbit_.resize(link_bytes_.size());
  for (std::uint32_t l = 0; l < link_bytes_.size(); ++l) {
    const std::uint32_t stands = orbits_->representative[l];
    add_role(roles_of_orbit_[stands], {roles_.of(LinkId(l)), 1.0 / orbits_->size[stands]});
  }
}

void PathReader::add_role(std::vector<OfRole>& all, OfRole more) {
  const auto at = std::find_if(all.begin(), all.end(), [&](const OfRole& r) { return r.role == more.role; });
  if (at == all.end()) all.push_back(more);
  else at->coefficient += more.coefficient;
}

void PathReader::start(workloads::Sink& sink) {
  out_ = &sink;
  inside_.start(*this);
}

void PathReader::on_complete(OpId id, Seconds now, workloads::Sink& sink) {
  out_ = &sink;
  inside_.on_complete(id, now, *this);
}

void PathReader::started(OpId id, Seconds at) {
  if (Flying* f = flying_.find(id)) f->start = at.value();
}

void PathReader::finished(OpId id, Seconds at) {
  Flying* f = flying_.find(id);
  if (f == nullptr) return;
  land(*f, at.value());
  pieces_.for_each(f->pieces, [&](const Piece& p) {
    if (paths_.passing(p.piece) && paths_.release(p.piece)) paths_.forget(p.piece);
  });
  pieces_.clear(f->pieces);
  flying_.remove(id);
}

PathReader::Window* PathReader::window_of(OpId id) {
  const auto at = place_.find(id.value);
  return at == place_.end() ? nullptr : &windows_[at->second];
}

void PathReader::describe(Window& w, OpId id, const std::string& otherwise) {
  PathStep& s = w.facts.step;
  s.name = operation_name(inside_, id, label_, otherwise);
  s.detail = label_.detail;
  if (label_.rank.valid()) s.rank = label_.rank.value;
}

void PathReader::transfer(const Transfer& t, std::span<const OpId> after) {
  note(t);
  out_->transfer(t, after);
}

void PathReader::transfers(const std::shared_ptr<workloads::TransferBatch>& batch, OpId first, std::span<const OpId> after) {
  Transfer t;
  for (std::uint32_t k = 0; k < batch->size(); ++k) {
    batch->read(k, t);
    t.id = OpId(first.value + k);
    note(t);
  }
  out_->transfers(batch, first, after);
}

void PathReader::compute(const workloads::Compute& c, std::span<const OpId> after) {
  if (Window* w = window_of(c.id)) {
    describe(*w, c.id, "compute");
    w->facts.computes = true;
    w->facts.hbm_share = label_.hbm_share;
  }
  out_->compute(c, after);
}

void PathReader::marker(OpId id, Seconds delay, std::span<const OpId> after) {
  if (Window* w = window_of(id)) describe(*w, id, "wait");
  out_->marker(id, delay, after);
}

void PathReader::note(const Transfer& t) {
  const engine::Lowered& lowered = lowering_.lower(t.legs, t.kernel, t.flow_key);
  Flying& f = flying_.add(t.id);
  Window* const w = window_of(t.id);
  double wire = 0;
  for (const engine::LoweredFlow& flow : lowered.flows) {
    wire = std::max(wire, flow.latency);
    for (std::uint32_t i = flow.first; i < flow.first + flow.count; ++i) {
      const std::uint32_t piece = lowered.pieces[i];
      if (paths_.passing(piece)) paths_.use(piece);
      pieces_.push(f.pieces, {piece, t.bytes.value() * flow.share});
      if (w == nullptr) continue;
      for (const engine::Paths::Load& l : paths_.piece(piece)) {
        if (w->carried.find(l.link) != nullptr) continue;
        w->carried.put(l.link, 0);
        w->links.push_back(l.link);
      }
    }
  }
  f.latency = t.extra_latency.value() + (t.latency_mode == workloads::LatencyMode::wire ? wire : 0);
  if (w != nullptr) {
    describe(*w, t.id, otherwise_called(t, inside_.kernels()));
    w->facts.moves = true;
    w->facts.latency = f.latency;
    w->bytes = t.bytes.value();
    w->rate_cap = t.rate_cap ? t.rate_cap->value() : 0;
    if (w->facts.step.rank < 0) w->facts.step.rank = first_rank(t, router_.fabric().placement());
    f.rank = w->facts.step.rank;
    return;
  }
  label_.clear();
  const bool told = inside_.label(t.id, label_);
  f.rank = told && label_.rank.valid() ? std::int64_t{label_.rank.value} : first_rank(t, router_.fabric().placement());
}

/// A transfer is over: what it put on links goes to their sums, to the bins, and to the steps under way meanwhile.
void PathReader::land(const Flying& f, double end) {
  const double begin = std::min(f.start + f.latency, end);
  pieces_.for_each(f.pieces, [&](const Piece& p) { count(p, begin, end); });
  if (windows_.empty() || end <= begin) return;
  auto w = std::upper_bound(windows_.begin(), windows_.end(), begin, [](double t, const Window& x) { return t < x.facts.step.finish.value(); });
  for (; w != windows_.end() && w->facts.step.start.value() < end; ++w) meet(*w, f, begin, end);
}

void PathReader::count(const Piece& p, double begin, double end) {
  if (paths_.passing(p.piece)) {
    for (const engine::Paths::Load& l : paths_.piece(p.piece))
      if (l.link < link_bytes_.size()) link_bytes_[l.link] += p.bytes * l.coefficient;
  } else {
    if (p.piece >= piece_bytes_.size()) piece_bytes_.resize(std::max<std::size_t>(p.piece + 1, 2 * piece_bytes_.size()), 0);
    piece_bytes_[p.piece] += p.bytes;
  }
  for (const OfRole& r : roles_of(p.piece)) add_to_bins(r.role, p.bytes * r.coefficient, begin, end);
}

const std::vector<PathReader::OfRole>& PathReader::roles_of(std::uint32_t piece) {
  const bool passing = paths_.passing(piece);
  if (!passing && piece >= roles_of_piece_.size()) roles_of_piece_.resize(std::max<std::size_t>(piece + 1, 2 * roles_of_piece_.size()));
  std::vector<OfRole>& all = passing ? passing_roles_ : roles_of_piece_[piece];
  if (passing) all.clear();
  if (!all.empty()) return all;
  for (const engine::Paths::Load& l : paths_.piece(piece)) {
    if (l.link >= link_bytes_.size()) continue;
    if (roles_of_orbit_.empty()) add_role(all, {roles_.of(LinkId(l.link)), l.coefficient});
    else for (const OfRole& r : roles_of_orbit_[l.link]) add_role(all, {r.role, l.coefficient * r.coefficient});
  }
  return all;
}

void PathReader::add_to_bins(std::uint32_t role, double bytes, double begin, double end) {
  std::vector<double>& bins = used_.by_role[role];
  if (bins.empty() || bin_ <= 0) return;
  const double from = (offset_ + begin) / bin_, to = (offset_ + end) / bin_;
  const auto place = [&](double x) { return std::min(bins.size() - 1, static_cast<std::size_t>(std::max(0.0, x))); };
  const std::size_t first = place(from), last = place(to);
  if (first == last || to <= from) {
    bins[first] += bytes;
    return;
  }
  for (std::size_t b = first; b <= last; ++b) {
    const double part = std::min(to, static_cast<double>(b + 1)) - std::max(from, static_cast<double>(b));
    bins[b] += bytes * std::max(0.0, part) / (to - from);
  }
}

void PathReader::meet(Window& w, const Flying& f, double begin, double end) {
  const PathStep& s = w.facts.step;
  if (w.facts.computes) {
    if (s.rank >= 0 && s.rank != f.rank) return;
    double from = std::max(begin, s.start.value());
    const double to = std::min(end, s.finish.value());
    while (!w.sending.empty() && w.sending.back().second >= from) {   // transfers land in order of time
      from = std::min(from, w.sending.back().first);
      w.sending.pop_back();
    }
    w.sending.emplace_back(from, to);
    return;
  }
  if (!w.facts.moves) return;
  const double from = std::max(begin, s.start.value() + w.facts.latency), to = std::min(end, s.finish.value());
  if (to <= from) return;
  const double part = (to - from) / (end - begin);
  pieces_.for_each(f.pieces, [&](const Piece& p) {
    for (const engine::Paths::Load& l : paths_.piece(p.piece))
      if (double* carried = w.carried.find(l.link)) *carried += p.bytes * l.coefficient * part;
  });
}

/// The fullest links of the step's route. Where a wire is as full as a kernel's own rate on it, it is the wire that limits.
void PathReader::find_limit(Window& w) const {
  StepFacts& s = w.facts;
  const double moving = (s.step.finish - s.step.start).value() - s.latency;
  if (!s.moves || moving <= 0) return;
  s.at_rate_cap = w.rate_cap > 0 && w.bytes / moving >= w.rate_cap * (1 - kSame);
  const auto full = [&](std::uint32_t l) { return paths_.capacity(l) > 0 ? *w.carried.find(l) / (paths_.capacity(l) * moving) : 0; };
  for (const std::uint32_t l : w.links) s.full = std::max(s.full, full(l));
  std::set<std::pair<std::uint32_t, std::string>> known;   // roles and kernels
  const auto add = [&](LinkId link, const std::string& kernel) {
    const std::uint32_t role = roles_.of(link);
    if (!known.contains({role, ""}) && known.insert({role, kernel}).second) s.limits.push_back({link, kernel});
  };
  for (const bool wires : {true, false}) {
    for (const std::uint32_t l : w.links) {
      if ((l < link_bytes_.size()) != wires || full(l) < s.full * (1 - kSame)) continue;
      if (wires) add(LinkId(l), "");
      else add(paths_.virtual_of(l).link, inside_.kernels()[paths_.virtual_of(l).kernel.value].name);
    }
  }
}

std::vector<StepFacts> PathReader::take() {
  for (std::uint32_t p = 0; p < piece_bytes_.size(); ++p) {
    if (piece_bytes_[p] == 0) continue;
    for (const engine::Paths::Load& l : paths_.piece(p))
      if (l.link < link_bytes_.size()) link_bytes_[l.link] += piece_bytes_[p] * l.coefficient;
  }
  for (std::uint32_t l = 0; l < link_bytes_.size(); ++l) {   // links that are alike bear an equal part
    const std::uint32_t stands = orbits_ == nullptr ? l : orbits_->representative[l];
    used_.bytes[l] += link_bytes_[stands] / (orbits_ == nullptr ? 1 : orbits_->size[stands]);
  }
  std::vector<StepFacts> out;
  for (Window& w : windows_) {
    find_limit(w);
    for (const auto& [from, to] : w.sending) w.facts.hidden += to - from;
    w.facts.step.start += Seconds(offset_);
    w.facts.step.finish += Seconds(offset_);
    out.push_back(std::move(w.facts));
  }
  return out;
}

}  // namespace weft::analysis

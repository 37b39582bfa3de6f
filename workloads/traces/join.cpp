// Ranks' own operations become one program: sends meet receives, collectives their members.
#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_set>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "workloads/traces/rank_trace.h"

namespace weft::workloads {
namespace {

using Kind = RankOperation::Kind;
constexpr std::uint32_t none = ~std::uint32_t{0};

UserError placed_error(const RankOperation& op, std::string message, std::string hint) {
  return UserError(std::vector<Problem>{{op.place, "", std::move(message), std::move(hint)}});
}

class Joiner {
 public:
  Joiner(RankTrace trace, const TraceOptions& options) : trace_(std::move(trace)), options_(options) {
    out_.ranks = static_cast<std::uint32_t>(trace_.ranks.size());
    out_.per_node = options.per_node;
  }

  NamedProgram join() {
    done_.resize(trace_.collectives.size(), none);
    waits_.resize(trace_.collectives.size());
    find_starts();
    for (std::uint32_t r = 0; r < trace_.ranks.size(); ++r) allot(r);
    match();
    for (std::uint32_t r = 0; r < trace_.ranks.size(); ++r) connect(r);
    for (std::size_t c = 0; c < trace_.collectives.size(); ++c) expand(c);
    return sorted();
  }

 private:
  using Side = std::pair<std::uint32_t, std::uint32_t>;  // rank, operation
  struct Pair {
    std::vector<Side> sends, receives;
  };

  const RankOperation& at(const Side& s) const { return trace_.ranks[s.first][s.second]; }

  /// Which operations others wait for to start.
  void find_starts() {
    start_.resize(trace_.ranks.size());
    finish_.resize(trace_.ranks.size());
    for (std::uint32_t r = 0; r < trace_.ranks.size(); ++r) {
      start_[r].assign(trace_.ranks[r].size(), none);
      finish_[r].assign(trace_.ranks[r].size(), none);
      for (const RankOperation& op : trace_.ranks[r]) {
        for (const std::uint32_t i : op.after_start) start_[r][i] = 0;
      }
    }
  }

  std::uint32_t add(NamedOperation op) {
    if (out_.operations.size() == kMostNamedOperations) {
      throw UserError("", fmt::format("the trace comes to more than {} operations", kMostNamedOperations), "import a part of it");
    }
    out_.operations.push_back(std::move(op));
    glued_.push_back(false);
    return static_cast<std::uint32_t>(out_.operations.size() - 1);
  }

  NamedOperation named(const RankOperation& op, std::uint32_t rank, NamedOperation::Kind kind) const {
    NamedOperation n;
    n.kind = kind;
    n.name = fmt::format("r{}.{}", rank, op.name);
    n.label = op.label;
    if (kind != NamedOperation::Kind::transfer) n.rank = Rank(rank);
    return n;
  }

  void allot(std::uint32_t r) {
    for (std::uint32_t i = 0; i < trace_.ranks[r].size(); ++i) {
      const RankOperation& op = trace_.ranks[r][i];
      if (start_[r][i] != none) start_[r][i] = add_start(op, r);
      switch (op.kind) {
        case Kind::compute:
        case Kind::marker: {
          NamedOperation n = named(op, r, op.kind == Kind::compute ? NamedOperation::Kind::compute : NamedOperation::Kind::marker);
          n.duration = op.duration;
          n.stream = op.stream;
          n.sms = op.sms;
          finish_[r][i] = add(std::move(n));
          break;
        }
        case Kind::send:
          finish_[r][i] = add_message(op, r);
          break;
        case Kind::receive:
          break;  // its sender may come later
        case Kind::collective:
          if (done_[op.collective] == none) {
            NamedOperation n;
            n.name = trace_.collectives[op.collective].name;
            n.label = op.label;
            done_[op.collective] = add(std::move(n));
          }
          finish_[r][i] = done_[op.collective];
          break;
      }
      if (op.kind == Kind::send || op.kind == Kind::receive) note_side(op, {r, i});
    }
  }

  /// A compute starts when its stream comes to it: a compute of no duration right before it tells when.
  std::uint32_t add_start(const RankOperation& op, std::uint32_t r) {
    const bool timed = op.kind == Kind::compute && !op.stream.empty();
    NamedOperation n = named(op, r, timed ? NamedOperation::Kind::compute : NamedOperation::Kind::marker);
    n.name += ".start";
    if (timed) n.stream = op.stream;
    const std::uint32_t i = add(std::move(n));
    glued_[i] = op.kind == Kind::compute || op.kind == Kind::marker;
    return i;
  }

  std::uint32_t add_message(const RankOperation& op, std::uint32_t r) {
    require_peer(op);
    NamedOperation n = named(op, r, op.peer == r ? NamedOperation::Kind::marker : NamedOperation::Kind::transfer);
    if (op.peer != r) {  // to itself there is no way to go
      n.bytes = op.bytes;
      n.legs = message_legs(out_, r, op.peer, options_.pxn);
    }
    return add(std::move(n));
  }

  void require_peer(const RankOperation& op) const {
    if (op.peer >= out_.ranks)
      throw placed_error(op, fmt::format("there is no rank {}", op.peer), fmt::format("the trace has ranks 0 to {}", out_.ranks - 1));
  }

  void note_side(const RankOperation& op, const Side& side) {
    require_peer(op);
    if (op.kind == Kind::send)
      pairs_[{side.first, op.peer, op.tag}].sends.push_back(side);
    else
      pairs_[{op.peer, side.first, op.tag}].receives.push_back(side);
  }

  void match() {
    for (const auto& [ends, pair] : pairs_) {
      const auto& [from, to, tag] = ends;
      const std::size_t met = std::min(pair.sends.size(), pair.receives.size());
      if (pair.sends.size() > met) {
        throw placed_error(at(pair.sends[met]),
                           fmt::format("rank {} sends to rank {} with tag {}, and there is no receive for it", from, to, tag),
                           fmt::format("there are {} sends and {} receives", pair.sends.size(), pair.receives.size()));
      }
      if (pair.receives.size() > met) {
        throw placed_error(at(pair.receives[met]),
                           fmt::format("rank {} receives from rank {} with tag {}, and there is no send for it", to, from, tag),
                           fmt::format("there are {} sends and {} receives", pair.sends.size(), pair.receives.size()));
      }
      for (std::size_t k = 0; k < met; ++k) meet(pair.sends[k], pair.receives[k]);
    }
  }

  void meet(const Side& send, const Side& receive) {
    const RankOperation &s = at(send), &r = at(receive);
    if (r.bytes < s.bytes) {
      throw placed_error(
          r, fmt::format("receives {:.0f} B, but what meets it at {} sends {:.0f} B", r.bytes.value(), s.place, s.bytes.value()),
          "messages of one pair of ranks and one tag meet in the order of the file");
    }
    const std::uint32_t transfer = finish_[send.first][send.second];
    std::uint32_t& finish = finish_[receive.first][receive.second];
    finish = transfer;
    // An early message may arrive before its receiver asks for it.
    if (s.bytes <= options_.eager && options_.eager.value() > 0 && !(r.after.empty() && r.after_start.empty())) {
      finish = add(named(r, receive.first, NamedOperation::Kind::marker));
      out_.operations[finish].after.push_back(transfer);
    }
  }

  void connect(std::uint32_t r) {
    for (std::uint32_t i = 0; i < trace_.ranks[r].size(); ++i) {
      const RankOperation& op = trace_.ranks[r][i];
      std::vector<std::uint32_t> waits;
      for (const std::uint32_t before : op.after) waits.push_back(finish_[r][before]);
      for (const std::uint32_t before : op.after_start) waits.push_back(start_[r][before]);
      if (start_[r][i] != none) {
        out_.operations[start_[r][i]].after = std::move(waits);
        waits = {start_[r][i]};
      }
      std::vector<std::uint32_t>& after = op.kind == Kind::collective ? waits_[op.collective] : out_.operations[finish_[r][i]].after;
      after.insert(after.end(), waits.begin(), waits.end());
    }
  }

  static void tidy(std::vector<std::uint32_t>& list) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }

  void expand(std::size_t c) {
    if (done_[c] == none) return;
    tidy(waits_[c]);
    std::vector<std::uint32_t> last = trace_.collectives[c].expand(out_, waits_[c]);
    glued_.resize(out_.operations.size(), false);
    if (out_.operations.size() > kMostNamedOperations) add({});  // says that it is too much
    out_.operations[done_[c]].after = last.empty() ? waits_[c] : std::move(last);
  }

  NamedProgram sorted() {
    WaitLists waits;
    for (NamedOperation& op : out_.operations) {
      tidy(op.after);
      for (const std::uint32_t before : op.after) waits.add(before);
      waits.next();
    }
    const OperationOrder order = operation_order(waits, glued_);
    if (!order.loop.empty()) throw loop_error(order.loop);
    NamedProgram p;
    p.ranks = out_.ranks;
    p.per_node = out_.per_node;
    p.kernels = std::move(out_.kernels);
    std::vector<std::uint32_t> place(order.order.size());
    std::unordered_set<std::string> names;
    p.operations.reserve(place.size());
    for (const std::uint32_t i : order.order) {
      place[i] = static_cast<std::uint32_t>(p.operations.size());
      p.operations.push_back(std::move(out_.operations[i]));
      NamedOperation& op = p.operations.back();
      while (!names.insert(op.name).second) op.name += "'";
      for (std::uint32_t& before : op.after) before = place[before];
    }
    return p;
  }

  UserError loop_error(const std::vector<std::uint32_t>& loop) const {
    bool messages = false;
    for (const std::uint32_t i : loop) messages = messages || out_.operations[i].kind == NamedOperation::Kind::transfer;
    return UserError(std::vector<Problem>{
        {"", "", "operations wait for each other in a loop: " + loop_text(out_, loop),
         messages ? "a message waits for both of its ends; with --eager 64KiB those up to that size start without their receiver"
                  : "take one of these dependencies out"}});
  }

  RankTrace trace_;
  const TraceOptions& options_;
  NamedProgram out_;
  std::vector<bool> glued_;                                 ///< the next operation comes right behind
  std::vector<std::vector<std::uint32_t>> start_, finish_;  ///< by rank and operation, in out_; none: there is none
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::int64_t>, Pair> pairs_;
  std::vector<std::uint32_t> done_;                ///< by collective
  std::vector<std::vector<std::uint32_t>> waits_;  ///< by collective
};

}  // namespace

std::vector<Leg> message_legs(const NamedProgram& shape, std::uint32_t from, std::uint32_t to, bool pxn) {
  const Endpoint a = shape.gpu(from), b = shape.gpu(to);
  if (a.node == b.node || a.local == b.local || !pxn) return {{a, b, 1}};
  const Endpoint via{Endpoint::Kind::gpu, a.node, b.local};
  return {{a, via, 1}, {via, b, 1}};
}

NamedProgram joined(RankTrace trace, const TraceOptions& options) { return Joiner(std::move(trace), options).join(); }

}  // namespace weft::workloads

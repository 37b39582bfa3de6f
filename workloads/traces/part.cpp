// One program becomes ranks' own operations: transfers come apart into messages, and ranks tell each other what they wait for.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "workloads/pair_parts.h"
#include "workloads/traces/rank_trace.h"

namespace weft::workloads {
namespace {

using Kind = RankOperation::Kind;

struct Message {
  std::uint32_t from, to;
  Bytes bytes;
  std::uint32_t send = 0, receive = 0;  ///< places in their ranks
};

class Parter {
 public:
  Parter(const NamedProgram& program, TraceNotes& notes) : p_(program), notes_(notes) {}

  RankTrace part() {
    const OperationOrder order = operation_order(waits_of(p_));
    WEFT_CHECK(order.loop.empty(), "a program that waits for itself");
    out_.ranks.resize(p_.ranks);
    at_.resize(p_.operations.size());
    needed_.resize(p_.operations.size(), false);
    for (const NamedOperation& op : p_.operations) {
      for (const std::uint32_t before : op.after) needed_[before] = true;
    }
    for (const std::uint32_t i : order.order) add(i);
    tell();
    return std::move(out_);
  }

 private:
  struct Presence {
    std::uint32_t rank, place;  ///< this operation of that rank is done when the whole is
  };

  void add(std::uint32_t i) {
    const NamedOperation& op = p_.operations[i];
    if (op.kind == NamedOperation::Kind::transfer) return add_transfer(i);
    const bool compute = op.kind == NamedOperation::Kind::compute;
    if (compute && !op.rank) throw UserError("", fmt::format("\"{}\" is a compute of no rank", op.name), "say whose it is: rank 3");
    const std::uint32_t rank = op.rank ? op.rank->value : op.after.empty() ? 0 : at_[op.after[0]][0].rank;
    RankOperation r = own(op, compute ? Kind::compute : Kind::marker);
    r.duration = op.duration;
    r.stream = op.stream;
    r.sms = op.sms;
    for (const std::uint32_t before : op.after) r.after.push_back(known_at(before, rank));
    at_[i].push_back({rank, put(rank, std::move(r))});
  }

  RankOperation own(const NamedOperation& op, Kind kind) const {
    RankOperation r;
    r.kind = kind;
    r.name = op.name;
    r.label = op.label;
    r.place = op.name;
    return r;
  }

  std::uint32_t put(std::uint32_t rank, RankOperation op) {
    out_.ranks[rank].push_back(std::move(op));
    return static_cast<std::uint32_t>(out_.ranks[rank].size() - 1);
  }

  const Presence* present(std::uint32_t i, std::uint32_t rank) const {
    for (const Presence& p : at_[i]) {
      if (p.rank == rank) return &p;
    }
    return nullptr;
  }

  /// An operation of `rank` that is done when operation i is; if need be the receipt of an empty message.
  std::uint32_t known_at(std::uint32_t i, std::uint32_t rank) {
    if (const Presence* here = present(i, rank)) return here->place;
    const Presence home = at_[i][0];
    const std::uint32_t place = tell_rank(p_.operations[i].name + ".told", home, rank);
    at_[i].push_back({rank, place});
    return place;
  }

  std::uint32_t tell_rank(const std::string& name, const Presence& from, std::uint32_t to) {
    ++told_;
    Message m{from.rank, to, Bytes()};
    RankOperation op;
    op.name = op.place = name;
    put_message(m, op, {from.place}, {});
    return m.receive;
  }

  void put_message(Message& m, const RankOperation& like, std::vector<std::uint32_t> before_send,
                   std::vector<std::uint32_t> before_receive) {
    RankOperation send = like, receive = like;
    send.kind = Kind::send;
    receive.kind = Kind::receive;
    send.bytes = receive.bytes = m.bytes;
    send.peer = m.to;
    receive.peer = m.from;
    send.tag = receive.tag = tags_[{m.from, m.to}]++;
    send.after = std::move(before_send);
    receive.after = std::move(before_receive);
    m.send = put(m.from, std::move(send));
    m.receive = put(m.to, std::move(receive));
  }

  std::uint32_t rank_of(const NamedOperation& op, const Endpoint& e) const {
    const std::uint64_t rank = std::uint64_t{e.node.value} * p_.per_node + e.local;
    const bool gpu = e.kind == Endpoint::Kind::gpu || e.kind == Endpoint::Kind::nic;
    if (!gpu)
      throw UserError("", fmt::format("\"{}\" goes to or from a host, a storage NIC or a storage node, which is no rank", op.name),
                      "this format knows ranks alone");
    if (rank >= p_.ranks)
      throw UserError("", fmt::format("\"{}\" goes to or from a GPU of node {} that is no rank of the program", op.name, e.node.value),
                      "give the program more ranks");
    return static_cast<std::uint32_t>(rank);
  }

  /// A leg over the network takes the legs inside nodes that lead to it and from it along as one message; other legs are
  /// messages of their own.
  std::vector<Message> messages_of(const NamedOperation& op) {
    std::vector<Message> messages;
    const std::span<const PairParts::Part> parts = pair_parts_.take_apart(op.legs);
    if (parts.size() > 1) ++parted_;
    for (const PairParts::Part& part : parts) {
      const std::span<const Leg> legs = pair_parts_.legs(part);
      const auto network = std::count_if(legs.begin(), legs.end(), [](const Leg& l) { return l.from.node != l.to.node; });
      bool chain = network == 1;
      for (std::size_t k = 1; k < legs.size(); ++k) chain = chain && rank_of(op, legs[k].from) == rank_of(op, legs[k - 1].to);
      const Bytes bytes = op.bytes * part.share;
      if (chain) {
        if (legs.size() > 1) ++staged_;
        messages.push_back({rank_of(op, legs.front().from), rank_of(op, legs.back().to), bytes});
        continue;
      }
      if (legs.size() > 1) ++parted_;
      for (const Leg& leg : legs) messages.push_back({rank_of(op, leg.from), rank_of(op, leg.to), bytes});
    }
    std::erase_if(messages, [](const Message& m) { return m.from == m.to; });
    return messages;
  }

  void add_transfer(std::uint32_t i) {
    const NamedOperation& op = p_.operations[i];
    count_losses(op);
    std::vector<Message> messages = messages_of(op);
    if (messages.empty()) {  // nothing leaves its GPU
      const std::uint32_t rank = rank_of(op, op.legs[0].from);
      RankOperation r = own(op, Kind::marker);
      r.duration = op.options.extra_latency;
      for (const std::uint32_t before : op.after) r.after.push_back(known_at(before, rank));
      at_[i].push_back({rank, put(rank, std::move(r))});
      return;
    }
    for (Message& m : messages) add_message(op, m);
    if (messages.size() == 1) {
      at_[i] = {{messages[0].to, messages[0].receive}, {messages[0].from, messages[0].send}};
      return;
    }
    if (!needed_[i]) return;
    const std::uint32_t home = messages[0].to;
    RankOperation done = own(op, Kind::marker);
    done.name += ".done";
    for (const Message& m : messages) {
      if (m.to == home)
        done.after.push_back(m.receive);
      else if (m.from == home)
        done.after.push_back(m.send);
      else
        done.after.push_back(tell_rank(op.name + ".told", {m.to, m.receive}, home));
    }
    at_[i].push_back({home, put(home, std::move(done))});
  }

  void add_message(const NamedOperation& op, Message& m) {
    std::vector<std::uint32_t> before_send, before_receive;
    for (const std::uint32_t before : op.after) {
      // A message waits for both of its ends: what the receiver knows need not be told to the sender.
      if (present(before, m.from) == nullptr && present(before, m.to) != nullptr)
        before_receive.push_back(known_at(before, m.to));
      else
        before_send.push_back(known_at(before, m.from));
    }
    if (op.options.extra_latency.value() > 0) {
      before_send = {delay(op, m.from, std::move(before_send))};
      if (!before_receive.empty()) before_receive = {delay(op, m.to, std::move(before_receive))};
    }
    put_message(m, own(op, Kind::send), std::move(before_send), std::move(before_receive));
  }

  std::uint32_t delay(const NamedOperation& op, std::uint32_t rank, std::vector<std::uint32_t> after) {
    RankOperation r = own(op, Kind::marker);
    r.name += ".latency";
    r.duration = op.options.extra_latency;
    r.after = std::move(after);
    return put(rank, std::move(r));
  }

  void count_losses(const NamedOperation& op) {
    capped_ += op.options.kernel.valid() || op.options.rate_cap.has_value();
    weighted_ += op.options.weight != 1;
    wireless_ += op.options.latency_mode == LatencyMode::none;
  }

  void tell() {
    const auto note = [&](std::size_t count, const char* text) {
      if (count > 0) notes_.push_back(fmt::format("{} {}", count, text));
    };
    note(parted_, "transfers of several legs came apart into messages, which no longer move at one pace");
    note(staged_, "messages lost their way inside nodes (PXN): whoever reads the trace chooses one");
    note(capped_, "transfers lost the limits of their kernel or their rate cap");
    note(weighted_, "transfers lost their weight in sharing links");
    note(wireless_, "transfers had no latency of the wire; whoever reads the trace adds one");
    note(told_, "waits for another rank became empty messages, which take a latency");
  }

  const NamedProgram& p_;
  TraceNotes& notes_;
  RankTrace out_;
  PairParts pair_parts_;
  std::vector<std::vector<Presence>> at_;
  std::vector<bool> needed_;  ///< somebody waits for it
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::int64_t> tags_;
  std::size_t parted_ = 0, staged_ = 0, capped_ = 0, weighted_ = 0, wireless_ = 0, told_ = 0;
};

}  // namespace

RankTrace rank_trace(const NamedProgram& program, TraceNotes& notes) { return Parter(program, notes).part(); }

}  // namespace weft::workloads

#include "workloads/traces/chakra_read.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/json.h"
#include "workloads/traces/chakra_groups.h"
#include "workloads/traces/chakra_nodes.h"
#include "workloads/traces/collectives.h"

namespace weft::workloads {
namespace {

using Kind = RankOperation::Kind;

class ChakraReader {
 public:
  ChakraReader(const std::vector<ChakraRank>& files, const TraceOptions& options, TraceNotes& notes)
      : files_(files),
        options_(options),
        notes_(notes),
        groups_(options.groups, static_cast<std::uint32_t>(files.size())),
        maker_(std::make_shared<CollectiveMaker>(options)) {}

  NamedProgram read() {
    trace_.ranks.resize(files_.size());
    for (rank_ = 0; rank_ < files_.size(); ++rank_) read_rank();
    finish_collectives();
    if (times_of_flop_ > 0)
      notes_.push_back(fmt::format("{} operations without a duration took their FLOP at the given speed", times_of_flop_));
    try {
      return joined(std::move(trace_), options_);
    } catch (const UserError& e) {
      std::vector<Problem> problems = e.problems();
      for (Problem& p : problems) p.file = p.file.empty() ? files_[0].file : p.file;
      throw UserError(std::move(problems));
    }
  }

 private:
  std::string place(const ChakraNode& n) const {
    return fmt::format("{}: node {} (\"{}\")", files_[rank_].file, n.id, n.name.substr(0, 80));
  }
  [[noreturn]] void fail(const ChakraNode& n, const std::string& message, const std::string& hint) const {
    throw UserError({{place(n), "", message, hint}});
  }

  void read_rank() {
    const std::vector<ChakraNode> nodes = read_chakra_nodes(files_[rank_].bytes, files_[rank_].file);
    count_ += nodes.size();
    if (count_ > kMostNamedOperations)
      throw UserError(
          {{files_[rank_].file, "", fmt::format("the trace has more than {} nodes", kMostNamedOperations), "import a part of it"}});
    std::unordered_map<std::uint64_t, std::uint32_t> number_of;
    for (const ChakraNode& n : nodes) {
      if (!number_of.try_emplace(n.id, static_cast<std::uint32_t>(number_of.size())).second)
        fail(n, "the id stands in the file twice", "give each node an id of its own");
      if (n.type == static_cast<std::uint32_t>(ChakraType::metadata)) groups_.read_metadata(rank_, n.input_values);
    }
    for (const ChakraNode& n : nodes) {
      RankOperation op = operation(n);
      op.name = fmt::format("n{}", n.id);
      op.label = n.name;
      op.place = place(n);
      for (const std::uint64_t d : n.deps) {
        const auto before = number_of.find(d);
        if (before == number_of.end())
          fail(n, fmt::format("waits for node {}, which the file does not have", d), "dependencies are between nodes of one rank");
        if (d == n.id) fail(n, "waits for itself", "take the dependency out");
        op.after.push_back(before->second);
      }
      trace_.ranks[rank_].push_back(std::move(op));
    }
  }

  RankOperation operation(const ChakraNode& n) {
    RankOperation op;
    if (n.type > static_cast<std::uint32_t>(ChakraType::checkpoint))
      fail(n, fmt::format("type {} is not known", n.type), "weft knows the types of Chakra 0.0.4 and STORAGE, BATCH and CHECKPOINT");
    const auto type = static_cast<ChakraType>(n.type);
    switch (type) {
      case ChakraType::invalid:
      case ChakraType::metadata:
        break;  // they pass dependencies on
      case ChakraType::comp:
        read_compute(n, op);
        break;
      case ChakraType::comm_send:
        read_message(n, op, Kind::send, "comm_dst", "comm_src");
        break;
      case ChakraType::comm_recv:
        read_message(n, op, Kind::receive, "comm_src", "comm_dst");
        break;
      case ChakraType::comm_coll:
        read_collective(n, op);
        break;
      default:
        if (n.duration_us == 0)
          fail(n, fmt::format("{} has no duration, and weft has no model for it here", name_of(type)),
               "give it a duration, or take it out");
        op.kind = Kind::compute;
        op.duration = duration(n);
        op.stream = type == ChakraType::mem_load || type == ChakraType::mem_store ? "memory" : "storage";
    }
    return op;
  }

  /// Whole microseconds, unless weft wrote the trace and said it exactly.
  Seconds duration(const ChakraNode& n) const {
    const double us = static_cast<double>(n.duration_us);
    if (us > 1e15) fail(n, fmt::format("a duration of {} us is out of range", n.duration_us), "");
    const ChakraAttribute* exact = n.find("weft_seconds");
    if (exact == nullptr) return Seconds(us * 1e-6);
    const double* s = std::get_if<double>(&exact->value);
    if (s == nullptr || !(*s >= 0) || std::round(*s * 1e6) != us)
      fail(n, fmt::format("weft_seconds is not the duration of {} us, rounded", n.duration_us),
           "take weft_seconds out of a node whose duration was changed");
    return Seconds(*s);
  }

  void read_compute(const ChakraNode& n, RankOperation& op) {
    op.duration = duration(n);
    const ChakraAttribute* kind = n.find("weft_kind");
    if (kind != nullptr && kind->value == decltype(kind->value)("marker")) return;
    const std::uint64_t flop = whole_or(n, "num_ops", 0);
    if (op.duration.value() == 0 && flop > 0) {
      if (!options_.peak)
        fail(n, fmt::format("has no duration but {} operations (num_ops)", flop), "say how fast they are: --flops \"400 TFLOPS\"");
      op.duration = Seconds(static_cast<double>(flop) / options_.peak->value());
      ++times_of_flop_;
    }
    if (op.duration.value() == 0) return;
    op.kind = Kind::compute;
    op.sms = static_cast<std::uint32_t>(std::min<std::uint64_t>(whole_or(n, "weft_sms", 0), 100000));
    const ChakraAttribute* cpu = n.find("is_cpu_op");
    const bool on_cpu = cpu != nullptr && cpu->value == decltype(cpu->value)(true);
    if (n.find("weft_alone") != nullptr) return;
    if (on_cpu)
      op.stream = n.find("tid") != nullptr ? fmt::format("cpu{}", whole_or(n, "tid", 0)) : "cpu";
    else
      op.stream = n.find("stream") != nullptr ? fmt::format("stream{}", whole_or(n, "stream", 0)) : "gpu";
  }

  std::uint64_t whole_or(const ChakraNode& n, const char* name, std::uint64_t fallback) const {
    const ChakraAttribute* a = n.find(name);
    if (a == nullptr) return fallback;
    const std::int64_t* v = std::get_if<std::int64_t>(&a->value);
    if (v == nullptr || *v < 0) fail(n, fmt::format("{} is no whole number, or negative", name), "");
    return static_cast<std::uint64_t>(*v);
  }

  std::uint64_t whole(const ChakraNode& n, const char* name) const {
    if (n.find(name) == nullptr) fail(n, fmt::format("a {} needs the attribute {}", name_of(static_cast<ChakraType>(n.type)), name), "");
    return whole_or(n, name, 0);
  }

  Bytes size(const ChakraNode& n) const {
    const std::uint64_t bytes = whole(n, "comm_size");
    if (bytes > 1'000'000'000'000'000'000ull) fail(n, fmt::format("a comm_size of {} B is out of range", bytes), "");
    return Bytes(static_cast<double>(bytes));
  }

  void read_message(const ChakraNode& n, RankOperation& op, Kind kind, const char* other, const char* own) const {
    op.kind = kind;
    op.bytes = size(n);
    const std::uint64_t self = whole_or(n, own, rank_);
    if (self != rank_) fail(n, fmt::format("{} is {}, but the file is that of rank {}", own, self, rank_), "");
    if (n.find(other) == nullptr) {  // in a group of two there is only one other
      const std::vector<std::uint32_t> members = members_of(n);
      if (members.size() != 2) whole(n, other);
      op.peer = members[members[0] == rank_ ? 1 : 0];
    } else {
      const std::uint64_t peer = whole_or(n, other, 0);
      if (peer >= files_.size())
        fail(n, fmt::format("{} is {}, but the trace has ranks 0 to {}", other, peer, files_.size() - 1), "is a file missing?");
      op.peer = static_cast<std::uint32_t>(peer);
    }
    op.tag = static_cast<std::int64_t>(whole_or(n, "comm_tag", 0));
  }

  std::vector<std::uint32_t> members_of(const ChakraNode& n) const {
    std::string group;
    if (const ChakraAttribute* a = n.find("pg_name")) {
      if (const auto* text = std::get_if<std::string>(&a->value))
        group = *text;
      else if (const auto* number = std::get_if<std::int64_t>(&a->value))
        group = std::to_string(*number);
    }
    const std::vector<std::uint32_t>* members = groups_.find(rank_, group);
    if (members == nullptr)
      fail(n, fmt::format("the group \"{}\" is not known", group), "give the file of groups: --groups groups.json, {\"0\": [0, 1, ...]}");
    for (const std::uint32_t m : *members) {
      if (m >= files_.size())
        fail(n, fmt::format("its group \"{}\" has rank {}, but the trace has ranks 0 to {}", group, m, files_.size() - 1),
             "is a file missing?");
    }
    if (std::find(members->begin(), members->end(), rank_) == members->end())
      fail(n, fmt::format("rank {} is not in the group \"{}\"", rank_, group), "");
    return *members;
  }

  struct Instance {
    GroupCollective what;
    std::string place;  ///< of the first member's node
    std::size_t seen = 0;
    std::uint32_t number;  ///< in trace_.collectives
  };

  void read_collective(const ChakraNode& n, RankOperation& op) {
    GroupCollective c;
    const std::uint64_t type = whole(n, "comm_type");
    if (type > static_cast<std::uint64_t>(ChakraCollective::barrier)) fail(n, fmt::format("the collective {} is not known", type), "");
    c.type = static_cast<ChakraCollective>(type);
    if (!CollectiveMaker::known(c.type))
      fail(n, fmt::format("{} cannot be made of transfers yet", name_of(c.type)), "write it as sends and receives");
    if (c.type != ChakraCollective::barrier) c.bytes = size(n);
    if (const ChakraAttribute* dims = n.find("involved_dim")) {
      const auto* list = std::get_if<std::vector<bool>>(&dims->value);
      if (list == nullptr || std::find(list->begin(), list->end(), false) != list->end()) {
        fail(n, "goes over some dimensions of a network only (involved_dim), and weft's networks have none",
             "name the group that takes part: pg_name");
      }
    }
    c.members = members_of(n);
    rotate_to_root(n, c);
    c.label = n.name;
    op.kind = Kind::collective;
    std::vector<Instance>& list = instances_[c.members];
    std::size_t& next = next_[{rank_, c.members}];
    if (next == list.size()) {
      c.name = fmt::format("{}.{}", name_of(c.type), trace_.collectives.size());
      list.push_back({c, place(n), 0, static_cast<std::uint32_t>(trace_.collectives.size())});
      trace_.collectives.push_back({c.name, {}});
    }
    Instance& it = list[next++];
    if (it.what.type != c.type || it.what.bytes != c.bytes) {
      fail(n,
           fmt::format("number {} of its group is a {} of {:.0f} B here and a {} of {:.0f} B at {}", next - 1, name_of(c.type),
                       c.bytes.value(), name_of(it.what.type), it.what.bytes.value(), it.place),
           "all ranks of a group have its collectives in one order");
    }
    ++it.seen;
    op.collective = it.number;
  }

  /// A broadcast begins at its root; who that is hardly matters to its time.
  void rotate_to_root(const ChakraNode& n, GroupCollective& c) const {
    if (c.type != ChakraCollective::broadcast) return;
    const std::uint64_t root = whole_or(n, "root_rank", c.members[0]);
    const auto at = std::find(c.members.begin(), c.members.end(), root);
    if (at == c.members.end()) fail(n, fmt::format("its root {} is not in its group", root), "");
    std::rotate(c.members.begin(), at, c.members.end());
  }

  void finish_collectives() {
    for (const auto& [members, list] : instances_) {
      for (const Instance& it : list) {
        if (it.seen < members.size()) {
          throw UserError({{it.place, "", fmt::format("a {} of {} ranks has {} of them", name_of(it.what.type), members.size(), it.seen),
                            "every rank of a group takes part in all its collectives"}});
        }
        trace_.collectives[it.number].expand = [maker = maker_, what = it.what](NamedProgram& out,
                                                                                const std::vector<std::uint32_t>& after) {
          return maker->make(what, out, after);
        };
      }
    }
  }

  const std::vector<ChakraRank>& files_;
  const TraceOptions& options_;
  TraceNotes& notes_;
  ChakraGroups groups_;
  std::shared_ptr<CollectiveMaker> maker_;
  RankTrace trace_;
  std::uint32_t rank_ = 0;
  std::size_t count_ = 0, times_of_flop_ = 0;
  std::map<std::vector<std::uint32_t>, std::vector<Instance>> instances_;             ///< by members, in order
  std::map<std::pair<std::uint32_t, std::vector<std::uint32_t>>, std::size_t> next_;  ///< by rank and members
};

}  // namespace

NamedProgram read_chakra(const std::vector<ChakraRank>& ranks, const TraceOptions& options, TraceNotes& notes) {
  return ChakraReader(ranks, options, notes).read();
}

}  // namespace weft::workloads

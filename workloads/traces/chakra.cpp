// Chakra execution traces of MLCommons: one file a rank, protobuf (or JSON, when read).
#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "workloads/traces/chakra_nodes.h"
#include "workloads/traces/chakra_read.h"
#include "workloads/traces/rank_trace.h"

namespace weft::workloads {
namespace {

namespace fs = std::filesystem;
using Kind = RankOperation::Kind;

struct Files {
  std::string prefix, suffix;  ///< PREFIX.0.et has the prefix "PREFIX." and the suffix ".et"
};

/// "run/t.3.et" has the prefix "run/t." and the suffix ".et".
std::optional<Files> parts_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string::npos || dot == 0) return std::nullopt;
  const std::size_t before = path.rfind('.', dot - 1);
  if (before == std::string::npos || before + 1 == dot || path.find_first_not_of("0123456789", before + 1) != dot) return std::nullopt;
  return Files{path.substr(0, before + 1), path.substr(dot)};
}

Files files_of(const std::string& path) {
  std::error_code error;
  if (fs::is_regular_file(path, error)) {
    if (const auto parts = parts_of(path)) return *parts;
    throw UserError({{path, "", "a Chakra trace has a file for each rank, PREFIX.0.et, PREFIX.1.et, ...",
                      "rename a trace of one rank to PREFIX.0.et"}});
  }
  for (const char* suffix : {".et", ".json"}) {
    if (fs::exists(path + ".0" + suffix, error)) return {path + ".", suffix};
  }
  throw UserError({{path, "", fmt::format("there is no file {0}.0.et or {0}.0.json", path),
                    "name the traces by what stands before the number of the rank"}});
}

/// Ranks count from 0 without a gap.
std::uint32_t ranks_of(const Files& files, const std::string& path) {
  const fs::path prefix(files.prefix);
  const std::string begin = prefix.filename().string();
  std::size_t count = 0, most = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(prefix.has_parent_path() ? prefix.parent_path() : fs::path("."), error)) {
    const auto parts = parts_of(entry.path().filename().string());
    if (!parts || parts->prefix != begin || parts->suffix != files.suffix) continue;
    const std::string name = entry.path().filename().string();
    std::uint32_t rank = 0;
    const auto [end, bad] = std::from_chars(name.data() + begin.size(), name.data() + name.size(), rank);
    if (bad != std::errc() || rank >= kMostNamedRanks ||
        std::to_string(rank).size() != static_cast<std::size_t>(end - name.data()) - begin.size())
      continue;
    ++count;
    most = std::max<std::size_t>(most, rank);
  }
  if (count == 0) throw UserError({{path, "", "the folder of the trace cannot be read", ""}});
  if (count != most + 1)
    throw UserError({{path, "", fmt::format("there are {} files, but the last one is that of rank {}", count, most),
                      "every rank from 0 needs its own"}});
  return static_cast<std::uint32_t>(count);
}

NamedProgram read_files(const std::string& path, const TraceOptions& options, TraceNotes& notes) {
  const Files files = files_of(path);
  const std::uint32_t count = ranks_of(files, path);
  std::vector<std::string> bytes;
  std::vector<ChakraRank> ranks;
  std::size_t left = std::size_t{4} << 30;
  for (std::uint32_t r = 0; r < count; ++r) {
    const std::string name = fmt::format("{}{}{}", files.prefix, r, files.suffix);
    bytes.push_back(read_file(name, std::min(left, std::size_t{1} << 30)));
    left -= bytes.back().size();
    ranks.push_back({name, {}});
  }
  for (std::uint32_t r = 0; r < count; ++r) ranks[r].bytes = bytes[r];
  return read_chakra(ranks, options, notes);
}

class NodeWriter {
 public:
  std::vector<ChakraNode> nodes(const std::vector<RankOperation>& own, std::uint32_t rank) {
    std::vector<ChakraNode> list;
    std::map<std::string, std::int64_t> streams;
    std::map<std::string, std::uint64_t> last;  // of each stream
    for (std::size_t i = 0; i < own.size(); ++i) {
      const RankOperation& op = own[i];
      ChakraNode n;
      n.id = i;
      n.name = op.label.empty() ? op.name : op.label;
      n.deps.assign(op.after.begin(), op.after.end());
      n.attributes.push_back({"is_cpu_op", false});
      if (op.kind == Kind::send || op.kind == Kind::receive) {
        add_message(op, rank, n);
      } else {
        n.type = static_cast<std::uint32_t>(ChakraType::comp);
        add_time(op, n);
        if (op.kind == Kind::marker)
          n.attributes.push_back({"weft_kind", std::string("marker")});
        else if (op.stream.empty())
          n.attributes.push_back({"weft_alone", true});
        if (op.sms > 0) n.attributes.push_back({"weft_sms", std::int64_t{op.sms}});
        if (!op.stream.empty()) {
          n.attributes.push_back({"stream", streams.try_emplace(op.stream, static_cast<std::int64_t>(streams.size())).first->second});
          const auto [before, first] = last.try_emplace(op.stream, i);
          if (!first) n.deps.push_back(std::exchange(before->second, i));
        }
      }
      std::sort(n.deps.begin(), n.deps.end());
      n.deps.erase(std::unique(n.deps.begin(), n.deps.end()), n.deps.end());
      list.push_back(std::move(n));
    }
    return list;
  }

  void tell(TraceNotes& notes) const {
    if (rounded_times_ > 0)
      notes.push_back(fmt::format(
          "{} durations are no whole microseconds, which is all that Chakra knows; the attribute weft_seconds has them", rounded_times_));
    if (rounded_sizes_ > 0) notes.push_back(fmt::format("{} sizes were rounded to whole bytes", rounded_sizes_));
  }

 private:
  void add_time(const RankOperation& op, ChakraNode& n) {
    const double s = op.duration.value(), us = std::round(s * 1e6);
    n.duration_us = static_cast<std::uint64_t>(us);
    if (us * 1e-6 == s) return;
    n.attributes.push_back({"weft_seconds", s});
    ++rounded_times_;
  }

  /// Readers look for ranks and tags among 32-bit numbers, for sizes among 64-bit ones.
  void add_message(const RankOperation& op, std::uint32_t rank, ChakraNode& n) {
    const bool send = op.kind == Kind::send;
    n.type = static_cast<std::uint32_t>(send ? ChakraType::comm_send : ChakraType::comm_recv);
    const double bytes = std::round(op.bytes.value());
    if (bytes != op.bytes.value()) ++rounded_sizes_;
    const auto small = [](std::int64_t v) { return static_cast<std::int32_t>(v); };
    n.attributes.push_back({"comm_size", static_cast<std::int64_t>(bytes)});
    n.attributes.push_back({"comm_src", small(send ? rank : op.peer)});
    n.attributes.push_back({"comm_dst", small(send ? op.peer : rank)});
    n.attributes.push_back({"comm_tag", small(op.tag)});
  }

  std::size_t rounded_times_ = 0, rounded_sizes_ = 0;
};

std::vector<TraceFile> write_files(const NamedProgram& program, TraceNotes& notes) {
  const RankTrace trace = rank_trace(program, notes);
  std::vector<TraceFile> files;
  NodeWriter writer;
  for (std::uint32_t r = 0; r < trace.ranks.size(); ++r)
    files.push_back({fmt::format(".{}.et", r), write_chakra_nodes(writer.nodes(trace.ranks[r], r))});
  writer.tell(notes);
  return files;
}

}  // namespace

TraceFormat chakra_format() {
  TraceFormat f;
  f.name = "chakra";
  f.title = "Chakra execution traces (MLCommons)";
  f.files = "PREFIX.0.et, PREFIX.1.et, ..., one a rank; also PREFIX.0.json, ... when read";
  f.read = read_files;
  f.write = write_files;
  return f;
}

}  // namespace weft::workloads

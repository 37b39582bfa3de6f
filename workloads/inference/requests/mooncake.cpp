#include <algorithm>
#include <cmath>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/json.h"
#include "workloads/inference/requests/lengths.h"
#include "workloads/inference/requests/trace_reader.h"

namespace weft::workloads::inference {
namespace {

using Value = nlohmann::json;

class Mooncake final : public TraceReader {
 public:
  Mooncake(const std::string& path, const std::string& name, std::uint32_t block_tokens, bool blocks_due)
      : lines_(path, name), block_tokens_(block_tokens), blocks_due_(blocks_due) {}

  bool next(TraceEntry& out) override {
    std::string_view line;
    if (!lines_.next(line)) return false;
    const Value v = Value::parse(line.begin(), line.end(), nullptr, false);
    if (v.is_discarded()) lines_.fail("this is not JSON", lines_.unfinished() ? "the file seems to be cut off" : "expected one object a line");
    if (!v.is_object()) lines_.fail("expected an object with timestamp, input_length, output_length and hash_ids");
    out.time_ns = time(member(v, "timestamp"));
    out.prompt = length(v, "input_length");
    out.output = length(v, "output_length");
    read_blocks(v, out);
    return true;
  }

  const TraceLines& lines() const override { return lines_; }

 private:
  const Value& member(const Value& v, const char* key) const {
    const auto found = v.find(key);
    if (found == v.end())
      lines_.fail(fmt::format("there is no \"{}\"", key), "a line of Mooncake's format has timestamp, input_length, output_length and hash_ids");
    return *found;
  }

  std::int64_t time(const Value& v) const {
    const double ms = v.is_number() ? v.get<double>() : -1;
    if (!(ms >= 0 && ms <= 9e12)) lines_.fail(fmt::format("expected \"timestamp\" as milliseconds since the start, got {}", v.dump()));
    return std::llround(ms * 1e6);
  }

  std::uint32_t length(const Value& v, const char* key) const {
    const Value& tokens = member(v, key);
    if (!tokens.is_number_unsigned() || tokens.get<std::uint64_t>() > longest_length)
      lines_.fail(fmt::format("expected \"{}\" as a number of tokens up to {}, got {}", key, longest_length, tokens.dump()));
    return tokens.get<std::uint32_t>();
  }

  void read_blocks(const Value& v, TraceEntry& out) const {
    out.blocks.clear();
    const auto found = v.find("hash_ids");
    if (found == v.end() || found->is_null()) {
      if (blocks_due_) lines_.fail("there is no \"hash_ids\"", "without them: \"cache\": \"none\", or {\"model\": \"all_alike\"}");
      return;
    }
    if (!found->is_array()) lines_.fail(fmt::format("expected \"hash_ids\" as a list of numbers, got {}", found->dump()));
    for (const Value& id : *found) {
      if (!id.is_number_unsigned()) lines_.fail(fmt::format("expected \"hash_ids\" as a list of numbers from 0 on, with {} in it", id.dump()));
      out.blocks.push_back(id.get<std::uint64_t>());
    }
    const std::uint64_t most = (std::uint64_t{out.prompt} + block_tokens_ - 1) / block_tokens_;
    if (out.blocks.size() > most) {
      lines_.fail(fmt::format("{} hash_ids for {} tokens, which are {} blocks of {}", out.blocks.size(), out.prompt, most, block_tokens_),
                  "another size of blocks is named by \"block\"");
    }
  }

  TraceLines lines_;
  std::uint32_t block_tokens_;
  bool blocks_due_;
};

}  // namespace

std::unique_ptr<TraceReader> read_mooncake(const std::string& path, const std::string& name, std::uint32_t block_tokens, bool blocks_due) {
  return std::make_unique<Mooncake>(path, name, block_tokens, blocks_due);
}

TraceFormat format_of(const std::string& path, const std::string& name) {
  TraceLines lines(path, name);
  std::string_view line;
  if (!lines.next(line)) throw UserError({{name, "", "the trace is empty", "expected Mooncake's JSON lines or Azure's CSV"}});
  if (line[line.find_first_not_of(" \t")] == '{') return TraceFormat::mooncake;
  if (line.find("ContextTokens") != std::string_view::npos || line.find("GeneratedTokens") != std::string_view::npos ||
      line.find("TIMESTAMP") != std::string_view::npos)
    return TraceFormat::azure;
  lines.fail("this is neither Mooncake's JSON, an object a line, nor Azure's CSV, whose first line is TIMESTAMP,ContextTokens,GeneratedTokens",
             "the format may be named: \"format\": \"mooncake\" or \"azure\"");
}

}  // namespace weft::workloads::inference

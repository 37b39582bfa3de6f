// A TraceReader gives the requests of a recorded trace as its file has them, line by line; each format is one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "workloads/inference/requests/trace_lines.h"

namespace weft::workloads::inference {

enum class TraceFormat { mooncake, azure };

struct TraceEntry {
  std::int64_t time_ns = 0;              ///< since any beginning; not checked for order
  std::uint32_t prompt = 0, output = 0;  ///< tokens; may be zero
  std::vector<std::uint64_t> blocks;     ///< Mooncake's hash ids
};

class TraceReader {
 public:
  virtual ~TraceReader() = default;
  /// False: the file has ended. Throws UserError with file, line and hint.
  virtual bool next(TraceEntry& out) = 0;
  virtual const TraceLines& lines() const = 0;
};

/// What the first line of a file looks like. Throws UserError when it is neither, or the file is empty.
TraceFormat format_of(const std::string& path, const std::string& name);

/// Mooncake's JSONL: {"timestamp": ms, "input_length": tokens, "output_length": tokens, "hash_ids": [...]} a line; an id stands for
/// `block_tokens` tokens and all before them. `hash_ids` are due where `blocks_due`.
std::unique_ptr<TraceReader> read_mooncake(const std::string& path, const std::string& name, std::uint32_t block_tokens, bool blocks_due);
/// Azure's CSV of 2023, 2024 and 2025: columns TIMESTAMP, ContextTokens, GeneratedTokens and any others, in any order.
std::unique_ptr<TraceReader> read_azure(const std::string& path, const std::string& name);

}  // namespace weft::workloads::inference

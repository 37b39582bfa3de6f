// A RequestSource is what a scenario's "requests" object describes: a trace or a seeded process, opened as often as one likes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/files.h"
#include "sim/core/json.h"
#include "sim/core/provenance.h"
#include "sim/core/row.h"
#include "workloads/inference/requests/request.h"

namespace weft::workloads::inference {

/// What a reader of requests may know of who will serve them.
struct RequestContext {
  const DataPlaces* data = nullptr;
  std::uint32_t max_context = 0;   ///< tokens of prompt and answer together that the model takes; zero: no limit
  Bytes token_bytes;               ///< of the model's KV cache for a token; zero: DeepSeek-V3's
};

/// What is known before a request has been drawn or read; absent is not known (of a trace: nearly all).
struct RequestSummary {
  std::optional<double> requests;          ///< mean number of them
  std::optional<Seconds> duration;         ///< in which they come; a `limit` may end them sooner, and it is not known then
  std::optional<double> per_second;        ///< mean rate
  std::optional<double> peak_per_second;   ///< where the rate of arrival is highest, as a mean over draws
  std::optional<double> prompt, output;    ///< mean tokens
  std::optional<double> hit;               ///< part of the prompts' tokens that stands in the prefix cache
};

class RequestSource {
 public:
  virtual ~RequestSource() = default;
  /// A fresh stream. The same seed gives the same requests; request number i of a process depends on the seed and on i alone. May be
  /// called from several threads. Throws UserError.
  virtual std::unique_ptr<RequestStream> open(std::uint64_t seed) const = 0;
  virtual RequestSummary summary() const = 0;
  /// Its keys with their defaults; read again it is the same source.
  virtual Json resolved() const = 0;
  /// Constants that it takes from data files or by default.
  virtual std::vector<ConstantUsed> constants() const = 0;
  /// What a reader of results has to know.
  virtual std::vector<std::string> notes() const { return {}; }
};

/// Reads {"process": ...} or {"trace": "path", ...}; README.md has the keys. Problems are recorded with their place; null then. A trace is
/// looked at up to its first request.
std::unique_ptr<RequestSource> requests_from(JsonReader where, const RequestContext& context);

/// The keys of such an object, for the page of a kind that takes one.
std::vector<ColumnDoc> request_parameter_docs();

}  // namespace weft::workloads::inference

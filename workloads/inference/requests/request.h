// A Request: when it comes, how long its prompt and answer are, and which parts of its prompt others share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/core/units.h"

namespace weft::workloads::inference {

struct Request {
  Seconds arrival;                ///< since the start; never before that of the request ahead
  std::uint32_t prompt = 0;       ///< tokens, at least one
  std::uint32_t output = 0;       ///< tokens, at least one
  std::uint32_t cached = 0;       ///< leading tokens of the prompt that stand in the prefix cache when it comes; less than prompt
};

/// Requests in order of arrival, one at a time, so that millions need no memory.
class RequestStream {
 public:
  virtual ~RequestStream() = default;
  /// False: there are no more. Throws UserError (file:line of a trace) when what it reads is wrong.
  virtual bool next(Request& out) = 0;
  /// What the user should be told of what was read so far: requests that were cut or dropped, and how many.
  virtual std::vector<std::string> warnings() const { return {}; }
};

}  // namespace weft::workloads::inference

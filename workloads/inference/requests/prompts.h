// PromptStream: requests with the pieces that their prompts are made of, before a prefix cache has been asked about them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/inference/requests/request.h"

namespace weft::workloads::inference {

/// A run of tokens that stands at one place after one beginning: whoever has the same id has the same tokens up to its end.
struct Piece {
  std::uint64_t id = 0;
  std::uint32_t tokens = 0;
};

struct Prompt {
  Request request;
  std::vector<Piece> pieces;   ///< from the beginning; the last ones may reach beyond the prompt, into its answer. Empty: nothing is known of it
  bool counts = true;          ///< false: it fills the cache but lies before the part that was asked for
};

class PromptStream {
 public:
  virtual ~PromptStream() = default;
  /// False: there are no more. Throws UserError.
  virtual bool next(Prompt& out) = 0;
  /// Where the last one stands, for messages: file and "line 17", or no file and "request 17".
  virtual std::string file() const { return {}; }
  virtual std::string place() const = 0;
  virtual std::vector<std::string> warnings() const { return {}; }
};

}  // namespace weft::workloads::inference

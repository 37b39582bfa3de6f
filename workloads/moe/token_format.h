// A TokenFormat says in how many bytes an exchange sends a token: the bits of an element, and what goes with every 128 of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/communication.h"
#include "workloads/parameters.h"

namespace weft::workloads::moe {

struct TokenFormat {
  std::string name = "bf16";
  double element_bits = 16;
  double block_bytes = 0;      ///< beside every 128 elements: a scale, or the range of a logarithm
  double codec_overhead = 0;   ///< what coding adds to an exchange's time on its kernel, as a part of it

  bool logarithmic() const { return name.starts_with("logfmt"); }
  /// Of one token's copy. `hidden` is a multiple of 128 where every 128 elements have something beside them.
  Bytes copy(std::int64_t hidden) const;
};

/// "fp8" (E4M3, a 4-byte scale for every 128 elements), "bf16", and LogFMT with 10 or 8 bits an element (arXiv:2505.09343 section 3.2).
std::vector<std::string> token_format_names();
/// Precondition: a known name.
TokenFormat token_format(const std::string& name);

/// The format that a key names. What is left out is told in the resolved parameters only where `tells`.
TokenFormat read_token_format(Parameters& p, const std::string& key, const std::string& fallback, std::int64_t hidden, bool tells);
/// The keys of LogFMT, for those of an exchange's formats that are; a problem where none is.
void read_logfmt(Parameters& p, std::vector<TokenFormat*> formats, const models::CommunicationModel& kernel);
std::vector<ColumnDoc> logfmt_parameter_docs();

/// The kernel when it also codes: it moves as many bytes in 1 + overhead of the time.
models::CommunicationModel coding(models::CommunicationModel kernel, const TokenFormat& format);

}  // namespace weft::workloads::moe

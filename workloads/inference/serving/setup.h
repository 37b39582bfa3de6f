// ServingSetup: all that a serving cluster is told before it starts: units, times, requests, policies, goals.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "sim/core/units.h"
#include "workloads/inference/mtp.h"
#include "workloads/inference/requests/request.h"
#include "workloads/inference/step_times.h"
#include "workloads/program.h"
#include "workloads/rails.h"
#include "workloads/workload.h"

namespace weft::workloads::inference::serving {

/// How prompts are dealt out to the groups of a unit: by what they are expected to take (attention and tokens), by new tokens, in turn.
enum class PrefillBalance { work, tokens, in_turn };
/// How requests are dealt out to the groups of all decode units.
enum class DecodeBalance { kv_and_requests, kv, requests, in_turn };
/// Memory of a request in decode: for prompt and answer when it comes, or as it grows; then the youngest gives way when there is none left.
enum class KvRoom { reserve, preempt };
/// A request that no group could ever hold: an error, or counted and left out.
enum class TooLong { error, refuse };

/// Whose load a pass or step takes as long as. All groups wait for each other in every layer: for the one whose attention takes longest, while
/// exchanges and experts work on what all of them send; so: the group with the most work, with no fewer tokens (requests) than the mean. Or as if one
/// group had the largest of each number, which is an upper bound.
enum class WaitFor { busiest_group, largest_of_each };

struct ServingPolicy {
  WaitFor wait_for = WaitFor::busiest_group;
  // Prefill.
  std::uint32_t max_tokens = 16384;        ///< new tokens of a group in a pass
  std::uint32_t max_piece = 0;             ///< of one prompt in a pass; zero: max_tokens
  /// A prompt is cut to fill what is left of a group's pass only if so many of its tokens fit: shorter pieces cost a pass more than they save. A
  /// piece of a long context has so many however long they take. Assumed.
  std::uint32_t min_piece = 256;
  std::uint32_t max_prompts = 0;           ///< prompts, or pieces, of a group in a pass; zero: no limit
  std::uint64_t max_waiting = 0;           ///< requests that wait for prefill; more are turned away. Zero: no limit
  PrefillBalance prefill_balance = PrefillBalance::work;
  // Between them.
  bool overlap_transfer = false;           ///< layer by layer, beginning with the last pass of a prompt
  // Decode.
  std::uint32_t max_requests = 0;          ///< of a group; zero: memory alone decides
  KvRoom kv_room = KvRoom::reserve;
  DecodeBalance decode_balance = DecodeBalance::kv_and_requests;
  double acceptance = kAcceptance;         ///< of a draft when the one before it was accepted
  // Requests.
  TooLong too_long = TooLong::error;
  std::uint32_t context = 0;               ///< tokens of prompt and answer; zero: no limit
  // Cached prompts.
  BytesPerSecond disk_rate;                ///< of a read without storage nodes; zero: no time
  std::uint32_t disk_stripes = 8;          ///< SSDs that a read or write is spread over
  bool write_back = false;                 ///< new tokens' cache goes to the SSDs
};

/// When a request counts as well served; without either, none is counted.
struct Slo {
  std::optional<Seconds> ttft, tpot;
};

/// Units of one kind on whole nodes, one after the other.
struct StageSetup {
  Unit unit;
  std::uint32_t units = 1;
  std::uint32_t first_node = 0;
  std::shared_ptr<const StepTimes> times;

  std::uint64_t nodes() const { return std::uint64_t{unit.nodes} * units; }
  std::uint64_t groups() const { return std::uint64_t{unit.groups} * units; }
};

struct ServingSetup {
  StageSetup prefill, decode;
  /// Bytes of a token in a cache that is moved: decode gets all that its own has, whatever prefill computes of it.
  Bytes kv_per_token() const { return std::max(prefill.unit.kv_per_token, decode.unit.kv_per_token); }
  std::function<std::unique_ptr<RequestStream>()> requests;
  ServingPolicy policy;
  Slo slo;
  std::uint64_t seed = 0;
  std::optional<Seconds> horizon;          ///< requests that come later are left out
  bool cut = false;                        ///< what is there at the horizon is not served to its end
  Seconds warm_up;                         ///< requests that come earlier are served and not counted
  Seconds every = Seconds(60);             ///< between rows of the series
  Placement placement;
  std::shared_ptr<const Rails> rails;
  /// Of KV transfers from prefill to decode, and of reads and writes of the prefix cache.
  std::array<CommKernel, 2> kernels;
  static constexpr KernelId transfers = KernelId(0), disk = KernelId(1);
  Seconds transfer_start_up;
  StorageView storage;
};

}  // namespace weft::workloads::inference::serving

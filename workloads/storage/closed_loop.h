// A ClosedLoop is a program in which each client keeps so many requests in flight: when one is done, the next begins.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "workloads/program.h"
#include "workloads/workload.h"

namespace weft::workloads::storage {

/// What a client asks for as its request number k.
struct Request {
  std::vector<Leg> legs;  ///< empty when handed to be filled in
  std::uint64_t flow_key = 0;
};

struct LoopClient {
  std::uint32_t node = 0;
  std::uint32_t in_flight = 1;
  std::uint32_t requests = 1;              ///< in all
  std::optional<BytesPerSecond> rate_cap;  ///< of one request
};

struct LoopShape {
  std::vector<LoopClient> clients;
  Bytes size;  ///< of each request
  Seconds latency;
  CommKernel kernel;
  std::string name;  ///< of a request in a timeline
  std::uint32_t ranks_per_node = 1;
};

/// Of a client's first requests, those in flight from the start, only parts move, from a small one to all of it: so clients begin as if they had been at it
/// for long, rather than in step. Not where there are no more than these.
Bytes bytes_of(const LoopShape& shape, std::uint32_t client, std::uint32_t k);

/// Requests have ids in order of client and number, whatever the order in which they are made.
class ClosedLoop final : public Program {
 public:
  /// `fill` is a function of client and number alone.
  ClosedLoop(LoopShape shape, std::function<void(std::uint32_t client, std::uint32_t k, Request& out)> fill);

  std::span<const CommKernel> kernels() const override { return {&shape_.kernel, 1}; }
  void start(Sink& sink) override;
  void on_complete(OpId op, Seconds, Sink& sink) override;
  bool label(OpId op, OpLabel& out) const override;

 private:
  void emit(std::uint32_t client, Sink& sink);
  std::uint32_t client_of(OpId op) const;

  LoopShape shape_;
  std::function<void(std::uint32_t, std::uint32_t, Request&)> fill_;
  std::vector<std::uint32_t> first_, next_;  ///< by client: id of its request 0; number of its next request
  Request request_;
};

/// What the requests of the first `clients` clients came to while all of them kept their requests in flight.
struct SteadyRate {
  BytesPerSecond rate;          ///< all together
  Seconds mean_time, p99_time;  ///< of a request
};
/// Within a window: from when every client has begun twice as many as it has in flight, or as many, until the first has only as many left to begin; where
/// there is no such time, of all. Of requests that reach beyond the window bytes count pro rata, as if they moved evenly; what that misjudges cannot
/// lift the rate over `limit`, which no rate can exceed.
SteadyRate steady_rate(const Outcome& outcome, const LoopShape& shape, std::size_t clients, BytesPerSecond limit);

}  // namespace weft::workloads::storage

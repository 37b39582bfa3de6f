#include "workloads/storage/closed_loop.h"

#include <algorithm>

namespace weft::workloads::storage {

ClosedLoop::ClosedLoop(LoopShape shape, std::function<void(std::uint32_t, std::uint32_t, Request&)> fill)
    : shape_(std::move(shape)), fill_(std::move(fill)), next_(shape_.clients.size()) {
  std::uint32_t id = 0;
  for (const LoopClient& c : shape_.clients) {
    first_.push_back(id);
    id += c.requests;
  }
}

std::uint32_t ClosedLoop::client_of(OpId op) const {
  return static_cast<std::uint32_t>(std::upper_bound(first_.begin(), first_.end(), op.value) - first_.begin() - 1);
}

Bytes bytes_of(const LoopShape& shape, std::uint32_t client, std::uint32_t k) {
  const LoopClient& c = shape.clients[client];
  if (k >= c.in_flight || c.requests == c.in_flight) return shape.size;
  const double place = k + 1 - static_cast<double>(client) / static_cast<double>(shape.clients.size());
  return shape.size * (place / c.in_flight);
}

void ClosedLoop::emit(std::uint32_t client, Sink& sink) {
  const LoopClient& c = shape_.clients[client];
  if (next_[client] == c.requests) return;
  const std::uint32_t k = next_[client]++;
  request_.legs.clear();
  fill_(client, k, request_);
  Transfer t;
  t.id = OpId(first_[client] + k);
  t.bytes = bytes_of(shape_, client, k);
  t.legs = request_.legs;
  t.kernel = KernelId(0);
  t.extra_latency = shape_.latency;
  t.rate_cap = c.rate_cap;
  t.flow_key = request_.flow_key;
  sink.transfer(t);
}

void ClosedLoop::start(Sink& sink) {
  for (std::uint32_t c = 0; c < shape_.clients.size(); ++c)
    for (std::uint32_t k = 0; k < shape_.clients[c].in_flight; ++k) emit(c, sink);
}

void ClosedLoop::on_complete(OpId op, Seconds, Sink& sink) { emit(client_of(op), sink); }

bool ClosedLoop::label(OpId op, OpLabel& out) const {
  out.name = shape_.name;
  out.rank = Rank(shape_.clients[client_of(op)].node * shape_.ranks_per_node);
  return true;
}

SteadyRate steady_rate(const Outcome& outcome, const LoopShape& shape, std::size_t clients) {
  double begin = 0, end = outcome.makespan.value();
  std::size_t all = 0;
  for (std::size_t c = 0; c < clients; ++c) {
    const LoopClient& client = shape.clients[c];
    begin = std::max(begin, outcome.start[all + std::min(2 * client.in_flight, client.requests / 2)].value());
    all += client.requests;
    end = std::min(end, outcome.start[all - 1].value());
  }
  const bool steady = end > begin;
  if (!steady) begin = 0, end = outcome.makespan.value();
  double sum = 0, done = -1, first = end, last = begin;
  std::vector<double> times;
  for (std::size_t op = 0; op < all; ++op) {
    const double from = outcome.start[op].value(), to = outcome.finish[op].value();
    // From one end of a request to another: in a steady state what is under way then has as much behind it as what is under way now.
    if (to >= begin && to <= end) ++done, first = std::min(first, to), last = std::max(last, to);
    if (from < begin || from > end) continue;
    sum += to - from;
    times.push_back(to - from);
  }
  const auto late = times.begin() + static_cast<std::ptrdiff_t>((times.size() - 1) * 99 / 100);
  std::nth_element(times.begin(), late, times.end());
  const BytesPerSecond rate = steady && done > 0 ? shape.size * done / Seconds(last - first) : shape.size * double(all) / outcome.makespan;
  return {rate, Seconds(sum / static_cast<double>(times.size())), Seconds(*late)};
}

}  // namespace weft::workloads::storage

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

namespace {

/// A stretch of time in seconds.
struct Window {
  double begin = 0, end = 0;
};

/// From when every client has begun `settled` times as many requests as it has in flight until the first has only as many left to begin: what is under
/// way at that moment ends among as many others. Nothing where there is no such time.
std::optional<Window> steady_window(const Outcome& outcome, const LoopShape& shape, std::size_t clients, std::uint32_t settled) {
  Window w{0, outcome.makespan.value()};
  std::size_t first = 0;
  for (std::size_t c = 0; c < clients; ++c) {
    const LoopClient& client = shape.clients[c];
    w.begin = std::max(w.begin, outcome.start[first + std::min(settled * client.in_flight, client.requests / 2)].value());
    first += client.requests;
    w.end = std::min(w.end, outcome.start[first - 1 - std::min(client.in_flight, client.requests - 1)].value());
  }
  return w.end > w.begin ? std::optional(w) : std::nullopt;
}

/// The part of a request's bytes that move within the window, as if they moved evenly once its latency is over.
double part_within(const Window& w, double from, double to) {
  const double within = std::min(to, w.end) - std::max(from, w.begin);
  return within <= 0 ? 0 : within / (to - from);
}

}  // namespace

SteadyRate steady_rate(const Outcome& outcome, const LoopShape& shape, std::size_t clients, BytesPerSecond limit) {
  std::optional<Window> found = steady_window(outcome, shape, clients, 2);
  if (!found) found = steady_window(outcome, shape, clients, 1);
  const Window window = found.value_or(Window{0, outcome.makespan.value()});
  double sum = 0, bytes = 0;
  std::vector<double> times;
  std::size_t op = 0;
  for (std::uint32_t c = 0; c < clients; ++c)
    for (std::uint32_t k = 0; k < shape.clients[c].requests; ++k, ++op) {
      const double from = outcome.start[op].value(), to = outcome.finish[op].value();
      bytes += bytes_of(shape, c, k).value() * part_within(window, std::min(from + shape.latency.value(), to), to);
      if (from < window.begin || from > window.end) continue;
      sum += to - from;
      times.push_back(to - from);
    }
  const auto late = times.begin() + static_cast<std::ptrdiff_t>((times.size() - 1) * 99 / 100);
  std::nth_element(times.begin(), late, times.end());
  return {std::min(limit, Bytes(bytes) / Seconds(window.end - window.begin)), Seconds(sum / static_cast<double>(times.size())), Seconds(*late)};
}

}  // namespace weft::workloads::storage

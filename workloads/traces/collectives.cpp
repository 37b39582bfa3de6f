#include "workloads/traces/collectives.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/random.h"
#include "workloads/parameters.h"
#include "workloads/traces/rank_trace.h"

namespace weft::workloads {
namespace {

/// The members of a group by node, when all nodes have GPUs of the same numbers.
struct Layout {
  std::vector<NodeId> nodes;
  std::vector<std::uint32_t> locals;
  bool regular = true;
};

Layout layout_of(const NamedProgram& shape, const std::vector<std::uint32_t>& members) {
  Layout l;
  std::vector<std::vector<std::uint32_t>> locals;
  for (const std::uint32_t rank : members) {
    const Endpoint e = shape.gpu(rank);
    const auto at = std::find(l.nodes.begin(), l.nodes.end(), e.node);
    if (at == l.nodes.end()) {
      l.nodes.push_back(e.node);
      locals.emplace_back();
      locals.back().push_back(e.local);
    } else {
      locals[static_cast<std::size_t>(at - l.nodes.begin())].push_back(e.local);
    }
  }
  for (auto& list : locals) std::sort(list.begin(), list.end());
  l.locals = locals[0];
  l.regular = std::all_of(locals.begin(), locals.end(), [&](const auto& list) { return list == l.locals; });
  return l;
}

/// The edges of ring `channel`, as those of ring_program(): it leaves every node by the NIC of its own GPU there, after a turn
/// through the node's members.
std::vector<Leg> ring_legs(const Layout& l, std::size_t channel) {
  const auto at = [&](std::size_t node, std::size_t index) {
    return Endpoint{Endpoint::Kind::gpu, l.nodes[node], l.locals[index % l.locals.size()]};
  };
  std::vector<Leg> legs;
  for (std::size_t a = 0; a < l.nodes.size(); ++a) {
    for (std::size_t x = 0; x < l.locals.size() && l.locals.size() > 1; ++x)
      legs.push_back({at(a, channel + x), at(a, channel + x + 1), 1});
    if (l.nodes.size() > 1) legs.push_back({at(a, channel), at((a + 1) % l.nodes.size(), channel), 1});
  }
  return legs;
}

/// One ring in the order of the members: what is left where nodes differ.
std::vector<Leg> plain_ring(const NamedProgram& shape, const std::vector<std::uint32_t>& members, bool pxn) {
  std::vector<Leg> legs;
  for (std::size_t i = 0; i < members.size(); ++i) {
    for (const Leg& leg : message_legs(shape, members[i], members[(i + 1) % members.size()], pxn)) legs.push_back(leg);
  }
  return legs;
}

}  // namespace

bool CollectiveMaker::known(ChakraCollective type) {
  switch (type) {
    case ChakraCollective::all_reduce:
    case ChakraCollective::all_gather:
    case ChakraCollective::reduce_scatter:
    case ChakraCollective::all_to_all:
    case ChakraCollective::broadcast:
    case ChakraCollective::barrier:
      return true;
    default:
      return false;
  }
}

std::vector<std::uint32_t> CollectiveMaker::make(const GroupCollective& c, NamedProgram& out, const std::vector<std::uint32_t>& after) {
  const double n = static_cast<double>(c.members.size());
  if (c.members.size() < 2 || c.bytes.value() == 0 || c.type == ChakraCollective::barrier) return {};
  switch (c.type) {
    case ChakraCollective::all_reduce:
      return rings(c, 2, c.bytes * (2 * (n - 1) / n), out, after);
    case ChakraCollective::reduce_scatter:
      return rings(c, 1, c.bytes * ((n - 1) / n), out, after);
    case ChakraCollective::all_gather:
      return rings(c, 1, c.bytes * (n - 1), out, after);
    case ChakraCollective::broadcast:
      return rings(c, 1, c.bytes, out, after);
    default:
      return pairs(c, out, after);
  }
}

const CollectiveMaker::Kernel& CollectiveMaker::kernel(Kernel& k, const std::string& name, NamedProgram& out) const {
  if (!k.model) {
    Problems problems;
    const Json value = name;
    k.model = models::read_communication_model(JsonReader(value, "communication kernel", problems), *options_.data);
    problems.throw_if_any();
  }
  if (!k.id.valid()) {
    CommKernel kernel = comm_kernel(*k.model);
    const auto same = std::find(out.kernels.begin(), out.kernels.end(), kernel);
    k.id = KernelId(static_cast<std::uint32_t>(same - out.kernels.begin()));
    if (same == out.kernels.end()) out.kernels.push_back(std::move(kernel));
  }
  return k;
}

std::vector<std::uint32_t> CollectiveMaker::rings(const GroupCollective& c, double passes, Bytes per_edge, NamedProgram& out,
                                                  const std::vector<std::uint32_t>& after) {
  const Layout layout = layout_of(out, c.members);
  const Kernel& k = kernel(ring_, options_.ring_kernel, out);
  std::vector<std::vector<Leg>> ways;
  if (layout.regular) {
    for (std::size_t channel = 0; channel < layout.locals.size(); ++channel) ways.push_back(ring_legs(layout, channel));
  } else {
    ways.push_back(plain_ring(out, c.members, options_.pxn));
  }
  const double all_steps = passes * static_cast<double>(c.members.size() - 1);
  const double network_steps = std::min(all_steps, passes * static_cast<double>(layout.nodes.size() - 1));
  std::vector<std::uint32_t> places;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    NamedOperation op;
    op.kind = NamedOperation::Kind::transfer;
    op.name = fmt::format("{}.ring{}", c.name, i);
    op.label = c.label;
    op.bytes = per_edge / static_cast<double>(ways.size());
    op.legs = std::move(ways[i]);
    if (c.type == ChakraCollective::broadcast) op.legs.pop_back();  // nothing goes back to where it began
    op.options.kernel = k.id;
    op.options.latency_mode = LatencyMode::none;  // NCCL's step latencies hold the wire
    op.options.extra_latency =
        k.model->start_up.value + k.model->network_step.value * network_steps + k.model->nvlink_step.value * (all_steps - network_steps);
    op.options.flow_key = hash_with(hash_name(c.name), i);
    op.after = after;
    places.push_back(static_cast<std::uint32_t>(out.operations.size()));
    out.operations.push_back(std::move(op));
  }
  return places;
}

std::vector<std::uint32_t> CollectiveMaker::pairs(const GroupCollective& c, NamedProgram& out, const std::vector<std::uint32_t>& after) {
  const std::size_t n = c.members.size();
  if (n * (n - 1) + out.operations.size() > kMostNamedOperations) {
    throw UserError("",
                    fmt::format("an all-to-all of {} ranks (\"{}\") would bring the program to more than {} operations", n, c.name,
                                kMostNamedOperations),
                    "import a part of the trace");
  }
  const Kernel& k = kernel(all_to_all_, options_.all_to_all_kernel, out);
  std::vector<std::uint32_t> places;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      if (i == j) continue;
      NamedOperation op;
      op.kind = NamedOperation::Kind::transfer;
      op.name = fmt::format("{}.{}to{}", c.name, c.members[i], c.members[j]);
      op.label = c.label;
      op.bytes = c.bytes / static_cast<double>(n);
      op.legs = message_legs(out, c.members[i], c.members[j], options_.pxn);
      op.options.kernel = k.id;
      op.options.extra_latency = k.model->start_up.value;
      op.options.flow_key = hash_with(hash_with(hash_name(c.name), i), j);
      op.after = after;
      places.push_back(static_cast<std::uint32_t>(out.operations.size()));
      out.operations.push_back(std::move(op));
    }
  }
  return places;
}

}  // namespace weft::workloads

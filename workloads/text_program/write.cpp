#include <iterator>

#include <fmt/format.h>

#include "workloads/text_program/exact_text.h"
#include "workloads/text_program/text_program.h"
#include "workloads/text_program/words.h"

namespace weft::workloads {
namespace {

using Kind = NamedOperation::Kind;
using Out = std::back_insert_iterator<std::string>;

const char* kind_name(Endpoint::Kind kind) {
  switch (kind) {
    case Endpoint::Kind::gpu:
      return "gpu";
    case Endpoint::Kind::nic:
      return "nic";
    case Endpoint::Kind::host:
      return "host";
    case Endpoint::Kind::storage_nic:
      return "storage_nic";
    case Endpoint::Kind::ssd:
      return "ssd";
    case Endpoint::Kind::nic_switch:
      return "nic_switch";
    case Endpoint::Kind::storage_host:
      break;
  }
  return "storage_host";
}

void write_end(const NamedProgram& p, const Endpoint& e, Out out) {
  const std::uint64_t rank = std::uint64_t{e.node.value} * p.per_node + e.local;
  if ((e.kind == Endpoint::Kind::gpu || e.kind == Endpoint::Kind::nic || e.kind == Endpoint::Kind::nic_switch) && e.local < p.per_node && rank < p.ranks) {
    fmt::format_to(out, "{} {}", kind_name(e.kind), rank);
    return;
  }
  fmt::format_to(out, "{}", kind_name(e.kind));
  if (e.local != 0) fmt::format_to(out, " {}", e.local);
  fmt::format_to(out, " of {} {}", in_storage_node(e) ? "storage" : "node", e.node.value);
}

/// Legs of one share that follow each other are one chain: from A via B to C.
void write_legs(const NamedProgram& p, const std::vector<Leg>& legs, Out out) {
  for (std::size_t i = 0; i < legs.size();) {
    std::size_t end = i + 1;
    while (end < legs.size() && legs[end].from == legs[end - 1].to && legs[end].share == legs[i].share) ++end;
    fmt::format_to(out, " from ");
    write_end(p, legs[i].from, out);
    for (std::size_t k = i; k < end; ++k) {
      fmt::format_to(out, "{}", k + 1 < end ? " via " : " to ");
      write_end(p, legs[k].to, out);
    }
    if (legs[i].share != 1) fmt::format_to(out, " share {}", legs[i].share);
    i = end;
  }
}

void write_transfer(const NamedProgram& p, const NamedOperation& op, Out out) {
  fmt::format_to(out, "transfer {}", exact_text(op.bytes));
  write_legs(p, op.legs, out);
  const StaticProgram::TransferOptions& o = op.options;
  if (o.kernel.valid()) fmt::format_to(out, " kernel {}", written_word(p.kernels[o.kernel.value].name));
  if (o.extra_latency.value() != 0) fmt::format_to(out, " latency {}", exact_text(o.extra_latency));
  if (o.latency_mode == LatencyMode::none) fmt::format_to(out, " no-wire");
  if (o.weight != 1) fmt::format_to(out, " weight {}", o.weight);
  if (o.rate_cap) fmt::format_to(out, " cap {}", exact_text(*o.rate_cap));
  if (o.flow_key != 0) fmt::format_to(out, " key {}", o.flow_key);
}

void write_operation(const NamedProgram& p, const NamedOperation& op, Out out) {
  fmt::format_to(out, "{}: ", written_word(op.name));
  if (op.kind == Kind::transfer) {
    write_transfer(p, op, out);
  } else if (op.kind == Kind::compute) {
    fmt::format_to(out, "compute {}", exact_text(op.duration));
  } else {
    fmt::format_to(out, "marker");
    if (op.duration.value() != 0) fmt::format_to(out, " {}", exact_text(op.duration));
  }
  if (op.rank) fmt::format_to(out, " rank {}", op.rank->value);
  if (!op.stream.empty()) fmt::format_to(out, " stream {}", written_word(op.stream));
  if (op.sms != 0) fmt::format_to(out, " sms {}", op.sms);
  if (!op.label.empty()) fmt::format_to(out, " label {}", written_word(op.label));
  if (!op.after.empty()) fmt::format_to(out, " after");
  for (const std::uint32_t before : op.after) fmt::format_to(out, " {}", written_word(p.operations[before].name));
  fmt::format_to(out, "\n");
}

}  // namespace

std::string end_text(const NamedProgram& p, const Endpoint& e) {
  std::string text;
  write_end(p, e, std::back_inserter(text));
  return text;
}

std::string write_text_program(const NamedProgram& p) {
  std::string text;
  const Out out = std::back_inserter(text);
  fmt::format_to(out, "weft-program 1\nranks {} per-node {}\n", p.ranks, p.per_node);
  for (const CommKernel& k : p.kernels) {
    fmt::format_to(out, "kernel {}", written_word(k.name));
    if (k.nic_rate) fmt::format_to(out, " nic {}", exact_text(*k.nic_rate));
    if (k.nvlink_rate) fmt::format_to(out, " nvlink {}", exact_text(*k.nvlink_rate));
    if (k.nic_share) fmt::format_to(out, " nic-share {}", *k.nic_share);
    fmt::format_to(out, "\n");
  }
  for (const NamedOperation& op : p.operations) write_operation(p, op, out);
  return text;
}

}  // namespace weft::workloads

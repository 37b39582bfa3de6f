#include "workloads/named_program.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads {
namespace {

using Kind = NamedOperation::Kind;
constexpr std::uint32_t none = ~std::uint32_t{0};

/// Numbers streams in order of appearance.
class Streams {
 public:
  std::uint32_t number(const NamedOperation& op) {
    const std::uint32_t rank = op.rank ? op.rank->value : none;
    return numbers_.try_emplace({rank, op.stream}, static_cast<std::uint32_t>(numbers_.size())).first->second;
  }

 private:
  std::map<std::pair<std::uint32_t, std::string>, std::uint32_t> numbers_;
};

bool in_stream(const NamedOperation& op) { return op.kind == Kind::compute && !op.stream.empty(); }

}  // namespace

WaitLists waits_of(const NamedProgram& program) {
  WaitLists waits;
  Streams streams;
  std::vector<std::uint32_t> last;  // of each stream
  for (std::uint32_t i = 0; i < program.operations.size(); ++i) {
    const NamedOperation& op = program.operations[i];
    for (const std::uint32_t before : op.after) waits.add(before);
    if (in_stream(op)) {
      const std::uint32_t s = streams.number(op);
      if (s == last.size()) last.push_back(none);
      if (last[s] != none) waits.add(last[s]);
      last[s] = i;
    }
    waits.next();
  }
  return waits;
}

std::string loop_text(const NamedProgram& program, const std::vector<std::uint32_t>& loop) {
  constexpr std::size_t shown = 8;
  std::string text;
  for (std::size_t i = 0; i < loop.size(); ++i) {
    if (i == shown && loop.size() > shown + 1) return text + fmt::format(", and so on, {} in all", loop.size());
    const NamedOperation& op = program.operations[loop[i]];
    const std::uint32_t next = loop[(i + 1) % loop.size()];
    bool named = false;
    for (const std::uint32_t before : op.after) named = named || before == next;
    const std::string where =
        op.rank ? fmt::format("stream {} of rank {}", op.stream, op.rank->value) : fmt::format("stream {}", op.stream);
    if (!text.empty()) text += ", ";
    text += named ? fmt::format("\"{}\" waits for \"{}\"", op.name, program.operations[next].name)
                  : fmt::format("\"{}\" comes after \"{}\" in {}", op.name, program.operations[next].name, where);
  }
  return text;
}

void append(NamedProgram& program, NamedProgram more, const std::string& prefix) {
  WEFT_CHECK(program.ranks == more.ranks && program.per_node == more.per_node, "programs of two clusters");
  std::vector<bool> waited(program.operations.size(), false);
  for (const NamedOperation& op : program.operations) {
    for (const std::uint32_t before : op.after) waited[before] = true;
  }
  NamedOperation joint;
  joint.name = prefix;
  for (std::uint32_t i = 0; i < waited.size(); ++i) {
    if (!waited[i]) joint.after.push_back(i);
  }
  const auto at = static_cast<std::uint32_t>(program.operations.size());
  program.operations.push_back(std::move(joint));
  std::vector<KernelId> kernel;
  for (CommKernel& k : more.kernels) {
    const auto same = std::find(program.kernels.begin(), program.kernels.end(), k);
    kernel.push_back(KernelId(static_cast<std::uint32_t>(same - program.kernels.begin())));
    if (same != program.kernels.end()) continue;
    const auto taken = [&] { return std::any_of(program.kernels.begin(), program.kernels.end(), [&](const CommKernel& c) { return c.name == k.name; }); };
    while (taken()) k.name += "'";
    program.kernels.push_back(std::move(k));
  }
  for (NamedOperation& op : more.operations) {
    op.name = prefix + "." + op.name;
    if (!op.stream.empty()) op.stream = prefix + "." + op.stream;
    if (op.options.kernel.valid()) op.options.kernel = kernel[op.options.kernel.value];
    for (std::uint32_t& before : op.after) before += at + 1;
    if (op.after.empty()) op.after.push_back(at);
    program.operations.push_back(std::move(op));
  }
}

std::unique_ptr<StaticProgram> static_program(const NamedProgram& program, const std::vector<std::uint32_t>& order) {
  auto out = std::make_unique<StaticProgram>();
  for (const CommKernel& k : program.kernels) out->add_kernel(k);
  Streams streams;
  std::vector<OpId> id(program.operations.size());
  std::vector<OpId> after;
  for (const std::uint32_t i : order) {
    const NamedOperation& op = program.operations[i];
    after.clear();
    for (const std::uint32_t before : op.after) {
      WEFT_CHECK(id[before].valid(), "an order in which an operation comes before one that it waits for");
      after.push_back(id[before]);
    }
    switch (op.kind) {
      case Kind::compute: {
        const StreamId stream = in_stream(op) ? StreamId(streams.number(op)) : StreamId();
        id[i] = out->add_compute(stream, op.duration, op.sms, after);
        break;
      }
      case Kind::transfer:
        id[i] = out->add_transfer(op.bytes, op.legs, op.options, after);
        break;
      case Kind::marker:
        id[i] = out->add_marker(op.duration, after);
        break;
    }
  }
  return out;
}

}  // namespace weft::workloads

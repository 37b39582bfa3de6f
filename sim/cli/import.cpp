// weft import FORMAT FILE: a trace of other tools as a program in weft's text form.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "sim/cli/trace_formats.h"
#include "sim/core/error.h"

namespace weft::cli {
namespace {

struct Options {
  Common common;
  std::string format, file, eager, flops;
  workloads::TraceOptions trace;
  bool no_pxn = false;
};

/// A quantity of the command line; throws UserError naming the option.
template <class Q>
Q quantity(const std::string& text, const char* option) {
  const ParsedUnit u = parse_unit(text);
  if (u.what != UnitOf<Q>::what || u.value < 0)
    throw UserError(option, fmt::format("expected {}, got \"{}\"", expectation(UnitOf<Q>::what), text), u.problem);
  return Q(u.value);
}

void import_trace(Options& o) {
  const workloads::TraceFormat& format = format_named(o.format, true);
  const DataPlaces data = DataPlaces::standard();
  o.trace.data = &data;
  o.trace.pxn = !o.no_pxn;
  if (!o.eager.empty()) o.trace.eager = quantity<Bytes>(o.eager, "--eager");
  if (!o.flops.empty()) o.trace.peak = quantity<FlopsPerSecond>(o.flops, "--flops");
  if (o.trace.peak && o.trace.peak->value() <= 0) throw UserError("--flops", "a speed has to be positive");
  workloads::TraceNotes notes;
  const workloads::NamedProgram program = format.read(o.file, o.trace, notes);
  for (const std::string& n : notes) note(o.common, n);
  note(o.common, counted(program));
  emit_trace(program, format_named("program", false), o.common);
}

}  // namespace

void add_import(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("import", "turn a trace of other tools into a program, weft's text form of one line an operation");
  sub->footer("Formats:\n" + format_lines(true) +
              "\nThe program runs as a workload: {\"kind\": \"program\", \"file\": \"job.weft\"}; weft show collective program says more.\n"
              "\nExamples:\n  weft import goal job.goal -o job.weft\n  weft import chakra traces/job --per-node 4 -o job.weft\n"
              "  weft import chakra traces/job --groups groups.json --flops \"400 TFLOPS\" -o job.weft\n"
              "  weft import goal - --eager 64KiB < job.goal\n  weft import kineto deepseek_v3_train -o training.weft");
  sub->add_option("FORMAT", o->format, "what the trace is")->required();
  sub->add_option("FILE", o->file, "the trace; of several files what stands before the number of the rank")->required();
  sub->add_option("--per-node", o->trace.per_node, "GPUs of a node: rank r is number r % N of node r / N")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  sub->add_option("--eager", o->eager, "messages up to this size start before their receiver is ready (default: none, as NCCL's)")
      ->type_name("SIZE");
  sub->add_flag("--no-pxn", o->no_pxn, "send from the sender's own NIC to the receiver's, whatever their rails");
  sub->add_option("--flops", o->flops, "how fast operations run that say their FLOP but no time")->type_name("SPEED");
  sub->add_option("--groups", o->trace.groups, "chakra: communicator groups, {\"0\": [0, 1, ...]}")->type_name("FILE");
  sub->add_option("--ring-kernel", o->trace.ring_kernel, "communication kernel of rings: a name or a file")->capture_default_str();
  sub->add_option("--all-to-all-kernel", o->trace.all_to_all_kernel, "communication kernel of all-to-alls")->capture_default_str();
  sub->add_option("-o,--output", o->common.output, "write to FILE; - is stdout")->type_name("FILE");
  sub->add_flag("-q,--quiet", o->common.quiet, "no notes on stderr");
  sub->callback([o] { import_trace(*o); });
}

}  // namespace weft::cli

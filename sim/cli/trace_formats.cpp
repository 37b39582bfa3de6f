#include "sim/cli/trace_formats.h"

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::cli {

using workloads::NamedOperation;
using workloads::TraceFormat;

const TraceFormat& format_named(const std::string& name, bool to_read) {
  std::vector<std::string> known;
  for (const TraceFormat& f : workloads::trace_formats()) {
    const bool can = to_read ? f.read != nullptr : f.write != nullptr;
    if (f.name == name && can) return f;
    if (f.name == name) throw UserError("FORMAT", fmt::format("{} cannot be {}", f.title, to_read ? "read" : "written"));
    if (can) known.push_back(f.name);
  }
  throw UserError("FORMAT", fmt::format("unknown format \"{}\"", name), unknown_name_hint(name, known));
}

std::string format_lines(bool to_read) {
  std::string text;
  for (const TraceFormat& f : workloads::trace_formats()) {
    if (to_read ? f.read != nullptr : f.write != nullptr) text += fmt::format("  {:<10}{}: {}\n", f.name, f.title, f.files);
  }
  return text;
}

std::string counted(const workloads::NamedProgram& p) {
  std::size_t transfers = 0, computes = 0;
  for (const NamedOperation& op : p.operations) {
    transfers += op.kind == NamedOperation::Kind::transfer;
    computes += op.kind == NamedOperation::Kind::compute;
  }
  return fmt::format("{} operations of {} ranks: {} transfers, {} computes, {} markers", p.operations.size(), p.ranks, transfers, computes,
                     p.operations.size() - transfers - computes);
}

void emit_trace(const workloads::NamedProgram& program, const TraceFormat& format, const Common& common) {
  workloads::TraceNotes notes;
  const std::vector<workloads::TraceFile> files = format.write(program, notes);
  const bool to_stdout = common.output.empty() || common.output == "-";
  if (to_stdout && (files.size() != 1 || !files[0].suffix.empty()))
    throw UserError("-o", fmt::format("{} are several files", format.title), "-o PREFIX: " + format.files);
  for (const workloads::TraceFile& f : files) {
    if (to_stdout)
      emit_text(f.bytes, common);
    else
      write_file_atomically(common.output + f.suffix, f.bytes);
  }
  if (!to_stdout) {
    note(common, files.size() == 1
                     ? fmt::format("written: {}{}", common.output, files[0].suffix)
                     : fmt::format("written: {}{} to {}", common.output, files.front().suffix, common.output + files.back().suffix));
  }
  for (const std::string& n : notes) note(common, n);
}

}  // namespace weft::cli

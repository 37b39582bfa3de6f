// The manual page weft(1), generated from the commands, so that it says what the program does.
#include <fmt/format.h>

#include "sim/cli/exit_codes.h"
#include "sim/cli/help.h"
#include "sim/core/version.h"

namespace weft::cli {
namespace {

/// Text as troff reads it: backslashes and hyphens escaped, and no line that begins like a request.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else out += c;
  }
  return out;
}

/// An argument of a macro.
std::string argument(const std::string& text) {
  std::string out;
  for (const char c : escaped(text)) out += c == '"' ? std::string("\\(dq") : std::string(1, c);
  return '"' + out + '"';
}

std::string tagged(const std::string& tag, const std::string& text) { return fmt::format(".TP\n{}\n{}\n", tag, escaped(text)); }

/// "-o, --output FILE", names in bold and the value in italics.
std::string tag_of(const ArgumentFacts& a) {
  std::string out;
  for (const auto* names : {&a.shorts, &a.longs}) {
    for (const std::string& n : *names) out += (out.empty() ? "" : ", ") + ("\\fB" + escaped(n) + "\\fR");
  }
  const std::string value = a.positional.empty() ? a.value : a.positional;
  if (!value.empty()) out += (out.empty() ? "" : " ") + ("\\fI" + escaped(value) + "\\fR");
  return out + (a.many && !a.positional.empty() ? "..." : "");
}

std::string text_of(const ArgumentFacts& a) {
  // Names that data files add are not listed; those that the command states itself are.
  const bool stated = !a.positional.empty() && a.value.find('|') != std::string::npos;
  return a.text + (stated ? fmt::format(" ({})", fmt::join(a.words, ", ")) : "") + (a.required && a.positional.empty() ? " (due)" : "");
}

/// Paragraphs of a footer: "Examples:" and the lines below it as they stand.
std::string examples(const std::string& footer) {
  if (footer.empty()) return {};
  return ".PP\n.nf\n" + escaped(footer) + "\n.fi\n";
}

std::string synopsis(const CommandFacts& c) {
  std::string out = "\\fBweft " + escaped(c.path) + "\\fR";
  for (const ArgumentFacts& p : c.positionals) {
    const std::string name = "\\fI" + escaped(p.positional) + "\\fR" + (p.many ? "..." : "");
    out += p.required ? " " + name : " [" + name + "]";
  }
  return out + (c.options.empty() ? "" : " [\\fIOPTION\\fR...]");
}

}  // namespace

std::string man_page(const CommandFacts& root) {
  const std::string version = fmt::format("weft {}", core::version());
  std::string out = fmt::format(".TH WEFT 1 \"\" {} {}\n.SH NAME\nweft \\- simulates AI clusters\n.SH SYNOPSIS\n", argument(version), argument("weft"));
  out += "\\fBweft\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR...] [\\fIOPTION\\fR...]\n.SH DESCRIPTION\n" + escaped(root.text) + "\n";
  for (const ArgumentFacts& o : root.options) out += tagged(tag_of(o), text_of(o));
  out += ".SH COMMANDS\n";
  for (const CommandFacts* c : all_commands(root)) {
    if (c == &root) continue;
    out += fmt::format(".SS {}\n{}\n.PP\n{}\n", argument("weft " + c->path), synopsis(*c), escaped(c->text));
    for (const ArgumentFacts& p : c->positionals) out += tagged(tag_of(p), text_of(p));
    for (const ArgumentFacts& o : c->options) {
      if (o.longs != std::vector<std::string>{"--help"}) out += tagged(tag_of(o), text_of(o));
    }
    out += examples(c->footer);
  }
  out += ".SH EXIT STATUS\n";
  for (const ExitCode& e : kExitCodes) out += tagged(fmt::format("\\fB{}\\fR", static_cast<int>(e.code)), std::string(e.meaning));
  out += ".SH ENVIRONMENT\n";
  for (const EnvironmentVariable& v : environment_variables()) out += tagged("\\fB" + escaped(v.name) + "\\fR", v.meaning);
  return out + ".SH SEE ALSO\n" + escaped(fmt::format("weft help TOPIC explains: {}. weft COMMAND --help has the same text as this page.", fmt::join(help_topics(), ", "))) + "\n";
}

}  // namespace weft::cli

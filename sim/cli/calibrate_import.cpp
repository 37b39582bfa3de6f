// weft calibrate import: reads measurements that people have, shows what they hold, and writes them in weft's own form.
#include <algorithm>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "models/calibration/measurement.h"
#include "models/calibration/readers/reader.h"
#include "sim/cli/app.h"
#include "sim/cli/calibrate.h"
#include "sim/core/error.h"

namespace weft::cli {
namespace {

struct ImportArguments {
  Common common;
  std::string file, from, only;
};

/// Keeps what has `text` in its label.
void keep_only(models::Measurements& m, const std::string& text, const std::string& file) {
  if (text.empty()) return;
  const auto other = [&](const models::Measurement& r) { return r.label.find(text) == std::string::npos; };
  std::erase_if(m.rows, other);
  std::erase_if(m.others, other);
  if (m.rows.empty() && m.others.empty()) throw UserError("--only", fmt::format("nothing in {} has \"{}\" in its label", file, text), "labels are shown by -o FILE.csv");
  m.notes.push_back(fmt::format("only what has \"{}\" in its label", text));
}

struct Sum {
  std::int64_t kernels = 0, with_shape = 0;
  double time_us = 0;
};

reports::Listing summary(const models::Measurements& m) {
  std::map<std::pair<std::string, std::string>, Sum> sums;
  double all_us = 0;
  for (const auto* list : {&m.rows, &m.others}) {
    for (const models::Measurement& r : *list) {
      Sum& s = sums[{r.family, r.variant}];
      ++s.kernels;
      s.with_shape += list == &m.rows;
      s.time_us += r.time_us;
      all_us += r.time_us;
    }
  }
  reports::Table t;
  t.id = "kernels";
  t.title = "Measured kernels";
  t.label_columns = {{"family", "family of kernels: weft list kernels; others: in no fit"}, {"variant", "data type or flavour"}};
  t.columns = {{"kernels", "rows of the file"}, {"with_shape", "those whose shape is known: a fit takes them"}, {"time_us", "sum of their times"}, {"share_pct", "of the sum of all times"}};
  Sum total;
  const auto add = [&](const std::string& family, const std::string& variant, const Sum& s) {
    Row r;
    r.set("family", family);
    if (!variant.empty()) r.set("variant", variant);
    r.set("kernels", s.kernels).set("with_shape", s.with_shape).set("time_us", s.time_us).set("share_pct", all_us > 0 ? 100 * s.time_us / all_us : 0.0);
    t.rows.push_back(std::move(r));
    total.kernels += s.kernels;
    total.with_shape += s.with_shape;
    total.time_us += s.time_us;
  };
  for (const auto& [name, s] : sums) add(name.first, name.second, s);
  const Sum all = total;
  add("total", "", all);
  reports::Listing listing;
  listing.tables.push_back(std::move(t));
  listing.notes = m.notes;
  listing.notes.push_back("digest of the file: " + m.digest);
  return listing;
}

void import_file(const ImportArguments& a) {
  check_output(a.common);
  models::Measurements m = models::read_measurements(a.file, a.from);
  keep_only(m, a.only, a.file);
  if (a.common.output.empty() || a.common.output == "-") return emit(summary(m), a.common);
  const std::string format = format_of(a.common);
  if (format != "json" && format != "csv") throw UserError("-o", fmt::format("measurements are written as json or csv, not as {}", format), "-o FILE.json or -o FILE.csv");
  if (m.rows.empty()) throw UserError({{a.file, "", "there is no measurement with a shape to write", "weft calibrate import without -o shows what the file holds"}});
  emit_text(format == "json" ? models::measurements_json(m) : models::measurements_csv(m), a.common);
  note(a.common, fmt::format("{} measurements{}", m.rows.size(), m.others.empty() ? "" : fmt::format("; {} kernels without a shape left out", m.others.size())));
}

}  // namespace

void add_calibrate_import(CLI::App& calibrate) {
  auto a = std::make_shared<ImportArguments>();
  std::string formats, names;
  for (const models::Reader& r : models::measurement_readers()) {
    formats += fmt::format("  {:<16}{}\n", r.name, r.title);
    names += (names.empty() ? "" : ", ") + r.name;
  }
  CLI::App* sub = calibrate.add_subcommand("import", "read measurements: profiler traces, output of benchmarks, tables; -o writes them as weft's own");
  sub->footer("What is read (told by what the file holds, or named with --from):\n" + formats +
              "\nExamples:\n  weft calibrate import trace.json\n  weft calibrate import trace.json --only \"attn(F)\" -o forward.csv\n  weft calibrate import deepgemm.log -o deepgemm.json");
  add_common(*sub, a->common);
  sub->add_option("FILE", a->file, "what to read; - is standard input")->required();
  sub->add_option("--from", a->from, "what kind of file it is: " + names)->type_name("NAME");
  sub->add_option("--only", a->only, "these alone: what has this text in its label")->type_name("TEXT");
  sub->callback([a] { import_file(*a); });
}

}  // namespace weft::cli

#include "tests/reports/sample.h"

#include <nlohmann/json.hpp>

namespace weft::reports {

namespace {

Row all_to_all_row(const std::string& variant, std::int64_t size, double time_us) {
  Row row;
  row.set("variant", variant).set("workload", "all_to_all").set("gpus", 16).set("size_B", size).set("time_us", time_us);
  return row;
}

}  // namespace

Report sample_report() {
  Report r;
  r.title = "Planes or rails";
  r.question = "Which is faster?";
  r.source = "a test";
  r.variants = {"MPFT", "MRFT"};
  Table t;
  t.id = t.kind = "all_to_all";
  t.title = "every rank to every rank";
  t.label_columns = {{"gpus", "ranks that take part"}, {"size_B", "bytes that a rank holds"}};
  t.columns = {{"time_us", "from start to last byte"}};
  t.rows = {all_to_all_row("MPFT", 1024, 12.5), all_to_all_row("MPFT", 1073741824, 20000.0),
            all_to_all_row("MRFT", 1024, 12.5), all_to_all_row("MRFT", 1073741824, 22000.0)};
  r.tables = {t};
  r.constants = {{"node h800: nic_rate", "50 GB/s", Origin::published, "a table"}};
  r.input = std::make_shared<const Json>(Json{{"title", "Planes or rails"}, {"digest", "abc"}});
  r.system.version = "0.1.0";
  r.system.seed = 7;
  r.system.engine = "fluid";
  return r;
}

}  // namespace weft::reports

// The checks of the reference folder ($WEFT_REFERENCE/spec/network_checks.json), read in place; skipped where it is absent.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;

namespace {

/// Records by id. Ends the program with 77 (skipped) when the folder is not there.
std::map<std::string, Json> checks() {
  const char* folder = std::getenv("WEFT_REFERENCE");
  const std::filesystem::path file = std::filesystem::path(folder == nullptr ? "" : folder) / "spec" / "network_checks.json";
  if (!std::filesystem::exists(file)) std::exit(77);
  std::map<std::string, Json> out;
  for (const Json& record : read_json_file(file.string())) out[record["id"].get<std::string>()] = record;
  return out;
}

/// The cluster of a counting check, from the parameters that its record gives.
std::string cluster_of(const std::string& id, const Json& in) {
  const auto text = [&](const char* kind, std::initializer_list<std::pair<const char*, const char*>> keys) {
    std::string t = fmt::format(R"("topology": {{"kind": "{}")", kind);
    for (const auto& [ours, theirs] : keys) t += fmt::format(R"(, "{}": {})", ours, in[theirs].dump());
    return t + "}";
  };
  const std::string endpoint = R"("node": "endpoint", )";
  if (id == "N1.01") return text("ft2", {{"radix", "k"}});
  if (id == "N1.02") return text("mpft", {{"radix", "k"}, {"planes", "planes"}});
  if (id == "N1.03") return text("ft3", {{"radix", "k"}});
  if (id == "N1.04a") return fmt::format(R"("nodes": {}, )", in["endpoints"].get<int>() / 8) + text("ft3", {{"radix", "k"}});
  if (id == "N1.05") return text("slim_fly", {{"q", "q"}});
  if (id == "N1.08") return endpoint + text("slim_fly", {{"q", "q"}, {"p", "p"}});
  return endpoint + text("dragonfly", {{"p", "p"}, {"a", "a"}, {"h", "h"}, {"g", "g"}});
}

}  // namespace

TEST_CASE("counts are those of the reference checks (N1.01-N1.05, N1.08-N1.10)") {
  const auto all = checks();
  for (const char* id : {"N1.01", "N1.02", "N1.03", "N1.04a", "N1.05", "N1.08", "N1.09", "N1.10a", "N1.10b"}) {
    CAPTURE(id);
    const Json& record = all.at(id);
    const auto r = test::run(test::minimal(cluster_of(id, record["inputs"]), R"({"kind": "price"})"));
    std::size_t compared = 0;
    for (const char* column : {"endpoints", "switches", "switch_links"}) {
      if (!record["expected"].contains(column)) continue;
      CHECK(cell_of(r, fmt::format("t/price/{}", column)) == record["expected"][column].get<double>());
      ++compared;
    }
    CHECK(compared >= 2);
  }
}

TEST_CASE("the prices of the reference checks give their costs (N1.11-N1.15)") {
  const auto all = checks();
  const std::map<std::string, std::string> topology = {{"N1.11", R"({"kind": "ft2"})"}, {"N1.12", R"({"kind": "mpft"})"},
                                                       {"N1.13", R"({"kind": "ft3"})"}, {"N1.14", R"({"kind": "slim_fly", "q": 28})"},
                                                       {"N1.15", R"({"kind": "dragonfly", "p": 16, "a": 32, "h": 16, "g": 511})"}};
  for (const auto& [id, kind] : topology) {
    CAPTURE(id);
    const Json& record = all.at(id);
    const auto usd = [&](const char* key) { return fmt::format("\"{} USD\"", record["inputs"][key].get<double>()); };
    const std::string list = fmt::format(R"({{"title": "t", "caveat": "c", "switch": {}, "long_haul_cable": {}, "endpoint_cable": {}, "local_cable": {}}})",
                                         usd("s_usd"), usd("l_usd"), usd("e_usd"), usd("d_usd"));
    const auto r = test::run(test::minimal(fmt::format(R"("topology": {}, "prices": {})", kind, list), R"({"kind": "price"})"));
    CHECK(std::abs(cell_of(r, "t/price/price_MUSD") - record["expected"]["cost_musd"].get<double>()) <= record["tolerance"]["abs"].get<double>());
    CHECK(std::abs(cell_of(r, "t/price/price_per_endpoint_kUSD") - record["expected"]["k_per_endpoint"].get<double>()) <= 0.0001);
  }
}

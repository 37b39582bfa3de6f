// Reading storage nodes from their data files, and listing their constants.
#include "topology/storage_spec.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/named_object.h"
#include "sim/core/sourced_number.h"
#include "topology/kinds/kind_support.h"

namespace weft::topology {
namespace {

// A local index is 16 bits wide; a server has far less.
constexpr std::int64_t most_nics = 64, most_ssds = 1024;
constexpr double most_iops = 1e9;

}  // namespace

StorageSpec read_storage_spec(JsonReader where, const DataPlaces& data) {
  StorageSpec s;
  auto found = read_named_object(where, data, "topology/data/storage", "a storage node");
  if (!found) return s;
  JsonReader& r = found->reader;
  s.name = found->name;
  s.title = r.string("title", s.name);
  s.nics = static_cast<std::uint32_t>(r.integer("nics", 1, most_nics));
  s.ssds = static_cast<std::uint32_t>(r.integer("ssds", 1, most_ssds));
  s.nic_rate = r.sourced<BytesPerSecond>("nic_rate");
  s.pcie_rate = r.sourced<BytesPerSecond>("pcie_rate");
  s.ssd_read = r.sourced<BytesPerSecond>("ssd_read");
  s.ssd_write = r.sourced<BytesPerSecond>("ssd_write");
  s.ssd_read_iops = read_sourced_number(r, "ssd_read_iops", 1, most_iops, "reads a second");
  r.done();
  return s;
}

std::vector<ConstantUsed> constants_of(const StorageSpec& s) {
  const std::string owner = "storage node " + s.name;
  std::vector<ConstantUsed> out;
  const auto rate = [&](const char* name, const Sourced<BytesPerSecond>& c) {
    out.push_back({owner + ": " + name, to_text(c.value), c.origin, c.source});
  };
  rate("nic_rate", s.nic_rate);
  rate("pcie_rate", s.pcie_rate);
  rate("ssd_read", s.ssd_read);
  rate("ssd_write", s.ssd_write);
  out.push_back({owner + ": ssd_read_iops", fmt::format("{:g} reads/s", s.ssd_read_iops.value), s.ssd_read_iops.origin, s.ssd_read_iops.source});
  return out;
}

Json default_storage_topology(std::int64_t nics) {
  if (nics <= default_radix) return {{"kind", "single_switch"}};
  return {{"kind", nics <= TwoLayers::capacity(default_radix) ? "ft2" : "ft3"}};
}

}  // namespace weft::topology

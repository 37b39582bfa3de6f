#include "workloads/traces/chakra_groups.h"

#include <numeric>
#include <set>

#include <nlohmann/json.hpp>

#include "sim/core/error.h"
#include "sim/core/json.h"

namespace weft::workloads {

ChakraGroups::ChakraGroups(const std::string& file, std::uint32_t ranks) : all_(ranks) {
  std::iota(all_.begin(), all_.end(), 0u);
  if (file.empty()) return;
  const Json value = read_json_file(file);
  Problems problems;
  JsonReader where(value, file, problems);
  if (where.expect_object("groups of ranks, {\"0\": [0, 1, ...]}")) {
    for (auto& [name, list] : where.members()) {
      std::vector<std::uint32_t>& members = named_[name];
      std::set<std::uint32_t> seen;
      if (!list.is_array() || list.items().empty())
        list.fail("expected a list of ranks");
      else
        for (const JsonReader& item : list.items()) {
          members.push_back(static_cast<std::uint32_t>(item.as_integer(0, static_cast<std::int64_t>(ranks) - 1)));
          if (!seen.insert(members.back()).second && problems.empty()) item.fail("a rank stands in a group twice");
        }
    }
  }
  problems.throw_if_any();
}

void ChakraGroups::read_metadata(std::uint32_t rank, const std::string& values) {
  const std::size_t begin = values.find("[{"), end = values.rfind("}]");
  if (begin == std::string::npos || end == std::string::npos || end < begin) return;
  Json list;
  try {
    list = parse_json(std::string_view(values).substr(begin, end + 2 - begin), "");
  } catch (const UserError&) {
    return;  // some other text
  }
  for (const Json& group : list) {
    if (!group.is_object() || !group.contains("pg_name") || !group["pg_name"].is_string() || !group.contains("ranks") ||
        !group["ranks"].is_array())
      continue;
    std::vector<std::uint32_t> members;
    for (const Json& r : group["ranks"]) {
      if (r.is_number_unsigned() && r.get<std::uint64_t>() < 0xffffffffull) members.push_back(r.get<std::uint32_t>());
    }
    const std::set<std::uint32_t> once(members.begin(), members.end());
    if (members.size() != group["ranks"].size() || once.size() != members.size()) continue;
    of_rank_[{rank, group["pg_name"].get<std::string>()}] = members.empty() ? all_ : members;
  }
}

const std::vector<std::uint32_t>* ChakraGroups::find(std::uint32_t rank, const std::string& name) const {
  if (name.empty()) return &all_;
  if (const auto own = of_rank_.find({rank, name}); own != of_rank_.end()) return &own->second;
  const auto known = named_.find(name);
  return known == named_.end() ? nullptr : &known->second;
}

}  // namespace weft::workloads

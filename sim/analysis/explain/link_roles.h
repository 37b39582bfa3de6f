// Roles of links: what a link is to its fabric, as people say it: "NIC out", "plane0: leaf to spine".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/analysis/explain/explanation.h"
#include "topology/fabric.h"

namespace weft::analysis {

class LinkRoles {
 public:
  explicit LinkRoles(const topology::Fabric& fabric);

  std::uint32_t count() const { return static_cast<std::uint32_t>(names_.size()); }
  std::uint32_t of(LinkId link) const { return role_[link.value]; }
  const std::string& name(std::uint32_t role) const { return names_[role]; }
  Resource resource(std::uint32_t role) const { return resources_[role]; }
  /// The part that a link of its role is known by: a NIC, a GPU, else the cable.
  std::string part(LinkId link) const;

 private:
  const topology::Fabric& fabric_;
  std::vector<std::uint32_t> role_;        // by link
  std::vector<std::string> names_;
  std::vector<Resource> resources_;
};

}  // namespace weft::analysis

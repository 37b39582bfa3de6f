// Reads the routing part of a cluster: policy, queue pairs, path choice.
#include "topology/router.h"

namespace weft::topology {

RoutingSpec read_routing_spec(JsonReader where) {
  RoutingSpec spec;
  if (!where.expect_object("an object such as {\"policy\": \"adaptive\"}")) return spec;
  const std::string policy = where.one_of("policy", {"adaptive", "ecmp", "static"}, "adaptive");
  if (policy == "ecmp") spec.policy = Policy::ecmp;
  if (policy == "static") spec.policy = Policy::static_dmodk;
  const std::string paths = where.one_of("paths", {"minimal", "valiant", "ugal"}, "minimal");
  if (paths == "valiant") spec.paths = PathChoice::valiant;
  if (paths == "ugal") spec.paths = PathChoice::ugal;
  spec.qps = static_cast<std::uint32_t>(where.integer_or("qps", 1, 1, 4096));
  if (where.has("ugal_minimal_share")) {
    spec.ugal_minimal_share = where.number_or("ugal_minimal_share", 1, 0, 1);
    if (spec.paths != PathChoice::ugal)
      where.fail_at("ugal_minimal_share", "has no effect with \"paths\": \"" + paths + "\"", "set \"paths\": \"ugal\"");
  } else if (spec.paths == PathChoice::ugal) {
    where.fail_at("ugal_minimal_share", "due with \"paths\": \"ugal\": the share of traffic on minimal paths, from 0 (all as valiant) to 1 (all minimal)",
                  "weft does not choose it from the load; compare shares such as 0.25, 0.5 and 0.75");
  }
  where.done();
  return spec;
}

}  // namespace weft::topology

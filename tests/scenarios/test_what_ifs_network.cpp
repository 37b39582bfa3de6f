// What-ifs of networks: each shipped scenario has the effect that it states, and says where that comes from.
#include <doctest/doctest.h>

#include "tests/scenarios/support.h"

using namespace weft;
using namespace weft::scenarios;

TEST_CASE("every what-if of a network has its stated effect") {
  for (const char* name : {"what_if_converged_network", "what_if_io_die_nic", "kv_read_vs_ep", "what_if_multi_port_nic", "what_if_low_latency_roce",
                           "what_if_adaptive_routing", "what_if_virtual_output_queues", "what_if_ibgda", "what_if_co_packaged_optics",
                           "what_if_lossless_links", "what_if_in_network_collectives"}) {
    CAPTURE(name);
    const Scenario s = load_scenario(test::data().find("scenarios", name).string(), {});
    reports::Report r = run_scenario(s, test::data(), {});
    check_expectations(s, r);
    REQUIRE(r.expectations.size() == s.expects.size());
    CHECK(!s.expects.empty());
    for (std::size_t i = 0; i < s.expects.size(); ++i) {
      CAPTURE(s.expects[i].of);
      CAPTURE(r.expectations[i].got);
      CHECK(s.expects[i].topic == "what_if");
      CHECK(r.expectations[i].pass == s.expects[i].known_miss.empty());
    }
  }
}

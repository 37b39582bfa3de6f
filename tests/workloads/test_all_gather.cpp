#include <doctest/doctest.h>

#include "tests/workloads/ring_checks.h"

using namespace weft::testing;

TEST_CASE("\"all_gather\" on two nodes sends 15/16 of the array over 8 NICs, and NVLink carries as much as all of them") {
  check_bytes_on_two_nodes("all_gather");
}

TEST_CASE("N5.06: busbw of \"all_gather\" on 8 GPUs is 7/8 of algbw, and NVLink's rate") { check_busbw_in_one_node("all_gather"); }

TEST_CASE("busbw of a multi-rail \"all_gather\" is min(channels times NIC, NVLink)") { check_busbw_of_channels("all_gather"); }

TEST_CASE("a small \"all_gather\" costs the steps of the ring") { check_steps_of_a_small_array("all_gather"); }

#include <doctest/doctest.h>

#include "tests/workloads/ring_checks.h"

using namespace weft::testing;

TEST_CASE("\"reduce_scatter\" on two nodes sends 15/16 of the array over 8 NICs, and NVLink carries as much as all of them") {
  check_bytes_on_two_nodes("reduce_scatter");
}

TEST_CASE("N5.06: busbw of \"reduce_scatter\" on 8 GPUs is 7/8 of algbw, and NVLink's rate") { check_busbw_in_one_node("reduce_scatter"); }

TEST_CASE("busbw of a multi-rail \"reduce_scatter\" is min(channels times NIC, NVLink)") { check_busbw_of_channels("reduce_scatter"); }

TEST_CASE("a small \"reduce_scatter\" costs the steps of the ring") { check_steps_of_a_small_array("reduce_scatter"); }

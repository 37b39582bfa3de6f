// An Explanation: why a run took as long as it did: its critical path, what bounds each piece of it, what it would take without.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/core/ids.h"
#include "sim/core/units.h"

namespace weft::analysis {

/// What an operation on the critical path waits for while it runs.
enum class Resource : std::uint8_t {
  nic_out,      ///< a NIC's cable to its switch, or a kernel's own rate there
  nic_in,
  nvlink,       ///< GPU and NVSwitch
  pcie,         ///< GPU, NIC or host on the PCIe bus of a node
  uplink,       ///< leaf (or edge) to spine, and between all other switches
  downlink,
  storage,      ///< SSDs and the storage network
  sms,          ///< computation limited by tensor cores or SMs, or of which nothing more is known
  hbm,          ///< computation limited by memory
  latency,      ///< before a transfer's first byte moves
  rate_cap,     ///< a transfer's own rate
  dependency,   ///< fixed delays: launch gaps, arrivals, pauses
};
inline constexpr std::size_t kResources = 12;
/// "NIC out", "NVLink", "SMs": as people read it.
std::string to_text(Resource r);

/// A stretch of the critical path: one operation. Steps follow one another from 0 to the end without gaps.
struct PathStep {
  OpId op;
  Seconds start, finish;
  std::string name, detail;          ///< of its label, or what it is
  std::int64_t rank = -1;            ///< -1: of no one rank
  Resource limit = Resource::dependency;
  std::string where;                 ///< the part that limits: "node0.nic0"; of many alike one of them; empty for none
};

struct Explanation {
  Seconds total;                     ///< of the whole case; equals the sum over path, over phases, over resources

  /// Path steps of one name, in order of first start.
  struct Phase {
    std::string name;
    std::uint64_t operations = 0;    ///< of them on the path
    Seconds start, time;             ///< first start; sum
    Resource limit = Resource::dependency;   ///< that of most of its time
    double limit_share = 0;          ///< of its time, 0 to 1
    std::string where;
  };
  std::vector<Phase> phases;

  struct Share {
    Resource resource;
    Seconds time;
  };
  std::vector<Share> resources;      ///< those with time, the largest first

  Seconds exposed;                   ///< communication on the path
  Seconds hidden;                    ///< communication of the path's ranks under way while the path computes
  Seconds communicating;             ///< exposed + hidden
  std::optional<Seconds> without_communication;   ///< the whole case when transfers take no time; none: not tried

  /// Parts alike (same role, equally loaded) that limit steps of the path, and operations of one name; those that cost most first.
  struct Cost {
    std::string name;                ///< "NIC in of node0.nic0", "plane0: leaf to spine"; "dispatch"
    std::uint64_t members = 1;       ///< links, or operations on the path
    Resource resource = Resource::dependency;
    Seconds time;                    ///< of the path, limited by it
    double utilisation = 0;          ///< of links: bytes over capacity, over the whole run
    std::optional<Seconds> if_free;  ///< of the whole case, with it infinitely fast; none: not tried
    bool own_rate = false;           ///< of links: not their capacity limits, but a kernel's own rate on them, which is what is lifted
    std::string next;                ///< what limits most of the case then: "NIC out (16 alike)", "SMs"; empty: not asked
    std::string try_it;              ///< a setting that changes it: "--set '/cluster/node/nic_rate=800 Gbps'"; may be empty
  };
  std::vector<Cost> links, operations;

  std::vector<PathStep> path;

  /// Bytes over capacity times `total`, of links of the fabric that carried anything.
  struct LinkUse {
    LinkId link;
    double utilisation;
  };
  std::vector<LinkUse> link_use;

  /// How full links of one role were over time ("NIC out", "plane0 up"): the mean over those links that carried anything.
  struct GroupUse {
    std::string name;
    std::vector<double> utilisation;   ///< by bin of total / size; 0 to 1
  };
  std::vector<GroupUse> groups;

  std::string sentence;              ///< the answer: "98.2 % of the 21.53 ms wait for the NICs' way out (2,048 of them, equally loaded)."
  std::vector<std::string> notes;    ///< what a reader has to know: approximations, ties
};

}  // namespace weft::analysis

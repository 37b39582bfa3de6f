// Identifiers as types: a rank is no node, a link is no switch.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <limits>

namespace weft::core {

/// A 32-bit index that does not convert to any other kind of index.
template <class Tag>
struct Id {
  static constexpr std::uint32_t none_value = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t value = none_value;

  constexpr Id() = default;
  constexpr explicit Id(std::uint32_t v) : value(v) {}
  constexpr bool valid() const { return value != none_value; }
  constexpr auto operator<=>(const Id&) const = default;
};

using Rank = Id<struct RankTag>;        ///< a GPU as a member of the job, counted over the whole cluster
using NodeId = Id<struct NodeTag>;      ///< a server (8 GPUs in an H800 node)
using VertexId = Id<struct VertexTag>;  ///< a GPU, NIC, NVSwitch, PCIe switch or network switch in a Fabric
using LinkId = Id<struct LinkTag>;      ///< one direction of one cable (or bus) in a Fabric
using SegmentId = Id<struct SegmentTag>;  ///< an interned piece of a route: links with their shares
using KernelId = Id<struct KernelTag>;  ///< a communication kernel of a Program (its rate caps)
using StreamId = Id<struct StreamTag>;  ///< a FIFO of compute operations
using OpId = Id<struct OpTag>;          ///< an operation of a Program

}  // namespace weft::core

template <class Tag>
struct std::hash<weft::core::Id<Tag>> {
  std::size_t operator()(weft::core::Id<Tag> id) const noexcept { return std::hash<std::uint32_t>{}(id.value); }
};

namespace weft { using namespace core; }

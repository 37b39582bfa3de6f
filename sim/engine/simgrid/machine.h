// A Machine moves fluids over links on SimGrid's clock for a Player; all that weft and the SimGrid module know of each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace weft::engine::simgrid {

/// Numbers are SI units without their types: the module is built without any other part of weft.
struct MachineFlow {
  std::uint32_t token = 0;                 ///< told again when it ends
  std::span<const std::uint32_t> links;    ///< each once; read during the call only
  double bytes = 0;                        ///< more than 0
  double latency = 0;                      ///< seconds before the first byte
  double weight = 1;
  double cap = std::numeric_limits<double>::infinity();   ///< bytes per second; infinite only with links
};

/// Something that ended: a flow or a call.
struct Ended {
  std::uint32_t token = 0;
  double at = 0;                           ///< seconds
};

/// SimGrid's side. Everything may be called from Player::step() alone.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual double now() const = 0;
  /// A link of `rate` bytes per second that will never have more than `highest`; changes later only when `changes`.
  virtual std::uint32_t add_link(double rate, bool changes = false, double highest = 0) = 0;
  virtual void set_rate(std::uint32_t link, double rate) = 0;
  /// Bytes per second that cross a link. Of the last step's flows, not of those started in this one.
  virtual double usage(std::uint32_t link) const = 0;
  virtual void start(const MachineFlow& flow) = 0;
  /// Tells `token` at `date` seconds, which lies not before now().
  virtual void call_at(double date, std::uint32_t token) = 0;
};

struct MachineUse {
  double cpu_s = 0;          ///< CPU time of the whole run
  double player_cpu_s = 0;   ///< of that, inside Player::step()
};

/// weft's side: plays a program. Never throws into the machine.
class Player {
 public:
  virtual ~Player() = default;
  /// Called once at 0 with nothing, then at every instant at which something ended, until it returns false.
  virtual bool step(Machine& machine, std::span<const Ended> ended) = 0;
  /// Called once after the last step. Ends the process: what SimGrid would say and do of flows in flight is of no use.
  virtual void over(const MachineUse& use) = 0;
};

struct MachineOptions {
  bool selective_update = false;   ///< SimGrid's default, which over-subscribes links; for the test that shows it
};

/// What the module exports under the name below. Once per process: SimGrid's clock and state go on.
using PlayFunction = void(Player& player, const MachineOptions& options);
inline constexpr char play_function_name[] = "weft_simgrid_play";

/// A flow between two of many actors, for measuring SimGrid by itself.
struct PlainFlow {
  std::uint32_t from = 0, to = 0;                    ///< actors; at most one flow from one to another
  double bytes = 0, latency = 0;
  std::uint32_t first_link = 0, link_count = 0;      ///< in PlainTraffic::path
};

struct PlainTraffic {
  std::uint32_t actors = 0;
  std::span<const PlainFlow> flows;
  std::span<const double> links;                     ///< bytes per second
  std::span<const std::uint32_t> path;
};

/// Also exported, under the name below: all flows at once, as one writes it for SimGrid alone: an actor an end, which posts
/// what it receives and what it sends and then waits for each in turn. The time of the last end. Once per process.
using PlainFunction = double(const PlainTraffic& traffic);
inline constexpr char plain_function_name[] = "weft_simgrid_plain";

}  // namespace weft::engine::simgrid

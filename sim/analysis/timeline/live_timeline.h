// LiveTimeline: turns operations that start and finish into slices on lines, arrows and counters, and forgets them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/analysis/timeline/chains.h"
#include "sim/analysis/timeline/events.h"
#include "sim/analysis/timeline/in_flight.h"
#include "sim/analysis/timeline/lanes.h"
#include "sim/analysis/timeline/link_use.h"
#include "sim/core/ids.h"
#include "sim/core/units.h"

namespace weft::analysis {

/// What lines are called; asked once for each.
class LineNames {
 public:
  virtual ~LineNames() = default;
  virtual std::string process(std::uint32_t number) const = 0;
  /// Where it stands: "node3.gpu5".
  virtual std::string place(std::uint32_t number) const = 0;
  virtual std::string track(std::uint32_t process, std::uint32_t track) const = 0;
};

/// Memory follows what is in flight, and what LinkUse has to wait for.
class LiveTimeline {
 public:
  /// Where an operation is drawn, and what it is there.
  struct Spot {
    std::uint32_t process = 0, track = 0;
    double bytes = 0;
    std::uint32_t to = Slice::none;
  };
  struct NicUse {
    std::uint32_t process = 0;
    bool sends = false;
    double bytes = 0;
  };
  struct Facts {
    std::uint32_t sms = 0;
    std::uint32_t tag = 0;    ///< the caller's
    bool moves = false;       ///< a transfer
    bool drawn = false;       ///< false: it only uses NICs; set by add()
  };
  struct Text {
    std::string_view name, category, detail;
  };

  /// Both have to outlive this.
  LiveTimeline(TimelineEvents& to, const LineNames& names, bool arrows) : to_(to), names_(names), arrows_(arrows) {}

  /// An operation that is to be drawn or to count on NICs, before it starts. There are arrows from those of `after` that are drawn.
  /// One that names none, is added between finish() and forget() of another and starts as that one ends was set off by it: an arrow too.
  void add(OpId id, Facts facts, std::span<const Spot> spots, std::span<const NicUse> nics, std::span<const OpId> after);
  /// Null for operations that were not added or are forgotten. Valid until the next add().
  const Facts* find(OpId id) {
    const Operation* op = operations_.find(id);
    return op == nullptr ? nullptr : &op->facts;
  }
  /// In order of time; operations that were not added are nothing to it.
  void start(OpId id, Seconds at);
  /// Precondition: it has been added and has started. `text` is not read when it is not drawn.
  void finish(OpId id, Seconds at, const Text& text);
  /// Until then operations that are added may wait for it.
  void forget(OpId id);
  /// Tells what was held back. To be called once, at the end.
  void close();

  std::uint64_t slices() const { return slices_; }
  std::uint32_t processes() const { return known_processes_; }

 private:
  struct Drawn {
    Spot spot;
    std::uint32_t lane = 0;
  };
  struct Using {
    NicUse use;
    std::uint64_t number = 0;   // of LinkUse
  };
  /// A slice that has been told.
  struct Past {
    Line on;
    std::int64_t start_ns = 0, end_ns = -1;   // never, when there is none
  };
  struct Operation {
    Facts facts;
    std::int64_t start_ns = 0, end_ns = 0;
    Past set_off_by;
    bool finished = false;
    std::uint32_t arrows_in = 0;                         // numbers from first_arrow on
    std::uint64_t first_arrow = 0;
    std::uint32_t drawn = Chains<Drawn>::none, nics = Chains<Using>::none, arrows_out = Chains<std::uint64_t>::none;
  };
  struct Track {
    std::uint32_t number = 0;
    Lanes lanes;
    HeldSms sms;
    std::vector<std::uint32_t> threads;   // by lane
  };
  struct Process {
    bool known = false;
    std::vector<Track> tracks;
    std::uint32_t more_threads = 0;
    std::int64_t sms_since = 0;
    std::uint32_t sms = 0, sms_told = 0;
    std::unique_ptr<LinkUse> nic[2];      // receives, sends
  };

  Process& process(std::uint32_t number);
  static Track& track(Process& p, std::uint32_t number);
  Line line(const Drawn& d);
  void open_lane(Process& p, std::uint32_t process, Track& t, std::uint32_t lane);
  void hold_sms(Process& p, std::uint32_t process, Track& t, std::uint32_t sms, std::int32_t count, std::int64_t at);
  void tell_sms(Process& p, std::uint32_t process);
  void tell_nic(LinkUse& use, std::uint32_t process, bool sends, std::int64_t until_ns);
  void tell_arrows(Operation& op);
  void draw(OpId id, const Operation& op, const Text& text);

  TimelineEvents& to_;
  const LineNames& names_;
  bool arrows_;
  InFlight<Operation> operations_;
  Chains<Drawn> drawn_;
  Chains<Using> nics_;
  Chains<std::uint64_t> arrows_out_;
  std::vector<Process> processes_;
  Past ending_;                           // between finish() and forget()
  std::uint64_t next_arrow_ = 1, slices_ = 0;
  std::uint32_t known_processes_ = 0;
};

}  // namespace weft::analysis

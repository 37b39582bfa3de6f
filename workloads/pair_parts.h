// PairParts: takes a transfer apart into flows that load every link with as many bytes as they move.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "workloads/program.h"

namespace weft::workloads {

/// A transfer whose legs have different shares (one message that fans out to the GPUs of a node, or is gathered from them)
/// becomes several, each over a chain of legs with the same bytes on all of them:
///
///   * A leg over the network is a stretch as long as its share. Legs inside a node that end where it begins are laid along the
///     stretch one after the other, and so are legs that begin where it ends; every piece of the stretch is a chain of the
///     network leg with the leg before and the leg after that lie on it there.
///   * What does not fit on the stretch (shares of more than the network's, as for copies after deduplication) goes as
///     flows inside the node; where nothing lies on the stretch, the network leg goes alone.
///
/// The bytes on every link are those of the transfer. Weight and rate cap are dealt out like bytes; latencies are each
/// part's own. Parts do not wait for each other, so a transfer in parts may run unlike the whole, whose legs move at one pace.
class PairParts {
 public:
  /// One flow: `share` of the transfer's bytes over legs whose share is 1.
  struct Part {
    double share = 1;
    std::size_t first = 0, count = 0;   ///< its legs, in legs()
  };

  /// Valid until the next call. A single part that is the whole transfer when its legs are a chain (or ring) of one share.
  std::span<const Part> take_apart(std::span<const Leg> legs);
  std::span<const Leg> legs(const Part& part) const { return {legs_.data() + part.first, part.count}; }

 private:
  /// A leg of which `left` is not yet laid on a stretch.
  struct Rest {
    const Leg* leg;
    double left;
  };
  struct Piece {
    const Leg* leg;      // null: nothing lies here
    double end;          // where on the stretch it ends
  };

  void lay(const Leg& network, bool before, std::vector<Piece>& pieces);
  void add(double share, std::initializer_list<const Leg*> chain);

  std::vector<Rest> inside_;
  std::vector<const Leg*> network_;
  std::vector<Piece> before_, after_;
  std::vector<Part> parts_;
  std::vector<Leg> legs_;
};

}  // namespace weft::workloads

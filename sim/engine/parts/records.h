// Records: what an engine told, kept to be told again in its place among others.
#pragma once

#include <span>
#include <vector>

#include "sim/engine/engine.h"

namespace weft::engine {

/// Starts and finishes of operations in the order in which they were told.
class Records final : public TimelineSink {
 public:
  /// Keeps nothing unless `keep`.
  explicit Records(bool keep = false) : keep_(keep) {}
  void started(OpId id, Seconds t) override {
    if (keep_) list_.push_back({t.value(), id, false});
  }
  void finished(OpId id, Seconds t) override {
    if (keep_) list_.push_back({t.value(), id, true});
  }
  bool wants_operations() const override { return keep_; }

  struct Record {
    double time;     ///< seconds
    OpId id;
    bool finish;
  };
  std::span<const Record> list() const { return list_; }

 private:
  bool keep_;
  std::vector<Record> list_;
};

/// Tells `sink` all records in order of time. At one time each list keeps its order; of the heads of lists, finishes come
/// before starts and smaller ids before larger ones.
void tell(std::span<const Records* const> lists, TimelineSink& sink);

}  // namespace weft::engine

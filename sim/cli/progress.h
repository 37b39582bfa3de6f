// Progress: a line on a terminal's stderr that says how far a run is and how long it still takes; nothing elsewhere.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace weft::cli {

struct Common;

/// "weft: 12 of 217, 1:20 left"; before the first is done, and for one long one, "weft: 0 of 217, running 0:42".
std::string progress_text(std::size_t done, std::size_t total, double elapsed_s);

/// Draws from half a second on, four times a second at most, and takes the line away when it goes.
class Progress {
 public:
  explicit Progress(const Common& common);
  Progress(const Progress&) = delete;
  ~Progress();
  /// May be called from any thread, one at a time.
  void update(std::size_t done, std::size_t total);

 private:
  struct Clock;
  std::unique_ptr<Clock> clock_;   ///< null: nobody watches
};

/// Takes a drawn line away, so that something else can be written. May be called by a signal handler.
void clear_progress() noexcept;

}  // namespace weft::cli

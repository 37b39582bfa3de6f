// A MeasuredFile: JSON lines of measured kernels, a schema line first, that grows line by line and can be gone on with.
#pragma once

#include <set>
#include <string>

#include "models/calibration/measure/abi.h"
#include "models/calibration/measure/plan.h"
#include "models/calibration/measure/sampling.h"

namespace weft::models {

/// What a line says.
struct MeasuredLine {
  PlannedKernel what;
  Sampled times;
  bool cold_l2 = true;
  bool graph = false;
  double sm_mhz = 0, sm_lowest_mhz = 0, memory_mhz = 0;   ///< 0: not known
  std::set<std::string> throttle;
  weft_measure_verification verified{};
};

/// {"family","variant",<shape fields>,"time_us","p5_us","p95_us","samples","stable","l2","launch","device","driver","runtime","clocks_mhz",
///  "throttle","verified_max_error","verified_tolerance","implementation"} and "simulated": true where nothing real was timed.
std::string line_of(const MeasuredLine& line, const weft_measure_device& device);

class MeasuredFile {
 public:
  /// Opens or creates, and locks. A torn last line is dropped. Throws UserError when the file is none of these, or of another
  /// device, driver, L2 rule or parameters (of the simulated device); RunError when it cannot be written.
  MeasuredFile(const std::string& path, const weft_measure_device& device, const std::string& backend, bool cold_l2);
  ~MeasuredFile();
  MeasuredFile(const MeasuredFile&) = delete;
  MeasuredFile& operator=(const MeasuredFile&) = delete;

  bool has(const PlannedKernel& k) const { return done_.count(to_text(k)) != 0; }
  bool dropped_torn_line() const { return torn_; }
  /// Writes the line whole and to the disk.
  void append(const MeasuredLine& line);

 private:
  void read_existing(const std::string& text);
  void write(const std::string& line);

  std::string path_;
  weft_measure_device device_;
  int file_ = -1;
  std::string schema_line_;
  std::set<std::string> done_;
  bool torn_ = false;
};

}  // namespace weft::models

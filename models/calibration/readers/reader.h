// A Reader: turns one kind of measurement file into Measurements; one file a format, listed in models/meson.build.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "models/calibration/measurement.h"

namespace weft::models {

/// A file as it was read.
struct MeasurementText {
  std::string path;            ///< as the user named it
  std::string_view text;       ///< without a byte order mark; never empty
};

struct Reader {
  std::string name;            ///< "kineto", as --from takes it
  std::string title;           ///< "PyTorch-profiler (Kineto) trace"
  /// Whether the text looks like this format. The first reader of the list that says so reads it.
  bool (*recognises)(const MeasurementText& file) = nullptr;
  /// Throws UserError naming FILE:LINE (or a JSON pointer) for what cannot be understood. What weft knows of a format beside its code
  /// (models/data/traces) is looked up in `data`.
  Measurements (*read)(const MeasurementText& file, const DataPlaces& data) = nullptr;
};

/// All formats, in the order of models/meson.build.
const std::vector<Reader>& measurement_readers();

/// The first `count` bytes of the text, for looking at how it begins.
std::string_view beginning(const MeasurementText& file, std::size_t count = 4096);

}  // namespace weft::models

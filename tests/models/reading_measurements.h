// What the tests of the readers share: a text becomes a file and is read; the words of a refusal.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "models/calibration/measurement.h"
#include "sim/core/error.h"

namespace weft::models {

/// A file that is gone again at the end of its scope.
class TextFile {
 public:
  explicit TextFile(const std::string& text, const std::string& name = "file.txt")
      : folder_(std::filesystem::temp_directory_path() / ("weft_readers_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    path_ = (folder_ / name).string();
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~TextFile() { std::filesystem::remove_all(folder_); }
  const std::string& path() const { return path_; }

 private:
  std::filesystem::path folder_;
  std::string path_;
};

inline Measurements measurements_in(const std::string& text, const std::string& format = {}) {
  const TextFile file(text);
  return read_measurements(file.path(), format);
}

/// What the user is told; empty when the text is read without a word.
inline std::string refusal(const std::string& text, const std::string& format = {}) {
  try {
    measurements_in(text, format);
  } catch (const UserError& e) {
    return e.what();
  }
  return {};
}

inline bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A file below $WEFT_REFERENCE. Ends the program with 77 (skipped) when it is not there.
inline std::string reference_file(const std::string& name) {
  const char* folder = std::getenv("WEFT_REFERENCE");
  const std::filesystem::path path = std::filesystem::path(folder == nullptr ? "" : folder) / name;
  if (folder == nullptr || !std::filesystem::exists(path)) std::exit(77);
  return path.string();
}

}  // namespace weft::models

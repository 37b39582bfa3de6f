// Files: where weft's data lies, and writing so that nothing a user had is ever lost.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace weft::core {

/// Writes to a temporary name beside `path` and renames it over; throws RunError when the disk says no.
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// The whole file; throws UserError when it cannot be read or is larger than `limit_bytes`.
std::string read_file(const std::string& path, std::size_t limit_bytes);

/// Where data files are looked for, in order: $WEFT_DATA, the checkout, the installed prefix.
class DataPlaces {
 public:
  /// Uses the environment and the places compiled in.
  static DataPlaces standard();
  explicit DataPlaces(std::vector<std::filesystem::path> roots) : roots_(std::move(roots)) {}

  /// The file `folder/name.json` in the first root that has it; empty path when none has.
  std::filesystem::path find(const std::string& folder, const std::string& name) const;
  /// Names (without .json) of all files in `folder` over all roots, sorted, each once.
  std::vector<std::string> names(const std::string& folder) const;
  const std::vector<std::filesystem::path>& roots() const { return roots_; }

 private:
  std::vector<std::filesystem::path> roots_;
};

}  // namespace weft::core

namespace weft { using namespace core; }

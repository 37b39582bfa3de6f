// TraceFile: a file that appears under its name only when all of it has been written; compressed when it is called .gz.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weft::reports::trace {

class TraceFile {
 public:
  /// Opens a temporary file beside `path`; a link is followed, a device or pipe is written to as it is. Throws RunError when
  /// that cannot be. Levels of compression as in gzip.
  explicit TraceFile(const std::string& path, int level = 1);
  /// Leaves nothing behind unless commit() has been called.
  ~TraceFile();
  TraceFile(const TraceFile&) = delete;

  /// Throws RunError when the disk says no.
  void write(std::string_view text);
  /// Gives the file its name; nothing can be written afterwards. Throws RunError.
  void commit();

  /// Before compression, and on the disk.
  std::uint64_t bytes() const;
  std::uint64_t bytes_on_disk() const;
  const std::string& path() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Why nothing can be written to a path: "there is no folder ..."; empty when nothing speaks against it.
std::string why_not_writable(const std::string& path);

}  // namespace weft::reports::trace

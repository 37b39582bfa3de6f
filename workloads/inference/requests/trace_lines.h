// TraceLines: the lines of a text file, plain or gzip, one at a time with their numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace weft::workloads::inference {

class TraceLines {
 public:
  /// `name` is the file's in messages. Throws UserError when it cannot be opened.
  TraceLines(const std::string& path, std::string name);
  ~TraceLines();
  TraceLines(const TraceLines&) = delete;

  /// The next line that is not blank, without its end; valid until the next call. False: the file has ended. Throws UserError when it
  /// cannot be unpacked, or has a line of more than 16 MiB.
  bool next(std::string_view& line);
  std::uint64_t number() const { return number_; }   ///< of the last line, from 1
  /// Whether the last line had no end: a file that was cut off has such a one.
  bool unfinished() const;
  const std::string& name() const { return name_; }
  std::string place() const;   ///< "line 17"
  [[noreturn]] void fail(std::string message, std::string hint = {}) const;

 private:
  struct File;
  std::unique_ptr<File> file_;
  std::string name_;
  std::uint64_t number_ = 0;
};

/// The file itself or, where there is none, the one below $WEFT_REFERENCE. Throws UserError at `place`.
std::string find_request_trace(const std::string& given, const std::string& place);

}  // namespace weft::workloads::inference

// What the readers of text share: lines with their numbers, cells of CSV, and problems named FILE:LINE.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/calibration/readers/reader.h"
#include "sim/core/error.h"

namespace weft::models {

/// "gemm.csv:17": the place of a Measurement.
std::string line_place(const std::string& path, std::size_t line);

/// Collects problems of a text file; throws once there are ten, so that a file of another kind does not print a million.
class LineProblems {
 public:
  explicit LineProblems(std::string path) : path_(std::move(path)) {}
  void add(std::size_t line, std::string message, std::string hint = {}, const std::string& what = {});
  void throw_if_any() const { problems_.throw_if_any(); }

 private:
  std::string path_;
  Problems problems_;
};

/// Steps through lines; both \n and \r\n end one.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}
  bool next(std::string_view& line);
  std::size_t number() const { return number_; }   ///< of the line just given, from 1

 private:
  std::string_view text_;
  std::size_t number_ = 0;
};

/// Steps through the records of a CSV text (RFC 4180: quotes, doubled quotes, line ends inside quotes); empty lines are passed over.
/// Lines that begin with # are comments.
class CsvRecords {
 public:
  CsvRecords(std::string_view text, std::string path) : text_(text), path_(std::move(path)) {}
  /// False at the end. Cells are without surrounding blanks and live until the next call. A quote that never ends is a UserError.
  bool next(std::vector<std::string_view>& cells);
  std::size_t line() const { return line_; }       ///< where the record began, from 1

 private:
  std::string_view quoted();

  std::string_view text_;
  std::string path_;
  std::size_t at_ = 0, line_ = 0, next_line_ = 1;
  std::deque<std::string> unquoted_;   ///< cells that had doubled quotes
};

std::string_view trimmed(std::string_view text);
/// The whole text as a number; nothing when it is none. "nan" and "inf" are numbers here.
std::optional<double> number_in(std::string_view text);
bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> beginnings);

/// Why a time cannot be one ("is negative: -3"); empty when it can.
std::string time_problem(double time_us);

}  // namespace weft::models

// A points file: the finished points of a study, one a line, each appended whole, so that nothing finished is lost whatever ends the program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "scenarios/studies/axes.h"
#include "sim/core/json.h"

namespace weft::scenarios {

/// Points i-1, i-1+n, i-1+2n, ... of a grid: the i-th of n shares.
struct Shard {
  std::size_t index = 1, of = 1;

  bool has(std::size_t point) const { return point % of == index - 1; }
  std::size_t points(std::size_t all) const { return all / of + (all % of >= index ? 1 : 0); }
  std::string text() const { return std::to_string(index) + "/" + std::to_string(of); }
};

/// "2/8". Throws UserError (place: `option`).
Shard parse_shard(const std::string& text, const std::string& option);

/// The first line: which study it is, and which part of it.
struct PointsHeader {
  std::string title, scenario;   ///< for people
  Shard shard;
  Grid grid;
  std::shared_ptr<const Json> run;   ///< how the points are run: version, seed, engine, digests of scenario and data, ...; the same in all files of a study
  std::string digest() const;        ///< of the grid and of `run`
};

/// Throws UserError that says what differs when the files hold points of different studies.
void check_same_study(const PointsHeader& there, const std::string& file, const PointsHeader& here, const std::string& what);

struct PointsFile {
  struct Line {
    std::size_t point = 0;
    std::size_t number = 0;   ///< of the line, from 1
    std::string text;
  };
  std::string path;
  PointsHeader header;
  std::vector<Line> lines;        ///< whole ones, each point once
  std::uint64_t bytes = 0;        ///< all that was read
  std::uint64_t whole_bytes = 0;  ///< up to the end of the last whole line
  bool torn = false;              ///< a piece of a line stands behind them; its point is not finished
};

/// Whether the file has no whole first line yet: its writer has just begun, or was killed before it could. Nothing is finished in it.
bool only_begun(const std::string& path);

/// Throws UserError that says what reads it when a file that was given as a scenario begins as a points file does.
void refuse_points_file(const std::string& path);

/// Reads and checks every line but a torn last one. Throws UserError: no such file, another schema, a broken line; RunError when the disk says no.
PointsFile read_points_file(const std::string& path);

/// A points file that this process appends to; nobody else can meanwhile.
class PointsWriter {
 public:
  /// Makes the file or goes on with it; takes off a torn last line. Throws UserError when it holds something else: another study, another share,
  /// another version; RunError when it cannot be read to its end or written, or somebody else is writing to it.
  PointsWriter(const std::string& path, const PointsHeader& header);
  PointsWriter(const PointsWriter&) = delete;
  ~PointsWriter();

  /// What was there.
  const PointsFile& found() const { return found_; }
  /// Appends a line in one write. Throws RunError when the disk says no; then the file is as it was before.
  void append(const std::string& text);
  /// In a child process: closes the file, which stays locked by the parent.
  void let_go();

 private:
  void start(const PointsHeader& header);
  void write_line(const std::string& text);

  std::string path_;
  int fd_ = -1;
  std::uint64_t bytes_ = 0;
  std::size_t points_ = 0;
  PointsFile found_;
};

}  // namespace weft::scenarios

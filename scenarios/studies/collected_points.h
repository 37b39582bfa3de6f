// CollectedPoints: what one or several points files of a study hold together.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "reports/report.h"
#include "scenarios/studies/points_file.h"

namespace weft::scenarios {

struct CollectedPoints {
  std::vector<PointsFile> files;   ///< at least one, all of one study
  /// Of each finished point the place in `files` and in their lines.
  std::map<std::size_t, std::pair<std::size_t, std::size_t>> finished;

  const PointsHeader& header() const { return files.front().header; }
  std::size_t missing() const { return header().grid.points() - finished.size(); }
};

/// Reads them; a folder stands for all *.jsonl in it. A torn last line is no finished point. Throws UserError: a broken file, another version, files of
/// different studies, two files that disagree about a point.
CollectedPoints collect_points(const std::vector<std::string>& files);

struct GatheredPoints {
  reports::Listing listing;            ///< as `weft sweep` shows it: a table a workload, "failed" for points that failed
  std::size_t failed = 0;
  std::vector<std::string> warnings;   ///< of the points' runs, with where
};

/// In the order of the grid, whatever the order of files and lines.
GatheredPoints gather(const CollectedPoints& points);

/// The listing of finished points alone (schema weft-sweep/1): what reports draw. Throws as collect_points().
reports::Listing read_points(const std::vector<std::string>& files);

/// A row a file (done, failed, left), and one of the study.
reports::Listing status_of(const CollectedPoints& points);

}  // namespace weft::scenarios

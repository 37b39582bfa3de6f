#include "scenarios/studies/collected_points.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "scenarios/studies/point_result.h"
#include "sim/core/error.h"

namespace weft::scenarios {
namespace {

std::vector<std::string> with_folders_opened(const std::vector<std::string>& given) {
  std::vector<std::string> out;
  for (const std::string& name : given) {
    std::error_code error;
    if (!std::filesystem::is_directory(name, error)) {
      out.push_back(name);
      continue;
    }
    std::vector<std::string> inside;
    for (std::filesystem::directory_iterator it(name, error), end; !error && it != end; it.increment(error)) {
      if (it->path().extension() == ".jsonl") inside.push_back(it->path().string());
    }
    if (inside.empty()) throw UserError({{name, "", "there is no points file (*.jsonl) in this folder", ""}});
    std::sort(inside.begin(), inside.end());
    // Those of tasks that are just starting; when there is no other, the first one says so.
    const auto begun = std::stable_partition(inside.begin(), inside.end(), [](const std::string& path) { return !only_begun(path); });
    inside.erase(begun == inside.begin() ? begun + 1 : begun, inside.end());
    out.insert(out.end(), inside.begin(), inside.end());
  }
  return out;
}

bool is_failure(const PointsFile::Line& line) { return line.text.find("\"error\":") != std::string::npos && read_line(line.text, "a point").second.error.has_value(); }

}  // namespace

std::size_t failed_points(const PointsFile& file) { return static_cast<std::size_t>(std::count_if(file.lines.begin(), file.lines.end(), is_failure)); }

CollectedPoints collect_points(const std::vector<std::string>& given) {
  CollectedPoints out;
  if (given.empty()) throw UserError("FILE", "expected at least one points file");
  for (const std::string& name : with_folders_opened(given)) {
    out.files.push_back(read_points_file(name));
    const PointsFile& f = out.files.back();
    check_same_study(f.header, f.path, out.header(), out.files.front().path);
    for (std::size_t k = 0; k < f.lines.size(); ++k) {
      const auto [at, fresh] = out.finished.try_emplace(f.lines[k].point, out.files.size() - 1, k);
      if (fresh) continue;
      const PointsFile& other = out.files[at->second.first];
      const PointsFile::Line& line = other.lines[at->second.second];
      if (line.text != f.lines[k].text) {
        throw UserError({{f.path, fmt::format("line {}", f.lines[k].number), fmt::format("point {} stands in {}, line {} too, with another result", line.point, other.path, line.number), "leave one of the files out"}});
      }
    }
  }
  return out;
}

GatheredPoints gather(const CollectedPoints& points) {
  const Grid& grid = points.header().grid;
  Gather all(grid.pointers());
  for (const auto& [point, at] : points.finished) {
    const PointsFile& f = points.files[at.first];
    all.add(grid.lead(point), read_line(f.lines[at.second].text, f.path).second);
  }
  GatheredPoints out;
  out.failed = all.failed();
  out.warnings = all.warnings();
  out.listing = all.listing();
  return out;
}

reports::Listing read_points(const std::vector<std::string>& files) {
  const CollectedPoints points = collect_points(files);
  const PointsHeader& header = points.header();
  GatheredPoints all = gather(points);
  reports::Listing out = std::move(all.listing);
  out.headline = fmt::format("{}: {} of {} points over {} of {}{}", header.title, points.finished.size(), header.grid.points(), fmt::join(header.grid.pointers(), ", "), std::filesystem::path(header.scenario).filename().string(),
                             all.failed == 0 ? "" : fmt::format(", {} of which failed", all.failed));
  return out;
}

reports::Listing status_of(const CollectedPoints& points) {
  const auto whole = [](std::size_t n) { return static_cast<std::int64_t>(n); };
  const std::vector<ColumnDoc> counts = {{"points", "points that are due"}, {"done", "finished, with a result or an error"}, {"failed", "of these with an error"},
                                         {"left", "not finished yet"}};
  reports::Table files, study;
  files.id = "files";
  files.title = "Points files";
  files.label_columns = {{"file", "points file"}, {"shard", "its share of the study"}};
  files.columns = counts;
  for (const PointsFile& f : points.files) {
    const std::size_t due = f.header.shard.points(f.header.grid.points());
    Row row;
    row.set("file", f.path).set("shard", f.header.shard.text()).set("points", whole(due)).set("done", whole(f.lines.size()));
    files.rows.push_back(row.set("failed", whole(failed_points(f))).set("left", whole(due - f.lines.size())));
  }
  study.id = "study";
  study.title = points.header().title;
  study.label_columns = {{"scenario", "scenario that is run"}};
  study.columns = counts;
  std::int64_t failed = 0;
  for (const auto& [point, at] : points.finished) failed += is_failure(points.files[at.first].lines[at.second]);
  Row row;
  row.set("scenario", points.header().scenario).set("points", whole(points.header().grid.points())).set("done", whole(points.finished.size()));
  study.rows.push_back(row.set("failed", failed).set("left", whole(points.missing())));
  reports::Listing out;
  out.tables = {std::move(files), std::move(study)};
  for (const PointsFile& f : points.files) {
    if (f.torn) out.notes.push_back(fmt::format("{} ends in a piece of a line: that point is being written, or its writer was killed", f.path));
  }
  return out;
}

}  // namespace weft::scenarios

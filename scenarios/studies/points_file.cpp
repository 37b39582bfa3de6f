#include "scenarios/studies/points_file.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/studies/point_result.h"
#include "sim/core/error.h"
#include "sim/core/random.h"

namespace weft::scenarios {
namespace {

constexpr std::string_view kSchema = "weft-sweep/1";
constexpr std::string_view kBegin = "{\"schema\":\"weft-sweep/";   // of a header, of whatever version
constexpr std::size_t kLongestLine = 256u << 20;   // bytes

std::string header_line(const PointsHeader& h) {
  Json j = {{"schema", kSchema}, {"digest", h.digest()}, {"title", h.title}, {"scenario", h.scenario}, {"points", h.grid.points()}, {"shard", h.shard.text()}};
  j["run"] = *h.run;
  j["axes"] = h.grid.to_json();
  return dump_json(j);
}

PointsHeader read_header(const std::string& line, const std::string& file) {
  const auto no_points_file = [&](const std::string& got) {
    return UserError({{file, "line 1", fmt::format("expected the header of a points file of weft sweep, got {}", got), "a points file is what --points FILE wrote"}});
  };
  if (!line.starts_with("{") || !Json::accept(line)) throw no_points_file("something else");
  const Json j = parse_json(line, file);
  const std::string schema = j.contains("schema") && j["schema"].is_string() ? j["schema"].get<std::string>() : "";
  if (!schema.starts_with("weft-sweep/")) throw no_points_file(schema.empty() ? "JSON without a schema" : fmt::format("schema \"{}\"", schema));
  if (schema != kSchema) {
    throw UserError({{file, "line 1", fmt::format("is written as {}, this weft reads {}", schema, kSchema), "read it with the weft that wrote it, or run the sweep again"}});
  }
  Problems problems;
  JsonReader r(j, file, problems);
  PointsHeader h;
  r.has("schema");
  const std::string digest = r.string("digest");
  h.title = r.string("title");
  h.scenario = r.string("scenario");
  const auto points = static_cast<std::size_t>(r.integer("points", 1));
  const std::string shard = r.string("shard");
  h.run = std::make_shared<const Json>(r.at("run").value());
  const std::vector<Axis> axes = read_axes(r.at("axes"));
  r.done();
  problems.throw_if_any();
  h.grid = Grid(axes);
  h.shard = parse_shard(shard, "/shard");
  if (h.grid.points() != points || h.digest() != digest) throw no_points_file("one whose digest is not that of its content: it was changed by hand");
  return h;
}

/// Lines of a file without reading it whole; the last one may lack its line break.
class Lines {
 public:
  explicit Lines(const std::string& path) : path_(path), in_(path, std::ios::binary) {
    if (!in_) throw UserError({{path, "", fmt::format("cannot be read: {}", std::strerror(errno)), ""}});
  }
  /// False at the end. `whole`: it ended in a line break.
  bool next(std::string& line, bool& whole) {
    for (;;) {
      const std::size_t end = buffer_.find('\n', searched_);
      if (end != std::string::npos) {
        line.assign(buffer_, begin_, end - begin_);
        begin_ = searched_ = end + 1;
        whole = true;
        return true;
      }
      buffer_.erase(0, begin_);
      begin_ = 0;
      searched_ = buffer_.size();
      if (searched_ > kLongestLine) throw UserError({{path_, "", "a line is longer than 256 MiB: this is no points file", ""}});
      char piece[1 << 16];
      errno = 0;
      in_.read(piece, sizeof piece);
      if (in_.gcount() == 0) break;
      buffer_.append(piece, static_cast<std::size_t>(in_.gcount()));
    }
    // What cannot be read is no torn end: that would be cut off.
    if (in_.bad()) throw RunError(fmt::format("cannot read {}: {}", path_, errno != 0 ? std::strerror(errno) : "the disk says no"));
    line = std::move(buffer_);
    buffer_.clear();
    searched_ = 0;
    whole = false;
    return !line.empty();
  }

 private:
  std::string path_;
  std::ifstream in_;
  std::string buffer_;
  std::size_t begin_ = 0, searched_ = 0;
};

/// A piece of a first line.
bool starts_as_header(std::string_view line) { return kBegin.starts_with(line.substr(0, kBegin.size())); }

/// The error of a line of a file, under the file's name and with the line told once: the text of one line is its line 1.
UserError in_line(const UserError& e, const std::string& path, std::size_t number) {
  std::vector<Problem> problems = e.problems();
  for (Problem& p : problems) {
    const std::string own = "line 1, ";
    const std::string within = p.place.starts_with(own) ? ", " + p.place.substr(own.size()) : p.place.empty() ? "" : ": " + p.place;
    p.file = path;
    p.place = fmt::format("line {}{}", number, within);
    p.hint = "without this line its point is run again";
  }
  return UserError(std::move(problems));
}

std::string shortened(const Json& v) {
  const std::string text = dump_json(v);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

}  // namespace

Shard parse_shard(const std::string& text, const std::string& option) {
  Shard s;
  const char* end = text.data() + text.size();
  const auto [slash, error] = std::from_chars(text.data(), end, s.index);
  if (error == std::errc() && slash != end && *slash == '/') {
    const auto [last, second] = std::from_chars(slash + 1, end, s.of);
    if (second == std::errc() && last == end && s.index >= 1 && s.index <= s.of && s.of <= kMostPoints) return s;
  }
  throw UserError(option, fmt::format("expected a share like 2/8, from 1/8 to 8/8, got \"{}\"", text), "eight shares hold all points together");
}

std::string PointsHeader::digest() const { return fmt::format("fnv1a64:{:016x}", hash_name(dump_json(*run) + dump_json(grid.to_json()))); }

void check_same_study(const PointsHeader& there, const std::string& file, const PointsHeader& here, const std::string& what) {
  if (there.digest() == here.digest()) return;
  std::string differs;
  const auto add = [&](const std::string& text) { differs += (differs.empty() ? "" : "; ") + text; };
  const Json absent;
  const bool same_axes = there.grid.to_json() == here.grid.to_json();
  // The digest of the input is that of a point: what is set there changes it, too, and is named by itself.
  const auto same = [&](const char* key) { return there.run->contains(key) && here.run->contains(key) && (*there.run)[key] == (*here.run)[key]; };
  const bool same_input = same_axes && same("scenario_digest") && same("set") && same("seed") && same("calibrations");
  for (const auto& [key, value] : here.run->items()) {
    const Json& other = there.run->contains(key) ? (*there.run)[key] : absent;
    if (other == value) continue;
    if (key == "scenario_digest") add("the scenario is not the same");
    else if (key != "input_digest") add(fmt::format("{} is {} there and {} here", key, shortened(other), shortened(value)));
    else if (same_input) add("the data behind the names are not the same");
  }
  if (!same_axes) add(fmt::format("the axes are {} there and {} here", shortened(there.grid.to_json()), shortened(here.grid.to_json())));
  throw UserError({{file, "", fmt::format("holds points of another study than {}: {}", what, differs.empty() ? "the digest differs" : differs), "give every study points files of its own"}});
}

void refuse_points_file(const std::string& path) {
  std::error_code error;
  if (path == "-" || !std::filesystem::is_regular_file(path, error)) return;   // what is no file says so where it is read
  std::string begin(kBegin.size(), '\0');
  std::ifstream in(path, std::ios::binary);
  if (!in.read(begin.data(), static_cast<std::streamsize>(begin.size())) || begin != kBegin) return;
  throw UserError({{path, "", "is a points file of weft sweep, expected a scenario", fmt::format("weft sweep merge {0} and weft report {0} read it", path)}});
}

bool only_begun(const std::string& path) {
  Lines lines(path);
  std::string line;
  bool whole = false;
  return !lines.next(line, whole) || (!whole && starts_as_header(line));
}

PointsFile read_points_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw UserError({{path, "", "there is no such file", ""}});
  if (!std::filesystem::is_regular_file(path, error)) throw UserError({{path, "", "expected a points file, this is no file", ""}});
  PointsFile out;
  out.path = path;
  Lines lines(path);
  std::string line;
  bool whole = false;
  if (!lines.next(line, whole) || !whole) {
    // A longer piece without a line break is somebody else's file: let the header say so.
    if (!line.empty() && !starts_as_header(line)) read_header(line, path);
    throw UserError({{path, "line 1", "has no whole first line: nothing is finished in it", ""}});
  }
  out.header = read_header(line, path);
  out.whole_bytes = out.bytes = line.size() + 1;
  std::map<std::size_t, std::size_t> place;   // in out.lines, by point
  for (std::size_t number = 2; lines.next(line, whole); ++number) {
    if (!whole) {
      out.torn = true;
      out.bytes = out.whole_bytes + line.size();
      break;
    }
    const std::string where = fmt::format("line {}", number);
    std::size_t point = 0;
    try {
      point = read_line(line, path).first;
    } catch (const UserError& e) {
      throw in_line(e, path, number);
    }
    if (point >= out.header.grid.points() || !out.header.shard.has(point)) {
      throw UserError({{path, where, fmt::format("point {} is none of share {} of {} points", point, out.header.shard.text(), out.header.grid.points()), ""}});
    }
    out.whole_bytes += line.size() + 1;
    const auto [at, fresh] = place.try_emplace(point, out.lines.size());
    out.bytes = out.whole_bytes;
    if (fresh) out.lines.push_back({point, number, line});
    else if (out.lines[at->second].text != line) {
      throw UserError({{path, where, fmt::format("point {} stands in line {} too, with another result", point, out.lines[at->second].number), "delete both lines: the point is run again"}});
    }
  }
  return out;
}

PointsWriter::PointsWriter(const std::string& path, const PointsHeader& header) : path_(path) {
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) throw RunError(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  try {
    start(header);
  } catch (...) {
    let_go();
    throw;
  }
}

void PointsWriter::start(const PointsHeader& header) {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) throw RunError(fmt::format("cannot read {}: {}", path_, std::strerror(errno)));
  if (!S_ISREG(status.st_mode)) throw UserError("--points", fmt::format("{} is no file that points can be kept in", path_));
  // Where the file system knows no locks nobody watches.
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw RunError(fmt::format("another weft is writing to {}: wait until it is done, or give each share (--shard) a points file of its own", path_));
  }
  // Under the lock: how long it is now.
  if (::fstat(fd_, &status) != 0) throw RunError(fmt::format("cannot read {}: {}", path_, std::strerror(errno)));
  const std::string first = header_line(header);
  std::string begun(std::min<std::size_t>(static_cast<std::size_t>(status.st_size), first.size()), '\0');
  const ssize_t got = ::pread(fd_, begun.data(), begun.size(), 0);
  const bool only_begun = got == static_cast<ssize_t>(status.st_size) && first.starts_with(begun);   // killed while it wrote the first line
  if (only_begun) {
    found_.path = path_;
    found_.header = header;
    found_.torn = !begun.empty();
    if (::ftruncate(fd_, 0) != 0) throw RunError(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
    write_line(first);
    return;
  }
  found_ = read_points_file(path_);
  // Nobody else writes: what was read is the whole file, or it was read wrong and nothing may be cut off.
  if (::fstat(fd_, &status) != 0) throw RunError(fmt::format("cannot read {}: {}", path_, std::strerror(errno)));
  if (found_.bytes != static_cast<std::uint64_t>(status.st_size)) {
    throw RunError(fmt::format("cannot read {}: it has {} bytes, of which {} came; it is left as it is", path_, status.st_size, found_.bytes));
  }
  check_same_study(found_.header, path_, header, "this one");
  if (found_.header.shard.text() != header.shard.text()) {
    throw UserError({{path_, "", fmt::format("holds share {}, not {}", found_.header.shard.text(), header.shard.text()), "give each share a points file of its own"}});
  }
  if (found_.torn && ::ftruncate(fd_, static_cast<off_t>(found_.whole_bytes)) != 0) throw RunError(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
  bytes_ = found_.whole_bytes;
  points_ = found_.lines.size();
}

PointsWriter::~PointsWriter() { let_go(); }

void PointsWriter::let_go() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void PointsWriter::append(const std::string& text) {
  write_line(text);
  ++points_;
}

void PointsWriter::write_line(const std::string& text) {
  const std::string line = text + "\n";
  std::size_t at = 0;
  while (at < line.size()) {
    const ssize_t n = ::write(fd_, line.data() + at, line.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const std::string why = std::strerror(errno);
      const bool restored = at == 0 || ::ftruncate(fd_, static_cast<off_t>(bytes_)) == 0;   // what cannot be taken off is a torn line to the next who reads
      throw RunError(fmt::format("cannot write {}: {}; the {} finished points in it are kept: make room and run the same command again{}", path_, why, points_,
                                 restored ? "" : " (its last line is torn and will be redone)"));
    }
    at += static_cast<std::size_t>(n);   // all of it, unless the disk is full
  }
  bytes_ += line.size();
}

}  // namespace weft::scenarios

#include "sim/core/files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <system_error>

#include <unistd.h>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "sim/core/unfinished.h"

namespace weft::core {
namespace fs = std::filesystem;

namespace {

/// Writes and closes; false with errno when the disk says no.
bool write_all(std::FILE* f, std::string_view text, bool sync) {
  const bool written = std::fwrite(text.data(), 1, text.size(), f) == text.size() && std::fflush(f) == 0 && (!sync || ::fsync(::fileno(f)) == 0);
  const int write_error = errno;
  const bool closed = std::fclose(f) == 0;
  if (!written) errno = write_error;
  return written && closed;
}

RunError cannot_write(const fs::path& path, const std::string& why) { return RunError(fmt::format("cannot write {}: {}", path.string(), why)); }

}  // namespace

void write_file_atomically(const fs::path& named, std::string_view text) {
  std::error_code error;
  // A link is written through, not replaced; a device or pipe has nothing to lose and cannot be replaced.
  const fs::path path = fs::is_symlink(named, error) && fs::exists(named, error) ? fs::canonical(named, error) : named;
  const fs::file_status before = fs::status(path, error);
  if (fs::exists(before) && !fs::is_regular_file(before)) {
    if (fs::is_directory(before)) throw cannot_write(path, "this is a folder");
    std::FILE* f = std::fopen(path.c_str(), "wb");
    if (f == nullptr || !write_all(f, text, false)) throw cannot_write(path, std::strerror(errno));
    return;
  }
  UnfinishedFile temporary(path.string() + fmt::format(".{}.tmp", ::getpid()));
  std::FILE* f = std::fopen(temporary.path().c_str(), "wb");
  if (f == nullptr) throw cannot_write(path, std::strerror(errno));
  std::error_code ignored;
  if (!write_all(f, text, true)) throw cannot_write(path, std::string(std::strerror(errno)) + " (what was there before is untouched)");
  if (fs::exists(before)) fs::permissions(temporary.path(), before.permissions(), ignored);
  fs::rename(temporary.path(), path, error);
  if (error) throw cannot_write(path, error.message());
  temporary.keep();
}

std::string read_file(const std::string& path, std::size_t limit_bytes) {
  const auto too_large = [&] {
    return UserError({{path, "", fmt::format("the file is larger than {} MiB", limit_bytes >> 20), "is this the right file?"}});
  };
  std::string text;
  const auto read_all = [&](std::istream& in) {
    char buffer[65536];
    while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
      text.append(buffer, static_cast<std::size_t>(in.gcount()));
      if (text.size() > limit_bytes) throw too_large();
    }
  };
  if (path == "-") {
    read_all(std::cin);
    return text;
  }
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) throw UserError({{path, "", "there is no such file", ""}});
  if (fs::is_directory(status)) throw UserError({{path, "", "expected a file, this is a folder", ""}});
  std::ifstream in(path, std::ios::binary);
  if (!in) throw UserError({{path, "", fmt::format("cannot be read: {}", std::strerror(errno)), ""}});
  read_all(in);
  return text;
}

DataPlaces DataPlaces::standard() {
  std::vector<fs::path> roots;
  if (const char* own = std::getenv("WEFT_DATA"); own != nullptr && *own != '\0') roots.emplace_back(own);
  // The checkout that built this program, if it is still there; then the prefix next to the program; then the configured one.
  if (fs::exists(fs::path(WEFT_SOURCE_DIR) / "topology" / "data")) roots.emplace_back(WEFT_SOURCE_DIR);
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (!error) {
    const fs::path prefix = program.parent_path().parent_path() / "share" / "weft";
    if (fs::exists(prefix)) roots.push_back(prefix);
  }
  roots.emplace_back(WEFT_INSTALLED_DATA);
  return DataPlaces(std::move(roots));
}

fs::path DataPlaces::find(const std::string& folder, const std::string& name) const {
  // A name is a name, not a path: it must not leave its folder.
  if (name.empty() || name.find('/') != std::string::npos || name.size() > 200) return {};
  for (const fs::path& root : roots_) {
    fs::path candidate = root / folder / (name + ".json");
    std::error_code error;
    if (fs::is_regular_file(candidate, error)) return candidate;
  }
  return {};
}

std::vector<std::string> DataPlaces::names(const std::string& folder) const {
  std::set<std::string> all;
  for (const fs::path& root : roots_) {
    std::error_code error;
    for (fs::directory_iterator it(root / folder, error), end; !error && it != end; it.increment(error)) {
      if (it->path().extension() == ".json") all.insert(it->path().stem().string());
    }
  }
  return {all.begin(), all.end()};
}

}  // namespace weft::core

#include "reports/trace/trace_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <new>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "sim/core/unfinished.h"

namespace weft::reports::trace {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t block = std::size_t{1} << 18;

}  // namespace

struct TraceFile::Impl {
  explicit Impl(const std::string& named) : path(named) {}
  ~Impl() {
    if (zip) ::deflateEnd(&*zip);
    if (file >= 0) ::close(file);
  }

  [[noreturn]] void fail(int error) const { throw RunError(fmt::format("cannot write {}: {}", path, std::strerror(error))); }

  void put(const char* data, std::size_t size) {
    on_disk += size;
    while (size > 0) {
      const ssize_t n = ::write(file, data, size);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(errno);
      data += n;
      size -= static_cast<std::size_t>(n);
    }
  }

  void squeeze(std::string_view text, int flush) {
    zip->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    zip->avail_in = static_cast<uInt>(text.size());
    do {
      zip->next_out = reinterpret_cast<Bytef*>(out.data());
      zip->avail_out = static_cast<uInt>(out.size());
      ::deflate(&*zip, flush);
      put(out.data(), out.size() - zip->avail_out);
    } while (zip->avail_out == 0);
  }

  std::string path;
  fs::path target;                            // what the name leads to
  std::optional<UnfinishedFile> temporary;    // none: written in place
  int file = -1;
  std::optional<z_stream> zip;
  std::vector<char> out;
  std::uint64_t bytes = 0, on_disk = 0;
};

TraceFile::TraceFile(const std::string& path, int level) : impl_(std::make_unique<Impl>(path)) {
  std::error_code error;
  impl_->target = fs::is_symlink(path, error) && fs::exists(path, error) ? fs::canonical(path, error) : fs::path(path);
  const fs::file_status before = fs::status(impl_->target, error);
  fs::path opened = impl_->target;
  if (!fs::exists(before) || fs::is_regular_file(before)) {
    opened += fmt::format(".{}.tmp", ::getpid());
    impl_->temporary.emplace(opened);
  }
  impl_->file = ::open(opened.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (impl_->file < 0) impl_->fail(errno);
  if (fs::is_regular_file(before)) fs::permissions(opened, before.permissions(), error);
  if (!path.ends_with(".gz")) return;
  impl_->zip.emplace();
  impl_->out.resize(block);
  constexpr int gzip_header = 16;   // added to the bits of the window
  if (::deflateInit2(&*impl_->zip, level, Z_DEFLATED, MAX_WBITS + gzip_header, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
}

TraceFile::~TraceFile() = default;

void TraceFile::write(std::string_view text) {
  impl_->bytes += text.size();
  if (!impl_->zip) return impl_->put(text.data(), text.size());
  for (std::size_t at = 0; at < text.size(); at += block) impl_->squeeze(text.substr(at, block), Z_NO_FLUSH);
}

void TraceFile::commit() {
  if (impl_->zip) impl_->squeeze({}, Z_FINISH);
  const int file = std::exchange(impl_->file, -1);
  if (impl_->temporary && ::fsync(file) != 0) {
    const int why = errno;
    ::close(file);
    impl_->fail(why);
  }
  if (::close(file) != 0) impl_->fail(errno);
  if (!impl_->temporary) return;
  if (::rename(impl_->temporary->path().c_str(), impl_->target.c_str()) != 0) impl_->fail(errno);
  impl_->temporary->keep();
}

std::uint64_t TraceFile::bytes() const { return impl_->bytes; }
std::uint64_t TraceFile::bytes_on_disk() const { return impl_->on_disk; }
const std::string& TraceFile::path() const { return impl_->path; }

std::string why_not_writable(const std::string& path) {
  std::error_code error;
  if (path.empty()) return "a file has a name";
  if (fs::is_directory(path, error)) return "this is a folder";
  fs::path target = fs::is_symlink(path, error) && fs::exists(path, error) ? fs::canonical(path, error) : fs::path(path);
  const fs::path folder = fs::absolute(target, error).parent_path();
  if (!fs::is_directory(folder, error)) return fmt::format("there is no folder {}", folder.string());
  const bool replaced = !fs::exists(target, error) || fs::is_regular_file(target, error);
  if (::access(replaced ? folder.c_str() : target.c_str(), W_OK) != 0) {
    return fmt::format("{} is not yours to write to", replaced ? "the folder " + folder.string() : "it");
  }
  return {};
}

}  // namespace weft::reports::trace

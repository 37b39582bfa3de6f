#include "workloads/inference/requests/trace_lines.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fmt/format.h>
#include <zlib.h>

#include "sim/core/error.h"

namespace weft::workloads::inference {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 18, kLongestLine = std::size_t{16} << 20;

bool blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

}  // namespace

struct TraceLines::File {
  ~File() { if (zip != nullptr) ::gzclose(zip); }

  gzFile zip = nullptr;   // reads plain files as they are
  std::vector<char> data = std::vector<char>(kBlock);
  std::size_t begin = 0, end = 0;
  bool at_end = false, unfinished = false;
};

TraceLines::TraceLines(const std::string& path, std::string name) : file_(std::make_unique<File>()), name_(std::move(name)) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) throw UserError({{name_, "", "this is a folder", "name the trace in it"}});
  file_->zip = ::gzopen(path.c_str(), "rb");
  if (file_->zip == nullptr) throw UserError({{name_, "", fmt::format("cannot be read: {}", std::strerror(errno)), ""}});
  ::gzbuffer(file_->zip, kBlock);
}

TraceLines::~TraceLines() = default;

std::string TraceLines::place() const { return fmt::format("line {}", number_); }
bool TraceLines::unfinished() const { return file_->unfinished; }
void TraceLines::fail(std::string message, std::string hint) const { throw UserError({{name_, place(), std::move(message), std::move(hint)}}); }

bool TraceLines::next(std::string_view& line) {
  File& f = *file_;
  std::size_t looked = 0;   // bytes after `begin` without a line's end
  for (;;) {
    const char* from = f.data.data() + f.begin;
    const std::size_t have = f.end - f.begin;
    const void* stop = std::memchr(from + looked, '\n', have - looked);
    if (stop != nullptr || (f.at_end && have > 0)) {
      const std::size_t size = stop == nullptr ? have : static_cast<std::size_t>(static_cast<const char*>(stop) - from);
      line = std::string_view(from, size);
      f.begin += size + (stop == nullptr ? 0 : 1);
      f.unfinished = stop == nullptr;
      looked = 0;
      if (++number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (blank(line)) continue;
      return true;
    }
    if (f.at_end) return false;
    looked = have;
    if (have > kLongestLine) {
      ++number_;
      fail("a line of more than 16 MiB", "is this a trace with a line for each request?");
    }
    std::memmove(f.data.data(), from, have);
    f.begin = 0;
    f.end = have;
    if (f.data.size() - have < kBlock) f.data.resize(2 * f.data.size());
    const int got = ::gzread(f.zip, f.data.data() + have, static_cast<unsigned>(f.data.size() - have));
    int error = Z_OK;
    const std::string why = got <= 0 ? ::gzerror(f.zip, &error) : "";
    if (got < 0 || (got == 0 && error != Z_OK && error != Z_STREAM_END)) {
      ++number_;
      fail(fmt::format("cannot be read on: {}", error == Z_ERRNO ? std::strerror(errno) : why), error == Z_ERRNO ? "" : "the file seems to be cut off or damaged");
    }
    f.end += static_cast<std::size_t>(got);
    f.at_end = got == 0;
  }
}

std::string find_request_trace(const std::string& given, const std::string& place) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (given.empty()) throw UserError(place, "expected the path of a trace, got an empty text");
  if (fs::exists(given, ignored)) return given;
  const char* reference = std::getenv("WEFT_REFERENCE");
  if (reference != nullptr && fs::exists(fs::path(reference) / given, ignored)) return (fs::path(reference) / given).string();
  throw UserError(place, fmt::format("there is no file \"{}\"", given), "relative paths are looked for from the folder where weft runs, then below $WEFT_REFERENCE");
}

}  // namespace weft::workloads::inference

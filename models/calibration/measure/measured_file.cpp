#include "models/calibration/measure/measured_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/error.h"

namespace weft::models {
namespace {

constexpr char schema[] = "weft-measured/1";

Json number(double v) {
  if (v == static_cast<double>(static_cast<std::int64_t>(v))) return static_cast<std::int64_t>(v);
  return v;
}

std::string text_of(const Json& line, const char* key) {
  const auto found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : "";
}

/// The key of a line, built as to_text builds it: family, variant, and the fields between them and "time_us".
std::string key_of(const Json& line) {
  std::string text = text_of(line, "family") + "/" + text_of(line, "variant");
  for (const auto& [name, value] : line.items()) {
    if (name == "time_us") break;
    if (value.is_number()) text += fmt::format(" {}={}", name, value.get<double>());
  }
  return text;
}

}  // namespace

std::string line_of(const MeasuredLine& l, const weft_measure_device& device) {
  Json j;
  j["family"] = l.what.kernel.family;
  j["variant"] = l.what.kernel.variant;
  for (std::size_t i = 0; i < l.what.at.size(); ++i) j[l.what.kernel.fields[i].name] = number(l.what.at[i]);
  j["time_us"] = l.times.median_us;
  j["p5_us"] = l.times.p5_us;
  j["p95_us"] = l.times.p95_us;
  j["samples"] = l.times.times_us.size();
  j["stable"] = l.times.stable;
  j["l2"] = l.cold_l2 ? "cold" : "warm";
  j["launch"] = l.graph ? "graph" : "stream";
  j["device"] = device.name;
  j["driver"] = device.driver;
  j["runtime"] = device.runtime;
  if (l.sm_mhz > 0) {
    j["clocks_mhz"] = {{"sm", number(l.sm_mhz)}, {"sm_lowest", number(l.sm_lowest_mhz)}, {"memory", number(l.memory_mhz)}};
  }
  j["throttle"] = Json::array();
  for (const std::string& reason : l.throttle) j["throttle"].push_back(reason);
  j["verified_max_error"] = l.verified.max_error;
  j["verified_tolerance"] = l.verified.tolerance;
  j["implementation"] = l.what.kernel.implementation;
  if (device.simulated != 0) j["simulated"] = true;
  return dump_json(j);
}

MeasuredFile::MeasuredFile(const std::string& path, const weft_measure_device& device, const std::string& backend, bool cold_l2)
    : path_(path), device_(device) {
  Json head;
  head["schema"] = schema;
  head["backend"] = backend;
  head["device"] = device.name;
  head["driver"] = device.driver;
  head["runtime"] = device.runtime;
  head["l2"] = cold_l2 ? "cold" : "warm";
  head["sms"] = device.sms;
  head["memory_bytes"] = device.memory_bytes;
  head["l2_bytes"] = device.l2_bytes;
  if (device.simulated != 0) head["simulated"] = true;
  if (device.parameters[0] != '\0') head["parameters"] = device.parameters;
  schema_line_ = dump_json(head);

  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file_ < 0) throw RunError(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    ::close(file_);
    throw RunError(fmt::format("cannot write {}: another weft is writing to it", path));
  }
  try {
    const std::string text = read_file(path, std::size_t{1} << 30);
    read_existing(text);
  } catch (...) {
    ::close(file_);
    throw;
  }
}

MeasuredFile::~MeasuredFile() { ::close(file_); }

void MeasuredFile::read_existing(const std::string& text) {
  const std::size_t end = text.rfind('\n');
  const std::size_t whole = end == std::string::npos ? 0 : end + 1;   // what follows was cut off in the middle
  int line_number = 0;
  const auto refuse = [&](const std::string& why) {
    throw UserError({{path_, fmt::format("line {}", line_number), why, "name another file with -o"}});
  };
  for (std::size_t at = 0; at < whole;) {
    const std::size_t stop = text.find('\n', at);
    ++line_number;
    Json line;
    try {
      line = parse_json(std::string_view(text).substr(at, stop - at), path_);
    } catch (const UserError&) {
      refuse("is no JSON");
    }
    at = stop + 1;
    if (!line.is_object()) refuse("is no JSON object");
    if (line_number > 1) {
      done_.insert(key_of(line));
      continue;
    }
    if (text_of(line, "schema") != schema) refuse(fmt::format("is no file of measured kernels (it does not begin with the schema {})", schema));
    const Json ours = parse_json(schema_line_, path_);
    for (const char* key : {"backend", "device", "driver", "runtime", "l2", "parameters"}) {
      if (text_of(line, key) != text_of(ours, key)) {
        refuse(fmt::format("the file holds measurements with {} \"{}\", now it is \"{}\"", key, text_of(line, key), text_of(ours, key)));
      }
    }
  }
  if (whole == 0 && !text.empty() && !schema_line_.starts_with(text)) {
    line_number = 1;
    refuse("is no file of measured kernels");
  }
  torn_ = whole < text.size();
  if (torn_ && ::ftruncate(file_, static_cast<off_t>(whole)) != 0) throw RunError(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
  if (whole == 0) write(schema_line_);
}

void MeasuredFile::write(const std::string& line) {
  const std::string whole = line + "\n";
  std::size_t done = 0;
  while (done < whole.size()) {
    const ssize_t n = ::write(file_, whole.data() + done, whole.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw RunError(fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
    done += static_cast<std::size_t>(n);
  }
  ::fdatasync(file_);   // fails on what is no file: nothing to do then
}

void MeasuredFile::append(const MeasuredLine& line) {
  write(line_of(line, device_));
  done_.insert(to_text(line.what));
}

}  // namespace weft::models

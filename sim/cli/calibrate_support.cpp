#include "sim/cli/calibrate_support.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "sim/core/random.h"

namespace weft::cli {
namespace {

/// Rows that name no device are taken for rows of the one that the others name: nobody said so, so it is told.
void tell_nameless(const std::vector<models::Measurement>& rows, const std::string& device, const Common& common) {
  const auto nameless = [](const models::Measurement& m) { return m.device.empty(); };
  const auto first = std::find_if(rows.begin(), rows.end(), nameless);
  if (device.empty() || first == rows.end()) return;
  note(common, fmt::format("{} of {} rows do not name their device (the first: {}); they are taken for {} as the others", std::count_if(rows.begin(), rows.end(), nameless),
                           rows.size(), first->place, device));
}

}  // namespace

models::Measurements read_all_measurements(const std::vector<std::string>& files, const Common& common) {
  models::Measurements all;
  std::uint64_t digest = 0;
  std::set<std::string> seen;
  for (const std::string& file : files) {
    models::Measurements one = models::read_measurements(file);
    if (!seen.insert(one.digest).second) {
      throw UserError(file, "the same measurements were given before", "rows that stand twice would speak for each other in the tests on rows left out");
    }
    for (const std::string& n : one.notes) note(common, fmt::format("{}: {}", file, n));
    all.rows.insert(all.rows.end(), std::make_move_iterator(one.rows.begin()), std::make_move_iterator(one.rows.end()));
    all.notes.insert(all.notes.end(), one.notes.begin(), one.notes.end());
    all.digest = one.digest;
    digest = hash_with(mix64(digest), hash_name(one.digest));
  }
  tell_nameless(all.rows, device_of(all), common);
  if (files.size() > 1) all.digest = fmt::format("files:{:016x}", digest);
  return all;
}

std::string device_of(const models::Measurements& data) {
  std::set<std::string> devices;
  for (const models::Measurement& m : data.rows) {
    if (!m.device.empty()) devices.insert(m.device);
  }
  if (devices.size() > 1) {
    throw UserError("DATA", fmt::format("the measurements are of {} devices: {}", devices.size(), fmt::join(devices, ", ")),
                    "calibrate one device at a time");
  }
  return devices.empty() ? "" : *devices.begin();
}

models::Gpu gpu_of(const models::Measurements& data, const std::string& named, const DataPlaces& places, bool force, bool* contradicted) {
  const std::string device = device_of(data);
  if (!named.empty()) {
    models::Gpu gpu = models::gpu_named(named, places, "--gpu");
    const auto theirs = device.empty() ? std::nullopt : models::gpu_of_device(device, places);
    *contradicted = theirs && *theirs != gpu.name;
    if (*contradicted && !force) {
      throw UserError("--gpu", fmt::format("the measurements are of \"{}\", which is {}, and not of {}", device, *theirs, gpu.name),
                      "leave --gpu out, or take --force, which is then marked");
    }
    return gpu;
  }
  if (device.empty()) throw UserError("DATA", "the measurements do not say which GPU they are of", "say it with --gpu, for example --gpu h100");
  const auto known = models::gpu_of_device(device, places);
  if (!known) throw UserError("DATA", fmt::format("weft knows no GPU that a driver calls \"{}\"", device), "say which it is with --gpu, or write a file for it: models/README.md");
  return models::gpu_named(*known, places, "--gpu");
}

}  // namespace weft::cli

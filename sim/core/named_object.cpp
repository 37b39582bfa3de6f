#include "sim/core/named_object.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft::core {

namespace {

constexpr int max_extends = 8;  // a chain this long is a circle

bool is_path(const std::string& name) { return name.find('/') != name.npos || name.ends_with(".json"); }

/// Folds the files that `json` extends into it; false when a problem was recorded at `where`.
bool fold_bases(Json& json, const JsonReader& where, const DataPlaces& data, const std::string& folder,
                const std::string& what) {
  for (int depth = 0; json.contains("extends"); ++depth) {
    if (depth == max_extends) return where.fail_at("extends", "these extend each other in a circle"), false;
    if (!json["extends"].is_string()) {
      return where.fail_at("extends", fmt::format("expected the name of {} as a string", what)), false;
    }
    const auto name = json["extends"].get<std::string>();
    const std::string path = is_path(name) ? name : data.find(folder, name).string();
    if (path.empty()) {
      const auto known = data.names(folder);
      return where.fail_at("extends", fmt::format("unknown name \"{}\"", name), unknown_name_hint(name, known)), false;
    }
    Json base = read_json_file(path);
    if (!base.is_object()) return where.fail_at("extends", fmt::format("{} does not hold an object", path)), false;
    json.erase("extends");
    for (auto& [key, value] : json.items()) base[key] = value;
    json = std::move(base);
  }
  return true;
}

}  // namespace

std::optional<NamedObject> read_named_object(JsonReader where, const DataPlaces& data, const std::string& folder,
                                             const std::string& what) {
  Json json;
  std::string name, file = where.file(), pointer = where.pointer();
  if (where.is_string()) {
    name = where.as_string();
    file = is_path(name) ? name : data.find(folder, name).string();
    if (file.empty()) {
      const auto known = data.names(folder);
      where.fail(fmt::format("unknown name \"{}\"", name), unknown_name_hint(name, known));
      return std::nullopt;
    }
    json = read_json_file(file);
    pointer.clear();
    if (is_path(name)) name = std::filesystem::path(name).stem().string();
  } else {
    if (!where.expect_object(fmt::format("the name of {} or a description of it", what))) return std::nullopt;
    json = where.value();
    const auto text = [&](const char* key) { return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : ""; };
    name = text("name");
    if (name.empty()) name = text("extends").empty() ? "inline" : text("extends") + ", changed";
  }
  Problems& problems = where.problems();
  if (!fold_bases(json, JsonReader(json, file, problems, pointer), data, folder, what)) return std::nullopt;
  auto kept = std::make_shared<const Json>(std::move(json));
  JsonReader reader(*kept, file, problems, pointer);
  if (!reader.expect_object(what)) return std::nullopt;
  reader.has("name");
  return NamedObject{kept, name, reader};
}

}  // namespace weft::core

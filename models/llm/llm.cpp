#include "models/llm/llm.h"

#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/named_object.h"

namespace weft::models {
namespace {

/// The name of a model whose file is called config.json like all of them: that of its folder.
std::string name_of(const std::string& path, const std::string& stem) {
  if (stem != "config") return stem;
  const std::string folder = std::filesystem::path(path).parent_path().filename().string();
  return folder.empty() || folder == "." || folder == ".." ? stem : folder;
}

}  // namespace

Llm read_llm(JsonReader where, const DataPlaces& data) {
  Llm m;
  auto found = read_named_object(where, data, "models/llms", "a language model");
  if (!found) return m;
  JsonReader& r = found->reader;
  m.name = where.is_string() ? name_of(where.as_string(), found->name) : found->name;
  if (!r.has("config")) {   // Hugging Face's own file: its many keys are not ours to refuse
    m.title = m.name;
    m.source = found->reader.file();
    read_hugging_face_config(r, m);
    return m;
  }
  m.title = r.string("title", m.name);
  m.source = r.string("source", r.file());
  JsonReader config = r.at("config");
  read_hugging_face_config(config, m);
  r.done();
  return m;
}

Llm llm_named(const std::string& name, const DataPlaces& data, const std::string& option) {
  if (std::filesystem::is_directory(name)) {
    throw UserError(option, fmt::format("\"{}\" is a folder", name), "give the config.json in it");
  }
  Problems problems;
  const Json word = name;
  Llm m = read_llm(JsonReader(word, "", problems, option), data);
  problems.throw_if_any();
  return m;
}

}  // namespace weft::models

// Models for the tests: shipped ones by name, others from the text of a config.
#pragma once

#include <nlohmann/json.hpp>

#include "models/llm/llm.h"

namespace weft::models::test {

inline Llm shipped(const std::string& name) { return llm_named(name, DataPlaces::standard(), "NAME"); }

inline Llm from_text(const std::string& json) {
  const Json value = parse_json(json, "config.json");
  Problems problems;
  Llm m = read_llm(JsonReader(value, "config.json", problems), DataPlaces::standard());
  problems.throw_if_any();
  return m;
}

}  // namespace weft::models::test

// Activation storages as data: each number with its origin, and changes in place.
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "models/activation_storage.h"

using namespace weft;
using namespace weft::models;

namespace {

ActivationStorage read(const std::string& json) {
  const Json value = parse_json(json, "scenario.json");
  Problems problems;
  const ActivationStorage s = read_activation_storage(JsonReader(value, "scenario.json", problems, "/activations"), DataPlaces::standard());
  problems.throw_if_any();
  return s;
}

}  // namespace

TEST_CASE("every shipped activation storage reads, and each of its numbers has a source") {
  const auto names = DataPlaces::standard().names("models/data/activation_storage");
  CHECK(names.size() >= 2);
  for (const std::string& name : names) {
    CAPTURE(name);
    const ActivationStorage s = read("\"" + name + "\"");
    CHECK(s.name == name);
    CHECK_FALSE(s.title.empty());
    CHECK(constants_of(s).size() == 9);
    for (const ConstantUsed& c : constants_of(s)) CHECK_FALSE(c.source.empty());
  }
}

TEST_CASE("DeepSeek-V3 keeps linear and SwiGLU inputs in FP8 with a scale for 128 elements, the attention's output in 12 bits (arXiv:2412.19437 section 3.3.3)") {
  const ActivationStorage s = read("\"deepseek_v3\"");
  CHECK(s.linear_input.value.value() == 1 + 4.0 / 128);
  CHECK(s.swiglu_input.value.value() == 1 + 4.0 / 128);
  CHECK(s.attention_output.value.value() == 12.0 / 8);
  CHECK(s.buffers.origin == Origin::assumed);
}

TEST_CASE("a storage can be changed in place, and a number without unit is refused") {
  const ActivationStorage s = read(R"({"extends": "deepseek_v3", "buffers": "8 GB"})");
  CHECK(s.buffers.value == Bytes(8e9));
  CHECK(s.attention_output.value.value() == 1.5);
  CHECK_THROWS_WITH_AS(read(R"({"extends": "bf16", "residual": 2})"), doctest::Contains("/activations/residual"), UserError);
  CHECK_THROWS_WITH_AS(read("\"fp4\""), doctest::Contains("deepseek_v3"), UserError);
}

#include "models/activation_storage.h"

#include <array>

#include <fmt/format.h>

#include "sim/core/named_object.h"

namespace weft::models {
namespace {

struct Field {
  const char* key;
  Sourced<Bytes> ActivationStorage::* member;
};

constexpr std::array<Field, 9> kFields = {{{"residual", &ActivationStorage::residual},
                                           {"latent", &ActivationStorage::latent},
                                           {"linear_input", &ActivationStorage::linear_input},
                                           {"attention_input", &ActivationStorage::attention_input},
                                           {"attention_output", &ActivationStorage::attention_output},
                                           {"swiglu_input", &ActivationStorage::swiglu_input},
                                           {"log_sum_exp", &ActivationStorage::log_sum_exp},
                                           {"logits", &ActivationStorage::logits},
                                           {"buffers", &ActivationStorage::buffers}}};

}  // namespace

ActivationStorage read_activation_storage(JsonReader where, const DataPlaces& data) {
  ActivationStorage s;
  auto found = read_named_object(where, data, "models/data/activation_storage", "a storage of activations");
  if (!found) return s;
  JsonReader& r = found->reader;
  s.name = found->name;
  s.title = r.string("title", s.name);
  for (const Field& f : kFields) s.*f.member = r.sourced<Bytes>(f.key, Origin::assumed, false);
  r.done();
  return s;
}

std::vector<ConstantUsed> constants_of(const ActivationStorage& s) {
  std::vector<ConstantUsed> used;
  for (const Field& f : kFields) {
    const Sourced<Bytes>& c = s.*f.member;
    used.push_back({fmt::format("activations {}: {}", s.name, f.key), to_text(c.value), c.origin, c.source});
  }
  return used;
}

}  // namespace weft::models

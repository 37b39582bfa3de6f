// What training keeps of each kind of activation until the backward pass: bytes an element, from data files with a source per number.
#pragma once

#include <string>
#include <vector>

#include "sim/core/files.h"
#include "sim/core/json.h"
#include "sim/core/provenance.h"
#include "sim/core/units.h"

namespace weft::models {

struct ActivationStorage {
  std::string name;                  ///< "deepseek_v3"
  std::string title;
  Sourced<Bytes> residual;           ///< an element of the residual stream
  Sourced<Bytes> latent;             ///< of the latent vectors of MLA
  Sourced<Bytes> linear_input;       ///< of what enters a matrix product, scales included
  Sourced<Bytes> attention_input;    ///< of queries, keys and values per head
  Sourced<Bytes> attention_output;   ///< of what enters the projection after the attention
  Sourced<Bytes> swiglu_input;       ///< of gate and up projections
  Sourced<Bytes> log_sum_exp;        ///< a query and head
  Sourced<Bytes> logits;             ///< a token and word of the vocabulary
  Sourced<Bytes> buffers;            ///< a GPU: communication buffers and workspace
};

/// By name from models/data/activation_storage, by path, or an inline object (which may say "extends"). See core::read_named_object.
ActivationStorage read_activation_storage(JsonReader where, const DataPlaces& data);
std::vector<ConstantUsed> constants_of(const ActivationStorage& s);

}  // namespace weft::models

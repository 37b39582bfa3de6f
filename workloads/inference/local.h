// How fast one machine decodes for one user: the weights that a token needs, read once, against the operations that it takes.
#pragma once

#include <string>

#include "models/llm/llm.h"
#include "models/machine.h"
#include "sim/core/units.h"

namespace weft::workloads::inference {

/// What matters of a model here.
struct LocalModel {
  std::string name;
  double parameters = 0;          ///< all that are stored
  double activated = 0;           ///< of them read for a token: head, no input embedding
  double routed = 0;              ///< of `parameters` in routed experts
  double routed_activated = 0;    ///< of `activated` in them
  Bytes cache_per_token;          ///< of context
};

/// Without MTP modules; the cache in BF16.
LocalModel local_model(const models::Llm& m);

struct LocalQuestion {
  Bytes weight;               ///< bytes a weight
  double context = 0;         ///< tokens in the cache
  double memory_part = 0.9;   ///< of each memory that may be used
  double efficiency = 0.8;    ///< of a memory's rate that is read where nobody measured it, and of the tensor cores' rate
};

struct LocalSpeed {
  Bytes weights, cache;       ///< stored
  Bytes lacking;              ///< zero: it fits
  Bytes read;                 ///< for a token
  Seconds memory;             ///< reading it: the two memories of a machine that has two take turns, layer by layer
  Seconds compute;            ///< two operations a weight; zero where the machine's rate is not known
  Seconds token() const { return memory < compute ? compute : memory; }
};

/// With a memory of their own routed experts lie and are computed there, all else in the first.
LocalSpeed local_speed(const LocalModel& m, const models::Machine& machine, const LocalQuestion& q);

}  // namespace weft::workloads::inference

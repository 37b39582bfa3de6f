#include "sim/core/provenance.h"

namespace weft::core {

std::string to_text(Origin o) {
  switch (o) {
    case Origin::published: return "published";
    case Origin::measured: return "measured";
    case Origin::derived: return "derived";
    case Origin::fitted: return "fitted";
    case Origin::assumed: return "assumed";
  }
  return "assumed";
}

}  // namespace weft::core

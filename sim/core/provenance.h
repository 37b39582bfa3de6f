// Where a constant comes from: published, measured, fitted or assumed, with its source in words.
#pragma once

#include <string>

namespace weft::core {

/// How a number came about; travels with it to the report.
enum class Origin { published, measured, derived, fitted, assumed };

std::string to_text(Origin o);

/// A value with its origin. `source` names the publication or data; for `fitted` it says what it was fitted to.
template <class T>
struct Sourced {
  T value{};
  Origin origin = Origin::assumed;
  std::string source;
};

/// A constant that a run used, as shown in its result.
struct ConstantUsed {
  std::string name;    ///< "node h800: nic_rate"
  std::string value;   ///< "50 GB/s"
  Origin origin = Origin::assumed;
  std::string source;
  bool operator==(const ConstantUsed&) const = default;
};

}  // namespace weft::core

namespace weft { using namespace core; }

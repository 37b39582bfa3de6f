#include "sim/core/row.h"

#include <cmath>
#include <stdexcept>

#include "sim/core/error.h"

namespace weft::core {

Row& Row::set(std::string name, Cell value) {
  if (const double* d = std::get_if<double>(&value)) {
    WEFT_CHECK(std::isfinite(*d), "column " + name + " is not finite");
  }
  for (auto& [known, cell] : cells_) {
    if (known == name) {
      cell = std::move(value);
      return *this;
    }
  }
  cells_.emplace_back(std::move(name), std::move(value));
  return *this;
}

const Cell* Row::find(std::string_view name) const {
  for (const auto& [known, cell] : cells_) {
    if (known == name) return &cell;
  }
  return nullptr;
}

double Row::number(std::string_view name) const {
  const Cell* c = find(name);
  if (c == nullptr) throw std::out_of_range("no column " + std::string(name));
  if (const auto* d = std::get_if<double>(c)) return *d;
  if (const auto* i = std::get_if<std::int64_t>(c)) return static_cast<double>(*i);
  throw std::out_of_range("column " + std::string(name) + " is no number");
}

}  // namespace weft::core

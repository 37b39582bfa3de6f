#include "topology/kinds/galois.h"

#include <string>

#include "sim/core/error.h"

namespace weft::topology {

namespace {

std::int64_t smallest_factor(std::int64_t q) {
  for (std::int64_t f = 2; f * f <= q; ++f) {
    if (q % f == 0) return f;
  }
  return q;
}

}  // namespace

bool is_prime_power(std::int64_t q) {
  if (q < 2) return false;
  const std::int64_t p = smallest_factor(q);
  while (q % p == 0) q /= p;
  return q == 1;
}

GaloisField::GaloisField(std::uint32_t q) : q_(q) {
  WEFT_CHECK(is_prime_power(q) && q <= (1u << 16), "no field of order " + std::to_string(q));
  p_ = static_cast<std::uint32_t>(smallest_factor(q));
  while (top_ * p_ < q_) top_ *= p_;
  // A primitive polynomial exists for every p and n, so one of these makes x run through all q - 1 elements.
  for (std::uint32_t low = 1; low < q_; ++low) {
    if (try_polynomial(low)) return;
  }
  WEFT_CHECK(false, "no primitive polynomial for " + std::to_string(q));
}

std::uint32_t GaloisField::add(std::uint32_t a, std::uint32_t b) const {
  std::uint32_t sum = 0;
  for (std::uint32_t weight = 1; a != 0 || b != 0; weight *= p_, a /= p_, b /= p_) sum += (a % p_ + b % p_) % p_ * weight;
  return sum;
}

std::uint32_t GaloisField::negative(std::uint32_t a) const {
  std::uint32_t result = 0;
  for (std::uint32_t weight = 1; a != 0; weight *= p_, a /= p_) result += (p_ - a % p_) % p_ * weight;
  return result;
}

std::uint32_t GaloisField::multiply(std::uint32_t a, std::uint32_t b) const {
  if (a == 0 || b == 0) return 0;
  return exp_[(log_[a] + log_[b]) % (q_ - 1)];
}

std::uint32_t GaloisField::times_x(std::uint32_t a) const {
  const std::uint32_t carry = a / top_;  // the coefficient of x^(n-1) becomes that of x^n, which is reduced
  std::uint32_t result = a % top_ * p_;
  for (std::uint32_t i = 0; i < carry; ++i) result = add(result, reduction_);
  return result;
}

bool GaloisField::try_polynomial(std::uint32_t low_coefficients) {
  reduction_ = negative(low_coefficients);
  exp_.clear();
  log_.assign(q_, 0);
  std::uint32_t power = 1;
  do {
    log_[power] = static_cast<std::uint32_t>(exp_.size());
    exp_.push_back(power);
    power = times_x(power);
  } while (power != 1 && power != 0 && exp_.size() < q_);
  return power == 1 && exp_.size() == q_ - 1;
}

}  // namespace weft::topology

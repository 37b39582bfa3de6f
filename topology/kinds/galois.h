// The finite field GF(q), q a prime power, with its elements numbered 0..q-1.
#pragma once

#include <cstdint>
#include <vector>

namespace weft::topology {

/// True when q is a power of a prime (5, 16, 27, ...), so that GF(q) exists.
bool is_prime_power(std::int64_t q);

/// Element number e stands for the polynomial whose coefficients are the digits of e in base p, modulo a primitive
/// polynomial found by search; so for a prime q these are the integers modulo q. 0 and 1 are the neutral elements.
class GaloisField {
 public:
  /// q must be a prime power of at most 2^16.
  explicit GaloisField(std::uint32_t q);

  std::uint32_t size() const { return q_; }
  std::uint32_t add(std::uint32_t a, std::uint32_t b) const;
  std::uint32_t negative(std::uint32_t a) const;
  std::uint32_t multiply(std::uint32_t a, std::uint32_t b) const;
  /// xi^e for a fixed primitive element xi; e is taken modulo q - 1.
  std::uint32_t power_of_generator(std::uint32_t e) const { return exp_[e % (q_ - 1)]; }

 private:
  std::uint32_t times_x(std::uint32_t a) const;
  bool try_polynomial(std::uint32_t low_coefficients);

  std::uint32_t q_, p_ = 0;       // order and characteristic
  std::uint32_t top_ = 1;         // p^(n-1): the weight of the highest digit
  std::uint32_t reduction_ = 0;   // x^n as an element: the negated low coefficients of the polynomial
  std::vector<std::uint32_t> exp_, log_;
};

}  // namespace weft::topology

// Physical quantities as types: bytes over a rate gives seconds, bytes plus seconds does not compile.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace weft::core {

/// A double in base units (byte, second, flop, dollar, metre, watt) with its dimension in the type.
/// The integers are the exponents of the base units, so products and quotients find their own type.
template <int ByteExp, int SecondExp, int FlopExp, int DollarExp, int MeterExp, int WattExp>
class Quantity {
 public:
  constexpr Quantity() = default;
  constexpr explicit Quantity(double base_units) : value_(base_units) {}

  /// The number in base units.
  constexpr double value() const { return value_; }

  constexpr Quantity& operator+=(Quantity o) { value_ += o.value_; return *this; }
  constexpr Quantity& operator-=(Quantity o) { value_ -= o.value_; return *this; }
  constexpr Quantity& operator*=(double k) { value_ *= k; return *this; }
  constexpr Quantity& operator/=(double k) { value_ /= k; return *this; }

  friend constexpr Quantity operator+(Quantity a, Quantity b) { return Quantity(a.value_ + b.value_); }
  friend constexpr Quantity operator-(Quantity a, Quantity b) { return Quantity(a.value_ - b.value_); }
  friend constexpr Quantity operator-(Quantity a) { return Quantity(-a.value_); }
  friend constexpr Quantity operator*(Quantity a, double k) { return Quantity(a.value_ * k); }
  friend constexpr Quantity operator*(double k, Quantity a) { return Quantity(a.value_ * k); }
  friend constexpr Quantity operator/(Quantity a, double k) { return Quantity(a.value_ / k); }
  friend constexpr auto operator<=>(Quantity a, Quantity b) { return a.value_ <=> b.value_; }
  friend constexpr bool operator==(Quantity a, Quantity b) { return a.value_ == b.value_; }

 private:
  double value_ = 0;
};

template <int B1, int S1, int F1, int D1, int M1, int W1, int B2, int S2, int F2, int D2, int M2, int W2>
constexpr auto operator*(Quantity<B1, S1, F1, D1, M1, W1> a, Quantity<B2, S2, F2, D2, M2, W2> b) {
  return Quantity<B1 + B2, S1 + S2, F1 + F2, D1 + D2, M1 + M2, W1 + W2>(a.value() * b.value());
}

/// Quotient of two quantities; a plain double when the dimensions are equal.
template <int B1, int S1, int F1, int D1, int M1, int W1, int B2, int S2, int F2, int D2, int M2, int W2>
constexpr auto operator/(Quantity<B1, S1, F1, D1, M1, W1> a, Quantity<B2, S2, F2, D2, M2, W2> b) {
  if constexpr (B1 == B2 && S1 == S2 && F1 == F2 && D1 == D2 && M1 == M2 && W1 == W2) {
    return a.value() / b.value();
  } else {
    return Quantity<B1 - B2, S1 - S2, F1 - F2, D1 - D2, M1 - M2, W1 - W2>(a.value() / b.value());
  }
}

using Bytes = Quantity<1, 0, 0, 0, 0, 0>;
using Seconds = Quantity<0, 1, 0, 0, 0, 0>;
using BytesPerSecond = Quantity<1, -1, 0, 0, 0, 0>;
using Flops = Quantity<0, 0, 1, 0, 0, 0>;
using FlopsPerSecond = Quantity<0, -1, 1, 0, 0, 0>;
using Dollars = Quantity<0, 0, 0, 1, 0, 0>;
using Meters = Quantity<0, 0, 0, 0, 1, 0>;
using SecondsPerMeter = Quantity<0, 1, 0, 0, -1, 0>;
using Watts = Quantity<0, 0, 0, 0, 0, 1>;

namespace literals {
constexpr Bytes operator""_B(unsigned long long v) { return Bytes(static_cast<double>(v)); }
constexpr Bytes operator""_KiB(unsigned long long v) { return Bytes(static_cast<double>(v) * 1024.0); }
constexpr Bytes operator""_MiB(unsigned long long v) { return Bytes(static_cast<double>(v) * 1048576.0); }
constexpr Bytes operator""_GiB(unsigned long long v) { return Bytes(static_cast<double>(v) * 1073741824.0); }
constexpr BytesPerSecond operator""_GBps(long double v) { return BytesPerSecond(static_cast<double>(v) * 1e9); }
constexpr BytesPerSecond operator""_GBps(unsigned long long v) { return BytesPerSecond(static_cast<double>(v) * 1e9); }
constexpr BytesPerSecond operator""_Gbps(unsigned long long v) { return BytesPerSecond(static_cast<double>(v) * 0.125e9); }
constexpr Seconds operator""_s(long double v) { return Seconds(static_cast<double>(v)); }
constexpr Seconds operator""_s(unsigned long long v) { return Seconds(static_cast<double>(v)); }
constexpr Seconds operator""_ms(long double v) { return Seconds(static_cast<double>(v) * 1e-3); }
constexpr Seconds operator""_us(long double v) { return Seconds(static_cast<double>(v) * 1e-6); }
constexpr Seconds operator""_us(unsigned long long v) { return Seconds(static_cast<double>(v) * 1e-6); }
constexpr Seconds operator""_ns(unsigned long long v) { return Seconds(static_cast<double>(v) * 1e-9); }
constexpr Meters operator""_m(unsigned long long v) { return Meters(static_cast<double>(v)); }
constexpr Dollars operator""_usd(unsigned long long v) { return Dollars(static_cast<double>(v)); }
}  // namespace literals

/// What a text with a unit was understood as.
struct ParsedUnit {
  enum class What { bytes, seconds, bytes_per_second, flops, flops_per_second, dollars, meters, seconds_per_meter, watts, unknown };
  What what = What::unknown;
  double value = 0;      ///< in base units
  std::string problem;   ///< why it could not be read; empty when it could
};

/// Reads "400 Gbps", "50 GB/s", "2.8 us", "4 KiB", "5 ns/m", "58000 USD", "989 TFLOPS", "20 m", "700 W".
/// Prefixes are decimal (k, M, G, T, P) and, for bytes, binary (Ki, Mi, Gi, Ti). Never throws.
ParsedUnit parse_unit(std::string_view text);

/// A word for an error message: "a size like \"4 KiB\"".
std::string expectation(ParsedUnit::What what);

/// The shortest readable form, e.g. "1 GiB", "50 GB/s", "2.8 us".
std::string to_text(Bytes v);
std::string to_text(Seconds v);
std::string to_text(BytesPerSecond v);
std::string to_text(Dollars v);

/// The ParsedUnit kind that a quantity type is read from.
template <class Q> struct UnitOf;
template <> struct UnitOf<Bytes> { static constexpr auto what = ParsedUnit::What::bytes; };
template <> struct UnitOf<Seconds> { static constexpr auto what = ParsedUnit::What::seconds; };
template <> struct UnitOf<BytesPerSecond> { static constexpr auto what = ParsedUnit::What::bytes_per_second; };
template <> struct UnitOf<Flops> { static constexpr auto what = ParsedUnit::What::flops; };
template <> struct UnitOf<FlopsPerSecond> { static constexpr auto what = ParsedUnit::What::flops_per_second; };
template <> struct UnitOf<Dollars> { static constexpr auto what = ParsedUnit::What::dollars; };
template <> struct UnitOf<Meters> { static constexpr auto what = ParsedUnit::What::meters; };
template <> struct UnitOf<SecondsPerMeter> { static constexpr auto what = ParsedUnit::What::seconds_per_meter; };
template <> struct UnitOf<Watts> { static constexpr auto what = ParsedUnit::What::watts; };

}  // namespace weft::core

namespace weft { using namespace core; }

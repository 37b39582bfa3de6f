// Units: what they parse to, and which sums do not exist.
#include <doctest/doctest.h>

#include "sim/core/ids.h"
#include "sim/core/unit_names.h"
#include "sim/core/units.h"

using namespace weft;
using namespace weft::core::literals;

template <class A, class B> concept Addable = requires(A a, B b) { a + b; };

static_assert(Addable<Bytes, Bytes>);
static_assert(!Addable<Bytes, Seconds>, "bytes plus seconds must not compile");
static_assert(!Addable<BytesPerSecond, Bytes>);
static_assert(std::is_same_v<decltype(Bytes{} / BytesPerSecond{}), Seconds>);
static_assert(std::is_same_v<decltype(BytesPerSecond{} * Seconds{}), Bytes>);
static_assert(!std::is_convertible_v<Rank, NodeId>, "a rank is no node");
static_assert(!std::is_convertible_v<double, Bytes>, "a bare number has no unit");

TEST_CASE("bytes over a rate gives seconds") {
  CHECK((1_GiB / 50_GBps).value() == doctest::Approx(1073741824.0 / 50e9));
  CHECK(400_Gbps == 50_GBps);
}

TEST_CASE("texts with units are read in base units") {
  struct { const char* text; double value; ParsedUnit::What what; } cases[] = {
      {"400 Gbps", 50e9, ParsedUnit::What::bytes_per_second}, {"50 GB/s", 50e9, ParsedUnit::What::bytes_per_second},
      {"50GB/s", 50e9, ParsedUnit::What::bytes_per_second},   {"1 GiB/s", 1073741824.0, ParsedUnit::What::bytes_per_second},
      {"2.8 us", 2.8e-6, ParsedUnit::What::seconds},          {"4 KiB", 4096, ParsedUnit::What::bytes},
      {"64 B", 64, ParsedUnit::What::bytes},                  {"16 GiB", 17179869184.0, ParsedUnit::What::bytes},
      {"5 ns/m", 5e-9, ParsedUnit::What::seconds_per_meter},  {"58000 USD", 58000, ParsedUnit::What::dollars},
      {"989 TFLOPS", 989e12, ParsedUnit::What::flops_per_second}, {"20 m", 20, ParsedUnit::What::meters},
      {"-3 us", -3e-6, ParsedUnit::What::seconds}};
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const ParsedUnit u = parse_unit(c.text);
    CHECK(u.problem == "");
    CHECK(u.what == c.what);
    CHECK(u.value == doctest::Approx(c.value).epsilon(1e-14));
  }
}

TEST_CASE("texts that are no quantity say why") {
  for (const char* text : {"", "   ", "fast", "400", "400 Gbpss", "nan GB/s", "inf s", "1e999 B", "4 kib", "1 gB/s", "GB/s"}) {
    CAPTURE(text);
    const ParsedUnit u = parse_unit(text);
    CHECK(u.what == ParsedUnit::What::unknown);
    CHECK(u.problem != "");
  }
}

TEST_CASE("quantities print in the unit that a reader expects") {
  CHECK(to_text(1_GiB) == "1 GiB");
  CHECK(to_text(64_B) == "64 B");
  CHECK(to_text(Bytes(7.512e6)) == "7.512 MB");
  CHECK(to_text(2.8_us) == "2.8 us");
  CHECK(to_text(50_GBps) == "50 GB/s");
  CHECK(to_text(Seconds(0)) == "0 s");
}

TEST_CASE("every unit that is listed can be read, alone and with each prefix that is listed for it") {
  const std::vector<std::string> decimal = core::decimal_prefixes(), binary = core::binary_prefixes();
  for (const core::UnitNames& u : core::unit_names()) {
    CAPTURE(u.expectation);
    CHECK(!(u.fixed.empty() && u.with_prefix.empty()));
    std::vector<std::string> all = u.fixed;
    for (const std::string& name : u.with_prefix) {
      all.push_back(name);
      for (const std::string& p : decimal) all.push_back(p + name);
    }
    for (const std::string& name : all) {
      CAPTURE(name);
      CHECK(core::parse_unit("2 " + name).what == u.what);
    }
    if (u.binary_prefixes) CHECK(core::parse_unit("1 " + binary.front() + "B").value == 1024);
  }
}

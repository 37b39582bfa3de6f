// Transfer: neighbours' errors, nearest first; fields of errors whose answer is known.
#include <doctest/doctest.h>

#include "models/kernels/transfer.h"
#include "tests/models/kernels_support.h"

using namespace weft;
using namespace weft::models;
using namespace weft::models::test;

namespace {

using Places = std::vector<std::vector<double>>;

/// A grid of points `step` doublings apart, `side` of them each way.
Places grid(double step, int side) {
  Places out;
  for (int i = 0; i < side; ++i) {
    for (int j = 0; j < side; ++j) out.push_back({step * i, step * j});
  }
  return out;
}

template <class F>
std::vector<double> errors_at(const Places& places, F f) {
  std::vector<double> out;
  for (const auto& p : places) out.push_back(f(p));
  return out;
}

/// What the distance leaves of the neighbours' word: half at 3 doublings.
double faded(double distance) { return 1 / (1 + distance * distance / 9); }

}  // namespace

TEST_CASE("nothing measured corrects nothing") {
  CHECK(Transfer().empty());
  CHECK(Transfer().correction({1, 2}) == 0);
}

TEST_CASE("where all points err alike, a measured shape is corrected exactly, others less with their distance") {
  const Places places = grid(0.5, 6);
  for (const bool slopes : {false, true}) {
    const Transfer t(places, std::vector<double>(places.size(), 0.2), {8, 0.3, slopes});
    CHECK(t.correction({1, 1}) == doctest::Approx(0.2));
    CHECK(t.correction({1.25, 1}) == doctest::Approx(0.2 * faded(0.25)));
    CHECK(t.correction({2.5 + 3, 2.5}) == doctest::Approx(0.1));          // 3 doublings off: half
    CHECK(t.correction({2.5 + 300, 2.5}) < 0.2 / 5000);
    CHECK(t.distance({5.5, 2.5}) == doctest::Approx(3));
    CHECK(t.distance({1, 1}) == 0);
  }
}

TEST_CASE("a linear field of errors is met exactly in the middle of its neighbours, with slopes or without") {
  // Four corners at the same distance: their mean is the plane's height in the middle.
  const Places places = grid(0.5, 6);
  const auto field = [](const std::vector<double>& p) { return 0.02 * p[0] - 0.01 * p[1]; };   // neighbours within the outlier limit
  for (const bool slopes : {false, true}) {
    const Transfer t(places, errors_at(places, field), {4, 0.3, slopes});
    CHECK(t.correction({1.25, 0.75}) == doctest::Approx(field({1.25, 0.75}) * faded(std::sqrt(2) / 4)));
  }
}

TEST_CASE("off the middle, a plane through the neighbours follows the slope that their mean misses") {
  const Places places = grid(0.5, 8);
  const auto field = [](const std::vector<double>& p) { return 0.04 * p[0]; };
  const Transfer mean(places, errors_at(places, field), {12, 0.5, false}), plane(places, errors_at(places, field), {12, 0.5, true});
  double left_by_mean = 0, left_by_plane = 0;
  for (double x = 0.1; x < 3.5; x += 0.07) {
    const std::vector<double> at = {x, 0};   // at the edge: all neighbours lie on one side of it
    const double wanted = field(at) * faded(std::abs(x - 0.5 * std::round(x / 0.5)));
    left_by_mean += std::abs(mean.correction(at) - wanted);
    left_by_plane += std::abs(plane.correction(at) - wanted);
  }
  CHECK(left_by_plane < 0.5 * left_by_mean);
  // It never says more than its neighbours do.
  CHECK(plane.correction({3.9, 0}) <= 0.04 * 3.5);
}

TEST_CASE("one neighbour that errs wildly is held back") {
  // Three say 0.05, the nearest says 1 (2.7 times): the median's side speaks, the outlier counts 0.04 / 0.95 of its weight.
  const Places places = {{0.2, 0}, {0, 0.3}, {-0.3, 0}, {0, -0.3}};
  const Transfer t(places, {1, 0.05, 0.05, 0.05}, {4, 0.3, false});
  const double near = 1 / 0.25, far = 1 / 0.36, held = near * 0.04 / 0.95;
  CHECK(t.correction({0, 0}) == doctest::Approx((held + 3 * far * 0.05) / (held + 3 * far) * faded(0.2)));
  CHECK(t.correction({0, 0}) < 0.07);
  const double plain = (near + 3 * far * 0.05) / (near + 3 * far);
  CHECK(plain > 0.3);   // what a mean without holding back would say
}

TEST_CASE("only so many neighbours speak as the setting says") {
  const Places places = {{0}, {1}, {10}};
  const std::vector<double> errors = {0.01, 0.02, 0.03};
  CHECK(Transfer(places, errors, {1, 0.3, false}).correction({0}) == doctest::Approx(0.01));
  const double two = Transfer(places, errors, {2, 0.3, false}).correction({0});
  const double w0 = 1 / 0.09, w1 = 1 / 1.69;
  CHECK(two == doctest::Approx((w0 * 0.01 + w1 * 0.02) / (w0 + w1)));
  CHECK(Transfer(places, errors, {3, 0.3, false}).correction({0}) > two);
  CHECK(Transfer(places, errors, {1000, 0.3, false}).correction({0}) == Transfer(places, errors, {3, 0.3, false}).correction({0}));
}

TEST_CASE("a group that is skipped does not speak") {
  const Places places = {{0}, {0.1}, {2}};
  const std::vector<int> group = {1, 1, 2};
  const Transfer t(places, {0.5, 0.5, -0.1}, {4, 0.3, false});
  CHECK(t.correction({0}, &group, 1) == doctest::Approx(-0.1 * faded(2)));
  CHECK(t.correction({0}, &group, 3) == t.correction({0}));
  const std::vector<int> all = {1, 1, 1};
  CHECK(t.correction({0}, &all, 1) == 0);
}

TEST_CASE("a call's place: doublings of its fields by their weights, and what the formula adds: its tile") {
  const KernelCall c = call("gemm", "fp8_block", {{"m", 127}, {"n", 4095}, {"k", 7167}, {"sms", 112}});
  const KernelForm& form = form_of(*c.family, "tile_128");
  const std::vector<double> features = form.features(c, gpu());
  const std::vector<double> place = place_of(c, form, features.data());
  // log2(1 + x), m three times as much; then the tile: 128 x 128, and the waves: 32 tiles, one
  REQUIRE(place.size() == 7);
  CHECK(place[0] == doctest::Approx(3 * 7));
  CHECK(place[1] == doctest::Approx(12));
  CHECK(place[2] == doctest::Approx(std::log2(7168)));
  CHECK(place[3] == doctest::Approx(std::log2(113)));
  CHECK(place[4] == 7);
  CHECK(place[5] == 7);
  CHECK(place[6] == 0);
  // node_limit has the weight 0: it is no coordinate.
  const KernelCall d = call("deepep_dispatch", "", {{"hidden", 7168}, {"tokens", 4096}, {"topk", 8}, {"experts", 256}, {"sms", 24}});
  CHECK(place_of(d, d.family->forms.front(), d.family->forms.front().features(d, gpu()).data()).size() == d.at.size() - 1);
}

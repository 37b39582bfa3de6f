// The bodies of the CUDA module's kernels, run on the host thread by thread, against their CPU references: every index, mask and
// barrier is the one that the GPU sees; only the launch is not.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "models/calibration/cuda/mla.h"
#include "models/calibration/cuda/on_host.h"
#include "models/calibration/cuda/reference/mla.h"
#include "models/calibration/cuda/reference/rows.h"
#include "models/calibration/cuda/rows.h"
#include "models/calibration/cuda/streams.h"

using namespace weft::cuda;

namespace {

std::vector<std::uint16_t> random_bf16(std::size_t count, std::uint64_t seed) {
  std::vector<std::uint16_t> v(count);
  for (std::size_t i = 0; i < count; ++i) v[i] = to_bf16(random_between(seed, i, -1, 1));
  return v;
}

template <class T>
std::vector<T> part_of(const std::vector<T>& v, std::int64_t first, std::int64_t count) {
  return {v.begin() + first, v.begin() + first + count};
}

template <class To, class T>
To* as(std::vector<T>& v) {
  return reinterpret_cast<To*>(v.data());
}

/// One request after the other against the reference. Pages lie in reverse order, so that the table matters.
double worst_mla_error(std::int64_t requests, std::int64_t rows, std::int64_t kv, std::int64_t splits, std::int64_t blocks) {
  MlaShape shape{requests, rows, kv, blocks_of(kv, mla_page), splits, static_cast<float>(1 / std::sqrt(192.0))};
  auto queries = random_bf16(static_cast<std::size_t>(requests * rows * mla_key), 1);
  auto cache = random_bf16(static_cast<std::size_t>(requests * shape.pages * mla_page * mla_key), 2);
  std::vector<std::int32_t> table(static_cast<std::size_t>(requests * shape.pages));
  std::iota(table.rbegin(), table.rend(), 0);
  std::vector<std::uint16_t> out(static_cast<std::size_t>(requests * rows * mla_value), 0x7fc0);   // NaN where nothing is written
  std::vector<float> part(static_cast<std::size_t>(splits * requests * rows * mla_value), NAN), part_log(static_cast<std::size_t>(splits * requests * rows), NAN);
  run_on_host(blocks, mla_threads, MlaShared::bytes, [&](const OnHost& here) {
    mla_body(here, shape, queries.data(), cache.data(), table.data(), out.data(), part.data(), part_log.data());
  });
  if (splits > 1) {
    run_on_host(2, 64, 0, [&](const OnHost& here) { mla_join_body(here, shape, part.data(), part_log.data(), out.data()); });
  }
  double worst = 0;
  for (std::int64_t request = 0; request < requests; ++request) {
    std::vector<std::vector<std::uint16_t>> keys;
    for (std::int64_t t = 0; t < kv; ++t) {
      const std::int64_t page = table[static_cast<std::size_t>(request * shape.pages + t / mla_page)];
      keys.push_back(part_of(cache, (page * mla_page + t % mla_page) * mla_key, mla_key));
    }
    for (std::int64_t row = 0; row < rows; row += 7) {
      const std::int64_t at = request * rows + row;
      const auto wanted = attention_row(part_of(queries, at * mla_key, mla_key), keys, mla_value, shape.scale);
      for (int c = 0; c < mla_value; ++c) {
        const double error = std::abs(from_bf16(out[static_cast<std::size_t>(at * mla_value + c)]) - wanted[static_cast<std::size_t>(c)]);
        worst = std::isnan(error) ? HUGE_VAL : std::max(worst, error);
      }
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("the MLA kernel gives the attention of its reference: tiles that are not full, half pages, steps that are cut off") {
  // Values in [-1, 1), about 80 of them averaged: results of some 0.1, whose BF16 has steps of 2^-11; weights are rounded to 8 bits.
  CHECK(worst_mla_error(1, 70, 75, 1, 1) < 3e-3);   // two tiles (64 + 6 rows), three steps (32 + 32 + 11 tokens), one block for both
  CHECK(worst_mla_error(2, 16, 64, 1, 2) < 3e-3);   // a tile of 16 rows, whole pages
}

TEST_CASE("the MLA kernel's splits joined give the same") { CHECK(worst_mla_error(2, 5, 130, 3, 2) < 3e-3); }

TEST_CASE("attention of one token is its value") {
  const std::int64_t kv = 1;
  CHECK(worst_mla_error(1, 3, kv, 1, 1) < 1e-6);   // weights are 1, values are BF16: exact
}

TEST_CASE("the MLA kernel is split so that every SM has work") {
  MlaShape shape{64, 256, 4096, 64, 1, 1};
  CHECK(mla_splits(shape, 132) >= 1);
  shape.requests = 1;
  shape.rows = 64;   // one tile: without splits one SM of 132 would work
  CHECK(mla_splits(shape, 132) == 32);
  shape.kv = 32;     // one step cannot be split
  CHECK(mla_splits(shape, 132) == 1);
}

TEST_CASE("RMSNorm's rows are those of its reference, with fewer and with more blocks than rows") {
  const int columns = 264;   // 33 vectors: not a multiple of the threads
  const std::int64_t rows = 5;
  auto x = random_bf16(rows * columns, 1), weight = random_bf16(columns, 2);
  for (const std::int64_t blocks : {2, 7}) {
    std::vector<std::uint16_t> y(rows * columns, 0x7fc0);
    run_on_host(blocks, 64, 8, [&](const OnHost& here) { norm_body(here, as<Words4>(x), as<Words4>(weight), as<Words4>(y), rows, columns); });
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto wanted = norm_row(part_of(x, row * columns, columns), weight);
      for (int i = 0; i < columns; ++i) CHECK(std::abs(from_bf16(y[static_cast<std::size_t>(row * columns + i)]) - wanted[static_cast<std::size_t>(i)]) < 0x1p-7);
    }
  }
}

TEST_CASE("cast and SwiGLU quantise each 128 values with a scale of their own") {
  const std::int64_t rows = 3;
  const int columns = 256;
  for (const bool swiglu : {false, true}) {
    const std::int64_t in = swiglu ? 2 * columns : columns;
    auto x = random_bf16(static_cast<std::size_t>(rows * in), 1);
    std::vector<std::uint8_t> codes(rows * columns, 0x7f);
    std::vector<float> scales(rows * columns / 128, NAN);
    run_on_host(2, 64, 0, [&](const OnHost& here) {
      if (swiglu) swiglu_body(here, as<std::uint32_t>(x), as<std::uint32_t>(codes), scales.data(), rows, columns);
      else cast_body(here, as<std::uint32_t>(x), as<std::uint32_t>(codes), scales.data(), rows, columns);
    });
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto own = part_of(x, row * in, in);
      std::vector<double> values;
      if (swiglu) values = swiglu_row(own);
      else for (const auto v : own) values.push_back(from_bf16(v));
      CHECK(quantised_error(values, part_of(codes, row * columns, columns), part_of(scales, row * columns / 128, columns / 128)) < 1.05);
    }
  }
}

TEST_CASE("the residual sum, the copy and the triad go through every element once") {
  const std::int64_t vectors = 131;   // 2 blocks of 32 threads: several rounds, the last one not full
  auto a = random_bf16(vectors * 8, 1), b = random_bf16(vectors * 8, 2);
  std::vector<std::uint16_t> sum(vectors * 8, 0x7fc0);
  run_on_host(2, 32, 0, [&](const OnHost& here) { residual_body(here, as<Words4>(a), as<Words4>(b), as<Words4>(sum), vectors); });
  for (std::size_t i = 0; i < sum.size(); ++i) CHECK(sum[i] == to_bf16(from_bf16(a[i]) + from_bf16(b[i])));

  std::vector<std::uint16_t> copied(vectors * 8, 0);
  run_on_host(2, 32, 0, [&](const OnHost& here) { copy_body(here, as<Words4>(a), as<Words4>(copied), vectors); });
  CHECK(copied == a);

  std::vector<float> x(vectors * 4), y(vectors * 4), z(vectors * 4, NAN);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(i);
    y[i] = static_cast<float>(2 * i);
  }
  run_on_host(2, 32, 0, [&](const OnHost& here) { triad_body(here, as<Words4>(z), as<Words4>(x), as<Words4>(y), 3, vectors); });
  for (std::size_t i = 0; i < z.size(); ++i) CHECK(z[i] == 7.0f * static_cast<float>(i));   // i + 3 (2 i)
}

TEST_CASE("the read kernel reads every word") {
  const std::int64_t vectors = 77;
  std::vector<std::uint32_t> words(vectors * 4);
  std::uint32_t wanted = 0;
  for (std::size_t i = 0; i < words.size(); ++i) wanted ^= words[i] = static_cast<std::uint32_t>(random_bits(5, i));
  std::vector<std::uint32_t> sums(2 * 32, 0xffffffffu);
  run_on_host(2, 32, 0, [&](const OnHost& here) { read_body(here, as<Words4>(words), sums.data(), vectors); });
  std::uint32_t got = 0;
  for (const auto s : sums) got ^= s;
  CHECK(got == wanted);
}

TEST_CASE("the gather moves rows with their scales") {
  const std::int64_t rows = 6;
  const int columns = 1024;
  std::vector<std::uint8_t> from(rows * columns), to(rows * columns, 0);
  std::vector<float> scales(rows * columns / 128), to_scales(scales.size(), NAN);
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::uint8_t>(random_bits(1, i));
  for (std::size_t i = 0; i < scales.size(); ++i) scales[i] = static_cast<float>(i);
  const std::vector<std::int32_t> index = {5, 3, 3, 0, 1, 4};
  run_on_host(2, 32, 0, [&](const OnHost& here) {
    permute_body(here, as<Words4>(from), as<Words4>(scales), index.data(), as<Words4>(to), as<Words4>(to_scales), rows, columns);
  });
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t source = index[static_cast<std::size_t>(row)];
    CHECK(part_of(to, row * columns, columns) == part_of(from, source * columns, columns));
    CHECK(part_of(to_scales, row * columns / 128, columns / 128) == part_of(scales, source * columns / 128, columns / 128));
  }
}

TEST_CASE("the combine sums eight weighted rows") {
  const std::int64_t rows = 3;
  const int columns = 72;
  auto from = random_bf16(rows * combined_rows * columns, 1);
  std::vector<std::int32_t> index(rows * combined_rows);
  std::iota(index.rbegin(), index.rend(), 0);
  std::vector<float> weight(rows * combined_rows);
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] = random_between(2, i, 0, 0.25f);
  std::vector<std::uint16_t> to(rows * columns, 0x7fc0);
  run_on_host(2, 32, 0, [&](const OnHost& here) { reduce_body(here, as<Words4>(from), index.data(), weight.data(), as<Words4>(to), rows, columns); });
  for (std::int64_t row = 0; row < rows; ++row) {
    std::vector<std::vector<std::uint16_t>> parts;
    for (int j = 0; j < combined_rows; ++j) parts.push_back(part_of(from, index[static_cast<std::size_t>(row * combined_rows + j)] * columns, columns));
    const auto wanted = weighted_sum(parts, part_of(weight, row * combined_rows, combined_rows));
    for (int i = 0; i < columns; ++i) CHECK(std::abs(from_bf16(to[static_cast<std::size_t>(row * columns + i)]) - wanted[static_cast<std::size_t>(i)]) <= 1.01 * 0x1p-8);
  }
}

TEST_CASE("the router chooses what its reference chooses, the lower expert of equals first") {
  constexpr int experts = 64, topk = 8;
  const std::int64_t tokens = 11;
  std::vector<float> logits(tokens * experts), bias(experts);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = random_between(1, i, -4, 4);
  for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = random_between(2, i, -0.1f, 0.1f);
  std::fill(logits.begin(), logits.begin() + experts, 0.5f);   // the first token: all alike but for the bias
  std::fill(bias.begin() + 10, bias.begin() + 20, 0.2f);       // ... and ten experts alike altogether
  std::vector<std::int32_t> chosen(tokens * topk, -1);
  std::vector<float> weights(tokens * topk, NAN);
  run_on_host(2, 64, 0, [&](const OnHost& here) { router_body<2>(here, logits.data(), bias.data(), chosen.data(), weights.data(), tokens, topk); });
  for (std::int64_t token = 0; token < tokens; ++token) {
    const Routed wanted = route(part_of(logits, token * experts, experts), bias, topk);
    CHECK(part_of(chosen, token * topk, topk) == wanted.experts);
    for (int j = 0; j < topk; ++j) CHECK(weights[static_cast<std::size_t>(token * topk + j)] == doctest::Approx(wanted.weights[static_cast<std::size_t>(j)]).epsilon(1e-5));
  }
  CHECK(part_of(chosen, 0, topk) == std::vector<std::int32_t>{10, 11, 12, 13, 14, 15, 16, 17});
}

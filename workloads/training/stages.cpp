#include "workloads/training/stages.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads::training {

std::string to_text(const StageContent& s) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : " + ") + part; };
  if (s.embedding) add("embedding");
  if (s.dense_layers > 0) add(fmt::format("{} dense", s.dense_layers));
  if (s.moe_layers > 0) add(fmt::format("{} MoE", s.moe_layers));
  if (s.mtp_modules > 0) add(s.mtp_modules == 1 ? "MTP" : fmt::format("{} MTP", s.mtp_modules));
  if (s.heads > 0) add(s.heads == 1 ? "head" : fmt::format("{} heads", s.heads));
  return text.empty() ? "nothing" : text;
}

std::vector<StageContent> spread_evenly(const models::Llm& m, std::uint32_t stages) {
  const auto layers = static_cast<std::uint32_t>(m.layers), mtp = static_cast<std::uint32_t>(m.mtp_modules);
  WEFT_CHECK(stages >= 1 && stages <= layers, "a stage has at least a layer's share");
  const std::uint32_t tail = mtp + 1 + mtp;   // modules, the head, and the head again for each module
  const std::uint32_t units = 1 + layers + tail;

  // Shares: even, the first ones one more; a tail that exceeds the last share stands alone.
  std::vector<std::uint32_t> share(stages);
  const auto divide = [&](std::uint32_t what, std::uint32_t over) {
    for (std::uint32_t s = 0; s < over; ++s) share[s] = what / over + (s < what % over ? 1 : 0);
  };
  divide(units, stages);
  if (stages > 1 && share.back() < tail) {
    share.back() = tail;
    divide(units - tail, stages - 1);
  }

  std::vector<StageContent> out(stages);
  out.front().embedding = true;
  out.back().mtp_modules = mtp;
  out.back().heads = 1 + mtp;
  auto dense = static_cast<std::uint32_t>(m.dense_layers());
  auto moe = static_cast<std::uint32_t>(m.moe_layers);
  for (std::uint32_t s = 0; s < stages; ++s) {
    std::uint32_t room = share[s] - (s == 0 ? 1 : 0) - (s + 1 == stages ? tail : 0);
    out[s].dense_layers = std::min(room, dense);
    dense -= out[s].dense_layers;
    room -= out[s].dense_layers;
    out[s].moe_layers = std::min(room, moe);
    moe -= out[s].moe_layers;
  }
  WEFT_CHECK(dense == 0 && moe == 0, "shares add up to the model");
  return out;
}

std::uint32_t stage_count(Arrangement a, std::uint32_t pp, std::uint32_t per_rank) {
  switch (a) {
    case Arrangement::looped: return pp * per_rank;
    case Arrangement::vee: return 2 * pp;
    default: return pp;
  }
}

StagesOfRank stages_of_ranks(Arrangement a, std::uint32_t pp, std::uint32_t per_rank) {
  StagesOfRank out(pp);
  for (std::uint32_t r = 0; r < pp; ++r) {
    switch (a) {
      case Arrangement::straight: out[r] = {r}; break;
      case Arrangement::vee: out[r] = {r, 2 * pp - 1 - r}; break;
      case Arrangement::bidirectional: out[r] = {r, pp - 1 - r}; break;
      case Arrangement::looped:
        for (std::uint32_t v = 0; v < per_rank; ++v) out[r].push_back(v * pp + r);
        break;
    }
  }
  return out;
}

std::uint32_t holders(const StagesOfRank& of_rank) {
  std::vector<std::uint32_t> count;
  for (const auto& stages : of_rank) {
    for (const std::uint32_t s : stages) {
      if (s >= count.size()) count.resize(s + 1, 0);
      ++count[s];
    }
  }
  WEFT_CHECK(!count.empty(), "a pipeline has stages");
  for (const std::uint32_t c : count) WEFT_CHECK(c == count.front(), "every stage is on as many ranks");
  return count.front();
}

}  // namespace weft::workloads::training

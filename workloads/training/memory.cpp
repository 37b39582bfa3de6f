#include "workloads/training/memory.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "workloads/training/activations.h"
#include "workloads/training/shares.h"

namespace weft::workloads::training {
namespace {

using models::Llm;

/// Over how many GPUs ZeRO spreads experts and others.
struct Shards {
  double experts, others;
  explicit Shards(const Layout& l) {
    const double mirrors = l.shard_over_mirrors ? 1 : l.mirrors();
    experts = expert_copies(l) / mirrors;
    others = other_copies(l) / mirrors;
  }
};

/// One layer of the larger kind that the rank has.
template <class Of>
Bytes largest_layer(const Layout& l, std::uint32_t rank, const Llm& m, Of of) {
  Bytes most;
  for (const std::uint32_t s : l.stages_of_rank[rank]) {
    const StageContent& c = l.stages[s];
    const bool mtp_moe = c.mtp_modules > 0 && m.moe_layers > 0;
    if (c.dense_layers > 0 || (c.mtp_modules > 0 && !mtp_moe)) most = std::max(most, of(false));
    if (c.moe_layers > 0 || mtp_moe) most = std::max(most, of(true));
  }
  return most;
}

void add_states(const Llm& m, const Layout& l, std::uint32_t rank, RankMemory& out) {
  const Shards shards(l);
  const ParameterShare p = rank_share(m, l, rank);
  const auto spread = [&](unsigned from, double bytes) {
    return l.zero >= from ? Bytes(bytes * (p.experts / shards.experts + p.others() / shards.others)) : Bytes(bytes * p.total());
  };
  out.optimizer = spread(1, bytes_of(l.master) + 2 * bytes_of(l.moments));
  out.gradients = spread(2, bytes_of(l.gradients));
  if (l.zero < 3) {
    out.weights = weight_bytes(l, p);
    return;
  }
  ParameterShare part = {p.experts / shards.experts, p.matrices / shards.others, p.vocabulary / shards.others, p.rest / shards.others};
  out.weights = weight_bytes(l, part);
  out.buffers += largest_layer(l, rank, m, [&](bool moe) { return weight_bytes(l, layer_share(m, l, moe)); });
}

void add_activations(const Llm& m, const Layout& l, std::uint32_t rank, const std::vector<double>& live, RankMemory& out) {
  const auto& stages = l.stages_of_rank[rank];
  WEFT_CHECK(live.size() == stages.size(), "live chunks for each stage of a rank");
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const StageContent& c = l.stages[stages[i]];
    out.activations += chunk_activations(m, l, c) * live[i];
    out.chunks += live[i];
    if (c.heads > 0) out.logits = logits(m, l);
  }
  if (l.recompute != Recompute::full) return;
  Layout whole = l;
  whole.recompute = Recompute::none;
  out.buffers += largest_layer(l, rank, m, [&](bool moe) { return sum_of(layer_activations(m, whole, moe)); });
}

double giga(Bytes b) { return b.value() * 1e-9; }

Bytes most_of(const Llm& m, const Layout& l, const LiveChunks& live) {
  const auto ranks = memory_of(m, l, live);
  return ranks[fullest(ranks)].total();
}

struct Remedy {
  std::string key, text;
  Layout layout;
};

/// Single changes of the layout that leave schedule and GPUs as they are; of one key the mildest first.
std::vector<Remedy> remedies(const Llm& m, const Layout& l) {
  std::vector<Remedy> all;
  const auto add = [&](bool possible, const char* key, const std::string& value, auto change) {
    if (!possible) return;
    all.push_back({key, fmt::format("{} {}", key, value), l});
    change(all.back().layout);
  };
  add(l.recompute == Recompute::none, "recompute", "selective", [](Layout& x) { x.recompute = Recompute::selective; });
  add(l.recompute != Recompute::full, "recompute", "full", [](Layout& x) { x.recompute = Recompute::full; });
  add(l.tp > 1 && !l.sequence_parallel && l.sequence % l.tp == 0, "sequence_parallel", "true", [](Layout& x) { x.sequence_parallel = true; });
  add(l.sequences_per_micro_batch > 1, "micro_batch", fmt::format("{}", l.sequences_per_micro_batch / 2), [](Layout& x) { x.sequences_per_micro_batch /= 2; });
  const auto experts = static_cast<std::uint32_t>(m.moe_layers > 0 ? m.experts : 0);
  for (std::uint32_t ep = l.ep + 1; ep <= std::min(experts, l.gpus_per_stage()); ++ep) {
    add(experts % ep == 0 && l.gpus_per_stage() % ep == 0, "ep", fmt::format("{}", ep), [ep](Layout& x) { x.ep = ep; });
  }
  for (std::uint32_t z = l.zero + 1; z <= 3; ++z) add(true, "zero", fmt::format("{}", z), [z](Layout& x) { x.zero = z; });
  add(l.moments == Format::fp32, "moments", "bf16", [](Layout& x) { x.moments = Format::bf16; });
  add(l.gradients == Format::fp32, "gradients", "bf16", [](Layout& x) { x.gradients = Format::bf16; });
  add(l.weights == Format::bf16, "weights", "fp8", [](Layout& x) { x.weights = Format::fp8; });
  return all;
}

/// The mildest change of each key that fits, or the best that does not.
std::string way_out(const Llm& m, const Layout& l, const LiveChunks& live, Bytes memory) {
  std::string fits, last_key;
  const Remedy* best = nullptr;
  const std::vector<Remedy> all = remedies(m, l);
  Bytes least;
  for (const Remedy& r : all) {
    if (r.key == last_key) continue;
    const Bytes need = most_of(m, r.layout, live);
    if (best == nullptr || need < least) best = &r, least = need;
    if (need > memory) continue;
    fits += fmt::format("{}{} ({:.1f} GB)", fits.empty() ? "" : " or ", r.text, giga(need));
    last_key = r.key;
  }
  if (!fits.empty()) return "it would fit with " + fits;
  const std::string more = "more pipeline ranks, more GPUs a stage for experts or tensor parallelism";
  if (best == nullptr) return "take " + more;
  return fmt::format("no single change would fit, the best is {} ({:.1f} GB): combine several, or take {}", best->text, giga(least), more);
}

/// "activations take 85.2 GB (17 chunks of 5.01 GB)": the largest part.
std::string largest_part(const RankMemory& r) {
  const std::pair<const char*, Bytes> parts[] = {{"weights take", r.weights}, {"gradients take", r.gradients}, {"the optimiser takes", r.optimizer},
                                                 {"activations take", r.activations}, {"logits take", r.logits}, {"buffers take", r.buffers}};
  const auto& most = *std::max_element(std::begin(parts), std::end(parts), [](const auto& a, const auto& b) { return a.second < b.second; });
  std::string text = fmt::format("{} {:.1f} GB", most.first, giga(most.second));
  if (most.second == r.activations && r.chunks > 0) text += fmt::format(" ({:.4g} chunks of {:.2f} GB)", r.chunks, giga(r.activations) / r.chunks);
  return text;
}

}  // namespace

std::vector<RankMemory> memory_of(const Llm& m, const Layout& l, const LiveChunks& live) {
  WEFT_CHECK(l.dp > 0 && l.micro_batches > 0, "the layout is completed");
  WEFT_CHECK(live.size() == l.stages_of_rank.size(), "live chunks for each rank");
  std::vector<RankMemory> ranks(l.pp);
  for (std::uint32_t r = 0; r < l.pp; ++r) {
    ranks[r].buffers = l.storage.buffers.value;
    add_states(m, l, r, ranks[r]);
    add_activations(m, l, r, live[r], ranks[r]);
  }
  return ranks;
}

std::size_t fullest(const std::vector<RankMemory>& ranks) {
  std::size_t most = 0;
  for (std::size_t r = 1; r < ranks.size(); ++r) {
    if (ranks[r].total() > ranks[most].total()) most = r;
  }
  return most;
}

std::string does_not_fit(const Llm& m, const Layout& l, const LiveChunks& live, Bytes memory) {
  const std::vector<RankMemory> ranks = memory_of(m, l, live);
  const std::size_t worst = fullest(ranks);
  const Bytes need = ranks[worst].total();
  if (need <= memory) return "";
  const auto many = std::count_if(ranks.begin(), ranks.end(), [&](const RankMemory& r) { return r.total() > memory; });
  return fmt::format("does not fit: rank {} needs {:.1f} GB of {:.1f} GB, {:.1f} GB too much ({} of {} ranks do not fit); {}; {}", worst, giga(need),
                     giga(memory), giga(need - memory), many, ranks.size(), largest_part(ranks[worst]), way_out(m, l, live, memory));
}

}  // namespace weft::workloads::training

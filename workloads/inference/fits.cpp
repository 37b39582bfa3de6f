// Whether a deployment is sound and fits into memory, and what would make it.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "workloads/inference/memory.h"

namespace weft::workloads::inference {
namespace {

using models::Llm;

double giga(Bytes b) { return b.value() * 1e-9; }

/// Weights, workspace and the cache that is asked for.
Bytes need_of(const Llm& m, const Deployment& d, const FitQuestion& q) {
  return memory_of(m, d, q.gpu_memory).used() + q.requests * cache_of_request(m, d, q.tokens);
}

struct Remedy {
  std::string key, text;
  Deployment deployment;
};

/// Changes of one key that leave the model's copies whole; of one key the mildest first. Sizes of units that no longer fit ep grow to it.
std::vector<Remedy> remedies(const Llm& m, const Deployment& d) {
  std::vector<Remedy> all;
  const auto add = [&](bool possible, const char* key, const std::string& text, auto change) {
    if (!possible) return;
    Remedy r{key, text, d};
    change(r.deployment);
    if (validate(r.deployment, m).empty()) all.push_back(std::move(r));
  };
  add(!d.fp8, "fp8", "fp8 true", [](Deployment& x) { x.fp8 = true; });
  add(m.attention.latent && !d.fp8_cache, "fp8_cache", "fp8_cache true", [](Deployment& x) { x.fp8_cache = true; });
  const auto slots = static_cast<std::uint32_t>(m.moe_layers > 0 ? m.experts + d.redundant : 0);
  for (std::uint32_t ep = d.ep + 1; ep <= slots; ++ep) {
    const bool larger = d.gpus % ep != 0;
    add(slots % ep == 0, "ep", larger ? fmt::format("ep {} on {} GPUs", ep, ep) : fmt::format("ep {}", ep), [&](Deployment& x) {
      x.ep = ep;
      if (larger) x.gpus = ep;
    });
  }
  add(d.redundant > 0, "redundant", "redundant 0", [](Deployment& x) { x.redundant = 0; });
  // Those that share heads share a node; nodes have eight GPUs, as far as this knows.
  const auto heads = static_cast<std::uint32_t>(std::min(8.0, m.attention.heads));
  for (std::uint32_t tp = d.tp + 1; tp <= heads; ++tp) {
    const bool larger = m.moe_layers == 0 && d.gpus % tp != 0;
    add(static_cast<std::uint32_t>(m.attention.heads) % tp == 0, "tp", larger ? fmt::format("tp {} on {} GPUs", tp, tp) : fmt::format("tp {} in {} groups", tp, d.gpus / tp), [&](Deployment& x) {
      x.tp = tp;
      if (larger) x.gpus = tp;
    });
  }
  add(d.mtp > 0, "mtp", "mtp 0", [](Deployment& x) { x.mtp = 0; });
  return all;
}

/// The mildest change of each key that fits, or the best that does not.
std::string way_out(const Llm& m, const Deployment& d, const FitQuestion& q) {
  const Bytes usable = memory_of(m, d, q.gpu_memory).usable;
  const std::vector<Remedy> all = remedies(m, d);
  std::string fits, last_key;
  const Remedy* best = nullptr;
  Bytes least;
  for (const Remedy& r : all) {
    if (r.key == last_key) continue;
    const Bytes need = need_of(m, r.deployment, q);
    if (best == nullptr || need < least) best = &r, least = need;
    if (need > usable) continue;
    fits += fmt::format("{}{} ({:.1f} GB)", fits.empty() ? "" : " or ", r.text, giga(need));
    last_key = r.key;
  }
  const double possible = std::floor(requests_of(m, d, memory_of(m, d, q.gpu_memory), q.tokens));
  if (q.requests > 1 && possible >= 1) fits += fmt::format("{}{:.0f} requests", fits.empty() ? "" : " or ", possible);
  if (!fits.empty()) return "it would fit with " + fits;
  if (best == nullptr) return "take a GPU with more memory";
  return fmt::format("no single change would fit, the best is {} ({:.1f} GB): combine several, or take a GPU with more memory", best->text, giga(least));
}

/// "routed experts take 23.1 GB (9 a layer)": the largest part.
std::string largest_part(const UnitMemory& u, Bytes asked) {
  const std::pair<const char*, Bytes> parts[] = {{"routed experts take", u.routed_experts}, {"shared experts take", u.shared_experts},
                                                 {"attention takes", u.attention + u.absorbed}, {"dense layers take", u.dense_ffn},
                                                 {"embedding and head take", u.vocabulary}, {"the workspace takes", u.workspace},
                                                 {"the cache of the requests takes", asked}};
  const auto& most = *std::max_element(std::begin(parts), std::end(parts), [](const auto& a, const auto& b) { return a.second < b.second; });
  std::string text = fmt::format("{} {:.1f} GB", most.first, giga(most.second));
  if (u.experts > 0 && most.second == u.routed_experts) text += fmt::format(" ({:.4g} a layer)", u.experts);
  return text;
}

class Checker {
 public:
  Checker(const Deployment& d, const Llm& m) : d_(d), m_(m) {}

  std::vector<Problem> problems() {
    sizes();
    if (!list_.empty()) return list_;
    m_.moe_layers > 0 ? experts() : no_experts();
    heads();
    if (d_.mtp > 0 && m_.mtp_modules == 0) tell("mtp", fmt::format("{} has no MTP module", m_.name), "leave it out");
    if (d_.fp8_cache && !m_.attention.latent) {
      tell("fp8_cache", fmt::format("FlashMLA's format is for latent attention, which {} lacks", m_.name), "leave it out");
    }
    return list_;
  }

 private:
  void tell(const char* key, std::string message, std::string hint) { list_.push_back({"", key, std::move(message), std::move(hint)}); }

  void sizes() {
    if (d_.gpus == 0) tell("gpus", "a unit has a GPU at least", "");
    if (d_.ep == 0) tell("ep", "expected at least 1", "");
    if (d_.tp == 0) tell("tp", "expected at least 1", "");
    if (!(d_.memory_part > 0 && d_.memory_part <= 1)) tell("memory_part", fmt::format("expected above 0 and up to 1, got {}", d_.memory_part), "0.9 is usual");
    if (!(d_.workspace.value() >= 0)) tell("workspace", "expected no negative size", "");
  }

  void experts() {
    if (d_.gpus % d_.ep != 0) tell("gpus", fmt::format("{} is no multiple of ep {}", d_.gpus, d_.ep), "a unit has whole sets of experts");
    if (d_.ep % d_.tp != 0) tell("ep", fmt::format("{} is no multiple of tp {}", d_.ep, d_.tp), "groups of attention lie within the GPUs of an expert group");
    const double slots = m_.experts + d_.redundant;
    if (std::fmod(slots, d_.ep) == 0) return;
    const double due = std::ceil(slots / d_.ep) * d_.ep - m_.experts;
    tell("redundant", fmt::format("{:.0f} experts of {} and {} redundant copies do not divide over ep {}", m_.experts, m_.name, d_.redundant, d_.ep),
         fmt::format("such as {:.0f}", due));
  }

  void no_experts() {
    if (d_.ep != 1) tell("ep", fmt::format("{} has no experts: expected 1, got {}", m_.name, d_.ep), "use tp");
    if (d_.redundant != 0) tell("redundant", fmt::format("{} has no experts to copy", m_.name), "leave it out");
    if (d_.gpus % d_.tp != 0) tell("gpus", fmt::format("{} is no multiple of tp {}", d_.gpus, d_.tp), "a unit has whole groups");
  }

  void heads() {
    const auto all = static_cast<std::uint32_t>(m_.attention.heads);
    const auto kv = static_cast<std::uint32_t>(m_.attention.kv_heads);
    if (all % d_.tp != 0) {
      tell("tp", fmt::format("the {} heads of {} do not divide over {}", all, m_.name, d_.tp), "");
    } else if (kv % d_.tp != 0 && d_.tp % kv != 0) {
      tell("tp", fmt::format("neither divides the other: {} pairs of keys and values of {}, tp {}", kv, m_.name, d_.tp), "");
    }
  }

  const Deployment& d_;
  const Llm& m_;
  std::vector<Problem> list_;
};

}  // namespace

std::vector<Problem> validate(const Deployment& d, const Llm& m) { return Checker(d, m).problems(); }

std::string does_not_fit(const Llm& m, const Deployment& d, const FitQuestion& q) {
  const UnitMemory u = memory_of(m, d, q.gpu_memory);
  const Bytes asked = q.requests * cache_of_request(m, d, q.tokens), need = u.used() + asked;
  if (need <= u.usable) return "";
  return fmt::format("does not fit: a GPU needs {:.1f} GB for weights and workspace and {:.1f} GB for the cache of {:.6g} request{} of {:.6g} tokens, {:.1f} GB "
                     "of {:.1f} GB may be used, {:.1f} GB too much; {}; {}",
                     giga(u.used()), giga(asked), q.requests, q.requests == 1 ? "" : "s", q.tokens, giga(u.usable), giga(q.gpu_memory), giga(need - u.usable),
                     largest_part(u, asked), way_out(m, d, q));
}

void check_fits(const Llm& m, const Deployment& d, const FitQuestion& q, const std::string& place) {
  const std::string text = does_not_fit(m, d, q);
  if (text.empty()) return;
  const std::size_t cut = text.rfind("; ");   // the way out is the hint
  throw UserError(place, fmt::format("{} on {} GPUs, ep {}, tp {} {}", m.name, d.gpus, d.ep, d.tp, text.substr(0, cut)), text.substr(cut + 2));
}

}  // namespace weft::workloads::inference

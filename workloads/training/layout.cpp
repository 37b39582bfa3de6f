#include "workloads/training/layout.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/core/error.h"

namespace weft::workloads::training {
namespace {

bool divides(double part, double whole) { return part > 0 && std::fmod(whole, part) == 0; }

/// "32 or 64 do": the nearest divisors of `whole` on either side of `part`, where they are not far to seek.
std::string divisors_near(double part, double whole) {
  constexpr int kSteps = 1'000'000;
  if (whole < 1) return "";
  const auto n = static_cast<std::uint64_t>(whole);
  const auto from = static_cast<std::uint64_t>(std::min(part, whole));
  std::uint64_t below = from, above = from;
  for (int i = 0; i < kSteps && n % below != 0; ++i) --below;
  for (int i = 0; i < kSteps && n % above != 0; ++i) ++above;
  if (n % below != 0) below = 1;
  if (n % above != 0 || above == below) return fmt::format("{} does", below);
  return fmt::format("{} or {} do", below, above);
}

class Checker {
 public:
  Checker(const Layout& l, const models::Llm& m, const TellProblem& tell) : l_(l), m_(m), tell_(tell) {}

  void experts() const {
    if (m_.moe_layers == 0) {
      if (l_.ep != 1) tell_("ep", fmt::format("{} has no experts to spread", m_.name), "1, or leave it out");
    } else if (!divides(l_.ep, m_.experts)) {
      tell_("ep", fmt::format("{} does not divide the {:.0f} experts", l_.ep, m_.experts), divisors_near(l_.ep, m_.experts));
    }
  }

  void tensor() const {
    if (l_.tp == 1) return;
    const models::LlmAttention& a = m_.attention;
    const auto must_divide = [&](double whole, const char* what) {
      if (whole > 0 && !divides(l_.tp, whole)) tell_("tp", fmt::format("{} does not divide the {:.0f} {}", l_.tp, whole, what), divisors_near(l_.tp, whole));
    };
    must_divide(a.heads, "attention heads");
    if (!a.latent) must_divide(a.kv_heads, "key-value heads");
    must_divide(m_.dense_inter, "columns of the dense FFN");
    must_divide(m_.shared_inter, "columns of the shared experts");
    must_divide(m_.hidden, "elements of the hidden state");
    must_divide(m_.vocab, "words of the vocabulary");
    if (l_.sequence_parallel && !divides(l_.tp, l_.sequence)) {
      tell_("sequence", fmt::format("{} tokens do not divide over tp {}", l_.sequence, l_.tp), "sequence parallelism gives each GPU as many tokens");
    }
    if (m_.moe_layers > 0 && !l_.sequence_parallel) {
      tell_("sequence_parallel", "experts beside tensor parallelism need it", "set it to true: else each of the tp GPUs would send the same tokens to the experts");
    }
  }

  void pipeline() const {
    const auto stages = static_cast<std::uint32_t>(l_.stages.size());
    for (const auto& held : l_.stages_of_rank) {
      if (held.size() == 2 && held[0] == held[1]) {
        tell_("pp", fmt::format("{} is odd, and rank {} would be its own mirror", l_.pp, held[0]), "a bidirectional pipeline needs an even number of ranks");
      }
    }
    if (stages == 0) return;
    place_everything(stages);
  }

 private:
  void place_everything(std::uint32_t stages) const {
    double dense = 0, moe = 0, mtp = 0, heads = 0;
    std::uint32_t last_layer = 0;
    for (std::uint32_t s = 0; s < stages; ++s) {
      const StageContent& c = l_.stages[s];
      if (c.embedding != (s == 0)) tell_("stages", fmt::format("stage {} {} the embedding", s, c.embedding ? "has" : "lacks"), "the embedding is in stage 0 alone");
      if (c.dense_layers > 0 && moe > 0) tell_("stages", fmt::format("stage {} has dense layers after layers with experts", s), "dense layers come first in the model");
      if (c.layers() > 0) last_layer = s;
      dense += c.dense_layers, moe += c.moe_layers, mtp += c.mtp_modules, heads += c.heads;
    }
    for (std::uint32_t s = 0; s < last_layer; ++s) {
      if (l_.stages[s].heads + l_.stages[s].mtp_modules > 0) {
        tell_("stages", fmt::format("stage {} has a head or an MTP module, but stage {} still has layers", s, last_layer), "they come after all layers");
      }
    }
    const auto must_be = [&](double got, double due, const char* what) {
      if (got != due) tell_("stages", fmt::format("hold {:.0f} {}, {} has {:.0f}", got, what, m_.name, due), "\"auto\" spreads the model evenly");
    };
    must_be(dense, m_.dense_layers(), "dense layers");
    must_be(moe, m_.moe_layers, "layers with experts");
    must_be(mtp, m_.mtp_modules, "MTP modules");
    must_be(heads, 1 + m_.mtp_modules, "computations of the head (one of the model, one of each MTP module)");
  }

  const Layout& l_;
  const models::Llm& m_;
  const TellProblem& tell_;
};

/// Micro-batches from the batch or the other way round.
void complete_batch(Layout& l, const TellProblem& tell) {
  if (l.dp == 0) return;
  const double round = static_cast<double>(l.dp) * l.sequences_per_micro_batch;   // sequences of one micro-batch on all ranks
  if (l.micro_batches > 0) {
    const double batch = l.micro_batches * round;
    if (batch > 4e9) return tell("micro_batches", fmt::format("{} make a step of {:.3g} sequences", l.micro_batches, batch), "at most 4e9");
    if (l.global_batch > 0 && l.global_batch != batch) {
      return tell("global_batch", fmt::format("{} sequences, but {} micro-batches of {} on {} ranks are {:.0f}", l.global_batch, l.micro_batches,
                                              l.sequences_per_micro_batch, l.dp, batch), "leave one of the two out");
    }
    l.global_batch = static_cast<std::uint32_t>(batch);
  } else if (l.global_batch > 0) {
    if (!divides(round, l.global_batch)) {
      return tell("global_batch", fmt::format("{} sequences do not divide into micro-batches of {} on {} ranks", l.global_batch,
                                              l.sequences_per_micro_batch, l.dp), fmt::format("a multiple of {:.0f}", round));
    }
    l.micro_batches = static_cast<std::uint32_t>(l.global_batch / round);
  }
}

}  // namespace

std::string to_text(Recompute r) { return r == Recompute::none ? "none" : r == Recompute::selective ? "selective" : "full"; }

std::string to_text(Format f) {
  switch (f) {
    case Format::none: return "none";
    case Format::fp8: return "fp8";
    case Format::bf16: return "bf16";
    case Format::fp32: return "fp32";
  }
  return "";
}

double bytes_of(Format f) { return f == Format::none ? 0 : f == Format::fp8 ? 1 : f == Format::bf16 ? 2 : 4; }

void check_layout(const Layout& l, const models::Llm& m, const TellProblem& tell) {
  const Checker c(l, m, tell);
  c.experts();
  c.tensor();
  c.pipeline();
}

void complete(Layout& l, const models::Llm& m, std::uint32_t gpus, const TellProblem& tell) {
  const double of_one = static_cast<double>(l.pp) * l.tp;
  if (l.dp == 0 && gpus == 0) return tell("dp", "is due where nothing says how many GPUs there are", "the data-parallel ranks of a pipeline stage");
  if (l.dp == 0) {
    if (!divides(of_one, gpus)) {
      return tell("pp", fmt::format("pp {} x tp {} = {:.0f} does not divide the {} GPUs", l.pp, l.tp, of_one, gpus), fmt::format("for pp x tp, {}", divisors_near(of_one, gpus)));
    }
    l.dp = static_cast<std::uint32_t>(gpus / of_one);
  }
  const double used = of_one * l.dp;
  if (gpus > 0 && used != gpus) {
    const std::string right = divides(of_one, gpus) ? fmt::format("dp {:.0f}, or leave it out", gpus / of_one) : "other pp or tp";
    tell("dp", fmt::format("pp {} x dp {} x tp {} = {:.0f} GPUs, there are {}", l.pp, l.dp, l.tp, used, gpus), right);
  }
  if (used > 4e9) return tell("dp", fmt::format("{:.3g} GPUs are too many", used), "at most 4e9");
  if (m.moe_layers > 0 && !divides(l.ep, l.gpus_per_stage())) {
    tell("ep", fmt::format("{} does not divide the {} GPUs of a pipeline stage (dp {} x tp {})", l.ep, l.gpus_per_stage(), l.dp, l.tp),
         divisors_near(l.ep, l.gpus_per_stage()));
  }
  complete_batch(l, tell);
}

Layout completed(Layout l, const models::Llm& m, std::uint32_t gpus) {
  std::vector<Problem> problems;
  complete(l, m, gpus, [&](const std::string& key, const std::string& message, const std::string& hint) {
    problems.push_back({"", "/" + key, message, hint});
  });
  if (!problems.empty()) throw UserError(std::move(problems));
  return l;
}

Coordinate coordinate_of(const Layout& l, std::uint32_t gpu) {
  WEFT_CHECK(gpu < l.gpus(), "a GPU of the layout");
  const std::uint32_t in_stage = gpu % l.gpus_per_stage();
  return {gpu / l.gpus_per_stage(), in_stage / l.tp, in_stage % l.tp, in_stage / l.ep, in_stage % l.ep};
}

std::uint32_t gpu_at(const Layout& l, std::uint32_t pp, std::uint32_t dp, std::uint32_t tp) {
  WEFT_CHECK(pp < l.pp && dp < l.dp && tp < l.tp, "a coordinate of the layout");
  return (pp * l.dp + dp) * l.tp + tp;
}

std::uint32_t first_of_ep_group(const Layout& l, std::uint32_t pp, std::uint32_t group) {
  WEFT_CHECK(pp < l.pp && group < l.ep_groups(), "an EP group of the layout");
  return pp * l.gpus_per_stage() + group * l.ep;
}

}  // namespace weft::workloads::training

// What the stages of a pipeline hold of a model, and which pipeline rank holds which stages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/llm/llm.h"

namespace weft::workloads::training {

/// What one pipeline stage holds. Layers are in the order of the model: dense ones come before those with experts.
struct StageContent {
  bool embedding = false;         ///< the input embedding
  std::uint32_t dense_layers = 0, moe_layers = 0;
  std::uint32_t mtp_modules = 0;  ///< each a layer (with experts where the model has any) and a projection from 2 x hidden
  std::uint32_t heads = 0;        ///< times that the head is computed: the model's own and one an MTP module; its weight is held once
  std::uint32_t layers() const { return dense_layers + moe_layers; }
  bool operator==(const StageContent&) const = default;
};

/// "embedding + 3 dense + 1 MoE".
std::string to_text(const StageContent& s);

/// Spreads a model over `stages` (at least 1, at most one a layer): every layer, MTP module, computation of the head and the
/// embedding counts as one; each stage gets an equal share, the first ones one more where it does not divide. The embedding is in
/// the first stage; MTP modules and heads are all in the last, even if they exceed its share, which the others then divide anew.
/// DeepSeek-V3 over 16: embedding + 3 dense + 1 MoE, 14 times 4 MoE, 1 MoE + MTP + 2 heads. Llama 3.1 405B over 16: 7 layers in the
/// first and last stage and 8 in the others, as published (arXiv:2407.21783 section 3.3.2).
std::vector<StageContent> spread_evenly(const models::Llm& m, std::uint32_t stages);

/// How the stages lie on the pipeline ranks.
enum class Arrangement {
  straight,       ///< rank r holds stage r
  looped,         ///< rank r holds stages r, r + PP, r + 2 PP, ... (interleaved 1F1B)
  vee,            ///< rank r holds stages r and 2 PP - 1 - r (ZB-V, DualPipeV)
  bidirectional,  ///< rank r holds stages r and PP - 1 - r, so that each stage is on two ranks (DualPipe)
};

/// For each rank the stages that it holds, in the order of its schedule's phases.
using StagesOfRank = std::vector<std::vector<std::uint32_t>>;

/// `per_rank` stages on each of `pp` ranks (looped alone; otherwise the arrangement says how many).
StagesOfRank stages_of_ranks(Arrangement a, std::uint32_t pp, std::uint32_t per_rank = 1);
/// How many stages there are in all.
std::uint32_t stage_count(Arrangement a, std::uint32_t pp, std::uint32_t per_rank = 1);
/// On how many ranks each stage is (the same for all): 2 in DualPipe, else 1.
std::uint32_t holders(const StagesOfRank& of_rank);

}  // namespace weft::workloads::training

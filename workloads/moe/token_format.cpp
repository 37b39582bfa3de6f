#include "workloads/moe/token_format.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace weft::workloads::moe {
namespace {

constexpr std::int64_t kBlock = 128;   // elements that share a scale or a range

}  // namespace

Bytes TokenFormat::copy(std::int64_t hidden) const {
  return Bytes(static_cast<double>(hidden) * element_bits / 8 + static_cast<double>(hidden / kBlock) * block_bytes);
}

std::vector<std::string> token_format_names() { return {"fp8", "bf16", "logfmt10", "logfmt8"}; }

TokenFormat token_format(const std::string& name) {
  TokenFormat f;
  f.name = name;
  f.element_bits = name == "bf16" ? 16 : name == "logfmt10" ? 10 : 8;
  f.block_bytes = name == "bf16" ? 0 : 4;   // LogFMT: DeepEP pull request 345, as merged
  return f;
}

TokenFormat read_token_format(Parameters& p, const std::string& key, const std::string& fallback, std::int64_t hidden, bool tells) {
  const bool read = tells || p.where().has(key);
  const std::size_t before = p.where().problems().list().size();
  const std::string name = read ? p.word(key, token_format_names(), fallback) : fallback;
  const TokenFormat f = token_format(p.where().problems().list().size() == before ? name : fallback);
  if (f.block_bytes > 0 && hidden % kBlock != 0) {
    p.where().fail_at("hidden", fmt::format("{} has {} for every 128 elements, {} is no multiple of 128", f.logarithmic() ? "LogFMT" : "FP8", f.logarithmic() ? "a range" : "a scale", hidden),
                      fmt::format("choose a multiple of 128 or \"{}\": \"bf16\"", key));
  }
  return f;
}

void read_logfmt(Parameters& p, std::vector<TokenFormat*> formats, const models::CommunicationModel& kernel) {
  std::erase_if(formats, [](const TokenFormat* f) { return !f->logarithmic(); });
  for (const char* key : {"logfmt_metadata", "codec_overhead"}) {
    if (p.where().has(key) && formats.empty()) p.where().fail_at(key, "no exchange is in LogFMT", "\"combine_dtype\": \"logfmt10\"");
  }
  if (p.where().has("logfmt_metadata")) {
    const Bytes each = p.size("logfmt_metadata", "4 B");
    if (each.value() > kBlock) p.where().fail_at("logfmt_metadata", fmt::format("{:g} B beside every 128 elements are more than the elements", each.value()), "\"4 B\" (DeepEP) or \"8 B\" (two FP32)");
    for (TokenFormat* f : formats) f->block_bytes = each.value();
  }
  if (!p.where().has("codec_overhead")) return;
  const double overhead = p.where().at("codec_overhead").as_number(0, 100);
  p.remember("codec_overhead", Json(overhead));
  if (overhead > 0 && kernel.nic_rate.value.value() <= 0 && kernel.nic_share.value <= 0) {
    p.where().fail_at("codec_overhead", fmt::format("the kernel {} has no rate of its own that coding could lower", kernel.name), "take a kernel with a nic_rate, such as \"deepep_normal\"");
  }
  for (TokenFormat* f : formats) f->codec_overhead = overhead;
}

std::vector<ColumnDoc> logfmt_parameter_docs() {
  return {{"logfmt_metadata", "bytes beside every 128 elements in LogFMT; default \"4 B\" (DeepEP pull request 345); \"8 B\": minimum and step as two FP32 (arXiv:2505.09343 section 3.2)"},
          {"codec_overhead", "what coding LogFMT adds to an exchange, as a part of its time: 0.5 to 1 on SMs (published, the same section); default 0: hardware that keeps up"}};
}

models::CommunicationModel coding(models::CommunicationModel kernel, const TokenFormat& format) {
  const double slower = 1 + format.codec_overhead;
  kernel.nic_rate.value = kernel.nic_rate.value / slower;
  kernel.nvlink_rate.value = kernel.nvlink_rate.value / slower;
  kernel.nic_share.value = kernel.nic_share.value / slower;
  return kernel;
}

}  // namespace weft::workloads::moe

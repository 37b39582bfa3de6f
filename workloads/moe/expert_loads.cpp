#include "workloads/moe/expert_loads.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/files.h"
#include "sim/core/json.h"

namespace weft::workloads::moe {
namespace {

constexpr std::size_t kFileLimit = 64u << 20;
constexpr std::size_t kLongestTopK = 32;   // of lists without a name; no gate chooses more experts

/// Nested lists with the place of each.
class ListReader {
 public:
  ListReader(std::string file, const LoadsReading& how) : file_(std::move(file)), how_(how) {}

  RecordedLoads read(const Json& root) {
    if (root.is_array()) return by_depth(root, "");
    if (!root.is_object()) fail("", "expected a list of loads or an object with one", kForms);
    const char* found = nullptr;
    for (const char* key : {"logical_count", "weight", "topk_ids"}) {
      if (!root.contains(key)) continue;
      if (found != nullptr) fail(fmt::format("/{}", key), fmt::format("there is \"{}\" too", found), "keep one of the two");
      found = key;
    }
    if (found == nullptr) fail("", "there is neither \"logical_count\" nor \"weight\" nor \"topk_ids\"", kForms);
    const std::string place = fmt::format("/{}", found);
    RecordedLoads out = std::string_view(found) == "topk_ids" ? tokens(root[found], place) : std::string_view(found) == "weight" ? by_depth(root[found], place)
                                                                                                                                  : counts(root[found], place);
    std::string others;
    for (const auto& [key, value] : root.items()) {
      if (key != found) others += (others.empty() ? "" : ", ") + key;
    }
    if (!others.empty()) out.notes.push_back(fmt::format("{}: passed over beside \"{}\": {}", file_, found, others));
    return out;
  }

 private:
  static constexpr const char* kForms =
      "[layers][experts] loads, {\"logical_count\": [steps][layers][experts]}, or [tokens][layers][k] ids of the experts that tokens chose";

  [[noreturn]] void fail(const std::string& place, std::string message, std::string hint) const {
    throw UserError({{file_, place, std::move(message), std::move(hint)}});
  }

  const Json& list(const Json& value, const std::string& place, const char* what) const {
    if (!value.is_array()) fail(place, fmt::format("expected a list of {}, got {}", what, value.type_name()), kForms);
    if (value.empty()) fail(place, fmt::format("expected a list of {}, got an empty one", what), "");
    return value;
  }

  static int depth(const Json& value) {
    int deep = 0;
    for (const Json* v = &value; v->is_array() && !v->empty() && deep < 5; v = &v->front()) ++deep;
    return deep;
  }

  RecordedLoads by_depth(const Json& value, const std::string& place) {
    if (depth(list(value, place, "loads")) != 3) return counts(value, place);
    const std::size_t row = value.front().front().size();
    return (how_.experts != 0 ? row == how_.experts : row > kLongestTopK) ? counts(value, place) : tokens(value, place);
  }

  RecordedLoads counts(const Json& value, const std::string& place) {
    list(value, place, "loads");
    const int deep = depth(value);
    RecordedLoads out;
    if (deep == 1) {
      out.format = "loads of one layer";
      start(out.loads, 1, value.size(), place);
      add_row(value, place, 0, 1, out.loads);
    } else if (deep == 2) {
      out.format = fmt::format("loads of {} layers", value.size());
      add_layers(value, place, 1, out.loads);
    } else if (deep == 3) {
      out.format = fmt::format("counts of {} steps", value.size());
      out.steps = value.size();
      for (std::size_t s = 0; s < value.size(); ++s) add_layers(value[s], fmt::format("{}/{}", place, s), weight_of_step(s, value.size()), out.loads);
    } else {
      fail(place, "expected lists of two or three levels", kForms);
    }
    return out;
  }

  double weight_of_step(std::size_t step, std::size_t steps) const {
    return how_.half_life ? std::exp2(-static_cast<double>(steps - 1 - step) / *how_.half_life) : 1;
  }

  void start(ExpertLoads& to, std::size_t layers, std::size_t experts, const std::string& place) const {
    if (how_.experts != 0 && experts != how_.experts) {
      fail(place, fmt::format("rows of {} numbers, but there are {} experts", experts, how_.experts),
           experts <= kLongestTopK ? "experts of tokens come as [tokens][layers][k], with one layer too" : "");
    }
    if (layers > kMostLayers || experts > kMostExperts || layers * experts > kMostLoads) fail(place, fmt::format("{} layers of {} experts are more than weft takes", layers, experts), "");
    to = {static_cast<std::uint32_t>(layers), static_cast<std::uint32_t>(experts), std::vector<double>(layers * experts, 0)};
  }

  void add_layers(const Json& value, const std::string& place, double weight, ExpertLoads& to) const {
    list(value, place, "layers");
    if (to.load.empty()) start(to, value.size(), list(value.front(), place + "/0", "loads").size(), place + "/0");
    if (value.size() != to.layers) fail(place, fmt::format("{} layers where the first step has {}", value.size(), to.layers), "every step has the same layers");
    for (std::uint32_t l = 0; l < to.layers; ++l) add_row(value[l], fmt::format("{}/{}", place, l), l, weight, to);
  }

  void add_row(const Json& row, const std::string& place, std::uint32_t layer, double weight, ExpertLoads& to) const {
    list(row, place, "loads");
    if (row.size() != to.experts) fail(place, fmt::format("{} loads where the first row has {}", row.size(), to.experts), "every layer has a number for each expert");
    for (std::uint32_t e = 0; e < to.experts; ++e) {
      const double load = row[e].is_number() ? row[e].get<double>() : -1;
      if (!(load >= 0 && std::isfinite(load))) {
        fail(fmt::format("{}/{}", place, e), fmt::format("expected a load of zero or more, got {}", row[e].is_number() ? dump_json(row[e]) : row[e].type_name()), "loads are counts of tokens");
      }
      to.load[std::size_t{layer} * to.experts + e] += weight * load;
    }
  }

  RecordedLoads tokens(const Json& value, const std::string& place) {
    list(value, place, "tokens");
    if (depth(value) != 3) fail(place, "expected [tokens][layers][k] ids", "the experts of a token are a list for each layer");
    if (how_.experts == 0) fail(place, "these are experts of tokens, and nothing says how many experts there are", "give their number: --experts 256, or \"experts\": 256");
    const std::size_t layers = value.front().size(), topk = value.front().front().size();
    RecordedLoads out;
    out.format = fmt::format("experts of {} tokens", value.size());
    start(out.loads, layers, how_.experts, place);
    std::size_t struck = 0;
    for (std::size_t t = 0; t < value.size(); ++t) {
      const std::string of_token = fmt::format("{}/{}", place, t);
      if (list(value[t], of_token, "layers").size() != layers) fail(of_token, fmt::format("{} layers where the first token has {}", value[t].size(), layers), "");
      for (std::uint32_t l = 0; l < layers; ++l) struck += add_token(value[t][l], of_token, l, topk, out.loads);
    }
    if (struck > 0) out.notes.push_back(fmt::format("{}: {} choices are struck out (-1) and count for nobody", file_, struck));
    return out;
  }

  /// Returns how many of its choices are struck out.
  std::size_t add_token(const Json& ids, const std::string& of_token, std::uint32_t layer, std::size_t topk, ExpertLoads& to) const {
    const auto here = [&] { return fmt::format("{}/{}", of_token, layer); };
    if (!ids.is_array()) fail(here(), "expected a list of expert ids", kForms);
    if (ids.size() != topk) fail(here(), fmt::format("{} experts where the first token has {}", ids.size(), topk), "every token chooses equally many; -1 is none");
    std::size_t struck = 0;
    for (std::size_t k = 0; k < topk; ++k) {
      const std::int64_t id = ids[k].is_number_integer() ? ids[k].get<std::int64_t>() : -2;
      if (id < -1 || id >= to.experts) {
        fail(fmt::format("{}/{}", here(), k), fmt::format("expected an expert from 0 to {}, got {}", to.experts - 1, ids[k].is_number() ? dump_json(ids[k]) : ids[k].type_name()),
             "ids count from 0; -1 is a choice that was struck out");
      }
      if (id < 0) ++struck;
      else if (std::find(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(k), ids[k]) != ids.begin() + static_cast<std::ptrdiff_t>(k)) {
        fail(fmt::format("{}/{}", here(), k), fmt::format("expert {} stands here twice", id), "a token chooses different experts");
      } else {
        to.load[std::size_t{layer} * to.experts + static_cast<std::size_t>(id)] += 1;
      }
    }
    return struck;
  }

  std::string file_;
  const LoadsReading& how_;
};

}  // namespace

RecordedLoads expert_loads_in(std::string_view text, const std::string& file, const LoadsReading& how) {
  if (how.half_life && !(*how.half_life > 0 && std::isfinite(*how.half_life))) {
    throw UserError("--half-life", fmt::format("expected a positive number of steps, got {}", *how.half_life));
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const bool json = begin == text.size() || text[begin] == '[' || text[begin] == '{' || text.substr(begin, text.find('\n', begin) - begin).find(',') == std::string_view::npos;
  RecordedLoads out = json ? ListReader(file, how).read(parse_json(text, file)) : expert_loads_in_csv(text, file, how);
  if (how.half_life && out.steps == 0) throw UserError({{file, "", fmt::format("a half-life weighs steps, and these are {}", out.format), "leave the half-life out"}});
  return out;
}

RecordedLoads read_expert_loads(const std::string& path, const LoadsReading& how) {
  return expert_loads_in(read_file(path, kFileLimit), path == "-" ? "standard input" : path, how);
}

}  // namespace weft::workloads::moe

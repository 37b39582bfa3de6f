#include "scenarios/studies/network_picture.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>

namespace weft::scenarios {
namespace {

using reports::NetworkPicture;
using topology::Fabric;
using topology::Link;
using topology::Vertex;
using topology::VertexKind;

constexpr std::uint32_t nowhere = ~std::uint32_t{0};

bool is_nic(const Vertex& v) { return v.kind == VertexKind::nic || v.kind == VertexKind::storage_nic || v.kind == VertexKind::storage_node_nic; }

bool joins_switches(const Fabric& f, const Link& l) {
  return f.vertex(l.from).kind == VertexKind::net_switch && f.vertex(l.to).kind == VertexKind::net_switch;
}

/// A switch fails with all of its cables.
bool has_failed(const Fabric& f, VertexId v) {
  const auto links = f.out_links(v);
  return !links.empty() && std::none_of(links.begin(), links.end(), [&](LinkId l) { return f.link(l).up; });
}

/// What is drawn as one box: switches by tier, by group and place in it, each divided by how many are drawn as one. A switch that has failed is known by its id.
using BoxKey = std::tuple<bool, std::uint8_t, std::uint32_t, std::uint32_t, std::uint32_t>;

struct Boxes {
  std::vector<std::uint32_t> of;                    // by vertex; nowhere for what is no switch
  std::vector<std::vector<VertexId>> members;       // by box
  std::vector<bool> failed;
};

/// How many switches, and how many groups, are drawn as one.
struct Merge {
  std::uint32_t switches = 1, groups = 1;
};

Boxes boxes_of(const Fabric& f, Merge merge) {
  std::map<BoxKey, std::vector<VertexId>> found;
  std::vector<bool> failed(f.vertices().size(), false);
  for (std::uint32_t i = 0; i < f.vertices().size(); ++i) {
    const Vertex& v = f.vertices()[i];
    if (v.kind != VertexKind::net_switch) continue;
    failed[i] = has_failed(f, VertexId(i));
    found[{f.in_storage_network(VertexId(i)), v.tier, v.group / merge.groups, v.index / merge.switches, failed[i] ? i : nowhere}].push_back(VertexId(i));
  }
  Boxes boxes{std::vector<std::uint32_t>(f.vertices().size(), nowhere), {}, {}};
  for (auto& [key, members] : found) {
    for (const VertexId v : members) boxes.of[v.value] = static_cast<std::uint32_t>(boxes.members.size());
    boxes.failed.push_back(failed[members.front().value]);
    boxes.members.push_back(std::move(members));
  }
  return boxes;
}

/// From the lower tier to the higher; between equals from the one that is listed first.
bool goes_up(const Fabric& f, const Boxes& boxes, const Link& l) {
  const std::uint32_t from = f.vertex(l.from).tier, to = f.vertex(l.to).tier;
  return from != to ? from < to : boxes.of[l.from.value] <= boxes.of[l.to.value];
}

std::uint64_t pair_of(const Boxes& boxes, const Link& l) {
  return std::uint64_t{boxes.of[l.from.value]} << 32 | boxes.of[l.to.value];
}

std::size_t count_bundles(const Fabric& f, const Boxes& boxes) {
  std::vector<std::uint64_t> pairs;
  for (const Link& l : f.links()) {
    if (joins_switches(f, l) && goes_up(f, boxes, l)) pairs.push_back(pair_of(boxes, l));
  }
  std::sort(pairs.begin(), pairs.end());
  return static_cast<std::size_t>(std::unique(pairs.begin(), pairs.end()) - pairs.begin());
}

/// As few as can be drawn as one, so that what is drawn stays small.
Boxes small_enough(const Fabric& f, std::size_t most_bundles) {
  std::uint32_t last_index = 0, last_group = 0;
  for (const Vertex& v : f.vertices()) {
    if (v.kind != VertexKind::net_switch) continue;
    last_index = std::max(last_index, v.index);
    last_group = std::max(last_group, v.group);
  }
  Merge merge;
  for (;;) {
    Boxes boxes = boxes_of(f, merge);
    if (boxes.members.size() <= most_bundles && count_bundles(f, boxes) <= most_bundles) return boxes;
    if (merge.switches <= last_index) merge.switches *= 2;
    else if (merge.groups <= last_group) merge.groups *= 2;
    else return boxes;
  }
}

std::string name_of(const Fabric& f, const std::vector<VertexId>& members) {
  if (members.size() == 1) return f.name(members.front());
  return fmt::format("{} to {}", f.name(members.front()), f.name(members.back()));
}

void draw_switches(const Fabric& f, const Boxes& boxes, NetworkPicture& picture) {
  for (std::size_t b = 0; b < boxes.members.size(); ++b) {
    const Vertex& v = f.vertex(boxes.members[b].front());
    NetworkPicture::Switch s;
    s.name = name_of(f, boxes.members[b]);
    s.tier = v.tier;
    s.group = v.group;
    s.members = static_cast<std::uint32_t>(boxes.members[b].size());
    s.failed = boxes.failed[b];
    picture.switches.push_back(std::move(s));
  }
}

void draw_endpoints(const Fabric& f, const Boxes& boxes, const std::vector<double>& used, NetworkPicture& picture) {
  for (std::uint32_t i = 0; i < f.vertices().size(); ++i) {
    if (!is_nic(f.vertices()[i])) continue;
    const VertexId sw = f.switch_of_nic(VertexId(i));
    if (!sw.valid()) continue;
    const LinkId out = f.uplink_of_nic(VertexId(i));
    NetworkPicture::Switch& s = picture.switches[boxes.of[sw.value]];
    ++s.endpoints;
    if (!f.link(out).up) ++s.endpoints_down;
    s.out = std::max(s.out, used[out.value]);
    s.in = std::max(s.in, used[f.link(out).reverse.value]);
  }
}

void draw_bundles(const Fabric& f, const Boxes& boxes, const std::vector<double>& used, NetworkPicture& picture) {
  std::map<std::uint64_t, NetworkPicture::Bundle> bundles;
  for (std::uint32_t i = 0; i < f.links().size(); ++i) {
    const Link& l = f.links()[i];
    if (!joins_switches(f, l) || !goes_up(f, boxes, l)) continue;
    // Inside a box both directions go up: the first one counts the cable.
    if (boxes.of[l.from.value] == boxes.of[l.to.value] && l.reverse.value < i) continue;
    const auto [at, fresh] = bundles.try_emplace(pair_of(boxes, l));
    NetworkPicture::Bundle& b = at->second;
    if (fresh) b = {boxes.of[l.from.value], boxes.of[l.to.value], 0, 0, 0, 0};
    ++b.cables;
    if (!l.up) ++b.failed;
    b.up = std::max(b.up, used[i]);
    b.down = std::max(b.down, used[l.reverse.value]);
  }
  for (const auto& [pair, bundle] : bundles) picture.bundles.push_back(bundle);
}

/// "leaf" of "plane0.leaf3"; "plane" of it with `group`, which is empty where the name has no group.
std::string word_of(const std::string& name, bool group) {
  const std::size_t dot = name.find('.');
  if (group && dot == std::string::npos) return {};
  std::string word = group ? name.substr(0, dot) : dot == std::string::npos ? name : name.substr(dot + 1);
  while (!word.empty() && word.back() >= '0' && word.back() <= '9') word.pop_back();
  if (word.starts_with("storage_")) word.replace(0, 8, "storage ");
  return word;
}

std::string plural(const std::string& word, std::size_t count) {
  const bool adjective = word.ends_with("edge") || word.ends_with("agg") || word.ends_with("core");
  if (adjective) return (word.ends_with("agg") ? word + "regation" : word) + (count == 1 ? " switch" : " switches");
  if (count == 1) return word;
  if (word.ends_with("leaf")) return word.substr(0, word.size() - 1) + "ves";
  return word + (word.ends_with("ch") ? "es" : "s");
}

/// "2,048".
std::string count_text(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

/// "64 leaves and 32 spines in 8 planes": switches in the order of tiers, those of the same groups together.
std::string switches_in_words(const Fabric& f) {
  struct Kind {
    std::string word, group;
    std::size_t count = 0;
    std::map<std::uint32_t, bool> groups;
  };
  std::vector<Kind> kinds;
  for (std::uint32_t i = 0; i < f.vertices().size(); ++i) {
    if (f.vertices()[i].kind != VertexKind::net_switch) continue;
    const std::string name = f.name(VertexId(i)), word = word_of(name, false), group = word_of(name, true);
    auto at = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& k) { return k.word == word && k.group == group; });
    if (at == kinds.end()) at = kinds.insert(kinds.end(), Kind{word, group, 0, {}});
    ++at->count;
    at->groups[f.vertices()[i].group] = true;
  }
  std::string text;
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    const bool last_of_group = k + 1 == kinds.size() || kinds[k + 1].group != kinds[k].group;
    if (k > 0) text += k + 1 == kinds.size() ? " and " : ", ";
    text += fmt::format("{} {}", count_text(kinds[k].count), plural(kinds[k].word, kinds[k].count));
    if (last_of_group && !kinds[k].group.empty()) text += fmt::format(" in {} {}", kinds[k].groups.size(), plural(kinds[k].group, kinds[k].groups.size()));
  }
  return text;
}

std::string title_of(const Fabric& f, const Placement& placed) {
  std::string text = fmt::format("{} nodes with {} NICs each", count_text(placed.nodes()), placed.gpus_per_node());
  if (f.has_storage()) text += fmt::format(" and {} storage nodes", count_text(f.storage_nodes()));
  text += "; " + switches_in_words(f);
  std::uint64_t cables = static_cast<std::uint64_t>(f.count().switch_links);
  if (f.has_storage()) cables += static_cast<std::uint64_t>(f.count_storage().switch_links);
  if (cables > 0) text += fmt::format(", joined by {} {}", count_text(cables), cables == 1 ? "cable" : "cables");
  return text;
}

}  // namespace

reports::NetworkPicture network_picture(const Fabric& fabric, const std::vector<std::string>& failed,
                                        std::span<const analysis::Explanation::LinkUse> use, std::size_t most_bundles) {
  std::vector<double> used(fabric.links().size(), 0);
  for (const auto& u : use) used.at(u.link.value) = std::clamp(u.utilisation, 0.0, 1.0);
  const Boxes boxes = small_enough(fabric, most_bundles);
  NetworkPicture picture;
  picture.title = title_of(fabric, fabric.placement());
  picture.nodes = fabric.placement().nodes();
  picture.nics_per_node = fabric.placement().gpus_per_node();
  picture.failed = failed;
  draw_switches(fabric, boxes, picture);
  draw_endpoints(fabric, boxes, used, picture);
  draw_bundles(fabric, boxes, used, picture);
  return picture;
}

}  // namespace weft::scenarios

#include "scenarios/studies/timeline_slices.h"

#include <algorithm>
#include <tuple>

namespace weft::scenarios {

void TimelineSlices::process(std::uint32_t number, std::string_view name, std::string_view place) {
  processes_[number].name = place.empty() ? std::string(name) : std::string(name) + " (" + std::string(place) + ")";
}

void TimelineSlices::begin_program(std::int64_t at_ns) {
  begun_ns_ = at_ns;
  track_of_line_.clear();
}

void TimelineSlices::thread(analysis::Line line, std::string_view name, std::uint32_t order) {
  const auto number = static_cast<std::uint32_t>(tracks_.size());
  const auto track = tracks_.try_emplace({line.process, order, std::string(name)}, number).first;
  track_of_line_[{line.process, line.thread}] = track->second;
}

void TimelineSlices::slice(const analysis::Slice& s) {
  auto name = names_.find(s.name);
  if (name == names_.end()) name = names_.emplace(s.name, static_cast<std::uint32_t>(names_.size())).first;
  Process& p = processes_[s.on.process];
  p.kept.push_back({s.on.process, s.stream, track_of_line_.at({s.on.process, s.on.thread}), name->second, 1, s.moves, begun_ns_ + s.start_ns, begun_ns_ + s.end_ns});
  if (p.kept.size() >= 2 * most_) tidy(p);
}

void TimelineSlices::tidy(Process& p) const {
  join_alike(p.kept);
  p.left_out += drop_shortest(p.kept);
}

void TimelineSlices::join_alike(std::vector<Kept>& kept) {
  const auto key = [](const Kept& k) { return std::make_tuple(k.process, k.stream, k.start_ns, k.end_ns, k.name, k.moves); };
  std::sort(kept.begin(), kept.end(), [&](const Kept& a, const Kept& b) { return std::make_tuple(key(a), a.track) < std::make_tuple(key(b), b.track); });
  std::size_t last = 0;
  for (std::size_t i = 1; i < kept.size(); ++i) {
    if (key(kept[i]) == key(kept[last])) kept[last].parts += kept[i].parts;
    else kept[++last] = kept[i];
  }
  if (!kept.empty()) kept.resize(last + 1);
}

// Among equally long ones the first in time and on the first line stay, so that the same run gives the same picture.
std::uint64_t TimelineSlices::drop_shortest(std::vector<Kept>& kept) const {
  if (kept.size() <= most_) return 0;
  const auto longer = [](const Kept& a, const Kept& b) {
    const auto key = [](const Kept& k) { return std::make_tuple(k.start_ns - k.end_ns, k.start_ns, k.process, k.track, k.stream, k.name); };
    return key(a) < key(b);
  };
  std::nth_element(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(most_), kept.end(), longer);
  std::uint64_t dropped = 0;
  for (std::size_t i = most_; i < kept.size(); ++i) dropped += kept[i].parts;
  kept.resize(most_);
  return dropped;
}

TimelineSlices::Process TimelineSlices::choose() {
  std::vector<std::uint32_t> order = order_;
  for (const auto& [number, p] : processes_) {
    if (std::find(order.begin(), order.end(), number) == order.end()) order.push_back(number);
  }
  constexpr std::size_t least = 2;
  Process chosen;
  std::size_t ranks = 0;
  for (const std::uint32_t number : order) {
    const auto at = processes_.find(number);
    if (at == processes_.end() || at->second.kept.empty() || ranks == most_ranks_) continue;
    Process& p = at->second;
    tidy(p);
    if (ranks >= least && chosen.kept.size() + p.kept.size() > most_) continue;
    chosen.kept.insert(chosen.kept.end(), p.kept.begin(), p.kept.end());
    chosen.left_out += p.left_out;
    ++ranks;
  }
  chosen.left_out += drop_shortest(chosen.kept);
  return chosen;
}

reports::TimelinePicture TimelineSlices::take() {
  Process drawn = choose();
  std::vector<const TrackKey*> tracks(tracks_.size());
  std::vector<std::size_t> place_of_track(tracks_.size());
  std::size_t next_place = 0;
  for (const auto& [key, number] : tracks_) {
    place_of_track[number] = next_place++;
    tracks[number] = &key;
  }
  std::sort(drawn.kept.begin(), drawn.kept.end(), [&](const Kept& a, const Kept& b) {
    const auto key = [&](const Kept& k) { return std::make_tuple(place_of_track[k.track], k.start_ns, k.end_ns, k.name); };
    return key(a) < key(b);
  });
  std::vector<const std::string*> told(names_.size());
  for (const auto& [text, number] : names_) told[number] = &text;
  constexpr std::uint32_t unused = ~std::uint32_t{0};
  std::vector<std::uint32_t> place(names_.size(), unused);
  reports::TimelinePicture picture;
  picture.left_out = drawn.left_out;
  const Kept* before = nullptr;
  for (const Kept& k : drawn.kept) {
    if (before == nullptr || before->track != k.track) picture.tracks.push_back({processes_[k.process].name, std::get<2>(*tracks[k.track])});
    if (place[k.name] == unused) {
      place[k.name] = static_cast<std::uint32_t>(picture.names.size());
      picture.names.push_back(*told[k.name]);
    }
    const auto track = static_cast<std::uint32_t>(picture.tracks.size() - 1);
    picture.slices.push_back({track, static_cast<double>(k.start_ns) * 1e-3, static_cast<double>(k.end_ns) * 1e-3, place[k.name], k.moves, k.parts});
    before = &k;
  }
  return picture;
}

}  // namespace weft::scenarios

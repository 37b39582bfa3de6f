#include "scenarios/studies/timeline_slices.h"

#include <algorithm>
#include <tuple>

namespace weft::scenarios {

void TimelineSlices::process(std::uint32_t number, std::string_view name, std::string_view place) {
  processes_[number] = place.empty() ? std::string(name) : std::string(name) + " (" + std::string(place) + ")";
}

void TimelineSlices::thread(analysis::Line line, std::string_view name, std::uint32_t order) {
  threads_[{line.process, line.thread}] = {std::string(name), order};
}

void TimelineSlices::slice(const analysis::Slice& s) {
  auto name = names_.find(s.name);
  if (name == names_.end()) name = names_.emplace(s.name, static_cast<std::uint32_t>(names_.size())).first;
  kept_.push_back({s.on.process, s.stream, s.on.thread, name->second, 1, s.moves, s.start_ns, s.end_ns});
  if (kept_.size() < 2 * most_) return;
  join_alike();
  drop_shortest();
}

void TimelineSlices::join_alike() {
  const auto key = [](const Kept& k) { return std::make_tuple(k.process, k.stream, k.start_ns, k.end_ns, k.name, k.moves); };
  std::sort(kept_.begin(), kept_.end(), [&](const Kept& a, const Kept& b) { return std::make_tuple(key(a), a.thread) < std::make_tuple(key(b), b.thread); });
  std::size_t last = 0;
  for (std::size_t i = 1; i < kept_.size(); ++i) {
    if (key(kept_[i]) == key(kept_[last])) kept_[last].parts += kept_[i].parts;
    else kept_[++last] = kept_[i];
  }
  if (!kept_.empty()) kept_.resize(last + 1);
}

// Among equally long ones the first in time and on the first line stay, so that the same run gives the same picture.
void TimelineSlices::drop_shortest() {
  if (kept_.size() <= most_) return;
  const auto longer = [](const Kept& a, const Kept& b) {
    const auto key = [](const Kept& k) { return std::make_tuple(k.start_ns - k.end_ns, k.start_ns, k.process, k.thread, k.stream, k.name); };
    return key(a) < key(b);
  };
  std::nth_element(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(most_), kept_.end(), longer);
  for (std::size_t i = most_; i < kept_.size(); ++i) left_out_ += kept_[i].parts;
  kept_.resize(most_);
}

reports::TimelinePicture TimelineSlices::take() {
  join_alike();
  drop_shortest();
  std::sort(kept_.begin(), kept_.end(), [this](const Kept& a, const Kept& b) {
    const auto key = [this](const Kept& k) {
      return std::make_tuple(k.process, threads_[{k.process, k.thread}].order, k.thread, k.start_ns, k.end_ns, k.name);
    };
    return key(a) < key(b);
  });
  std::vector<const std::string*> told(names_.size());
  for (const auto& [text, number] : names_) told[number] = &text;
  constexpr std::uint32_t unused = ~std::uint32_t{0};
  std::vector<std::uint32_t> place(names_.size(), unused);
  reports::TimelinePicture picture;
  picture.left_out = left_out_;
  const Kept* before = nullptr;
  for (const Kept& k : kept_) {
    if (before == nullptr || before->process != k.process || before->thread != k.thread) {
      picture.tracks.push_back({processes_[k.process], threads_[{k.process, k.thread}].name});
    }
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

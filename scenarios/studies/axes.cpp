#include "scenarios/studies/axes.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/studies/ranges.h"
#include "sim/core/cell_text.h"
#include "sim/core/row_json.h"

namespace weft::scenarios {
namespace {

const char* const kExample = "for example --vary /cluster/nodes=64,128,256";

/// Splits at a sign that stands outside brackets, braces and quotes; `before`: only where the next character that is no blank is this one.
std::vector<std::string> split(const std::string& text, char sign, char before = '\0') {
  std::vector<std::string> out(1);
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    if (!quoted && (c == '[' || c == '{')) ++depth;
    if (!quoted && (c == ']' || c == '}')) --depth;
    const std::size_t next = text.find_first_not_of(' ', i + 1);
    const bool ends = before == '\0' || (next != std::string::npos && text[next] == before);
    if (c == sign && depth == 0 && !quoted && ends) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

/// The values behind an "=".
std::vector<Json> values_of(const std::string& pointer, const std::string& text, const std::string& option) {
  std::vector<Json> out;
  for (const std::string& part : split(text, ',')) {
    const std::string value = trimmed(part);
    if (value.empty()) throw UserError(option, fmt::format("{} has an empty value", pointer), "values are separated by single commas");
    if (!Json::accept(value)) {
      if (const auto range = range_of(value, kMostPoints, option)) {
        out.insert(out.end(), range->begin(), range->end());
        continue;
      }
    }
    out.push_back(*parse_setting(pointer + "=" + value, option).value);
  }
  return out;
}

/// Puts the values of several places side by side.
Axis in_step(const std::vector<std::pair<std::string, std::vector<Json>>>& places, const std::string& option) {
  Axis axis;
  for (const auto& [pointer, values] : places) {
    if (values.size() != places.front().second.size()) {
      throw UserError(option, fmt::format("{} has {} values and {} has {}", places.front().first, places.front().second.size(), pointer, values.size()),
                      "places that go in step have as many values each");
    }
    axis.pointers.push_back(pointer);
    axis.steps.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) axis.steps[i].push_back({pointer, std::make_shared<const Json>(values[i])});
  }
  return axis;
}

/// One axis of a study file, given as an object.
Axis axis_of_object(JsonReader& r) {
  std::vector<std::pair<std::string, std::vector<Json>>> places;
  for (const auto& [pointer, values] : r.members()) {
    if (pointer.empty() || pointer[0] != '/') {
      r.fail_at(pointer, "expected a place of the scenario, which begins with /", "{\"/cluster/nodes\": [64, 128]}");
    } else if (values.is_string()) {
      places.emplace_back(pointer, values_of(pointer, values.as_string(), r.pointer()));
    } else if (values.is_array()) {
      places.push_back({pointer, {}});
      for (const JsonReader& v : values.items()) places.back().second.push_back(v.value());
    } else {
      values.fail("expected a list of values or a text like \"64:256:64\"");
    }
  }
  if (places.empty()) return {};
  return in_step(places, r.pointer());
}

/// What a row shows of a value: numbers and truths as such, all else as text.
Cell cell_of(const Json& v) {
  if (v == "") return dump_json(v);
  return cell_of_json(v).value_or(dump_json(v));
}

bool lies_inside(const std::string& inner, const std::string& outer) { return inner.starts_with(outer + "/"); }

}  // namespace

Axis parse_axis(const std::string& text, const std::string& option) {
  std::vector<std::pair<std::string, std::vector<Json>>> places;
  for (const std::string& part : split(text, ';', '/')) {
    const std::string place = trimmed(part);
    const std::size_t equals = place.find('=');
    if (equals == std::string::npos || place[0] != '/') throw UserError(option, fmt::format("expected /pointer=value,value,..., got \"{}\"", part), kExample);
    const std::string pointer = place.substr(0, equals);
    places.emplace_back(pointer, values_of(pointer, place.substr(equals + 1), option));
  }
  return in_step(places, option);
}

std::vector<Axis> read_axes(JsonReader list) {
  std::vector<Axis> axes;
  if (!list.is_array()) {
    list.fail("expected a list of axes", "[{\"/cluster/nodes\": [64, 128]}, \"/cluster/topology/kind=mpft,mrft\"]");
    return axes;
  }
  for (JsonReader& r : list.items()) {
    try {
      if (r.is_string()) axes.push_back(parse_axis(r.as_string(), r.pointer()));
      else if (r.is_object()) axes.push_back(axis_of_object(r));
      else r.fail("expected an axis: a text like \"/cluster/nodes=64,128\" or an object {\"/cluster/nodes\": [64, 128]}");
    } catch (const UserError& e) {
      for (Problem p : e.problems()) {
        if (p.file.empty()) p.file = r.file();
        r.problems().add(std::move(p));
      }
    }
  }
  return axes;
}

Grid::Grid(std::vector<Axis> axes) : axes_(std::move(axes)) {
  if (axes_.empty()) throw UserError("--vary", "a sweep needs at least one axis", kExample);
  points_ = 1;
  std::vector<std::string> seen;
  for (const Axis& axis : axes_) {
    if (axis.steps.empty()) throw UserError("--vary", axis.pointers.empty() ? "an axis is empty" : fmt::format("{} has no values", axis.pointers.front()), kExample);
    for (const std::string& pointer : axis.pointers) {
      for (const std::string& before : seen) {
        if (pointer == before) throw UserError("--vary", fmt::format("{} is varied twice", pointer));
        if (lies_inside(before, pointer)) {
          throw UserError("--vary", fmt::format("{} replaces {}, which is varied before it", pointer, before), "name the outer place first, or leave one out");
        }
      }
      seen.push_back(pointer);
    }
    std::set<std::string> known;
    for (const auto& step : axis.steps) {
      std::string text;
      for (const Setting& s : step) text += (text.empty() ? "" : "; ") + s.pointer + " = " + exact_text(cell_of(*s.value));
      if (!known.insert(text).second) throw UserError("--vary", fmt::format("{} stands there twice", text), "every value once");
    }
    points_ *= axis.steps.size();
    if (points_ > kMostPoints) throw UserError("--vary", fmt::format("the grid has more than {} points", kMostPoints));
  }
}

std::vector<std::string> Grid::pointers() const {
  std::vector<std::string> all;
  for (const Axis& a : axes_) all.insert(all.end(), a.pointers.begin(), a.pointers.end());
  return all;
}

std::vector<Setting> Grid::at(std::size_t point) const {
  std::vector<const std::vector<Setting>*> steps(axes_.size());
  for (std::size_t a = axes_.size(); a-- > 0;) {
    steps[a] = &axes_[a].steps[point % axes_[a].steps.size()];
    point /= axes_[a].steps.size();
  }
  std::vector<Setting> all;
  for (const auto* step : steps) all.insert(all.end(), step->begin(), step->end());
  return all;
}

Row Grid::lead(std::size_t point) const {
  Row row;
  for (const Setting& s : at(point)) row.set(s.pointer, cell_of(*s.value));
  return row;
}

Json Grid::to_json() const {
  Json list = Json::array();
  for (const Axis& a : axes_) {
    Json axis = Json::object();
    for (std::size_t k = 0; k < a.pointers.size(); ++k) {
      Json values = Json::array();
      for (const auto& step : a.steps) values.push_back(*step[k].value);
      axis[a.pointers[k]] = std::move(values);
    }
    list.push_back(std::move(axis));
  }
  return list;
}

}  // namespace weft::scenarios

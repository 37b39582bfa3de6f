#include "models/calibration/readers/kineto_events.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/error.h"

namespace weft::models {
namespace {

using Plain = nlohmann::json;

/// Walks the text; knows at each value the keys above it.
class Walker : public nlohmann::json_sax<Plain> {
 public:
  Walker(const MeasurementText& file, const std::function<void(const TraceEvent&)>& on_event) : file_(file), on_event_(on_event) {}

  TraceHeader header;
  bool found_events = false;

  bool null() override { return item(); }
  bool boolean(bool) override { return item(); }
  bool number_integer(number_integer_t v) override { return number(static_cast<double>(v), v); }
  bool number_unsigned(number_unsigned_t v) override { return number(static_cast<double>(v), static_cast<std::int64_t>(v)); }
  bool number_float(number_float_t v, const string_t&) override { return number(v, static_cast<std::int64_t>(std::clamp(v, -9e18, 9e18))); }
  bool binary(binary_t&) override { return item(); }

  bool string(string_t& v) override {
    if (in_event() && depth() == event_depth_ + 1) {
      if (key() == "ph") event_.phase = v;
      if (key() == "cat") event_.category = v;
      if (key() == "name") event_.name = v;
    } else if (in_devices() && key() == "name") {
      device_.name = v;
    }
    return item();
  }

  bool start_object(std::size_t) override {
    if (levels_.size() > 200) throw UserError({{file_.path, "", "nested deeper than 200 levels", ""}});
    if (at_event()) event_ = TraceEvent{.number = levels_.back().items};
    if (at_device()) {
      device_ = {};
      device_number_ = 0;
    }
    levels_.push_back({});
    return true;
  }
  bool end_object() override {
    levels_.pop_back();
    if (at_event()) on_event_(event_);
    if (at_device()) header.devices[device_number_] = device_;
    return item();
  }
  bool start_array(std::size_t) override {
    if (levels_.empty()) event_depth_ = 1;   // a bare list of events
    if (levels_.size() == 1 && !levels_[0].array && key() == "traceEvents") event_depth_ = 2;
    if (event_depth_ == levels_.size() + 1) found_events = true;
    levels_.push_back({.array = true});
    return true;
  }
  bool end_array() override {
    levels_.pop_back();
    return item();
  }
  bool key(string_t& k) override {
    levels_.back().key = k;
    return true;
  }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception& e) override {
    std::string why = e.what();
    if (const auto colon = why.find(": "); colon != std::string::npos) why = why.substr(colon + 2);
    const bool at_end = at >= file_.text.size();
    throw UserError({{file_.path, fmt::format("byte {}", at), at_end ? "the trace ends in the middle of an event" : "this is not JSON: " + why,
                      at_end ? "the file seems to be cut off: was the profiler stopped before the program ended?" : ""}});
  }

 private:
  struct Level {
    bool array = false;
    std::string key;          ///< of the value that comes next
    std::size_t items = 0;    ///< of an array: how many came
  };

  std::size_t depth() const { return levels_.size(); }
  const std::string& key() const { return levels_.back().key; }
  bool under_events() const { return event_depth_ > 0 && depth() >= event_depth_ && levels_[event_depth_ - 1].array && (event_depth_ == 1 || levels_[0].key == "traceEvents"); }
  bool at_event() const { return under_events() && depth() == event_depth_; }
  bool in_event() const { return under_events() && depth() > event_depth_; }
  bool at_device() const { return depth() == 2 && !levels_[0].array && levels_[0].key == "deviceProperties" && levels_[1].array; }
  bool in_devices() const { return depth() == 3 && !levels_[0].array && levels_[0].key == "deviceProperties"; }

  bool item() {
    if (!levels_.empty() && levels_.back().array) ++levels_.back().items;
    return true;
  }

  bool number(double v, std::int64_t whole) {
    if (in_event()) {
      event_number(v, whole);
    } else if (in_devices()) {
      if (key() == "id") device_number_ = whole;
      if (key() == "numSms") device_.sms = v;
    } else if (depth() == 2 && !levels_[0].array && levels_[0].key == "distributedInfo" && key() == "world_size") {
      header.world_size = v;
    }
    return item();
  }

  void event_number(double v, std::int64_t whole) {
    if (depth() == event_depth_ + 1) {
      if (key() == "ts") event_.ts = v;
      if (key() == "dur") event_.dur = v;
      return;
    }
    if (levels_[event_depth_].key != "args") return;
    if (depth() == event_depth_ + 2) {
      const std::string& k = key();
      if (k == "correlation") event_.correlation = whole;
      if (k == "stream") event_.stream = whole;
      if (k == "device") event_.device = whole;
      if (k == "shared memory") event_.shared_memory = v;
      if (k == "bytes") event_.bytes = v;
    } else if (depth() == event_depth_ + 3 && levels_.back().array && levels_.back().items < 3) {
      const std::string& k = levels_[event_depth_ + 1].key;
      if (k == "grid") event_.grid[levels_.back().items] = v;
      if (k == "block") event_.block[levels_.back().items] = v;
    }
  }

  const MeasurementText& file_;
  const std::function<void(const TraceEvent&)>& on_event_;
  std::vector<Level> levels_;
  std::size_t event_depth_ = 0;   ///< levels around an event; 0: the list has not come yet
  TraceEvent event_;
  TraceHeader::Device device_;
  std::int64_t device_number_ = 0;
};

}  // namespace

TraceHeader read_trace_events(const MeasurementText& file, const std::function<void(const TraceEvent&)>& on_event) {
  Walker walker(file, on_event);
  Plain::sax_parse(file.text.begin(), file.text.end(), &walker);
  if (!walker.found_events) throw UserError({{file.path, "", "there is no list \"traceEvents\"", "expected a Chrome trace as torch.profiler exports it"}});
  return std::move(walker.header);
}

}  // namespace weft::models

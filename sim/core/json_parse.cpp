#include <cmath>
#include <iterator>
#include <set>
#include <unordered_set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/files.h"
#include "sim/core/json.h"

namespace weft::core {
namespace {

constexpr std::size_t kFileLimit = 16u << 20;
constexpr std::size_t kKeyLimit = 20000;
constexpr int kDepthLimit = 200;

/// Watches the parser: keys seen per open object, the path down to here, and how deep it goes.
class Watch {
 public:
  Watch(const std::string& file, Problems& problems) : file_(file), problems_(problems) {}

  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (depth > kDepthLimit) {
      throw UserError({{file_, "", fmt::format("nested deeper than {} levels", kDepthLimit), ""}});
    }
    switch (event) {
      case Event::object_start: open_.push_back({}); break;
      case Event::array_start: open_.push_back({}); open_.back().is_array = true; break;
      case Event::key: on_key(parsed.get_ref<const std::string&>()); break;
      case Event::object_end:
      case Event::array_end: open_.pop_back(); count_item(); break;
      case Event::value: count_item(); break;
    }
    return true;
  }

 private:
  struct Level {
    std::unordered_set<std::string> keys;
    std::string key;
    std::size_t items = 0;
    bool is_array = false;
  };

  void count_item() {
    if (!open_.empty() && open_.back().is_array) ++open_.back().items;
  }

  void on_key(const std::string& key) {
    Level& level = open_.back();
    level.key = key;
    if (!level.keys.insert(key).second) {
      problems_.add({file_, place(), "this key stands here twice", "keep one of the two"});
    }
    if (level.keys.size() > kKeyLimit) {
      throw UserError({{file_, "", fmt::format("an object of more than {} keys", kKeyLimit), ""}});
    }
  }

  std::string place() const {
    std::string p;
    for (const Level& level : open_) p += "/" + (level.is_array ? std::to_string(level.items) : level.key);
    return p;
  }

  const std::string& file_;
  Problems& problems_;
  std::vector<Level> open_;
};

/// Line and column (from 1) of a byte offset.
std::string line_and_column(std::string_view text, std::size_t offset) {
  std::size_t line = 1, column = 1;
  for (std::size_t i = 0; i < text.size() && i + 1 < offset; ++i) {
    if (text[i] == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
  }
  return fmt::format("line {}, column {}", line, column);
}

}  // namespace

Json parse_json(std::string_view text, const std::string& file) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    throw UserError({{file, "", "the file is empty", "expected a JSON object"}});
  }
  Problems problems;
  Watch watch(file, problems);
  try {
    Json value = Json::parse(text.begin(), text.end(), std::ref(watch), true, true);
    problems.throw_if_any();
    return value;
  } catch (const Json::parse_error& e) {
    // The parser's own words start with "[json.exception.parse_error.101] parse error at line 1, column 2: ".
    std::string why = e.what();
    if (const auto at = why.find(": "); at != std::string::npos) why = why.substr(at + 2);
    const bool at_end = e.byte >= text.size();
    throw UserError({{file, line_and_column(text, e.byte), "this is not JSON: " + why,
                      at_end ? "the file seems to be cut off" : ""}});
  } catch (const Json::out_of_range& e) {
    std::string why = e.what();
    if (const auto at = why.find("] "); at != std::string::npos) why = why.substr(at + 2);
    throw UserError({{file, "", why, "numbers must be finite"}});
  }
}

Json read_json_file(const std::string& path) {
  const std::string name = path == "-" ? "standard input" : path;
  return parse_json(read_file(path, kFileLimit), name);
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace weft::core

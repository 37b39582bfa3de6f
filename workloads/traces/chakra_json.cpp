// The JSON form of a Chakra trace: objects one after the other, as Chakra's jsonizer prints them, or a list of them.
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/core/error.h"
#include "sim/core/json.h"
#include "workloads/traces/chakra_nodes.h"

namespace weft::workloads {
namespace {

constexpr std::array<ChakraType, 11> types = {ChakraType::invalid, ChakraType::metadata,  ChakraType::mem_load,  ChakraType::mem_store,
                                              ChakraType::comp,    ChakraType::comm_send, ChakraType::comm_recv, ChakraType::comm_coll,
                                              ChakraType::storage, ChakraType::batch,     ChakraType::checkpoint};

/// Steps through the values at the top of a text: from each bracket to the one that closes it.
class Values {
 public:
  Values(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  bool next(std::string_view& value) {
    at_ = text_.find_first_not_of(" \t\r\n,", at_);
    if (at_ == std::string_view::npos) return false;
    const std::size_t begin = at_;
    if (text_[at_] != '{' && text_[at_] != '[') fail("expected an object in braces");
    std::size_t depth = 0;
    bool quoted = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quoted) {
        if (c == '\\') ++at_;
        quoted = c != '"';
      } else if (c == '"') {
        quoted = true;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if ((c == '}' || c == ']') && --depth == 0) {
        value = text_.substr(begin, ++at_ - begin);
        return true;
      }
    }
    at_ = begin;
    fail("an object is opened and never closed");
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw UserError({{path_, fmt::format("byte {}", at_), message, "is the file whole?"}});
  }

  std::string_view text_;
  const std::string& path_;
  std::size_t at_ = 0;
};

class NodeReader {
 public:
  NodeReader(const Json& object, const std::string& path, std::size_t number) : object_(object), path_(path), number_(number) {}

  ChakraNode read() const {
    ChakraNode n;
    n.id = whole("id", "id");
    n.name = text("name", "name");
    n.type = type();
    for (const auto& [camel, snake] : {std::pair("ctrlDeps", "ctrl_deps"), std::pair("dataDeps", "data_deps")}) {
      const Json* list = find(camel, snake);
      if (list == nullptr) continue;
      if (!list->is_array()) fail(snake, "a list of ids");
      for (const Json& d : *list) n.deps.push_back(to_whole(d, snake));
    }
    n.duration_us = whole("durationMicros", "duration_micros");
    if (const Json* inputs = find("inputs", "inputs");
        inputs != nullptr && inputs->is_object() && inputs->contains("values") && (*inputs)["values"].is_string()) {
      n.input_values = (*inputs)["values"].get<std::string>();
    }
    const Json* attributes = find("attr", "attr");
    if (attributes != nullptr && !attributes->is_array()) fail("attr", "a list");
    if (attributes != nullptr) {
      for (const Json& a : *attributes) n.attributes.push_back(attribute(a));
    }
    return n;
  }

 private:
  [[noreturn]] void fail(const std::string& key, const std::string& expected) const {
    throw UserError({{path_, fmt::format("object {}, \"{}\"", number_, key), "expected " + expected, ""}});
  }

  const Json* find(const char* camel, const char* snake) const {
    if (object_.contains(camel)) return &object_[camel];
    return object_.contains(snake) ? &object_[snake] : nullptr;
  }

  /// protobuf's JSON writes 64-bit numbers as texts.
  std::uint64_t to_whole(const Json& v, const char* key) const {
    if (v.is_number_unsigned()) return v.get<std::uint64_t>();
    if (v.is_string()) {
      const auto& s = v.get_ref<const std::string&>();
      std::uint64_t n = 0;
      const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
      if (error == std::errc() && end == s.data() + s.size() && !s.empty()) return n;
    }
    fail(key, "a whole number that is not negative");
  }

  std::uint64_t whole(const char* camel, const char* snake) const {
    const Json* v = find(camel, snake);
    return v == nullptr ? 0 : to_whole(*v, snake);
  }

  std::string text(const char* camel, const char* snake) const {
    const Json* v = find(camel, snake);
    if (v != nullptr && !v->is_string()) fail(snake, "a text");
    return v == nullptr ? "" : v->get<std::string>();
  }

  std::uint32_t type() const {
    const Json* v = find("type", "type");
    if (v == nullptr) return 0;
    std::vector<std::string> known;
    for (const ChakraType t : types) {
      if (v->is_string() && v->get_ref<const std::string&>() == name_of(t)) return static_cast<std::uint32_t>(t);
      known.push_back(name_of(t));
    }
    if (v->is_string())
      throw UserError(
          {{path_, fmt::format("object {}, \"type\"", number_), fmt::format("unknown type \"{}\"", v->get<std::string>().substr(0, 60)),
            unknown_name_hint(v->get<std::string>(), known)}});
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(to_whole(*v, "type"), std::numeric_limits<std::uint32_t>::max()));
  }

  ChakraAttribute attribute(const Json& a) const {
    if (!a.is_object() || !a.contains("name") || !a["name"].is_string()) fail("attr", "objects with a name and a value");
    ChakraAttribute out;
    out.name = a["name"].get<std::string>();
    for (const auto& [key, v] : a.items()) {
      if (key == "name" || key == "docString" || key == "doc_string") continue;
      if (v.is_boolean())
        out.value = v.get<bool>();
      else if (v.is_number_integer())
        out.value = v.get<std::int64_t>();
      else if (v.is_number())
        out.value = v.get<double>();
      else if (v.is_string())
        out.value = text_value(key, v.get<std::string>());
      else if (key.starts_with("boolList") || key.starts_with("bool_list"))
        out.value = truths(v);
    }
    return out;
  }

  /// A 64-bit number in quotes is a number; what is called a string or bytes is text.
  decltype(ChakraAttribute::value) text_value(const std::string& key, std::string s) const {
    if (key.starts_with("string") || key.starts_with("bytes")) return s;
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
    if (error != std::errc() || end != s.data() + s.size()) fail(key, "a whole number of 64 bits");
    return n;
  }

  std::vector<bool> truths(const Json& v) const {
    std::vector<bool> list;
    if (!v.is_object() || !v.contains("values") || !v["values"].is_array()) fail("boolList", "values");
    for (const Json& b : v["values"]) {
      if (!b.is_boolean()) fail("boolList", "truth values");
      list.push_back(b.get<bool>());
    }
    return list;
  }

  const Json& object_;
  const std::string& path_;
  std::size_t number_;
};

/// What stands first is metadata: it has no type and no name.
bool is_metadata(const Json& object) { return !object.contains("type") && !object.contains("name") && !object.contains("id"); }

}  // namespace

std::vector<ChakraNode> read_chakra_json(std::string_view text, const std::string& path) {
  std::vector<ChakraNode> nodes;
  std::size_t number = 0;
  const auto add = [&](const Json& object) {
    ++number;
    if (!object.is_object()) throw UserError({{path, fmt::format("object {}", number), "expected a node as an object", ""}});
    if (number == 1 && is_metadata(object)) return;
    nodes.push_back(NodeReader(object, path, number).read());
  };
  Values values(text, path);
  for (std::string_view value; values.next(value);) {
    const Json parsed = parse_json(value, path);
    if (!parsed.is_array())
      add(parsed);
    else
      for (const Json& object : parsed) add(object);
  }
  return nodes;
}

}  // namespace weft::workloads

#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "scenarios/scenario.h"

namespace weft::scenarios {
namespace {

/// Splits "/a/b~1c" into unescaped tokens (RFC 6901); empty when it does not start with '/'.
std::vector<std::string> tokens_of(const std::string& pointer) {
  std::vector<std::string> tokens;
  if (pointer.empty() || pointer[0] != '/') return tokens;
  std::size_t at = 1;
  while (at <= pointer.size()) {
    const std::size_t end = std::min(pointer.find('/', at), pointer.size());
    std::string token;
    for (std::size_t i = at; i < end; ++i) {
      if (pointer[i] == '~' && i + 1 < end && (pointer[i + 1] == '0' || pointer[i + 1] == '1')) {
        token += pointer[++i] == '0' ? '~' : '/';
      } else {
        token += pointer[i];
      }
    }
    tokens.push_back(token);
    at = end + 1;
  }
  return tokens;
}

/// The element of a list that a token means: by number, or by its "id". Null when there is none.
Json* list_element(Json& list, const std::string& token) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  if (error == std::errc() && end == token.data() + token.size()) return index < list.size() ? &list[index] : nullptr;
  for (Json& element : list) {
    if (!element.is_object()) continue;
    const char* key = element.contains("id") ? "id" : "kind";   // without an id, its kind is its id
    if (element.contains(key) && element[key] == token) return &element;
  }
  return nullptr;
}

std::vector<std::string> names_in(const Json& parent) {
  std::vector<std::string> names;
  if (parent.is_object()) {
    for (const auto& [key, value] : parent.items()) names.push_back(key);
  } else if (parent.is_array()) {
    std::size_t i = 0;
    for (const Json& element : parent) {
      const char* key = element.is_object() && element.contains("id") ? "id" : "kind";
      names.push_back(element.is_object() && element.contains(key) && element[key].is_string()
                          ? element[key].get<std::string>() : std::to_string(i));
      ++i;
    }
  }
  return names;
}

}  // namespace

std::string to_text(const Setting& s) { return s.pointer + " = " + dump_json(*s.value); }

Setting parse_setting(const std::string& text, const std::string& option) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || text.empty() || text[0] != '/') {
    throw UserError(option, fmt::format("expected /pointer=value, got \"{}\"", text),
                    "for example " + option + " /cluster/topology/kind=mrft");
  }
  const std::string value = text.substr(equals + 1);
  // What parses is JSON and held to the same rules as a file; what does not is a word.
  const bool is_json = Json::accept(value);
  return {text.substr(0, equals), std::make_shared<const Json>(is_json ? parse_json(value, option) : Json(value))};
}

void apply_setting(Json& document, const Setting& s, const std::string& file, const std::string& place) {
  const std::vector<std::string> tokens = tokens_of(s.pointer);
  if (tokens.empty() || tokens.back().empty()) {
    throw UserError({{file, place, fmt::format("expected a JSON pointer like /cluster/nodes, got \"{}\"", s.pointer), ""}});
  }
  Json* at = &document;
  std::string path;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string& token = tokens[i];
    const bool last = i + 1 == tokens.size();
    Json* next = nullptr;
    if (at->is_object()) {
      if (last) next = &(*at)[token];
      else if (at->contains(token)) next = &(*at)[token];
      // "/cluster/routing/policy" where no routing is given yet; a misspelt top-level key leads nowhere.
      else if (i > 0) next = &((*at)[token] = Json::object());
    } else if (at->is_array()) {
      next = list_element(*at, token);
    } else if (at->is_string() && i > 0) {
      // "node": "h800" and then /cluster/node/nic_rate: the named thing with one change.
      const std::string name = at->get<std::string>();
      *at = Json{{"extends", name}};
      next = &(*at)[token];
    }
    if (next == nullptr) {
      throw UserError({{file, place, fmt::format("{} leads nowhere: there is no \"{}\" at {}", s.pointer, token, path.empty() ? "/" : path),
                        unknown_name_hint(token, names_in(*at))}});
    }
    at = next;
    path += "/" + token;
  }
  *at = *s.value;
}

}  // namespace weft::scenarios

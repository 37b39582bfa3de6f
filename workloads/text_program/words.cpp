#include "workloads/text_program/words.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace weft::workloads {
namespace {

constexpr std::array<std::string_view, 18> keywords = {"after", "cap",     "compute", "from",    "kernel", "key",
                                                       "label", "latency", "marker",  "no-wire", "of",     "rank",
                                                       "share", "sms",     "stream",  "to",      "via",    "weight"};

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool ends_word(char c) { return is_blank(c) || c == '"' || c == ':' || c == '#'; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// Reads a quoted word from behind its first quote; `at` ends behind the last one.
std::string read_quoted(std::string_view line, std::size_t& at, std::string& text) {
  for (; at < line.size(); ++at) {
    const char c = line[at];
    if (c == '"') {
      ++at;
      return {};
    }
    if (c != '\\') {
      text += c;
      continue;
    }
    if (++at == line.size()) break;
    if (line[at] == '"' || line[at] == '\\') {
      text += line[at];
    } else if (line[at] == 'x' && at + 2 < line.size() && hex_digit(line[at + 1]) >= 0 && hex_digit(line[at + 2]) >= 0) {
      text += static_cast<char>(16 * hex_digit(line[at + 1]) + hex_digit(line[at + 2]));
      at += 2;
    } else {
      return "a backslash in quotes stands before a quote, a backslash or xHH, two digits of 0-9 and a-f";
    }
  }
  return "a quote is opened and never closed";
}

}  // namespace

bool is_keyword(std::string_view word) { return std::find(keywords.begin(), keywords.end(), word) != keywords.end(); }

std::string split_words(std::string_view line, std::vector<Word>& words) {
  words.clear();
  for (std::size_t at = 0; at < line.size();) {
    if (is_blank(line[at])) {
      ++at;
      continue;
    }
    if (line[at] == '#') break;
    if (line[at] == ':') return "a colon stands behind the name of an operation, without a blank, and nowhere else";
    if (static_cast<unsigned char>(line[at]) < 0x20)
      return fmt::format("a control character (0x{:02x})", static_cast<unsigned char>(line[at]));
    Word word;
    if (line[at] == '"') {
      word.quoted = true;
      std::string problem = read_quoted(line, ++at, word.text);
      if (!problem.empty()) return problem;
    } else {
      const std::size_t begin = at;
      while (at < line.size() && !ends_word(line[at]) && static_cast<unsigned char>(line[at]) >= 0x20) ++at;
      word.text = line.substr(begin, at - begin);
    }
    if (at < line.size() && line[at] == ':') {
      word.colon = true;
      ++at;
    }
    words.push_back(std::move(word));
  }
  return {};
}

std::string written_word(std::string_view word) {
  const bool bare = !word.empty() && !is_keyword(word) &&
                    std::none_of(word.begin(), word.end(), [](char c) { return ends_word(c) || static_cast<unsigned char>(c) < 0x20; });
  if (bare) return std::string(word);
  std::string text = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') {
      text += '\\';
      text += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      text += c;
    }
  }
  return text + '"';
}

}  // namespace weft::workloads

#include "reports/page/html.h"

#include <cstdint>

#include "sim/core/error.h"

namespace weft::reports {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Bytes of the UTF-8 sequence at `i`; 0 when there is none (RFC 3629: no overlong forms, surrogates or values above 10FFFF).
std::size_t sequence(std::string_view s, std::size_t i) {
  const auto byte = [&](std::size_t k) { return static_cast<std::uint8_t>(s[k]); };
  const std::uint8_t first = byte(i);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xC2 && first <= 0xDF ? 2 : first >= 0xE0 && first <= 0xEF ? 3 : first >= 0xF0 && first <= 0xF4 ? 4 : 0;
  if (length == 0 || i + length > s.size()) return 0;
  for (std::size_t k = 1; k < length; ++k) {
    if (byte(i + k) < 0x80 || byte(i + k) > 0xBF) return 0;
  }
  const std::uint8_t second = byte(i + 1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool beyond = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
  return overlong || beyond ? 0 : length;
}

bool control(char c) { return static_cast<std::uint8_t>(c) < 0x20 ? c != '\n' && c != '\t' : c == 0x7F; }

}  // namespace

std::string clean_text(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence(text, i);
    if (length == 0 || (length == 1 && control(text[i]))) {
      out += kReplacement;
      ++i;
      continue;
    }
    out += text.substr(i, length);
    i += length;
  }
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : clean_text(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

Html& Html::open(std::string_view tag, Attributes attributes) {
  text_ += '<';
  text_ += tag;
  for (const auto& [name, value] : attributes) {
    if (value.empty()) continue;
    text_ += ' ';
    text_ += name;
    if (name == value) continue;   // <details open>
    text_ += "=\"";
    text_ += escaped(value);
    text_ += '"';
  }
  text_ += '>';
  stack_.emplace_back(tag);
  return *this;
}

Html& Html::close() {
  WEFT_CHECK(!stack_.empty(), "an HTML element is closed that was never opened");
  text_ += "</" + stack_.back() + ">";
  stack_.pop_back();
  return *this;
}

Html& Html::text(std::string_view text) {
  text_ += escaped(text);
  return *this;
}

Html& Html::element(std::string_view tag, std::string_view content, Attributes attributes) { return open(tag, attributes).text(content).close(); }

Html& Html::line() {
  text_ += '\n';
  return *this;
}

const std::string& Html::done() const {
  WEFT_CHECK(stack_.empty(), "an HTML element is not closed");
  return text_;
}

}  // namespace weft::reports

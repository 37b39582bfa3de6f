// Html: writes elements that are closed in order and texts that stay texts.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::reports {

/// A text as it stands in HTML, in an element or an attribute: & < > " ' as entities; bytes that are no UTF-8 and control characters as U+FFFD.
std::string escaped(std::string_view text);

/// The same bytes where they are UTF-8 without control characters (line breaks and tabs stay); U+FFFD for what is not.
std::string clean_text(std::string_view text);

class Html {
 public:
  using Attributes = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// Attributes with an empty value are left out but for those of the kind `open`, which stand alone: {"open", "open"}.
  Html& open(std::string_view tag, Attributes attributes = {});
  Html& close();
  Html& text(std::string_view text);
  /// open, text, close.
  Html& element(std::string_view tag, std::string_view text, Attributes attributes = {});
  Html& line();                      ///< a line break in the source, for people who read it

  /// What was written. Precondition: all that was opened is closed.
  const std::string& done() const;

 private:
  std::string text_;
  std::vector<std::string> stack_;
};

}  // namespace weft::reports

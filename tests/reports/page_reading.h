// Reads a page's HTML as a strict reader would: elements closed in order, ids once, links that lead somewhere, headings that skip no level.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reports/page/page.h"

namespace weft::reports {

/// A frame without styles and scripts, so that tests need no chart library.
inline constexpr std::string_view kFrame = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>@title@</title></head><body>\n@body@\n<script type=\"application/json\" id=\"weft-data\">@data@</script></body></html>\n";

struct ReadPage {
  std::vector<std::string> errors;                  ///< what is wrong with it
  std::vector<std::string> tags;                    ///< of all elements, in order
  std::string text;                                 ///< of all elements but scripts, entities resolved, pieces parted by line breaks
  std::string data;                                 ///< what stands in the script
};
ReadPage read_page(const std::string& html);

/// The page of one part in the frame.
std::string page_of_part(PagePart part);

}  // namespace weft::reports

// The page's template: HTML, styles and scripts of reports/web/ as one text, compiled in.
#pragma once

#include <string>
#include <string_view>

#include "reports/page/page.h"

namespace weft::reports {

/// With @title@, @body@ and @data@ where those go. Empty when weft was built without the chart library.
std::string_view page_template();
/// Why it is empty: "npm is not on this machine".
std::string_view page_template_missing();

/// The page in another frame: `text` has @title@, @body@ and @data@ once each, in this order. Throws as html_page() does.
std::string filled_page(std::string_view text, const WebPage& page);

}  // namespace weft::reports

// The page's template: HTML, styles and scripts of reports/web/ as one text, compiled in.
#pragma once

#include <string_view>

namespace weft::reports {

/// With @title@, @body@ and @data@ where those go. Empty when weft was built without the chart library.
std::string_view page_template();
/// Why it is empty: "npm is not on this machine".
std::string_view page_template_missing();

}  // namespace weft::reports

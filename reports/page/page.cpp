// html_page(): the frame around the sections.
#include "reports/page/page.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "reports/cells.h"
#include "reports/page/page_template.h"
#include "reports/page/sections.h"
#include "sim/core/error.h"

namespace weft::reports {
namespace {

std::string title_of(const WebPage& page) {
  if (page.parts.size() == 1) return page.parts.front().report.title;
  if (page.parts.size() > 1) return fmt::format("{} results", page.parts.size());
  if (page.tornados.empty() && !page.sweeps.front().headline.empty()) return page.sweeps.front().headline;
  return page.tornados.empty() ? "A sweep" : "What the answer hangs on";
}

/// Links of the contents: id and text.
using Contents = std::vector<std::pair<std::string, std::string>>;

Contents part_contents(const PagePart& part) {
  Contents out;
  if (!part.stories.empty()) out.emplace_back("why", "Why");
  out.emplace_back("doubts", "Doubts");
  if (!part.report.expectations.empty()) out.emplace_back("expected", "Expected values");
  out.emplace_back("results", "Results");
  if (!part.stories.empty()) out.emplace_back("pictures", "Pictures");
  if (!part.curves.empty()) out.emplace_back("curves", "Curves");
  if (has_rooflines(part)) out.emplace_back("roofline", "Roofline");
  if (has_costs(part)) out.emplace_back("costs", "Costs");
  out.insert(out.end(), {{"constants", "Constants"}, {"repeat", "Repeat it"}});
  return out;
}

std::string prefix_of(const WebPage& page, std::size_t part) { return page.parts.size() > 1 ? fmt::format("p{}-", part + 1) : std::string(); }

Contents contents_of(const WebPage& page) {
  Contents out;
  if (page.parts.size() == 1) out = part_contents(page.parts.front());
  for (std::size_t i = 0; page.parts.size() > 1 && i < page.parts.size(); ++i) out.emplace_back(prefix_of(page, i) + "part", page.parts[i].report.title);
  for (std::size_t i = 0; i < page.tornados.size(); ++i) out.emplace_back(fmt::format("sensitivity-{}", i + 1), "Sensitivity");
  for (std::size_t i = 0; i < page.sweeps.size(); ++i) out.emplace_back(fmt::format("sweep-{}", i + 1), "Sweep");
  return out;
}

void write_top(const WebPage& page, Html& html) {
  html.element("a", "Skip to the answer", {{"class", "skip"}, {"href", "#main"}}).line();
  html.open("header", {{"class", "top"}}).element("h1", title_of(page)).line();
  if (page.parts.size() == 1) {
    const Report& report = page.parts.front().report;
    if (!report.question.empty()) html.element("p", report.question, {{"class", "question"}}).line();
    if (!report.source.empty()) html.element("p", "Source: " + report.source, {{"class", "muted"}}).line();
  }
  html.close().line();
  html.open("nav", {{"class", "contents"}, {"aria-label", "Contents"}}).open("ul");
  for (const auto& [id, text] : contents_of(page)) html.open("li").element("a", text, {{"href", "#" + id}}).close();
  html.close().close().line();
}

void write_part(const WebPage& page, std::size_t i, Html& html, Json& data) {
  const PagePart& part = page.parts[i];
  const bool alone = page.parts.size() == 1;
  const Writing w{html, data, fmt::format("/parts/{}", i), prefix_of(page, i), alone ? 2 : 3};
  data = {{"title", clean_text(part.report.title)}};
  if (!alone) {
    html.open("section", {{"aria-labelledby", w.id("part")}}).element("h2", part.report.title, {{"id", w.id("part")}});
    if (!part.report.question.empty()) html.element("p", part.report.question, {{"class", "question"}});
  }
  write_cards(part, page, w);
  write_why(part, w);
  write_doubts(part, w);
  write_expected(part, w);
  write_results(part, w);
  write_pictures(part, w);
  write_curves(part, w);
  write_rooflines(part, w);
  write_costs(part, w);
  write_constants(part, w);
  write_repeat(part, w);
  if (!alone) html.close().line();
}

void write_main(const WebPage& page, Html& html, Json& data) {
  data = {{"parts", Json::array()}, {"tornados", Json::array()}, {"sweeps", Json::array()}};
  html.open("main", {{"id", "main"}, {"tabindex", "-1"}}).line();
  for (std::size_t i = 0; i < page.parts.size(); ++i) {
    data["parts"].push_back(Json::object());
    write_part(page, i, html, data["parts"].back());
  }
  const auto write_all = [&](const std::vector<Listing>& all, const char* key, const auto& write) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      data[key].push_back(Json::object());
      write(all[i], i, Writing{html, data[key].back(), fmt::format("/{}/{}", key, i), "", 2});
    }
  };
  write_all(page.tornados, "tornados", [](const Listing& l, std::size_t i, const Writing& w) { write_tornado(l, i, w); });
  write_all(page.sweeps, "sweeps", [&](const Listing& l, std::size_t i, const Writing& w) { write_sweep(l, i, page, w); });
  html.close().line();
}

/// JSON that may stand in a <script>: nothing in it looks like markup.
std::string script_json(const Json& data) {
  std::string out;
  for (const char c : dump_json(data)) {
    if (c == '<') out += "\\u003c";
    else if (c == '>') out += "\\u003e";
    else if (c == '&') out += "\\u0026";
    else out += c;
  }
  return out;
}

/// The template with its three places filled. What is filled in is not looked at again.
std::string filled(std::string_view text, const std::array<std::pair<std::string_view, std::string>, 3>& places) {
  std::string out;
  for (const auto& [mark, value] : places) {
    const std::size_t at = text.find(mark);
    WEFT_CHECK(at != std::string_view::npos, fmt::format("the page's template has no {}", mark));
    out += text.substr(0, at);
    out += value;
    text.remove_prefix(at + mark.size());
  }
  return out += text;
}

}  // namespace

bool can_draw_pages() { return !page_template().empty(); }

std::string html_page(const WebPage& page) {
  if (!can_draw_pages()) {
    throw NotPossibleHere(fmt::format("the page's chart library is not part of this build: {}. With npm and its registry at hand, build again: ./weft and ./check fetch it then; "
                                      "elsewhere delete reports/web/page_template.cpp in the build folder first", page_template_missing()));
  }
  return filled_page(page_template(), page);
}

std::string filled_page(std::string_view text, const WebPage& page) {
  if (page.parts.empty() && page.tornados.empty() && page.sweeps.empty()) throw UserError("", "there is nothing to make a page of", "name a result or a scenario");
  constexpr std::array<std::string_view, 2> own = {"variant", "workload"};
  for (const PagePart& part : page.parts) {
    for (const Table& table : part.report.tables) check_table(table, own);
  }
  Html html;
  Json data;
  write_top(page, html);
  write_main(page, html, data);
  const std::string version = page.parts.empty() ? std::string() : " " + page.parts.front().report.system.version;
  html.open("footer").element("p", "Made by weft" + version + ". This page needs no network: everything that it shows is in this file.");
  if (page.parts.size() != 1 && !page.command.empty()) html.open("p").text("Made by ").element("code", page.command).close();
  html.close();
  return filled(text, {{{"@title@", escaped(title_of(page))}, {"@body@", html.done()}, {"@data@", script_json(data)}}});
}

}  // namespace weft::reports

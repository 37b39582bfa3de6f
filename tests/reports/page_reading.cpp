#include "tests/reports/page_reading.h"

#include <algorithm>
#include <map>
#include <set>

#include "reports/page/page_template.h"

namespace weft::reports {
namespace {

std::string unescaped(std::string text) {
  for (const auto& [entity, character] : {std::pair{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}}) {
    for (std::size_t at = text.find(entity); at != std::string::npos; at = text.find(entity, at + 1)) text.replace(at, std::string(entity).size(), character);
  }
  return text;
}

/// Name and attributes of what stands between < and >.
std::string read_tag(const std::string& inside, std::map<std::string, std::string>& attributes, std::vector<std::string>& errors) {
  std::size_t i = inside.find_first_of(" \n");
  const std::string name = inside.substr(0, i);
  while (i != std::string::npos && (i = inside.find_first_not_of(" \n", i)) != std::string::npos) {
    const std::size_t equals = inside.find_first_of("= ", i);
    const std::string key = inside.substr(i, equals - i);
    if (equals == std::string::npos || inside[equals] == ' ') {
      attributes[key] = "";
      i = equals;
      continue;
    }
    const std::size_t end = inside.find('"', equals + 2);
    if (inside[equals + 1] != '"' || end == std::string::npos) {
      errors.push_back("attribute without quotes: " + inside);
      return name;
    }
    if (!attributes.emplace(key, unescaped(inside.substr(equals + 2, end - equals - 2))).second) errors.push_back("attribute twice: " + inside);
    i = end + 1;
  }
  return name;
}

struct Reader {
  ReadPage out;
  std::vector<std::string> open;
  std::set<std::string> ids;
  std::vector<std::string> links;
  int heading = 0;

  void start(const std::string& inside) {
    std::map<std::string, std::string> attributes;
    const std::string name = read_tag(inside, attributes, out.errors);
    open.push_back(name);
    out.tags.push_back(name);
    for (const char* key : {"id"}) {
      if (attributes.contains(key) && !ids.insert(attributes[key]).second) out.errors.push_back("id twice: " + attributes[key]);
    }
    for (const char* key : {"href", "aria-labelledby"}) {
      if (attributes.contains(key)) links.push_back(attributes[key].substr(std::string(key) == "href" ? 1 : 0));
    }
    if (attributes.contains("role") && attributes["role"] == "img" && attributes["aria-label"].empty()) out.errors.push_back("a picture that says nothing");
    if (name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6') {
      const int level = name[1] - '0';
      if (level > heading + 1) out.errors.push_back("heading " + name + " after h" + std::to_string(heading));
      heading = level;
    }
  }
  void end(const std::string& name) {
    if (open.empty() || open.back() != name) out.errors.push_back("</" + name + "> closes " + (open.empty() ? "nothing" : open.back()));
    if (!open.empty()) open.pop_back();
  }
};

}  // namespace

ReadPage read_page(const std::string& html) {
  Reader r;
  std::size_t i = html.find('\n');   // after the doctype
  while (i < html.size()) {
    const bool script = !r.open.empty() && r.open.back() == "script";
    const std::size_t next = std::min(html.size(), script ? html.find("</script", i) : html.find('<', i));
    const std::string piece = html.substr(i, next - i);
    if (script) r.out.data += piece;
    else if (piece.find('>') != std::string::npos) r.out.errors.push_back("a bare > in: " + piece);
    else if (piece.find_first_not_of(" \n") != std::string::npos) r.out.text += unescaped(piece) + "\n";
    if (next == html.size()) break;
    const std::size_t close = html.find('>', next);
    const std::string inside = html.substr(next + 1, close - next - 1);
    if (inside.starts_with('/')) r.end(inside.substr(1));
    else r.start(inside);
    if (close == std::string::npos) break;
    i = close + 1;
  }
  if (!r.open.empty()) r.out.errors.push_back("never closed: " + r.open.back());
  for (const std::string& link : r.links) {
    if (!r.ids.contains(link)) r.out.errors.push_back("leads nowhere: " + link);
  }
  return std::move(r.out);
}

std::string page_of_part(PagePart part) {
  WebPage page;
  page.parts.push_back(std::move(part));
  return filled_page(kFrame, page);
}

}  // namespace weft::reports

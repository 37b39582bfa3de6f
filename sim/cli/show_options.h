// Numbers and words that `weft show` takes beside a kind and a name, for the kinds that know them.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace weft::cli {

/// As given: {"tokens": 4096}, {"phase": "decode"}; nothing for what was not given.
struct ShowOptions {
  std::map<std::string, double> numbers;
  std::map<std::string, std::string> words;
  bool empty() const { return numbers.empty() && words.empty(); }
};

/// One option of `weft show`, without its dashes.
struct ShowOptionDoc {
  std::string name, text;
};

/// Throws UserError at the first given option that is in neither list: "--ep: weft show hardware takes no such option".
void refuse_other_options(const ShowOptions& given, const std::string& kind, const std::vector<ShowOptionDoc>& numbers,
                          const std::vector<ShowOptionDoc>& words);

}  // namespace weft::cli

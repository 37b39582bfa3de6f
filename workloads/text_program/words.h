// Words of a line of a text program: blanks part them, quotes keep blanks, # begins a comment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft::workloads {

struct Word {
  std::string text;
  bool quoted = false;  ///< then it is never a keyword
  bool colon = false;   ///< a colon follows at once
};

/// Replaces `words` by those of the line. Returns what is wrong with it, or an empty text.
std::string split_words(std::string_view line, std::vector<Word>& words);

/// The word as it is written: quoted when it holds what parts words, or is a keyword.
std::string written_word(std::string_view word);

/// Words that begin a part of an operation's line.
bool is_keyword(std::string_view word);

}  // namespace weft::workloads

// UnfinishedFile: the name of a file that is being written, which is gone when the program ends before it is done; and last words.
#pragma once

#include <filesystem>
#include <string>

namespace weft::core {

/// Removes the file when it goes, unless keep() was called; and so does whoever ends the program by a signal, see below.
class UnfinishedFile {
 public:
  /// The file need not exist yet.
  explicit UnfinishedFile(std::filesystem::path path);
  UnfinishedFile(const UnfinishedFile&) = delete;
  ~UnfinishedFile();
  const std::filesystem::path& path() const { return path_; }
  /// It has been renamed or is done.
  void keep();

 private:
  void unlist();

  std::filesystem::path path_;
  int place_ = -1;   // in the list that a signal handler goes through; -1: not on it
  bool kept_ = false;
};

/// Removes the files of all UnfinishedFile there are (the first 16). May be called by a signal handler.
void remove_unfinished_files() noexcept;

/// What to say on stderr when a signal ends the program: a text that lives as long as the program does, or null.
void set_last_words(const char* text) noexcept;
/// Says them. May be called by a signal handler.
void say_last_words() noexcept;

}  // namespace weft::core

namespace weft { using namespace core; }

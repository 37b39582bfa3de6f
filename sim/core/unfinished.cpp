#include "sim/core/unfinished.h"

#include <atomic>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace weft::core {
namespace {

// A signal handler gets no arguments of ours: this is the one list that has to be known everywhere.
constexpr int places = 16;
std::atomic<const char*> names[places];
std::atomic<const char*> last_words;
static_assert(std::atomic<const char*>::is_always_lock_free);

}  // namespace

UnfinishedFile::UnfinishedFile(std::filesystem::path path) : path_(std::move(path)) {
  for (int i = 0; i < places && place_ < 0; ++i) {
    const char* empty = nullptr;
    if (names[i].compare_exchange_strong(empty, path_.c_str())) place_ = i;
  }
}

UnfinishedFile::~UnfinishedFile() {
  unlist();
  std::error_code ignored;
  if (!kept_) std::filesystem::remove(path_, ignored);
}

void UnfinishedFile::keep() {
  kept_ = true;
  unlist();
}

void UnfinishedFile::unlist() {
  if (place_ >= 0) names[place_].store(nullptr);
  place_ = -1;
}

void remove_unfinished_files() noexcept {
  for (const auto& name : names) {
    if (const char* path = name.load(); path != nullptr) ::unlink(path);
  }
}

void set_last_words(const char* text) noexcept { last_words.store(text); }

void say_last_words() noexcept {
  const char* text = last_words.load();
  if (text == nullptr) return;
  std::size_t length = 0;
  while (text[length] != '\0') ++length;
  if (::write(STDERR_FILENO, text, length) < 0) return;   // nobody listens
}

}  // namespace weft::core

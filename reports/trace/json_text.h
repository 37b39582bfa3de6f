// JsonText: puts JSON together in a buffer, fast: integers and texts, no tree, no allocation for a value.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace weft::reports::trace {

class JsonText {
 public:
  static constexpr std::size_t size = std::size_t{1} << 18;

  /// Room for what will be written next, by calls of `full` with what has been written. Precondition: bytes <= size.
  template <class Full>
  void make_room(std::size_t bytes, Full full) {
    if (size - used_ >= bytes) return;
    full(std::string_view(text_.get(), used_));
    used_ = 0;
  }
  std::string_view text() const { return {text_.get(), used_}; }
  void clear() { used_ = 0; }

  template <std::size_t N>
  JsonText& raw(const char (&literal)[N]) {
    std::memcpy(text_.get() + used_, literal, N - 1);
    used_ += N - 1;
    return *this;
  }
  JsonText& number(std::uint64_t v) {
    used_ = static_cast<std::size_t>(std::to_chars(text_.get() + used_, text_.get() + size, v).ptr - text_.get());
    return *this;
  }
  /// v / 1000 with what decimals there are: 1500 is 1.5.
  JsonText& thousandths(std::int64_t v) {
    if (v < 0) raw("-");
    const auto all = static_cast<std::uint64_t>(v < 0 ? -v : v);
    number(all / 1000);
    const auto rest = static_cast<unsigned>(all % 1000);
    if (rest == 0) return *this;
    char* at = text_.get() + used_;
    at[0] = '.';
    at[1] = static_cast<char>('0' + rest / 100);
    at[2] = static_cast<char>('0' + rest / 10 % 10);
    at[3] = static_cast<char>('0' + rest % 10);
    used_ += rest % 10 != 0 ? 4 : rest % 100 != 0 ? 3 : 2;
    return *this;
  }
  /// Without quotes around it; at most six bytes for each of the text.
  JsonText& escaped(std::string_view v) {
    for (const char c : v) {
      if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\') {
        text_[used_++] = c;
        continue;
      }
      constexpr char hex[] = "0123456789abcdef";
      raw("\\u00");
      text_[used_++] = hex[static_cast<unsigned char>(c) >> 4];
      text_[used_++] = hex[c & 15];
    }
    return *this;
  }

 private:
  std::unique_ptr<char[]> text_ = std::make_unique<char[]>(size);
  std::size_t used_ = 0;
};

}  // namespace weft::reports::trace

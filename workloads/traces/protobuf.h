// The wire format of protobuf: enough of it to read and write messages whose fields are known by number.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::workloads::protobuf {

/// A message that cannot be read; caught by whoever knows the file.
struct Broken {
  std::string what;
  std::size_t at;  ///< byte of the whole text
};

/// One field as it lies there.
struct Field {
  std::uint32_t number = 0;
  enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 } wire = Wire::varint;
  std::uint64_t value = 0;  ///< of a number; fixed32 in its low half
  std::string_view bytes;   ///< of a text or message inside
  std::size_t at = 0;       ///< where `bytes`, or the number, begins in the whole text

  double as_double() const { return std::bit_cast<double>(value); }
  float as_float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(value)); }
  std::int64_t as_zigzag() const { return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1); }
};

/// Steps through the fields of a message. Throws Broken where it is cut off or no message.
class Reader {
 public:
  /// `at`: where the message begins in the whole text, for Broken.
  explicit Reader(std::string_view message, std::size_t at = 0) : text_(message), begin_(at) {}
  bool next(Field& field);
  std::uint64_t varint();
  bool done() const { return at_ == text_.size(); }
  std::size_t at() const { return begin_ + at_; }
  /// The next `length` bytes.
  std::string_view take(std::uint64_t length);

 private:
  std::string_view text_;
  std::size_t begin_, at_ = 0;
};

/// Numbers of a repeated field, packed into one or one by one.
template <class Add>
void each_number(const Field& field, Add add) {
  if (field.wire != Field::Wire::bytes) return add(field.value);
  Reader inside(field.bytes, field.at);
  while (!inside.done()) add(inside.varint());
}

void put_varint(std::string& out, std::uint64_t v);
void put_number(std::string& out, std::uint32_t field, std::uint64_t v);
void put_double(std::string& out, std::uint32_t field, double v);
void put_bytes(std::string& out, std::uint32_t field, std::string_view bytes);

}  // namespace weft::workloads::protobuf

#include "workloads/traces/protobuf.h"

#include <fmt/format.h>

namespace weft::workloads::protobuf {
namespace {

constexpr unsigned kWireBits = 3;

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t v = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) v = v << 8 | static_cast<unsigned char>(bytes[i]);
  return v;
}

}  // namespace

std::uint64_t Reader::varint() {
  std::uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (at_ == text_.size()) throw Broken{"the file ends in the middle of a number", at()};
    const auto byte = static_cast<unsigned char>(text_[at_++]);
    v |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return v;
  }
  throw Broken{"a number of more than ten bytes", at()};
}

std::string_view Reader::take(std::uint64_t length) {
  if (length > text_.size() - at_)
    throw Broken{fmt::format("a part of {} bytes begins {} bytes before the end", length, text_.size() - at_), at()};
  const std::string_view part = text_.substr(at_, length);
  at_ += length;
  return part;
}

bool Reader::next(Field& field) {
  if (done()) return false;
  const std::size_t begin = at();
  const std::uint64_t tag = varint();
  field.number = static_cast<std::uint32_t>(tag >> kWireBits);
  field.bytes = {};
  field.value = 0;
  if (field.number == 0 || tag >> kWireBits > 0x1fffffff) throw Broken{"a field without a valid number", begin};
  field.wire = static_cast<Field::Wire>(tag & 7);
  switch (field.wire) {
    case Field::Wire::varint:
      field.at = at();
      field.value = varint();
      return true;
    case Field::Wire::fixed64:
      field.at = at();
      field.value = little_endian(take(8));
      return true;
    case Field::Wire::fixed32:
      field.at = at();
      field.value = little_endian(take(4));
      return true;
    case Field::Wire::bytes: {
      const std::uint64_t length = varint();
      field.at = at();
      field.bytes = take(length);
      return true;
    }
  }
  throw Broken{fmt::format("a field of the unknown kind {}", tag & 7), begin};
}

void put_varint(std::string& out, std::uint64_t v) {
  while (v >= 0x80) {
    out += static_cast<char>(v | 0x80);
    v >>= 7;
  }
  out += static_cast<char>(v);
}

void put_number(std::string& out, std::uint32_t field, std::uint64_t v) {
  put_varint(out, std::uint64_t{field} << kWireBits);
  put_varint(out, v);
}

void put_double(std::string& out, std::uint32_t field, double v) {
  put_varint(out, std::uint64_t{field} << kWireBits | 1);
  std::uint64_t bits = std::bit_cast<std::uint64_t>(v);
  for (int i = 0; i < 8; ++i, bits >>= 8) out += static_cast<char>(bits & 0xff);
}

void put_bytes(std::string& out, std::uint32_t field, std::string_view bytes) {
  put_varint(out, std::uint64_t{field} << kWireBits | 2);
  put_varint(out, bytes.size());
  out += bytes;
}

}  // namespace weft::workloads::protobuf

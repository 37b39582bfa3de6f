#include "workloads/traces/chakra_nodes.h"

#include <array>

#include <fmt/format.h>

#include "sim/core/error.h"
#include "workloads/traces/protobuf.h"

namespace weft::workloads {
namespace {

using protobuf::Field;
using protobuf::Reader;

constexpr std::array<const char*, 11> types = {"INVALID_NODE", "METADATA_NODE",  "MEM_LOAD_NODE",  "MEM_STORE_NODE",
                                               "COMP_NODE",    "COMM_SEND_NODE", "COMM_RECV_NODE", "COMM_COLL_NODE",
                                               "STORAGE_NODE", "BATCH_NODE",     "CHECKPOINT_NODE"};
constexpr std::array<const char*, 10> collectives = {
    "ALL_REDUCE", "REDUCE",         "ALL_GATHER",           "GATHER", "SCATTER", "BROADCAST",
    "ALL_TO_ALL", "REDUCE_SCATTER", "REDUCE_SCATTER_BLOCK", "BARRIER"};

/// Numbers of the fields, from the schema of MLCommons Chakra.
namespace field {
constexpr std::uint32_t id = 1, name = 2, type = 3, ctrl_deps = 4, data_deps = 5, duration = 7, inputs = 8, attribute = 10;
constexpr std::uint32_t metadata_version = 1;
constexpr std::uint32_t values_of_inputs = 1;
// Of an attribute. Every value has a number, and the list of such values the next one.
constexpr std::uint32_t as_double = 3, as_float = 5, as_int32 = 7, as_int64 = 9, as_sint32 = 15, as_sint64 = 17, as_sfixed32 = 23,
                        as_sfixed64 = 25, as_bool = 27, as_bools = 28, as_string = 29;
constexpr std::array<std::uint32_t, 6> as_plain_numbers = {as_int32, as_int64, 11,
                                                           13,       19,       21};  // int32, int64, uint32, uint64, fixed32, fixed64
}  // namespace field

/// Text and messages lie as bytes: a number in their place is no node.
std::string_view bytes_of(const Field& f) {
  if (f.wire != Field::Wire::bytes)
    throw protobuf::Broken{fmt::format("field {} is a number where a text or message is due", f.number), f.at};
  return f.bytes;
}

std::uint64_t number_of(const Field& f) {
  if (f.wire != Field::Wire::varint) throw protobuf::Broken{fmt::format("field {} is no number", f.number), f.at};
  return f.value;
}

ChakraAttribute read_attribute(const Field& whole) {
  ChakraAttribute a;
  Reader r(bytes_of(whole), whole.at);
  for (Field f; r.next(f);) {
    if (f.number == 1)
      a.name = bytes_of(f);
    else if (f.number == field::as_double && f.wire == Field::Wire::fixed64)
      a.value = f.as_double();
    else if (f.number == field::as_float && f.wire == Field::Wire::fixed32)
      a.value = static_cast<double>(f.as_float());
    else if (f.number == field::as_sint32 || f.number == field::as_sint64)
      a.value = f.as_zigzag();
    else if (f.number == field::as_sfixed32)
      a.value = std::int64_t{static_cast<std::int32_t>(f.value)};
    else if (f.number == field::as_sfixed64)
      a.value = static_cast<std::int64_t>(f.value);
    else if (f.number == field::as_bool)
      a.value = f.value != 0;
    else if (f.number == field::as_string)
      a.value = std::string(bytes_of(f));
    else if (f.number == field::as_bools) {
      std::vector<bool> list;
      Reader inside(bytes_of(f), f.at);
      for (Field v; inside.next(v);) protobuf::each_number(v, [&](std::uint64_t b) { list.push_back(b != 0); });
      a.value = std::move(list);
    }
    for (const std::uint32_t plain : field::as_plain_numbers) {
      if (f.number == plain) a.value = static_cast<std::int64_t>(f.value);
    }
  }
  return a;
}

ChakraNode read_node(std::string_view message, std::size_t at) {
  ChakraNode n;
  Reader r(message, at);
  for (Field f; r.next(f);) {
    switch (f.number) {
      case field::id:
        n.id = number_of(f);
        break;
      case field::name:
        n.name = bytes_of(f);
        break;
      case field::type:
        n.type = static_cast<std::uint32_t>(number_of(f));
        break;
      case field::ctrl_deps:
      case field::data_deps:
        protobuf::each_number(f, [&](std::uint64_t d) { n.deps.push_back(d); });
        break;
      case field::duration:
        n.duration_us = number_of(f);
        break;
      case field::inputs: {
        Reader inside(bytes_of(f), f.at);
        for (Field v; inside.next(v);) {
          if (v.number == field::values_of_inputs) n.input_values = bytes_of(v);
        }
        break;
      }
      case field::attribute:
        n.attributes.push_back(read_attribute(f));
        break;
      default:
        break;  // what weft does not use
    }
  }
  return n;
}

std::string attribute_bytes(const ChakraAttribute& a) {
  std::string out;
  protobuf::put_bytes(out, 1, a.name);
  if (const auto* whole = std::get_if<std::int64_t>(&a.value))
    protobuf::put_number(out, field::as_int64, static_cast<std::uint64_t>(*whole));
  if (const auto* small = std::get_if<std::int32_t>(&a.value))
    protobuf::put_number(out, field::as_int32, static_cast<std::uint64_t>(std::int64_t{*small}));
  if (const auto* real = std::get_if<double>(&a.value)) protobuf::put_double(out, field::as_double, *real);
  if (const auto* truth = std::get_if<bool>(&a.value)) protobuf::put_number(out, field::as_bool, *truth ? 1 : 0);
  if (const auto* text = std::get_if<std::string>(&a.value)) protobuf::put_bytes(out, field::as_string, *text);
  if (const auto* list = std::get_if<std::vector<bool>>(&a.value)) {
    std::string inside, packed;
    for (const bool b : *list) protobuf::put_varint(packed, b ? 1 : 0);
    protobuf::put_bytes(inside, 1, packed);
    protobuf::put_bytes(out, field::as_bools, inside);
  }
  return out;
}

/// A bracket, and behind it what JSON has there. A protobuf trace begins with a length, which may be that of a bracket too, and
/// goes on with the tag of a field and another length.
bool looks_like_json(std::string_view bytes) {
  constexpr const char* blanks = " \t\r\n";
  const std::size_t first = bytes.find_first_not_of(blanks);
  if (first == std::string_view::npos || (bytes[first] != '{' && bytes[first] != '[')) return false;
  const std::size_t second = bytes.find_first_not_of(blanks, first + 1);
  return second == std::string_view::npos || std::string_view("\"{[}]").find(bytes[second]) != std::string_view::npos;
}

void put_message(std::string& out, std::string_view message) {
  protobuf::put_varint(out, message.size());
  out += message;
}

}  // namespace

const char* name_of(ChakraType type) { return types[static_cast<std::size_t>(type)]; }
const char* name_of(ChakraCollective collective) { return collectives[static_cast<std::size_t>(collective)]; }

const ChakraAttribute* ChakraNode::find(std::string_view attribute) const {
  for (const ChakraAttribute& a : attributes) {
    if (a.name == attribute) return &a;
  }
  return nullptr;
}

std::vector<ChakraNode> read_chakra_nodes(std::string_view bytes, const std::string& path) {
  if (bytes.empty()) throw UserError({{path, "", "the file is empty", "a Chakra trace begins with its metadata"}});
  if (bytes.starts_with("\x1f\x8b")) throw UserError({{path, "", "the file is compressed", "unpack it first: gunzip"}});
  if (looks_like_json(bytes)) return read_chakra_json(bytes, path);
  std::vector<ChakraNode> nodes;
  try {
    Reader file(bytes);
    bool metadata = true;
    while (!file.done()) {
      const std::uint64_t length = file.varint();
      const std::size_t at = file.at();
      const std::string_view message = file.take(length);
      if (!metadata) nodes.push_back(read_node(message, at));
      for (Reader check(message, at); metadata && !check.done();) {
        Field f;
        check.next(f);
        if (f.number > 2) throw protobuf::Broken{"the first message is no metadata", at};
      }
      metadata = false;
    }
  } catch (const protobuf::Broken& b) {
    throw UserError({{path, fmt::format("byte {}", b.at), b.what,
                      fmt::format("{} nodes before it could be read; is the file whole, and a Chakra trace?", nodes.size())}});
  }
  return nodes;
}

std::string write_chakra_nodes(const std::vector<ChakraNode>& nodes) {
  std::string out, message;
  protobuf::put_bytes(message, field::metadata_version, "0.0.4");
  put_message(out, message);
  for (const ChakraNode& n : nodes) {
    message.clear();
    if (n.id != 0) protobuf::put_number(message, field::id, n.id);
    protobuf::put_bytes(message, field::name, n.name);
    protobuf::put_number(message, field::type, n.type);
    if (!n.deps.empty()) {
      std::string packed;
      for (const std::uint64_t d : n.deps) protobuf::put_varint(packed, d);
      protobuf::put_bytes(message, field::data_deps, packed);
    }
    if (n.duration_us != 0) protobuf::put_number(message, field::duration, n.duration_us);
    for (const ChakraAttribute& a : n.attributes) protobuf::put_bytes(message, field::attribute, attribute_bytes(a));
    put_message(out, message);
  }
  return out;
}

}  // namespace weft::workloads

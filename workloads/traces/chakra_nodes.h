// Nodes of a Chakra execution trace (MLCommons), as its protobuf and its JSON form hold them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weft::workloads {

/// Node types and collectives by their numbers in the schema.
enum class ChakraType : std::uint32_t {
  invalid,
  metadata,
  mem_load,
  mem_store,
  comp,
  comm_send,
  comm_recv,
  comm_coll,
  storage,
  batch,
  checkpoint
};
enum class ChakraCollective : std::uint32_t {
  all_reduce,
  reduce,
  all_gather,
  gather,
  scatter,
  broadcast,
  all_to_all,
  reduce_scatter,
  reduce_scatter_block,
  barrier
};

const char* name_of(ChakraType type);
const char* name_of(ChakraCollective collective);

/// One named value: whole numbers are read as 64 bits whatever their width; what is written as std::int32_t is for readers
/// that look for it there. Kinds that weft never reads (lists of numbers, bytes) are kept as monostate.
struct ChakraAttribute {
  std::string name;
  std::variant<std::monostate, std::int64_t, double, bool, std::string, std::vector<bool>, std::int32_t> value;
};

struct ChakraNode {
  std::uint64_t id = 0;
  std::string name;
  std::uint32_t type = 0;           ///< a ChakraType, or a number that weft does not know
  std::vector<std::uint64_t> deps;  ///< control and data
  std::uint64_t duration_us = 0;
  std::string input_values;  ///< process groups stand here, in metadata nodes
  std::vector<ChakraAttribute> attributes;

  const ChakraAttribute* find(std::string_view attribute) const;
};

/// Reads one rank's file, protobuf or JSON by what it holds. Throws UserError naming the file and the byte or object.
std::vector<ChakraNode> read_chakra_nodes(std::string_view bytes, const std::string& path);
std::vector<ChakraNode> read_chakra_json(std::string_view text, const std::string& path);

/// The protobuf form: a GlobalMetadata, then the nodes, each behind its length.
std::string write_chakra_nodes(const std::vector<ChakraNode>& nodes);

}  // namespace weft::workloads

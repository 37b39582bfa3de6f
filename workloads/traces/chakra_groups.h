// Communicator groups of a Chakra trace: from a file of their own, or from the metadata nodes that PyTorch writes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace weft::workloads {

class ChakraGroups {
 public:
  /// `file`: {"0": [0, 1, ...], ...}; empty: none. Throws UserError.
  ChakraGroups(const std::string& file, std::uint32_t ranks);

  /// Takes process groups out of a metadata node's inputs: a text that holds [{"pg_name": "0", "ranks": [...]}, ...]; without
  /// ranks all take part. Anything else there is left alone.
  void read_metadata(std::uint32_t rank, const std::string& values);

  /// The members of a group as `rank` knows it; an empty name means all ranks. Null: there is no such group.
  const std::vector<std::uint32_t>* find(std::uint32_t rank, const std::string& name) const;

 private:
  std::vector<std::uint32_t> all_;
  std::map<std::string, std::vector<std::uint32_t>> named_;
  std::map<std::pair<std::uint32_t, std::string>, std::vector<std::uint32_t>> of_rank_;
};

}  // namespace weft::workloads

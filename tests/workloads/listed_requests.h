// A stream of requests written down by hand.
#pragma once

#include <utility>
#include <vector>

#include "workloads/inference/requests/request.h"

namespace weft::testing {

class ListedRequests final : public workloads::inference::RequestStream {
 public:
  explicit ListedRequests(std::vector<workloads::inference::Request> all) : all_(std::move(all)) {}
  bool next(workloads::inference::Request& out) override {
    if (at_ == all_.size()) return false;
    out = all_[at_++];
    return true;
  }

 private:
  std::vector<workloads::inference::Request> all_;
  std::size_t at_ = 0;
};

}  // namespace weft::testing

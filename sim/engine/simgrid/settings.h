// Settings: what makes SimGrid 3.32 an exact flow model, as a command line for its engine.
#pragma once

#include <string>
#include <vector>

namespace weft::engine::simgrid {

/// Why each: README.md beside this.
struct Settings {
  explicit Settings(bool selective_update) {
    // Dates of a selective update are compared, so they need room for rounding; full updates count down and need none.
    words = {"weft", "--log=root.thresh:error",
             "--cfg=network/model:CM02", "--cfg=network/crosstraffic:no", "--cfg=network/TCP-gamma:1e30",
             selective_update ? "--cfg=network/optim:Lazy" : "--cfg=network/optim:Full",
             "--cfg=maxmin/precision:1e-12", selective_update ? "--cfg=surf/precision:1e-13" : "--cfg=surf/precision:1e-20",
             "--cfg=contexts/stack-size:128"};
    for (std::string& w : words) argv.push_back(w.data());
    argc = static_cast<int>(argv.size());
    argv.push_back(nullptr);
  }
  Settings(const Settings&) = delete;

  std::vector<std::string> words;
  std::vector<char*> argv;
  int argc = 0;
};

}  // namespace weft::engine::simgrid

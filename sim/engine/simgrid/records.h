// Records: what a run in a child process tells its parent through a pipe: the timeline, then its summary or its error.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/engine/engine.h"
#include "sim/engine/simgrid/machine.h"

namespace weft::engine::simgrid {

/// The child's end. Not a file stream: nothing of the parent's may be flushed here.
class RecordWriter final : public TimelineSink {
 public:
  explicit RecordWriter(int fd) : fd_(fd) {}
  void started(OpId id, Seconds at) override;
  void finished(OpId id, Seconds at) override;
  void first_rate(OpId id, std::uint32_t sub_flow, BytesPerSecond rate) override;

  void end(const Summary& summary, const MachineUse& use);
  void failed(const std::exception& error);
  void flush();

 private:
  template <class T>
  void put(const T& value);
  void put_text(const std::string& text);

  int fd_;
  std::vector<char> buffer_;
};

/// The parent's end.
class RecordReader {
 public:
  explicit RecordReader(int fd) : fd_(fd) {}
  /// Replays the timeline to `sink`. True when the run told its end; throws what the child threw; false when the records
  /// stop before.
  bool replay(TimelineSink& sink, Summary& summary, MachineUse& use);

 private:
  bool more();
  template <class T>
  bool get(T& value);
  bool get_text(std::string& text);
  bool read_failure(std::uint8_t kind);

  int fd_;
  std::vector<char> buffer_ = std::vector<char>(1 << 16);
  std::size_t at_ = 0, end_ = 0;
};

}  // namespace weft::engine::simgrid

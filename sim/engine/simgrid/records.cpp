#include "sim/engine/simgrid/records.h"

#include <cerrno>
#include <cstring>
#include <new>

#include <unistd.h>

#include "sim/core/error.h"

namespace weft::engine::simgrid {
namespace {

enum Kind : std::uint8_t { started_record = 1, finished_record, rate_record, end_record, user_error, run_error, not_possible, no_memory };

}  // namespace

template <class T>
void RecordWriter::put(const T& value) {
  const auto* bytes = reinterpret_cast<const char*>(&value);
  buffer_.insert(buffer_.end(), bytes, bytes + sizeof value);
}

void RecordWriter::put_text(const std::string& text) {
  put(static_cast<std::uint64_t>(text.size()));
  buffer_.insert(buffer_.end(), text.begin(), text.end());
}

void RecordWriter::started(OpId id, Seconds at) {
  put(started_record);
  put(id);
  put(at);
  if (buffer_.size() > 1 << 16) flush();
}

void RecordWriter::finished(OpId id, Seconds at) {
  put(finished_record);
  put(id);
  put(at);
  if (buffer_.size() > 1 << 16) flush();
}

void RecordWriter::first_rate(OpId id, std::uint32_t sub_flow, BytesPerSecond rate) {
  put(rate_record);
  put(id);
  put(sub_flow);
  put(rate);
  if (buffer_.size() > 1 << 16) flush();
}

void RecordWriter::end(const Summary& summary, const MachineUse& use) {
  put(end_record);
  put(summary);
  put(use);
  flush();
}

void RecordWriter::failed(const std::exception& error) {
  if (const auto* user = dynamic_cast<const UserError*>(&error)) {
    put(user_error);
    put(static_cast<std::uint64_t>(user->problems().size()));
    for (const Problem& p : user->problems()) {
      for (const std::string* text : {&p.file, &p.place, &p.message, &p.hint}) put_text(*text);
    }
  } else if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) {
    put(no_memory);
  } else {
    put(dynamic_cast<const NotPossibleHere*>(&error) != nullptr ? not_possible : run_error);
    put_text(error.what());
  }
  flush();
}

void RecordWriter::flush() {
  for (std::size_t at = 0; at < buffer_.size();) {
    const ssize_t n = ::write(fd_, buffer_.data() + at, buffer_.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) ::_exit(1);   // the parent is gone: nobody to tell
    at += static_cast<std::size_t>(n);
  }
  buffer_.clear();
}

bool RecordReader::more() {
  for (;;) {
    const ssize_t n = ::read(fd_, buffer_.data(), buffer_.size());
    if (n < 0 && errno == EINTR) continue;
    at_ = 0;
    end_ = n > 0 ? static_cast<std::size_t>(n) : 0;
    return n > 0;
  }
}

template <class T>
bool RecordReader::get(T& value) {
  auto* bytes = reinterpret_cast<char*>(&value);
  for (std::size_t got = 0; got < sizeof value;) {
    if (at_ == end_ && !more()) return false;
    const std::size_t n = std::min(sizeof value - got, end_ - at_);
    std::memcpy(bytes + got, buffer_.data() + at_, n);
    got += n;
    at_ += n;
  }
  return true;
}

bool RecordReader::get_text(std::string& text) {
  std::uint64_t size = 0;
  if (!get(size)) return false;
  text.clear();
  for (char c = 0; text.size() < size; text.push_back(c)) {
    if (!get(c)) return false;
  }
  return true;
}

bool RecordReader::replay(TimelineSink& sink, Summary& summary, MachineUse& use) {
  std::uint8_t kind = 0;
  OpId id;
  Seconds at;
  std::uint32_t sub_flow = 0;
  BytesPerSecond rate;
  while (get(kind)) {
    switch (kind) {
      case started_record:
        if (!get(id) || !get(at)) return false;
        sink.started(id, at);
        break;
      case finished_record:
        if (!get(id) || !get(at)) return false;
        sink.finished(id, at);
        break;
      case rate_record:
        if (!get(id) || !get(sub_flow) || !get(rate)) return false;
        sink.first_rate(id, sub_flow, rate);
        break;
      case end_record: return get(summary) && get(use);
      default: return read_failure(kind);
    }
  }
  return false;
}

bool RecordReader::read_failure(std::uint8_t kind) {
  std::string text;
  if (kind == no_memory) throw std::bad_alloc();
  if (kind == user_error) {
    std::uint64_t count = 0;
    if (!get(count)) return false;
    std::vector<Problem> problems(count);
    for (Problem& p : problems) {
      for (std::string* part : {&p.file, &p.place, &p.message, &p.hint}) {
        if (!get_text(*part)) return false;
      }
    }
    throw UserError(std::move(problems));
  }
  if (!get_text(text)) return false;
  if (kind == not_possible) throw NotPossibleHere(text);
  throw RunError(text);
}

}  // namespace weft::engine::simgrid

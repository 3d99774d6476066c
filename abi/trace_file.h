// Writing trace events: the JSON array format that the Perfetto viewer and chrome://tracing open, an event a line, in
// bounded memory. The array is closed by finish(), but a reader may do without that: a file that was cut off opens as
// well. Who says what is in it: abi/trace.cpp.
//
//   [
//   {"ph":"B","pid":2,"tid":7,"ts":12.345,"name":"running","cat":"task"},
//   …
//   {"ph":"E","pid":2,"tid":7,"ts":13.001}
//   ]
//
// Times are nanoseconds here, microseconds with three digits in the file. After a write that fails (a full disk, a pipe
// whose reader has gone) nothing is written any more, and finish() says so; nobody else notices. Not thread-safe.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace wjit {

// The members of an event's "args", as text.
class TraceArgs {
 public:
  TraceArgs& add(std::string_view name, std::integral auto value) {
    add_name(name);
    text_ += fmt::to_string(value);
    return *this;
  }
  TraceArgs& add(std::string_view name, std::string_view value);
  const std::string& text() const { return text_; }

 private:
  void add_name(std::string_view name);
  std::string text_;
};

class TraceFile {
 public:
  // A row of the picture: slices on one place nest.
  struct Place {
    uint32_t process = 0;
    uint32_t thread = 0;
  };

  // Fails when the file cannot be made.
  static Result<std::unique_ptr<TraceFile>> create(const std::string& path);
  ~TraceFile();  // without finish: what is buffered is lost
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  void name_process(uint32_t process, std::string_view name, uint32_t order);
  void name_thread(Place place, std::string_view name, uint32_t order);
  void begin(Place place, int64_t ns, std::string_view category, std::string_view name, const TraceArgs& args = {});
  void end(Place place, int64_t ns, const TraceArgs& args = {});
  void complete(Place place, int64_t ns, int64_t duration_ns, std::string_view category, std::string_view name,
                const TraceArgs& args);
  void instant(Place place, int64_t ns, std::string_view name, const TraceArgs& args = {});
  // An arrow from the slice that is open at one place and time to that at another.
  void arrow(std::string_view name, Place from, int64_t from_ns, Place to, int64_t to_ns);
  // Closes the array and the file. The error is of the first write that failed.
  Result<> finish();

 private:
  TraceFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  void open_event(char phase, Place place, int64_t ns);
  void close_event(const TraceArgs& args);
  void write_out();

  int fd_;          // -1: finished, or given up
  int failed_ = 0;  // why it was given up
  std::string path_;
  std::string buffer_;
  uint64_t arrows_ = 0;
  bool started_ = false;  // an event is there
};

}  // namespace wjit

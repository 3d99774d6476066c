// wasi:io at 0.2: errors, pollables and byte streams over file descriptors. A pollable is a view of something that the
// scheduler can tell: a timer, a descriptor's readiness, room in an output stream's buffer.
//
//   InputStream   reads when it is asked; nothing is read ahead, so 0.2 and 0.3 may both read stdin
//   OutputStream  takes up to kOutputBuffer bytes at once and writes them in the background
//
// Used by wasi/cli.cpp, wasi/clocks.cpp, wasi/filesystem.cpp, wasi/sockets_0_2.cpp. Tests:
// test/unit/wasi_streams_test.cpp.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "wasi/state.h"

namespace wjit::wasi {

struct IoError final : Object {
  static constexpr const char* kName = "error";
  IoError(int error_number, bool is_of_socket) : number(error_number), of_socket(is_of_socket) {}
  int number;      // errno
  bool of_socket;  // else of a file, or a standard stream, which may be one
};

using StreamError = host::Variant<host::Case<"last-operation-failed", Own<IoError>>, host::Case<"closed">>;

// A wait of one or several pollables' guests.
class PollWaiter;

class Pollable : public Object {
 public:
  static constexpr const char* kName = "pollable";
  ~Pollable() override;
  virtual bool ready() = 0;
  // Does what the guest's asking may bring about at once; others may be told.
  virtual void refresh() {}
  // Makes sure that told() is called when it may have become ready, or when the store goes.
  virtual void arm() = 0;
  // `result`: of the operation that watched, or 0. Lets the waiters look again.
  virtual void told(int64_t result);

 protected:
  // An operation that ends in told(), unless one is under way. It stays behind when a wait ends for another reason, and
  // is stopped when the pollable goes: guests that wait in a loop make new ones each time.
  void watch(State& state, std::shared_ptr<File> file, uint32_t events);
  void watch(State& state, ClockId clock, int64_t deadline_ns);

 private:
  friend class PollWaiter;
  bool can_watch(State& state);
  Operation::Then telling();
  std::shared_ptr<FileOperation> operation_;
  std::vector<std::shared_ptr<PollWaiter>> waiters_;
};

// Who is to be told of a change that is no operation's end: once, if it is still there then.
class PollableList {
 public:
  void add(const std::shared_ptr<Pollable>& pollable);
  void tell();

 private:
  std::vector<std::weak_ptr<Pollable>> pollables_;
  size_t forget_at_ = 16;  // so many: look for those that have gone
};

// Calls `then` once at least one of them is ready, perhaps at once; or when the store goes. `pollables` is not empty.
void wait_for_any(State& state, std::vector<std::shared_ptr<Pollable>> pollables, std::function<void()> then);

// Ready when the clock reaches the deadline; a real-time clock that is set meanwhile is followed.
std::shared_ptr<Pollable> timer_pollable(State& state, int64_t deadline_ns, ClockId clock = ClockId::Monotonic);
// Ready when a descriptor can be read (POLLIN) or written (POLLOUT), or has failed.
std::shared_ptr<Pollable> file_pollable(State& state, std::shared_ptr<File> file, short events);
std::shared_ptr<Pollable> ready_pollable();

enum class InputKind : uint8_t {
  Stream,       // pipe, terminal, socket: may have nothing to read
  RegularFile,  // read at an offset; always readable
};

class InputStream final : public Object {
 public:
  static constexpr const char* kName = "input-stream";
  using Done = std::function<void(int64_t bytes_or_error)>;  // bytes, 0: nothing yet, kClosed, or -errno
  static constexpr int64_t kClosed = INT64_MIN;

  InputStream(State& state, std::shared_ptr<File> file, InputKind kind, uint64_t offset)
      : state_(state), file_(std::move(file)), kind_(kind), offset_(offset) {}
  // `into` stays valid until `done`.
  void read(void* into, size_t bytes, bool blocking, Done done);
  // Nothing more is read.
  void close() { closed_ = true; }
  bool is_socket() const { return file_->is_socket; }
  Own<Pollable> subscribe();

 private:
  void read_after_turn(void* into, size_t bytes, Done done);
  void finish_read(int64_t result, const Done& done);
  State& state_;
  std::shared_ptr<File> file_;
  InputKind kind_;
  uint64_t offset_;
  bool closed_ = false;
};

class OutputStream final : public Object {
 public:
  static constexpr const char* kName = "output-stream";
  static constexpr size_t kOutputBuffer = 64 << 10;
  static constexpr int kClosed = -1;

  // `at`: file offset, -1: the current position, or a stream.
  OutputStream(State& state, std::shared_ptr<File> file, int64_t at)
      : state_(state), file_(std::move(file)), at_(at), operation_(state) {}

  // 0, an errno that was not told yet (then the stream is closed), or kClosed.
  int take_error();
  // Bytes that may be written now; 0 while a flush is under way.
  size_t room() const;
  // Writes what can be written at once. True if nothing is left then.
  bool make_room() {
    if (!operation_.idle() || !buffer_.empty()) pump();
    return operation_.idle();
  }
  // room(), and permits that much to be written.
  size_t permit() { return permitted_ = room(); }
  // Whether that many may be written, by the last permit; what is written takes from it.
  bool use_permit(uint64_t bytes) {
    if (bytes > std::min(permitted_, room())) return false;
    permitted_ -= bytes;
    return true;
  }
  // Requires bytes <= room().
  void write(const void* from, size_t bytes);
  bool is_socket() const { return file_->is_socket; }
  // Writes bytes that stay valid until `done`, however many, after everything before.
  void write_through(const void* from, size_t bytes, std::function<void()> done);
  void flush();
  // Takes no more, and calls `then` when everything has been written, or an error has come.
  void close(std::function<void()> then);
  // Calls `then` when everything has been written, or an error has come.
  void when_flushed(std::function<void()> then);
  bool ready() const { return error_ != 0 || closed_ || ended_ || room() > 0; }
  void when_ready(std::function<void()> then) { observers_.push_back(std::move(then)); }
  void when_ready(const std::shared_ptr<Pollable>& pollable) { pollables_.add(pollable); }
  Own<Pollable> subscribe();

 private:
  std::span<const uint8_t> next_piece();
  void wrote(int64_t result);
  void pump();
  void begin(std::span<const uint8_t> piece);
  void wait_for_room();
  void tell();
  State& state_;
  std::shared_ptr<File> file_;
  int64_t at_;
  Operation operation_;          // a write, or a wait for room
  bool waits_for_room_ = false;  // the latter
  std::vector<uint8_t> buffer_;  // waits behind `writing_`
  std::vector<uint8_t> writing_;
  size_t written_ = 0;               // of writing_
  const uint8_t* direct_ = nullptr;  // write_through: bytes of the guest's
  size_t direct_left_ = 0;
  int error_ = 0;
  bool closed_ = false;
  bool ended_ = false;  // close was called
  bool flushing_ = false;
  size_t permitted_ = 0;
  std::vector<std::function<void()>> flushed_;    // when nothing is left to write
  std::vector<std::function<void()>> observers_;  // at the next change
  PollableList pollables_;                        // likewise
};

Own<InputStream> make_input_stream(State& state, std::shared_ptr<File> file, InputKind kind, uint64_t offset);
Own<OutputStream> make_output_stream(State& state, std::shared_ptr<File> file, int64_t at);

}  // namespace wjit::wasi

// File descriptors as the host interfaces share them: what may be tried without waiting, and what of the process's own
// a guest gets. Waiting is wasi/state.h's Operation. Strand only. Tests: test/unit/wasi_streams_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace wjit::wasi {

// A file descriptor, shared by whatever works with it: closed with the last of them if it is owned.
struct File {
  int fd = -1;
  bool owned = true;
  bool is_socket = false;    // of wasi:sockets: non-blocking
  bool nonblocking = false;  // as the descriptor is, which nobody else has
  int broken = 0;            // errno that ended a connection: the system tells it once, to a send or a receive
  uint64_t moved = 0;        // bytes read from or written to it by streams
  File(int descriptor, bool is_owned) : fd(descriptor), owned(is_owned) {}
  ~File();
  // Reads or writes without waiting: bytes, 0 at the end, -errno; -EAGAIN where it would have to wait, or the system
  // cannot tell, which it then says of this file for good. `at`: as for io_read.
  int64_t read_now(void* into, size_t bytes, int64_t at);
  int64_t write_now(const void* from, size_t bytes, int64_t at);
  bool tells_reads() const { return tells_reads_; }
  bool tells_writes() const { return tells_writes_; }
  // A pipe that much goes through gets room for more at a time: each turn of its two ends costs a switch of processes.
  void count_moved(uint64_t bytes) {
    const bool little = moved < kManyBytes;
    moved += bytes;
    if (little && moved >= kManyBytes) widen_pipe();
  }
  static constexpr uint64_t kManyBytes = 1 << 20;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

 private:
  void widen_pipe();
  bool tells_reads_ = true, tells_writes_ = true;
};

// stdin, stdout or stderr, borrowed. A terminal has no way to say that it would wait, and several processes may read
// it: it is opened anew, non-blocking, which the others do not see. Where that fails (no /proc, a terminal of somebody
// else's) it is used as it is.
std::shared_ptr<File> standard_file(int fd);

}  // namespace wjit::wasi

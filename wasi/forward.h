// Bytes on their way from one of the host's streams to another, where a component hands the stream on and reads nothing
// of it: the kernel moves them (splice, sendfile, copy_file_range), and they never are in this process's memory. What
// the kernel cannot move that way (terminals, files opened for appending, blocking sockets) the stream's own pump does
// (abi/host_stream.cpp). So does whatever is left when moving ends: it reads the end or the error, and tells it to the
// end that it belongs to.
//
//   Moves from or to regular files may wait for the disk: helper threads make them, some milliseconds at a time.
//   All else is done on the strand, without waiting; the scheduler tells when there is more, or room again.
//
// ByteSource and ByteSink are what joins: wasi/file_streams.h, wasi/socket_streams.h. Strand only. Tests:
// test/unit/forward_test.cpp, test/lit/run/forward.test, test/lit/run/disk_full.test, test/lit/net/relay.test.
#pragma once

#include <functional>
#include <memory>

#include "wasi/state.h"

namespace wjit::wasi {

// One end of a stream of bytes.
struct ByteEnd {
  std::shared_ptr<File> file;
  int64_t* at = nullptr;  // file offset, which is kept up to date; or kCurrentPosition, kAtEnd; null: a socket
};

// One stretch of moving; made for two ends, run once.
class Forward {
 public:
  enum class Stop : uint8_t {
    Elsewhere,   // the kernel moves no more: the end, an error, or it does not move such bytes
    Cancelled,   // the store goes
    SinkFailed,  // with `error`; bytes that the source has given are lost
  };
  using Then = std::function<void(Stop stop, int error)>;

  // Null where the kernel does not join such ends. `moved`: bytes that have come that way so far.
  static std::unique_ptr<Forward> make(State& state, ByteEnd from, ByteEnd to, uint64_t moved);
  ~Forward();
  // Moves all there is. Whoever holds this keeps it until `then`, which may come at once.
  void run(Then then);

 private:
  struct Mover;
  Forward(State& state, ByteEnd from, ByteEnd to, std::shared_ptr<Mover> mover);
  void step();
  void moved();

  State& state_;
  ByteEnd from_, to_;
  std::shared_ptr<Mover> mover_;
  Operation operation_;
  Then then_;
  uint64_t counted_ = 0;  // of the mover's bytes, those that the files have been told of
};

class ByteSource : public HostSource {
 public:
  virtual ByteEnd byte_end() = 0;
};

class ByteSink : public HostSink {
 public:
  explicit ByteSink(State& state) : forward_state_(state) {}
  bool forward(HostSource& source, uint64_t moved, StreamRead& read, StreamWrite& write) final;

 private:
  virtual ByteEnd byte_end() = 0;
  // The write ends with -errno.
  virtual void fail(StreamWrite& write, int64_t error) = 0;

  State& forward_state_;
  std::unique_ptr<Forward> forward_;
};

}  // namespace wjit::wasi

// Streams of bytes between guests and file descriptors, for 0.3: a HostSource that reads a descriptor into the guest's
// buffer, a HostSink that writes the guest's buffer to one, and the future that tells how the stream ended. `Error`
// maps an errno to the interface's error code.
//
//   Promise<T>    the host's side of a future: resolved once, now or later; readers before and after that are served
//   FileSource    stdin, files (at an offset), sockets       FileSink    stdout, stderr, files
//
// Used by wasi/cli.cpp, wasi/filesystem.cpp. Tests: test/unit/wasi_streams_test.cpp.
#pragma once

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "wasi/forward.h"
#include "wasi/state.h"

namespace wjit::wasi {

// The value of a future that the host writes. T is in host layout; what it points to must outlive the promise (static).
template <typename T>
class Promise {
 public:
  // `kept` lives as long as somebody may ask for the value.
  explicit Promise(State& state, std::shared_ptr<void> kept = nullptr) : state_(state), kept_(std::move(kept)) {}

  void resolve(const T& value) {
    if (value_.has_value()) return;
    value_ = value;
    if (waiting_ != nullptr && !state_.store.locked_down()) {
      StreamRead* read = std::exchange(waiting_, nullptr);
      read->supply(&*value_, 1);
    }
  }

  // The writable end of the future; several of them may share one promise.
  static std::unique_ptr<HostSource> source(std::shared_ptr<Promise> promise) {
    return std::make_unique<Source>(std::move(promise));
  }

 private:
  struct Source final : HostSource {
    explicit Source(std::shared_ptr<Promise> p) : promise(std::move(p)) {}
    ~Source() override {
      if (reading) promise->waiting_ = nullptr;
    }
    void read(StreamRead& read) override {
      if (promise->value_.has_value()) return read.supply(&*promise->value_, 1);
      promise->waiting_ = &read;
      reading = true;
    }
    void cancel(StreamRead& read) override {
      promise->waiting_ = nullptr;
      reading = false;
      read.cancelled(0);
    }
    std::shared_ptr<Promise> promise;
    bool reading = false;
  };

  State& state_;
  std::shared_ptr<void> kept_;
  std::optional<T> value_;
  StreamRead* waiting_ = nullptr;
};

// Result<Unit, Error::Code> is what the futures of all byte streams hold.
template <typename Error>
using StreamEnd = Result<Unit, typename Error::Code>;

constexpr size_t kLargestTransfer = 1 << 20;  // of one read or write

// Error: `using Code = …; static Code of(int errno_value);`
template <typename Error>
class FileSource final : public ByteSource {
 public:
  // `at`: file offset, -1: from the current position or a stream.
  FileSource(State& state, std::shared_ptr<File> file, int64_t at, std::shared_ptr<Promise<StreamEnd<Error>>> result)
      : state_(state), file_(std::move(file)), at_(at), result_(std::move(result)), operation_(state) {}
  ~FileSource() override { result_->resolve(host::ok()); }  // the reader has gone

  void read(StreamRead& read) override {
    if (file_->fd < 0) return finish(read, 0);
    if (read.capacity == 0) {
      if (at_ >= 0) return read.complete(0);
      return operation_.poll(file_->fd, POLLIN, nullptr, [&read](int64_t result) {
        if (result == -ECANCELED) return read.cancelled(0);
        read.complete(0);
      });
    }
    const size_t bytes = std::min<size_t>(read.capacity, kLargestTransfer);
    if (more_ && state_.take_immediate()) {
      const int64_t result = file_->read_now(read.buffer, bytes, at_);
      if (result != -EAGAIN) return finish(read, result);
    }
    operation_.read(file_->fd, read.buffer, bytes, at_, nullptr,
                    [this, &read](int64_t result) { finish(read, result); });
  }
  void cancel(StreamRead&) override { operation_.stop(); }
  ByteEnd byte_end() override { return {file_, &at_}; }

 private:
  void finish(StreamRead& read, int64_t result) {
    if (result == -ECANCELED) return read.cancelled(0);
    if (result > 0) {
      if (at_ >= 0) at_ += result;
      more_ = at_ >= 0 || static_cast<size_t>(result) == std::min<size_t>(read.capacity, kLargestTransfer);
      file_->count_moved(static_cast<uint64_t>(result));
      return read.complete(static_cast<uint32_t>(result));
    }
    if (result == 0) {
      result_->resolve(host::ok());
    } else {
      result_->resolve(host::error(Error::of(static_cast<int>(-result))));
    }
    read.end();
  }

  State& state_;
  std::shared_ptr<File> file_;
  int64_t at_;
  std::shared_ptr<Promise<StreamEnd<Error>>> result_;
  Operation operation_;
  bool more_ = true;  // something may be there to read at once
};

template <typename Error>
class FileSink final : public ByteSink {
 public:
  FileSink(State& state, std::shared_ptr<File> file, int64_t at, std::shared_ptr<Promise<StreamEnd<Error>>> result)
      : ByteSink(state),
        state_(state),
        file_(std::move(file)),
        at_(at),
        result_(std::move(result)),
        operation_(state) {}

  void write(StreamWrite& write) override {
    if (file_->fd < 0) return finish(write, -EBADF);
    if (write.count == 0) return write.complete(0);
    const size_t bytes = std::min<size_t>(write.count, kLargestTransfer);
    if (state_.take_immediate()) {
      const int64_t result = file_->write_now(write.buffer, bytes, at_);
      if (result != -EAGAIN) return finish(write, result);
    }
    operation_.write(file_->fd, write.buffer, bytes, at_, nullptr,
                     [this, &write](int64_t result) { finish(write, result); });
  }
  // What a descriptor has taken cannot be taken back: the end of a write is waited for, unless it waits for room.
  void cancel(StreamWrite&) override { operation_.stop(); }
  void closed() override { result_->resolve(host::ok()); }

 private:
  ByteEnd byte_end() override { return {file_, &at_}; }
  void fail(StreamWrite& write, int64_t error) override { finish(write, error); }
  void finish(StreamWrite& write, int64_t result) {
    if (result == -ECANCELED) return write.cancelled(0);
    if (result >= 0) {
      if (at_ >= 0) at_ += result;
      file_->count_moved(static_cast<uint64_t>(result));
      return write.complete(static_cast<uint32_t>(result));
    }
    result_->resolve(host::error(Error::of(static_cast<int>(-result))));
    write.end();
  }

  State& state_;
  std::shared_ptr<File> file_;
  int64_t at_;
  std::shared_ptr<Promise<StreamEnd<Error>>> result_;
  Operation operation_;
};

// What 0.3 functions for byte streams return: the stream and its end.
template <typename Error>
Tuple<Stream<uint8_t>, Future<StreamEnd<Error>>> read_via_stream(State& state, HostCall& call,
                                                                 std::shared_ptr<File> file, int64_t at) {
  auto promise = std::make_shared<Promise<StreamEnd<Error>>>(state);
  auto future = host::make_future<StreamEnd<Error>>(call, Promise<StreamEnd<Error>>::source(promise));
  auto stream = host::make_stream<uint8_t>(
      call, std::make_unique<FileSource<Error>>(state, std::move(file), at, std::move(promise)));
  return {stream, future};
}
template <typename Error>
Future<StreamEnd<Error>> write_via_stream(State& state, HostCall& call, Stream<uint8_t> data,
                                          std::shared_ptr<File> file, int64_t at) {
  auto promise = std::make_shared<Promise<StreamEnd<Error>>>(state);
  auto future = host::make_future<StreamEnd<Error>>(call, Promise<StreamEnd<Error>>::source(promise));
  host::read_stream(call, data, std::make_unique<FileSink<Error>>(state, std::move(file), at, std::move(promise)));
  return future;
}

// A future that has its value.
template <typename T>
Future<T> known_future(State& state, HostCall& call, const T& value) {
  auto promise = std::make_shared<Promise<T>>(state);
  promise->resolve(value);
  return host::make_future<T>(call, Promise<T>::source(std::move(promise)));
}
struct NoSource final : HostSource {
  void read(StreamRead& read) override { read.end(); }
  void cancel(StreamRead&) override {}
};
// What those functions return where it is clear beforehand that nothing can be read or written.
template <typename End>
Tuple<Stream<uint8_t>, Future<End>> no_read_via_stream(State& state, HostCall& call, const End& why) {
  return {host::make_stream<uint8_t>(call, std::make_unique<NoSource>()), known_future(state, call, why)};
}
template <typename End>
Future<End> no_write_via_stream(State& state, HostCall& call, Stream<uint8_t> data, const End& why) {
  host::drop_stream(call, data);
  return known_future(state, call, why);
}

}  // namespace wjit::wasi

// Streams between guests and TCP sockets, for 0.3: what a socket receives, what it is to send, and the connections of a
// listening one. Bytes go from and to the guest's memory: at once where the socket has some or room for some, else by
// the scheduler. Nothing is kept here, so a guest that does not read makes the peer wait.
//
// Used by wasi/sockets_0_3.cpp. Tests: test/unit/socket_test.cpp, test/lit/net.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "wasi/file_streams.h"
#include "wasi/sockets.h"

namespace wjit::wasi {

using SocketEnd = Result<Unit, SocketError>;

class SocketSource final : public ByteSource {
 public:
  SocketSource(State& state, std::shared_ptr<File> file, std::shared_ptr<Promise<SocketEnd>> result)
      : state_(state), file_(std::move(file)), result_(std::move(result)), operation_(state) {}
  // The reader has gone: what the peer still sends is nobody's.
  ~SocketSource() override {
    if (!ended_) ::shutdown(file_->fd, SHUT_RD);
    result_->resolve(host::ok());
  }

  void read(StreamRead& read) override {
    if (read.capacity == 0) {
      return operation_.poll(file_->fd, POLLIN, nullptr, [&read](int64_t result) {
        if (result == -ECANCELED) return read.cancelled(0);
        read.complete(0);
      });
    }
    const size_t bytes = std::min<size_t>(read.capacity, kLargestTransfer);
    if (more_ && state_.take_immediate()) {
      const int64_t result = file_->read_now(read.buffer, bytes, kCurrentPosition);
      if (result != -EAGAIN) return finish(read, result);
      more_ = false;
    }
    operation_.receive(file_->fd, read.buffer, bytes, !more_, nullptr,
                       [this, &read](int64_t result) { finish(read, result); });
  }
  void cancel(StreamRead&) override { operation_.stop(); }
  ByteEnd byte_end() override { return {file_, nullptr}; }

 private:
  void finish(StreamRead& read, int64_t result) {
    if (result == -ECANCELED) return read.cancelled(0);
    if (result > 0) {
      // A full buffer may have left something behind.
      more_ = static_cast<size_t>(result) == std::min<size_t>(read.capacity, kLargestTransfer);
      return read.complete(static_cast<uint32_t>(result));
    }
    ended_ = true;
    if (result < 0) file_->broken = static_cast<int>(-result);
    result_->resolve(outcome<Sockets3>(file_->broken));
    read.end();
  }

  State& state_;
  std::shared_ptr<File> file_;
  std::shared_ptr<Promise<SocketEnd>> result_;
  Operation operation_;
  bool more_ = true;    // something may be there to receive
  bool ended_ = false;  // the peer has ended, or the connection is broken
};

class SocketSink final : public ByteSink {
 public:
  SocketSink(State& state, std::shared_ptr<File> file, std::shared_ptr<Promise<SocketEnd>> result)
      : ByteSink(state), state_(state), file_(std::move(file)), result_(std::move(result)), operation_(state) {}

  void write(StreamWrite& write) override {
    if (write.count == 0) return write.complete(0);
    const size_t bytes = std::min<size_t>(write.count, kLargestTransfer);
    if (state_.take_immediate()) {
      const int64_t result = file_->write_now(write.buffer, bytes, kCurrentPosition);
      if (result != -EAGAIN) return finish(write, result);
    }
    operation_.send(file_->fd, write.buffer, bytes, Operation::AtEnd::Stops, nullptr,
                    [this, &write](int64_t result) { finish(write, result); });
  }
  void cancel(StreamWrite&) override { operation_.stop(); }
  void closed() override {
    int error = ::shutdown(file_->fd, SHUT_WR) < 0 ? errno : 0;
    result_->resolve(outcome<Sockets3>(error == ENOTCONN ? ECONNRESET : error));
  }

 private:
  ByteEnd byte_end() override { return {file_, nullptr}; }
  void fail(StreamWrite& write, int64_t error) override { finish(write, error); }
  void finish(StreamWrite& write, int64_t result) {
    if (result == -ECANCELED) return write.cancelled(0);
    if (result >= 0) return write.complete(static_cast<uint32_t>(result));
    const auto error = static_cast<int>(-result);
    if (error != EPIPE) file_->broken = error;
    result_->resolve(outcome<Sockets3>(error));
    write.end();
  }

  State& state_;
  std::shared_ptr<File> file_;
  std::shared_ptr<Promise<SocketEnd>> result_;
  Operation operation_;
};

// Connections of a listening socket, as many as the reader has room for and the system has ready.
class AcceptSource final : public HostSource {
 public:
  AcceptSource(State& state, std::shared_ptr<TcpSocket> listener)
      : state_(state), listener_(std::move(listener)), operation_(state) {}

  void read(StreamRead& read) override;
  void cancel(StreamRead&) override {
    cancelled_ = true;
    operation_.stop();
  }

 private:
  void wait(StreamRead& read);
  void finish(StreamRead& read, int64_t result);

  State& state_;
  std::shared_ptr<TcpSocket> listener_;
  Operation operation_;
  bool cancelled_ = false;  // the read that is under way: nothing more is begun for it
};

}  // namespace wjit::wasi

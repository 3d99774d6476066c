// What TCP and UDP sockets have in common: the descriptor, its options in the interfaces' units, its addresses. Errors
// are error numbers (positive, 0: none): the system's or SocketErrno's. Derived: wasi/socket_tcp.h, wasi/socket_udp.h.
// Strand only. Test: test/unit/socket_test.cpp.
#pragma once

#include <functional>
#include <memory>

#include "wasi/socket_address.h"
#include "wasi/socket_errors.h"
#include "wasi/state.h"

namespace wjit::wasi {

enum class SocketOption : uint8_t {
  KeepAliveEnabled,   // 0, 1
  KeepAliveIdleTime,  // ns
  KeepAliveInterval,  // ns
  KeepAliveCount,
  HopLimit,
  ReceiveBufferSize,  // bytes
  SendBufferSize,     // bytes
};

class Socket : public Object {
 public:
  // Called once, at once or later, on the strand.
  using Then = std::function<void(int error)>;

  Socket(State& state, std::shared_ptr<File> file, IpFamily family)
      : state_(state), file_(std::move(file)), family_(family) {}

  const std::shared_ptr<File>& file() const { return file_; }
  int fd() const { return file_->fd; }
  IpFamily family() const { return family_; }

  int get(SocketOption option, uint64_t* value) const;
  int set(SocketOption option, uint64_t value);

 protected:
  int system_local_address(SocketAddress* address) const;
  int system_remote_address(SocketAddress* address) const;

  State& state_;
  std::shared_ptr<File> file_;
  IpFamily family_;
};

// Of a non-blocking socket, which it closes.
std::shared_ptr<File> socket_file(int fd);
// A new non-blocking socket, of SOCK_STREAM or SOCK_DGRAM; null and the error if the system refuses.
std::shared_ptr<File> open_socket(IpFamily family, int type, int* error);

}  // namespace wjit::wasi

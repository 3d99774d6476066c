// Error numbers of sockets beside the system's: what wasi:sockets names and errno does not. Their cases in 0.2 and 0.3
// are in wasi/socket_errors.def.
#pragma once

namespace wjit::wasi {

enum SocketErrno : int {
  kInvalidState = 4096,
  kNotInProgress,
  kNameUnresolvable,
  kTemporaryResolverFailure,
  kPermanentResolverFailure,
};

}  // namespace wjit::wasi

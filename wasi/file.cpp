// See wasi/file.h.
#include "wasi/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "scheduler/io.h"

namespace wjit::wasi {

File::~File() {
  if (!owned || fd < 0) return;
  // Before the guest's next call a port has to be free, and a peer to see the end.
  io_finish_cancels();
  close(fd);
}

// What a try gave: -EAGAIN also where the system cannot tell, which is kept in mind.
static int64_t result_of_try(int64_t result, bool* tells) {
  if (result == -EOPNOTSUPP) *tells = false;
  return result == -EOPNOTSUPP || result == -EINTR ? -EAGAIN : result;
}
static int64_t result_of(ssize_t result) { return result < 0 ? -int64_t{errno} : result; }

int64_t File::read_now(void* into, size_t bytes, int64_t at) {
  if (!tells_reads_) return -EAGAIN;
  return result_of_try(is_socket     ? result_of(::recv(fd, into, bytes, MSG_DONTWAIT))
                       : nonblocking ? result_of(::read(fd, into, bytes))
                                     : read_at_once(fd, into, bytes, at),
                       &tells_reads_);
}

int64_t File::write_now(const void* from, size_t bytes, int64_t at) {
  if (!tells_writes_) return -EAGAIN;
  return result_of_try(is_socket     ? result_of(::send(fd, from, bytes, MSG_DONTWAIT | MSG_NOSIGNAL))
                       : nonblocking ? result_of(::write(fd, from, bytes))
                                     : write_at_once(fd, from, bytes, at),
                       &tells_writes_);
}

void File::widen_pipe() {
  struct stat status{};
  if (is_socket || fstat(fd, &status) < 0 || !S_ISFIFO(status.st_mode)) return;
  // What an unprivileged process may ask for; may be refused, or be less than there is (which would fail or be lost).
  constexpr int kPipeBytes = 1 << 20;
  const int now = fcntl(fd, F_GETPIPE_SZ);
  if (now > 0 && now < kPipeBytes) fcntl(fd, F_SETPIPE_SZ, kPipeBytes);
}

std::shared_ptr<File> standard_file(int fd) {
  unsigned number = 0;
  // The master of a pseudo-terminal, opened anew, would be another one's.
  const bool is_master = ioctl(fd, TIOCGPTN, &number) == 0;
  if (isatty(fd) && !is_master) {
    const int access = fcntl(fd, F_GETFL) & O_ACCMODE;
    const std::string name = fmt::format("/proc/self/fd/{}", fd);
    const int own = open(name.c_str(), access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0) {
      auto file = std::make_shared<File>(own, true);
      file->nonblocking = true;
      return file;
    }
  }
  return std::make_shared<File>(fd, false);
}

}  // namespace wjit::wasi

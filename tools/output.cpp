// See tools/output.h.
#include "tools/output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tools/commands.h"

namespace wjit::tools {
namespace {

// 0, or the error.
int write_all(int fd, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
      poll(&writable, 1, -1);
      continue;
    }
    if (n < 0) return errno;
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return 0;
}

// The status of an output that has ended so.
int status_of(const std::string& name, int error) {
  if (error == 0) return 0;
  if (error == EPIPE) return kStatusBrokenPipe;
  return report({fmt::format("cannot write {}: {}", name, strerror(error))});
}

// 0, or the error.
int write_file(const std::string& path, std::span<const uint8_t> bytes) {
  struct stat info{};
  const bool exists = stat(path.c_str(), &info) == 0;
  const bool in_place = exists && !S_ISREG(info.st_mode);
  std::string temporary = in_place ? path : path + ".XXXXXX";
  const int fd = in_place ? open(path.c_str(), O_WRONLY | O_CLOEXEC) : mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return errno;
  int error = write_all(fd, bytes);
  if (!in_place && error == 0) {
    // mkostemp lets nobody else read; a new file gets what the process's mask leaves of 0666.
    const mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, exists ? info.st_mode & 07777 : 0666 & ~mask) != 0) error = errno;
  }
  if (close(fd) != 0 && error == 0) error = errno;
  if (!in_place && error == 0 && rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (!in_place && error != 0) unlink(temporary.c_str());
  return error;
}

std::span<const uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

int write_output(const std::string& path, std::span<const uint8_t> bytes) {
  if (path == "-") return status_of("standard output", write_all(STDOUT_FILENO, bytes));
  return status_of(path, write_file(path, bytes));
}

int write_output(const std::string& path, std::string_view text) { return write_output(path, bytes_of(text)); }

int print_output(std::string_view text) { return write_output("-", text); }

void write_message(std::string_view text) { (void)write_all(STDERR_FILENO, bytes_of(text)); }

int report(const Error& error) {
  say("{}", error.message);
  return kStatusError;
}

}  // namespace wjit::tools

// See tools/output.h.
#include "tools/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace wjit::tools {
namespace {

// 0, or the error.
int write_all(int fd, std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return 0;
}

std::unexpected<Error> cannot(const std::string& path, int error) {
  return fail("cannot write {}: {}", path, strerror(error));
}

}  // namespace

Result<> write_output(const std::string& path, std::span<const uint8_t> bytes) {
  if (path == "-") {
    if (int error = write_all(STDOUT_FILENO, bytes)) return cannot("standard output", error);
    return {};
  }
  struct stat info{};
  const bool exists = stat(path.c_str(), &info) == 0;
  const bool in_place = exists && !S_ISREG(info.st_mode);
  std::string temporary = in_place ? path : path + ".XXXXXX";
  const int fd = in_place ? open(path.c_str(), O_WRONLY | O_CLOEXEC) : mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return cannot(path, errno);
  int error = write_all(fd, bytes);
  if (!in_place && error == 0) {
    // mkostemp lets nobody else read; a new file gets what the process's mask leaves of 0666.
    const mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, exists ? info.st_mode & 07777 : 0666 & ~mask) != 0) error = errno;
  }
  if (close(fd) != 0 && error == 0) error = errno;
  if (!in_place && error == 0 && rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return {};
  if (!in_place) unlink(temporary.c_str());
  return cannot(path, error);
}

}  // namespace wjit::tools

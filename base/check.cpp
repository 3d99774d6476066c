#include "base/check.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>

namespace wjit {

void check_failed(const char* what, const char* file, int line) noexcept {
  char text[512];
  int n = snprintf(text, sizeof text, "wjit: internal error: %s at %s:%d\n", what, file, line);
  if (n > 0) {
    auto unused = write(STDERR_FILENO, text, strnlen(text, sizeof text));
    (void)unused;
  }
  abort();
}

}  // namespace wjit

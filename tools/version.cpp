// `wjit --version`, and with -v what this build uses on this machine. Tests: test/lit/usage.
#include <cstdio>

#include "jit/compiler.h"
#include "scheduler/worker.h"
#include "tools/commands.h"

namespace wjit::tools {

int version_command(bool verbose, IoKind io) {
  fmt::print("wjit {}\n", WJIT_VERSION);
  if (!verbose) return 0;
  auto compiler = load_compiler({});
  fmt::print("compiler: {}\n", compiler ? (*compiler)->version() : "none: " + compiler.error().message);
  Scheduler scheduler(SchedulerOptions{.io = io});
  fmt::print("I/O: {}\n", scheduler.io_name());
  fmt::print("allocator of stacks: mimalloc\n");
  return 0;
}

}  // namespace wjit::tools

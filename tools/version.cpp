// `wjit --version`, and with -v what this build uses on this machine. Tests: test/lit/usage.
#include "jit/compiler.h"
#include "scheduler/worker.h"
#include "tools/commands.h"
#include "tools/output.h"

namespace wjit::tools {

int version_command(bool verbose, IoKind io) {
  std::string text = fmt::format("wjit {}\n", WJIT_VERSION);
  if (verbose) {
    auto compiler = load_compiler({});
    text += fmt::format("compiler: {}\n", compiler ? (*compiler)->version() : "none: " + compiler.error().message);
    Scheduler scheduler(SchedulerOptions{.io = io});
    text += fmt::format("I/O: {}\n", scheduler.io_name());
    text += "allocator of stacks: mimalloc\n";
  }
  return print_output(text);
}

}  // namespace wjit::tools

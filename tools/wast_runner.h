// Runs one test script in this process: its commands in order, each checked; a failed one does not end the script.
// Called by tools/wast.cpp, in a process per script. Test: the public suites, test/lit/wast.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "abi/store.h"

namespace wjit::tools {

struct ScriptFailure {
  uint32_t line = 0;
  std::string message;
};

struct ScriptReport {
  uint32_t assertions = 0;  // that were checked, failed ones included
  std::vector<ScriptFailure> failures;
};

// `at_line` is told before each command which one comes: it outlives a crash or an endless loop in it.
ScriptReport run_script(Engine& engine, Scheduler& scheduler, std::string_view text,
                        const std::function<void(uint32_t line)>& at_line);

}  // namespace wjit::tools

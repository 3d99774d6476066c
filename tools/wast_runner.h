// Runs one test script in this process: its commands in order, each checked; a failed one does not end the script. It can be
// run many times (with another seed each), each time in new stores; what it defines is decoded and compiled once. Called by tools/wast.cpp, in a process per script. Test: the public suites, test/lit/wast.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
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

class ScriptFile {
 public:
  explicit ScriptFile(std::string_view text);
  ~ScriptFile();
  ScriptFile(const ScriptFile&) = delete;
  ScriptFile& operator=(const ScriptFile&) = delete;

  // `at_line` is told before each command which one comes: it outlives a crash or an endless loop in it.
  ScriptReport run(Engine& engine, Scheduler& scheduler, const std::function<void(uint32_t line)>& at_line);

 private:
  struct Contents;
  std::unique_ptr<Contents> contents_;
};

}  // namespace wjit::tools

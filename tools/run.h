// What a program runs in, and the two ways to run one: tools/run_component.cpp and tools/run_core.cpp, called by
// tools/run.cpp. Everything happens on the calling thread, which is the scheduler's worker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "abi/store.h"
#include "abi/trace.h"
#include "tools/commands.h"
#include "tools/load.h"
#include "wasi/wasi.h"

namespace wjit::tools {

struct Session {
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<Tracer> tracer;  // with --trace
  std::unique_ptr<Store> store;
  std::unique_ptr<WasiHost> wasi;
  std::string program;             // path, for messages
  std::vector<std::string> notes;  // what --plug left open, said when the program cannot be linked
};

// How a stretch of guest code ended.
enum class Ended : uint8_t { Done, Stopped /* trap or exit: finish_stopped */, Deadlock };

// Has `work` run on the strand, then runs the store until `done` holds, it traps or exits, or nothing can go on.
Ended run_until(Session& session, std::function<void()> work, const std::function<bool()>& done);
// The status of a store that has stopped; prints the trap, unless the guest asked for an exit.
int finish_stopped(Session& session);
int finish_trap(const Session& session, const Trap& trap);
// Says who waits for what.
int finish_deadlock(Session& session);

int run_component(Session& session, std::shared_ptr<const Component> component, const RunOptions& options);
int run_core_module(Session& session, std::shared_ptr<const Module> module, const RunOptions& options);

}  // namespace wjit::tools

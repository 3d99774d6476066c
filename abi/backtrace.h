// The part of a trap's backtrace that no stack shows: the callers that wait for the task that trapped. A task that has
// blocked runs on a fiber of its own, or on none between the events of a callback, so its caller's frames are not below
// its own. Called by jit/trap.cpp through TrapHooks. Tests: test/lit/hostile/later.wat.
#pragma once

#include <vector>

#include "jit/trap.h"

namespace wjit {

// Appends to the frames of what traps: the task that runs, if no guest code of it does; then, caller by caller, the
// frames of the threads that wait for it, or their task where they have no fiber. Strand only; also inside of the
// handler of a fault of guest code.
void add_waiting_callers(GuestContext* context, std::vector<Frame>& frames);

}  // namespace wjit

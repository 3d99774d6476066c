// Linear memory's side of the fault handlers; making and growing memories is declared in jit/instance.h.
#pragma once

#include <cstdint>

namespace wjit {

// Does the address lie in the reservation of a linear memory, guard included? Async-signal-safe.
bool is_guest_memory(uint64_t address);

}  // namespace wjit

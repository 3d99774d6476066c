// Walking guest stacks: registration of the .eh_frame sections of compiled code, and the pcs of the frames above a
// point. Called by the linker of compiled code (jit/orc_link.cpp, through libwjit) and by backtraces (jit/trap.cpp).
// Tests: test/unit/trap_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace wjit {

// Makes the frame descriptions of an .eh_frame section known, from before its code runs until deregister_frames. The
// section must stay where it is, within 2 GiB of its code. Any thread.
void register_frames(const uint8_t* eh_frame, size_t size);
void deregister_frames(const uint8_t* eh_frame);

// The pcs of the frames from (pc, sp, fp) outwards, innermost first, at most `limit`. Frames that are not compiled code
// (not in the code map) are left out. The first is `pc` itself; the others are return addresses.
std::vector<uint64_t> unwind(uint64_t pc, uint64_t sp, uint64_t fp, bool exact, size_t limit);

}  // namespace wjit

// Line tables of linked objects: pc -> wasm byte offset, which the emitter gives as the line number. Kept as the bytes
// of .debug_line, with addresses already final, and read only when a backtrace wants them. Called by jit/orc_link.cpp.
// Tests: test/unit/compiler_test.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace wjit {

// The rows of a .debug_line section (DWARF 4, one or more tables), sorted by address: (pc, line). Rows that end a
// sequence have line 0. What is malformed ends the reading.
std::vector<std::pair<uint64_t, uint32_t>> read_line_rows(std::span<const uint8_t> debug_line);

}  // namespace wjit

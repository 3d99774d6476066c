// What a store's guests may make the host hold for them: instances, handles, tasks, stacks. Their linear memories and
// tables are not counted. Every table may have 2^28 handles by the specification, and an instance may make a thousand
// others, so without a limit a small component takes all memory there is. StoreOptions::host_memory says how much; who
// takes traps, or fails to instantiate, when there is too little. Users: abi/handle_table.h, abi/instantiate.cpp. On
// the store's strand only. Tests: test/unit/handle_table_test.cpp, test/lit/hostile.
#pragma once

#include <cstdint>

namespace wjit {

struct HostMemory {
  uint64_t left = 0;  // bytes

  // False, and nothing taken, when there are fewer.
  bool take(uint64_t bytes) {
    if (left < bytes) return false;
    left -= bytes;
    return true;
  }
  void give(uint64_t bytes) { left += bytes; }
};

}  // namespace wjit

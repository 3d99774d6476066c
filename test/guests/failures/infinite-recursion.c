// Calls itself until the stack is exhausted.

#include "../p3.h"

static volatile u32 way = 1;

__attribute__((noinline)) static u32 descend(u32 depth) {
  u32 below = way ? descend(depth + 1) : depth;
  return below + way;  // not a tail call
}

EXPORT_SYNC u32 run(void) { return descend(0) == 0; }

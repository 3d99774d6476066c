// Traps 1,000 calls deep in a function that has a name: the backtrace is `bottom`, 1,000 times `descend`, `run`.

#include "../p3.h"

static volatile u32 way = 1;

__attribute__((noinline)) static u32 bottom(void) {
  if (way) __builtin_trap();
  return way;
}

__attribute__((noinline)) static u32 descend(u32 depth) {
  u32 below = depth == 0 ? bottom() : descend(depth - 1);
  return below + way;  // not a tail call
}

EXPORT_SYNC u32 run(void) { return descend(999) == 0; }

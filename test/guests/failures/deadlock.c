// Waits for a future whose writable end it holds itself, and never writes it: nothing can ever wake the task.

#include "../p3.h"

static u8 result[2];

EXPORT_ASYNC u32 run(void) {
  u32 future = (u32)stdout_result_new();
  u32 set = waitable_set_new();
  waitable_join(future, set);
  if (stdout_result(future, result) != BLOCKED) __builtin_trap();
  return WAIT | set << 4;
}

EXPORT_CALLBACK u32 callback(u32 event, u32 waitable, u32 code) { __builtin_trap(); }

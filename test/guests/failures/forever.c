// Waits on a timer of one hour.

#include "../p3.h"

EXPORT_ASYNC u32 run(void) {
  u32 set = waitable_set_new();
  waitable_join(wait_for(3600 * 1000000000ull) >> 4, set);
  return WAIT | set << 4;
}

EXPORT_CALLBACK u32 callback(u32 event, u32 waitable, u32 code) {
  subtask_drop(waitable);
  run_return(OK);
  return EXIT;
}

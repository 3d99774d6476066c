// Waiting for one waitable in C guests that block (stackful, or sync): a set of its own for each wait. After p3.h.
#pragma once

// The event's code.
static inline u32 await(u32 waitable) {
  u32 set = waitable_set_new();
  struct event event;
  waitable_join(waitable, set);
  waitable_set_wait(set, &event);
  waitable_join(waitable, 0);
  waitable_set_drop(set);
  return event.code;
}

// What an async copy has come to: `code`, unless that is BLOCKED.
static inline u32 ended(u32 waitable, u32 code) { return code == BLOCKED ? await(waitable) : code; }

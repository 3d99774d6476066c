// The callee: greets after a timer of 10 ms, so that its caller always sees it block. Callback ABI.
//
// Each task has its own name to greet; the task's subtask, the timer, finds its name in `tasks`, so any number of calls
// can wait at once.

#include "../p3.h"

#define GREET "wjit:guests/greeter#greet"
IMPORT("[export]wjit:guests/greeter", "[task-return]greet") void greet_return(const char *bytes, u32 length);

DEFINE_REALLOC(65536)

static struct task { u32 timer; struct string name; } tasks[64];
static char greeting[1024];

EXPORT("[async-lift]" GREET) u32 greet(char *name, u32 length) {
  u32 timer = wait_for(10 * 1000 * 1000);
  if ((timer & 15) == SUBTASK_RETURNED) __builtin_trap();
  struct task *task = tasks;
  while (task->timer != 0) ++task;
  *task = (struct task){timer >> 4, {name, length}};
  u32 set = waitable_set_new();
  waitable_join(timer >> 4, set);
  return WAIT | set << 4;
}

EXPORT("[callback][async-lift]" GREET) u32 greet_callback(u32 event, u32 waitable, u32 code) {
  if (event != EVENT_SUBTASK || code != SUBTASK_RETURNED) __builtin_trap();
  struct task *task = tasks;
  while (task->timer != waitable) ++task;
  task->timer = 0;
  subtask_drop(waitable);
  u32 length = 0;
  for (const char *s = "hello, "; *s != 0;) greeting[length++] = *s++;
  for (u32 i = 0; i < task->name.length; ++i) greeting[length++] = task->name.bytes[i];
  greet_return(greeting, length);
  return EXIT;
}

// The caller: asks for two greetings at once, waits for both, and prints them in the order in which it asked. Callback
// ABI.

#include "../p3.h"

// The arguments fit in registers; the result, a string, is stored where the last parameter points.
IMPORT("wjit:guests/greeter", "[async-lower]greet") u32 greet(const char *bytes, u32 length, struct string *greeting);

DEFINE_REALLOC(4096)

static struct string greetings[2];
static char text[1024];
static u32 greeted, length, written, set, writer, result_future;
static u8 result[2];

// Goes on after a write that ended with `code`.
static u32 wrote(u32 code) {
  for (;;) {
    written += code >> 4;
    if (written == length || (code & 15) == DROPPED) break;
    code = stdout_write(writer, text + written, length - written);
    if (code == BLOCKED) return WAIT | set << 4;
  }
  stdout_drop(writer);
  waitable_join(result_future, set);
  if (stdout_result(result_future, result) == BLOCKED) return WAIT | set << 4;
  run_return(result[0]);
  return EXIT;
}

static u32 print(void) {
  for (u32 i = 0; i < 2; ++i) {
    for (u32 k = 0; k < greetings[i].length; ++k) text[length++] = greetings[i].bytes[k];
    text[length++] = '\n';
  }
  u64 ends = stdout_stream_new();
  writer = ends >> 32;
  result_future = stdout_open((u32)ends);
  waitable_join(writer, set);
  return wrote(COMPLETED);
}

EXPORT_ASYNC u32 run(void) {
  u32 calls[2] = {greet("world", 5, &greetings[0]), greet("component", 9, &greetings[1])};
  set = waitable_set_new();
  for (u32 i = 0; i < 2; ++i) {
    if ((calls[i] & 15) != SUBTASK_STARTED) __builtin_trap();
    waitable_join(calls[i] >> 4, set);
  }
  return WAIT | set << 4;
}

EXPORT_CALLBACK u32 callback(u32 event, u32 waitable, u32 code) {
  switch (event) {
    case EVENT_SUBTASK:
      if (code != SUBTASK_RETURNED) __builtin_trap();
      subtask_drop(waitable);
      return ++greeted < 2 ? WAIT | set << 4 : print();
    case EVENT_STREAM_WRITE:
      return wrote(code);
    default:  // stdout has written everything
      run_return(result[0]);
      return EXIT;
  }
}

// Copies stdin to stdout after a timer of 10 ms: one program, lifted in three ways.
//
//   -DCALLBACK  returns to the host wherever it has to wait; what it waits for is in `state`
//   -DSTACKFUL  waits in the middle of its C functions, on a waitable set
//   -DSYNC      is lifted synchronously and calls the built-ins' synchronous forms, which wait themselves
//
// The copy ends with stdin, or when nobody takes what it writes any more; `run` then returns what stdin's and stdout's
// futures say, a broken pipe being no error.

#include "../p3.h"

static u8 buffer[65536];
static u8 in_result[2], out_result[2];

static u32 outcome(void) {
  return in_result[0] == OK && (out_result[0] == OK || out_result[1] == ERROR_PIPE) ? OK : ERR;
}

#if defined(CALLBACK)

static enum { TIMER, READ, WRITE, STDIN_RESULT, STDOUT_RESULT } state;
static u32 set, writer, stdout_future, left;
static u8 *rest;
static struct stdin in;

// Goes on after the operation of `state`, which ended with `code`.
static u32 advance(u32 code) {
  for (;;) {
    u32 waitable = 0;
    switch (state) {
      case TIMER: {
        stdin_open(&in);
        u64 ends = stdout_stream_new();
        writer = ends >> 32;
        stdout_future = stdout_open((u32)ends);
        goto read;
      }
      case READ:
        left = code >> 4;
        rest = buffer;
        if (left != 0) goto write;
        goto end;
      case WRITE:
        left -= code >> 4;
        rest += code >> 4;
        if ((code & 15) == DROPPED) goto end;
        if (left != 0) goto write;
        goto read;
      case STDIN_RESULT:
        stdin_result_drop(in.result);
        stdout_drop(writer);
        state = STDOUT_RESULT;
        code = stdout_result(waitable = stdout_future, out_result);
        break;
      case STDOUT_RESULT:
        stdout_result_drop(stdout_future);
        run_return(outcome());
        return EXIT;
      read:
        state = READ;
        code = stdin_read(waitable = in.stream, buffer, sizeof buffer);
        break;
      write:
        state = WRITE;
        code = stdout_write(waitable = writer, rest, left);
        break;
      end:
        stdin_drop(in.stream);
        state = STDIN_RESULT;
        code = stdin_result(waitable = in.result, in_result);
        break;
    }
    if (code == BLOCKED) {
      waitable_join(waitable, set);
      return WAIT | set << 4;
    }
  }
}

EXPORT_ASYNC u32 start(void) {
  set = waitable_set_new();
  state = TIMER;
  u32 timer = wait_for(10 * 1000 * 1000);
  if ((timer & 15) == SUBTASK_RETURNED) return advance(0);
  waitable_join(timer >> 4, set);
  return WAIT | set << 4;
}

EXPORT_CALLBACK u32 callback(u32 event, u32 waitable, u32 code) {
  if (event == EVENT_SUBTASK) {
    if (code != SUBTASK_RETURNED) return WAIT | set << 4;
    subtask_drop(waitable);
  } else {
    waitable_join(waitable, 0);
  }
  return advance(code);
}

#else

#if defined(STACKFUL)
#include "../wait.h"

static void sleep(u64 nanoseconds) {
  u32 timer = wait_for(nanoseconds);
  if ((timer & 15) == SUBTASK_RETURNED) return;
  while (await(timer >> 4) != SUBTASK_RETURNED) {}
  subtask_drop(timer >> 4);
}

#define stdin_read(stream, ...) ended(stream, stdin_read(stream, __VA_ARGS__))
#define stdout_write(stream, ...) ended(stream, stdout_write(stream, __VA_ARGS__))
#define stdin_result(future, ...) ended(future, stdin_result(future, __VA_ARGS__))
#define stdout_result(future, ...) ended(future, stdout_result(future, __VA_ARGS__))
#elif defined(SYNC)
#define sleep wait_for_sync
#define stdin_read stdin_read_sync
#define stdout_write stdout_write_sync
#define stdin_result stdin_result_sync
#define stdout_result stdout_result_sync
#endif

static u32 copy(void) {
  sleep(10 * 1000 * 1000);
  struct stdin in;
  stdin_open(&in);
  u64 ends = stdout_stream_new();
  u32 writer = ends >> 32, stdout_future = stdout_open((u32)ends);

  u32 code = COMPLETED;
  while ((code & 15) != DROPPED) {
    u32 count = stdin_read(in.stream, buffer, sizeof buffer) >> 4;
    if (count == 0) break;
    for (u8 *rest = buffer; rest != buffer + count && (code & 15) != DROPPED; rest += code >> 4) {
      code = stdout_write(writer, rest, buffer + count - rest);
    }
  }

  stdin_drop(in.stream);
  stdin_result(in.result, in_result);
  stdin_result_drop(in.result);
  stdout_drop(writer);
  stdout_result(stdout_future, out_result);
  stdout_result_drop(stdout_future);
  return outcome();
}

#if defined(STACKFUL)
EXPORT_STACKFUL void run(void) { run_return(copy()); }
#else
EXPORT_SYNC u32 run(void) { return copy(); }
#endif

#endif

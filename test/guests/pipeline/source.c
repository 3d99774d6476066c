// The source: `samples` returns a stream and a future at once and goes on as a task: it waits 1 ms, writes a chunk, waits
// again, and in the end gives the sum of all values. Callback ABI.
//
// Several tasks may wait at once: what an event is about tells which one it is for.

#include "../p3.h"

#define SAMPLES "wjit:guests/source#samples"
#define BUILTIN(name) IMPORT("[export]wjit:guests/source", name "samples")
BUILTIN("[task-return]") void samples_return(u32 stream, u32 sum);
BUILTIN("[stream-new-0]") u64 stream_new(void);  // readable | writable << 32
BUILTIN("[async-lower][stream-write-0]") u32 stream_write(u32 stream, const void *items, u32 count);
BUILTIN("[stream-drop-writable-0]") void stream_drop(u32 stream);
BUILTIN("[future-new-1]") u64 sum_new(void);
BUILTIN("[async-lower][future-write-1]") u32 sum_write(u32 future, const u64 *sum);
BUILTIN("[future-drop-writable-1]") void sum_drop(u32 future);

enum { EVENT_FUTURE_WRITE = 5, CHUNK = 7 };

struct sample { u8 kind; u64 at; u32 value; };

static struct task {
  u32 set, timer, stream, future, count, made, chunk, written;
  u64 sum;
  struct sample samples[CHUNK];
} tasks[8];

static u32 wait(struct task *task, u32 waitable) {
  waitable_join(waitable, task->set);
  return WAIT | task->set << 4;
}

static u32 finish(struct task *task) {
  sum_drop(task->future);
  waitable_set_drop(task->set);
  *task = (struct task){0};
  return EXIT;
}

static u32 end(struct task *task) {
  stream_drop(task->stream);
  task->stream = 0;
  return sum_write(task->future, &task->sum) == BLOCKED ? wait(task, task->future) : finish(task);
}

static u32 pause(struct task *task) {
  if (task->made == task->count) return end(task);
  u32 timer = wait_for(1000 * 1000);
  if ((timer & 15) == SUBTASK_RETURNED) __builtin_trap();
  task->timer = timer >> 4;
  return wait(task, task->timer);
}

// Goes on after a write that ended with `code`.
static u32 wrote(struct task *task, u32 code) {
  for (;;) {
    task->written += code >> 4;
    if ((code & 15) == DROPPED) return end(task);
    if (task->written == task->chunk) return pause(task);
    code = stream_write(task->stream, task->samples + task->written, task->chunk - task->written);
    if (code == BLOCKED) return wait(task, task->stream);
  }
}

static u32 make(struct task *task) {
  task->chunk = task->written = 0;
  while (task->made < task->count && task->chunk < CHUNK) {
    u32 i = task->made++;
    struct sample *sample = &task->samples[task->chunk++];
    *sample = (struct sample){i % 3, (u64)i << 32, i * i};
    task->sum += sample->value;
  }
  return wrote(task, COMPLETED);
}

EXPORT("[async-lift]" SAMPLES) u32 samples(u32 count) {
  struct task *task = tasks;
  while (task->set != 0) ++task;
  u64 stream = stream_new(), sum = sum_new();
  *task = (struct task){.set = waitable_set_new(), .stream = stream >> 32, .future = sum >> 32, .count = count};
  samples_return((u32)stream, (u32)sum);
  return pause(task);
}

EXPORT("[callback][async-lift]" SAMPLES) u32 callback(u32 event, u32 waitable, u32 code) {
  struct task *task = tasks;
  while (waitable != task->timer && waitable != task->stream && waitable != task->future) ++task;
  waitable_join(waitable, 0);
  switch (event) {
    case EVENT_SUBTASK:
      if (code != SUBTASK_RETURNED) __builtin_trap();
      subtask_drop(waitable);
      task->timer = 0;
      return make(task);
    case EVENT_STREAM_WRITE: return wrote(task, code);
    case EVENT_FUTURE_WRITE: return finish(task);
    default: __builtin_trap();
  }
}

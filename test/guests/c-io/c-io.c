// Streams, files and timers of WASI 0.3.0: passed on, touched, in great numbers. Callback form, without a C library; what
// has to be waited for is waited for in the middle of `run`.
//
//   c-io forward                 stdin to stdout: hands the stream on and reads nothing
//   c-io show FILE               a file to stdout, likewise
//   c-io store FILE, append FILE stdin to a file, to its end
//   c-io copy FROM TO            a file to another
//   c-io touch [BYTES]           stdin to stdout through two buffers of BYTES (default 65536), and adds all of it up
//   c-io copy-touch FROM TO [BYTES]
//   c-io random FILE DEPTH COUNT reads of 4 KiB here and there, DEPTH at a time; prints how many and how long it took
//   c-io timers COUNT MS SPREAD  COUNT timers at once, ends spread over SPREAD ms after MS ms; prints how late they were
//   c-io list                    entries of the folder, one a line
//   c-io walk                    goes through all folders below; prints how many there are, how many files, and their bytes
//   c-io open COUNT              opens COUNT files at a time (the first that fails ends it), then one again
//   c-io leave MS                hands stdin on to stdout, and exits with status 7 after MS, in the middle of it
//   c-io stuck MS                writes a MiB to stdout, says on stderr what it sees of that after MS, and exits with status 7
//
// Files are under the first preopened folder. The end of each stream that is not good is said on stderr, as a number of
// the interface's error-code.

#include "../p3.h"
#include "../wait.h"

IMPORT(CLOCK, "now") u64 now(void);
IMPORT(CLOCK, "[async-lower]wait-until") u32 wait_until(u64 when);

#define FILES "wasi:filesystem/types@0.3.0"
#define DESCRIPTOR(name) "[method]descriptor." name
enum { CREATE = 1, DIRECTORY = 2, TRUNCATE = 8, READ = 1, WRITE = 2 };
struct preopen { u32 descriptor; struct string name; };
struct preopens { struct preopen *items; u32 count; };
struct endpoints { u32 stream, result; };
struct opened { u8 is_error; u32 value; u32 more[3]; };  // the descriptor, or in its first byte the error's case
struct entry { u8 type; u32 other[3]; struct string name; };
IMPORT("wasi:filesystem/preopens@0.3.0", "get-directories") void get_directories(struct preopens *preopens);
IMPORT(FILES, DESCRIPTOR("open-at"))
void open_at(u32 self, u32 path_flags, const char *path, u32 length, u32 open_flags, u32 flags, struct opened *result);
struct status { u8 is_error; u64 type[2], links, size, times[9]; };
IMPORT(FILES, DESCRIPTOR("stat-at"))
void stat_at(u32 self, u32 path_flags, const char *path, u32 length, struct status *result);
IMPORT(FILES, "[resource-drop]descriptor") void descriptor_drop(u32 descriptor);
IMPORT(FILES, DESCRIPTOR("read-via-stream")) void file_read_open(u32 self, u64 offset, struct endpoints *endpoints);
IMPORT(FILES, "[async-lower][stream-read-0]" DESCRIPTOR("read-via-stream"))
u32 file_read(u32 stream, void *bytes, u32 count);
IMPORT(STDIN, "[stream-cancel-read-0]read-via-stream") u32 stdin_cancel(u32 stream);
IMPORT(FILES, "[stream-cancel-read-0]" DESCRIPTOR("read-via-stream")) u32 file_read_cancel(u32 stream);
IMPORT(FILES, "[stream-drop-readable-0]" DESCRIPTOR("read-via-stream")) void file_read_drop(u32 stream);
IMPORT(FILES, "[async-lower][future-read-1]" DESCRIPTOR("read-via-stream")) u32 file_result(u32 future, u8 *result);
IMPORT(FILES, "[future-drop-readable-1]" DESCRIPTOR("read-via-stream")) void file_result_drop(u32 future);
IMPORT(FILES, DESCRIPTOR("write-via-stream")) u32 file_write_open(u32 self, u32 readable, u64 offset);
IMPORT(FILES, DESCRIPTOR("append-via-stream")) u32 file_append_open(u32 self, u32 readable);
IMPORT(FILES, "[stream-new-0]" DESCRIPTOR("write-via-stream")) u64 file_stream_new(void);
IMPORT(FILES, "[async-lower][stream-write-0]" DESCRIPTOR("write-via-stream"))
u32 file_write(u32 stream, const void *bytes, u32 count);
IMPORT(FILES, "[stream-drop-writable-0]" DESCRIPTOR("write-via-stream")) void file_write_drop(u32 stream);
IMPORT(FILES, DESCRIPTOR("read-directory")) void list_open(u32 self, struct endpoints *endpoints);
IMPORT(FILES, "[async-lower][stream-read-0]" DESCRIPTOR("read-directory"))
u32 list_read(u32 stream, struct entry *entries, u32 count);
IMPORT(FILES, "[stream-drop-readable-0]" DESCRIPTOR("read-directory")) void list_drop(u32 stream);

// Arguments and folders at the start, then names.
static _Alignas(16) u8 heap[64 << 20];
static u32 heap_used;
EXPORT("cabi_realloc") void *cabi_realloc(void *old, u32 old_size, u32 align, u32 size) {
  heap_used = (heap_used + align - 1) & -align;
  if (size > sizeof heap - heap_used) __builtin_trap();
  void *block = heap + heap_used;
  heap_used += size;
  return block;
}

// ---- text ----

static char line[256];
static u32 line_length;

static void add(const char *text) {
  while (*text) line[line_length++] = *text++;
}
static void add_number(u64 number) {
  char digits[20];
  u32 count = 0;
  do digits[count++] = '0' + number % 10;
  while (number /= 10);
  while (count) line[line_length++] = digits[--count];
}
static void say(const char *bytes, u32 length) {
  u64 ends = stdout_stream_new();
  u32 writer = ends >> 32, future = stdout_open((u32)ends);
  u8 result[2];
  for (u32 at = 0, code = 0; at < length && (code & 15) != DROPPED; at += code >> 4) {
    code = ended(writer, stdout_write(writer, bytes + at, length - at));
  }
  stdout_drop(writer);
  ended(future, stdout_result(future, result));
  stdout_result_drop(future);
}
static void say_line(void) {
  say(line, line_length);
  line_length = 0;
}
static void complain(void) {
  u64 ends = stderr_stream_new();
  u32 writer = ends >> 32;
  stderr_open((u32)ends);
  for (u32 at = 0, code = 0; at < line_length && (code & 15) != DROPPED; at += code >> 4) {
    code = ended(writer, stderr_write(writer, line + at, line_length - at));
  }
  stderr_drop(writer);
  line_length = 0;
}
static int is(struct string text, const char *word) {
  u32 i = 0;
  while (i < text.length && word[i] && text.bytes[i] == word[i]) ++i;
  return i == text.length && !word[i];
}
static u64 number(struct string text) {
  u64 value = 0;
  for (u32 i = 0; i < text.length; ++i) value = value * 10 + (text.bytes[i] - '0');
  return value;
}

// ---- sources and sinks ----

static u32 folder;
static int failed;

// 0 after a word.
static u32 open_file(struct string path, u32 open_flags, u32 flags) {
  struct opened opened;
  open_at(folder, 1, path.bytes, path.length, open_flags, flags, &opened);
  if (!opened.is_error) return opened.value;
  add("open: error ");
  add_number(opened.value & 255);
  add("\n");
  complain();
  failed = 1;
  return 0;
}

typedef u32 read_function(u32 stream, void *bytes, u32 count);
typedef u32 write_function(u32 stream, const void *bytes, u32 count);
struct source { u32 stream, result; int is_file; };
struct sink { u32 result; int is_file; };
static struct string from_stdin = {"", 0};

static int open_source(struct string path, struct source *source) {
  struct endpoints ends;
  source->is_file = path.length != 0;
  if (source->is_file) {
    u32 file = open_file(path, 0, READ);
    if (!file) return 0;
    file_read_open(file, 0, &ends);
    descriptor_drop(file);
  } else {
    stdin_open((struct stdin *)&ends);
  }
  source->stream = ends.stream;
  source->result = ends.result;
  return 1;
}

static int open_sink(struct string path, int append, u32 stream, struct sink *sink) {
  sink->is_file = path.length != 0;
  if (!sink->is_file) {
    sink->result = stdout_open(stream);
    return 1;
  }
  u32 file = open_file(path, append ? CREATE : CREATE | TRUNCATE, WRITE);
  if (!file) return 0;
  sink->result = append ? file_append_open(file, stream) : file_write_open(file, stream, 0);
  descriptor_drop(file);
  return 1;
}

// A stdout that nobody reads any more is no failure.
static void tell(const char *which, int is_file, u8 *result) {
  if (!result[0] || (!is_file && result[1] == ERROR_PIPE)) return;
  add(which);
  add(": error ");
  add_number(result[is_file ? 4 : 1]);
  add("\n");
  complain();
  failed = 1;
}

static void finish(struct source *source, struct sink *sink) {
  _Alignas(4) u8 result[20];
  u32 future = sink->result;
  ended(future, sink->is_file ? file_result(future, result) : stdout_result(future, result));
  tell("sink", sink->is_file, result);
  future = source->result;
  ended(future, source->is_file ? file_result(future, result) : stdin_result(future, result));
  tell("source", source->is_file, result);
}

static void forward(struct string from, struct string to, int append) {
  struct source source;
  struct sink sink;
  if (open_source(from, &source) && open_sink(to, append, source.stream, &sink)) finish(&source, &sink);
}

// ---- touching ----

static _Alignas(64) u8 buffers[2][1 << 20];
static volatile u64 sum;

// `bytes` lie at a multiple of 8, and what is behind them may be read.
static void add_up(const u8 *bytes, u32 count) {
  u64 total = 0;
  for (u32 i = 0; i < count; i += 8) total += *(const u64 *)(bytes + i);
  sum += total;
}

// One buffer is read into while the other is written.
static void touch(struct string from, struct string to, u32 size) {
  if (size == 0) size = 65536;
  if (size > sizeof buffers[0]) __builtin_trap();
  struct source source;
  struct sink sink;
  if (!open_source(from, &source)) return;
  u64 ends = to.length ? file_stream_new() : stdout_stream_new();
  if (!open_sink(to, 0, (u32)ends, &sink)) return;
  u32 writer = ends >> 32;
  read_function *read = source.is_file ? file_read : stdin_read;
  write_function *write = sink.is_file ? file_write : stdout_write;
  u32 set = waitable_set_new();
  waitable_join(source.stream, set);
  waitable_join(writer, set);
  u32 filled[2] = {0, 0}, written = 0, reading = 0, writing = 0;  // the latter: which buffer
  int read_waits = 0, write_waits = 0, at_end = 0, code;
  for (;;) {
    if (!at_end && !read_waits && !filled[reading]) {
      code = read(source.stream, buffers[reading], size);
      if (code == BLOCKED) {
        read_waits = 1;
      } else {
      read_ended:
        read_waits = 0;
        at_end = (code & 15) == DROPPED;
        filled[reading] = (u32)code >> 4;
        add_up(buffers[reading], filled[reading]);
        if (filled[reading]) reading ^= 1;
      }
    }
    if (!write_waits && filled[writing]) {
      code = write(writer, buffers[writing] + written, filled[writing] - written);
      if (code == BLOCKED) {
        write_waits = 1;
      } else {
      write_ended:
        write_waits = 0;
        written += (u32)code >> 4;
        if ((code & 15) == DROPPED) break;
        if (written == filled[writing]) {
          filled[writing] = written = 0;
          writing ^= 1;
        }
        continue;
      }
    }
    if (at_end && !filled[0] && !filled[1]) break;
    if ((at_end || read_waits || filled[reading]) && (write_waits || !filled[writing])) {
      struct event event;
      u32 kind = waitable_set_wait(set, &event);
      code = event.code;
      if (kind == EVENT_STREAM_READ) goto read_ended;
      goto write_ended;
    }
  }
  waitable_join(writer, 0);
  (sink.is_file ? file_write_drop : stdout_drop)(writer);
  waitable_join(source.stream, 0);
  if (read_waits) (source.is_file ? file_read_cancel : stdin_cancel)(source.stream);
  (source.is_file ? file_read_drop : stdin_drop)(source.stream);
  finish(&source, &sink);
}

// ---- many at a time ----

#define MOST_HANDLES (1u << 21)
static u64 by_handle[MOST_HANDLES];

static void check_handle(u32 handle) {
  if (handle >= MOST_HANDLES) __builtin_trap();
}

enum { BLOCK = 4096, MOST_DEPTH = 1024 };
static _Alignas(BLOCK) u8 blocks[MOST_DEPTH][BLOCK];

static void random_reads(struct string path, u32 blocks_of_file, u32 depth, u32 count) {
  u32 file = open_file(path, 0, READ);
  if (!file) return;
  u32 set = waitable_set_new(), state = 1, begun = 0, done = 0, bad = 0, under_way = 0;
  u32 free_slots[MOST_DEPTH];
  for (u32 i = 0; i < depth; ++i) free_slots[i] = i;
  u64 start = now();
  while (done < count) {
    while (begun < count && under_way < depth) {
      state = state * 1664525 + 1013904223;
      u32 slot = free_slots[under_way];
      struct endpoints ends;
      file_read_open(file, (u64)((state >> 8) % blocks_of_file) * BLOCK, &ends);
      file_result_drop(ends.result);
      ++begun;
      u32 code = file_read(ends.stream, blocks[slot], BLOCK);
      if (code == BLOCKED) {
        check_handle(ends.stream);
        by_handle[ends.stream] = slot;
        waitable_join(ends.stream, set);
        ++under_way;
        continue;
      }
      bad += code >> 4 != BLOCK;
      ++done;
      file_read_drop(ends.stream);
    }
    if (under_way == 0) continue;
    struct event event;
    waitable_set_wait(set, &event);
    waitable_join(event.waitable, 0);
    file_read_drop(event.waitable);
    bad += event.code >> 4 != BLOCK;
    free_slots[--under_way] = (u32)by_handle[event.waitable];
    ++done;
  }
  add_number(done);
  add(" reads, ");
  add_number(bad);
  add(" bad, ");
  add_number((now() - start) / 1000);
  add(" us\n");
  say_line();
}

enum { MOST_LATE = 1 << 20 };  // us
static u32 late[MOST_LATE + 1];

static void note_late(u64 deadline) {
  u64 us = (now() - deadline) / 1000;
  ++late[us < MOST_LATE ? us : MOST_LATE];
}

static void timers(u32 count, u64 after_ms, u64 spread_ms) {
  u32 set = waitable_set_new(), left = count, state = 1;
  u64 start = now(), spread = spread_ms * 1000000 + 1, begun;
  for (u32 i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    u64 deadline = start + after_ms * 1000000 + ((u64)state * (spread >> 10) >> 22);  // spread: up to an hour
    u32 call = wait_until(deadline);
    if ((call & 15) == SUBTASK_RETURNED) {
      --left;
      note_late(deadline);
      continue;
    }
    check_handle(call >> 4);
    by_handle[call >> 4] = deadline;
    waitable_join(call >> 4, set);
  }
  begun = now();
  while (left) {
    struct event event;
    waitable_set_wait(set, &event);
    if (event.code != SUBTASK_RETURNED) continue;
    note_late(by_handle[event.waitable]);
    subtask_drop(event.waitable);
    --left;
  }
  u64 end = now();
  u32 p50 = 0, p99 = 0;
  for (u64 at = 0, seen = 0; at <= MOST_LATE; ++at) {
    if ((seen += late[at]) * 2 >= count && !p50) p50 = at;
    if (seen * 100 >= (u64)count * 99) {
      p99 = at;
      break;
    }
  }
  add_number(count);
  add(" timers, begun in ");
  add_number((begun - start) / 1000);
  add(" us, ended after ");
  add_number((end - start) / 1000);
  add(" us, late p50 ");
  add_number(p50);
  add(" us, p99 ");
  add_number(p99);
  add(" us\n");
  say_line();
}

// ---- folders ----

static void list(void) {
  struct endpoints ends;
  static struct entry entries[16];
  list_open(folder, &ends);
  u32 code = COMPLETED, count = 0;
  while ((code & 15) != DROPPED) {
    code = ended(ends.stream, list_read(ends.stream, entries, 16));
    for (u32 i = 0; i < code >> 4; ++i, ++count) {
      say(entries[i].name.bytes, entries[i].name.length);
      say("\n", 1);
    }
  }
  list_drop(ends.stream);
  _Alignas(4) u8 result[20];
  ended(ends.result, file_result(ends.result, result));
  tell("list", 1, result);
  add_number(count);
  add(" entries\n");
  say_line();
}

enum { TYPE_DIRECTORY = 2, TYPE_FILE = 5 };
static u64 files, folders, bytes;

static void walk(u32 here) {
  struct endpoints ends;
  struct entry entries[64];
  list_open(here, &ends);
  for (u32 code = COMPLETED; (code & 15) != DROPPED;) {
    u32 names = heap_used;
    code = ended(ends.stream, list_read(ends.stream, entries, 64));
    for (u32 i = 0; i < code >> 4; ++i) {
      const struct string name = entries[i].name;
      if (entries[i].type == TYPE_DIRECTORY) {
        struct opened opened;
        ++folders;
        open_at(here, 0, name.bytes, name.length, DIRECTORY, READ, &opened);
        if (opened.is_error) __builtin_trap();
        walk(opened.value);
        descriptor_drop(opened.value);
      } else if (entries[i].type == TYPE_FILE) {
        struct status status;
        ++files;
        stat_at(here, 0, name.bytes, name.length, &status);
        if (status.is_error) __builtin_trap();
        bytes += status.size;
      }
    }
    heap_used = names;
  }
  list_drop(ends.stream);
  _Alignas(4) u8 result[20];
  ended(ends.result, file_result(ends.result, result));
  tell("walk", 1, result);
  file_result_drop(ends.result);
}

static void walk_all(void) {
  walk(folder);
  add_number(folders);
  add(" folders, ");
  add_number(files);
  add(" files, ");
  add_number(bytes);
  add(" bytes\n");
  say_line();
}

static void open_many(u32 count) {
  static u32 files[1 << 16];
  struct string name = {"file", 4};
  u32 there = 0;
  while (there < count && (files[there] = open_file(name, CREATE, READ)) != 0) ++there;
  add(there == count ? "all of them\n" : "not all of them\n");
  say_line();
  if (there) descriptor_drop(files[0]);
  add(open_file(name, 0, READ) ? "one more\n" : "no more\n");
  say_line();
}

// ---- leaving ----

static void wait_ms(u64 ms) {
  u32 call = wait_until(now() + ms * 1000000);
  if ((call & 15) != SUBTASK_RETURNED) await(call >> 4);
}

static void leave(u64 ms) {
  struct stdin ends;
  stdin_open(&ends);
  stdout_open(ends.stream);
  wait_ms(ms);
  exit_with_code(7);
}

static void stuck(u64 ms) {
  u64 ends = stdout_stream_new();
  stdout_open((u32)ends);
  u32 code = stdout_write(ends >> 32, buffers[0], sizeof buffers[0]);
  wait_ms(ms);
  add(code == BLOCKED ? "stuck\n" : "some went out at once\n");
  complain();
  exit_with_code(7);
}

EXPORT_ASYNC u32 run(void) {
  struct strings arguments;
  struct preopens preopens;
  get_arguments(&arguments);
  get_directories(&preopens);
  if (preopens.count) folder = preopens.items[0].descriptor;
  struct string nothing = {"", 0}, words[5];
  for (u32 i = 0; i < 5; ++i) words[i] = i < arguments.count ? arguments.items[i] : nothing;
  struct string mode = words[1];
  if (is(mode, "forward")) forward(from_stdin, nothing, 0);
  else if (is(mode, "show")) forward(words[2], nothing, 0);
  else if (is(mode, "store")) forward(from_stdin, words[2], 0);
  else if (is(mode, "append")) forward(from_stdin, words[2], 1);
  else if (is(mode, "copy")) forward(words[2], words[3], 0);
  else if (is(mode, "touch")) touch(from_stdin, nothing, number(words[2]));
  else if (is(mode, "copy-touch")) touch(words[2], words[3], number(words[4]));
  else if (is(mode, "random")) random_reads(words[2], 1 << 16, number(words[3]), number(words[4]));
  else if (is(mode, "timers")) timers(number(words[2]), number(words[3]), number(words[4]));
  else if (is(mode, "list")) list();
  else if (is(mode, "walk")) walk_all();
  else if (is(mode, "open")) open_many(number(words[2]));
  else if (is(mode, "leave")) leave(number(words[2]));
  else if (is(mode, "stuck")) stuck(number(words[2]));
  else __builtin_trap();
  run_return(failed ? ERR : OK);
  return EXIT;
}

EXPORT_CALLBACK u32 callback(u32 event, u32 waitable, u32 code) { return EXIT; }

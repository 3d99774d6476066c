// The smallest useful component: prints a line, then its arguments, each on a line of its own, through a stream.
//
// It exports wasi:cli/run@0.3.0 with the callback ABI: wherever it has to wait it returns to the runtime, which calls
// `callback` when there is an event. No C library is needed; the attributes bind the Canonical ABI's names.
// test/guests/build.sh builds it.

typedef unsigned u32;
typedef unsigned long long u64;

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

enum { EXIT = 0, WAIT = 2 };  // what a callback function returns; WAIT carries a waitable set in the bits above
#define BLOCKED 0xffffffffu    // what a stream or future operation returns if it has not ended yet
enum { STREAM_WRITE = 3, FUTURE_READ = 4 };  // events

struct string { const char *bytes; u32 length; };
struct strings { struct string *items; u32 count; };

IMPORT("wasi:cli/environment@0.3.0", "get-arguments") void get_arguments(struct strings *result);
IMPORT("wasi:cli/stdout@0.3.0", "[stream-new-0]write-via-stream") u64 stream_new(void);
IMPORT("wasi:cli/stdout@0.3.0", "write-via-stream") u32 write_via_stream(u32 readable_end);
IMPORT("wasi:cli/stdout@0.3.0", "[async-lower][stream-write-0]write-via-stream")
u32 stream_write(u32 writable_end, const char *bytes, u32 count);
IMPORT("wasi:cli/stdout@0.3.0", "[stream-drop-writable-0]write-via-stream") void stream_drop_writable(u32 writable_end);
IMPORT("wasi:cli/stdout@0.3.0", "[async-lower][future-read-1]write-via-stream")
u32 future_read(u32 future, void *result);
IMPORT("$root", "[waitable-set-new]") u32 waitable_set_new(void);
IMPORT("$root", "[waitable-join]") void waitable_join(u32 waitable, u32 set);
IMPORT("[export]wasi:cli/run@0.3.0", "[task-return]run") void run_return(u32 error);

// What the runtime lowers into this memory, the arguments here, it allocates with this function.
static char heap[65536];
static u32 heap_used;

EXPORT("cabi_realloc") void *cabi_realloc(void *old, u32 old_size, u32 align, u32 size) {
  heap_used = (heap_used + align - 1) & -align;
  if (size > sizeof heap - heap_used) __builtin_trap();
  void *block = heap + heap_used;
  heap_used += size;
  return block;
}

static char text[65536];
static u32 length, written;
static u32 writer, done, set;  // the stream's writable end, the future of stdout's result, what the task waits on
static unsigned char result[2];

static void append(const char *bytes, u32 count) {
  for (u32 i = 0; i < count && length < sizeof text; ++i) text[length++] = bytes[i];
}

// A write has ended, having taken `count` bytes; `dropped` if nobody reads on. Goes on until it has to wait.
static u32 wrote(u32 count, int dropped) {
  for (;;) {
    written += count;
    if (written == length || dropped) break;
    u32 code = stream_write(writer, text + written, length - written);
    if (code == BLOCKED) return WAIT | set << 4;
    count = code >> 4;
    dropped = code & 1;
  }
  stream_drop_writable(writer);
  waitable_join(done, set);
  if (future_read(done, result) == BLOCKED) return WAIT | set << 4;
  run_return(result[0]);
  return EXIT;
}

EXPORT("[async-lift]wasi:cli/run@0.3.0#run") u32 run(void) {
  struct strings arguments;
  get_arguments(&arguments);
  append("hello from a component\n", 23);
  for (u32 i = 1; i < arguments.count; ++i) {  // the first one is the program's name
    append(arguments.items[i].bytes, arguments.items[i].length);
    append("\n", 1);
  }
  u64 ends = stream_new();
  writer = ends >> 32;
  done = write_via_stream((u32)ends);
  set = waitable_set_new();
  waitable_join(writer, set);
  return wrote(0, 0);
}

EXPORT("[callback][async-lift]wasi:cli/run@0.3.0#run") u32 callback(u32 event, u32 waitable, u32 code) {
  if (event == STREAM_WRITE) return wrote(code >> 4, code & 1);
  run_return(result[0]);  // FUTURE_READ: stdout has written everything
  return EXIT;
}

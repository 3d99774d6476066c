// The Canonical ABI and the parts of WASI 0.3.0 that the C guests use, bound by hand and without a C library.
//
// An import's module and name are those that wit-component gives to the built-ins of the component model, for example
//   "wasi:cli/stdout@0.3.0" "[async-lower][stream-write-0]write-via-stream"
// is stream.write of the stream type that is number 0 in write-via-stream's type, lowered asynchronously. A declaration
// that is not called leaves no import. Exports carry the lift in their name: see EXPORT_CALLBACK and the others below.
//
// Asynchronous operations return a packed word: BLOCKED, or (count << 4) | how the copy ended. An asynchronous call
// returns (subtask << 4) | state.

#pragma once

typedef unsigned char u8;
typedef unsigned u32;
typedef unsigned long long u64;

#define IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define EXPORT(name) __attribute__((export_name(name)))

// The three ways in which `run` can be lifted.
#define RUN "wasi:cli/run@0.3.0#run"
#define EXPORT_SYNC EXPORT(RUN)                              // u32 f(void), returns OK or ERR
#define EXPORT_STACKFUL EXPORT("[async-lift-stackful]" RUN)  // void f(void), calls run_return
#define EXPORT_ASYNC EXPORT("[async-lift]" RUN)              // u32 f(void), returns a callback code
#define EXPORT_CALLBACK EXPORT("[callback][async-lift]" RUN) // u32 f(u32 event, u32 waitable, u32 code), likewise

enum { OK = 0, ERR = 1 };                          // result
enum { SUBTASK_STARTED = 1, SUBTASK_RETURNED = 2 };
enum { EVENT_SUBTASK = 1, EVENT_STREAM_READ = 2, EVENT_STREAM_WRITE = 3, EVENT_FUTURE_READ = 4 };
enum { COMPLETED = 0, DROPPED = 1, CANCELLED = 2 };
#define BLOCKED 0xffffffffu
enum { EXIT = 0, YIELD = 1, WAIT = 2 };            // callback codes; WAIT | (waitable set << 4)

struct event { u32 waitable, code; };
struct string { char *bytes; u32 length; };

// canon built-ins
IMPORT("$root", "[waitable-set-new]") u32 waitable_set_new(void);
IMPORT("$root", "[waitable-set-wait]") u32 waitable_set_wait(u32 set, struct event *event);
IMPORT("$root", "[waitable-set-drop]") void waitable_set_drop(u32 set);
IMPORT("$root", "[waitable-join]") void waitable_join(u32 waitable, u32 set);
IMPORT("$root", "[subtask-drop]") void subtask_drop(u32 subtask);
IMPORT("[export]wasi:cli/run@0.3.0", "[task-return]run") void run_return(u32 result);

// wasi:clocks/monotonic-clock
#define CLOCK "wasi:clocks/monotonic-clock@0.3.0"
IMPORT(CLOCK, "wait-for") void wait_for_sync(u64 nanoseconds);
IMPORT(CLOCK, "[async-lower]wait-for") u32 wait_for(u64 nanoseconds);

// wasi:cli/environment, wasi:cli/exit
struct strings { struct string *items; u32 count; };
IMPORT("wasi:cli/environment@0.3.0", "get-arguments") void get_arguments(struct strings *arguments);
IMPORT("wasi:cli/exit@0.3.0", "exit-with-code") void exit_with_code(u32 code);

// wasi:cli/stdin: a stream<u8> and a future<result<_, error-code>>. A result is two bytes: OK or ERR, the error code.
enum { ERROR_IO = 0, ERROR_ILLEGAL_BYTE_SEQUENCE = 1, ERROR_PIPE = 2 };
#define STDIN "wasi:cli/stdin@0.3.0"
struct stdin { u32 stream, result; };
IMPORT(STDIN, "read-via-stream") void stdin_open(struct stdin *stdin);
IMPORT(STDIN, "[stream-read-0]read-via-stream") u32 stdin_read_sync(u32 stream, void *bytes, u32 count);
IMPORT(STDIN, "[async-lower][stream-read-0]read-via-stream") u32 stdin_read(u32 stream, void *bytes, u32 count);
IMPORT(STDIN, "[stream-drop-readable-0]read-via-stream") void stdin_drop(u32 stream);
IMPORT(STDIN, "[future-read-1]read-via-stream") u32 stdin_result_sync(u32 future, u8 *result);
IMPORT(STDIN, "[async-lower][future-read-1]read-via-stream") u32 stdin_result(u32 future, u8 *result);
IMPORT(STDIN, "[future-drop-readable-1]read-via-stream") void stdin_result_drop(u32 future);

// wasi:cli/stdout: takes the readable end of a stream that the guest makes, gives a future.
#define STDOUT "wasi:cli/stdout@0.3.0"
IMPORT(STDOUT, "[stream-new-0]write-via-stream") u64 stdout_stream_new(void); // readable | writable << 32
IMPORT(STDOUT, "write-via-stream") u32 stdout_open(u32 readable);
IMPORT(STDOUT, "[stream-write-0]write-via-stream") u32 stdout_write_sync(u32 stream, const void *bytes, u32 count);
IMPORT(STDOUT, "[async-lower][stream-write-0]write-via-stream")
u32 stdout_write(u32 stream, const void *bytes, u32 count);
IMPORT(STDOUT, "[stream-drop-writable-0]write-via-stream") void stdout_drop(u32 stream);
IMPORT(STDOUT, "[future-new-1]write-via-stream") u64 stdout_result_new(void); // readable | writable << 32
IMPORT(STDOUT, "[future-read-1]write-via-stream") u32 stdout_result_sync(u32 future, u8 *result);
IMPORT(STDOUT, "[async-lower][future-read-1]write-via-stream") u32 stdout_result(u32 future, u8 *result);
IMPORT(STDOUT, "[future-drop-readable-1]write-via-stream") void stdout_result_drop(u32 future);

// wasi:cli/stderr: the same.
#define STDERR "wasi:cli/stderr@0.3.0"
IMPORT(STDERR, "[stream-new-0]write-via-stream") u64 stderr_stream_new(void);
IMPORT(STDERR, "write-via-stream") u32 stderr_open(u32 readable);
IMPORT(STDERR, "[async-lower][stream-write-0]write-via-stream")
u32 stderr_write(u32 stream, const void *bytes, u32 count);
IMPORT(STDERR, "[stream-drop-writable-0]write-via-stream") void stderr_drop(u32 stream);

// Memory that the host gives to the guest (strings, lists): never freed.
#define DEFINE_REALLOC(size)                                                              \
  EXPORT("cabi_realloc")                                                                  \
  void *cabi_realloc(void *old, u32 old_size, u32 align, u32 new_size) {                  \
    static _Alignas(16) u8 heap[size];                                                    \
    static u32 used;                                                                      \
    used = (used + align - 1) & -align;                                                   \
    if (new_size > size - used) __builtin_trap();                                         \
    void *block = &heap[used];                                                            \
    used += new_size;                                                                     \
    return block;                                                                         \
  }

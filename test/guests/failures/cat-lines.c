// Writes "line 1", "line 2" and so on without an end; returns when nobody reads stdout any more.

#include "../p3.h"

static char buffer[4096];
static u32 length, written, line, set, writer, result_future;

static void fill(void) {
  length = written = 0;
  while (length < sizeof buffer - 32) {
    char digits[10];
    u32 count = 0;
    for (u32 n = ++line; n != 0 || count == 0; n /= 10) digits[count++] = '0' + n % 10;
    for (const char *s = "line "; *s != 0;) buffer[length++] = *s++;
    while (count != 0) buffer[length++] = digits[--count];
    buffer[length++] = '\n';
  }
}

// Goes on after a write that ended with `code`.
static u32 wrote(u32 code) {
  for (;;) {
    if ((code & 15) == DROPPED) {
      stdout_drop(writer);
      stdout_result_drop(result_future);
      run_return(OK);
      return EXIT;
    }
    written += code >> 4;
    if (written == length) fill();
    code = stdout_write(writer, buffer + written, length - written);
    if (code == BLOCKED) return WAIT | set << 4;
  }
}

EXPORT_ASYNC u32 run(void) {
  u64 ends = stdout_stream_new();
  writer = ends >> 32;
  result_future = stdout_open((u32)ends);
  set = waitable_set_new();
  waitable_join(writer, set);
  return wrote(COMPLETED);
}

EXPORT_CALLBACK u32 callback(u32 event, u32 waitable, u32 code) { return wrote(code); }

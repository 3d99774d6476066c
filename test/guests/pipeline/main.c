// The program: asks for two reports at once, prints the first one whole and three lines of the second, and drops that.
// Stackful: it waits in the middle of its functions.

#include "../p3.h"
#include "../wait.h"

#define REPORT "wjit:guests/report"
IMPORT(REPORT, "[async-lower]report") u32 report(u32 count, u32 *stream);
IMPORT(REPORT, "[async-lower][stream-read-0]report") u32 report_read(u32 stream, struct string *lines, u32 count);
IMPORT(REPORT, "[stream-drop-readable-0]report") void report_drop(u32 stream);

DEFINE_REALLOC(65536)

static u32 writer;

static void returned(u32 call) {
  if ((call & 15) == SUBTASK_RETURNED) return;
  while (await(call >> 4) != SUBTASK_RETURNED) {}
  subtask_drop(call >> 4);
}

static void print(const char *bytes, u32 length) {
  for (u32 written = 0; written < length;) {
    u32 code = ended(writer, stdout_write(writer, bytes + written, length - written));
    if ((code & 15) == DROPPED) return;
    written += code >> 4;
  }
}

// Reads and prints up to `count` lines, `batch` at once. The number read: fewer where the stream has ended.
static u32 lines(u32 stream, u32 count, u32 batch) {
  static struct string line[4];
  u32 read = 0, code = COMPLETED;
  while (read < count && (code & 15) != DROPPED) {
    code = ended(stream, report_read(stream, line, batch));
    for (u32 i = 0; i < code >> 4; ++i, ++read) {
      print(line[i].bytes, line[i].length);
      print("\n", 1);
    }
  }
  return read;
}

EXPORT_STACKFUL void run(void) {
  u64 ends = stdout_stream_new();
  writer = ends >> 32;
  u32 result_future = stdout_open((u32)ends);

  u32 whole, part;
  u32 calls[2] = {report(20, &whole), report(100000, &part)};
  returned(calls[0]);
  returned(calls[1]);
  lines(whole, -1, 4);
  report_drop(whole);
  u32 read = lines(part, 3, 1);
  report_drop(part);
  print(read == 3 ? "dropped\n" : "too short\n", read == 3 ? 8 : 10);

  static u8 result[2];
  stdout_drop(writer);
  if (stdout_result(result_future, result) == BLOCKED) await(result_future);
  stdout_result_drop(result_future);
  run_return(result[0]);
}

// Streams of WASI 0.3.0 that are handed on, with a TCP connection at one end or at both. The guest reads nothing of them: it
// joins the ends, waits for both results and says them.
//
//   c-relay FROM TO [drop-source|drop-sink]
//
// FROM and TO: `-` (stdin, stdout), the number of a port at 127.0.0.1 to connect to, or a file of the first folder. With
// drop-…, the guest drops that end's future as soon as it has it, and waits for the other one.
//
// Prints "source: ok" and "sink: ok" on stderr, or "…: error N", N the case of the interface's error-code.

#include "../p3.h"
#include "../wait.h"

struct endpoints { u32 stream, result; };

#define FILES "wasi:filesystem/types@0.3.0"
#define DESCRIPTOR(name) "[method]descriptor." name
enum { CREATE = 1, TRUNCATE = 8, READ = 1, WRITE = 2 };
struct preopen { u32 descriptor; struct string name; };
struct preopens { struct preopen *items; u32 count; };
struct opened { u8 is_error; u32 value; u32 more[3]; };
IMPORT("wasi:filesystem/preopens@0.3.0", "get-directories") void get_directories(struct preopens *preopens);
IMPORT(FILES, DESCRIPTOR("open-at"))
void open_at(u32 self, u32 path_flags, const char *path, u32 length, u32 open_flags, u32 flags, struct opened *result);
IMPORT(FILES, DESCRIPTOR("read-via-stream")) void file_read_open(u32 self, u64 offset, struct endpoints *endpoints);
IMPORT(FILES, "[async-lower][future-read-1]" DESCRIPTOR("read-via-stream")) u32 file_source_result(u32 future, void *result);
IMPORT(FILES, "[future-drop-readable-1]" DESCRIPTOR("read-via-stream")) void file_source_drop(u32 future);
IMPORT(FILES, DESCRIPTOR("write-via-stream")) u32 file_write_open(u32 self, u32 readable, u64 offset);
IMPORT(FILES, "[async-lower][future-read-1]" DESCRIPTOR("write-via-stream")) u32 file_sink_result(u32 future, void *result);
IMPORT(FILES, "[future-drop-readable-1]" DESCRIPTOR("write-via-stream")) void file_sink_drop(u32 future);

#define SOCKETS "wasi:sockets/types@0.3.0"
#define TCP(name) "[method]tcp-socket." name
struct handle_result { u8 is_error; u32 value; u32 more[4]; };
struct end_result { u8 is_error; u32 error[5]; };
struct address { u8 family; _Alignas(4) unsigned short port; u8 ip[4]; u32 rest[6]; };
struct connect_arguments { u32 self; struct address remote; };
IMPORT(SOCKETS, "[static]tcp-socket.create") void tcp_create(u32 family, struct handle_result *result);
IMPORT(SOCKETS, "[async-lower]" TCP("connect"))
u32 tcp_connect(const struct connect_arguments *arguments, struct end_result *result);
IMPORT(SOCKETS, TCP("receive")) void tcp_receive(u32 self, struct endpoints *received);
IMPORT(SOCKETS, "[async-lower][future-read-1]" TCP("receive")) u32 tcp_source_result(u32 future, void *result);
IMPORT(SOCKETS, "[future-drop-readable-1]" TCP("receive")) void tcp_source_drop(u32 future);
IMPORT(SOCKETS, TCP("send")) u32 tcp_send(u32 self, u32 readable);
IMPORT(SOCKETS, "[async-lower][future-read-1]" TCP("send")) u32 tcp_sink_result(u32 future, void *result);
IMPORT(SOCKETS, "[future-drop-readable-1]" TCP("send")) void tcp_sink_drop(u32 future);

DEFINE_REALLOC(65536)

static int is(struct string text, const char *word) {
  u32 i = 0;
  while (i < text.length && word[i] && text.bytes[i] == word[i]) ++i;
  return i == text.length && !word[i];
}

// ---- ends ----

enum kind { STANDARD, SOCKET, NAMED };

static u32 connect_to(struct string port) {
  struct handle_result socket;
  struct end_result connected;
  u32 number = 0;
  for (u32 i = 0; i < port.length; ++i) number = number * 10 + (port.bytes[i] - '0');
  tcp_create(0, &socket);
  if (socket.is_error) __builtin_trap();
  struct connect_arguments to = {socket.value, {0, (unsigned short)number, {127, 0, 0, 1}}};
  u32 call = tcp_connect(&to, &connected);
  if ((call & 15) != SUBTASK_RETURNED) {
    ended(call >> 4, BLOCKED);
    subtask_drop(call >> 4);
  }
  if (connected.is_error) __builtin_trap();
  return socket.value;
}

static u32 open_file(struct string path, u32 open_flags, u32 flags) {
  struct preopens preopens;
  struct opened opened;
  get_directories(&preopens);
  if (preopens.count == 0) __builtin_trap();
  open_at(preopens.items[0].descriptor, 1, path.bytes, path.length, open_flags, flags, &opened);
  if (opened.is_error) __builtin_trap();
  return opened.value;
}

static enum kind kind_of(struct string word) {
  if (is(word, "-")) return STANDARD;
  return word.length && word.bytes[0] >= '0' && word.bytes[0] <= '9' ? SOCKET : NAMED;
}

// ---- results ----

static void say(const char *which, int is_error, u32 error) {
  static char line[64];
  u32 length = 0, writer;
  while (*which) line[length++] = *which++;
  for (const char *text = is_error ? "error " : "ok"; *text;) line[length++] = *text++;
  if (is_error && error >= 10) line[length++] = '0' + error / 10;
  if (is_error) line[length++] = '0' + error % 10;
  line[length++] = '\n';
  u64 ends = stderr_stream_new();
  writer = ends >> 32;
  stderr_open((u32)ends);
  for (u32 at = 0, code = 0; at < length && (code & 15) != DROPPED; at += code >> 4) {
    code = ended(writer, stderr_write(writer, line + at, length - at));
  }
  stderr_drop(writer);
}

typedef u32 result_function(u32 future, void *result);
typedef void drop_function(u32 future);

static u32 stdin_result_of(u32 future, void *result) { return stdin_result(future, result); }
static u32 stdout_result_of(u32 future, void *result) { return stdout_result(future, result); }

static void tell(const char *which, enum kind kind, result_function *read, u32 future) {
  _Alignas(8) u8 result[32];
  ended(future, read(future, result));
  say(which, result[0], result[kind == STANDARD ? 1 : 4]);
}

EXPORT_ASYNC u32 run(void) {
  static result_function *const source_results[] = {stdin_result_of, tcp_source_result, file_source_result};
  static result_function *const sink_results[] = {stdout_result_of, tcp_sink_result, file_sink_result};
  static drop_function *const source_drops[] = {stdin_result_drop, tcp_source_drop, file_source_drop};
  static drop_function *const sink_drops[] = {stdout_result_drop, tcp_sink_drop, file_sink_drop};
  struct strings arguments;
  get_arguments(&arguments);
  if (arguments.count < 3) __builtin_trap();
  struct string from = arguments.items[1], to = arguments.items[2], nothing = {"", 0};
  struct string how = arguments.count > 3 ? arguments.items[3] : nothing;
  enum kind source = kind_of(from), sink = kind_of(to);

  struct endpoints ends;
  u32 sink_result;
  if (source == STANDARD) stdin_open((struct stdin *)&ends);
  else if (source == SOCKET) tcp_receive(connect_to(from), &ends);
  else file_read_open(open_file(from, 0, READ), 0, &ends);
  if (sink == STANDARD) sink_result = stdout_open(ends.stream);
  else if (sink == SOCKET) sink_result = tcp_send(connect_to(to), ends.stream);
  else sink_result = file_write_open(open_file(to, CREATE | TRUNCATE, WRITE), ends.stream, 0);

  if (is(how, "drop-source")) source_drops[source](ends.result);
  if (is(how, "drop-sink")) sink_drops[sink](sink_result);
  if (!is(how, "drop-source")) tell("source: ", source, source_results[source], ends.result);
  if (!is(how, "drop-sink")) tell("sink: ", sink, sink_results[sink], sink_result);
  run_return(OK);
  return EXIT;
}

EXPORT_CALLBACK u32 callback(u32 event, u32 waitable, u32 code) { return EXIT; }

// TCP and UDP echo through wasi:sockets@0.3.0, servers and clients, in the callback form and without a C library. One task
// waits for everything on one waitable set; a connection is a small record, found by the number of its stream's end.
//
//   c-net tcp-server CONNECTIONS              echoes what comes; ends after so many connections, with 0 never
//   c-net tcp-client PORT CONNECTIONS ROUNDS BYTES
//                                             sends BYTES over each connection and compares what comes back, ROUNDS times
//   c-net udp-server DATAGRAMS                sends each datagram back; ends after so many, with 0 never
//   c-net udp-client PORT DATAGRAMS BYTES     one after the other
//
// Everything happens at 127.0.0.1. Servers choose a free port and print "port N"; all end with a line of figures.

#include "../p3.h"

#define SOCKETS "wasi:sockets/types@0.3.0"
#define TCP(name) "[method]tcp-socket." name
#define UDP(name) "[method]udp-socket." name

enum { INVALID_HANDLE = 0, IPV4 = 0 };

// result<own<…>, error-code>: the handle lies where the error's case would.
struct handle_result { u8 is_error; u32 value; u32 more[4]; };
struct end_result { u8 is_error; u32 error[5]; };
// ip-socket-address; only its ipv4 case is used here.
struct address {
  u8 family;
  _Alignas(4) unsigned short port;
  u8 ip[4];
  u32 rest[6];
};
struct address_result { u8 is_error; struct address address; };
struct endpoints { u32 stream, result; };

IMPORT(SOCKETS, "[static]tcp-socket.create") void tcp_create(u32 family, struct handle_result *result);
IMPORT(SOCKETS, TCP("bind"))
void tcp_bind(u32 self, u32 family, u32 port, u32 a, u32 b, u32 c, u32 d, u32, u32, u32, u32, u32, u32,
              struct end_result *result);
IMPORT(SOCKETS, TCP("listen")) void tcp_listen(u32 self, struct handle_result *result);
IMPORT(SOCKETS, "[async-lower][stream-read-0]" TCP("listen")) u32 accept(u32 stream, u32 *sockets, u32 count);
struct connect_arguments { u32 self; struct address remote; };
IMPORT(SOCKETS, "[async-lower]" TCP("connect"))
u32 tcp_connect(const struct connect_arguments *arguments, struct end_result *result);
IMPORT(SOCKETS, TCP("get-local-address")) void tcp_local_address(u32 self, struct address_result *result);
IMPORT(SOCKETS, TCP("send")) u32 tcp_send(u32 self, u32 readable);
IMPORT(SOCKETS, "[stream-new-0]" TCP("send")) u64 send_stream_new(void);
IMPORT(SOCKETS, "[async-lower][stream-write-0]" TCP("send")) u32 send_write(u32 stream, const void *bytes, u32 count);
IMPORT(SOCKETS, "[stream-drop-writable-0]" TCP("send")) void send_drop(u32 stream);
IMPORT(SOCKETS, "[future-drop-readable-1]" TCP("send")) void send_result_drop(u32 future);
IMPORT(SOCKETS, TCP("receive")) void tcp_receive(u32 self, struct endpoints *received);
IMPORT(SOCKETS, "[async-lower][stream-read-0]" TCP("receive")) u32 receive_read(u32 stream, void *bytes, u32 count);
IMPORT(SOCKETS, "[stream-drop-readable-0]" TCP("receive")) void receive_drop(u32 stream);
IMPORT(SOCKETS, "[future-drop-readable-1]" TCP("receive")) void receive_result_drop(u32 future);
IMPORT(SOCKETS, "[resource-drop]tcp-socket") void tcp_drop(u32 self);

IMPORT(SOCKETS, "[static]udp-socket.create") void udp_create(u32 family, struct handle_result *result);
IMPORT(SOCKETS, UDP("bind"))
void udp_bind(u32 self, u32 family, u32 port, u32 a, u32 b, u32 c, u32 d, u32, u32, u32, u32, u32, u32,
              struct end_result *result);
IMPORT(SOCKETS, UDP("get-local-address")) void udp_local_address(u32 self, struct address_result *result);
struct datagram { const u8 *data; u32 size; };
struct receive_result { u8 is_error; struct datagram datagram; struct address from; };
struct send_arguments { u32 self; struct datagram datagram; u8 some; _Alignas(4) struct address to; };
IMPORT(SOCKETS, "[async-lower]" UDP("receive")) u32 udp_receive(u32 self, struct receive_result *result);
IMPORT(SOCKETS, "[async-lower]" UDP("send"))
u32 udp_send(const struct send_arguments *arguments, struct end_result *result);

// Arguments at the start, then one datagram after the other.
static _Alignas(16) u8 heap[256 << 10];
static u32 heap_used, heap_kept;
EXPORT("cabi_realloc") void *cabi_realloc(void *old, u32 old_size, u32 align, u32 size) {
  heap_used = (heap_used + align - 1) & -align;
  if (size > sizeof heap - heap_used) __builtin_trap();
  void *block = heap + heap_used;
  heap_used += size;
  return block;
}

// ---- text ----

static char line[128];
static u32 line_length;

static void add(const char *text) {
  while (*text) line[line_length++] = *text++;
}
static void add_number(u32 number) {
  char digits[10];
  u32 count = 0;
  do digits[count++] = '0' + number % 10;
  while (number /= 10);
  while (count) line[line_length++] = digits[--count];
}
static int is(struct string text, const char *word) {
  u32 i = 0;
  while (i < text.length && word[i] && text.bytes[i] == word[i]) ++i;
  return i == text.length && !word[i];
}
static u32 number(struct string text) {
  u32 value = 0;
  for (u32 i = 0; i < text.length; ++i) value = value * 10 + (text.bytes[i] - '0');
  return value;
}

// ---- the task ----

enum { TCP_SERVER, TCP_CLIENT, UDP_SERVER, UDP_CLIENT } mode;
static u32 set, out, out_written, failures;
static enum { RUNNING, ENDING } phase;
static struct strings arguments;

#define MOST_HANDLES (1u << 17)
enum { MOST_CONNECTIONS = 20000, BUFFER = 1024 };
static struct connection {
  u32 in, out, at, end;       // of its buffer: what is still to be sent
  u32 subtask, socket;        // while it connects
  u32 round, sent, received;  // client
} connections[MOST_CONNECTIONS];
static u8 buffers[MOST_CONNECTIONS][BUFFER];
static struct end_result connected[MOST_CONNECTIONS];
static unsigned short by_handle[MOST_HANDLES];  // stream ends and subtasks: the connection
static unsigned short free_list[MOST_CONNECTIONS];
static u32 free_count;

static u32 listener, limit, ended, rounds, bytes;
static u32 accepted[64];
static u64 echoed;

// Ends the task with a line.
static void finish(void) {
  add_number(ended);
  add(mode == TCP_SERVER || mode == TCP_CLIENT ? " connections, " : " datagrams, ");
  add_number((u32)echoed);
  add(" bytes");
  if (failures) {
    add(", ");
    add_number(failures);
    add(" failed");
  }
  add("\n");
  phase = ENDING;
}

static u32 next_byte(u32 connection, u32 round, u32 position) { return connection * 7 + round * 31 + position * 13; }

static void watch(u32 handle, u32 connection) {
  if (handle >= MOST_HANDLES) __builtin_trap();
  by_handle[handle] = connection;
  waitable_join(handle, set);
}

static void open_streams(u32 index, u32 socket) {
  struct connection *c = &connections[index];
  struct endpoints received;
  tcp_receive(socket, &received);
  receive_result_drop(received.result);
  c->in = received.stream;
  u64 ends = send_stream_new();
  send_result_drop(tcp_send(socket, (u32)ends));
  c->out = ends >> 32;
  tcp_drop(socket);
  c->at = c->end = c->round = c->sent = c->received = 0;
  watch(c->in, index);
  watch(c->out, index);
}

static void close_connection(u32 index, int failed) {
  struct connection *c = &connections[index];
  waitable_join(c->in, 0);
  waitable_join(c->out, 0);
  receive_drop(c->in);
  send_drop(c->out);
  if (mode == TCP_SERVER) free_list[free_count++] = index;
  failures += failed;
  if (++ended == limit) finish();
}

// A server's connection goes on until it has to wait. `code`: of what has ended, a read or a write.
static void echo(u32 index, int was_write, u32 code) {
  struct connection *c = &connections[index];
  for (;;) {
    if (was_write) {
      c->at += code >> 4;
      echoed += code >> 4;
      if ((code & 15) == DROPPED) return close_connection(index, 1);
    } else {
      c->at = 0;
      c->end = code >> 4;
      if (c->end == 0) return close_connection(index, 0);
    }
    was_write = c->at < c->end;
    code = was_write ? send_write(c->out, buffers[index] + c->at, c->end - c->at)
                     : receive_read(c->in, buffers[index], BUFFER);
    if (code == BLOCKED) return;
  }
}

// A client's: all bytes of a round go out, then they come back.
static void ask(u32 index, int was_write, u32 code) {
  struct connection *c = &connections[index];
  for (;;) {
    u32 count = code >> 4;
    if (was_write) {
      c->sent += count;
      if ((code & 15) == DROPPED) return close_connection(index, 1);
    } else {
      if (count == 0) return close_connection(index, 1);
      for (u32 i = 0; i < count; ++i) {
        if (buffers[index][i] != (u8)next_byte(index, c->round, c->received++)) return close_connection(index, 1);
      }
      echoed += count;
      if (c->received == bytes) {
        if (++c->round == rounds) return close_connection(index, 0);
        c->sent = c->received = 0;
      }
    }
    // In pieces of a buffer: what was sent comes back before the next piece.
    was_write = c->sent == c->received || c->sent % BUFFER != 0;
    if (c->sent == bytes) was_write = 0;
    if (was_write) {
      u32 piece = bytes - c->sent < BUFFER - c->sent % BUFFER ? bytes - c->sent : BUFFER - c->sent % BUFFER;
      for (u32 i = 0; i < piece; ++i) buffers[index][i] = next_byte(index, c->round, c->sent + i);
      code = send_write(c->out, buffers[index], piece);
    } else {
      code = receive_read(c->in, buffers[index], BUFFER);
    }
    if (code == BLOCKED) return;
  }
}

static void accept_more(void) {
  for (;;) {
    u32 code = accept(listener, accepted, 64);
    if (code == BLOCKED) return;
    for (u32 i = 0; i < code >> 4; ++i) {
      if (free_count == 0) __builtin_trap();
      u32 index = free_list[--free_count];
      open_streams(index, accepted[i]);
      u32 read = receive_read(connections[index].in, buffers[index], BUFFER);
      if (read != BLOCKED) echo(index, 0, read);
    }
    if ((code & 15) == DROPPED) {
      failures += 1;
      return finish();
    }
  }
}

static void begin_client(u32 index) {
  struct connection *c = &connections[index];
  if (connected[index].is_error) {
    failures += 1;
    tcp_drop(c->socket);
    if (++ended == limit) finish();
    return;
  }
  open_streams(index, c->socket);
  ask(index, 1, 0);
}

static void connect_all(u32 port) {
  for (u32 index = 0; index < limit; ++index) {
    struct handle_result socket;
    tcp_create(IPV4, &socket);
    if (socket.is_error) __builtin_trap();
    connections[index].socket = socket.value;
    struct connect_arguments to = {socket.value, {IPV4, port, {127, 0, 0, 1}}};
    u32 call = tcp_connect(&to, &connected[index]);
    if ((call & 15) == SUBTASK_RETURNED) {
      begin_client(index);
    } else {
      watch(call >> 4, index);
    }
  }
}

// ---- datagrams: one at a time ----

static u32 datagrams, udp_call;
static enum step { START, SEND, RECEIVE } udp_under_way;
static struct receive_result received;
static struct end_result sent;
static struct send_arguments to_send;
static u8 datagram[65536];

// `step` has ended; goes on until it has to wait.
static void udp_step(enum step step) {
  for (;;) {
    int receives = step == SEND || (step == START && mode == UDP_SERVER);
    if (step == SEND) failures += sent.is_error;
    if (step == SEND && mode == UDP_SERVER && ++ended == limit) return finish();
    if (receives) {
      heap_used = heap_kept;
      udp_call = udp_receive(datagrams, &received);
    } else {
      if (step == RECEIVE) {
        failures += received.is_error;
        if (received.is_error) received.datagram.size = 0;
        echoed += received.datagram.size;
      }
      if (mode == UDP_SERVER) {
        to_send.datagram = received.datagram;
        to_send.to = received.from;
      } else {
        if (step == RECEIVE) {
          u32 i = 0, size = received.datagram.size;
          while (i < size && received.datagram.data[i] == (u8)next_byte(0, ended, i)) ++i;
          failures += i != bytes || size != bytes;
          if (++ended == limit) return finish();
        }
        for (u32 i = 0; i < bytes; ++i) datagram[i] = next_byte(0, ended, i);
      }
      udp_call = udp_send(&to_send, &sent);
    }
    step = udp_under_way = receives ? RECEIVE : SEND;
    if ((udp_call & 15) != SUBTASK_RETURNED) return waitable_join(udp_call >> 4, set);
  }
}

// ---- starting and ending ----

static void start_server(void) {
  struct handle_result socket;
  struct end_result bound;
  struct address_result local;
  int tcp = mode == TCP_SERVER;
  tcp ? tcp_create(IPV4, &socket) : udp_create(IPV4, &socket);
  if (socket.is_error) __builtin_trap();
  (tcp ? tcp_bind : udp_bind)(socket.value, IPV4, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, &bound);
  if (bound.is_error) {
    add("bind: error ");
    add_number(bound.error[0] & 255);
    add("\n");
    failures = 1;
    phase = ENDING;
    return;
  }
  tcp ? tcp_local_address(socket.value, &local) : udp_local_address(socket.value, &local);
  if (local.is_error) __builtin_trap();
  add("port ");
  add_number(local.address.port);
  add("\n");
  if (!tcp) {
    datagrams = to_send.self = socket.value;
    to_send.some = 1;
    return;
  }
  struct handle_result listening;
  tcp_listen(socket.value, &listening);
  if (listening.is_error) __builtin_trap();
  listener = listening.value;
  tcp_drop(socket.value);  // the stream keeps it
}

// Writes what there is to say; true when that has been said.
static int said(u32 code) {
  for (;;) {
    out_written += code >> 4;
    if (out_written == line_length || (code & 15) == DROPPED) break;
    code = stdout_write(out, line + out_written, line_length - out_written);
    if (code == BLOCKED) return 0;
  }
  out_written = line_length = 0;
  return 1;
}

static void begin(void) {
  if (mode == TCP_SERVER) {
    waitable_join(listener, set);
    accept_more();
  } else if (mode == TCP_CLIENT) {
    connect_all(number(arguments.items[2]));
  } else if (mode == UDP_SERVER) {
    udp_step(START);
  } else {
    struct handle_result socket;
    udp_create(IPV4, &socket);
    if (socket.is_error) __builtin_trap();
    datagrams = socket.value;
    to_send = (struct send_arguments){
        datagrams, {datagram, bytes}, 1, {IPV4, number(arguments.items[2]), {127, 0, 0, 1}}};
    udp_step(START);
  }
}

static int is_saying;

// After every event: says what there is to say, and ends after the last words.
static u32 go_on(void) {
  for (;;) {
    if (is_saying || line_length == 0) return WAIT | set << 4;
    if (!said(0)) {
      is_saying = 1;
      return WAIT | set << 4;
    }
    if (phase == ENDING) {
      run_return(failures ? ERR : OK);
      return EXIT;
    }
    begin();
  }
}

EXPORT_ASYNC u32 run(void) {
  get_arguments(&arguments);
  heap_kept = heap_used;
  if (arguments.count < 3) __builtin_trap();
  struct string word = arguments.items[1];
  mode = is(word, "tcp-server") ? TCP_SERVER : is(word, "tcp-client") ? TCP_CLIENT
         : is(word, "udp-server") ? UDP_SERVER : UDP_CLIENT;
  int server = mode == TCP_SERVER || mode == UDP_SERVER;
  limit = number(arguments.items[server ? 2 : 3]);
  if (mode == TCP_CLIENT) rounds = number(arguments.items[4]);
  if (!server) bytes = number(arguments.items[mode == TCP_CLIENT ? 5 : 4]);
  if (mode == TCP_SERVER) {
    for (u32 i = MOST_CONNECTIONS; i > 0;) free_list[free_count++] = --i;
  }
  set = waitable_set_new();
  u64 ends = stdout_stream_new();
  stdout_result_drop(stdout_open((u32)ends));
  out = ends >> 32;
  waitable_join(out, set);
  if (server) {
    start_server();
  } else {
    begin();
  }
  return go_on();
}

EXPORT_CALLBACK u32 callback(u32 event, u32 waitable, u32 code) {
  if (event == EVENT_STREAM_WRITE && waitable == out) {
    is_saying = 0;
    if (said(code)) {
      if (phase == ENDING) {
        run_return(failures ? ERR : OK);
        return EXIT;
      }
      begin();
    } else {
      is_saying = 1;
    }
  } else if (event == EVENT_SUBTASK) {
    if (code != SUBTASK_RETURNED) return WAIT | set << 4;
    waitable_join(waitable, 0);
    subtask_drop(waitable);
    if (mode == TCP_CLIENT) {
      begin_client(by_handle[waitable]);
    } else {
      udp_step(udp_under_way);
    }
  } else if (mode == TCP_SERVER && waitable == listener) {
    for (u32 i = 0; i < code >> 4; ++i) {
      if (free_count == 0) __builtin_trap();
      u32 index = free_list[--free_count];
      open_streams(index, accepted[i]);
      u32 read = receive_read(connections[index].in, buffers[index], BUFFER);
      if (read != BLOCKED) echo(index, 0, read);
    }
    accept_more();
  } else {
    (mode == TCP_SERVER ? echo : ask)(by_handle[waitable], event == EVENT_STREAM_WRITE, code);
  }
  return go_on();
}

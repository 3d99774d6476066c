// What bench/io.py measures with and against: an echo server on epoll, as plain as one writes it in C, and clients that keep
// a server busy. Everything happens at 127.0.0.1.
//
//   echo tcp-server              prints "port N"; serves until it is ended
//   echo udp-server              likewise; answers each datagram
//   echo tcp-load PORT CONNECTIONS BYTES SECONDS
//                                on each connection: sends BYTES, waits for them to come back, again. Prints requests a
//                                second, over SECONDS after all connections are there and have been answered once, and the
//                                number of all; then waits for a line on stdin with the connections open
//   echo udp-load PORT WINDOW BYTES SECONDS
//                                keeps WINDOW datagrams on their way; prints answers a second and their number
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { kBuffer = 1024, kEvents = 256, kMostDescriptors = 1 << 17 };

static void check(int good, const char *what) {
  if (good) return;
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Bound to a port of the system's choice, which it prints once clients may come.
static int bound(int type) {
  int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  check(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0, "bind");
  check(type != SOCK_STREAM || listen(fd, SOMAXCONN) == 0, "listen");
  check(getsockname(fd, (struct sockaddr *)&address, &size) == 0, "getsockname");
  printf("port %d\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

// ---- servers ----

// What could not be sent yet, by descriptor.
static struct { unsigned short at, end; } pending[kMostDescriptors];
static char *rests[kMostDescriptors];

static void tcp_server(void) {
  int listener = bound(SOCK_STREAM), epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[kEvents];
  check(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) == 0, "epoll_ctl");
  char buffer[kBuffer];
  for (;;) {
    int count = epoll_wait(epoll, events, kEvents, -1);
    for (int i = 0; i < count; ++i) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
          int on = 1;
          setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
          event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
          check(fd < kMostDescriptors && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
        }
        continue;
      }
      char *from = buffer;
      ssize_t left;
      if (rests[fd] != NULL) {
        from = rests[fd] + pending[fd].at;
        left = pending[fd].end - pending[fd].at;
      } else {
        left = recv(fd, buffer, sizeof buffer, 0);
        if (left < 0 && errno == EAGAIN) continue;
        if (left <= 0) {
          close(fd);
          continue;
        }
      }
      ssize_t sent = send(fd, from, (size_t)left, MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) {
        free(rests[fd]);
        rests[fd] = NULL;
        close(fd);
        continue;
      }
      if (sent < 0) sent = 0;
      if (sent < left && rests[fd] == NULL) {
        rests[fd] = malloc(kBuffer);
        memcpy(rests[fd], from, (size_t)left);
        pending[fd].at = 0;
        pending[fd].end = (unsigned short)left;
        event = (struct epoll_event){.events = EPOLLOUT, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
      } else if (sent == left && rests[fd] != NULL) {
        free(rests[fd]);
        rests[fd] = NULL;
        event = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
        epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event);
        continue;
      }
      if (rests[fd] != NULL) pending[fd].at = (unsigned short)(pending[fd].at + sent);
    }
  }
}

static void udp_server(void) {
  int fd = bound(SOCK_DGRAM), epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN}, events[1];
  check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
  static char buffer[65536];
  for (;;) {
    epoll_wait(epoll, events, 1, -1);
    for (;;) {
      struct sockaddr_in from;
      socklen_t size = sizeof from;
      ssize_t count = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &size);
      if (count < 0) break;
      sendto(fd, buffer, (size_t)count, 0, (struct sockaddr *)&from, size);
    }
  }
}

// ---- load ----

static void tcp_load(int port, int connections, int bytes, double seconds) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  int *fds = calloc((size_t)connections, sizeof *fds);
  int *left = calloc((size_t)connections, sizeof *left);
  char *message = calloc(1, (size_t)bytes), *answer = malloc((size_t)bytes);
  struct sockaddr_in address = loopback(port);
  for (int i = 0; i < connections; ++i) {
    fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fds[i] >= 0 && connect(fds[i], (struct sockaddr *)&address, sizeof address) == 0, "connect");
    int on = 1;
    setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (unsigned)i};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event) == 0, "epoll_ctl");
    check(send(fds[i], message, (size_t)bytes, 0) == bytes, "send");
    left[i] = bytes;
  }
  long answers = 0, before = 0;
  double begin = 0, end = 0;
  struct epoll_event events[kEvents];
  double deadline = now() + 60 + seconds;
  for (;;) {
    int count = epoll_wait(epoll, events, kEvents, 1000);
    double time = now();
    if (time > deadline) {
      fprintf(stderr, "%ld answers, then none\n", answers);
      exit(1);
    }
    for (int k = 0; k < count; ++k) {
      int i = (int)events[k].data.u32;
      ssize_t got = recv(fds[i], answer, (size_t)left[i], MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) continue;
      check(got > 0, "recv");
      if ((left[i] -= (int)got) > 0) continue;
      ++answers;
      left[i] = bytes;
      check(send(fds[i], message, (size_t)bytes, 0) == bytes, "send");
    }
    if (begin == 0 && answers >= connections) {  // all are there
      begin = time;
      before = answers;
    }
    if (begin != 0 && time - begin >= seconds) {
      end = time;
      break;
    }
  }
  printf("%.0f %ld\n", (double)(answers - before) / (end - begin), answers);
  fflush(stdout);
  while (getchar() != '\n' && !feof(stdin)) {
  }
}

static void udp_load(int port, int window, int bytes, double seconds) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in address = loopback(port);
  check(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
  char *message = calloc(1, 65536);
  long answers = 0, lost = 0;
  double begin = now(), time = begin;
  for (int i = 0; i < window; ++i) send(fd, message, (size_t)bytes, 0);
  for (unsigned round = 0; time - begin < seconds; ++round) {
    if (round % 64 == 0) time = now();
    ssize_t got = recv(fd, message, 65536, MSG_DONTWAIT);
    if (got < 0) {
      struct pollfd entry = {fd, POLLIN, 0};
      if (poll(&entry, 1, 100) == 0) {
        ++lost;
        time = now();
        send(fd, message, (size_t)bytes, 0);  // they may all be lost
      }
      continue;
    }
    ++answers;
    send(fd, message, (size_t)bytes, 0);
  }
  printf("%.0f %ld\n", (double)answers / (now() - begin), answers);
  if (lost > 0) fprintf(stderr, "%ld pauses without an answer\n", lost);
}

int main(int argc, char **argv) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  const char *what = argc > 1 ? argv[1] : "";
  if (strcmp(what, "tcp-server") == 0) tcp_server();
  if (strcmp(what, "udp-server") == 0) udp_server();
  if (argc < 6) return fprintf(stderr, "see the head of bench/echo.c\n"), 2;
  (strcmp(what, "tcp-load") == 0 ? tcp_load : udp_load)(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]), atof(argv[5]));
  return 0;
}

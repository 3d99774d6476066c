// Operations on both backends: pipes, files, sockets, cancellation, helper threads.
#include "scheduler/completion.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "scheduler/blocking.h"
#include "test/unit/strand_fixture.h"

namespace wjit {
namespace {

struct Pipe {
  int ends[2];
  Pipe() { EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0); }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  void close_end(int i) {
    if (ends[i] >= 0) close(ends[i]);
    ends[i] = -1;
  }
  int reader() const { return ends[0]; }
  int writer() const { return ends[1]; }
};

struct Backends : ::testing::TestWithParam<IoKind> {
  Scheduler scheduler{SchedulerOptions{1, GetParam(), true}};
  ClosureStrand strand{scheduler};
  void run_all() {
    EXPECT_EQ(strand.run([] { return false; }), RunResult::Idle);
  }
};

TEST_P(Backends, PipeReadWaitsForTheWriter) {
  Pipe pipe;
  Recorded read(strand), write(strand);
  char buffer[16] = {};
  strand.add([&] { io_read(&read, pipe.reader(), buffer, sizeof buffer); });
  strand.add([&] { io_write(&write, pipe.writer(), "hello", 5); });
  run_all();
  EXPECT_EQ(write.value, 5);
  EXPECT_EQ(read.value, 5);
  EXPECT_STREQ(buffer, "hello");
  pipe.close_end(1);
  strand.add([&] { io_read(&read, pipe.reader(), buffer, sizeof buffer); });
  run_all();
  EXPECT_EQ(read.value, 0);
  EXPECT_EQ(read.times, 2);
}

TEST_P(Backends, WriteToAClosedPipeIsAnError) {
  Pipe pipe;
  pipe.close_end(0);
  Recorded write(strand);
  strand.add([&] { io_write(&write, pipe.writer(), "x", 1); });
  run_all();
  EXPECT_EQ(write.value, -EPIPE);
  Recorded read(strand);
  char c;
  strand.add([&] { io_read(&read, 9999, &c, 1); });
  run_all();
  EXPECT_EQ(read.value, -EBADF);
}

// More than a pipe holds, through a descriptor in blocking mode: the worker must not block in it.
TEST_P(Backends, LargeTransferThroughAPipe) {
  Pipe pipe;
  constexpr size_t kBytes = 1 << 20;
  std::string sent(kBytes, 'x'), received(kBytes, 0);
  for (size_t i = 0; i < kBytes; ++i) sent[i] = static_cast<char>(i * 31 >> 3);
  size_t written = 0, read = 0;
  struct Loop : Completion {
    std::function<void(int64_t)> then;
  } writer, reader;
  writer.strand = reader.strand = &strand;
  writer.done = reader.done = [](Completion* self, int64_t value) { static_cast<Loop*>(self)->then(value); };
  writer.then = [&](int64_t n) {
    ASSERT_GE(n, 0);
    written += static_cast<size_t>(n);
    if (written < kBytes) io_write(&writer, pipe.writer(), &sent[written], kBytes - written);
  };
  reader.then = [&](int64_t n) {
    ASSERT_GE(n, 0);
    read += static_cast<size_t>(n);
    if (read < kBytes) io_read(&reader, pipe.reader(), &received[read], kBytes - read);
  };
  strand.add([&] {
    writer.then(0);
    reader.then(0);
  });
  run_all();
  EXPECT_EQ(read, kBytes);
  EXPECT_EQ(sent, received);
}

TEST_P(Backends, NonBlockingDescriptorsWaitToo) {
  int sockets[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets), 0);
  Recorded read(strand), poll(strand);
  char buffer[8];
  strand.add([&] { io_read(&read, sockets[0], buffer, sizeof buffer); });
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(::write(sockets[1], "abc", 3), 3);
  });
  run_all();
  writer.join();
  EXPECT_EQ(read.value, 3);
  strand.add([&] { io_poll(&poll, sockets[0], POLLIN | POLLOUT); });
  run_all();
  EXPECT_EQ(poll.value, POLLOUT);
  // Two operations on one descriptor, in both directions.
  Recorded write(strand);
  strand.add([&] {
    io_poll(&poll, sockets[0], POLLIN);
    io_read(&read, sockets[0], buffer, sizeof buffer);
    io_write(&write, sockets[1], "z", 1);
  });
  EXPECT_EQ(strand.run([&] { return read.times == 2 && write.times == 1; }), RunResult::Done);
  EXPECT_EQ(::write(sockets[1], "y", 1), 1);
  run_all();
  EXPECT_EQ(poll.times, 2);
  EXPECT_TRUE(poll.value & POLLIN);
  close(sockets[1]);
  strand.add([&] { io_poll(&poll, sockets[0], 0); });
  run_all();
  EXPECT_TRUE(poll.value & POLLHUP);
  close(sockets[0]);
}

// A listening socket of 127.0.0.1, and where it is.
struct Listener {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  Listener() {
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(fd, 16), 0);
    EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  }
  ~Listener() { close(fd); }
  const sockaddr* where() const { return reinterpret_cast<const sockaddr*>(&address); }
};

TEST_P(Backends, SocketsFromConnectToTheEnd) {
  Listener listener;
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  Recorded connect(strand), accept(strand), receive(strand), send(strand);
  strand.add([&] {
    io_accept(&accept, listener.fd);
    io_connect(&connect, client, listener.where(), sizeof listener.address);
  });
  run_all();
  EXPECT_EQ(connect.value, 0);
  ASSERT_GT(accept.value, 2);
  const int server = static_cast<int>(accept.value);
  EXPECT_TRUE(fcntl(server, F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(fcntl(server, F_GETFD) & FD_CLOEXEC);
  for (bool wait_first : {false, true}) {
    char buffer[8] = {};
    strand.add([&] {
      io_receive(&receive, server, buffer, sizeof buffer, wait_first);
      io_send(&send, client, "hello", 5);
    });
    run_all();
    EXPECT_EQ(send.value, 5);
    EXPECT_EQ(receive.value, 5);
    EXPECT_STREQ(buffer, "hello");
  }
  char buffer[8];
  strand.add([&] { io_receive(&receive, server, buffer, sizeof buffer, true); });
  ASSERT_EQ(shutdown(client, SHUT_WR), 0);
  run_all();
  EXPECT_EQ(receive.value, 0);
  close(server);
  // The peer has gone: the first send is answered with a reset, the next ones are errors; no signal ends the process.
  for (int i = 0; i < 3; ++i) {
    strand.add([&] { io_send(&send, client, "x", 1); });
    run_all();
  }
  EXPECT_TRUE(send.value == -EPIPE || send.value == -ECONNRESET) << send.value;
  close(client);
}

TEST_P(Backends, ConnectThatIsRefused) {
  auto listener = std::make_unique<Listener>();
  const sockaddr_in address = listener->address;
  listener.reset();
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  Recorded connect(strand);
  strand.add([&] { io_connect(&connect, client, reinterpret_cast<const sockaddr*>(&address), sizeof address); });
  run_all();
  EXPECT_EQ(connect.value, -ECONNREFUSED);
  close(client);
}

// A send that finds no room waits for it, and is cancelled like everything else.
TEST_P(Backends, SendWaitsForRoom) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  std::string block(1 << 20, 'x');
  Recorded send(strand), waiting(strand), accept(strand), receive(strand);
  while (::send(ends[0], block.data(), block.size(), MSG_DONTWAIT) > 0) {
  }
  Listener listener;
  char buffer[4];
  strand.add([&] {
    io_send(&send, ends[0], "last", 4);
    io_accept(&accept, listener.fd);
    io_receive(&receive, ends[0], buffer, sizeof buffer, false);
    io_write(&waiting, ends[1], "", 0);
  });
  EXPECT_EQ(strand.run([&] { return waiting.times == 1; }), RunResult::Done);
  EXPECT_EQ(send.times, 0);
  strand.add([&] {
    cancel(&accept);
    cancel(&receive);
  });
  EXPECT_EQ(strand.run([&] { return accept.times == 1 && receive.times == 1; }), RunResult::Done);
  EXPECT_EQ(accept.value, -ECANCELED);
  EXPECT_EQ(receive.value, -ECANCELED);
  EXPECT_EQ(send.times, 0);
  while (::recv(ends[1], block.data(), block.size(), MSG_DONTWAIT) > 0) {
  }
  run_all();
  EXPECT_EQ(send.value, 4);
  close(ends[0]);
  close(ends[1]);
}

// A descriptor's number is used again by another one, while the backend remembers the first.
TEST_P(Backends, NumbersOfClosedSocketsAreUsedAgain) {
  for (int round = 0; round < 5; ++round) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    Recorded receive(strand), send(strand), poll(strand);
    char buffer[4];
    strand.add([&] {
      io_receive(&receive, ends[0], buffer, sizeof buffer, true);
      io_poll(&poll, ends[0], POLLIN);
      io_send(&send, ends[1], "x", 1);
    });
    run_all();
    EXPECT_EQ(receive.times, 1);
    EXPECT_EQ(poll.times, 1);
    close(ends[0]);
    close(ends[1]);
  }
}

TEST_P(Backends, RegularFiles) {
  char path[] = "/tmp/wjit_completion_XXXXXX";
  int fd = mkstemp(path);
  ASSERT_GE(fd, 0);
  unlink(path);
  Recorded write(strand), read(strand);
  char buffer[10] = {};
  strand.add([&] { io_write(&write, fd, "0123456789", 10, 5); });
  run_all();
  EXPECT_EQ(write.value, 10);
  strand.add([&] { io_read(&read, fd, buffer, 4, 8); });
  run_all();
  EXPECT_EQ(std::string(buffer), "3456");
  // -1: the descriptor's own position.
  ASSERT_EQ(lseek(fd, 13, SEEK_SET), 13);
  for (int64_t expected : {2, 0}) {
    strand.add([&] { io_read(&read, fd, buffer, 10); });
    run_all();
    EXPECT_EQ(read.value, expected);
  }
  close(fd);
}

// Devices that have positions take them, and those that end at once do not keep others from their turn.
TEST_P(Backends, DevicesAtOffsets) {
  const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_RDWR | O_CLOEXEC);
  ASSERT_TRUE(zero >= 0 && null >= 0);
  Recorded read(strand), write(strand), end(strand);
  char buffer[16] = "xxxxxxxxxxxxxxx";
  strand.add([&] {
    io_read(&read, zero, buffer, sizeof buffer, 1000);
    io_write(&write, null, "hello", 5, 1000);
    io_read(&end, null, buffer, sizeof buffer, 7);
  });
  run_all();
  EXPECT_EQ(read.value, 16);
  EXPECT_EQ(std::string(buffer, 16), std::string(16, '\0'));
  EXPECT_EQ(write.value, 5);
  EXPECT_EQ(end.value, 0);
  close(zero);
  close(null);
}

TEST_P(Backends, OperationsThatEndAtOnceLeaveOthersTheirTurn) {
  const int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(zero, 0);
  struct Loop : Completion {
    std::function<void()> then;
  } loop;
  bool stop = false;
  char buffer[16];
  loop.strand = &strand;
  loop.done = [](Completion* self, int64_t) { static_cast<Loop*>(self)->then(); };
  loop.then = [&] {
    if (!stop) io_read(&loop, zero, buffer, sizeof buffer);
  };
  ClosureStrand other(scheduler);
  strand.add([&] {
    loop.then();
    other.add([&] { stop = true; });
  });
  run_all();
  EXPECT_TRUE(stop);
  close(zero);
}

// Of several that wait for one descriptor as many end as there is something for.
TEST_P(Backends, ReadersOfOneDescriptor) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  Recorded first(strand), second(strand), third(strand);
  char buffers[3][4] = {};
  strand.add([&] {
    io_receive(&first, ends[0], buffers[0], sizeof buffers[0], true);
    io_receive(&second, ends[0], buffers[1], sizeof buffers[1], true);
    io_receive(&third, ends[0], buffers[2], sizeof buffers[2], true);
  });
  EXPECT_EQ(strand.run([&] { return true; }), RunResult::Done);
  EXPECT_EQ(send(ends[1], "a", 1, 0), 1);
  EXPECT_EQ(send(ends[1], "b", 1, 0), 1);
  EXPECT_EQ(strand.run([&] { return first.times + second.times + third.times == 2; }), RunResult::Done);
  EXPECT_EQ(send(ends[1], "c", 1, 0), 1);
  run_all();
  for (Recorded* one : {&first, &second, &third}) {
    EXPECT_EQ(one->times, 1);
    EXPECT_EQ(one->value, 1);
  }
  close(ends[0]);
  close(ends[1]);
}

TEST_P(Backends, CancelEndsAWaitingOperationOnce) {
  Pipe pipe;
  Recorded read(strand), poll(strand), done_already(strand);
  char buffer[4];
  strand.add([&] {
    io_read(&read, pipe.reader(), buffer, sizeof buffer);
    io_poll(&poll, pipe.reader(), POLLIN);
    io_write(&done_already, pipe.writer(), "", 0);
  });
  EXPECT_EQ(strand.run([&] { return done_already.times == 1; }), RunResult::Done);
  strand.add([&] {
    cancel(&read);
    cancel(&poll);
    cancel(&done_already);
    cancel(&read);
  });
  run_all();
  EXPECT_EQ(read.times, 1);
  EXPECT_EQ(read.value, -ECANCELED);
  EXPECT_EQ(poll.times, 1);
  EXPECT_EQ(poll.value, -ECANCELED);
  EXPECT_EQ(done_already.times, 1);
  // Started and cancelled at once, then started again.
  strand.add([&] {
    io_read(&read, pipe.reader(), buffer, sizeof buffer);
    cancel(&read);
  });
  run_all();
  EXPECT_EQ(read.times, 2);
  ASSERT_EQ(::write(pipe.writer(), "q", 1), 1);
  strand.add([&] { io_read(&read, pipe.reader(), buffer, sizeof buffer); });
  run_all();
  EXPECT_EQ(read.value, 1);
}

TEST_P(Backends, BlockingWorkRunsElsewhere) {
  std::thread::id here = std::this_thread::get_id(), there;
  int sum = 0;
  strand.add([&] {
    for (int i = 1; i <= 100; ++i) {
      run_blocking(
          strand,
          [&, i] {
            if (i == 1) there = std::this_thread::get_id();
            return i;
          },
          [&](int64_t v) {
            EXPECT_EQ(std::this_thread::get_id(), here);
            sum += static_cast<int>(v);
          });
    }
  });
  run_all();
  EXPECT_EQ(sum, 5050);
  EXPECT_NE(there, here);
}

// More look-ups than there are threads get no answer: files are read all the same.
TEST_P(Backends, LookUpsKeepNobodyElseWaiting) {
  std::promise<void> answer;
  std::shared_future<void> answered = answer.get_future().share();
  size_t looked_up = 0;
  constexpr size_t kLookUps = 3 * BlockingPool::kThreads;
  bool opened = false;
  strand.add([&] {
    for (size_t i = 0; i < kLookUps; ++i) {
      run_blocking(
          strand,
          [answered] {
            answered.wait_for(std::chrono::seconds(30));  // so that it fails, where it does, and does not hang
            return 0;
          },
          [&](int64_t) { ++looked_up; }, BlockingKind::LooksUp);
    }
    run_blocking(
        strand, [] { return 0; },
        [&](int64_t) {
          opened = true;
          EXPECT_EQ(looked_up, 0u);
          answer.set_value();
        });
  });
  run_all();
  EXPECT_TRUE(opened);
  EXPECT_EQ(looked_up, kLookUps);
}

TEST_P(Backends, BlockingWorkThatHasNotBegunCanBeCancelled) {
  struct Sleep : BlockingWork {
    int times = 0;
    int64_t value = 0;
  };
  std::vector<Sleep> works(40);
  strand.add([&] {
    for (Sleep& work : works) {
      work.strand = &strand;
      work.work = [](BlockingWork*) -> int64_t {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return 3;
      };
      work.done = [](Completion* self, int64_t value) {
        ++static_cast<Sleep*>(self)->times;
        static_cast<Sleep*>(self)->value = value;
      };
      run_blocking(&work);
    }
    for (Sleep& work : works) cancel(&work);
  });
  run_all();
  size_t cancelled = 0;
  for (Sleep& work : works) {
    EXPECT_EQ(work.times, 1);
    cancelled += work.value == -ECANCELED;
  }
  EXPECT_GE(cancelled, 1u);  // all but the first ones, unless the machine has other things to do
}

INSTANTIATE_TEST_SUITE_P(Io, Backends, ::testing::Values(IoKind::Auto, IoKind::Epoll),
                         [](const auto& info) { return info.param == IoKind::Auto ? "Auto" : "Epoll"; });

// Strands move between workers, so cancels cross from one worker's backend to another's, and race with the end.
struct ManyWorkers : ::testing::TestWithParam<IoKind> {};
TEST_P(ManyWorkers, CancelFromAnotherWorker) {
  Scheduler scheduler({4, GetParam(), true});
  constexpr size_t kStrands = 8;
  constexpr int kRounds = 200;
  ClosureStrand main(scheduler);
  Recorded end(main);
  char path[] = "/tmp/wjit_completion_XXXXXX";
  int file = mkstemp(path);
  unlink(path);
  struct Member {
    std::unique_ptr<ClosureStrand> strand;
    Pipe pipe;
    Pipe kick;
    struct Op : Completion {
      Member* member = nullptr;
    } read, poll, file_write;
    Timer pause;
    char buffer[4];
    int round = 0, under_way = 0, file = -1;
    std::atomic<int>* left = nullptr;
    Completion* end = nullptr;

    void start() {
      if (round++ == kRounds) {
        if (left->fetch_sub(1) == 1) finish_external(end, 0);
        return;
      }
      under_way = 4;
      io_read(&read, pipe.reader(), buffer, sizeof buffer);
      io_poll(&poll, pipe.reader(), POLLIN);
      io_write(&file_write, file, "data", 4, 0);
      timer_start(&pause, ClockId::Monotonic, monotonic_now() + 1000 * (round % 50));
    }
    void ended() {
      if (--under_way == 0) start();
    }
  };
  std::vector<Member> members(kStrands);
  std::atomic<int> left{kStrands};
  for (Member& m : members) {
    m.strand = std::make_unique<ClosureStrand>(scheduler);
    m.left = &left;
    m.end = &end;
    m.file = file;
    for (auto* op : {&m.read, &m.poll, &m.file_write}) {
      op->member = &m;
      op->strand = m.strand.get();
      op->done = [](Completion* self, int64_t value) {
        EXPECT_TRUE(value == -ECANCELED || value == 1 || value == POLLIN || value == 4) << value;
        static_cast<Member::Op*>(self)->member->ended();
      };
    }
    m.pause.strand = m.strand.get();
    m.pause.length = reinterpret_cast<uintptr_t>(&m);
    m.pause.done = [](Completion* self, int64_t) {
      auto* member = reinterpret_cast<Member*>(self->length);
      if (member->round % 3 == 0) EXPECT_EQ(::write(member->pipe.writer(), "x", 1), 1);
      cancel(&member->read);
      cancel(&member->file_write);
      cancel(&member->poll);
      member->ended();
    };
  }
  main.add([&] {
    begin_external(&end);
    for (Member& m : members) m.strand->add([&m] { m.start(); });
  });
  EXPECT_EQ(main.run([&] { return end.times == 1; }), RunResult::Done);
  for (Member& m : members) {
    EXPECT_EQ(m.strand->outstanding(), 0u);
    m.strand.reset();
  }
  close(file);
}
INSTANTIATE_TEST_SUITE_P(Io, ManyWorkers, ::testing::Values(IoKind::Auto, IoKind::Epoll),
                         [](const auto& info) { return info.param == IoKind::Auto ? "Auto" : "Epoll"; });

}  // namespace
}  // namespace wjit

// Connections joined by the kernel: what an error, or a system short of memory, does to each of them. All else of
// forwarding: test/lit/run/forward.test, test/lit/net/relay.test.
#include "wasi/forward.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "wasi/socket.h"
#include "wasi/wasi.h"

namespace {

// So many splices to this descriptor find no memory, though poll says that there is room.
std::atomic<int> short_of_memory = 0;
std::atomic<int> short_fd = -1;

}  // namespace

// In the place of the C library's.
extern "C" ssize_t splice(int in, loff_t* in_at, int out, loff_t* out_at, size_t bytes, unsigned flags) {
  if (out == short_fd && short_of_memory > 0) {
    --short_of_memory;
    errno = EAGAIN;
    return -1;
  }
  return syscall(SYS_splice, in, in_at, out, out_at, bytes, flags);
}

namespace wjit::wasi {
namespace {

// Two ends of a connection; the first as the interfaces hold it.
struct Connection {
  std::shared_ptr<File> here;
  int peer = -1;

  Connection() {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener, any, size), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    EXPECT_EQ(getsockname(listener, any, &size), 0);
    peer = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(peer, any, size), 0);
    here = socket_file(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    close(listener);
  }
  ~Connection() { end(); }
  void end() {
    if (peer >= 0) close(std::exchange(peer, -1));
  }
  void reset() {
    const linger now{1, 0};
    EXPECT_EQ(setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    end();
  }
};

class Forwards : public testing::TestWithParam<IoKind> {
 protected:
  void SetUp() override {
    engine = std::move(*Engine::create({}));
    scheduler = std::make_unique<Scheduler>(SchedulerOptions{.io = GetParam()});
    store = std::make_unique<Store>(*engine, *scheduler);
    host = std::move(*WasiHost::create(*store, {}));
  }
  void TearDown() override { short_of_memory = 0; }
  // Joins the connections until that ends. Meanwhile `source` plays the first one's peer, once `kBytes` have come to
  // the other's: they do.
  void run(const std::function<void()>& source) {
    std::thread peers([&] {
      const std::vector<char> bytes(kBytes, 'x');
      std::thread writer([&] { EXPECT_EQ(write(from.peer, bytes.data(), kBytes), static_cast<ssize_t>(kBytes)); });
      std::vector<char> got(kBytes);
      EXPECT_EQ(recv(to.peer, got.data(), kBytes, MSG_WAITALL), static_cast<ssize_t>(kBytes));
      EXPECT_TRUE(got == bytes);
      writer.join();
      source();
    });
    store->enqueue([&] {
      forward = Forward::make(host->state(), {from.here, nullptr}, {to.here, nullptr}, 1 << 20);
      ASSERT_NE(forward, nullptr);
      forward->run([&](Forward::Stop why, int number) {
        stop = why;
        error = number;
        ended = true;
      });
    });
    EXPECT_EQ(scheduler->run(*store, [&] { return ended; }), RunResult::Done);
    shutdown(to.here->fd, SHUT_RDWR);  // whatever has happened, nobody waits for more
    shutdown(from.here->fd, SHUT_RDWR);
    peers.join();
  }

  static constexpr size_t kBytes = 3 << 20;
  Connection from, to;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Scheduler> scheduler;
  std::unique_ptr<Store> store;
  std::unique_ptr<WasiHost> host;
  std::unique_ptr<Forward> forward;
  Forward::Stop stop = Forward::Stop::Cancelled;
  int error = -1;
  bool ended = false;
};
INSTANTIATE_TEST_SUITE_P(Io, Forwards, ::testing::Values(IoKind::Auto, IoKind::Epoll),
                         [](const auto& info) { return info.param == IoKind::Auto ? "Auto" : "Epoll"; });

// Bytes that have been taken from the source wait for memory, however often there is none.
TEST_P(Forwards, NothingIsLostWithoutMemory) {
  short_fd = to.here->fd;
  short_of_memory = 20;
  run([&] { from.end(); });
  EXPECT_EQ(short_of_memory, 0);
  EXPECT_EQ(stop, Forward::Stop::Elsewhere);
  EXPECT_EQ(error, 0);
  EXPECT_EQ(to.here->broken, 0);
}

TEST_P(Forwards, AnErrorIsItsOwnConnections) {
  run([&] { from.reset(); });
  EXPECT_EQ(stop, Forward::Stop::Elsewhere);
  EXPECT_EQ(error, ECONNRESET);
  EXPECT_EQ(from.here->broken, ECONNRESET);
  EXPECT_EQ(to.here->broken, 0);
}

}  // namespace
}  // namespace wjit::wasi

// wasi_snapshot_preview1: sock_*.
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "test/unit/preview1_fixture.h"

namespace wjit::wasi {
namespace {

using namespace errno1;

TEST_F(Preview1Test, WhatIsNoSocket) {
  iov(kIovs, kBuffer, 4);
  call("sock_shutdown", constants({0, 1}));
  call("sock_accept", constants({3, 0, kResult}));
  call("sock_recv", constants({0, kIovs, 1, 0, kResult, kResult + 4}));
  call("sock_send", constants({1, kIovs, 1, 0, kResult}));
  call("sock_shutdown", constants({99, 1}));
  call("sock_accept", constants({99, 0, kResult}));
  call("sock_recv", constants({99, kIovs, 1, 0, kResult, kResult + 4}));
  call("sock_send", constants({99, kIovs, 1, 0, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{notsock, notsock, notsock, notsock, badf, badf, badf, badf}));
  EXPECT_FALSE(preview1->find("wasi_snapshot_preview1", "no_such_function"));
  EXPECT_FALSE(preview1->find("wasi_unstable", "fd_write"));
}

// Descriptor 0 is a socket whose other end the test has, 4 listens.
class Preview1Sockets : public Preview1Test {
 protected:
  void configure(WasiOptions& options) override {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    options.stdin_fd = ends[0];
    options.listen.push_back(*SocketAddress::parse("127.0.0.1:0"));
  }
  void TearDown() override {
    Preview1Test::TearDown();
    for (int fd : ends) close(fd);
  }
  int connect_to_listener() {
    SocketAddress address;
    socklen_t size = sizeof(sockaddr_in6);
    EXPECT_EQ(getsockname(listeners[0]->fd, &address.any, &size), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(fd, &address.any, size), 0);
    return fd;
  }
  int ends[2] = {-1, -1};
};

// As files: also when it is said to append.
TEST_F(Preview1Sockets, ReadAndWrite) {
  data(kData, "hello");
  iov(kIovs, kData, 5);
  iov(kIovs + 8, kBuffer, 8);
  ASSERT_EQ(write(ends[1], "012", 3), 3);
  call("fd_fdstat_set_flags", constants({0, fdflags1::append}));
  call("fd_write", constants({0, kIovs, 1, kResult}));
  call("fd_read", constants({0, kIovs + 8, 1, kResult + 4}));
  call("fd_pread", constants({0, kIovs + 8, 1, 0, kResult}, "iiil"));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, spipe}));
  EXPECT_EQ(word(kResult + 4), 3u);
  char text[6] = {};
  EXPECT_EQ(read(ends[1], text, 5), 5);
  EXPECT_STREQ(text, "hello");
}

TEST_F(Preview1Sockets, SendAndReceive) {
  data(kData, "hello");
  iov(kIovs, kData, 2);
  iov(kIovs + 8, kData + 2, 3);
  iov(kIovs + 16, kBuffer, 3);
  iov(kIovs + 24, kBuffer + 100, 4);
  ASSERT_EQ(write(ends[1], "0123456789", 10), 10);
  call("sock_send", constants({0, kIovs, 2, 0, kResult}));
  call("sock_recv", constants({0, kIovs + 16, 1, 1, kResult + 4, kResult + 8}));    // peeks
  call("sock_recv", constants({0, kIovs + 16, 2, 2, kResult + 12, kResult + 16}));  // waits for all
  call("sock_recv", constants({0, kIovs + 16, 2, 0, kResult + 20, kResult + 24}));
  call("sock_recv", constants({0, kIovs + 16, 2, 4, kResult + 20, kResult + 24}));
  call("sock_send", constants({0, kIovs, 2, 1, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, inval, inval}));
  EXPECT_EQ(word(kResult), 5u);
  EXPECT_EQ(word(kResult + 4), 3u);
  EXPECT_EQ(word(kResult + 12), 7u);
  EXPECT_EQ(word(kResult + 20), 3u);
  EXPECT_EQ(std::string(reinterpret_cast<char*>(memory->base) + kBuffer, 3), "789");
  EXPECT_EQ(std::string(reinterpret_cast<char*>(memory->base) + kBuffer + 100, 4), "3456");
  char text[6] = {};
  EXPECT_EQ(read(ends[1], text, 5), 5);
  EXPECT_STREQ(text, "hello");
}

TEST_F(Preview1Sockets, Pointers) {
  iov(kIovs, kBuffer, 3);
  for (const auto& arguments :
       {constants({0, 0xFFFFFF00, 2, 0, kResult, kResult + 4}), constants({0, kIovs, 1, 0, 0xFFFFFFFC, kResult + 4}),
        constants({0, kIovs, 1, 0, kResult, 0xFFFFFFFE})}) {
    EXPECT_EQ(trap("sock_recv", arguments), "wasi_snapshot_preview1 sock_recv: pointer out of bounds");
  }
  EXPECT_EQ(trap("sock_recv", constants({0, kIovs, 1, 0, kResult, kResult + 5})),
            "wasi_snapshot_preview1 sock_recv: misaligned pointer");
  EXPECT_EQ(trap("sock_accept", constants({4, 0, kResult + 1})),
            "wasi_snapshot_preview1 sock_accept: misaligned pointer");
}

// Waiting for all outlasts pauses of the sender's, also when it only looks; and ends with its end.
TEST_F(Preview1Sockets, WaitsForAll) {
  const int client = connect_to_listener();
  data(kData, "!");
  iov(kIovs, kData, 1);
  iov(kIovs + 8, kBuffer, 3);
  iov(kIovs + 16, kBuffer + 100, 4);
  constexpr uint64_t kPeek = 1, kWaitAll = 2;
  call("sock_accept", constants({4, 0, kResult}));
  auto receive = [&](uint64_t flags, uint32_t into) {
    call("sock_send", constants({5, kIovs, 1, 0, kResult}));
    call("sock_recv", constants({5, kIovs + 8, 2, flags, into, kResult + 4}));
  };
  receive(kPeek | kWaitAll, kResult + 8);
  receive(kWaitAll, kResult + 12);
  receive(kWaitAll, kResult + 16);
  receive(kPeek | kWaitAll, kResult + 20);
  std::thread sender([&] {
    for (std::string_view part : {"abcdefg", "", "hijklmn", "o"}) {
      char go;
      const size_t first = std::min<size_t>(1, part.size()), rest = part.size() - first;
      EXPECT_EQ(write(client, part.data(), first), static_cast<ssize_t>(first));
      EXPECT_EQ(read(client, &go, 1), 1);
      usleep(20'000);  // so that who does not wait is caught at it; who does is right however long this takes
      EXPECT_EQ(write(client, part.data() + first, rest), static_cast<ssize_t>(rest));
    }
    shutdown(client, SHUT_WR);
  });
  EXPECT_EQ(run(), std::vector<uint32_t>(9, success));
  sender.join();
  close(client);
  EXPECT_EQ(word(kResult + 8), 7u);
  EXPECT_EQ(word(kResult + 12), 7u);
  EXPECT_EQ(word(kResult + 16), 7u);
  EXPECT_EQ(word(kResult + 20), 1u);
  EXPECT_EQ(bytes(kBuffer, 3), "oij");
  EXPECT_EQ(bytes(kBuffer + 100, 4), "klmn");
}

TEST_F(Preview1Sockets, Shutdown) {
  data(kData, "x");
  iov(kIovs, kData, 1);
  call("sock_shutdown", constants({0, 0}));
  call("sock_shutdown", constants({0, 4}));
  call("sock_shutdown", constants({0, 2}));
  call("sock_send", constants({0, kIovs, 1, 0, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{inval, inval, success, 64 /* pipe */}));
  char c;
  EXPECT_EQ(read(ends[1], &c, 1), 0);
}

TEST_F(Preview1Sockets, Accept) {
  int client = connect_to_listener();
  ASSERT_EQ(write(client, "hi", 2), 2);
  iov(kIovs, kBuffer, 8);
  iov(kIovs + 8, kBuffer, 2);
  call("sock_accept", constants({4, 0, kResult}));
  call("fd_read", constants({5, kIovs, 1, kResult + 4}));
  call("fd_write", constants({5, kIovs + 8, 1, kResult + 8}));
  call("fd_fdstat_get", constants({5, kBuffer + 64}));
  call("fd_close", "(i32.const 5)");
  call("sock_accept", constants({4, 1, kResult}));
  call("fd_fdstat_set_flags", constants({4, 4}));
  call("sock_accept", constants({4, 0, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success, inval, success, again}));
  EXPECT_EQ(word(kResult), 5u);
  EXPECT_EQ(word(kResult + 4), 2u);
  EXPECT_EQ(memory->base[kBuffer + 64], 6);  // filetype: a stream socket
  char text[4] = {};
  EXPECT_EQ(read(client, text, 4), 2);
  EXPECT_STREQ(text, "hi");
  EXPECT_EQ(read(client, text, 4), 0);
  close(client);
}

}  // namespace
}  // namespace wjit::wasi

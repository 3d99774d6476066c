// wasi_snapshot_preview1: reading and writing.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "test/unit/preview1_fixture.h"

namespace wjit::wasi {
namespace {

using namespace errno1;

// With both ways of reading and writing.
class Preview1Transfer : public Preview1Test, public testing::WithParamInterface<IoKind> {
 protected:
  Preview1Transfer() { io = GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(Backends, Preview1Transfer, testing::Values(IoKind::Auto, IoKind::Epoll));

TEST_F(Preview1Test, StandardStreams) {
  ASSERT_EQ(write(input[1], "some input", 10), 10);
  data(kData, "hello, world");
  iov(kIovs, kData, 5);
  iov(kIovs + 8, kData + 5, 7);
  iov(kIovs + 16, kBuffer, 4);
  iov(kIovs + 24, kBuffer + 100, 100);
  call("fd_write", constants({1, kIovs, 2, kResult}));
  call("fd_read", constants({0, kIovs + 16, 2, kResult + 4}));
  call("fd_write", constants({0, kIovs, 1, kResult + 8}));
  call("fd_write", constants({99, kIovs, 1, kResult + 8}));
  call("fd_seek", constants({1, 0, 0, kResult + 16}, "il"));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, badf, badf, spipe}));
  EXPECT_EQ(word(kResult), 12u);
  char buffer[32];
  EXPECT_EQ(read(output[0], buffer, sizeof(buffer)), 12);
  EXPECT_EQ(std::string_view(buffer, 12), "hello, world");
  EXPECT_EQ(word(kResult + 4), 10u);
  EXPECT_EQ(bytes(kBuffer, 4), "some");
  EXPECT_EQ(bytes(kBuffer + 100, 6), " input");
}

// A file of which the system has only the beginning in memory is read to the end of what was asked for.
class PartlyCached : public Preview1Test {
 protected:
  void configure(WasiOptions& options) override {
    const std::string contents(128 << 10, 'x');
    file = open((root / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    EXPECT_EQ(write(file, contents.data(), contents.size()), static_cast<ssize_t>(contents.size()));
    EXPECT_EQ(fsync(file), 0);
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM);  // nothing is read ahead
    char page[4096];
    EXPECT_EQ(pread(file, page, sizeof page, 0), 4096);
    EXPECT_EQ(lseek(file, 0, SEEK_SET), 0);
    options.stdin_fd = file;
  }
  int file = -1;
};

TEST_F(PartlyCached, IsReadToTheEnd) {
  iov(kIovs, kBuffer, 100'000);
  call("fd_read", constants({0, kIovs, 1, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success}));
  EXPECT_EQ(word(kResult), 100'000u);
  EXPECT_TRUE(bytes(kBuffer, 100'000) == std::string(100'000, 'x'));
  close(file);
}

// What has no positions is not read or written at one, whether or not bytes are asked for.
TEST_P(Preview1Transfer, PositionsOfPipes) {
  ASSERT_EQ(write(input[1], "some input", 10), 10);
  iov(kIovs, kBuffer, 4);
  call("fd_pread", constants({0, kIovs, 1, 0, kResult}, "iiil"));
  call("fd_pread", constants({0, kIovs, 0, 0, kResult}, "iiil"));
  call("fd_pwrite", constants({1, kIovs, 1, 0, kResult}, "iiil"));
  call("fd_pwrite", constants({1, kIovs, 0, 5, kResult}, "iiil"));
  call("fd_read", constants({0, kIovs, 1, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{spipe, spipe, spipe, spipe, success}));
  EXPECT_EQ(bytes(kBuffer, 4), "some");
}

// Standard input is a device that is no terminal, and has positions.
class Preview1Device : public Preview1Transfer {
 protected:
  void configure(WasiOptions& options) override { options.stdin_fd = device; }
  void TearDown() override {
    Preview1Transfer::TearDown();
    close(device);
  }
  int device = open("/dev/zero", O_RDWR | O_CLOEXEC);
};
INSTANTIATE_TEST_SUITE_P(Backends, Preview1Device, testing::Values(IoKind::Auto, IoKind::Epoll));

TEST_P(Preview1Device, Positions) {
  data(kBuffer, "xxxxxxxx");
  iov(kIovs, kBuffer, 4);
  call("fd_pread", constants({0, kIovs, 1, 7, kResult}, "iiil"));
  call("fd_seek", constants({0, 0, 1, kResult + 8}, "il"));
  call("fd_fdstat_get", constants({0, kBuffer + 64}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success}));
  EXPECT_EQ(word(kResult), 4u);
  EXPECT_EQ(bytes(kBuffer, 8), std::string_view("\0\0\0\0xxxx", 8));
  EXPECT_EQ(memory->base[kBuffer + 64], 2);  // a character device
  EXPECT_NE(long_word(kBuffer + 64 + 8) & rights1::fd_tell, 0u);
}

// A terminal has none.
class Preview1Terminal : public Preview1Transfer {
 protected:
  void configure(WasiOptions& options) override {
    ASSERT_EQ(grantpt(master), 0);
    ASSERT_EQ(unlockpt(master), 0);
    terminal = open(ptsname(master), O_RDWR | O_CLOEXEC | O_NOCTTY);
    ASSERT_GE(terminal, 0);
    options.stdin_fd = terminal;
  }
  void TearDown() override {
    Preview1Transfer::TearDown();
    close(terminal);
    close(master);
  }
  int master = posix_openpt(O_RDWR | O_CLOEXEC | O_NOCTTY), terminal = -1;
};
INSTANTIATE_TEST_SUITE_P(Backends, Preview1Terminal, testing::Values(IoKind::Auto, IoKind::Epoll));

TEST_P(Preview1Terminal, Positions) {
  ASSERT_EQ(write(master, "line\n", 5), 5);
  iov(kIovs, kBuffer, 5);
  iov(kIovs + 8, kBuffer + 100, 100000);
  call("fd_pread", constants({0, kIovs, 1, 0, kResult}, "iiil"));
  call("fd_read", constants({0, kIovs, 2, kResult}));  // does not wait for more
  call("fd_fdstat_get", constants({0, kResult + 8}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{spipe, success, success}));
  EXPECT_EQ(word(kResult), 5u);
  EXPECT_EQ(bytes(kBuffer, 5), "line\n");
  EXPECT_EQ(long_word(kResult + 16) & (rights1::fd_seek | rights1::fd_tell), 0u);
}

// A write that may wait ends when everything is written, a read when something was.
TEST_P(Preview1Transfer, StreamsOfManyBytes) {
  constexpr uint32_t kMany = 200'000;
  iov(kIovs, kBuffer, 10);
  iov(kIovs + 8, kBuffer, kMany);
  iov(kIovs + 16, kBuffer, 7);
  data(kBuffer, "0123456789");
  ASSERT_EQ(write(input[1], "some input", 10), 10);
  call("fd_fdstat_set_flags", constants({1, fdflags1::append}));  // which a pipe does in any case
  call("fd_write", constants({1, kIovs, 3, kResult}));
  call("fd_read", constants({0, kIovs, 2, kResult + 4}));
  std::string written;
  std::thread reader([&] {
    char buffer[4096];
    while (written.size() < kMany + 17) {
      const ssize_t count = read(output[0], buffer, sizeof buffer);
      if (count <= 0) return;
      written.append(buffer, static_cast<size_t>(count));
    }
  });
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success}));
  close(std::exchange(output[1], -1));
  reader.join();
  EXPECT_EQ(word(kResult), kMany + 17);
  EXPECT_EQ(written.size(), kMany + 17);
  EXPECT_EQ(written.substr(kMany + 10), "0123456");
  EXPECT_EQ(word(kResult + 4), 10u);
  EXPECT_EQ(bytes(kBuffer, 10), "some input");
}

// One that may not takes what there is room for; and one that fails half way tells what it has done.
TEST_P(Preview1Transfer, StreamsThatEndEarly) {
  iov(kIovs, kBuffer, 200'000);
  call("fd_fdstat_set_flags", constants({1, fdflags1::nonblock}));
  call("fd_write", constants({1, kIovs, 1, kResult}));
  call("fd_fdstat_set_flags", constants({1, 0}));
  call("fd_write", constants({1, kIovs, 1, kResult + 4}));
  call("fd_write", constants({1, kIovs, 1, kResult + 8}));
  call("fd_write", constants({1, kIovs, 1, kResult + 12}));
  const int room = fcntl(output[1], F_GETPIPE_SZ);
  ASSERT_LT(room, 190'000);
  std::thread reader([&] {
    // What the first two have written, and something of the third's.
    char buffer[1000];
    int total = 0;
    while (total <= room + 200'000) total += static_cast<int>(read(output[0], buffer, sizeof buffer));
    close(std::exchange(output[0], -1));
  });
  constexpr uint32_t pipe = 64;
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success, pipe}));
  reader.join();
  EXPECT_EQ(word(kResult), static_cast<uint32_t>(room));
  EXPECT_EQ(word(kResult + 4), 200'000u);
  EXPECT_GT(word(kResult + 8), 0u);
  EXPECT_LT(word(kResult + 8), 200'000u);
}

// Files are read and written through all parts, up to 1024, and to the first that is short.
TEST_P(Preview1Transfer, VectorsOfFiles) {
  data(kPaths, "file");
  iov(kIovs, kBuffer, 5);
  iov(kIovs + 8, kBuffer + 8, 100'000);
  iov(kIovs + 16, kBuffer + 16, 7);
  data(kBuffer, "01234xxxabcdefghABCDEFG");
  std::string small;
  for (uint32_t i = 0; i < 1500; ++i) {
    const uint32_t words[2] = {kBuffer + 200'000, 1};
    small.append(reinterpret_cast<const char*>(words), 8);  // NOLINT
  }
  constexpr uint32_t kSmall = kBuffer + 150'000;
  data(kSmall, small);
  call("path_open", constants({3, 0, kPaths, 4, kCreate, kRead | kWrite, 0, 0, kResult}, "iiiiill"));
  call("fd_write", constants({4, kIovs, 3, kResult + 4}));
  call("fd_pwrite", constants({4, kIovs, 3, 10, kResult + 8}, "iiil"));
  call("fd_pread", constants({4, kIovs, 3, 10, kResult + 12}, "iiil"));
  call("fd_pread", constants({4, kIovs, 3, 100, kResult + 16}, "iiil"));
  call("fd_tell", constants({4, kResult + 32}));
  call("fd_pwrite", constants({4, kSmall, 1500, 0, kResult + 20}, "iiil"));
  call("fd_pread", constants({4, kSmall, 1500, 0, kResult + 24}, "iiil"));
  EXPECT_EQ(run(), std::vector<uint32_t>(8, success));
  EXPECT_EQ(word(kResult + 4), 100'012u);
  EXPECT_EQ(word(kResult + 8), 100'012u);
  EXPECT_EQ(word(kResult + 12), 100'012u);
  EXPECT_EQ(word(kResult + 16), 100'022u - 100);
  EXPECT_EQ(long_word(kResult + 32), 100'012u);
  EXPECT_EQ(word(kResult + 20), 1024u);
  EXPECT_EQ(word(kResult + 24), 1024u);
  EXPECT_EQ(fs::file_size(root / "file"), 100'022u);
  std::ifstream file(root / "file");
  file.seekg(100'022 - 7);
  std::string end(7, ' ');
  file.read(end.data(), 7);
  EXPECT_EQ(end, "ABCDEFG");
}

// Standard output is a file that the host has opened, and standard error one that it appends to.
class Preview1Redirected : public Preview1Transfer {
 protected:
  void configure(WasiOptions& options) override {
    for (auto [name, flags, into] : {std::tuple{"out", 0, &options.stdout_fd}, {"err", O_APPEND, &options.stderr_fd}}) {
      std::ofstream(root / name) << "0123456789";
      *into = files.emplace_back(open((root / name).c_str(), O_RDWR | O_CLOEXEC | flags));
    }
  }
  void TearDown() override {
    Preview1Transfer::TearDown();
    for (int fd : files) close(fd);
  }
  std::string contents(const char* name) const {
    std::ifstream file(root / name);
    return {std::istreambuf_iterator(file), {}};
  }
  std::vector<int> files;
};
INSTANTIATE_TEST_SUITE_P(Backends, Preview1Redirected, testing::Values(IoKind::Auto, IoKind::Epoll));

TEST_P(Preview1Redirected, Appending) {
  data(kData, "ABCDEF");
  for (uint32_t i = 0; i < 3; ++i) iov(kIovs + 8 * i, kData + 2 * i, 2);
  call("fd_fdstat_get", constants({1, kBuffer}));
  call("fd_fdstat_get", constants({2, kBuffer + 24}));
  call("fd_fdstat_set_flags", constants({1, fdflags1::append}));
  call("fd_write", constants({1, kIovs, 1, kResult}));
  call("fd_fdstat_set_flags", constants({1, 0}));
  call("fd_seek", constants({1, 0, 0, kResult + 8}, "il"));
  call("fd_write", constants({1, kIovs + 8, 1, kResult}));
  call("fd_fdstat_set_flags", constants({2, 0}));
  call("fd_fdstat_set_flags", constants({2, fdflags1::append | fdflags1::nonblock}));
  call("fd_seek", constants({2, 0, 0, kResult + 8}, "il"));
  call("fd_write", constants({2, kIovs + 16, 1, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success, success, success, notsup,
                                          success, success, success}));
  EXPECT_EQ(memory->base[kBuffer + 2], 0);
  EXPECT_EQ(memory->base[kBuffer + 24 + 2], fdflags1::append);
  EXPECT_EQ(contents("out"), "CD23456789AB");
  EXPECT_EQ(contents("err"), "0123456789EF");
  EXPECT_EQ(fcntl(files[0], F_GETFL) & O_APPEND, 0);
}

}  // namespace
}  // namespace wjit::wasi

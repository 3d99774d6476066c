// wasi_snapshot_preview1: arguments, clocks, polling, signals; and what pointers may be, of all functions.
#include <unistd.h>

#include "test/unit/preview1_fixture.h"

namespace wjit::wasi {
namespace {

using namespace errno1;

TEST_F(Preview1Test, ArgumentsAndEnvironment) {
  call("args_sizes_get", constants({kResult, kResult + 4}));
  call("args_get", constants({kResult + 16, kData}));
  call("environ_sizes_get", constants({kResult + 8, kResult + 12}));
  call("environ_get", constants({kResult + 32, kData + 100}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success}));
  EXPECT_EQ(word(kResult), 2u);
  EXPECT_EQ(word(kResult + 4), 17u);
  EXPECT_EQ(word(kResult + 20), kData + 8);
  EXPECT_EQ(bytes(kData, 17), std::string_view("program\0argument\0", 17));
  EXPECT_EQ(word(kResult + 8), 1u);
  EXPECT_EQ(bytes(kData + 100, 4), std::string_view("A=1\0", 4));
}

TEST_F(Preview1Test, Waiting) {
  // Three subscriptions: a far clock, stdin, a descriptor that is not there.
  std::string subscriptions(3 * 48, '\0');
  subscriptions[0] = 7;
  subscriptions[16] = 1;  // monotonic
  memcpy(&subscriptions[24], "\xff\xff\xff\xff\xff\xff\xff\x0f", 8);
  subscriptions[48] = 8;
  subscriptions[48 + 8] = 1;  // fd_read of 0
  subscriptions[96] = 9;
  subscriptions[96 + 8] = 1;
  subscriptions[96 + 16] = 50;
  data(kData, subscriptions);
  // And one clock of 1 ms.
  std::string clock(48, '\0');
  clock[0] = 5;
  clock[16] = 1;
  uint64_t nanoseconds = 1'000'000;
  memcpy(&clock[24], &nanoseconds, 8);
  data(kData + 1000, clock);
  call("poll_oneoff", constants({kData, kBuffer, 2, kResult}));
  call("poll_oneoff", constants({kData + 96, kBuffer + 64, 1, kResult + 4}));
  call("poll_oneoff", constants({kData + 1000, kBuffer + 128, 1, kResult + 8}));
  call("poll_oneoff", constants({kData, kBuffer, 0, kResult + 12}));
  ASSERT_EQ(write(input[1], "abc", 3), 3);
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, inval}));
  EXPECT_EQ(word(kResult), 1u);
  EXPECT_EQ(long_word(kBuffer), 8u);
  EXPECT_EQ(memory->base[kBuffer + 10], 1);
  EXPECT_EQ(long_word(kBuffer + 16), 3u);
  EXPECT_EQ(word(kResult + 4), 1u);
  EXPECT_EQ(memory->base[kBuffer + 64 + 8], badf);
  EXPECT_EQ(word(kResult + 8), 1u);
  EXPECT_EQ(long_word(kBuffer + 128), 5u);
}

// A real-time clock's past, and a pipe whose writer has gone.
TEST_F(Preview1Test, WaitingForThePastAndForNobody) {
  std::string subscriptions(2 * 48, '\0');
  subscriptions[40] = 1;  // absolute, of clock 0, at 0
  subscriptions[48] = 8;
  subscriptions[48 + 8] = 1;  // fd_read of 0
  data(kData, subscriptions);
  call("poll_oneoff", constants({kData, kBuffer, 2, kResult}));
  close(std::exchange(input[1], -1));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success}));
  EXPECT_EQ(word(kResult), 2u);
  EXPECT_EQ(memory->base[kBuffer + 10], 0);       // clock
  EXPECT_EQ(memory->base[kBuffer + 32 + 10], 1);  // fd_read
  EXPECT_EQ(long_word(kBuffer + 32 + 16), 0u);    // bytes
  EXPECT_EQ(memory->base[kBuffer + 32 + 24], 1);  // the end
}

// How much there is to be read of a file, behind its end and of more than an int has.
TEST_F(Preview1Test, WaitingForFiles) {
  data(kPaths, "file");
  std::string subscription(48, '\0');
  subscription[8] = 1;  // fd_read of 4
  subscription[16] = 4;
  data(kData, subscription);
  auto poll = [&](uint32_t event) { call("poll_oneoff", constants({kData, event, 1, kResult})); };
  call("path_open", constants({3, 0, kPaths, 4, kCreate, kRead | kWrite, 0, 0, kResult}, "iiiiill"));
  call("fd_filestat_set_size", constants({4, 10}, "il"));
  call("fd_seek", constants({4, 4, 0, kResult + 8}, "il"));
  poll(kBuffer);
  call("fd_seek", constants({4, 100, 0, kResult + 8}, "il"));
  poll(kBuffer + 32);
  call("fd_filestat_set_size", constants({4, uint64_t{3} << 30}, "il"));
  poll(kBuffer + 64);
  EXPECT_EQ(run(), std::vector<uint32_t>(8, success));
  EXPECT_EQ(long_word(kBuffer + 16), 6u);
  EXPECT_EQ(long_word(kBuffer + 32 + 16), 0u);
  EXPECT_EQ(long_word(kBuffer + 64 + 16), (uint64_t{3} << 30) - 100);
}

// What a subscription says that cannot be waited for is its event's error.
TEST_F(Preview1Test, WaitingInVain) {
  std::string subscriptions(5 * 48, '\0');
  subscriptions[16] = 4;  // a clock that is none, one that cannot be waited for, an unknown flag
  subscriptions[48 + 16] = 2;
  subscriptions[96 + 40] = 2;
  subscriptions[144 + 8] = 1;  // fd_read of 0, fd_write of 1, whose right to be waited for is given up
  subscriptions[192 + 8] = 2;
  subscriptions[192 + 16] = 1;
  data(kData, subscriptions);
  call("fd_fdstat_set_rights", constants({0, rights1::poll_fd_readwrite, 0}, "ill"));
  call("fd_fdstat_set_rights", constants({1, rights1::fd_write, 0}, "ill"));
  call("poll_oneoff", constants({kData, kBuffer, 5, kResult}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success}));
  EXPECT_EQ(word(kResult), 5u);
  std::vector<uint32_t> errors;
  for (uint32_t at = kBuffer; at < kBuffer + 5 * 32; at += 32) errors.push_back(memory->base[at + 8]);
  EXPECT_EQ(errors, (std::vector<uint32_t>{inval, notsup, inval, notcapable, notcapable}));
}

// Pointers that lead out of memory, structures whose last byte does, and pointers that are no multiple of what they
// need.
TEST_F(Preview1Test, PointersTrap) {
  constexpr uint64_t kEnd = 4 * 65536;
  data(kPaths, ".");
  iov(kIovs, kBuffer, 4);
  iov(kIovs + 8, 0xFFFFFFFC, 8);
  iov(kIovs + 16, kEnd - 3, 4);
  struct Case {
    const char* name;
    std::string out_of_bounds, misaligned;
  };
  const std::vector<Case> cases = {
      {"args_get", constants({kEnd - 4, kData}), constants({kBuffer + 2, kData})},
      {"args_get", constants({kBuffer, kEnd - 16}), ""},
      {"args_sizes_get", constants({kBuffer, kEnd - 3}), constants({kBuffer, kBuffer + 5})},
      {"environ_get", constants({kEnd, kData}), constants({kBuffer + 3, kData})},
      {"environ_sizes_get", constants({kEnd - 3, kBuffer}), constants({kBuffer + 1, kBuffer + 4})},
      {"clock_res_get", constants({1, kEnd - 7}), constants({1, kBuffer + 4})},
      {"clock_time_get", constants({0, 0, kEnd - 7}, "il"), constants({0, 0, kBuffer + 1}, "il")},
      {"random_get", constants({kEnd - 3, 4}), ""},
      {"poll_oneoff", constants({kEnd - 47, kBuffer, 1, kResult}), constants({kBuffer + 4, kData, 1, kResult})},
      {"poll_oneoff", constants({kBuffer, kEnd - 31, 1, kResult}), constants({kBuffer, kData + 4, 1, kResult})},
      {"poll_oneoff", constants({kBuffer, kData, 1, kEnd}), constants({kBuffer, kData, 1, kResult + 2})},
      {"poll_oneoff", constants({kBuffer, kData, 0x10000000, kResult}), ""},
      {"fd_read", constants({0, kEnd - 7, 1, kResult}), constants({0, kIovs + 1, 1, kResult})},
      {"fd_read", constants({0, kIovs, 0x20000000, kResult}), ""},
      {"fd_read", constants({0, kIovs + 8, 1, kResult}), ""},
      {"fd_read", constants({0, kIovs, 1, kEnd - 3}), constants({0, kIovs, 1, kResult + 1})},
      {"fd_write", constants({1, kIovs, 3, kResult}), ""},
      {"fd_write", constants({1, kIovs + 16, 1, kResult}), ""},
      {"fd_write", constants({1, kIovs, 1, kEnd}), constants({1, kIovs, 1, kResult + 3})},
      {"fd_seek", constants({0, 0, 1, kEnd - 7}, "il"), constants({0, 0, 1, kBuffer + 4}, "il")},
      {"fd_tell", constants({0, kEnd - 7}), constants({0, kBuffer + 4})},
      {"fd_filestat_get", constants({0, kEnd - 63}), constants({0, kBuffer + 4})},
      {"fd_fdstat_get", constants({0, kEnd - 23}), constants({0, kBuffer + 4})},
      {"fd_prestat_get", constants({3, kEnd - 7}), constants({3, kBuffer + 2})},
      {"fd_prestat_dir_name", constants({3, kEnd - 3, 4}), ""},
      {"fd_readdir", constants({3, kEnd - 10, 11, 0, kResult}, "iiil"), ""},
      {"fd_readdir", constants({3, kBuffer, 11, 0, kEnd - 3}, "iiil"), constants({3, kData, 9, 0, kData + 1}, "iiil")},
      {"path_filestat_get", constants({3, 0, kPaths, 1, kEnd - 63}), constants({3, 0, kPaths, 1, kBuffer + 4})},
      {"path_open", constants({3, 0, kPaths, 1, 0, 0, 0, 0, kEnd - 3}, "iiiiill"),
       constants({3, 0, kPaths, 1, 0, 0, 0, 0, kResult + 2}, "iiiiill")},
      {"path_readlink", constants({3, kPaths, 1, kEnd - 3, 4, kResult}), ""},
      {"path_readlink", constants({3, kPaths, 1, kBuffer, 4, kEnd - 3}), constants({3, kPaths, 1, kData, 4, 5})},
      {"path_symlink", constants({kEnd - 3, 4, 3, kPaths, 1}), ""},
      {"path_unlink_file", constants({3, kEnd - 1, 2}), ""},
      {"path_rename", constants({3, kPaths, 1, 3, 0xFFFFFFFF, 1}), ""},
  };
  for (const Case& one : cases) {
    const std::string begin = fmt::format("wasi_snapshot_preview1 {}: ", one.name);
    EXPECT_EQ(trap(one.name, one.out_of_bounds), begin + "pointer out of bounds") << one.out_of_bounds;
    if (one.misaligned.empty()) continue;
    EXPECT_EQ(trap(one.name, one.misaligned), begin + "misaligned pointer") << one.misaligned;
  }
}

// Signals that do nothing, numbers that are no signals, and those that end a process, or stop it for good.
TEST_F(Preview1Test, Signals) {
  for (uint64_t signal : {0, 13, 16, 17, 22, 27, 31, 255}) call("proc_raise", constants({signal}));
  call("proc_raise", "(i32.const -1)");
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success, success, inval, inval, inval}));
  for (uint64_t signal : {1, 6, 9, 14, 19, 28, 30}) {
    EXPECT_EQ(trap("proc_raise", constants({signal})), fmt::format("the guest raised signal {}", signal));
  }
}

// Of what is empty, no byte is looked at; and nothing is where another error comes first.
TEST_F(Preview1Test, PointersThatNobodyFollows) {
  data(kPaths, "link");
  fs::create_symlink("file", root / "link");
  iov(kIovs, 0xFFFFFFF0, 0);
  call("random_get", constants({0xFFFFFFFF, 0}));
  call("fd_read", constants({0, kIovs, 1, kResult}));
  call("fd_write", constants({1, 0xFFFFFFFD, 0, kResult}));
  call("path_readlink", constants({3, kPaths, 4, 0xFFFFFFFF, 0, kResult}));
  call("fd_readdir", constants({3, 0xFFFFFFFF, 0, 0, kResult}, "iiil"));
  call("path_unlink_file", constants({3, 0xFFFFFFFF, 0}));
  call("clock_time_get", constants({4, 0, 0xFFFFFFFF}, "il"));
  call("clock_res_get", constants({77, 0xFFFFFFFF}));
  call("poll_oneoff", constants({0xFFFFFFFF, 0xFFFFFFFF, 0, 0xFFFFFFFF}));
  call("fd_tell", constants({99, 0xFFFFFFFF}));
  call("fd_prestat_dir_name", constants({3, 0xFFFFFFFF, 3}));
  constexpr uint32_t noent = 44, nametoolong = 37;
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success, noent, inval, inval, inval, badf,
                                          nametoolong}));
}

}  // namespace
}  // namespace wjit::wasi

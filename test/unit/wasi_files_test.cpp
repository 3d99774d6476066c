// Paths below a folder: what guests may reach and what not, with openat2 and without.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "wasi/files.h"

namespace wjit::wasi {
namespace {

namespace fs = std::filesystem;

// outside/secret, and inside/: file, sub/deep, links of all kinds.
class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "wjit-files-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root = pattern;
    fs::create_directories(root / "inside" / "sub" / "deep");
    fs::create_directories(root / "outside");
    std::ofstream(root / "outside" / "secret") << "secret";
    std::ofstream(root / "outside" / "secret-too") << "secret";
    std::ofstream(root / "inside" / "file") << "contents";
    std::ofstream(root / "inside" / "sub" / "leaf") << "leaf";
    fs::create_symlink("sub/leaf", root / "inside" / "to-leaf");
    fs::create_directory_symlink("sub", root / "inside" / "to-sub");
    fs::create_symlink("../file", root / "inside" / "sub" / "to-file");
    fs::create_symlink("../outside/secret", root / "inside" / "to-secret");
    fs::create_directory_symlink("../outside", root / "inside" / "to-outside");
    fs::create_symlink(root / "outside" / "secret", root / "inside" / "absolute");
    fs::create_symlink("loop-b", root / "inside" / "loop-a");
    fs::create_symlink("loop-a", root / "inside" / "loop-b");
    fs::create_symlink("../outside/new", root / "inside" / "to-new");
    folder = open((root / "inside").c_str(), O_RDONLY | O_DIRECTORY);
    ASSERT_GE(folder, 0);
  }
  void TearDown() override {
    close(folder);
    fs::remove_all(root);
  }

  fs::path root;
  int folder = -1;
};

using Open = int64_t (*)(int, const std::string&, int, mode_t, bool);
class OpenBeneath : public Files, public testing::WithParamInterface<Open> {
 protected:
  // What can be read through the path, or the error.
  std::string read(const std::string& path, bool follow = true, int flags = O_RDONLY) {
    int64_t fd = GetParam()(folder, path, flags, 0666, follow);
    if (fd < 0) return strerror(static_cast<int>(-fd));
    char buffer[64];
    ssize_t n = ::read(static_cast<int>(fd), buffer, sizeof(buffer));
    std::string text = n < 0 ? std::string(errno == EISDIR ? "a folder" : strerror(errno)) : std::string(buffer, n);
    close(static_cast<int>(fd));
    return text;
  }
};

TEST_P(OpenBeneath, InsideIsReached) {
  EXPECT_EQ(read("file"), "contents");
  EXPECT_EQ(read("./sub//leaf"), "leaf");
  EXPECT_EQ(read("sub/../file"), "contents");
  EXPECT_EQ(read("sub/deep/../../sub/leaf"), "leaf");
  EXPECT_EQ(read("to-leaf"), "leaf");
  EXPECT_EQ(read("to-sub/leaf"), "leaf");
  EXPECT_EQ(read("to-sub/to-file"), "contents");
  EXPECT_EQ(read("."), "a folder");
  EXPECT_EQ(read("sub/"), "a folder");
  EXPECT_EQ(read("sub/.."), "a folder");
}

TEST_P(OpenBeneath, OutsideIsNot) {
  const char* denied = strerror(EPERM);
  EXPECT_EQ(read(".."), denied);
  EXPECT_EQ(read("../outside/secret"), denied);
  EXPECT_EQ(read("sub/../../outside/secret"), denied);
  EXPECT_EQ(read("to-secret"), denied);
  EXPECT_EQ(read("to-outside/secret"), denied);
  EXPECT_EQ(read("sub/../to-outside/secret"), denied);
  EXPECT_EQ(read("to-sub/../../inside/file"), denied);
  EXPECT_EQ(read("absolute"), denied);
  EXPECT_EQ(read("/etc/passwd"), denied);
  EXPECT_EQ(read("/"), denied);
  EXPECT_EQ(read("to-new", true, O_CREAT | O_WRONLY), denied);
  EXPECT_FALSE(fs::exists(root / "outside" / "new"));
}

TEST_P(OpenBeneath, Errors) {
  EXPECT_EQ(read(""), strerror(ENOENT));
  EXPECT_EQ(read("absent"), strerror(ENOENT));
  EXPECT_EQ(read("file/x"), strerror(ENOTDIR));
  EXPECT_EQ(read("file/"), strerror(ENOTDIR));
  EXPECT_EQ(read(std::string("file\0x", 6)), strerror(EINVAL));
  EXPECT_EQ(read("loop-a"), strerror(ELOOP));
  EXPECT_EQ(read("to-leaf", false), strerror(ELOOP));
  EXPECT_EQ(read("file", true, O_CREAT | O_EXCL | O_WRONLY), strerror(EEXIST));
  EXPECT_EQ(read("file", true, O_DIRECTORY), strerror(ENOTDIR));
}

TEST_P(OpenBeneath, SlashesAndExclusive) {
  EXPECT_EQ(read("fresh/", true, O_CREAT | O_WRONLY), strerror(EISDIR));
  EXPECT_FALSE(fs::exists(root / "inside" / "fresh"));
  EXPECT_EQ(read("to-sub/"), "a folder");
  EXPECT_EQ(read("to-sub/", false), "a folder");
  EXPECT_EQ(read("to-leaf/"), strerror(ENOTDIR));
  fs::create_symlink("fresh", root / "inside" / "to-fresh");
  EXPECT_EQ(read("to-fresh", true, O_CREAT | O_EXCL | O_WRONLY), strerror(EEXIST));
  EXPECT_FALSE(fs::exists(root / "inside" / "fresh"));
  EXPECT_EQ(read("to-fresh", true, O_CREAT | O_RDWR), "");
  EXPECT_TRUE(fs::exists(root / "inside" / "fresh"));
}

// A path's folder is swapped with a link that leads outside, and one is moved outside and back, all the time: 100,000
// times, or for some seconds of a busy machine.
TEST_P(OpenBeneath, NothingOutsideInARace) {
  constexpr int kSwaps = 100'000;
  fs::create_directories(root / "inside" / "swapped");
  fs::create_directories(root / "inside" / "walk" / "below");
  std::ofstream(root / "inside" / "swapped" / "secret") << "public";
  std::ofstream(root / "inside" / "secret") << "public";
  fs::create_directory_symlink("../outside", root / "inside" / "link");
  const std::string swapped = root / "inside" / "swapped", link = root / "inside" / "link";
  const std::string here = root / "inside" / "walk" / "below", there = root / "outside" / "below";
  std::atomic<bool> ended{false};
  std::thread swapper([&] {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(4);
    for (int i = 0; i < kSwaps && std::chrono::steady_clock::now() < end; ++i) {
      ASSERT_EQ(renameat2(AT_FDCWD, swapped.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE), 0);
      ASSERT_EQ(rename((i % 2 == 0 ? here : there).c_str(), (i % 2 == 0 ? there : here).c_str()), 0);
    }
    rename(there.c_str(), here.c_str());  // fails if the time ended with it at home
    ended = true;
  });
  std::map<std::string, int> seen;
  for (int i = 0; !ended; ++i) {
    ++seen[read("swapped/secret")];
    ++seen[read("walk/below/../../secret")];
    ++seen[read("walk/below/../../../outside/secret")];
    if (GetParam() != &open_beneath || i % 16 != 0) continue;
    make_directory(folder, "swapped/made");
    make_symlink("x", folder, "swapped/made-link");
    link_beneath(folder, "file", false, folder, "swapped/made-hard");
    rename_beneath(folder, "swapped/made-hard", folder, "swapped/made-moved");
    read("swapped/made-file", true, O_CREAT | O_WRONLY);
    unlink_file(folder, "swapped/secret-too");
    timespec times[2] = {{1, 0}, {1, 0}};
    set_times_beneath(folder, "swapped/secret", true, times);
  }
  swapper.join();
  EXPECT_GT(seen["public"], 0);
  EXPECT_GT(seen[strerror(EPERM)], 0);
  EXPECT_EQ(seen["secret"], 0);
  std::vector<std::string> outside;
  for (const auto& entry : fs::directory_iterator(root / "outside")) outside.push_back(entry.path().filename());
  std::sort(outside.begin(), outside.end());
  EXPECT_EQ(outside, (std::vector<std::string>{"secret", "secret-too"}));
  EXPECT_GT(fs::last_write_time(root / "outside" / "secret"), fs::file_time_type::clock::now() - std::chrono::hours(1));
}

TEST_P(OpenBeneath, Creates) {
  EXPECT_EQ(read("sub/new", true, O_CREAT | O_RDWR), "");
  EXPECT_TRUE(fs::is_regular_file(root / "inside" / "sub" / "new"));
  EXPECT_EQ(read("to-sub/newer", true, O_CREAT | O_EXCL | O_RDWR), "");
  EXPECT_TRUE(fs::is_regular_file(root / "inside" / "sub" / "newer"));
}

INSTANTIATE_TEST_SUITE_P(Ways, OpenBeneath, testing::Values(&open_beneath, &open_beneath_by_walking),
                         [](const auto& way) { return way.index == 0 ? "Kernel" : "Walking"; });

// The same answers as with waiting, or -EAGAIN; never what lies outside, and nothing is changed.
TEST_F(Files, TryCached) {
  for (const char* path : {"file", "sub/leaf", "to-leaf", "to-sub/leaf", "none", "sub/none", "to-secret",
                           "to-outside/secret", "absolute", "loop-a", "..", "sub/../..", "file/", ""}) {
    struct stat waited{}, cached{};
    int64_t expected = stat_beneath(folder, path, true, &waited);  // also brings it into the cache
    int64_t got = try_cached([&] { return stat_beneath(folder, path, true, &cached); });
    EXPECT_TRUE(got == expected || got == -EAGAIN) << path << ": " << got << " instead of " << expected;
    if (got == 0) EXPECT_EQ(cached.st_ino, waited.st_ino) << path;
  }
  EXPECT_EQ(try_cached([&] { return open_beneath(folder, "new", O_WRONLY | O_CREAT, 0666, true); }), -EAGAIN);
  EXPECT_FALSE(fs::exists(root / "inside" / "new"));
  EXPECT_EQ(try_cached([&] { return open_beneath(folder, "file", O_WRONLY | O_TRUNC, 0, true); }), -EAGAIN);
  EXPECT_EQ(fs::file_size(root / "inside" / "file"), 8u);
  const int64_t created = open_beneath(folder, "new", O_WRONLY | O_CREAT, 0666, true);  // as before again
  EXPECT_GE(created, 0);
  close(static_cast<int>(created));
}

TEST_F(Files, NulIsInNoPath) {
  const std::string bad("sub/a\0b", 7);
  struct stat status{};
  std::string contents;
  EXPECT_EQ(open_beneath(folder, bad, O_WRONLY | O_CREAT, 0666, true), -EINVAL);
  EXPECT_EQ(stat_beneath(folder, bad, true, &status), -EINVAL);
  EXPECT_EQ(make_directory(folder, bad), -EINVAL);
  EXPECT_EQ(remove_directory(folder, bad), -EINVAL);
  EXPECT_EQ(unlink_file(folder, bad), -EINVAL);
  EXPECT_EQ(rename_beneath(folder, bad, folder, "new"), -EINVAL);
  EXPECT_EQ(rename_beneath(folder, "file", folder, bad), -EINVAL);
  for (bool follow : {false, true}) {
    EXPECT_EQ(link_beneath(folder, bad, follow, folder, "new"), -EINVAL);
    EXPECT_EQ(link_beneath(folder, "file", follow, folder, bad), -EINVAL);
  }
  EXPECT_EQ(make_symlink("file", folder, bad), -EINVAL);
  EXPECT_EQ(make_symlink(bad, folder, "new"), -EINVAL);
  EXPECT_EQ(read_link(folder, bad, &contents), -EINVAL);
}

TEST_F(Files, WhatMayNotBeChangedStillSaysWhatIsWrong) {
  EXPECT_EQ(refuse_new(folder, "new"), -EROFS);
  EXPECT_EQ(refuse_new(folder, "file"), -EEXIST);
  EXPECT_EQ(refuse_new(folder, "sub/."), -EEXIST);
  EXPECT_EQ(refuse_new(folder, "absent/new"), -ENOENT);
  EXPECT_EQ(refuse_new(folder, "file/new"), -ENOTDIR);
  EXPECT_EQ(refuse_new(folder, "../new"), -EPERM);
  EXPECT_EQ(refuse_new(folder, "/new"), -EPERM);
  EXPECT_EQ(refuse_change(folder, "file", true), -EROFS);
  EXPECT_EQ(refuse_change(folder, "absent", true), -ENOENT);
  EXPECT_EQ(refuse_change(folder, "to-outside", false), -EROFS);
  EXPECT_EQ(refuse_change(folder, "to-outside", true), -EPERM);
  EXPECT_EQ(refuse_change(folder, "", true), -ENOENT);
}

TEST_F(Files, ChangesStayInside) {
  EXPECT_EQ(make_directory(folder, "../evil"), -EPERM);
  EXPECT_EQ(make_directory(folder, "to-outside/evil"), -EPERM);
  EXPECT_EQ(make_directory(folder, ".."), -EPERM);
  EXPECT_EQ(make_directory(folder, "sub/.."), -EEXIST);
  EXPECT_EQ(make_directory(folder, "absent/."), -ENOENT);
  EXPECT_EQ(remove_directory(folder, ".."), -EPERM);
  EXPECT_EQ(remove_directory(folder, "to-outside/"), -EPERM);
  EXPECT_EQ(remove_directory(folder, "to-outside"), -ENOTDIR);
  EXPECT_EQ(remove_directory(folder, "to-sub/"), -ENOTDIR);
  EXPECT_EQ(remove_directory(folder, "sub/deep/.."), -ENOTEMPTY);
  EXPECT_EQ(remove_directory(folder, "sub/deep/."), -EINVAL);
  EXPECT_EQ(unlink_file(folder, "to-outside/secret"), -EPERM);
  EXPECT_EQ(unlink_file(folder, "../outside/secret"), -EPERM);
  EXPECT_EQ(rename_beneath(folder, "file", folder, "../file"), -EPERM);
  EXPECT_EQ(rename_beneath(folder, "../outside/secret", folder, "mine"), -EPERM);
  EXPECT_EQ(rename_beneath(folder, "file", folder, ".."), -EPERM);
  EXPECT_EQ(rename_beneath(folder, "file", folder, "sub/.."), -EBUSY);
  for (bool follow : {false, true}) {
    EXPECT_EQ(link_beneath(folder, "to-outside/secret", follow, folder, "mine"), -EPERM);
    EXPECT_EQ(link_beneath(folder, "..", follow, folder, "mine"), -EPERM);
    EXPECT_EQ(link_beneath(folder, "file", follow, folder, ".."), -EPERM);
  }
  EXPECT_EQ(link_beneath(folder, "absolute", true, folder, "mine"), -EPERM);
  EXPECT_EQ(link_beneath(folder, "to-outside", true, folder, "mine"), -EPERM);
  EXPECT_EQ(make_symlink("/etc/passwd", folder, "mine"), -EPERM);
  EXPECT_EQ(make_symlink("x", folder, "../mine"), -EPERM);
  EXPECT_TRUE(fs::exists(root / "outside" / "secret"));
  std::string contents;
  EXPECT_EQ(read_link(folder, "absolute", &contents), -EPERM);
}

TEST_F(Files, Changes) {
  EXPECT_EQ(make_directory(folder, "a/b"), -ENOENT);
  EXPECT_EQ(make_directory(folder, "a"), 0);
  EXPECT_EQ(make_directory(folder, "a/b/"), 0);
  EXPECT_EQ(make_directory(folder, "a"), -EEXIST);
  EXPECT_EQ(rename_beneath(folder, "file", folder, "a/moved"), 0);
  EXPECT_EQ(link_beneath(folder, "a/moved", false, folder, "again"), 0);
  struct stat status{};
  EXPECT_EQ(stat_beneath(folder, "again", true, &status), 0);
  EXPECT_EQ(status.st_nlink, 2u);
  EXPECT_EQ(status.st_size, 8);
  // Through links, if they are to be followed.
  EXPECT_EQ(make_symlink("../to-again", folder, "a/far"), 0);
  EXPECT_EQ(make_symlink("again", folder, "to-again"), 0);
  EXPECT_EQ(link_beneath(folder, "a/far", true, folder, "third"), 0);
  EXPECT_EQ(stat_beneath(folder, "third", false, &status), 0);
  EXPECT_EQ(status.st_nlink, 3u);
  EXPECT_EQ(link_beneath(folder, "to-again", false, folder, "fourth"), 0);
  EXPECT_EQ(stat_beneath(folder, "fourth", false, &status), 0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
  EXPECT_EQ(make_symlink("loop", folder, "loop"), 0);
  EXPECT_EQ(link_beneath(folder, "loop", true, folder, "fifth"), -ELOOP);
  EXPECT_EQ(make_symlink("absent", folder, "to-absent"), 0);
  EXPECT_EQ(link_beneath(folder, "to-absent", true, folder, "fifth"), -ENOENT);
  // What a slash behind a name asks for.
  EXPECT_EQ(link_beneath(folder, "again", false, folder, "fifth/"), -ENOENT);
  EXPECT_EQ(link_beneath(folder, "again", false, folder, "sub/"), -EEXIST);
  EXPECT_EQ(link_beneath(folder, "again/", false, folder, "fifth"), -ENOTDIR);
  EXPECT_EQ(link_beneath(folder, "sub/", false, folder, "fifth"), -EPERM);
  EXPECT_EQ(make_symlink("x", folder, "fifth/"), -ENOENT);
  EXPECT_EQ(make_symlink("x", folder, "sub/"), -EEXIST);
  EXPECT_EQ(unlink_file(folder, "a/far"), 0);
  EXPECT_EQ(remove_directory(folder, "a"), -ENOTEMPTY);
  EXPECT_EQ(unlink_file(folder, "a"), -EISDIR);
  EXPECT_EQ(unlink_file(folder, "again/"), -ENOTDIR);
  EXPECT_EQ(unlink_file(folder, "a/moved"), 0);
  EXPECT_EQ(remove_directory(folder, "a/b"), 0);
  EXPECT_EQ(remove_directory(folder, "a"), 0);
  EXPECT_EQ(make_symlink("sub/leaf", folder, "fresh"), 0);
  std::string contents;
  EXPECT_EQ(read_link(folder, "fresh", &contents), 0);
  EXPECT_EQ(contents, "sub/leaf");
  EXPECT_EQ(read_link(folder, "again", &contents), -EINVAL);
  // Links themselves, not what they point to (which may lie outside).
  EXPECT_EQ(stat_beneath(folder, "to-secret", false, &status), 0);
  EXPECT_EQ(file_type(status.st_mode), FileType::SymbolicLink);
  EXPECT_EQ(stat_beneath(folder, "to-secret", true, &status), -EPERM);
  EXPECT_EQ(unlink_file(folder, "to-secret"), 0);
  EXPECT_TRUE(fs::exists(root / "outside" / "secret"));
}

TEST_F(Files, Times) {
  timespec times[2] = {{1000, 5}, {2000, 7}};
  EXPECT_EQ(set_times_beneath(folder, "to-leaf", true, times), 0);
  struct stat status{};
  EXPECT_EQ(stat_beneath(folder, "sub/leaf", true, &status), 0);
  EXPECT_EQ(status.st_atim.tv_sec, 1000);
  EXPECT_EQ(status.st_mtim.tv_nsec, 7);
  EXPECT_EQ(set_times_beneath(folder, "to-secret", true, times), -EPERM);
}

TEST_F(Files, Entries) {
  std::vector<DirectoryEntry> entries;
  ASSERT_EQ(read_directory(folder, &entries), 0);
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : entries) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"absolute", "file", "loop-a", "loop-b", "sub", "to-leaf", "to-new",
                                             "to-outside", "to-secret", "to-sub"}));
  auto sub = std::find_if(entries.begin(), entries.end(), [](const auto& e) { return e.name == "sub"; });
  EXPECT_EQ(sub->type, FileType::Directory);
}

// Some at a time; the folder goes in the middle.
TEST_F(Files, EntriesOfAFolderThatIsRemoved) {
  for (int i = 0; i < 5000; ++i) std::ofstream(root / "inside" / "sub" / ("entry" + std::to_string(i)));
  int64_t sub = open_beneath(folder, "sub", O_RDONLY | O_DIRECTORY, 0, false);
  ASSERT_GE(sub, 0);
  DirectoryReader whole, removed;
  ASSERT_EQ(whole.open(static_cast<int>(sub)), 0);
  ASSERT_EQ(removed.open(static_cast<int>(sub)), 0);
  close(static_cast<int>(sub));
  std::vector<DirectoryEntry> entries;
  for (size_t before = 1; entries.size() != before;) {
    before = entries.size();
    ASSERT_EQ(whole.next(100, &entries), 0);
    EXPECT_LE(entries.size(), before + 100);
  }
  EXPECT_EQ(entries.size(), 5003u);  // with leaf, deep, to-file
  entries.clear();
  ASSERT_EQ(removed.next(10, &entries), 0);
  EXPECT_EQ(entries.size(), 10u);
  fs::remove_all(root / "inside" / "sub");
  int64_t result = 0;
  for (size_t before = 0; result == 0 && entries.size() != before;) {
    before = entries.size();
    result = removed.next(100, &entries);
  }
  EXPECT_EQ(result, 0);
  EXPECT_LT(entries.size(), 5003u);
}

}  // namespace
}  // namespace wjit::wasi

// wasi_snapshot_preview1: paths, and the files that are opened by them.
#include <fcntl.h>

#include <fstream>

#include "test/unit/preview1_fixture.h"

namespace wjit::wasi {
namespace {

using namespace errno1;

class Preview1ReadOnly : public Preview1Test {
 protected:
  Preview1ReadOnly() { read_only = true; }
};

TEST_F(Preview1Test, Files) {
  data(kPaths, "file");            // 4
  data(kPaths + 16, "sub");        // 3
  data(kPaths + 32, "sub/moved");  // 9
  data(kPaths + 64, "../x");       // 4
  data(kData, "0123456789");
  iov(kIovs, kData, 10);
  iov(kIovs + 8, kBuffer, 4);
  auto open = [&](uint32_t path, uint32_t size, uint64_t oflags, uint64_t rights, uint64_t fdflags, uint32_t into) {
    call("path_open", constants({3, 1, path, size, oflags, rights, 0, fdflags, into}, "iiiiill"));
  };
  call("fd_prestat_get", constants({3, kResult}));
  call("fd_prestat_dir_name", constants({3, kBuffer + 64, 4}));
  call("fd_prestat_get", constants({4, kResult}));
  open(kPaths, 4, kCreate | kExclusive, kRead | kWrite, 0, kResult + 8);  // descriptor 4
  call("fd_write", constants({4, kIovs, 1, kResult + 12}));
  call("fd_seek", constants({4, 3, 0, kResult + 16}, "il"));
  call("fd_read", constants({4, kIovs + 8, 1, kResult + 24}));
  call("fd_tell", constants({4, kResult + 32}));
  call("fd_pread", constants({4, kIovs + 8, 1, 8, kResult + 28}, "iiil"));
  call("fd_filestat_get", constants({4, kBuffer + 256}));
  open(kPaths, 4, kCreate | kExclusive, kRead, 0, kResult + 8);
  open(kPaths + 64, 4, 0, kRead, 0, kResult + 8);
  call("path_create_directory", constants({3, kPaths + 16, 3}));
  call("path_rename", constants({3, kPaths, 4, 3, kPaths + 32, 9}));
  call("path_filestat_get", constants({3, 1, kPaths + 32, 9, kBuffer + 320}));
  call("fd_readdir", constants({3, kBuffer + 512, 4096, 0, kResult + 40}, "iiil"));
  call("path_unlink_file", constants({3, kPaths + 16, 3}));
  call("path_unlink_file", constants({3, kPaths + 32, 9}));
  call("path_remove_directory", constants({3, kPaths + 16, 3}));
  call("fd_close", constants({4}));
  call("fd_close", constants({4}));
  open(kPaths, 4, kCreate | kTruncate, kWrite, 1, kResult + 44);  // appending; the lowest free number
  call("fd_write", constants({4, kIovs, 1, kResult + 12}));
  call("fd_fdstat_get", constants({4, kBuffer + 400}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, badf,    success, success, success, success, success,
                                          success, success, 20,      63,      success, success, success, success,
                                          isdir,   success, success, success, badf,    success, success, success}));
  EXPECT_EQ(long_word(kResult), uint64_t{4} << 32);
  EXPECT_EQ(bytes(kBuffer + 64, 4), "data");
  EXPECT_EQ(word(kResult + 8), 4u);
  EXPECT_EQ(long_word(kResult + 16), 3u);
  EXPECT_EQ(word(kResult + 24), 4u);
  EXPECT_EQ(long_word(kResult + 32), 7u);
  EXPECT_EQ(word(kResult + 28), 2u);
  EXPECT_EQ(bytes(kBuffer, 4), "8956");  // pread's two bytes over read's four
  EXPECT_EQ(long_word(kBuffer + 256 + 32), 10u);
  EXPECT_EQ(memory->base[kBuffer + 256 + 16], 4);      // a regular file
  EXPECT_EQ(word(kResult + 40), 3 * 24u + 1 + 2 + 3);  // ".", "..", "sub"
  EXPECT_EQ(word(kResult + 44), 4u);
  EXPECT_EQ(memory->base[kBuffer + 402], 1);  // append
  EXPECT_EQ(fs::file_size(root / "file"), 10u);
}

TEST_F(Preview1Test, PathsAreText) {
  data(kPaths, "a\xff");
  for (const char* name : {"path_unlink_file", "path_create_directory", "path_remove_directory"}) {
    call(name, constants({3, kPaths, 2}));
  }
  call("path_symlink", constants({kPaths, 2, 3, kPaths, 1}));  // what the link says
  EXPECT_EQ(run(), (std::vector<uint32_t>{ilseq, ilseq, ilseq, ilseq}));
  EXPECT_FALSE(fs::exists(fs::symlink_status(root / "a")));
}

TEST_F(Preview1ReadOnly, NothingChanges) {
  std::ofstream(root / "file") << "contents";
  data(kPaths, "file");
  data(kPaths + 16, "new");
  iov(kIovs, kBuffer, 100);
  call("path_open", constants({3, 1, kPaths, 4, 0, kRead, 0, 0, kResult}, "iiiiill"));
  call("fd_read", constants({4, kIovs, 1, kResult + 4}));
  call("path_open", constants({3, 1, kPaths, 4, 0, kRead, 0, 1, kResult}, "iiiiill"));  // appending
  call("path_open", constants({3, 1, kPaths, 4, 0, kWrite, 0, 0, kResult}, "iiiiill"));
  call("path_open", constants({3, 1, kPaths + 16, 3, kCreate, kRead, 0, 0, kResult}, "iiiiill"));
  call("path_create_directory", constants({3, kPaths + 16, 3}));
  call("path_unlink_file", constants({3, kPaths, 4}));
  call("path_rename", constants({3, kPaths, 4, 3, kPaths + 16, 3}));
  call("path_symlink", constants({kPaths, 4, 3, kPaths + 16, 3}));
  call("path_link", constants({3, 0, kPaths, 4, 3, kPaths + 16, 3}));
  call("path_filestat_set_times", constants({3, 0, kPaths, 4, 0, 0, 10}, "iiiill"));
  call("fd_filestat_set_size", constants({4, 0}, "il"));
  call("fd_filestat_set_times", constants({4, 0, 0, 10}, "ill"));
  call("path_remove_directory", constants({3, kPaths + 16, 3}));
  call("fd_write", constants({4, kIovs, 1, kResult + 4}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, rofs, rofs, rofs, rofs, rofs, rofs, rofs, rofs,
                                          rofs, rofs, rofs, badf}));
  EXPECT_EQ(bytes(kBuffer, 8), "contents");
}

// What is there can be "created", if that changes nothing; else the first thing that is wrong is told.
TEST_F(Preview1ReadOnly, Creating) {
  std::ofstream(root / "file") << "contents";
  fs::create_symlink("nowhere", root / "link");
  data(kPaths, "file");
  data(kPaths + 16, "new");
  data(kPaths + 32, "link");
  data(kPaths + 48, ".");
  iov(kIovs, kBuffer, 100);
  auto open = [&](uint32_t path, uint32_t size, uint64_t oflags, uint64_t rights) {
    call("path_open", constants({3, 1, path, size, oflags, rights, 0, 0, kResult}, "iiiiill"));
  };
  open(kPaths, 4, kCreate, kRead);  // descriptor 4
  call("fd_read", constants({4, kIovs, 1, kResult + 4}));
  open(kPaths, 4, kCreate | kExclusive, kRead);
  open(kPaths, 4, kCreate, kRead | kWrite);
  open(kPaths, 4, kTruncate, kRead);
  open(kPaths, 4, kCreate | kTruncate, kRead);
  open(kPaths + 16, 3, kCreate, kRead);
  open(kPaths + 16, 3, kCreate | kExclusive, kRead);
  open(kPaths + 16, 3, 0, kWrite);
  open(kPaths + 16, 3, kTruncate, kRead);
  open(kPaths + 32, 4, kCreate, kRead);
  open(kPaths + 32, 4, kCreate | kExclusive, kRead);
  open(kPaths + 48, 1, kCreate, kRead);
  open(kPaths + 48, 1, 0, kWrite);
  constexpr uint32_t exist = 20, noent = 44;
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, exist, rofs, rofs, rofs, rofs, rofs, noent, noent, rofs,
                                          exist, isdir, isdir}));
  EXPECT_EQ(bytes(kBuffer, 8), "contents");
  EXPECT_EQ(fs::file_size(root / "file"), 8u);
}

TEST_F(Preview1Test, UnknownFlags) {
  std::ofstream(root / "file") << "";
  data(kPaths, "file");
  data(kPaths + 16, "link");
  call("path_open", constants({3, 2, kPaths, 4, 0, kRead, 0, 0, kResult}, "iiiiill"));
  call("path_open", constants({3, 1, kPaths, 4, 0, kRead, 0, 0, kResult}, "iiiiill"));  // descriptor 4
  call("path_filestat_get", constants({3, 3, kPaths, 4, kBuffer}));
  call("path_link", constants({3, 4, kPaths, 4, 3, kPaths + 16, 4}));
  call("path_filestat_set_times", constants({3, 8, kPaths, 4, 0, 0, 10}, "iiiill"));
  call("path_filestat_set_times", constants({3, 0, kPaths, 4, 0, 0, 16}, "iiiill"));
  call("fd_filestat_set_times", constants({4, 0, 0, 16}, "ill"));
  call("fd_filestat_set_times", constants({4, 0, 0, 10}, "ill"));
  EXPECT_EQ(run(), (std::vector<uint32_t>{inval, success, inval, inval, inval, inval, inval, success}));
  EXPECT_FALSE(fs::exists(root / "link"));
}

TEST_F(Preview1Test, TimesBefore1970) {
  std::ofstream(root / "file") << "";
  const timespec times[2] = {{-5, 999'999'999}, {-1, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, (root / "file").c_str(), times, 0), 0);
  data(kPaths, "file");
  call("path_filestat_get", constants({3, 0, kPaths, 4, kBuffer}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success}));
  EXPECT_EQ(long_word(kBuffer + 40), 0u);
  EXPECT_EQ(long_word(kBuffer + 48), 0u);
  EXPECT_GT(long_word(kBuffer + 56), 0u);
}

TEST_F(Preview1Test, DescriptorsAndLinks) {
  std::ofstream(root / "file") << "0123456789";
  data(kPaths, "file");
  data(kPaths + 16, "link");
  data(kPaths + 32, "hard");
  data(kPaths + 48, "/etc");
  call("path_open", constants({3, 1, kPaths, 4, 0, kRead | kWrite, 0, 0, kResult}, "iiiiill"));  // descriptor 4
  call("fd_allocate", constants({4, 8, 8}, "ill"));
  call("fd_filestat_get", constants({4, kBuffer}));
  call("fd_advise", constants({4, 0, 16, 3}, "illi"));
  call("fd_advise", constants({4, 0, 16, 6}, "illi"));
  call("fd_sync", "(i32.const 4)");
  call("fd_datasync", "(i32.const 4)");
  call("fd_seek", constants({4, 0, 3, kResult}, "il"));
  call("fd_seek", "(i32.const 4) (i64.const -1) (i32.const 0) (i32.const 1024)");
  call("fd_seek", "(i32.const 4) (i64.const -2) (i32.const 2) (i32.const 1040)");
  call("fd_filestat_set_size", constants({4, 3}, "il"));
  call("fd_filestat_set_size", "(i32.const 4) (i64.const -1)");
  call("fd_filestat_set_times", constants({4, 5, 7'000'000'001, 5}, "illi"));
  call("fd_filestat_set_times", constants({4, 5, 7, 3}, "illi"));
  call("path_symlink", constants({kPaths, 4, 3, kPaths + 16, 4}));
  call("path_symlink", constants({kPaths + 48, 4, 3, kPaths + 32, 4}));
  call("path_readlink", constants({3, kPaths + 16, 4, kBuffer + 128, 3, kResult + 24}));
  call("path_readlink", constants({3, kPaths, 4, kBuffer + 128, 3, kResult + 24}));
  call("path_filestat_get", constants({3, 0, kPaths + 16, 4, kBuffer + 192}));
  call("path_filestat_get", constants({3, 1, kPaths + 16, 4, kBuffer + 256}));
  call("path_link", constants({3, 0, kPaths, 4, 3, kPaths + 32, 4}));
  call("path_link", constants({3, 0, kPaths, 4, 3, kPaths + 32, 4}));
  call("path_open", constants({3, 0, kPaths + 16, 4, 0, kRead, 0, 0, kResult}, "iiiiill"));
  call("fd_renumber", constants({4, 3}));
  call("fd_tell", constants({4, kResult}));
  call("fd_filestat_get", constants({3, kBuffer + 320}));
  call("fd_prestat_get", constants({3, kResult}));
  call("fd_renumber", constants({3, 99}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, inval,   success, success,
                                          inval,   inval,   success, success, 22,      success, inval,
                                          success, 63,      success, inval,   success, success, success,
                                          20,      32,      success, badf,    success, badf,    badf}));
  EXPECT_EQ(long_word(kBuffer + 32), 16u);
  EXPECT_EQ(long_word(kResult + 16), 14u);
  EXPECT_EQ(bytes(kBuffer + 128, 3), "fil");
  EXPECT_EQ(word(kResult + 24), 3u);
  EXPECT_EQ(memory->base[kBuffer + 192 + 16], 7);  // a link
  EXPECT_EQ(memory->base[kBuffer + 256 + 16], 4);
  EXPECT_EQ(long_word(kBuffer + 320 + 32), 3u);
  EXPECT_EQ(long_word(kBuffer + 320 + 40), 5u);
  EXPECT_EQ(long_word(kBuffer + 320 + 48), 7'000'000'001u);
  EXPECT_EQ(long_word(kBuffer + 320 + 24), 2u);
}

// Appending is a way to write, and no leave to; the right to allocate is none either.
TEST_F(Preview1Test, AppendingIsNotWriting) {
  std::ofstream(root / "file") << "0123456789";
  data(kPaths, "file");
  iov(kIovs, kPaths, 4);
  for (auto [rights, fdflags] : {std::pair{kRead, 1}, {uint64_t{rights1::fd_allocate}, 0}, {uint64_t{0}, 1}}) {
    call("path_open", constants({3, 0, kPaths, 4, 0, rights, 0, static_cast<uint64_t>(fdflags), kResult}, "iiiiill"));
  }
  for (uint64_t fd : {4, 5, 6}) call("fd_write", constants({fd, kIovs, 1, kResult}));
  call("fd_fdstat_get", constants({4, kBuffer}));
  call("fd_fdstat_get", constants({5, kBuffer + 64}));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, badf, badf, badf, success, success}));
  EXPECT_EQ(memory->base[kBuffer + 2], 1);
  EXPECT_EQ(long_word(kBuffer + 8) & rights1::fd_write, 0u);
  EXPECT_EQ(long_word(kBuffer + 64 + 8) & rights1::fd_write, 0u);
  EXPECT_EQ(fs::file_size(root / "file"), 10u);
}

// What is opened as a folder, for writing, says what is there first.
TEST_F(Preview1Test, FoldersForWriting) {
  std::ofstream(root / "file") << "";
  fs::create_directory(root / "folder");
  fs::create_symlink("loop", root / "loop");
  for (uint32_t at = kPaths; std::string_view path : {"folder", "file", "missing", "loop", "../x"}) {
    data(at, path);
    call("path_open", constants({3, 1, at, path.size(), 2, kRead | kWrite, 0, 0, kResult}, "iiiiill"));
    call("path_open", constants({3, 1, at, path.size(), 2 | kCreate, kRead | kWrite, 0, 0, kResult}, "iiiiill"));
    at += 16;
  }
  constexpr uint32_t noent = 44, loop = 32, perm = 63;
  EXPECT_EQ(run(), (std::vector<uint32_t>{isdir, inval, notdir, inval, noent, inval, loop, inval, perm, inval}));
  EXPECT_FALSE(fs::exists(root / "missing"));
}

// What a folder does not hand on cannot be asked for, where it means something for what is opened; and to synchronize
// is a right of the folder's.
TEST_F(Preview1Test, RightsThatAreHandedOn) {
  std::ofstream(root / "file") << "0123456789";
  data(kPaths, "file");
  data(kPaths + 16, ".");
  data(kPaths + 32, "new");
  auto open = [&](uint32_t path, uint32_t size, uint64_t oflags, uint64_t base, uint64_t inheriting, uint64_t flags) {
    call("path_open", constants({3, 0, path, size, oflags, base, inheriting, flags, kResult}, "iiiiill"));
  };
  auto set = [&](uint64_t base, uint64_t inheriting) {
    call("fd_fdstat_set_rights", constants({3, base, inheriting}, "ill"));
  };
  constexpr uint64_t kOpen = rights1::path_open | rights1::path_create_file;
  set(kOpen | rights1::fd_datasync | rights1::fd_sync, kRead | rights1::path_open);
  for (uint64_t flags : {fdflags1::dsync, fdflags1::rsync, fdflags1::sync}) open(kPaths, 4, 0, kRead, 0, flags);
  open(kPaths, 4, 0, kRead | rights1::path_readlink, rights1::all, 0);
  open(kPaths + 16, 1, 0, rights1::path_open | kWrite, rights1::path_open, 0);
  open(kPaths + 16, 1, 0, rights1::path_readlink, 0, 0);
  open(kPaths + 16, 1, 0, rights1::path_open, rights1::path_readlink, 0);
  open(kPaths + 32, 3, kCreate, kRead | kWrite, 0, 0);
  set(kOpen | rights1::fd_datasync, kRead);
  for (uint64_t flags : {fdflags1::dsync, fdflags1::rsync, fdflags1::sync}) open(kPaths, 4, 0, kRead, 0, flags);
  set(kOpen, kRead);
  open(kPaths, 4, 0, kRead, 0, fdflags1::dsync);
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success, isdir, notcapable, notcapable,
                                          notcapable, success, success, notcapable, notcapable, success, notcapable}));
  EXPECT_FALSE(fs::exists(root / "new"));
}

}  // namespace
}  // namespace wjit::wasi

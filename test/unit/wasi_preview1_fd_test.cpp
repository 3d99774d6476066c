// wasi_snapshot_preview1: descriptors, their rights, listings.
#include <fcntl.h>

#include <fstream>

#include "test/unit/preview1_fixture.h"

namespace wjit::wasi {
namespace {

using namespace errno1;

TEST_F(Preview1Test, NoSuchDescriptor) {
  const std::pair<const char*, const char*> functions[] = {
      {"fd_advise", "illi"},
      {"fd_allocate", "ill"},
      {"fd_close", "i"},
      {"fd_datasync", "i"},
      {"fd_fdstat_get", "ii"},
      {"fd_fdstat_set_flags", "ii"},
      {"fd_fdstat_set_rights", "ill"},
      {"fd_filestat_get", "ii"},
      {"fd_filestat_set_size", "il"},
      {"fd_filestat_set_times", "illi"},
      {"fd_pread", "iiili"},
      {"fd_prestat_get", "ii"},
      {"fd_prestat_dir_name", "iii"},
      {"fd_pwrite", "iiili"},
      {"fd_read", "iiii"},
      {"fd_readdir", "iiili"},
      {"fd_renumber", "ii"},
      {"fd_seek", "ilii"},
      {"fd_sync", "i"},
      {"fd_tell", "ii"},
      {"fd_write", "iiii"},
      {"path_create_directory", "iii"},
      {"path_filestat_get", "iiiii"},
      {"path_filestat_set_times", "iiiilli"},
      {"path_link", "iiiiiii"},
      {"path_open", "iiiiillii"},
      {"path_readlink", "iiiiii"},
      {"path_remove_directory", "iii"},
      {"path_rename", "iiiiii"},
      {"path_unlink_file", "iii"},
  };
  for (const auto& [name, types] : functions) {
    std::string arguments = "(i32.const 77) ";
    for (const char* type = types + 1; *type != '\0'; ++type) {
      arguments += *type == 'l' ? "(i64.const 0) " : "(i32.const 0) ";
    }
    call(name, arguments);
  }
  call("path_symlink", constants({0, 0, 77, 0, 0}));
  EXPECT_EQ(run(), std::vector<uint32_t>(std::size(functions) + 1, badf));
}

// A folder's descriptor is not read, written or moved about in; one opened for that is refused.
TEST_F(Preview1Test, FoldersAreNoFiles) {
  data(kPaths, ".");
  iov(kIovs, kBuffer, 16);
  auto open = [&](uint64_t oflags, uint64_t rights, uint64_t fdflags = 0) {
    call("path_open", constants({3, 0, kPaths, 1, oflags, rights, 0, fdflags, kResult}, "iiiiill"));
  };
  constexpr uint64_t kDirectory = 2, kAllocate = 1 << 8;
  open(kDirectory, kRead);  // descriptor 4
  call("fd_read", constants({4, kIovs, 1, kResult}));
  call("fd_pread", constants({4, kIovs, 1, 0, kResult}, "iiil"));
  call("fd_write", constants({4, kIovs, 1, kResult}));
  call("fd_pwrite", constants({4, kIovs, 1, 0, kResult}, "iiil"));
  call("fd_seek", constants({4, 0, 1, kResult}, "il"));
  call("fd_tell", constants({4, kResult}));
  call("fd_allocate", constants({4, 0, 1}, "ill"));
  call("fd_filestat_set_size", constants({4, 0}, "il"));
  call("fd_fdstat_get", constants({4, kBuffer + 64}));
  open(kDirectory, kRead | kWrite);
  open(0, kRead | kWrite);
  open(0, kAllocate);
  open(0, 0, 4);
  open(16, 0);
  open(0, 0, 32);
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, isdir, isdir, isdir, isdir, badf, badf, badf, inval, success, isdir,
                                          isdir, success, success, inval, inval}));
  const uint64_t base = long_word(kBuffer + 64 + 8), inheriting = long_word(kBuffer + 64 + 16);
  EXPECT_EQ(base & (rights1::fd_seek | rights1::fd_tell | rights1::fd_read | rights1::fd_write |
                    rights1::fd_filestat_set_size),
            0u);
  EXPECT_NE(base & rights1::path_open, 0u);
  EXPECT_EQ(inheriting, rights1::all);
}

// Rights can be given up, for a descriptor and for those that are opened by it, and do not come back.
TEST_F(Preview1Test, RightsAreGivenUp) {
  std::ofstream(root / "file") << "0123456789";
  data(kPaths, "file");
  data(kPaths + 16, "new");
  iov(kIovs, kBuffer, 4);
  auto open = [&](uint32_t path, uint32_t size, uint64_t oflags, uint64_t rights = kRead) {
    call("path_open", constants({3, 0, path, size, oflags, rights, 0, 0, kResult}, "iiiiill"));
  };
  auto set = [&](uint64_t fd, uint64_t base, uint64_t inheriting) {
    call("fd_fdstat_set_rights", constants({fd, base, inheriting}, "ill"));
  };
  open(kPaths, 4, 0, kRead | kWrite);  // descriptor 4
  set(4, rights1::fd_read | rights1::fd_seek, 0);
  call("fd_read", constants({4, kIovs, 1, kResult + 4}));
  call("fd_write", constants({4, kIovs, 1, kResult + 8}));
  call("fd_tell", constants({4, kResult + 16}));
  call("fd_filestat_get", constants({4, kBuffer + 64}));
  set(4, rights1::fd_read | rights1::fd_write, 0);
  set(4, rights1::fd_read, 1);
  call("fd_fdstat_get", constants({4, kBuffer + 128}));
  set(3, rights1::path_open, rights1::fd_read | rights1::fd_fdstat_set_flags);
  open(kPaths, 4, 0, kRead | kWrite);
  open(kPaths, 4, 0);  // 5
  call("fd_write", constants({5, kIovs, 1, kResult + 8}));
  call("fd_read", constants({5, kIovs, 1, kResult + 8}));
  open(kPaths + 16, 3, kCreate);
  open(kPaths, 4, kTruncate);
  call("path_create_directory", constants({3, kPaths + 16, 3}));
  call("path_link", constants({3, 0, kPaths, 4, 3, kPaths + 16, 3}));
  set(3, 0, 0);
  open(kPaths, 4, 0);
  EXPECT_EQ(run(),
            (std::vector<uint32_t>{success,    success,    success,    notcapable, success, notcapable, notcapable,
                                   notcapable, success,    success,    notcapable, success, notcapable, success,
                                   notcapable, notcapable, notcapable, notcapable, success, notcapable}));
  EXPECT_EQ(word(kResult + 4), 4u);
  EXPECT_EQ(long_word(kBuffer + 128 + 8), rights1::fd_read | rights1::fd_seek | rights1::fd_tell);
  EXPECT_EQ(fs::file_size(root / "file"), 10u);
  EXPECT_FALSE(fs::exists(root / "new"));
}

// To tell is less than to seek, and positions need what seeking needs.
TEST_F(Preview1Test, RightsToPositions) {
  std::ofstream(root / "file") << "0123456789";
  data(kPaths, "file");
  iov(kIovs, kBuffer, 4);
  for (uint64_t fd : {4, 5}) {
    const uint64_t right = fd == 4 ? rights1::fd_tell : rights1::fd_seek;
    call("path_open", constants({3, 0, kPaths, 4, 0, kRead | kWrite, 0, 0, kResult}, "iiiiill"));
    call("fd_fdstat_set_rights", constants({fd, kRead | kWrite | right, 0}, "ill"));
    call("fd_tell", constants({fd, kResult + 8}));
    call("fd_seek", constants({fd, 0, 1, kResult + 8}, "il"));
    call("fd_seek", constants({fd, 0, 0, kResult + 8}, "il"));
    call("fd_seek", constants({fd, 1, 1, kResult + 8}, "il"));
    call("fd_pread", constants({fd, kIovs, 1, 0, kResult}, "iiil"));
    call("fd_pwrite", constants({fd, kIovs, 1, 0, kResult}, "iiil"));
    call("fd_read", constants({fd, kIovs, 1, kResult}));
  }
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, notcapable, notcapable, notcapable,
                                          notcapable, success, success, success, success, success, success, success,
                                          success, success, success}));
}

// A listing may be gone on with by another descriptor of the folder.
TEST_F(Preview1Test, ListingFromTheMiddle) {
  for (const char* name : {"a", "b", "c"}) std::ofstream(root / name) << "";
  data(kPaths, ".");
  call("fd_readdir", constants({3, kBuffer, 4096, 0, kResult}, "iiil"));
  call("path_open", constants({3, 0, kPaths, 1, 2, kRead, 0, 0, kResult + 4}, "iiiiill"));
  call("fd_readdir", constants({4, kBuffer + 4096, 4096, 2, kResult + 8}, "iiil"));
  call("fd_readdir", constants({4, kBuffer + 4096, 10, 4, kResult + 12}, "iiil"));
  call("fd_readdir", constants({4, kBuffer + 4096, 10, 99, kResult + 16}, "iiil"));
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, success, success, success}));
  EXPECT_EQ(word(kResult), 5 * 24u + 1 + 2 + 3);
  EXPECT_EQ(word(kResult + 8), 3 * 24u + 3);
  EXPECT_EQ(word(kResult + 12), 10u);  // cut off
  EXPECT_EQ(word(kResult + 16), 0u);
}

// Where ".." is: the folder above, but nothing above what the guest was given.
TEST_F(Preview1Test, ListingOfParents) {
  fs::create_directories(root / "sub/deep");
  data(kPaths, "sub");
  data(kPaths + 16, "deep");
  data(kPaths + 32, "..");
  auto open = [&](uint64_t folder, uint32_t path, uint32_t size) {
    call("path_open", constants({folder, 0, path, size, 2, kRead, 0, 0, kResult}, "iiiiill"));
  };
  open(3, kPaths, 3);
  open(4, kPaths + 16, 4);
  open(3, kPaths + 32, 2);
  for (uint32_t fd : {3, 4, 5}) {
    call("fd_readdir", constants({fd, kBuffer + 4096 * fd, 24 + 1 + 24, 0, kResult}, "iiil"));
    call("fd_filestat_get", constants({fd, kBuffer + 4096 * fd + 1024}));
  }
  call("fd_readdir", constants({0, kBuffer, 24, 0, kResult}, "iiil"));
  constexpr uint32_t perm = 63;
  EXPECT_EQ(run(), (std::vector<uint32_t>{success, success, perm, success, success, success, success, success, success,
                                          notdir}));
  auto inode = [&](uint32_t fd) { return long_word(kBuffer + 4096 * fd + 1024 + 8); };
  auto listed = [&](uint32_t fd) {
    const uint32_t at = kBuffer + 4096 * fd;
    return std::pair(long_word(at + 8), long_word(at + 24 + 1 + 8));
  };
  EXPECT_EQ(listed(3), std::pair(inode(3), inode(3)));
  EXPECT_EQ(listed(4), std::pair(inode(4), inode(3)));
  EXPECT_EQ(listed(5), std::pair(inode(5), inode(4)));
}

}  // namespace
}  // namespace wjit::wasi

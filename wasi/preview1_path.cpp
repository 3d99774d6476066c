// wasi_snapshot_preview1: path_*. See wasi/preview1_impl.h; the paths themselves: wasi/files.h.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/utf8.h"
#include "wasi/preview1_impl.h"

namespace wjit::wasi {
namespace {

// lookupflags of an argument. False, and the call finished, where there are others than this one.
bool lookup_flags(CoreHostCall& call, size_t argument, bool* follow) {
  constexpr uint32_t kSymlinkFollow = 1;
  *follow = call.i32(argument) == kSymlinkFollow;
  if (call.i32(argument) <= kSymlinkFollow) return true;
  call.finish(errno1::inval);
  return false;
}

bool read_only(const Fd& folder) { return !folder.opened.may_change; }

// What path_open would change is not changed below a read-only folder; but what is there already need not be created.
// 0, and what is left to be done, or -errno. Helper thread.
int64_t open_read_only(const OpenedFile& folder, bool follow, const std::string& path, OpenFlags* open_flags,
                       bool writes) {
  const bool creates = open_flags->has(OpenFlags::create);
  const bool only_new = creates && open_flags->has(OpenFlags::exclusive);
  if (!creates && !writes && !open_flags->has(OpenFlags::truncate)) return 0;
  struct stat status{};
  const int64_t there = stat_beneath(folder.file->fd, path, follow && !only_new, &status);
  if (there == -ENOENT && creates) return -EROFS;
  if (there < 0) return there;
  if (only_new) return -EEXIST;
  if (S_ISLNK(status.st_mode)) return -ELOOP;
  if (S_ISDIR(status.st_mode)) return -EISDIR;
  if (writes || open_flags->has(OpenFlags::truncate)) return -EROFS;
  open_flags->set(OpenFlags::create, false);
  return 0;
}

}  // namespace

// What most of them begin with: a folder, which has a right, and a path, by the numbers of their arguments.
#define FOLDER_AND_PATH(folder_argument, path_argument, folder, path, right) \
  auto folder = fd(call, folder_argument, right);                            \
  if (folder == nullptr) return;                                             \
  std::string path;                                                          \
  if (!text(call, path_argument, &path)) return;                             \
  if (!is_utf8(path)) return call.finish(errno1::ilseq)

void Preview1Impl::path_create_directory(CoreHostCall& call) {
  FOLDER_AND_PATH(0, 1, folder, path, rights1::path_create_directory);
  if (read_only(*folder)) return call.finish(errno1::rofs);
  in_background(call, [folder, path] { return make_directory(folder->opened.file->fd, path); });
}

void Preview1Impl::path_filestat_get(CoreHostCall& call) {
  FOLDER_AND_PATH(0, 2, folder, path, rights1::path_filestat_get);
  bool follow = false;
  if (!lookup_flags(call, 1, &follow)) return;
  const auto into = place<Filestat>(call, 4);
  if (!into) return;
  auto status = std::make_shared<struct stat>();
  look_up(
      call,
      [folder, path, follow, status] { return stat_beneath(folder->opened.file->fd, path, follow, status.get()); },
      [into, status](int64_t) {
        store_stat(into, *status);
        return errno1::success;
      });
}

void Preview1Impl::path_filestat_set_times(CoreHostCall& call) {
  FOLDER_AND_PATH(0, 2, folder, path, rights1::path_filestat_set_times);
  bool follow = false;
  if (!lookup_flags(call, 1, &follow)) return;
  if (read_only(*folder)) return call.finish(errno1::rofs);
  timespec times[2];
  if (!times_of(call.i64(4), call.i64(5), call.i32(6), times)) return call.finish(errno1::inval);
  in_background(call, [folder, path, follow, a = times[0], m = times[1]] {
    timespec both[2] = {a, m};
    return set_times_beneath(folder->opened.file->fd, path, follow, both);
  });
}

void Preview1Impl::path_link(CoreHostCall& call) {
  FOLDER_AND_PATH(0, 2, folder, path, rights1::path_link_source);
  FOLDER_AND_PATH(4, 5, new_folder, new_path, rights1::path_link_target);
  bool follow = false;
  if (!lookup_flags(call, 1, &follow)) return;
  if (read_only(*folder) || read_only(*new_folder)) return call.finish(errno1::rofs);
  in_background(call, [folder, path, follow, new_folder, new_path] {
    return link_beneath(folder->opened.file->fd, path, follow, new_folder->opened.file->fd, new_path);
  });
}

void Preview1Impl::path_open(CoreHostCall& call) {
  FOLDER_AND_PATH(0, 2, folder, path, rights1::path_open);
  bool follow = false;
  if (!lookup_flags(call, 1, &follow)) return;
  uint32_t oflags = call.i32(4);
  const uint64_t rights = call.i64(5), inheriting = call.i64(6);
  auto fdflags = static_cast<uint16_t>(call.i32(7));
  if (oflags > 15 || call.i32(7) > fdflags1::all) return call.finish(errno1::inval);
  const auto result = place<uint32_t>(call, 8);
  if (!result) return;

  OpenFlags open_flags;
  open_flags.set(OpenFlags::create, (oflags & 1) != 0);
  open_flags.set(OpenFlags::directory, (oflags & 2) != 0);
  open_flags.set(OpenFlags::exclusive, (oflags & 4) != 0);
  open_flags.set(OpenFlags::truncate, (oflags & 8) != 0);
  DescriptorFlags flags;
  const uint64_t needed = (open_flags.has(OpenFlags::create) ? rights1::path_create_file : 0) |
                          (open_flags.has(OpenFlags::truncate) ? rights1::path_filestat_set_size : 0) |
                          ((fdflags & (fdflags1::rsync | fdflags1::sync)) != 0 ? rights1::fd_sync : 0);
  constexpr uint64_t kDsync = rights1::fd_datasync | rights1::fd_sync;  // either is enough
  const bool no_dsync = (fdflags & fdflags1::dsync) != 0 && (folder->given_up & kDsync) == kDsync;
  // What changes something is a file, and must not do so first.
  const bool changes = open_flags.has(OpenFlags::create) || open_flags.has(OpenFlags::truncate);
  const bool beyond = changes && !hands_on(*folder, FileType::RegularFile, rights, inheriting);
  if ((folder->given_up & needed) != 0 || no_dsync || beyond) return call.finish(errno1::notcapable);
  const bool folder_wanted = open_flags.has(OpenFlags::directory), bytes_wanted = (rights & rights1::fd_write) != 0;
  if (folder_wanted && open_flags.has(OpenFlags::create)) return call.finish(errno1::inval);
  flags.set(DescriptorFlags::read, (rights & (rights1::fd_read | rights1::fd_readdir)) != 0);
  flags.set(DescriptorFlags::write, bytes_wanted && !folder_wanted);
  flags.set(DescriptorFlags::data_integrity_sync, (fdflags & fdflags1::dsync) != 0);
  flags.set(DescriptorFlags::file_integrity_sync, (fdflags & (fdflags1::rsync | fdflags1::sync)) != 0);

  auto opened = std::make_shared<Fd>();
  opened->flags = fdflags;
  opened->root = folder->root;
  opened->given_up = opened->inheriting_given_up = folder->inheriting_given_up;
  look_up(
      call,
      [folder, follow, path, open_flags, flags, folder_wanted, bytes_wanted, opened]() -> int64_t {
        OpenFlags left = open_flags;
        int64_t done = 0;
        if (read_only(*folder)) {
          done = open_read_only(folder->opened, follow, path, &left, flags.has(DescriptorFlags::write));
        }
        if (done == 0) done = open_at(folder->opened, follow, path, left, flags, &opened->opened);
        if (done < 0) return done;
        if (folder_wanted && bytes_wanted) return -EISDIR;  // a folder is there
        const int fd = opened->opened.file->fd;
        const bool append = (opened->flags & fdflags1::append) != 0;
        if (append && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_APPEND) != 0) return -int64_t{errno};
        return 0;
      },
      [this, result, folder, rights, inheriting, opened](int64_t) {
        if (!hands_on(*folder, opened->opened.type, rights, inheriting)) return errno1::notcapable;
        result.store(add_fd(opened));
        return errno1::success;
      });
}

void Preview1Impl::path_readlink(CoreHostCall& call) {
  FOLDER_AND_PATH(0, 1, folder, path, rights1::path_readlink);
  const uint32_t size = call.i32(4);
  uint8_t* buffer = memory(call, call.i32(3), size);
  if (buffer == nullptr) return;
  const auto result = place<uint32_t>(call, 5);
  if (!result) return;
  auto contents = std::make_shared<std::string>();
  in_background(
      call, [folder, path, contents] { return read_link(folder->opened.file->fd, path, contents.get()); },
      [buffer, size, result, contents](int64_t) {
        auto used = static_cast<uint32_t>(std::min<size_t>(size, contents->size()));
        memcpy(buffer, contents->data(), used);
        result.store(used);
        return errno1::success;
      });
}

void Preview1Impl::path_remove_directory(CoreHostCall& call) {
  FOLDER_AND_PATH(0, 1, folder, path, rights1::path_remove_directory);
  if (read_only(*folder)) return call.finish(errno1::rofs);
  in_background(call, [folder, path] { return remove_directory(folder->opened.file->fd, path); });
}

void Preview1Impl::path_rename(CoreHostCall& call) {
  FOLDER_AND_PATH(0, 1, folder, path, rights1::path_rename_source);
  FOLDER_AND_PATH(3, 4, new_folder, new_path, rights1::path_rename_target);
  if (read_only(*folder) || read_only(*new_folder)) return call.finish(errno1::rofs);
  in_background(call, [folder, path, new_folder, new_path] {
    return rename_beneath(folder->opened.file->fd, path, new_folder->opened.file->fd, new_path);
  });
}

void Preview1Impl::path_symlink(CoreHostCall& call) {
  FOLDER_AND_PATH(2, 3, folder, path, rights1::path_symlink);
  std::string contents;
  if (!text(call, 0, &contents)) return;
  if (!is_utf8(contents)) return call.finish(errno1::ilseq);
  if (read_only(*folder)) return call.finish(errno1::rofs);
  in_background(call, [folder, path, contents] { return make_symlink(contents, folder->opened.file->fd, path); });
}

void Preview1Impl::path_unlink_file(CoreHostCall& call) {
  FOLDER_AND_PATH(0, 1, folder, path, rights1::path_unlink_file);
  if (read_only(*folder)) return call.finish(errno1::rofs);
  in_background(call, [folder, path] { return unlink_file(folder->opened.file->fd, path); });
}

#undef FOLDER_AND_PATH

}  // namespace wjit::wasi

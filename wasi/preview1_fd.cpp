// wasi_snapshot_preview1: fd_*, but what reads and writes (wasi/preview1_transfer.cpp); rights. See
// wasi/preview1_impl.h.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "wasi/preview1_impl.h"

namespace wjit::wasi {
namespace {

constexpr uint64_t kChangingRights =
    rights1::fd_write | rights1::fd_allocate | rights1::path_create_directory | rights1::path_create_file |
    rights1::path_link_source | rights1::path_link_target | rights1::path_rename_source | rights1::path_rename_target |
    rights1::path_filestat_set_size | rights1::path_filestat_set_times | rights1::fd_filestat_set_size |
    rights1::fd_filestat_set_times | rights1::path_symlink | rights1::path_remove_directory | rights1::path_unlink_file;
// Of anything that is no folder: no path_*, no fd_readdir.
constexpr uint64_t kFileRights =
    rights1::fd_datasync | rights1::fd_read | rights1::fd_seek | rights1::fd_fdstat_set_flags | rights1::fd_sync |
    rights1::fd_tell | rights1::fd_write | rights1::fd_advise | rights1::fd_allocate | rights1::fd_filestat_get |
    rights1::fd_filestat_set_size | rights1::fd_filestat_set_times | rights1::poll_fd_readwrite;
// Of a folder: nothing that reads, writes or seeks in bytes.
constexpr uint64_t kFolderRights = (rights1::all & ~(kFileRights | rights1::sock_shutdown | rights1::sock_accept)) |
                                   rights1::fd_fdstat_set_flags | rights1::fd_sync | rights1::fd_datasync |
                                   rights1::fd_filestat_get | rights1::fd_filestat_set_times |
                                   rights1::poll_fd_readwrite;

struct Rights {
  uint64_t base, inheriting;
};
Rights rights_of_type(FileType type) {
  if (type == FileType::Directory) return {kFolderRights, rights1::all};
  return {type == FileType::Socket ? kFileRights | rights1::sock_shutdown | rights1::sock_accept : kFileRights, 0};
}
Rights rights_of(const Fd& entry) {
  const bool folder = entry.opened.type == FileType::Directory;
  Rights rights = rights_of_type(entry.opened.type);
  if (folder && !entry.opened.may_change) {
    rights.base &= ~kChangingRights;
    rights.inheriting &= ~kChangingRights;
  }
  if (!folder && !entry.opened.flags.has(DescriptorFlags::write)) rights.base &= ~rights1::fd_write;
  if (!folder && !entry.opened.flags.has(DescriptorFlags::read)) rights.base &= ~rights1::fd_read;
  // A terminal is a character device without seek and tell: that is how C libraries know one.
  if (!entry.opened.seekable) rights.base &= ~(rights1::fd_seek | rights1::fd_tell);
  return {rights.base & ~entry.given_up, rights.inheriting & ~entry.inheriting_given_up};
}

// The right to seek is one to tell.
uint64_t with_implied(uint64_t rights) { return (rights & rights1::fd_seek) != 0 ? rights | rights1::fd_tell : rights; }

uint8_t type_number(FileType type) {
  switch (type) {
    case FileType::Unknown: return 0;
    case FileType::BlockDevice: return 1;
    case FileType::CharacterDevice: return 2;
    case FileType::Directory: return 3;
    case FileType::RegularFile: return 4;
    case FileType::Socket: return 6;
    case FileType::SymbolicLink: return 7;
    case FileType::Fifo: return 0;
  }
  return 0;
}

int64_t result_of(int64_t value) { return value < 0 ? -int64_t{errno} : value; }

}  // namespace

bool hands_on(const Fd& folder, FileType type, uint64_t base, uint64_t inheriting) {
  const Rights rights = rights_of_type(type);
  return (((base & rights.base) | (inheriting & rights.inheriting)) & folder.inheriting_given_up) == 0;
}

bool times_of(uint64_t access, uint64_t modification, uint32_t fstflags, timespec times[2]) {
  enum : uint32_t { kAtim = 1, kAtimNow = 2, kMtim = 4, kMtimNow = 8, kAll = 15 };
  auto time = [](uint64_t ns) {
    return timespec{static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  };
  if (fstflags > kAll) return false;
  if ((fstflags & kAtim) != 0 && (fstflags & kAtimNow) != 0) return false;
  if ((fstflags & kMtim) != 0 && (fstflags & kMtimNow) != 0) return false;
  times[0] = (fstflags & kAtim) != 0 ? time(access) : timespec{0, (fstflags & kAtimNow) != 0 ? UTIME_NOW : UTIME_OMIT};
  times[1] =
      (fstflags & kMtim) != 0 ? time(modification) : timespec{0, (fstflags & kMtimNow) != 0 ? UTIME_NOW : UTIME_OMIT};
  return true;
}

std::shared_ptr<Fd> Preview1Impl::fd(CoreHostCall& call, size_t argument, uint64_t right) {
  std::shared_ptr<Fd> found;
  const uint32_t error = find_fd(call.i32(argument), right, &found);
  if (error != errno1::success) call.finish(error);
  return found;
}

uint32_t Preview1Impl::find_fd(uint32_t number, uint64_t right, std::shared_ptr<Fd>* found) const {
  if (number >= fds_.size() || fds_[number] == nullptr || fds_[number]->opened.file->fd < 0) return errno1::badf;
  if ((fds_[number]->given_up & right) != 0) return errno1::notcapable;
  *found = fds_[number];
  return errno1::success;
}

uint32_t Preview1Impl::add_fd(std::shared_ptr<Fd> entry) {
  auto free = std::find(fds_.begin(), fds_.end(), nullptr);
  if (free == fds_.end()) free = fds_.insert(free, nullptr);
  *free = std::move(entry);
  return static_cast<uint32_t>(free - fds_.begin());
}

// ---- the position ----

void Preview1Impl::fd_seek(CoreHostCall& call) {
  const bool stays = call.i64(1) == 0 && call.i32(2) == 1;
  auto entry = fd(call, 0, stays ? rights1::fd_tell : rights1::fd_seek);
  if (entry == nullptr) return;
  static constexpr int kWhence[] = {SEEK_SET, SEEK_CUR, SEEK_END};
  if (call.i32(2) > 2) return call.finish(errno1::inval);
  if (entry->opened.type == FileType::Directory) return call.finish(errno1::badf);
  const auto result = place<uint64_t>(call, 3);
  if (!result) return;
  off_t at = lseek(entry->opened.file->fd, static_cast<off_t>(call.i64(1)), kWhence[call.i32(2)]);
  if (at < 0) return call.finish(errno_of(errno));
  result.store(static_cast<uint64_t>(at));
  call.finish(errno1::success);
}

void Preview1Impl::fd_tell(CoreHostCall& call) {
  auto entry = fd(call, 0, rights1::fd_tell);
  if (entry == nullptr) return;
  if (entry->opened.type == FileType::Directory) return call.finish(errno1::badf);
  const auto result = place<uint64_t>(call, 1);
  if (!result) return;
  off_t at = lseek(entry->opened.file->fd, 0, SEEK_CUR);
  if (at < 0) return call.finish(errno_of(errno));
  result.store(static_cast<uint64_t>(at));
  call.finish(errno1::success);
}

// ---- the file itself ----

void Preview1Impl::fd_advise(CoreHostCall& call) {
  auto entry = fd(call, 0, rights1::fd_advise);
  if (entry == nullptr) return;
  if (call.i32(3) > 5) return call.finish(errno1::inval);
  // preview1 has will-need and dont-need in the same order as Advice.
  call.finish(
      errno_of(wasi::advise(entry->opened.file->fd, call.i64(1), call.i64(2), static_cast<Advice>(call.i32(3)))));
}

void Preview1Impl::fd_allocate(CoreHostCall& call) {
  auto entry = fd(call, 0, rights1::fd_allocate);
  if (entry == nullptr) return;
  uint64_t offset = call.i64(1), length = call.i64(2);
  if (!entry->opened.flags.has(DescriptorFlags::write)) return call.finish(errno1::badf);
  in_background(call, [entry, offset, length] {
    if (offset > INT64_MAX || length > INT64_MAX) return int64_t{-EINVAL};
    return -int64_t{posix_fallocate(entry->opened.file->fd, static_cast<off_t>(offset), static_cast<off_t>(length))};
  });
}

void Preview1Impl::fd_sync(CoreHostCall& call) {
  if (auto entry = fd(call, 0, rights1::fd_sync))
    in_background(call, [entry] { return result_of(fsync(entry->opened.file->fd)); });
}

void Preview1Impl::fd_datasync(CoreHostCall& call) {
  if (auto entry = fd(call, 0, rights1::fd_datasync))
    in_background(call, [entry] { return result_of(fdatasync(entry->opened.file->fd)); });
}

void Preview1Impl::fd_filestat_get(CoreHostCall& call) {
  auto entry = fd(call, 0, rights1::fd_filestat_get);
  if (entry == nullptr) return;
  struct stat status{};
  if (fstat(entry->opened.file->fd, &status) != 0) return call.finish(errno_of(errno));
  const auto into = place<Filestat>(call, 1);
  if (!into) return;
  store_stat(into, status);
  call.finish(errno1::success);
}

void Preview1Impl::store_stat(Place<Filestat> into, const struct stat& status) {
  into.store({.dev = status.st_dev,
              .ino = status.st_ino,
              .filetype = type_number(file_type(status.st_mode)),
              .nlink = status.st_nlink,
              .size = static_cast<uint64_t>(status.st_size),
              .atim = nanoseconds(status.st_atim),
              .mtim = nanoseconds(status.st_mtim),
              .ctim = nanoseconds(status.st_ctim)});
}

void Preview1Impl::fd_filestat_set_size(CoreHostCall& call) {
  auto entry = fd(call, 0, rights1::fd_filestat_set_size);
  if (entry == nullptr) return;
  uint64_t size = call.i64(1);
  if (!entry->opened.may_change && !entry->opened.flags.has(DescriptorFlags::write)) return call.finish(errno1::rofs);
  in_background(call, [entry, size] {
    return size > INT64_MAX ? -EFBIG : result_of(ftruncate(entry->opened.file->fd, static_cast<off_t>(size)));
  });
}

void Preview1Impl::fd_filestat_set_times(CoreHostCall& call) {
  auto entry = fd(call, 0, rights1::fd_filestat_set_times);
  if (entry == nullptr) return;
  timespec times[2];
  if (!times_of(call.i64(1), call.i64(2), call.i32(3), times)) return call.finish(errno1::inval);
  if (!entry->opened.may_change) return call.finish(errno1::rofs);
  in_background(call, [entry, a = times[0], m = times[1]] {
    timespec both[2] = {a, m};
    return result_of(futimens(entry->opened.file->fd, both));
  });
}

// ---- the descriptor ----

void Preview1Impl::fd_close(CoreHostCall& call) {
  auto entry = fd(call, 0, 0);
  if (entry == nullptr) return;
  fds_[call.i32(0)] = nullptr;
  call.finish(errno1::success);
}

void Preview1Impl::fd_renumber(CoreHostCall& call) {
  auto entry = fd(call, 0, 0);
  if (entry == nullptr || fd(call, 1, 0) == nullptr) return;
  fds_[call.i32(1)] = entry;
  if (call.i32(0) != call.i32(1)) fds_[call.i32(0)] = nullptr;
  call.finish(errno1::success);
}

void Preview1Impl::fd_fdstat_get(CoreHostCall& call) {
  auto entry = fd(call, 0, 0);
  if (entry == nullptr) return;
  const auto into = place<Fdstat>(call, 1);
  if (!into) return;
  const Rights rights = rights_of(*entry);
  into.store({.filetype = type_number(entry->opened.type),
              .flags = entry->flags,
              .padding = 0,
              .rights_base = rights.base,
              .rights_inheriting = rights.inheriting});
  call.finish(errno1::success);
}

void Preview1Impl::fd_fdstat_set_flags(CoreHostCall& call) {
  auto entry = fd(call, 0, rights1::fd_fdstat_set_flags);
  if (entry == nullptr) return;
  if (call.i32(1) > fdflags1::all) return call.finish(errno1::inval);
  const auto flags = static_cast<uint16_t>(call.i32(1));
  constexpr uint16_t kSyncing =
      fdflags1::dsync | fdflags1::rsync | fdflags1::sync;  // the system does not change these later
  if ((flags & kSyncing) != (entry->flags & kSyncing)) return call.finish(errno1::notsup);
  const bool appends = (flags & fdflags1::append) != 0;
  const int fd = entry->opened.file->fd, system = fcntl(fd, F_GETFL);
  if (entry->opened.file->owned) {
    if (fcntl(fd, F_SETFL, appends ? system | O_APPEND : system & ~O_APPEND) != 0) return call.finish(errno_of(errno));
  } else if (!appends && (system & O_APPEND) != 0) {
    return call.finish(errno1::notsup);  // others use it, too: what they have set stays
  }
  entry->flags = flags;
  call.finish(errno1::success);
}

void Preview1Impl::fd_fdstat_set_rights(CoreHostCall& call) {
  auto entry = fd(call, 0, 0);
  if (entry == nullptr) return;
  const Rights rights = rights_of(*entry);
  if ((call.i64(1) & ~rights.base) != 0 || (call.i64(2) & ~rights.inheriting) != 0) {
    return call.finish(errno1::notcapable);
  }
  entry->given_up |= rights.base & ~with_implied(call.i64(1));
  entry->inheriting_given_up |= rights.inheriting & ~with_implied(call.i64(2));
  call.finish(errno1::success);
}

void Preview1Impl::fd_prestat_get(CoreHostCall& call) {
  auto entry = fd(call, 0, 0);
  if (entry == nullptr) return;
  if (entry->preopen == nullptr) return call.finish(errno1::badf);
  const auto into = place<Prestat>(call, 1);
  if (!into) return;
  into.store({.tag = 0 /* a folder */, .name_len = static_cast<uint32_t>(entry->preopen->guest_path.size())});
  call.finish(errno1::success);
}

void Preview1Impl::fd_prestat_dir_name(CoreHostCall& call) {
  auto entry = fd(call, 0, 0);
  if (entry == nullptr) return;
  if (entry->preopen == nullptr) return call.finish(errno1::badf);
  const std::string& name = entry->preopen->guest_path;
  if (call.i32(2) < name.size()) return call.finish(37);  // nametoolong
  uint8_t* at = memory(call, call.i32(1), name.size());
  if (at == nullptr) return;
  memcpy(at, name.data(), name.size());
  call.finish(errno1::success);
}

void Preview1Impl::fd_readdir(CoreHostCall& call) {
  auto entry = fd(call, 0, rights1::fd_readdir);
  if (entry == nullptr) return;
  if (entry->opened.type != FileType::Directory) return call.finish(errno1::notdir);
  const uint32_t size = call.i32(2);
  const uint64_t cookie = call.i64(3);
  uint8_t* buffer = memory(call, call.i32(1), size);
  if (buffer == nullptr) return;
  const auto result = place<uint32_t>(call, 4);
  if (!result) return;
  // Entries from `cookie` on, the last one perhaps cut off; a cookie is an index into the list read last.
  auto give = [entry, buffer, size, cookie, result](int64_t) {
    uint32_t used = 0;
    for (uint64_t i = cookie; i < entry->entries.size() && used < size; ++i) {
      const DirectoryEntry& e = entry->entries[i];
      uint8_t head[24] = {};
      uint64_t next = i + 1;
      auto length = static_cast<uint32_t>(e.name.size());
      memcpy(head, &next, 8);
      memcpy(head + 8, &e.inode, 8);
      memcpy(head + 16, &length, 4);
      head[20] = type_number(e.type);
      uint32_t part = std::min<uint32_t>(sizeof(head), size - used);
      memcpy(buffer + used, head, part);
      used += part;
      part = std::min(length, size - used);
      memcpy(buffer + used, e.name.data(), part);
      used += part;
    }
    result.store(used);
    return errno1::success;
  };
  if (cookie != 0 && !entry->entries.empty()) return call.finish(give(0));
  auto entries = std::make_shared<std::vector<DirectoryEntry>>();
  in_background(
      call,
      [entry, entries]() -> int64_t {
        struct stat here{}, root{}, above{};
        const int fd = entry->opened.file->fd;
        if (fstat(fd, &here) != 0 || fstat(entry->root->fd, &root) != 0) return -int64_t{errno};
        // A preopened folder is its own parent, as the file system's root is.
        const bool is_root = here.st_dev == root.st_dev && here.st_ino == root.st_ino;
        if (!is_root) (void)fstatat(fd, "..", &above, 0);  // which stays 0 in a folder that may only be listed
        entries->push_back({".", FileType::Directory, here.st_ino});
        entries->push_back({"..", FileType::Directory, is_root ? here.st_ino : above.st_ino});
        return read_directory(fd, entries.get());
      },
      [entry, entries, give](int64_t) {
        entry->entries = std::move(*entries);
        return give(0);
      });
}

}  // namespace wjit::wasi

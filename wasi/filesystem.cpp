// wasi:filesystem at 0.2 and 0.3.0: types and preopens. The functions that both versions have are written once, over
// Version2 and Version3 (wasi/filesystem.h); their work is done on helper threads, reading and writing by the
// scheduler's I/O. Tests: test/unit/wasi_files_test.cpp, the guests of test/guests.
#include "wasi/filesystem.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "wasi/file_streams.h"
#include "wasi/io.h"

namespace wjit::wasi {

// ---- errors and types ----

v2::Code v2::code(int64_t error_number) {
  switch (error_number < 0 ? -error_number : error_number) {
#define FILE_ERROR(number, name) \
  case number: return FileErrorCode::name;
#include "wasi/file_errors.def"
#undef FILE_ERROR
    case EAGAIN: return FileErrorCode::would_block;
    default: return FileErrorCode::io;
  }
}

v3::Code v3::code(int64_t error_number) {
  switch (error_number < 0 ? -error_number : error_number) {
#define FILE_ERROR(number, name) case number:
#include "wasi/file_errors.def"
#undef FILE_ERROR
    {
      auto as_0_2 = static_cast<uint8_t>(v2::code(error_number));
      static_assert(static_cast<uint8_t>(FileErrorCode::would_block) == 1);
      return Code(static_cast<uint8_t>(as_0_2 == 0 ? 0 : as_0_2 - 1));
    }
    default: {
      const char* text = strerrordesc_np(static_cast<int>(error_number < 0 ? -error_number : error_number));
      return Code(Code::index_of("other"),
                  text != nullptr ? Option<String>(String(std::string_view(text))) : Option<String>());
    }
  }
}

v3::DescriptorType v3::descriptor_type(FileType type) {
  if (type == FileType::Unknown) return DescriptorType(DescriptorType::index_of("other"), Option<String>());
  return DescriptorType(static_cast<uint8_t>(static_cast<uint8_t>(type) - 1));
}

// The lower half says which file it is, and stays: C libraries take it for the inode number. The upper half changes
// with what is in it.
MetadataHash metadata_hash(const struct stat& status) {
  auto mix = [](uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
    return x ^ (x >> 31);
  };
  uint64_t lower = mix(mix(status.st_dev) + status.st_ino);
  uint64_t upper = mix(lower + 0x9E3779B97F4A7C15 + static_cast<uint64_t>(status.st_size));
  upper = mix(upper + static_cast<uint64_t>(status.st_mtim.tv_sec));
  return {lower, mix(upper + static_cast<uint64_t>(status.st_mtim.tv_nsec))};
}

OpenedFile opened_folder(const State::Preopen& preopen) {
  OpenedFile opened;
  opened.file = preopen.file;
  opened.type = FileType::Directory;
  opened.may_change = !preopen.options->read_only;
  opened.flags.set(DescriptorFlags::read);
  opened.flags.set(DescriptorFlags::mutate_directory, opened.may_change);
  return opened;
}

int64_t advise(int fd, uint64_t offset, uint64_t length, Advice advice) {
  static constexpr int kAdvice[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                                    POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
  if (offset > INT64_MAX || length > INT64_MAX) return -EINVAL;
  struct stat status{};
  if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) return -EBADF;
  return -int64_t{
      posix_fadvise(fd, static_cast<off_t>(offset), static_cast<off_t>(length), kAdvice[static_cast<int>(advice)])};
}

int64_t find_type(OpenedFile* opened) {
  struct stat status{};
  if (fstat(opened->file->fd, &status) != 0) return -int64_t{errno};
  opened->type = file_type(status.st_mode);
  opened->seekable = opened->type == FileType::RegularFile || lseek(opened->file->fd, 0, SEEK_CUR) >= 0;
  return 0;
}

int64_t open_at(const OpenedFile& folder, bool follow, const std::string& path, OpenFlags open_flags,
                DescriptorFlags flags, OpenedFile* into) {
  const bool changes = flags.has(DescriptorFlags::write) || flags.has(DescriptorFlags::mutate_directory) ||
                       open_flags.has(OpenFlags::create) || open_flags.has(OpenFlags::truncate);
  if (changes && !folder.may_change) {
    const int64_t refused = refuse_change(folder.file->fd, path, follow);
    // A path that is none stays one; EAGAIN: not at once (try_cached).
    return refused == -EPERM || refused == -EINVAL || refused == -EAGAIN ? refused : -EROFS;
  }
  const bool directory = open_flags.has(OpenFlags::directory), write = flags.has(DescriptorFlags::write);
  if (directory && open_flags.has(OpenFlags::create)) return -EINVAL;
  int how = O_NONBLOCK | O_NOCTTY;  // non-blocking: opening a FIFO must not wait for its other end
  how |= directory || !write ? O_RDONLY : flags.has(DescriptorFlags::read) ? O_RDWR : O_WRONLY;
  if (directory) how |= O_DIRECTORY;
  if (open_flags.has(OpenFlags::create)) how |= O_CREAT;
  if (open_flags.has(OpenFlags::exclusive)) how |= O_EXCL;
  if (open_flags.has(OpenFlags::truncate)) how |= O_TRUNC;
  if (flags.has(DescriptorFlags::file_integrity_sync) || flags.has(DescriptorFlags::requested_write_sync))
    how |= O_SYNC;
  if (flags.has(DescriptorFlags::data_integrity_sync)) how |= O_DSYNC;
  int64_t fd = open_beneath(folder.file->fd, path, how, 0666, follow);
  if (fd < 0) return fd;
  into->file = std::make_shared<File>(static_cast<int>(fd), true);
  if (directory && write) return -EISDIR;
  if (int64_t bad = find_type(into); bad < 0) return bad;
  into->flags = flags;
  into->may_change = folder.may_change;
  fcntl(into->file->fd, F_SETFL, how & (O_SYNC | O_DSYNC));
  return 0;
}

int why_not_read(const OpenedFile& opened, uint64_t offset) {
  if (opened.type == FileType::Directory) return EISDIR;
  if (!opened.flags.has(DescriptorFlags::read)) return EBADF;
  return offset > INT64_MAX ? EINVAL : 0;
}

int why_not_write(const OpenedFile& opened, uint64_t offset) {
  if (!opened.flags.has(DescriptorFlags::write)) return EBADF;
  return offset > INT64_MAX ? EINVAL : 0;
}

namespace {

int64_t result_of(int64_t value) { return value < 0 ? -int64_t{errno} : value; }

// ---- both versions ----

// A result >= 0 makes the answer with `answer`, else it is the error code.
template <typename V, typename T>
std::function<void(int64_t)> answering(Reply<Result<T, typename V::Code>> reply, std::function<T(int64_t)> answer) {
  return [reply, answer = std::move(answer)](int64_t result) {
    if (result < 0) return reply(host::error(V::code(result)));
    reply(host::ok(answer(result)));
  };
}

// Does `work` on a helper thread.
template <typename V, typename T>
void in_background(State& state, Reply<Result<T, typename V::Code>> reply, std::function<int64_t()> work,
                   std::function<T(int64_t)> answer) {
  state.run_blocking(std::move(work), answering<V, T>(reply, std::move(answer)));
}
// The same for what only looks at paths: at once where it can be.
template <typename V, typename T>
void look_up(State& state, Reply<Result<T, typename V::Code>> reply, std::function<int64_t()> work,
             std::function<T(int64_t)> answer) {
  state.run_lookup(std::move(work), answering<V, T>(reply, std::move(answer)));
}
template <typename V>
void in_background(State& state, Reply<Result<Unit, typename V::Code>> reply, std::function<int64_t()> work) {
  in_background<V, Unit>(state, reply, std::move(work), [](int64_t) { return Unit(); });
}

template <typename V>
typename V::Stat stat_of(const struct stat& status) {
  auto time = [](const timespec& t) -> Option<typename V::Time> {
    using Seconds = decltype(V::Time::seconds);
    if (std::is_unsigned_v<Seconds> && t.tv_sec < 0) return {};  // 0.2 cannot say it
    return typename V::Time{static_cast<Seconds>(t.tv_sec), static_cast<uint32_t>(t.tv_nsec)};
  };
  return {V::descriptor_type(file_type(status.st_mode)),
          status.st_nlink,
          static_cast<uint64_t>(status.st_size),
          time(status.st_atim),
          time(status.st_mtim),
          time(status.st_ctim)};
}

template <typename V>
using NewTimestamp =
    host::Variant<host::Case<"no-change">, host::Case<"now">, host::Case<"timestamp", typename V::Time>>;

// For utimensat; 0 or -errno.
template <typename V>
int64_t timespec_of(const NewTimestamp<V>& time, timespec* into) {
  *into = {0, time.tag == 0 ? UTIME_OMIT : UTIME_NOW};
  if (time.tag <= 1) return 0;
  const auto value = time.template value<typename V::Time>();
  if (value.nanoseconds >= 1'000'000'000) return -EINVAL;  // the system gives some of these a meaning
  if (std::is_unsigned_v<decltype(value.seconds)> && value.seconds > INT64_MAX) return -EOVERFLOW;
  *into = {static_cast<time_t>(value.seconds), static_cast<long>(value.nanoseconds)};
  return 0;
}
template <typename V>
int64_t with_times(const NewTimestamp<V>& access, const NewTimestamp<V>& change,
                   const std::function<int64_t(const timespec times[2])>& set) {
  timespec times[2];
  if (int64_t bad = timespec_of<V>(access, &times[0]); bad < 0) return bad;
  if (int64_t bad = timespec_of<V>(change, &times[1]); bad < 0) return bad;
  return set(times);
}

// Writes to the disk what the guest can have written through it; without effect on others. Blocks.
int64_t sync_file(const OpenedFile& opened, int (*sync)(int)) {
  const int64_t synced = result_of(sync(opened.file->fd));
  return opened.flags.has(DescriptorFlags::write) ? synced : 0;
}

template <typename V>
void add_file_functions(State& state, InterfaceBuilder& types) {
  using Self = Borrow<typename V::Descriptor>;
  using Done = Result<Unit, typename V::Code>;
  using StatResult = Result<typename V::Stat, typename V::Code>;
  using HashResult = Result<MetadataHash, typename V::Code>;
  using Time = NewTimestamp<V>;

  V::template add<Done(Self, uint64_t, uint64_t, Advice)>(
      types, "advise", [&state](Reply<Done> reply, Self self, uint64_t offset, uint64_t length, Advice advice) {
        in_background<V>(state, reply, [file = state.get(self)->file, offset, length, advice] {
          return wasi::advise(file->fd, offset, length, advice);
        });
      });
  V::template add<Done(Self)>(types, "sync-data", [&state](Reply<Done> reply, Self self) {
    in_background<V>(state, reply, [opened = state.get(self)] { return sync_file(*opened, fdatasync); });
  });
  V::template add<Done(Self)>(types, "sync", [&state](Reply<Done> reply, Self self) {
    in_background<V>(state, reply, [opened = state.get(self)] { return sync_file(*opened, fsync); });
  });
  V::template add<Result<DescriptorFlags, typename V::Code>(Self)>(
      types, "get-flags", [&state](Reply<Result<DescriptorFlags, typename V::Code>> reply, Self self) {
        reply(host::ok(state.get(self)->flags));
      });
  using TypeResult = Result<typename V::DescriptorType, typename V::Code>;
  V::template add<TypeResult(Self)>(types, "get-type", [&state](Reply<TypeResult> reply, Self self) {
    struct stat status{};
    if (fstat(state.get(self)->file->fd, &status) != 0) return reply(host::error(V::code(errno)));
    reply(host::ok(V::descriptor_type(file_type(status.st_mode))));
  });
  V::template add<Done(Self, uint64_t)>(types, "set-size", [&state](Reply<Done> reply, Self self, uint64_t size) {
    in_background<V>(state, reply, [opened = state.get(self), size]() -> int64_t {
      if (opened->type == FileType::Directory) return -EBADF;
      if (!opened->may_change) return -EROFS;
      return size > INT64_MAX ? -EFBIG : result_of(ftruncate(opened->file->fd, static_cast<off_t>(size)));
    });
  });
  V::template add<Done(Self, Time, Time)>(
      types, "set-times", [&state](Reply<Done> reply, Self self, Time access, Time change) {
        in_background<V>(state, reply, [opened = state.get(self), access, change]() -> int64_t {
          if (!opened->may_change) return -EROFS;
          return with_times<V>(access, change,
                               [&](const timespec times[2]) { return result_of(futimens(opened->file->fd, times)); });
        });
      });
  auto status = [] { return std::make_shared<struct stat>(); };
  V::template add<StatResult(Self)>(types, "stat", [&state, status](Reply<StatResult> reply, Self self) {
    auto into = status();
    in_background<V, typename V::Stat>(
        state, reply, [file = state.get(self)->file, into] { return result_of(fstat(file->fd, into.get())); },
        [into](int64_t) { return stat_of<V>(*into); });
  });
  V::template add<HashResult(Self)>(types, "metadata-hash", [&state, status](Reply<HashResult> reply, Self self) {
    auto into = status();
    in_background<V, MetadataHash>(
        state, reply, [file = state.get(self)->file, into] { return result_of(fstat(file->fd, into.get())); },
        [into](int64_t) { return metadata_hash(*into); });
  });
  V::template add<bool(Self, Self)>(types, "is-same-object", [&state](Reply<bool> reply, Self self, Self other) {
    struct stat a{}, b{};
    bool known = fstat(state.get(self)->file->fd, &a) == 0 && fstat(state.get(other)->file->fd, &b) == 0;
    reply(known && a.st_dev == b.st_dev && a.st_ino == b.st_ino);
  });
}

// open-at. What is not opened for writing is for reading. Blocks; helper thread.
template <typename V>
int64_t open_descriptor(const OpenedFile& folder, bool follow, const std::string& path, OpenFlags open_flags,
                        DescriptorFlags flags, OpenedFile* into) {
  if (!flags.has(DescriptorFlags::write)) flags.set(DescriptorFlags::read);
  if (int64_t done = open_at(folder, follow, path, open_flags, flags, into); done < 0) return done;
  if (into->type != FileType::Directory) {
    into->flags.set(DescriptorFlags::mutate_directory, false);
  } else if (V::kMutatesByFlag && !flags.has(DescriptorFlags::mutate_directory)) {
    into->may_change = false;
  }
  return 0;
}

template <typename V>
void add_path_functions(State& state, InterfaceBuilder& types) {
  using Self = Borrow<typename V::Descriptor>;
  using Done = Result<Unit, typename V::Code>;
  using StatResult = Result<typename V::Stat, typename V::Code>;
  using HashResult = Result<MetadataHash, typename V::Code>;
  using OpenResult = Result<Own<typename V::Descriptor>, typename V::Code>;
  using Time = NewTimestamp<V>;

  V::template add<Done(Self, String)>(
      types, "create-directory-at", [&state](Reply<Done> reply, Self self, String path) {
        in_background<V>(state, reply, [folder = state.get(self), path = path.string()] {
          const int fd = folder->file->fd;
          return folder->may_change ? make_directory(fd, path) : refuse_new(fd, path);
        });
      });
  V::template add<StatResult(Self, PathFlags, String)>(
      types, "stat-at", [&state](Reply<StatResult> reply, Self self, PathFlags flags, String path) {
        auto into = std::make_shared<struct stat>();
        bool follow = flags.has(PathFlags::symlink_follow);
        look_up<V, typename V::Stat>(
            state, reply,
            [file = state.get(self)->file, into, follow, path = path.string()] {
              return stat_beneath(file->fd, path, follow, into.get());
            },
            [into](int64_t) { return stat_of<V>(*into); });
      });
  V::template add<HashResult(Self, PathFlags, String)>(
      types, "metadata-hash-at", [&state](Reply<HashResult> reply, Self self, PathFlags flags, String path) {
        auto into = std::make_shared<struct stat>();
        bool follow = flags.has(PathFlags::symlink_follow);
        look_up<V, MetadataHash>(
            state, reply,
            [file = state.get(self)->file, into, follow, path = path.string()] {
              return stat_beneath(file->fd, path, follow, into.get());
            },
            [into](int64_t) { return metadata_hash(*into); });
      });
  V::template add<Done(Self, PathFlags, String, Time, Time)>(
      types, "set-times-at",
      [&state](Reply<Done> reply, Self self, PathFlags flags, String path, Time access, Time change) {
        bool follow = flags.has(PathFlags::symlink_follow);
        in_background<V>(state, reply, [folder = state.get(self), follow, path = path.string(), access, change] {
          const int fd = folder->file->fd;
          if (!folder->may_change) return refuse_change(fd, path, follow);
          return with_times<V>(access, change,
                               [&](const timespec times[2]) { return set_times_beneath(fd, path, follow, times); });
        });
      });
  V::template add<Done(Self, PathFlags, String, Self, String)>(
      types, "link-at",
      [&state](Reply<Done> reply, Self self, PathFlags flags, String old_path, Self other, String new_path) {
        const bool follow = flags.has(PathFlags::symlink_follow);
        in_background<V>(state, reply,
                         [from = state.get(self), old_path = old_path.string(), follow, to = state.get(other),
                          new_path = new_path.string()]() -> int64_t {
                           const int fd = from->file->fd, new_fd = to->file->fd;
                           if (from->may_change && to->may_change)
                             return link_beneath(fd, old_path, follow, new_fd, new_path);
                           const int64_t refused = refuse_change(fd, old_path, follow);
                           return refused == -EROFS ? refuse_new(new_fd, new_path) : refused;
                         });
      });
  V::template add<OpenResult(Self, PathFlags, String, OpenFlags, DescriptorFlags)>(
      types, "open-at",
      [&state](Reply<OpenResult> reply, Self self, PathFlags path_flags, String path, OpenFlags open_flags,
               DescriptorFlags flags) {
        auto opened = std::make_shared<OpenedFile>();
        bool follow = path_flags.has(PathFlags::symlink_follow);
        look_up<V, Own<typename V::Descriptor>>(
            state, reply,
            [folder = state.get(self), follow, path = path.string(), open_flags, flags, opened] {
              return open_descriptor<V>(*folder, follow, path, open_flags, flags, opened.get());
            },
            [&state, opened](int64_t) { return state.make<typename V::Descriptor>(*opened); });
      });
  using TextResult = Result<String, typename V::Code>;
  V::template add<TextResult(Self, String)>(
      types, "readlink-at", [&state](Reply<TextResult> reply, Self self, String path) {
        auto contents = std::make_shared<std::string>();
        in_background<V, String>(
            state, reply,
            [file = state.get(self)->file, path = path.string(), contents] {
              int64_t read = read_link(file->fd, path, contents.get());
              return read >= 0 && !is_utf8(*contents) ? -EILSEQ : read;
            },
            [contents, reply](int64_t) { return String(reply.arena().copy(*contents)); });
      });
  V::template add<Done(Self, String)>(
      types, "remove-directory-at", [&state](Reply<Done> reply, Self self, String path) {
        in_background<V>(state, reply, [folder = state.get(self), path = path.string()] {
          const int fd = folder->file->fd;
          return folder->may_change ? remove_directory(fd, path) : refuse_change(fd, path, false);
        });
      });
  V::template add<Done(Self, String, Self, String)>(
      types, "rename-at", [&state](Reply<Done> reply, Self self, String old_path, Self other, String new_path) {
        in_background<V>(state, reply,
                         [from = state.get(self), old_path = old_path.string(), to = state.get(other),
                          new_path = new_path.string()] {
                           const int fd = from->file->fd;
                           if (from->may_change && to->may_change)
                             return rename_beneath(fd, old_path, to->file->fd, new_path);
                           return refuse_change(fd, old_path, false);
                         });
      });
  V::template add<Done(Self, String, String)>(
      types, "symlink-at", [&state](Reply<Done> reply, Self self, String contents, String path) {
        in_background<V>(state, reply, [folder = state.get(self), contents = contents.string(), path = path.string()] {
          const int fd = folder->file->fd;
          const int64_t bad = folder->may_change ? 0 : check_link_contents(contents);
          return bad < 0 ? bad : folder->may_change ? make_symlink(contents, fd, path) : refuse_new(fd, path);
        });
      });
  V::template add<Done(Self, String)>(types, "unlink-file-at", [&state](Reply<Done> reply, Self self, String path) {
    in_background<V>(state, reply, [folder = state.get(self), path = path.string()] {
      const int fd = folder->file->fd;
      return folder->may_change ? unlink_file(fd, path) : refuse_change(fd, path, false);
    });
  });
}

template <typename V>
void add_preopens(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder preopens(fmt::format("wasi:filesystem/preopens@{}", V::kVersion), state.resources);
  using Folder = Tuple<Own<typename V::Descriptor>, String>;
  preopens.add<List<Folder>()>("get-directories", [&state](HostCall& call) {
    std::vector<Folder> folders;
    for (const State::Preopen& preopen : state.preopens) {
      auto folder = state.make<typename V::Descriptor>(opened_folder(preopen));
      folders.push_back({folder, std::string_view(preopen.options->guest_path)});
    }
    return host::make_list<Folder>(*call.arena, folders);
  });
  interfaces.add(preopens.finish());
}

// ---- entries of a folder ----

// Read some at a time, so that a folder may be of any size.
struct Listing {
  DirectoryReader reader;
  std::vector<DirectoryEntry> entries;
  size_t next = 0;
  bool under_way = false;  // a helper thread has it
  bool ended = false;
  int64_t error = 0;
  bool ready() const { return !under_way && (next < entries.size() || ended); }
};

// Reads more of it. Requires that nothing is left and nothing is under way.
void read_more(State& state, std::shared_ptr<Listing> listing, std::shared_ptr<File> folder,
               std::function<void()> then) {
  constexpr size_t kBatch = 1024;
  Listing& l = *listing;
  l.under_way = true;
  state.run_blocking(
      [&l, folder] {
        l.entries.clear();
        l.next = 0;
        const int64_t opened = l.reader.is_open() ? 0 : l.reader.open(folder->fd);
        return opened < 0 ? opened : l.reader.next(kBatch, &l.entries);
      },
      [listing = std::move(listing), then = std::move(then)](int64_t result) {
        listing->under_way = false;
        listing->ended = result < 0 || listing->entries.empty();
        listing->error = result;
        then();
      });
}

// ---- 0.2: streams as resources ----

struct DirectoryEntryStream final : Object {
  static constexpr const char* kName = "directory-entry-stream";
  std::shared_ptr<File> folder;
  std::shared_ptr<Listing> listing = std::make_shared<Listing>();
};

// What one `read` may take of it: all that is there, within reason.
uint64_t most_to_read(const OpenedFile& opened, uint64_t offset) {
  constexpr uint64_t kMost = 64 << 20;
  struct stat status{};
  if (opened.type != FileType::RegularFile || fstat(opened.file->fd, &status) != 0) return kLargestTransfer;
  const auto size = static_cast<uint64_t>(status.st_size);
  return std::min(kMost, size > offset ? size - offset : 1);
}

void add_streams_0_2(State& state, InterfaceBuilder& types) {
  using Self = Borrow<v2::Descriptor>;
  types.add<Result<Own<InputStream>, v2::Code>(Self, uint64_t)>(
      "[method]descriptor.read-via-stream",
      [&state](HostCall&, Self self, uint64_t offset) -> Result<Own<InputStream>, v2::Code> {
        auto opened = state.get(self);
        if (int error = why_not_read(*opened, offset); error != 0) return host::error(v2::code(error));
        const InputKind kind = opened->seekable ? InputKind::RegularFile : InputKind::Stream;
        return host::ok(make_input_stream(state, opened->file, kind, offset));
      });
  using OutputResult = Result<Own<OutputStream>, v2::Code>;
  auto write_via_stream = [&state](const OpenedFile& opened, uint64_t offset, int64_t at) -> OutputResult {
    if (int error = why_not_write(opened, offset); error != 0) return host::error(v2::code(error));
    return host::ok(make_output_stream(state, opened.file, opened.seekable ? at : kCurrentPosition));
  };
  types.add<OutputResult(Self, uint64_t)>(
      "[method]descriptor.write-via-stream", [&state, write_via_stream](HostCall&, Self self, uint64_t offset) {
        return write_via_stream(*state.get(self), offset, static_cast<int64_t>(offset));
      });
  types.add<OutputResult(Self)>(
      "[method]descriptor.append-via-stream",
      [&state, write_via_stream](HostCall&, Self self) { return write_via_stream(*state.get(self), 0, kAtEnd); });

  using ReadResult = Result<Tuple<List<uint8_t>, bool>, v2::Code>;
  types.add_blocking<ReadResult(Self, uint64_t, uint64_t)>(
      "[method]descriptor.read", [&state](Reply<ReadResult> reply, Self self, uint64_t length, uint64_t offset) {
        auto opened = state.get(self);
        if (int error = why_not_read(*opened, offset); error != 0) return reply(host::error(v2::code(error)));
        const size_t bytes = std::min<uint64_t>(length, most_to_read(*opened, offset));
        void* into = reply.arena().allocate(bytes + 1, 1);
        const int64_t at = opened->seekable ? static_cast<int64_t>(offset) : kCurrentPosition;
        auto finish = [reply, into, bytes, opened](int64_t result) {
          if (result < 0) return reply(host::error(v2::code(result)));
          List<uint8_t> data(static_cast<const uint8_t*>(into), static_cast<size_t>(result));
          reply(host::ok(Tuple<List<uint8_t>, bool>{data, result == 0 && bytes > 0}));
        };
        const int64_t now = state.take_immediate() ? opened->file->read_now(into, bytes, at) : -EAGAIN;
        const bool partly = opened->seekable && now > 0 && static_cast<size_t>(now) < bytes;
        if (now != -EAGAIN && !partly) return finish(now);
        // What is not in memory has to be waited for.
        const int64_t have = std::max<int64_t>(now, 0);
        auto operation = std::make_shared<Operation>(state);
        Operation& reading = *operation;
        reading.read(opened->file->fd, static_cast<uint8_t*>(into) + have, bytes - static_cast<size_t>(have),
                     opened->seekable ? at + have : at, operation, [finish, have](int64_t result) {
                       finish(have > 0 ? have + std::max<int64_t>(result, 0) : result);
                     });
      });
  using WriteResult = Result<uint64_t, v2::Code>;
  types.add_blocking<WriteResult(Self, List<uint8_t>, uint64_t)>(
      "[method]descriptor.write", [&state](Reply<WriteResult> reply, Self self, List<uint8_t> data, uint64_t offset) {
        auto opened = state.get(self);
        if (int error = why_not_write(*opened, offset); error != 0) return reply(host::error(v2::code(error)));
        auto operation = std::make_shared<Operation>(state);
        Operation& writing = *operation;
        auto bytes = std::make_shared<std::vector<uint8_t>>(data.begin(), data.end());
        writing.write(opened->file->fd, bytes->data(), bytes->size(),
                      opened->seekable ? static_cast<int64_t>(offset) : kCurrentPosition, operation,
                      [reply, opened, bytes](int64_t result) {
                        if (result < 0) return reply(host::error(v2::code(result)));
                        reply(host::ok(static_cast<uint64_t>(result)));
                      });
      });

  types.resource<DirectoryEntryStream>();
  using FolderResult = Result<Own<DirectoryEntryStream>, v2::Code>;
  types.add_blocking<FolderResult(Self)>("[method]descriptor.read-directory",
                                         [&state](Reply<FolderResult> reply, Self self) {
                                           auto stream = std::make_shared<DirectoryEntryStream>();
                                           stream->folder = state.get(self)->file;
                                           read_more(state, stream->listing, stream->folder, [&state, reply, stream] {
                                             if (stream->listing->error < 0)
                                               return reply(host::error(v2::code(stream->listing->error)));
                                             reply(host::ok(state.share(stream)));
                                           });
                                         });
  using EntryResult = Result<Option<v2::Entry>, v2::Code>;
  types.add_blocking<EntryResult(Borrow<DirectoryEntryStream>)>(
      "[method]directory-entry-stream.read-directory-entry",
      [&state](Reply<EntryResult> reply, Borrow<DirectoryEntryStream> self) {
        auto stream = state.get(self);
        auto answer = [reply, stream] {
          Listing& listing = *stream->listing;
          if (listing.error < 0) return reply(host::error(v2::code(listing.error)));
          if (listing.next == listing.entries.size()) return reply(host::ok(Option<v2::Entry>()));
          const DirectoryEntry& entry = listing.entries[listing.next++];
          if (!is_utf8(entry.name)) return reply(host::error(FileErrorCode::illegal_byte_sequence));
          const v2::Entry value{v2::descriptor_type(entry.type), reply.arena().copy(entry.name)};
          reply(host::ok(Option<v2::Entry>(value)));
        };
        if (stream->listing->under_way) return reply(host::error(FileErrorCode::busy));  // another call's
        if (stream->listing->ready()) return answer();
        read_more(state, stream->listing, stream->folder, answer);
      });
  types.add<Option<FileErrorCode>(Borrow<IoError>)>(
      "filesystem-error-code", [&state](HostCall&, Borrow<IoError> error) -> Option<FileErrorCode> {
        if (state.get(error)->of_socket) return {};
        return v2::code(state.get(error)->number);
      });
}

// ---- 0.3: streams of the component model ----

struct Error3 {
  using Code = v3::Code;
  static Code of(int error_number) { return v3::code(error_number); }
};

// Gives a folder's entries to its reader.
class DirectorySource final : public HostSource {
 public:
  DirectorySource(State& state, std::shared_ptr<File> folder, std::shared_ptr<Promise<StreamEnd<Error3>>> result)
      : state_(state), folder_(std::move(folder)), result_(std::move(result)) {}
  ~DirectorySource() override { result_->resolve(host::ok()); }

  void read(StreamRead& read) override {
    if (listing_->ready()) return give(read);
    *waiting_ = &read;
    if (listing_->under_way) return;  // for a read that was cancelled
    // The source may be gone then: nothing waits.
    read_more(state_, listing_, folder_, [this, waiting = waiting_] {
      if (*waiting != nullptr) give(*std::exchange(*waiting, nullptr));
    });
  }
  void cancel(StreamRead& read) override {
    if (std::exchange(*waiting_, nullptr) != nullptr) read.cancelled(0);
  }

 private:
  // Names that are no strings are left out, and the end says so.
  void give(StreamRead& read) {
    Listing& listing = *listing_;
    if (listing.next == listing.entries.size()) {
      const int64_t error = listing.error < 0 ? listing.error : left_out_ ? -EILSEQ : 0;
      result_->resolve(error < 0 ? StreamEnd<Error3>(host::error(v3::code(error))) : StreamEnd<Error3>(host::ok()));
      return read.end();
    }
    if (read.capacity == 0) return read.complete(0);
    if (state_.store.locked_down()) return read.cancelled(0);
    constexpr size_t kBatch = 256;
    std::vector<v3::Entry> batch;
    while (listing.next < listing.entries.size() && batch.size() < std::min<size_t>(read.capacity, kBatch)) {
      const DirectoryEntry& entry = listing.entries[listing.next++];
      if (is_utf8(entry.name)) {
        batch.push_back({v3::descriptor_type(entry.type), std::string_view(entry.name)});
      } else {
        left_out_ = true;
      }
    }
    if (batch.empty()) return this->read(read);
    read.supply(batch.data(), static_cast<uint32_t>(batch.size()));
  }

  State& state_;
  std::shared_ptr<File> folder_;
  std::shared_ptr<Promise<StreamEnd<Error3>>> result_;
  std::shared_ptr<Listing> listing_ = std::make_shared<Listing>();
  std::shared_ptr<StreamRead*> waiting_ = std::make_shared<StreamRead*>(nullptr);
  bool left_out_ = false;  // entries
};

void add_streams_0_3(State& state, InterfaceBuilder& types) {
  using Self = Borrow<v3::Descriptor>;
  using End = StreamEnd<Error3>;
  auto failed = [](int error) -> End { return host::error(v3::code(error)); };
  types.add<Tuple<Stream<uint8_t>, Future<End>>(Self, uint64_t)>(
      "[method]descriptor.read-via-stream", [&state, failed](HostCall& call, Self self, uint64_t offset) {
        auto opened = state.get(self);
        if (int error = why_not_read(*opened, offset); error != 0)
          return no_read_via_stream(state, call, failed(error));
        return read_via_stream<Error3>(state, call, opened->file,
                                       opened->seekable ? static_cast<int64_t>(offset) : kCurrentPosition);
      });
  auto write = [&state, failed](HostCall& call, const OpenedFile& opened, Stream<uint8_t> data, uint64_t offset,
                                int64_t at) {
    if (int error = why_not_write(opened, offset); error != 0)
      return no_write_via_stream(state, call, data, failed(error));
    return write_via_stream<Error3>(state, call, data, opened.file, opened.seekable ? at : kCurrentPosition);
  };
  types.add<Future<End>(Self, Stream<uint8_t>, uint64_t)>(
      "[method]descriptor.write-via-stream",
      [&state, write](HostCall& call, Self self, Stream<uint8_t> data, uint64_t offset) {
        return write(call, *state.get(self), data, offset, static_cast<int64_t>(offset));
      });
  types.add<Future<End>(Self, Stream<uint8_t>)>("[method]descriptor.append-via-stream",
                                                [&state, write](HostCall& call, Self self, Stream<uint8_t> data) {
                                                  return write(call, *state.get(self), data, 0, kAtEnd);
                                                });
  using Entries = Tuple<Stream<v3::Entry>, Future<End>>;
  types.add<Entries(Self)>("[method]descriptor.read-directory", [&state, failed](HostCall& call, Self self) {
    auto folder = state.get(self);
    if (folder->type != FileType::Directory) {
      auto nothing = host::make_stream<v3::Entry>(call, std::make_unique<NoSource>());
      return Entries{nothing, known_future(state, call, failed(ENOTDIR))};
    }
    auto promise = std::make_shared<Promise<End>>(state);
    auto future = host::make_future<End>(call, Promise<End>::source(promise));
    auto stream =
        host::make_stream<v3::Entry>(call, std::make_unique<DirectorySource>(state, folder->file, std::move(promise)));
    return Entries{stream, future};
  });
}

}  // namespace

void add_filesystem(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder types2("wasi:filesystem/types@0.2.12", state.resources);
  types2.resource<v2::Descriptor>();
  add_file_functions<Version2>(state, types2);
  add_path_functions<Version2>(state, types2);
  add_streams_0_2(state, types2);
  interfaces.add(types2.finish());
  add_preopens<Version2>(state, interfaces);

  InterfaceBuilder types3("wasi:filesystem/types@0.3.0", state.resources);
  types3.resource<v3::Descriptor>();
  add_file_functions<Version3>(state, types3);
  add_path_functions<Version3>(state, types3);
  add_streams_0_3(state, types3);
  interfaces.add(types3.finish());
  add_preopens<Version3>(state, interfaces);
}

}  // namespace wjit::wasi

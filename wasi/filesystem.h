// The types of wasi:filesystem at 0.2 and 0.3.0, and what both versions' descriptors are: an open file or folder below
// a preopened one. The functions are in wasi/filesystem.cpp, the paths in wasi/files.h; preview1's descriptors
// (wasi/preview1_path.cpp) are the same ones.
#pragma once

#include <sys/stat.h>
#include <time.h>

#include <cerrno>
#include <memory>

#include "wasi/files.h"
#include "wasi/state.h"

namespace wjit::wasi {

// Errors by the names of wasi/file_errors.def, which both versions share. 0.2 has `would-block` besides, 0.3 `other`.
HOST_ENUM(FileErrorCode, access, would_block, already, bad_descriptor, busy, deadlock, quota, exist, file_too_large,
          illegal_byte_sequence, in_progress, interrupted, invalid, io, is_directory, loop, too_many_links,
          message_size, name_too_long, no_device, no_entry, no_lock, insufficient_memory, insufficient_space,
          not_directory, not_empty, not_recoverable, unsupported, no_tty, no_such_device, overflow, not_permitted, pipe,
          read_only, invalid_seek, text_file_busy, cross_device)

HOST_ENUM(Advice, normal, sequential, random, will_need, dont_need, no_reuse)
HOST_FLAGS(DescriptorFlags, read, write, file_integrity_sync, data_integrity_sync, requested_write_sync,
           mutate_directory)
HOST_FLAGS(PathFlags, symlink_follow)
HOST_FLAGS(OpenFlags, create, directory, exclusive, truncate)

struct MetadataHash {
  uint64_t lower;
  uint64_t upper;
};
HOST_RECORD(MetadataHash, lower, upper)

// An open file or folder.
struct OpenedFile {
  std::shared_ptr<File> file;
  DescriptorFlags flags;  // as asked for when it was opened
  FileType type = FileType::Unknown;
  bool seekable = true;  // has positions: no pipe, terminal or the like
  // It lies below a preopened folder that is not read-only; of a folder: and was opened with mutate-directory, where
  // the version asks for that.
  bool may_change = false;
};

// Opens `path` below `folder`; fills `into`. Blocks; helper thread. 0 or -errno.
int64_t open_at(const OpenedFile& folder, bool follow, const std::string& path, OpenFlags open_flags,
                DescriptorFlags flags, OpenedFile* into);
// Fills in the type and whether it is seekable, as the system says. 0 or -errno.
int64_t find_type(OpenedFile* opened);
// Why bytes cannot be read from it, or written to it, from `offset` on: an errno, or 0.
int why_not_read(const OpenedFile& opened, uint64_t offset);
int why_not_write(const OpenedFile& opened, uint64_t offset);
OpenedFile opened_folder(const State::Preopen& preopen);
MetadataHash metadata_hash(const struct stat& status);
int64_t advise(int fd, uint64_t offset, uint64_t length, Advice advice);

// ---- 0.2 ----

namespace v2 {

using Code = FileErrorCode;
Code code(int64_t error_number);

struct Time {
  uint64_t seconds;
  uint32_t nanoseconds;
};
HOST_RECORD(Time, seconds, nanoseconds)

HOST_ENUM(DescriptorType, unknown, block_device, character_device, directory, fifo, symbolic_link, regular_file, socket)
inline DescriptorType descriptor_type(FileType type) { return static_cast<DescriptorType>(type); }

struct Stat {
  DescriptorType type;
  uint64_t link_count;
  uint64_t size;
  Option<Time> data_access_timestamp;
  Option<Time> data_modification_timestamp;
  Option<Time> status_change_timestamp;
};
HOST_RECORD(Stat, type, link_count, size, data_access_timestamp, data_modification_timestamp, status_change_timestamp)

struct Entry {
  DescriptorType type;
  String name;
};
HOST_RECORD(Entry, type, name)

struct Descriptor final : Object, OpenedFile {
  static constexpr const char* kName = "descriptor";
  explicit Descriptor(OpenedFile opened) : OpenedFile(std::move(opened)) {}
};

}  // namespace v2

// ---- 0.3 ----

namespace v3 {

// 0.2's cases without `would-block`, and `other`.
using Code =
    host::Variant<host::Case<"access">, host::Case<"already">, host::Case<"bad-descriptor">, host::Case<"busy">,
                  host::Case<"deadlock">, host::Case<"quota">, host::Case<"exist">, host::Case<"file-too-large">,
                  host::Case<"illegal-byte-sequence">, host::Case<"in-progress">, host::Case<"interrupted">,
                  host::Case<"invalid">, host::Case<"io">, host::Case<"is-directory">, host::Case<"loop">,
                  host::Case<"too-many-links">, host::Case<"message-size">, host::Case<"name-too-long">,
                  host::Case<"no-device">, host::Case<"no-entry">, host::Case<"no-lock">,
                  host::Case<"insufficient-memory">, host::Case<"insufficient-space">, host::Case<"not-directory">,
                  host::Case<"not-empty">, host::Case<"not-recoverable">, host::Case<"unsupported">,
                  host::Case<"no-tty">, host::Case<"no-such-device">, host::Case<"overflow">,
                  host::Case<"not-permitted">, host::Case<"pipe">, host::Case<"read-only">, host::Case<"invalid-seek">,
                  host::Case<"text-file-busy">, host::Case<"cross-device">, host::Case<"other", Option<String>>>;
Code code(int64_t error_number);

struct Time {
  int64_t seconds;
  uint32_t nanoseconds;
};
HOST_RECORD(Time, seconds, nanoseconds)

using DescriptorType =
    host::Variant<host::Case<"block-device">, host::Case<"character-device">, host::Case<"directory">,
                  host::Case<"fifo">, host::Case<"symbolic-link">, host::Case<"regular-file">, host::Case<"socket">,
                  host::Case<"other", Option<String>>>;
DescriptorType descriptor_type(FileType type);

struct Stat {
  DescriptorType type;
  uint64_t link_count;
  uint64_t size;
  Option<Time> data_access_timestamp;
  Option<Time> data_modification_timestamp;
  Option<Time> status_change_timestamp;
};
HOST_RECORD(Stat, type, link_count, size, data_access_timestamp, data_modification_timestamp, status_change_timestamp)

struct Entry {
  DescriptorType type;
  String name;
};
HOST_RECORD(Entry, type, name)

struct Descriptor final : Object, OpenedFile {
  static constexpr const char* kName = "descriptor";
  explicit Descriptor(OpenedFile opened) : OpenedFile(std::move(opened)) {}
};

}  // namespace v3

// What the functions that both versions have are written over.
struct Version2 {
  static constexpr const char* kVersion = "0.2.12";
  // C and Rust libraries over 0.2 open folders without mutate-directory, and then change what is in them.
  static constexpr bool kMutatesByFlag = false;
  using Code = v2::Code;
  using Time = v2::Time;
  using DescriptorType = v2::DescriptorType;
  using Stat = v2::Stat;
  using Descriptor = v2::Descriptor;
  static Code code(int64_t error) { return v2::code(error); }
  static DescriptorType descriptor_type(FileType type) { return v2::descriptor_type(type); }
  // A sync function that may take its time.
  template <typename Signature, typename F>
  static void add(InterfaceBuilder& types, const char* name, F f) {
    types.add_blocking<Signature>(std::string("[method]descriptor.") + name, std::move(f));
  }
};
struct Version3 {
  static constexpr const char* kVersion = "0.3.0";
  static constexpr bool kMutatesByFlag = true;
  using Code = v3::Code;
  using Time = v3::Time;
  using DescriptorType = v3::DescriptorType;
  using Stat = v3::Stat;
  using Descriptor = v3::Descriptor;
  static Code code(int64_t error) { return v3::code(error); }
  static DescriptorType descriptor_type(FileType type) { return v3::descriptor_type(type); }
  template <typename Signature, typename F>
  static void add(InterfaceBuilder& types, const char* name, F f) {
    types.add_async<Signature>(std::string("[method]descriptor.") + name, std::move(f));
  }
};

}  // namespace wjit::wasi

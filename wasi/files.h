// Files below preopened folders, for all versions of WASI: every function takes a folder's descriptor and a guest's
// path, never leaves that folder (openat2 with RESOLVE_BENEATH; a walk, component by component, where the kernel denies
// that), and returns a value >= 0 or -errno. They block: call them on a helper thread (State::run_blocking). No state;
// any thread.
//
// A path that leaves the folder, or is absolute, gives -EPERM. Tests: test/unit/wasi_files_test.cpp (both ways of
// opening).
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace wjit::wasi {

enum class FileType : uint8_t {
  Unknown,
  BlockDevice,
  CharacterDevice,
  Directory,
  Fifo,
  SymbolicLink,
  RegularFile,
  Socket
};
FileType file_type(mode_t mode);

struct DirectoryEntry {
  std::string name;
  FileType type = FileType::Unknown;
  uint64_t inode = 0;
};

// A descriptor with O_CLOEXEC. `flags`: open(2)'s, O_PATH included. `follow`: whether a symbolic link at the path's end
// is.
int64_t open_beneath(int folder, const std::string& path, int flags, mode_t mode, bool follow);
// For tests: open_beneath without openat2.
int64_t open_beneath_by_walking(int folder, const std::string& path, int flags, mode_t mode, bool follow);

// Does `work`, which calls open_beneath and stat_beneath for reading, as far as the kernel has all that it takes in
// memory: -EAGAIN where it would have to wait, or cannot say so (before Linux 5.12, without openat2). Any thread.
int64_t try_cached(const std::function<int64_t()>& work);

int64_t stat_beneath(int folder, const std::string& path, bool follow, struct stat* into);
int64_t set_times_beneath(int folder, const std::string& path, bool follow, const timespec times[2]);
int64_t make_directory(int folder, const std::string& path);
int64_t remove_directory(int folder, const std::string& path);
int64_t unlink_file(int folder, const std::string& path);
int64_t rename_beneath(int old_folder, const std::string& old_path, int new_folder, const std::string& new_path);
// Unless it is followed, a symbolic link at the end of old_path is linked to itself.
int64_t link_beneath(int old_folder, const std::string& old_path, bool follow, int new_folder,
                     const std::string& new_path);
// 0, or why it cannot be what a guest's symbolic link says.
int64_t check_link_contents(const std::string& contents);
int64_t make_symlink(const std::string& contents, int folder, const std::string& path);
int64_t read_link(int folder, const std::string& path, std::string* into);

// Below a folder that must not be changed: why something cannot be made at `path`, or what is there be changed, moved
// or removed. The error that this would have met anyway, else -EROFS.
int64_t refuse_new(int folder, const std::string& path);
int64_t refuse_change(int folder, const std::string& path, bool follow);

// A folder's entries but "." and "..", some at a time. One thread at a time.
class DirectoryReader {
 public:
  // 0 or -errno; required before next().
  int64_t open(int folder);
  bool is_open() const { return stream_ != nullptr; }
  // Adds up to `most` > 0 entries; none when there are no more. 0 or -errno.
  int64_t next(size_t most, std::vector<DirectoryEntry>* into);

 private:
  struct Closer {
    void operator()(DIR* stream) const { closedir(stream); }
  };
  std::unique_ptr<DIR, Closer> stream_;
};
// All of them.
int64_t read_directory(int folder, std::vector<DirectoryEntry>* into);

}  // namespace wjit::wasi

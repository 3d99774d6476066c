// The state behind wasi/preview1.h: file descriptors as the guest numbers them, and its memory. Functions are methods
// that get a CoreHostCall and finish it with one of preview1's error numbers, at once or when an operation has ended.
//
//   preview1.cpp        the function table, arguments, clocks, random, polling
//   preview1_fd.cpp     fd_*        preview1_path.cpp   path_*        preview1_sock.cpp   sock_*
//   preview1_transfer.cpp           fd_read, fd_write, fd_pread, fd_pwrite
#pragma once

#include <sys/uio.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "abi/core_host.h"
#include "wasi/filesystem.h"
#include "wasi/preview1.h"
#include "wasi/state.h"

namespace wjit::wasi {

// Error numbers of preview1, as far as they are named here.
namespace errno1 {
constexpr uint32_t success = 0, again = 6, badf = 8, ilseq = 25, inval = 28, io = 29, isdir = 31, nosys = 52,
                   notdir = 54, notsock = 57, notsup = 58, overflow = 61, rofs = 69, spipe = 70, notcapable = 76;
}
// What a descriptor may be used for. Guests see these, and may give some up; then the functions that need them fail,
// and they cannot be asked for when a file is opened. What is not asked for then is not taken away, but reading and
// writing.
namespace rights1 {
constexpr uint64_t fd_datasync = 1 << 0, fd_read = 1 << 1, fd_seek = 1 << 2, fd_fdstat_set_flags = 1 << 3,
                   fd_sync = 1 << 4, fd_tell = 1 << 5, fd_write = 1 << 6, fd_advise = 1 << 7, fd_allocate = 1 << 8,
                   path_create_directory = 1 << 9, path_create_file = 1 << 10, path_link_source = 1 << 11,
                   path_link_target = 1 << 12, path_open = 1 << 13, fd_readdir = 1 << 14, path_readlink = 1 << 15,
                   path_rename_source = 1 << 16, path_rename_target = 1 << 17, path_filestat_get = 1 << 18,
                   path_filestat_set_size = 1 << 19, path_filestat_set_times = 1 << 20, fd_filestat_get = 1 << 21,
                   fd_filestat_set_size = 1 << 22, fd_filestat_set_times = 1 << 23, path_symlink = 1 << 24,
                   path_remove_directory = 1 << 25, path_unlink_file = 1 << 26, poll_fd_readwrite = 1 << 27,
                   sock_shutdown = 1 << 28, sock_accept = 1 << 29, all = (1 << 30) - 1;
}

namespace fdflags1 {
constexpr uint16_t append = 1, dsync = 2, nonblock = 4, rsync = 8, sync = 16, all = 31;
}

// From a system's errno (negative or not).
uint32_t errno_of(int64_t error_number);
// A timestamp. What is before 1970 is as early as one can be.
uint64_t nanoseconds(const timespec& time);

// Structures of preview1's that are results.
struct Filestat {
  uint64_t dev, ino, filetype, nlink, size, atim, mtim, ctim;
};
struct Fdstat {
  uint16_t filetype, flags;
  uint32_t padding;
  uint64_t rights_base, rights_inheriting;
};
struct Prestat {
  uint32_t tag, name_len;
};
static_assert(sizeof(Filestat) == 64 && sizeof(Fdstat) == 24 && sizeof(Prestat) == 8);

// An open descriptor of the guest's.
struct Fd {
  OpenedFile opened;                               // opened.flags: read, write
  uint16_t flags = 0;                              // fdflags
  uint64_t given_up = 0, inheriting_given_up = 0;  // rights
  const WasiPreopen* preopen = nullptr;
  std::shared_ptr<File> root;           // of what is opened by paths: the preopened folder that they began at
  std::vector<DirectoryEntry> entries;  // of the last fd_readdir from the beginning
};

class Preview1Impl final : public Preview1 {
 public:
  explicit Preview1Impl(std::shared_ptr<State> state);
  std::optional<Extern> find(std::string_view module, std::string_view name) override;
  void use_memory(MemoryInstance* memory) override { memory_ = memory; }

 private:
  using Method = void (Preview1Impl::*)(CoreHostCall& call);
  struct Row {
    const char* name;
    const char* params;  // i: i32, l: i64; the result is an i32, the error number
    Method method;
  };
  static const Row kRows[];

  // ---- memory ----
  // `bytes` of it at `address`, a multiple of `alignment`. Null, and the call trapped, where that is not so. What is
  // empty may be anywhere. It stays where it is until the call is finished.
  uint8_t* memory(CoreHostCall& call, uint32_t address, uint64_t bytes, uint32_t alignment = 1) const;
  // Where a T goes that is a result, if it is not false: then the call has trapped.
  template <typename T>
  struct Place {
    uint8_t* at = nullptr;
    explicit operator bool() const { return at != nullptr; }
    void store(T value) const { memcpy(at, &value, sizeof(T)); }
  };
  template <typename T>
  Place<T> place(CoreHostCall& call, size_t argument) const {
    return {memory(call, call.i32(argument), sizeof(T), alignof(T))};
  }
  template <typename T>
  static T load(const uint8_t* at) {
    T value;
    memcpy(&value, at, sizeof(T));
    return value;
  }
  // A path or name, of arguments `argument` and `argument + 1`. False, and the call trapped, when out of bounds.
  bool text(CoreHostCall& call, size_t argument, std::string* into) const;
  // The bytes of a list of vectors, of arguments `argument` and `argument + 1`, without empty ones; of more than one
  // call takes the first ones. False, and the call trapped, when out of bounds.
  bool vectors(CoreHostCall& call, size_t argument, std::vector<iovec>* parts) const;

  // ---- descriptors ----
  // success, badf where there is none of this number, or notcapable where it has not all of these rights.
  uint32_t find_fd(uint32_t number, uint64_t right, std::shared_ptr<Fd>* found) const;
  // The same by an argument. Null, and the call finished, where there is an error.
  std::shared_ptr<Fd> fd(CoreHostCall& call, size_t argument, uint64_t right);
  uint32_t add_fd(std::shared_ptr<Fd> fd);
  // Work on a helper thread that gives a value >= 0 or -errno; `then` gets the value and gives the call's error number.
  void in_background(CoreHostCall& call, std::function<int64_t()> work,
                     std::function<uint32_t(int64_t)> then = nullptr);
  // The same for what only looks at paths: at once where it can be (State::run_lookup).
  void look_up(CoreHostCall& call, std::function<int64_t()> work, std::function<uint32_t(int64_t)> then);
  static void store_stat(Place<Filestat> into, const struct stat& status);

  // ---- preview1.cpp ----
  void args_get(CoreHostCall& call);
  void args_sizes_get(CoreHostCall& call);
  void environ_get(CoreHostCall& call);
  void environ_sizes_get(CoreHostCall& call);
  void store_strings(CoreHostCall& call, const std::vector<std::string>& strings);
  void store_sizes(CoreHostCall& call, const std::vector<std::string>& strings);
  std::vector<std::string> environment() const;
  void clock_res_get(CoreHostCall& call);
  void clock_time_get(CoreHostCall& call);
  void random_get(CoreHostCall& call);
  void poll_oneoff(CoreHostCall& call);
  void proc_exit(CoreHostCall& call);
  void proc_raise(CoreHostCall& call);
  void sched_yield(CoreHostCall& call);
  // ---- preview1_fd.cpp ----
  void fd_advise(CoreHostCall& call);
  void fd_allocate(CoreHostCall& call);
  void fd_close(CoreHostCall& call);
  void fd_datasync(CoreHostCall& call);
  void fd_fdstat_get(CoreHostCall& call);
  void fd_fdstat_set_flags(CoreHostCall& call);
  void fd_fdstat_set_rights(CoreHostCall& call);
  void fd_filestat_get(CoreHostCall& call);
  void fd_filestat_set_size(CoreHostCall& call);
  void fd_filestat_set_times(CoreHostCall& call);
  void fd_prestat_get(CoreHostCall& call);
  void fd_prestat_dir_name(CoreHostCall& call);
  void fd_readdir(CoreHostCall& call);
  void fd_renumber(CoreHostCall& call);
  void fd_seek(CoreHostCall& call);
  void fd_sync(CoreHostCall& call);
  void fd_tell(CoreHostCall& call);
  // ---- preview1_transfer.cpp ----
  struct Transfer;
  void transfer(CoreHostCall& call, bool is_write, bool positioned);
  void fd_read(CoreHostCall& call);
  void fd_write(CoreHostCall& call);
  void fd_pread(CoreHostCall& call);
  void fd_pwrite(CoreHostCall& call);
  // ---- preview1_sock.cpp ----
  void sock_accept(CoreHostCall& call);
  void sock_recv(CoreHostCall& call);
  void sock_send(CoreHostCall& call);
  void sock_shutdown(CoreHostCall& call);
  // Null, and the call finished with badf, notcapable or notsock, where its first argument is no socket.
  std::shared_ptr<Fd> socket(CoreHostCall& call, uint64_t right);
  static std::shared_ptr<Fd> socket_fd(std::shared_ptr<File> file, uint16_t flags);
  struct SocketTransfer;
  void socket_transfer(CoreHostCall& call, bool is_send);
  // ---- preview1_path.cpp ----
  void path_create_directory(CoreHostCall& call);
  void path_filestat_get(CoreHostCall& call);
  void path_filestat_set_times(CoreHostCall& call);
  void path_link(CoreHostCall& call);
  void path_open(CoreHostCall& call);
  void path_readlink(CoreHostCall& call);
  void path_remove_directory(CoreHostCall& call);
  void path_rename(CoreHostCall& call);
  void path_symlink(CoreHostCall& call);
  void path_unlink_file(CoreHostCall& call);

  std::shared_ptr<State> state_;
  MemoryInstance* memory_ = nullptr;
  std::vector<std::shared_ptr<Fd>> fds_;
  std::map<std::string, std::unique_ptr<CoreHostFunction>, std::less<>> functions_;
};

// Whether what a folder hands on to a descriptor of that type has all of these rights, as far as they apply to it.
bool hands_on(const Fd& folder, FileType type, uint64_t base, uint64_t inheriting);
// Leaves `bytes` of the vectors from `*first` on behind.
void take_front(std::vector<iovec>& parts, size_t* first, size_t bytes);
// Access and modification times of fd_filestat_set_times and path_filestat_set_times; false for contradicting flags and
// unknown ones.
bool times_of(uint64_t access, uint64_t modification, uint32_t fstflags, timespec times[2]);

}  // namespace wjit::wasi

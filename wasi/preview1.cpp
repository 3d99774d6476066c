// wasi_snapshot_preview1: the table of functions; arguments, environment, clocks, random numbers, polling, exit.
// See wasi/preview1.h, wasi/preview1_impl.h.
#include "wasi/preview1.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "wasi/io.h"
#include "wasi/preview1_impl.h"

namespace wjit {

std::shared_ptr<Preview1> Preview1::create(WasiHost& host) {
  return std::make_shared<wasi::Preview1Impl>(host.state().shared_from_this());
}

}  // namespace wjit

namespace wjit::wasi {

const Preview1Impl::Row Preview1Impl::kRows[] = {
    {"args_get", "ii", &Preview1Impl::args_get},
    {"args_sizes_get", "ii", &Preview1Impl::args_sizes_get},
    {"environ_get", "ii", &Preview1Impl::environ_get},
    {"environ_sizes_get", "ii", &Preview1Impl::environ_sizes_get},
    {"clock_res_get", "ii", &Preview1Impl::clock_res_get},
    {"clock_time_get", "ili", &Preview1Impl::clock_time_get},
    {"random_get", "ii", &Preview1Impl::random_get},
    {"poll_oneoff", "iiii", &Preview1Impl::poll_oneoff},
    {"proc_exit", "i", &Preview1Impl::proc_exit},
    {"proc_raise", "i", &Preview1Impl::proc_raise},
    {"sched_yield", "", &Preview1Impl::sched_yield},
    {"sock_accept", "iii", &Preview1Impl::sock_accept},
    {"sock_recv", "iiiiii", &Preview1Impl::sock_recv},
    {"sock_send", "iiiii", &Preview1Impl::sock_send},
    {"sock_shutdown", "ii", &Preview1Impl::sock_shutdown},
    {"fd_advise", "illi", &Preview1Impl::fd_advise},
    {"fd_allocate", "ill", &Preview1Impl::fd_allocate},
    {"fd_close", "i", &Preview1Impl::fd_close},
    {"fd_datasync", "i", &Preview1Impl::fd_datasync},
    {"fd_fdstat_get", "ii", &Preview1Impl::fd_fdstat_get},
    {"fd_fdstat_set_flags", "ii", &Preview1Impl::fd_fdstat_set_flags},
    {"fd_fdstat_set_rights", "ill", &Preview1Impl::fd_fdstat_set_rights},
    {"fd_filestat_get", "ii", &Preview1Impl::fd_filestat_get},
    {"fd_filestat_set_size", "il", &Preview1Impl::fd_filestat_set_size},
    {"fd_filestat_set_times", "illi", &Preview1Impl::fd_filestat_set_times},
    {"fd_pread", "iiili", &Preview1Impl::fd_pread},
    {"fd_prestat_get", "ii", &Preview1Impl::fd_prestat_get},
    {"fd_prestat_dir_name", "iii", &Preview1Impl::fd_prestat_dir_name},
    {"fd_pwrite", "iiili", &Preview1Impl::fd_pwrite},
    {"fd_read", "iiii", &Preview1Impl::fd_read},
    {"fd_readdir", "iiili", &Preview1Impl::fd_readdir},
    {"fd_renumber", "ii", &Preview1Impl::fd_renumber},
    {"fd_seek", "ilii", &Preview1Impl::fd_seek},
    {"fd_sync", "i", &Preview1Impl::fd_sync},
    {"fd_tell", "ii", &Preview1Impl::fd_tell},
    {"fd_write", "iiii", &Preview1Impl::fd_write},
    {"path_create_directory", "iii", &Preview1Impl::path_create_directory},
    {"path_filestat_get", "iiiii", &Preview1Impl::path_filestat_get},
    {"path_filestat_set_times", "iiiilli", &Preview1Impl::path_filestat_set_times},
    {"path_link", "iiiiiii", &Preview1Impl::path_link},
    {"path_open", "iiiiillii", &Preview1Impl::path_open},
    {"path_readlink", "iiiiii", &Preview1Impl::path_readlink},
    {"path_remove_directory", "iii", &Preview1Impl::path_remove_directory},
    {"path_rename", "iiiiii", &Preview1Impl::path_rename},
    {"path_symlink", "iiiii", &Preview1Impl::path_symlink},
    {"path_unlink_file", "iii", &Preview1Impl::path_unlink_file},
};

uint32_t errno_of(int64_t error_number) {
  switch (error_number < 0 ? -error_number : error_number) {
    case 0: return errno1::success;
    case E2BIG: return 1;
    case EACCES: return 2;
    case EADDRINUSE: return 3;
    case EADDRNOTAVAIL: return 4;
    case EAFNOSUPPORT: return 5;
    case EAGAIN: return errno1::again;
    case EALREADY: return 7;
    case EBADF: return errno1::badf;
    case EBUSY: return 10;
    case ECANCELED: return 11;
    case ECONNABORTED: return 13;
    case ECONNREFUSED: return 14;
    case ECONNRESET: return 15;
    case EDEADLK: return 16;
    case EDESTADDRREQ: return 17;
    case EDQUOT: return 19;
    case EEXIST: return 20;
    case EFAULT: return 21;
    case EFBIG: return 22;
    case EHOSTUNREACH: return 23;
    case EILSEQ: return 25;
    case EINPROGRESS: return 26;
    case EINTR: return 27;
    case EINVAL: return errno1::inval;
    case EISCONN: return 30;
    case EISDIR: return errno1::isdir;
    case ELOOP: return 32;
    case EMFILE: return 33;
    case EMLINK: return 34;
    case EMSGSIZE: return 35;
    case ENAMETOOLONG: return 37;
    case ENETDOWN: return 38;
    case ENETRESET: return 39;
    case ENETUNREACH: return 40;
    case ENFILE: return 41;
    case ENOBUFS: return 42;
    case ENODEV: return 43;
    case ENOENT: return 44;
    case ENOLCK: return 46;
    case ENOMEM: return 48;
    case ENOSPC: return 51;
    case ENOSYS: return errno1::nosys;
    case ENOTCONN: return 53;
    case ENOTDIR: return errno1::notdir;
    case ENOTEMPTY: return 55;
    case ENOTRECOVERABLE: return 56;
    case ENOTSOCK: return errno1::notsock;
    case ENOTSUP: return errno1::notsup;
    case ENOTTY: return 59;
    case ENXIO: return 60;
    case EOVERFLOW: return errno1::overflow;
    case EPERM: return 63;
    case EPIPE: return 64;
    case EPROTO: return 65;
    case ERANGE: return 68;
    case EROFS: return errno1::rofs;
    case ESPIPE: return errno1::spipe;
    case ETIMEDOUT: return 73;
    case ETXTBSY: return 74;
    case EXDEV: return 75;
    default: return errno1::io;
  }
}

Preview1Impl::Preview1Impl(std::shared_ptr<State> state) : state_(std::move(state)) {
  const WasiOptions& options = state_->options;
  int standard[3] = {options.stdin_fd, options.stdout_fd, options.stderr_fd};
  for (int i = 0; i < 3; ++i) {
    auto entry = std::make_shared<Fd>();
    entry->opened.file = state_->standard[i];
    entry->opened.flags.set(i == 0 ? DescriptorFlags::read : DescriptorFlags::write);
    (void)find_type(&entry->opened);  // unknown where there is none
    const int flags = fcntl(standard[i], F_GETFL);
    if (flags >= 0 && (flags & O_APPEND) != 0) entry->flags = fdflags1::append;
    if (entry->opened.type == FileType::Socket) entry = socket_fd(entry->opened.file, 0);  // both ways
    fds_.push_back(std::move(entry));
  }
  for (const State::Preopen& preopen : state_->preopens) {
    auto entry = std::make_shared<Fd>();
    entry->opened = opened_folder(preopen);
    entry->preopen = preopen.options;
    entry->root = preopen.file;
    fds_.push_back(std::move(entry));
  }
  for (const std::shared_ptr<File>& listener : state_->listeners) fds_.push_back(socket_fd(listener, 0));
}

std::optional<Extern> Preview1Impl::find(std::string_view module, std::string_view name) {
  if (module != "wasi_snapshot_preview1") return std::nullopt;
  std::unique_ptr<CoreHostFunction>& function = functions_[std::string(name)];
  if (function == nullptr) {
    for (const Row& row : kRows) {
      if (name != row.name) continue;
      FuncType type;
      for (const char* p = row.params; *p != '\0'; ++p)
        type.params.push_back(*p == 'i' ? ValType::i32() : ValType::i64());
      if (name != "proc_exit") type.results.push_back(ValType::i32());
      function = std::make_unique<CoreHostFunction>(
          state_->store, std::move(type), [this, method = row.method](CoreHostCall& call) { (this->*method)(call); });
      function->name = fmt::format("wasi_snapshot_preview1 {}", name);
    }
  }
  if (function == nullptr) {
    functions_.erase(functions_.find(name));
    return std::nullopt;
  }
  return function->as_extern(shared_from_this());
}

// ---- memory ----

uint8_t* Preview1Impl::memory(CoreHostCall& call, uint32_t address, uint64_t bytes, uint32_t alignment) const {
  static uint8_t nothing;
  if (bytes == 0) return &nothing;
  const char* wrong = nullptr;
  if (memory_ == nullptr) {
    wrong = "the module exports no memory `memory`";
  } else if (bytes > memory_->byte_length || address > memory_->byte_length - bytes) {
    wrong = "pointer out of bounds";
  } else if (address % alignment != 0) {
    wrong = "misaligned pointer";
  }
  if (wrong == nullptr) return memory_->base + address;
  call.trap(fmt::format("{}: {}", call.function_name(), wrong));
  return nullptr;
}

bool Preview1Impl::text(CoreHostCall& call, size_t argument, std::string* into) const {
  const uint32_t size = call.i32(argument + 1);
  const uint8_t* at = memory(call, call.i32(argument), size);
  if (at != nullptr) into->assign(reinterpret_cast<const char*>(at), size);  // NOLINT
  return at != nullptr;
}

bool Preview1Impl::vectors(CoreHostCall& call, size_t argument, std::vector<iovec>* parts) const {
  constexpr size_t kMostParts = 1024, kMostBytes = 1 << 30;
  const uint32_t count = call.i32(argument + 1);
  const uint8_t* vector = memory(call, call.i32(argument), uint64_t{count} * 8, 4);
  if (vector == nullptr) return false;
  size_t left = kMostBytes;
  for (uint32_t i = 0; i < count && parts->size() < kMostParts && left > 0; ++i, vector += 8) {
    const auto bytes = load<uint32_t>(vector + 4);
    uint8_t* at = memory(call, load<uint32_t>(vector), bytes);
    if (at == nullptr) return false;
    if (bytes == 0) continue;
    parts->push_back({at, std::min<size_t>(bytes, left)});
    left -= parts->back().iov_len;
  }
  return true;
}

static std::function<void(int64_t)> finishing(CoreHostCall& call, std::function<uint32_t(int64_t)> then) {
  return [&call, then = std::move(then)](int64_t result) {
    if (result < 0) return call.finish(errno_of(result));
    call.finish(then != nullptr ? then(result) : errno1::success);
  };
}

void Preview1Impl::in_background(CoreHostCall& call, std::function<int64_t()> work,
                                 std::function<uint32_t(int64_t)> then) {
  state_->run_blocking(std::move(work), finishing(call, std::move(then)));
}

void Preview1Impl::look_up(CoreHostCall& call, std::function<int64_t()> work, std::function<uint32_t(int64_t)> then) {
  state_->run_lookup(std::move(work), finishing(call, std::move(then)));
}

// ---- arguments and environment ----

static uint64_t bytes_of(const std::vector<std::string>& strings) {
  uint64_t bytes = 0;
  for (const std::string& string : strings) bytes += string.size() + 1;
  return bytes;
}

void Preview1Impl::store_sizes(CoreHostCall& call, const std::vector<std::string>& strings) {
  const uint64_t bytes = bytes_of(strings);
  const auto count_at = place<uint32_t>(call, 0);
  if (!count_at) return;
  const auto bytes_at = place<uint32_t>(call, 1);
  if (!bytes_at) return;
  count_at.store(static_cast<uint32_t>(strings.size()));
  bytes_at.store(static_cast<uint32_t>(bytes));
  call.finish(errno1::success);
}

void Preview1Impl::store_strings(CoreHostCall& call, const std::vector<std::string>& strings) {
  uint8_t* pointers = memory(call, call.i32(0), strings.size() * sizeof(uint32_t), alignof(uint32_t));
  if (pointers == nullptr) return;
  uint8_t* to = memory(call, call.i32(1), bytes_of(strings));
  if (to == nullptr) return;
  uint32_t address = call.i32(1);
  for (const std::string& string : strings) {
    memcpy(pointers, &address, sizeof address);
    memcpy(to, string.c_str(), string.size() + 1);
    pointers += sizeof address;
    to += string.size() + 1;
    address += static_cast<uint32_t>(string.size() + 1);
  }
  call.finish(errno1::success);
}

std::vector<std::string> Preview1Impl::environment() const {
  std::vector<std::string> entries;
  for (const auto& [name, value] : state_->environment) entries.push_back(name + "=" + value);
  return entries;
}

void Preview1Impl::args_get(CoreHostCall& call) { store_strings(call, state_->options.args); }
void Preview1Impl::args_sizes_get(CoreHostCall& call) { store_sizes(call, state_->options.args); }
void Preview1Impl::environ_get(CoreHostCall& call) { store_strings(call, environment()); }
void Preview1Impl::environ_sizes_get(CoreHostCall& call) { store_sizes(call, environment()); }

// ---- clocks, random numbers ----

static constexpr uint32_t kLastClock = 3;

static bool clock_of(uint32_t id, clockid_t* clock) {
  static constexpr clockid_t kClocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
                                          CLOCK_THREAD_CPUTIME_ID};
  if (id > kLastClock) return false;
  *clock = kClocks[id];
  return true;
}

uint64_t nanoseconds(const timespec& time) {
  if (time.tv_sec < 0) return 0;
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

void Preview1Impl::clock_res_get(CoreHostCall& call) {
  clockid_t clock{};
  timespec time{};
  if (!clock_of(call.i32(0), &clock)) return call.finish(errno1::inval);
  if (clock_getres(clock, &time) != 0) return call.finish(errno_of(errno));
  const auto result = place<uint64_t>(call, 1);
  if (!result) return;
  result.store(nanoseconds(time));
  call.finish(errno1::success);
}

void Preview1Impl::clock_time_get(CoreHostCall& call) {
  clockid_t clock{};
  timespec time{};
  if (!clock_of(call.i32(0), &clock)) return call.finish(errno1::inval);
  uint64_t now = 0;
  if (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || state_->store.choices != nullptr) {
    now = static_cast<uint64_t>(state_->now(clock == CLOCK_REALTIME ? ClockId::Realtime : ClockId::Monotonic));
  } else {
    if (clock_gettime(clock, &time) != 0) return call.finish(errno_of(errno));
    now = nanoseconds(time);
  }
  const auto result = place<uint64_t>(call, 2);
  if (!result) return;
  result.store(now);
  call.finish(errno1::success);
}

void Preview1Impl::random_get(CoreHostCall& call) {
  uint8_t* at = memory(call, call.i32(0), call.i32(1));
  if (at == nullptr) return;
  fill_random(state_->store, at, call.i32(1));
  call.finish(errno1::success);
}

// ---- waiting ----

namespace {

constexpr uint32_t kSubscriptionBytes = 48, kEventBytes = 32;
enum EventType : uint8_t { kClock = 0, kFdRead = 1, kFdWrite = 2 };
constexpr uint8_t kHangup = 1;  // of eventrwflags

constexpr uint16_t kAbsolute = 1;  // of subclockflags

struct Subscription {
  uint64_t userdata = 0;
  uint8_t type = 0;
  uint32_t error = 0;  // known at once
  std::shared_ptr<Pollable> pollable;
  std::shared_ptr<Fd> fd;
};

// Of fd_read's event: what is there to be read.
uint64_t bytes_to_read(const Fd& entry) {
  const int fd = entry.opened.file->fd;
  if (entry.opened.type == FileType::RegularFile) {  // FIONREAD has an int
    struct stat status{};
    const off_t at = lseek(fd, 0, SEEK_CUR);
    const bool known = fstat(fd, &status) == 0 && at >= 0;
    return known && status.st_size > at ? static_cast<uint64_t>(status.st_size - at) : 0;
  }
  int available = 0;
  return ioctl(fd, FIONREAD, &available) == 0 ? static_cast<unsigned>(available) : 0;
}

// Of a clock subscription. Only a point of real time is affected when that clock is set.
std::shared_ptr<Pollable> clock_pollable(State& state, uint32_t clock, uint64_t timeout, bool absolute) {
  constexpr int64_t kFar = INT64_MAX - 1;
  const int64_t base = absolute ? 0 : state.now(ClockId::Monotonic);
  const int64_t deadline = timeout > static_cast<uint64_t>(kFar - base) ? kFar : base + static_cast<int64_t>(timeout);
  return timer_pollable(state, deadline, absolute && clock == 0 ? ClockId::Realtime : ClockId::Monotonic);
}

}  // namespace

void Preview1Impl::poll_oneoff(CoreHostCall& call) {
  const uint32_t count = call.i32(2);
  if (count == 0) return call.finish(errno1::inval);
  const uint8_t* in = memory(call, call.i32(0), uint64_t{count} * kSubscriptionBytes, 8);
  if (in == nullptr) return;
  uint8_t* out = memory(call, call.i32(1), uint64_t{count} * kEventBytes, 8);
  if (out == nullptr) return;
  const auto result = place<uint32_t>(call, 3);
  if (!result) return;
  auto subscriptions = std::make_shared<std::vector<Subscription>>();
  std::vector<std::shared_ptr<Pollable>> pollables;
  for (uint32_t i = 0; i < count; ++i, in += kSubscriptionBytes) {
    Subscription s;
    s.userdata = load<uint64_t>(in);
    s.type = in[8];
    if (s.type == kClock) {
      const auto clock = load<uint32_t>(in + 16);
      const auto flags = load<uint16_t>(in + 40);
      if (clock > kLastClock || (flags & ~kAbsolute) != 0) {
        s.error = errno1::inval;
      } else if (clock > 1) {
        s.error = errno1::notsup;
      } else {
        s.pollable = clock_pollable(*state_, clock, load<uint64_t>(in + 24), flags == kAbsolute);
      }
    } else if (s.type == kFdRead || s.type == kFdWrite) {
      const bool reads = s.type == kFdRead;
      s.error = find_fd(load<uint32_t>(in + 16),
                        rights1::poll_fd_readwrite | (reads ? rights1::fd_read : rights1::fd_write), &s.fd);
      if (s.error == errno1::success) {
        const bool regular = s.fd->opened.type == FileType::RegularFile;
        s.pollable = regular ? ready_pollable() : file_pollable(*state_, s.fd->opened.file, reads ? POLLIN : POLLOUT);
      }
    } else {
      return call.finish(errno1::inval);
    }
    pollables.push_back(s.error != 0 ? ready_pollable() : s.pollable);
    subscriptions->push_back(std::move(s));
  }
  wait_for_any(*state_, std::move(pollables), [&call, subscriptions, out, result] {
    uint32_t events = 0;
    for (const Subscription& s : *subscriptions) {
      if (s.error == 0 && !s.pollable->ready()) continue;
      uint8_t* event = out + size_t{events++} * kEventBytes;
      memset(event, 0, kEventBytes);
      memcpy(event, &s.userdata, 8);
      auto error = static_cast<uint16_t>(s.error);
      memcpy(event + 8, &error, 2);
      event[10] = s.type;
      if (s.fd == nullptr) continue;
      const uint64_t bytes = s.type == kFdWrite ? 64 << 10 : bytes_to_read(*s.fd);
      memcpy(event + 16, &bytes, 8);
      pollfd hangup{s.fd->opened.file->fd, 0, 0};
      if (::poll(&hangup, 1, 0) > 0 && (hangup.revents & POLLHUP) != 0) event[24] = kHangup;
    }
    result.store(events);
    call.finish(errno1::success);
  });
}

// ---- the process ----

void Preview1Impl::proc_exit(CoreHostCall& call) { call.exit(static_cast<int>(call.i32(0))); }

void Preview1Impl::proc_raise(CoreHostCall& call) {
  enum Signal : uint32_t { kNone = 0, kPipe = 13, kChld = 16, kCont = 17, kUrg = 22, kWinch = 27, kSys = 30 };
  switch (call.i32(0)) {
    case kNone:
    case kPipe:  // these five are ignored, or let go on what goes on already
    case kChld:
    case kCont:
    case kUrg:
    case kWinch: return call.finish(errno1::success);
    default:
      if (call.i32(0) > kSys) return call.finish(errno1::inval);
      call.trap(fmt::format("the guest raised signal {}", call.i32(0)));
  }
}

void Preview1Impl::sched_yield(CoreHostCall& call) { call.finish(errno1::success); }

}  // namespace wjit::wasi

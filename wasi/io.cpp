// wasi:io/{error, poll, streams}@0.2. See wasi/io.h.
#include "wasi/io.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace wjit::wasi {

// ---- pollables ----

// Shared by the pollables that it waits for until one of them is ready.
class PollWaiter : public std::enable_shared_from_this<PollWaiter> {
 public:
  PollWaiter(State& state, std::vector<std::shared_ptr<Pollable>> pollables, std::function<void()> then)
      : state_(state), pollables_(std::move(pollables)), then_(std::move(then)) {}

  void begin() {
    for (auto& pollable : pollables_) pollable->waiters_.push_back(shared_from_this());
    for (auto& pollable : pollables_) pollable->arm();
  }

  void look() {
    if (then_ == nullptr) return;
    bool any = state_.closing();
    for (auto& pollable : pollables_) any = any || pollable->ready();
    if (!any) {
      for (auto& pollable : pollables_) pollable->arm();
      return;
    }
    for (auto& pollable : pollables_) std::erase(pollable->waiters_, shared_from_this());
    std::exchange(then_, nullptr)();
  }

 private:
  State& state_;
  std::vector<std::shared_ptr<Pollable>> pollables_;
  std::function<void()> then_;
};

Pollable::~Pollable() {
  if (operation_ != nullptr) operation_->abandon();
}

void Pollable::told(int64_t) {
  auto waiters = waiters_;
  for (auto& waiter : waiters) waiter->look();
}

bool Pollable::can_watch(State& state) {
  if (operation_ == nullptr) operation_ = std::make_shared<FileOperation>(state);
  return operation_->idle();
}

Operation::Then Pollable::telling() {
  std::weak_ptr<Object> self = weak_from_this();
  return [self = std::move(self)](int64_t result) {
    if (auto pollable = self.lock()) static_cast<Pollable&>(*pollable).told(result);
  };
}

void Pollable::watch(State& state, std::shared_ptr<File> file, uint32_t events) {
  if (!can_watch(state)) return;
  operation_->file = std::move(file);
  operation_->poll(operation_->file->fd, events, operation_, telling());
}

void Pollable::watch(State& state, ClockId clock, int64_t deadline_ns) {
  if (can_watch(state)) operation_->wait_until(clock, deadline_ns, operation_, telling());
}

void PollableList::add(const std::shared_ptr<Pollable>& pollable) {
  if (pollables_.size() >= forget_at_) {
    std::erase_if(pollables_, [](const auto& one) { return one.expired(); });
    forget_at_ = std::max<size_t>(16, 2 * pollables_.size());
  }
  pollables_.push_back(pollable);
}

void PollableList::tell() {
  auto pollables = std::exchange(pollables_, {});
  for (auto& one : pollables) {
    if (auto pollable = one.lock()) pollable->told(0);
  }
}

void wait_for_any(State& state, std::vector<std::shared_ptr<Pollable>> pollables, std::function<void()> then) {
  for (auto& pollable : pollables) pollable->refresh();
  for (auto& pollable : pollables) {
    if (pollable->ready()) return then();
  }
  std::make_shared<PollWaiter>(state, std::move(pollables), std::move(then))->begin();
}

namespace {

class TimerPollable final : public Pollable {
 public:
  TimerPollable(State& state, int64_t deadline_ns, ClockId clock)
      : state_(state), deadline_(deadline_ns), clock_(clock) {}
  bool ready() override { return state_.now(clock_) >= deadline_; }
  void arm() override { watch(state_, clock_, deadline_); }

 private:
  State& state_;
  int64_t deadline_;
  ClockId clock_;
};

class FilePollable final : public Pollable {
 public:
  FilePollable(State& state, std::shared_ptr<File> file, short events)
      : state_(state), file_(std::move(file)), events_(events) {}
  bool ready() override {
    if (file_->fd < 0 || failed_) return true;
    pollfd entry{file_->fd, events_, 0};
    return ::poll(&entry, 1, 0) != 0;
  }
  void arm() override { watch(state_, file_, static_cast<uint32_t>(events_)); }
  void told(int64_t events) override {
    failed_ = events < 0 && events != -ECANCELED;  // cannot be polled: reading tells more
    Pollable::told(events);
  }

 private:
  State& state_;
  std::shared_ptr<File> file_;
  short events_;
  bool failed_ = false;
};

class ReadyPollable final : public Pollable {
 public:
  bool ready() override { return true; }
  void arm() override {}
};

class OutputPollable final : public Pollable {
 public:
  explicit OutputPollable(std::shared_ptr<OutputStream> stream) : stream_(std::move(stream)) {}
  bool ready() override { return stream_->ready(); }
  void refresh() override { stream_->make_room(); }
  void arm() override {
    if (!std::exchange(armed_, true)) stream_->when_ready(std::static_pointer_cast<Pollable>(shared_from_this()));
  }
  void told(int64_t result) override {
    armed_ = false;
    Pollable::told(result);
  }

 private:
  std::shared_ptr<OutputStream> stream_;
  bool armed_ = false;
};

}  // namespace

std::shared_ptr<Pollable> timer_pollable(State& state, int64_t deadline_ns, ClockId clock) {
  return std::make_shared<TimerPollable>(state, deadline_ns, clock);
}

std::shared_ptr<Pollable> file_pollable(State& state, std::shared_ptr<File> file, short events) {
  return std::make_shared<FilePollable>(state, std::move(file), events);
}

std::shared_ptr<Pollable> ready_pollable() { return std::make_shared<ReadyPollable>(); }

// ---- input ----

Own<InputStream> make_input_stream(State& state, std::shared_ptr<File> file, InputKind kind, uint64_t offset) {
  return state.make<InputStream>(state, std::move(file), kind, offset);
}

void InputStream::read(void* into, size_t bytes, bool blocking, Done done) {
  if (closed_ || file_->fd < 0) return done(kClosed);
  if (bytes == 0) return done(0);
  const int64_t at = kind_ == InputKind::RegularFile ? static_cast<int64_t>(offset_) : kCurrentPosition;
  // A stream that is read without waiting is asked each time, and a blocking reader often enough gives others a turn.
  const bool only_now = kind_ == InputKind::Stream && !blocking;
  if (only_now ? state_.may_try() : state_.take_immediate()) {
    const int64_t result = file_->read_now(into, bytes, at);
    if (result != -EAGAIN) return finish_read(result, done);
    if (only_now && file_->tells_reads()) return read_after_turn(into, bytes, std::move(done));
  }
  if (only_now) {
    pollfd entry{file_->fd, POLLIN, 0};
    if (::poll(&entry, 1, 0) == 0) return done(0);
  }
  auto operation = std::make_shared<Operation>(state_);
  auto self = std::static_pointer_cast<InputStream>(shared_from_this());
  auto finish = [self, done = std::move(done)](int64_t result) { self->finish_read(result, done); };
  Operation& reading = *operation;
  if (file_->is_socket) return reading.receive(file_->fd, into, bytes, true, operation, std::move(finish));
  reading.read(file_->fd, into, bytes, at, operation, std::move(finish));
}

// Nothing is there, and the guest may ask until something is: if that is to come from the store's own operations, they
// get a turn first.
void InputStream::read_after_turn(void* into, size_t bytes, Done done) {
  if (!state_.has_operations()) return done(0);
  auto self = std::static_pointer_cast<InputStream>(shared_from_this());
  state_.next_turn([self, into, bytes, done = std::move(done)] {
    const int64_t result = self->file_->read_now(into, bytes, kCurrentPosition);
    if (result == -EAGAIN) return done(0);
    self->finish_read(result, done);
  });
}

void InputStream::finish_read(int64_t result, const Done& done) {
  if (result > 0) {
    offset_ += static_cast<uint64_t>(result);
    return done(result);
  }
  closed_ = true;
  done(result == 0 ? kClosed : result);
}

Own<Pollable> InputStream::subscribe() {
  bool ready = kind_ == InputKind::RegularFile || closed_;
  return state_.share(ready ? ready_pollable() : file_pollable(state_, file_, POLLIN));
}

// ---- output ----

Own<OutputStream> make_output_stream(State& state, std::shared_ptr<File> file, int64_t at) {
  return state.make<OutputStream>(state, std::move(file), at);
}

int OutputStream::take_error() {
  if (error_ == 0) return closed_ || ended_ ? kClosed : 0;
  closed_ = true;
  int error = std::exchange(error_, 0);
  state_.told(error);
  return error == EPIPE ? kClosed : error;
}

size_t OutputStream::room() const {
  if (flushing_ || direct_ != nullptr) return 0;
  size_t used = buffer_.size() + writing_.size() - written_;
  return used < kOutputBuffer ? kOutputBuffer - used : 0;
}

void OutputStream::write(const void* from, size_t bytes) {
  auto* begin = static_cast<const uint8_t*>(from);
  buffer_.insert(buffer_.end(), begin, begin + bytes);
  pump();
}

void OutputStream::write_through(const void* from, size_t bytes, std::function<void()> done) {
  if (error_ != 0 || closed_) return done();
  if (direct_ != nullptr || bytes == 0) {  // somebody else's call is under way: behind it
    auto* begin = static_cast<const uint8_t*>(from);
    buffer_.insert(buffer_.end(), begin, begin + bytes);
    return when_flushed(std::move(done));
  }
  if (!buffer_.empty() || !writing_.empty()) {
    auto* begin = static_cast<const uint8_t*>(from);
    buffer_.insert(buffer_.end(), begin, begin + bytes);
  } else {
    direct_ = static_cast<const uint8_t*>(from);
    direct_left_ = bytes;
  }
  when_flushed(std::move(done));
}

void OutputStream::flush() {
  flushing_ = !operation_.idle() || !buffer_.empty();
  pump();
}

void OutputStream::close(std::function<void()> then) {
  ended_ = true;
  when_flushed(std::move(then));
}

void OutputStream::when_flushed(std::function<void()> then) {
  flushed_.push_back(std::move(then));
  pump();
}

// What is to be written next; empty when nothing is left.
std::span<const uint8_t> OutputStream::next_piece() {
  if (direct_left_ > 0) return {direct_, direct_left_};
  direct_ = nullptr;
  if (written_ == writing_.size()) {
    writing_.clear();
    written_ = 0;
    std::swap(writing_, buffer_);
  }
  return {writing_.data() + written_, writing_.size() - written_};
}

// What has become of the last piece: bytes or -errno.
void OutputStream::wrote(int64_t result) {
  if (result == 0) result = -EIO;  // it would never end
  if (result < 0) {
    error_ = static_cast<int>(-result);
    if (!file_->is_socket) state_.keep_untold(error_);  // of a connection, the peer knows
    return state_.write_failed(*file_, result);
  }
  if (at_ >= 0) at_ += result;
  const auto taken = static_cast<size_t>(result);
  if (direct_ != nullptr) {
    direct_ += taken;
    direct_left_ -= taken;
  } else {
    written_ += taken;
  }
}

// Writes at once what it can, and keeps one operation under way as long as there is something left.
void OutputStream::pump() {
  if (!operation_.idle() && !waits_for_room_) return;  // the kernel has a piece
  while (error_ == 0 && !closed_) {
    const std::span<const uint8_t> piece = next_piece();
    if (piece.empty()) break;
    if (file_->fd < 0) {
      error_ = EBADF;
      break;
    }
    const bool tries = waits_for_room_ ? state_.may_try() : state_.take_immediate();
    const int64_t result = tries ? file_->write_now(piece.data(), piece.size(), at_) : -EAGAIN;
    if (result == -EAGAIN) return begin(piece);
    wrote(result);
  }
  // Nothing is left to write, or nothing can be written any more.
  if (waits_for_room_) operation_.stop();
  buffer_.clear();
  writing_.clear();
  written_ = direct_left_ = 0;
  direct_ = nullptr;
  flushing_ = false;
  auto flushed = std::exchange(flushed_, {});
  for (auto& then : flushed) then();
  tell();
}

// While it only waits for room, the bytes are still its own, and it may try again whenever the guest asks.
void OutputStream::begin(std::span<const uint8_t> piece) {
  constexpr auto kMustEnd = Operation::AtEnd::MustEnd;
  if (waits_for_room_) return;
  if (state_.may_try() && file_->tells_writes()) return wait_for_room();
  auto done = [this](int64_t result) {
    wrote(result);
    pump();
    tell();
  };
  if (file_->is_socket) {
    operation_.send(file_->fd, piece.data(), piece.size(), kMustEnd, shared_from_this(), std::move(done));
  } else {
    operation_.write(file_->fd, piece.data(), piece.size(), at_, shared_from_this(), std::move(done), kMustEnd);
  }
}

void OutputStream::wait_for_room() {
  waits_for_room_ = true;
  auto done = [this](int64_t events) {
    waits_for_room_ = false;
    // Cancelled: by pump, when nothing was left, or since the store goes.
    if (events < 0 && (events != -ECANCELED || state_.closing())) wrote(events);
    pump();
    tell();
  };
  operation_.poll(file_->fd, POLLOUT, shared_from_this(), std::move(done), Operation::AtEnd::MustEnd);
}

void OutputStream::tell() {
  auto observers = std::exchange(observers_, {});
  for (auto& observer : observers) observer();
  pollables_.tell();
}

Own<Pollable> OutputStream::subscribe() {
  return state_.share<Pollable>(
      std::make_shared<OutputPollable>(std::static_pointer_cast<OutputStream>(shared_from_this())));
}

// ---- the interfaces ----

namespace {

constexpr uint64_t kLargestRead = 128 << 10;

template <typename T>
Result<T, StreamError> failure(State& state, int64_t error, bool of_socket) {
  if (error == InputStream::kClosed) return host::error(StreamError(StreamError::index_of("closed")));
  Own<IoError> reason = state.make<IoError>(static_cast<int>(-error), of_socket);
  return host::error(StreamError(StreamError::index_of("last-operation-failed"), reason));
}

// Of an output stream: `error` is what take_error gave.
template <typename T>
Result<T, StreamError> output_failure(State& state, const OutputStream& stream, int error) {
  return failure<T>(state, error == OutputStream::kClosed ? InputStream::kClosed : -int64_t{error}, stream.is_socket());
}

using Bytes = List<uint8_t>;
using ReadResult = Result<Bytes, StreamError>;
using CountResult = Result<uint64_t, StreamError>;
using DoneResult = Result<Unit, StreamError>;

void add_input(State& state, InterfaceBuilder& streams) {
  streams.resource<InputStream>();
  for (bool blocking : {false, true}) {
    const char* prefix = blocking ? "[method]input-stream.blocking-" : "[method]input-stream.";
    streams.add_blocking<ReadResult(Borrow<InputStream>, uint64_t)>(
        std::string(prefix) + "read",
        [&state, blocking](Reply<ReadResult> reply, Borrow<InputStream> self, uint64_t length) {
          size_t bytes = std::min(length, kLargestRead);
          void* into = reply.arena().allocate(bytes + 1, 1);
          auto stream = state.get(self);
          const bool of_socket = stream->is_socket();
          stream->read(into, bytes, blocking, [&state, reply, into, of_socket](int64_t result) {
            if (result < 0) return reply(failure<Bytes>(state, result, of_socket));
            reply(host::ok(Bytes(static_cast<const uint8_t*>(into), static_cast<size_t>(result))));
          });
        });
    streams.add_blocking<CountResult(Borrow<InputStream>, uint64_t)>(
        std::string(prefix) + "skip",
        [&state, blocking](Reply<CountResult> reply, Borrow<InputStream> self, uint64_t length) {
          size_t bytes = std::min(length, kLargestRead);
          void* into = reply.arena().allocate(bytes + 1, 1);
          auto stream = state.get(self);
          const bool of_socket = stream->is_socket();
          stream->read(into, bytes, blocking, [&state, reply, of_socket](int64_t result) {
            if (result < 0) return reply(failure<uint64_t>(state, result, of_socket));
            reply(host::ok(static_cast<uint64_t>(result)));
          });
        });
  }
  streams.add<Own<Pollable>(Borrow<InputStream>)>(
      "[method]input-stream.subscribe",
      [&state](HostCall&, Borrow<InputStream> self) { return state.get(self)->subscribe(); });
}

// Answers when everything has been written.
void reply_when_flushed(State& state, std::shared_ptr<OutputStream> stream, Reply<DoneResult> reply) {
  OutputStream& out = *stream;
  out.when_flushed([&state, stream = std::move(stream), reply] {
    int error = stream->take_error();
    reply(error != 0 ? output_failure<Unit>(state, *stream, error) : DoneResult(host::ok()));
  });
}

// Moves up to `length` bytes from one stream to the other. Without room it waits for some, or not `blocking` for a
// turn, if it may_wait.
void splice(State& state, Reply<CountResult> reply, std::shared_ptr<OutputStream> to, std::shared_ptr<InputStream> from,
            uint64_t length, bool blocking, bool may_wait) {
  if (int error = to->take_error(); error != 0) return reply(output_failure<uint64_t>(state, *to, error));
  to->make_room();
  size_t bytes = std::min<uint64_t>(length, to->room());
  if (bytes == 0 && length > 0 && may_wait) {
    OutputStream& out = *to;
    auto again = [&state, reply, to, from, length, blocking] {
      if (state.closing()) return reply(host::ok(uint64_t{0}));
      splice(state, reply, to, from, length, blocking, blocking);
    };
    if (!blocking) return state.next_turn(std::move(again));
    return out.when_ready(std::move(again));
  }
  void* buffer = reply.arena().allocate(bytes + 1, 1);
  const bool of_socket = from->is_socket();
  from->read(buffer, bytes, blocking, [&state, reply, to, buffer, of_socket](int64_t result) {
    if (result < 0) return reply(failure<uint64_t>(state, result, of_socket));
    to->write(buffer, static_cast<size_t>(result));
    reply(host::ok(static_cast<uint64_t>(result)));
  });
}

void add_output(State& state, InterfaceBuilder& streams) {
  using Self = Borrow<OutputStream>;
  streams.resource<OutputStream>();
  streams.add_blocking<CountResult(Self)>("[method]output-stream.check-write",
                                          [&state](Reply<CountResult> reply, Self self) {
                                            auto stream = state.get(self);
                                            OutputStream& out = *stream;
                                            const bool all_written = out.make_room();
                                            auto answer = [&state, reply, stream = std::move(stream)] {
                                              if (int error = stream->take_error(); error != 0)
                                                return reply(output_failure<uint64_t>(state, *stream, error));
                                              reply(host::ok(uint64_t{stream->permit()}));
                                            };
                                            all_written ? answer() : state.next_turn(std::move(answer));
                                          });
  auto write = [&state](HostCall& call, Self self, const void* from, uint64_t bytes) -> DoneResult {
    auto stream = state.get(self);
    if (int error = stream->take_error(); error != 0) return output_failure<Unit>(state, *stream, error);
    if (!stream->use_permit(bytes)) {
      call.trap(fmt::format("output-stream: {} bytes written, more than check-write permitted", bytes));
      return {};
    }
    if (from != nullptr) {
      stream->write(from, bytes);
    } else {
      std::vector<uint8_t> zeroes(bytes);
      stream->write(zeroes.data(), bytes);
    }
    return host::ok();
  };
  streams.add<DoneResult(Self, Bytes)>(
      "[method]output-stream.write", [write](HostCall& call, Self self, Bytes contents) {
        static const uint8_t kNothing = 0;
        return write(call, self, contents.size > 0 ? contents.data : &kNothing, contents.size);
      });
  streams.add<DoneResult(Self, uint64_t)>(
      "[method]output-stream.write-zeroes",
      [write](HostCall& call, Self self, uint64_t n) { return write(call, self, nullptr, n); });
  // `memory`: makes what stays valid until the reply.
  auto write_through = [&state](Reply<DoneResult> reply, Self self, uint64_t bytes, auto memory) {
    constexpr uint64_t kMost = 4096;  // the interface's limit
    if (bytes > kMost) {
      return reply.call->trap(fmt::format("output-stream: a blocking write of {} bytes, more than {}", bytes, kMost));
    }
    auto stream = state.get(self);
    OutputStream& out = *stream;
    out.write_through(memory(), bytes, [&state, stream, reply] {
      int error = stream->take_error();
      reply(error != 0 ? output_failure<Unit>(state, *stream, error) : DoneResult(host::ok()));
    });
  };
  streams.add_blocking<DoneResult(Self, Bytes)>(
      "[method]output-stream.blocking-write-and-flush",
      [write_through](Reply<DoneResult> reply, Self self, Bytes contents) {
        // A sync-lowered call waits, and the bytes with it; an async-lowered one may reuse them at once.
        write_through(reply, self, contents.size, [&] {
          const bool waits = !reply.call->adapter->spec->lower.is_async();
          return waits ? contents.data : host::make_list<uint8_t>(reply.arena(), {contents.data, contents.size}).data;
        });
      });
  streams.add_blocking<DoneResult(Self, uint64_t)>(
      "[method]output-stream.blocking-write-zeroes-and-flush",
      [write_through](Reply<DoneResult> reply, Self self, uint64_t length) {
        write_through(reply, self, length, [&] { return reply.arena().allocate(length + 1, 1); });
      });
  streams.add<DoneResult(Self)>("[method]output-stream.flush", [&state](HostCall&, Self self) -> DoneResult {
    auto stream = state.get(self);
    if (int error = stream->take_error(); error != 0) return output_failure<Unit>(state, *stream, error);
    stream->flush();
    return host::ok();
  });
  streams.add_blocking<DoneResult(Self)>(
      "[method]output-stream.blocking-flush",
      [&state](Reply<DoneResult> reply, Self self) { reply_when_flushed(state, state.get(self), reply); });
  streams.add<Own<Pollable>(Self)>("[method]output-stream.subscribe",
                                   [&state](HostCall&, Self self) { return state.get(self)->subscribe(); });
  for (bool blocking : {false, true}) {
    streams.add_blocking<CountResult(Self, Borrow<InputStream>, uint64_t)>(
        blocking ? "[method]output-stream.blocking-splice" : "[method]output-stream.splice",
        [&state, blocking](Reply<CountResult> reply, Self self, Borrow<InputStream> from, uint64_t length) {
          splice(state, reply, state.get(self), state.get(from), length, blocking, true);
        });
  }
}

}  // namespace

void add_io(State& state, HostInterfaces& interfaces) {
  InterfaceBuilder error("wasi:io/error@0.2.12", state.resources);
  error.resource<IoError>();
  error.add<String(Borrow<IoError>)>("[method]error.to-debug-string", [&state](HostCall& call, Borrow<IoError> self) {
    return String(call.arena->copy(strerror(state.get(self)->number)));
  });
  interfaces.add(error.finish());

  InterfaceBuilder poll("wasi:io/poll@0.2.12", state.resources);
  poll.resource<Pollable>();
  poll.add_blocking<bool(Borrow<Pollable>)>(
      "[method]pollable.ready", [&state](Reply<bool> reply, Borrow<Pollable> self) {
        auto pollable = state.get(self);
        pollable->refresh();
        if (pollable->ready()) return reply(true);
        state.next_turn([reply, pollable = std::move(pollable)] { reply(pollable->ready()); });
      });
  poll.add_blocking<void(Borrow<Pollable>)>("[method]pollable.block",
                                            [&state](Reply<void> reply, Borrow<Pollable> self) {
                                              wait_for_any(state, {state.get(self)}, [reply] { reply(); });
                                            });
  poll.add_blocking<List<uint32_t>(List<Borrow<Pollable>>)>(
      "poll", [&state](Reply<List<uint32_t>> reply, List<Borrow<Pollable>> in) {
        if (in.size == 0) return reply.call->trap("poll: the list of pollables is empty");
        std::vector<std::shared_ptr<Pollable>> pollables;
        for (Borrow<Pollable> pollable : in) pollables.push_back(state.get(pollable));
        auto answer = [reply, pollables] {
          std::vector<uint32_t> ready;
          for (uint32_t i = 0; i < pollables.size(); ++i) {
            if (pollables[i]->ready()) ready.push_back(i);
          }
          reply(host::make_list<uint32_t>(reply.arena(), ready));
        };
        wait_for_any(state, pollables, std::move(answer));
      });
  interfaces.add(poll.finish());

  InterfaceBuilder streams("wasi:io/streams@0.2.12", state.resources);
  add_input(state, streams);
  add_output(state, streams);
  interfaces.add(streams.finish());
}

}  // namespace wjit::wasi

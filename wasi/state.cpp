// The shared state of a store's host interfaces, and WasiHost. See wasi/state.h, wasi/wasi.h.
#include "wasi/state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/utf8.h"
#include "jit/trap.h"
#include "wasi/files.h"
#include "wasi/socket.h"

extern char** environ;

namespace wjit::wasi {

// ---- objects ----

uint32_t ObjectTable::add(std::shared_ptr<Object> object) {
  if (free_.empty()) {
    objects_.push_back(std::move(object));
    return static_cast<uint32_t>(objects_.size() - 1);
  }
  uint32_t rep = free_.back();
  free_.pop_back();
  objects_[rep] = std::move(object);
  return rep;
}

void ObjectTable::drop(uint32_t rep) {
  CHECK(rep < objects_.size() && objects_[rep] != nullptr);
  std::shared_ptr<Object> object = std::move(objects_[rep]);  // its destructor may drop others
  objects_[rep] = nullptr;
  free_.push_back(rep);
}

// ---- operations ----

Operation::Operation(State& state) : Timer(&on_done, &state.store), state_(state) {}

Operation::~Operation() { CHECK(idle()); }

bool Operation::begin(std::shared_ptr<void> owner, Then then, AtEnd at_end) {
  CHECK(idle());
  owner_ = std::move(owner);
  then_ = std::move(then);
  at_end_ = at_end;
  state_.operations_.push_back(this);
  if (static_cast<int>(at_end) > state_.ended_) return true;
  begin_external(this);
  finish_external(this, -ECANCELED);
  return false;
}

void Operation::read(int file, void* into, size_t bytes, int64_t at, std::shared_ptr<void> owner, Then then) {
  if (begin(std::move(owner), std::move(then), AtEnd::Stops)) io_read(this, file, into, bytes, at);
}

void Operation::write(int file, const void* from, size_t bytes, int64_t at, std::shared_ptr<void> owner, Then then,
                      AtEnd at_end) {
  if (begin(std::move(owner), std::move(then), at_end)) io_write(this, file, from, bytes, at);
}

void Operation::poll(int file, uint32_t events, std::shared_ptr<void> owner, Then then, AtEnd at_end) {
  if (begin(std::move(owner), std::move(then), at_end)) io_poll(this, file, events);
}

void Operation::receive(int socket, void* into, size_t bytes, bool wait_first, std::shared_ptr<void> owner, Then then) {
  if (begin(std::move(owner), std::move(then), AtEnd::Stops)) io_receive(this, socket, into, bytes, wait_first);
}

void Operation::send(int socket, const void* from, size_t bytes, AtEnd at_end, std::shared_ptr<void> owner, Then then) {
  if (begin(std::move(owner), std::move(then), at_end)) io_send(this, socket, from, bytes);
}

void Operation::accept(int socket, std::shared_ptr<void> owner, Then then) {
  if (begin(std::move(owner), std::move(then), AtEnd::Stops)) io_accept(this, socket);
}

void Operation::connect(int socket, const sockaddr* address, socklen_t size, std::shared_ptr<void> owner, Then then) {
  if (begin(std::move(owner), std::move(then), AtEnd::Stops)) io_connect(this, socket, address, size);
}

void Operation::wait_until(ClockId which, int64_t deadline_ns, std::shared_ptr<void> owner, Then then) {
  if (begin(std::move(owner), std::move(then), AtEnd::Stops)) timer_start(this, which, deadline_ns);
}

void Operation::stop() {
  if (!idle()) cancel(this);
}

void Operation::on_done(Completion* completion, int64_t value) {
  auto* self = static_cast<Operation*>(completion);
  self->state_.operations_.remove(self);
  self->state_.immediate_left_ = State::kImmediates;
  // `then` may start the operation again, or let go of its owner, this object included.
  std::shared_ptr<void> owner = std::move(self->owner_);
  Then then = std::move(self->then_);
  then(value);
}

void FileOperation::abandon() {
  // The file may be closed before the operation's end has come: ~File sees to it that the kernel and the backend have
  // done with the number by then. Where another worker has the operation, it does that later, and the file stays open
  // until the end.
  if (cancel(this)) file.reset();
}

// ---- state ----

State::State(Store& store_, WasiOptions options_)
    : store(store_),
      options(std::move(options_)),
      resources([this](uint32_t rep) { objects.drop(rep); }),
      network(*this, options.network),
      standard{standard_file(options.stdin_fd), standard_file(options.stdout_fd), standard_file(options.stderr_fd)} {
  auto set = [&](std::string name, std::string value) {
    for (auto& [old_name, old_value] : environment) {
      if (old_name == name) {
        old_value = std::move(value);
        return;
      }
    }
    environment.emplace_back(std::move(name), std::move(value));
  };
  if (options.inherit_env) {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
      char* equals = strchr(*entry, '=');
      if (equals != nullptr && is_utf8(*entry)) set(std::string(*entry, equals), equals + 1);
    }
  }
  for (const auto& [name, value] : options.env) set(name, value);
}

State::~State() = default;

void State::end(Operation::AtEnd last) {
  closing_ = true;
  ended_ = std::max(ended_, static_cast<int>(last));
  std::vector<Operation*> pending;
  for (Operation* o = operations_.front(); o != nullptr; o = o->list_next) {
    if (static_cast<int>(o->at_end_) <= ended_) pending.push_back(o);
  }
  for (Operation* o : pending) cancel(o);
}

uint8_t* State::datagram_memory(size_t bytes) {
  if (datagrams_ == nullptr) datagrams_ = std::make_unique_for_overwrite<uint8_t[]>(bytes);
  return datagrams_.get();
}

bool State::is_writing() const {
  for (Operation* o = operations_.front(); o != nullptr; o = o->list_next) {
    if (o->at_end_ != Operation::AtEnd::Stops) return true;
  }
  return false;
}

void State::write_failed(const File& file, int64_t error) {
  const bool broken = error == -EPIPE && &file == standard[1].get() && options.broken_stdout_status.has_value();
  if (broken && !closing_ && !store.locked_down()) raise_exit(&store.context(), *options.broken_stdout_status);
}

void State::run_blocking(std::function<int64_t()> work, std::function<void(int64_t)> then) {
  wjit::run_blocking(store, std::move(work), std::move(then));
}

void State::run_lookup(std::function<int64_t()> work, std::function<void(int64_t)> then) {
  if (store.choices == nullptr) {  // with a seed every operation has its turn
    if (int64_t result = try_cached(work); result != -EAGAIN) return then(result);
  }
  run_blocking(std::move(work), std::move(then));
}

}  // namespace wjit::wasi

namespace wjit {

WasiHost::WasiHost(std::shared_ptr<wasi::State> state) : state_(std::move(state)) {}
WasiHost::~WasiHost() = default;

bool WasiHost::is_writing() const { return state_->is_writing(); }
int WasiHost::untold_error() const { return state_->untold_error(); }
void WasiHost::end(bool by_exit) {
  state_->end(by_exit ? wasi::Operation::AtEnd::MayStop : wasi::Operation::AtEnd::Stops);
}

Result<std::unique_ptr<WasiHost>> WasiHost::create(Store& store, WasiOptions options) {
  auto state = std::make_shared<wasi::State>(store, std::move(options));
  for (const WasiPreopen& preopen : state->options.preopens) {
    int fd = open(preopen.host_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail("cannot open folder {} for the guest: {}", preopen.host_path, strerror(errno));
    state->preopens.push_back({std::make_shared<wasi::File>(fd, true), &preopen});
  }
  for (const SocketAddress& address : state->options.listen) {
    int error = 0;
    auto listener = wasi::open_socket(address.family(), SOCK_STREAM, &error);
    if (listener == nullptr || bind(listener->fd, &address.any, address.size()) < 0 ||
        listen(listener->fd, SOMAXCONN) < 0) {
      return fail("cannot listen at {}: {}", address.to_string(), strerror(error != 0 ? error : errno));
    }
    state->listeners.push_back(std::move(listener));
  }
  store.attach(state);
  return std::unique_ptr<WasiHost>(new WasiHost(std::move(state)));
}

void WasiHost::add_to(HostInterfaces& interfaces) {
  wasi::add_cli(*state_, interfaces);
  wasi::add_clocks(*state_, interfaces);
  wasi::add_random(*state_, interfaces);
  wasi::add_io(*state_, interfaces);
  wasi::add_filesystem(*state_, interfaces);
  wasi::add_sockets_0_2(*state_, interfaces);
  wasi::add_sockets_0_3(*state_, interfaces);
}

}  // namespace wjit

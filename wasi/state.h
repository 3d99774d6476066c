// What the host interfaces of one store share: options, resources by number, and the operations that are under way.
// Each interface family is one file with an `add_…(State&, HostInterfaces&)` function that WasiHost::add_to calls.
//
// Handlers keep a raw State*: the store owns the State and outlives every handler. Strand only.
// Tests: test/unit/wasi_streams_test.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "abi/host_types.h"
#include "abi/linker.h"
#include "abi/store.h"
#include "base/check.h"
#include "base/intrusive_list.h"
#include "base/pool.h"
#include "scheduler/io.h"
#include "scheduler/timer.h"
#include "wasi/file.h"
#include "wasi/network.h"
#include "wasi/wasi.h"

namespace wjit::wasi {

using host::Borrow;
using host::Future;
using host::InterfaceBuilder;
using host::List;
using host::Option;
using host::Own;
using host::Reply;
using host::Result;
using host::Stream;
using host::String;
using host::Tuple;
using host::Unit;

class State;

// Everything that guests hold handles of. Shared, so that an operation keeps what it works on alive when the guest
// drops its handle meanwhile.
class Object : public std::enable_shared_from_this<Object> {
 public:
  virtual ~Object() = default;
};

// Objects by the numbers that are the resources' reps; freed numbers are reused.
class ObjectTable {
 public:
  uint32_t add(std::shared_ptr<Object> object);
  void drop(uint32_t rep);
  size_t live() const { return objects_.size() - free_.size(); }
  // The linker has made sure that a number of R comes only where R is meant.
  template <typename R>
  std::shared_ptr<R> get(uint32_t rep) const {
    CHECK(rep < objects_.size() && objects_[rep] != nullptr);
    std::shared_ptr<R> object = std::dynamic_pointer_cast<R>(objects_[rep]);
    CHECK(object != nullptr);
    return object;
  }

 private:
  std::vector<std::shared_ptr<Object>> objects_;
  std::vector<uint32_t> free_;
};

// One operation at a time of whoever embeds it: a read, a write, a poll or a timer, and what to do when it ends. While
// it is under way it stands in the State's list and keeps `owner` alive. Idle again before `then` runs.
class Operation : public Timer {
 public:
  using Then = std::function<void(int64_t result)>;

  explicit Operation(State& state);
  ~Operation();

  // What becomes of it when the guest ends before it does.
  enum class AtEnd : uint8_t {
    Stops,    // nobody wants what it brings
    MayStop,  // a write that the guest waits for: goes on, unless the guest has called exit
    MustEnd,  // bytes that the guest was told are written
  };

  // Each requires idle(). `owner` may be null where something else keeps the operation alive until it ends.
  void read(int file, void* into, size_t bytes, int64_t at, std::shared_ptr<void> owner, Then then);
  void write(int file, const void* from, size_t bytes, int64_t at, std::shared_ptr<void> owner, Then then,
             AtEnd at_end = AtEnd::MayStop);
  void poll(int file, uint32_t events, std::shared_ptr<void> owner, Then then, AtEnd at_end = AtEnd::Stops);
  void receive(int socket, void* into, size_t bytes, bool wait_first, std::shared_ptr<void> owner, Then then);
  void send(int socket, const void* from, size_t bytes, AtEnd at_end, std::shared_ptr<void> owner, Then then);
  void accept(int socket, std::shared_ptr<void> owner, Then then);
  void connect(int socket, const sockaddr* address, socklen_t size, std::shared_ptr<void> owner, Then then);
  void wait_until(ClockId which, int64_t deadline_ns, std::shared_ptr<void> owner, Then then);
  // `then` still comes, with -ECANCELED or the real result.
  void stop();

  Operation* list_prev = nullptr;
  Operation* list_next = nullptr;

 private:
  // False if the guest has ended: then the operation ends with -ECANCELED at the strand's next turn.
  bool begin(std::shared_ptr<void> owner, Then then, AtEnd at_end);
  static void on_done(Completion* completion, int64_t value);
  State& state_;
  std::shared_ptr<void> owner_;
  Then then_;
  AtEnd at_end_ = AtEnd::Stops;
  friend class State;
};

// An operation whose end nobody may be interested in any more: a poll that another one was quicker than, a connect. It
// is its own owner.
struct FileOperation : Operation {
  using Operation::Operation;
  std::shared_ptr<File> file;
  // Stops it, and lets go of the file.
  void abandon();
};

// A guest's wait for a time (wasi/clocks.cpp): there may be a million of them.
struct ClockWait final : Operation {
  explicit ClockWait(State& s) : Operation(s), state(s) {}
  State& state;
  bool cancelled = false;
};

class State final : public StoreAttachment, public std::enable_shared_from_this<State> {
 public:
  State(Store& store, WasiOptions options);
  ~State() override;

  // The store goes: everything ends.
  void cancel_operations() override { end(Operation::AtEnd::MustEnd); }
  // The guest has ended: nothing begins any more but what must end, and what is under way up to `last` stops.
  void end(Operation::AtEnd last);
  bool closing() const { return closing_; }
  // Nanoseconds of the clock that the guests see. On the strand.
  int64_t now(ClockId clock) { return store.scheduler().now(clock); }
  bool is_writing() const;
  bool has_operations() const { return !operations_.empty(); }

  template <typename R, typename... Args>
  Own<R> make(Args&&... args) {
    return {objects.add(std::make_shared<R>(std::forward<Args>(args)...))};
  }
  template <typename R>
  Own<R> share(std::shared_ptr<R> object) {
    return {objects.add(std::move(object))};
  }
  template <typename R>
  std::shared_ptr<R> get(Borrow<R> handle) const {
    return objects.get<R>(handle.rep);
  }

  // A write of an old interface has failed so: a broken stdout may end the guest.
  void write_failed(const File& file, int64_t error);
  // Errors of bytes that the guest was told are written, until it hears of them. 0: none.
  void keep_untold(int error) { untold_error_ = error; }
  void told(int error) { untold_error_ = untold_error_ == error ? 0 : untold_error_; }
  int untold_error() const { return untold_error_; }
  // Blocking work on a helper thread; `then` runs on the strand. What `work` touches must not be the strand's.
  void run_blocking(std::function<int64_t()> work, std::function<void(int64_t)> then);
  // The same for work that only looks at paths (try_cached in wasi/files.h): done at once where nothing has to be
  // waited for. `then` may run before this returns.
  void run_lookup(std::function<int64_t()> work, std::function<void(int64_t)> then);

  Store& store;
  WasiOptions options;
  std::vector<std::pair<std::string, std::string>> environment;  // options.env and what was inherited
  ObjectTable objects;
  host::ResourceTypes resources;
  NetworkAccess network;
  Pool<ClockWait> clock_waits;
  // Where datagrams are received to before they are copied to the guest: `bytes` of memory, the same at every call.
  uint8_t* datagram_memory(size_t bytes);
  // Whether an operation may be done at once without the scheduler. False after some in a row: then what else waits
  // gets its turn, and calls that lead to each other come to an end.
  bool take_immediate() { return may_try() && immediate_left_ != 0 && immediate_left_-- != 0; }
  // Not with a seed, where the scheduler makes every transfer, nor with a trace, which shows them.
  bool may_try() const { return store.choices == nullptr && store.tracer == nullptr; }
  // Calls `then` in the strand's next turn, before which operations have been looked at: for guests that ask again and
  // again and never wait.
  void next_turn(std::function<void()> then) { wjit::next_turn(store, std::move(then)); }
  struct Preopen {
    std::shared_ptr<File> file;
    const WasiPreopen* options;
  };
  std::vector<Preopen> preopens;
  // stdin, stdout, stderr: the process's descriptors, but a terminal's is one of its own, so that using it cannot wait.
  std::shared_ptr<File> standard[3];
  std::vector<std::shared_ptr<File>> listeners;  // of WasiOptions::listen

 private:
  friend class Operation;
  IntrusiveList<Operation, &Operation::list_prev, &Operation::list_next> operations_;
  bool closing_ = false;
  int untold_error_ = 0;
  int ended_ = -1;  // operations up to this AtEnd stop and do not begin
  static constexpr uint32_t kImmediates = 32;
  uint32_t immediate_left_ = kImmediates;
  std::unique_ptr<uint8_t[]> datagrams_;
};

// Fills memory from getrandom(2), or from the store's seed if it has one. wasi/random.cpp.
void fill_random(Store& store, void* memory, size_t bytes);

// One for each interface family.
void add_cli(State& state, HostInterfaces& interfaces);          // wasi/cli.cpp
void add_clocks(State& state, HostInterfaces& interfaces);       // wasi/clocks.cpp
void add_random(State& state, HostInterfaces& interfaces);       // wasi/random.cpp
void add_io(State& state, HostInterfaces& interfaces);           // wasi/io.cpp
void add_filesystem(State& state, HostInterfaces& interfaces);   // wasi/filesystem.cpp
void add_sockets_0_2(State& state, HostInterfaces& interfaces);  // wasi/sockets_0_2.cpp
void add_sockets_0_3(State& state, HostInterfaces& interfaces);  // wasi/sockets_0_3.cpp

}  // namespace wjit::wasi

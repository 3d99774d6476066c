// WASI for one store: the host interfaces of WASI 0.3.0 and 0.2.x that components import, with one state
// behind both.
//
//   WasiOptions options;
//   options.args = {"hello.wasm", "one"};
//   auto wasi = WasiHost::create(store, std::move(options));        // opens the preopened folders
//   HostInterfaces interfaces;
//   (*wasi)->add_to(interfaces);
//   instantiate(store, component, import_from_host(store, interfaces), "main");
//
// Nothing blocks a worker: reads, writes and timers are completions of the store's strand, paths are looked at on
// helper threads. A core module's `wasi_snapshot_preview1` is wasi/preview1.h, made from the same WasiHost.
// Tests: test/unit/wasi_link_test.cpp and its neighbours.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abi/linker.h"
#include "abi/store.h"
#include "base/error.h"
#include "wasi/network_rules.h"

namespace wjit {

struct WasiPreopen {
  std::string host_path;
  std::string guest_path;  // as the guest sees it: "/", ".", "data"
  bool read_only = false;
};

struct WasiOptions {
  std::vector<std::string> args;                         // args[0]: the program's name
  std::vector<std::pair<std::string, std::string>> env;  // later entries win over earlier ones of the same name
  bool inherit_env = false;                // the process's environment comes first (what of it is UTF-8), then `env`
  std::optional<std::string> initial_cwd;  // what environment.get-initial-cwd answers
  std::vector<WasiPreopen> preopens;
  NetworkRules network;               // what is not named there is refused
  std::vector<SocketAddress> listen;  // TCP sockets that preview1 guests get, listening, after the preopened folders
  // Borrowed: never closed, and not made non-blocking. -1: nothing there (reads end at once, writes fail).
  int stdin_fd = 0;
  int stdout_fd = 1;
  int stderr_fd = 2;
  // Set: a guest that writes to stdout by way of 0.2 or preview1, where a filter knows nothing but to go on, ends with
  // this status when nobody reads that any more. 0.3's writers are told.
  std::optional<int> broken_stdout_status;
};

namespace wasi {
class State;
}

// Any number of HostInterfaces may be filled from one WasiHost. Its state is attached to the store and lives as long as
// that, so a WasiHost may be destroyed before or after its store. Used on the strand, or while no run() is under way.
class WasiHost {
 public:
  // Fails when a folder cannot be opened or an address not be listened at; the error names it.
  static Result<std::unique_ptr<WasiHost>> create(Store& store, WasiOptions options);
  ~WasiHost();
  WasiHost(const WasiHost&) = delete;
  WasiHost& operator=(const WasiHost&) = delete;

  // wasi:cli, clocks, random, filesystem and sockets at 0.3.0; those and io at 0.2.12.
  void add_to(HostInterfaces& interfaces);

  // Bytes that the guest has handed over are still on their way: who wants them to arrive goes on running the scheduler
  // until this is false. (A store's destructor does not.)
  bool is_writing() const;
  // The errno of a write that failed so though the guest was told that the bytes are written, and that it did not hear of;
  // 0: none.
  int untold_error() const;
  // The guest has ended: no more is read for it, nor moved from one of the host's streams to another. by_exit: it has
  // called exit, and does not wait for its own writes either. What it was told is written stays under way.
  void end(bool by_exit);

  wasi::State& state() { return *state_; }

 private:
  explicit WasiHost(std::shared_ptr<wasi::State> state);
  std::shared_ptr<wasi::State> state_;
};

}  // namespace wjit

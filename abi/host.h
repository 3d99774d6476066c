// Host functions: how C++ provides the functions that components import. A host function gets its parameters as a tuple
// in host layout (the canonical ABI's memory layout with base address 0 and 8-byte pointers) and fills its results
// likewise. It never blocks: it finishes, or keeps the HostCall and finishes later on the strand; then the guest's
// fiber is parked (sync lower) or has got a subtask (async lower).
//
// The typed layer over this (C++ types -> component types, checked against the import) is abi/host_types.h.
// Tests: test/unit/host_types_test.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "abi/adapter.h"

namespace wjit {

class Store;
struct HostCall;
struct HostCaller;
struct Subtask;
struct Thread;

// Memory of one call: freed with it.
class HostArena {
 public:
  // Zeroed; alignment a power of two <= 16.
  void* allocate(size_t bytes, size_t alignment);
  std::string_view copy(std::string_view text);
  ~HostArena();
  HostArena() = default;
  HostArena(const HostArena&) = delete;
  HostArena& operator=(const HostArena&) = delete;

 private:
  struct Chunk;
  Chunk* chunks_ = nullptr;
  char* at_ = nullptr;
  size_t left_ = 0;
};

struct HostFunction {
  std::string name;  // "wasi:cli/stdout@0.3.0 write-via-stream"
  // Checks the import's function type when linking: an empty string, or what does not fit.
  std::function<std::string(const ComponentTypes&, TypeId func)> check;
  // The resource type of each own and borrow handle in the function type, in depth-first order (parameters, then
  // result; elements of streams and futures included), every occurrence: the linker compares what the import's are
  // bound to.
  std::vector<ResourceType*> handle_types;
  // Runs on the strand, on the worker's stack. Must end in call.finish(), call.trap(), call.exit(), or keep the call.
  std::function<void(HostCall& call)> invoke;
};

// A call of a host function. If `invoke` returns without having finished it, the call goes on: `params` are no longer
// valid then (copy what is needed), `results` are, and finish() must come later, on the strand. Freed by the run time.
struct HostCall {
  Store* store = nullptr;
  AdapterContext* adapter = nullptr;
  const HostFunction* function = nullptr;
  void* params = nullptr;      // tuple in host layout
  void* results = nullptr;     // tuple in host layout (one element), zeroed
  HostArena* arena = nullptr;  // for what `results` point to; null where there are none
  // When the caller cancels a call that goes on: the function should finish soon (cancelled() or finish()). May be
  // empty: then cancellation waits for the end. Called once at most, and not once the call has finished.
  std::function<void()> on_cancel;

  void finish();     // results are there
  void cancelled();  // answer to on_cancel: no results
  void trap(std::string message);
  void exit(int status);  // ends the store: wasi:cli/exit
  bool finished() const { return state_ != State::Running; }

 private:
  friend struct HostCallAccess;
  enum class State : uint8_t { Running, Finished, Cancelled, Trapped } state_ = State::Running;
  bool inside_invoke_ = false;
  bool waits_in_place_ = false;
  Subtask* subtask_ = nullptr;         // async lower
  Thread* thread_ = nullptr;           // sync lower: the parked thread
  HostCaller* host_caller_ = nullptr;  // the host calls: owned
  // Sync lower: on the guest's stack; async: heap_call_, null if nothing is left to do with it; the host's: its own.
  Call* guest_call_ = nullptr;
  std::unique_ptr<Call> heap_call_;
};

// The host calls one of its own functions, which a component exports as it came in, or starts with: `caller` is told of
// the result. On the strand; `adapter` is the function's host_adapter.
void call_host_function(AdapterContext& adapter, std::unique_ptr<HostCaller> caller);

}  // namespace wjit

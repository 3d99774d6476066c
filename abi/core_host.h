// Host functions for core modules: C++ functions that a core module imports directly (preview1; embedders). Emitted
// code calls `wjit_stub_core_host` with the function's record as context; the stub stores the argument registers and
// goes to the worker's stack, where `invoke` runs. It sets the result and returns, traps, or keeps the call: then the
// thread is parked until finish().
//
//   auto add = [](CoreHostCall& call) { call.finish(call.i32(0) + call.i32(1)); };
//   CoreHostFunction f(store, FuncType{{ValType::i32(), ValType::i32()}, {ValType::i32()}}, add);
//   Extern import = f.as_extern(owner);
//
// Up to kIntegerParams integer and kVectorParams float parameters, and the argument area for more; at most one result.
// Used on the store's strand. Tests: test/unit/core_host_test.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "abi/store.h"
#include "ir/signature.h"
#include "jit/instance.h"

namespace wjit {

struct CoreHostFunction;

// One call. Freed by the run time once it is finished; a call that `invoke` left unfinished lives until finish().
class CoreHostCall {
 public:
  Store& store() const { return *store_; }
  const std::string& function_name() const { return *name_; }
  size_t arity() const { return args_.size(); }
  uint64_t word(size_t index) const { return args_[index]; }  // any parameter, as 64 bits
  uint32_t i32(size_t index) const { return static_cast<uint32_t>(args_[index]); }
  uint64_t i64(size_t index) const { return args_[index]; }

  void finish(uint64_t result = 0);  // exactly once; the result's bits (floats too)
  void trap(std::string message);
  void exit(int status);

 private:
  friend struct CoreHostAccess;
  Store* store_ = nullptr;
  const std::string* name_ = nullptr;
  Thread* thread_ = nullptr;  // parked
  std::vector<uint64_t> args_;
  uint64_t result_ = 0;
  bool finished_ = false, trapped_ = false, inside_invoke_ = false;
};

struct CoreHostFunction {
  StoreContext* context = nullptr;  // offset 0: the stub reads it
  FuncType type;
  CallShape shape;
  std::function<void(CoreHostCall&)> invoke;
  FuncRef ref;
  std::string name;

  CoreHostFunction(Store& store, FuncType function_type, std::function<void(CoreHostCall&)> function);
  CoreHostFunction(const CoreHostFunction&) = delete;
  CoreHostFunction& operator=(const CoreHostFunction&) = delete;
  // `owner` keeps this function alive as long as somebody imports it.
  Extern as_extern(std::shared_ptr<void> owner);
};

// Runs a core function (`_start`, a start function, any export) as a thread of its own, which host functions may park.
// Arguments and results are words as for Store::call_core. `done` is called on the strand when it has returned; not at
// all after a trap or exit (the store has the record then). On the strand (Store::enqueue), for what it calls may start
// operations; it runs at once, up to the first wait.
void run_core_function(Store& store, FuncRef* function, FuncType type, std::vector<uint64_t> args,
                       std::function<void(std::vector<uint64_t> results)> done);
// One without parameters and results.
void run_core_function(Store& store, FuncRef* function, std::function<void()> done);

}  // namespace wjit

// Host functions of core modules, and threads that run core functions. See abi/core_host.h.
#include "abi/core_host.h"

#include <cstring>

#include "abi/call.h"
#include "base/check.h"
#include "frontend/type_registry.h"

extern "C" void wjit_stub_core_host();

namespace wjit {

static_assert(offsetof(CoreHostFunction, context) == 0);

// The run time's part of a CoreHostCall.
struct CoreHostAccess {
  static uint64_t begin(CoreHostFunction& function, const RegisterArgs& registers) {
    Store& store = Store::of(function.context);
    auto* call = new CoreHostCall;
    call->store_ = &store;
    call->name_ = &function.name;
    for (const ValueLocation& where : function.shape.params) {
      uint64_t word = 0;
      switch (where.where) {
        case ValueLocation::Where::Integer: word = registers.ints[where.index + 1]; break;
        case ValueLocation::Where::Vector: memcpy(&word, registers.vectors[where.index], sizeof(word)); break;
        case ValueLocation::Where::Area:
          memcpy(&word, function.context->argument_area[where.index], sizeof(word));
          break;
      }
      call->args_.push_back(word);
    }
    call->inside_invoke_ = true;
    function.invoke(*call);
    call->inside_invoke_ = false;
    uint64_t result = call->result_;
    if (call->finished_ || call->trapped_) {
      delete call;
      store.propagate_trap();
      return result;
    }
    Thread* thread = store.current();
    if (thread == nullptr || !store.may_block()) {
      store.trap(TrapCode::Host, fmt::format("{} has to wait where nothing may wait", function.name));
      return 0;  // the operation that is under way frees the call
    }
    call->thread_ = thread;
    thread->host_done = false;
    start_waiting(*thread, WaitKind::HostCall);
    return park(store, *thread, resume, call);
  }

  static uint64_t resume(GuestContext*, void* argument) {
    auto* call = static_cast<CoreHostCall*>(argument);
    uint64_t result = call->result_;
    delete call;
    return result;
  }
};

extern "C" uint64_t builtin_core_host(CoreHostFunction* function, const RegisterArgs* registers) {
  return CoreHostAccess::begin(*function, *registers);
}

void CoreHostCall::finish(uint64_t result) {
  CHECK(!finished_ && !trapped_);
  finished_ = true;
  result_ = result;
  if (inside_invoke_) return;
  if (thread_ == nullptr || store_->locked_down()) {
    delete this;
    return;
  }
  thread_->host_done = true;
  store_->make_ready(*thread_);
}

void CoreHostCall::trap(std::string message) {
  CHECK(inside_invoke_);
  trapped_ = true;
  store_->trap(TrapCode::Host, std::move(message));
}

void CoreHostCall::exit(int status) {
  CHECK(inside_invoke_);
  trapped_ = true;
  raise_exit(&store_->context(), status);
}

CoreHostFunction::CoreHostFunction(Store& store, FuncType function_type, std::function<void(CoreHostCall&)> function)
    : context(&store.context()), type(std::move(function_type)), shape(classify(type)), invoke(std::move(function)) {
  CHECK(type.results.size() <= 1);
  ref.code = reinterpret_cast<void*>(&wjit_stub_core_host);  // NOLINT
  ref.vmctx = this;
  ref.type_id = canonical_id(type);
}

Extern CoreHostFunction::as_extern(std::shared_ptr<void> owner) {
  Extern result;
  result.kind = ExternKind::Func;
  result.func = &ref;
  result.owner = std::move(owner);
  return result;
}

namespace {

struct CoreRun final : HostCaller {
  Store* store = nullptr;
  Task* task = nullptr;
  FuncType type;
  std::vector<uint64_t> args;
  std::function<void(std::vector<uint64_t>)> done;
  void place_arguments(RegisterArgs& registers) override {
    wjit::place_arguments(&store->context(), type, args, function.vmctx, registers);
  }
  void resolved(bool returned) override {
    if (returned) done(collect_results(&store->context(), type, task->implicit.fiber->results));
  }
};

}  // namespace

void run_core_function(Store& store, FuncRef* function, FuncType type, std::vector<uint64_t> args,
                       std::function<void(std::vector<uint64_t>)> done) {
  auto made = std::make_unique<ComponentInstance>();
  made->name = "core module";
  ComponentInstance* instance = store.add_instance(std::move(made));
  auto run = std::make_unique<CoreRun>();
  run->store = &store;
  run->type = std::move(type);
  run->args = std::move(args);
  run->done = std::move(done);
  run->function = {function->code, function->vmctx};
  Task* task = new_task(*instance, nullptr, nullptr);
  run->task = task;
  task->kind = kTaskAsyncType;
  task->host = run.release();
  run_task(*task, nullptr);
}

void run_core_function(Store& store, FuncRef* function, std::function<void()> done) {
  run_core_function(store, function, {}, {}, [done = std::move(done)](const std::vector<uint64_t>&) { done(); });
}

}  // namespace wjit

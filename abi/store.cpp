// Stores and the engine: see abi/store.h.
#include "abi/store.h"

#include <unistd.h>

#include <utility>

#include "abi/backtrace.h"
#include "abi/call.h"
#include "abi/choice.h"
#include "base/check.h"
#include "frontend/canonical_layout.h"

namespace wjit {

// ---- engine ----

Result<std::unique_ptr<Engine>> Engine::create(CompileOptions options) {
  std::unique_ptr<Engine> engine(new Engine);
  engine->options_ = options;
  set_trap_hooks({current_guest_context, abandon_from_signal, restore_stack_limit, add_waiting_callers});
  install_trap_handlers();
  install_thread_signal_stack();
  return engine;
}

Result<std::shared_ptr<ModuleCode>> Engine::code_of(std::shared_ptr<const Module> module) {
  std::lock_guard lock(mutex_);
  auto found = modules_.find(module.get());
  if (found != modules_.end()) return found->second;
  if (compiler_ == nullptr) {
    auto compiler = load_compiler(options_);
    if (!compiler) return std::unexpected(compiler.error());
    compiler_ = *compiler;
  }
  auto code = ModuleCode::create(module, compiler_);
  if (!code) return std::unexpected(code.error());
  modules_.emplace(module.get(), *code);
  return *code;
}

Result<AdapterCompiler*> Engine::adapter_compiler() {
  if (adapter_compiler_ == nullptr) {
    auto compiler = load_adapter_compiler();
    if (!compiler) return std::unexpected(compiler.error());
    adapter_compiler_ = *compiler;
  }
  return adapter_compiler_.get();
}

template <typename Spec>
Result<std::shared_ptr<AdapterCode>> Engine::shared_code(const Spec& spec) {
  std::lock_guard lock(mutex_);
  auto [entry, fresh] = adapters_.try_emplace(code_key(spec));
  if (fresh) {
    auto compiler = adapter_compiler();
    if (!compiler) {
      adapters_.erase(entry);
      return std::unexpected(compiler.error());
    }
    auto code = (*compiler)->compile(spec);
    if (!code) {
      adapters_.erase(entry);
      return std::unexpected(code.error());
    }
    entry->second = *code;
  }
  return entry->second;
}

Result<std::shared_ptr<AdapterCode>> Engine::adapter(const AdapterSpec& spec) { return shared_code(spec); }

Result<std::shared_ptr<AdapterCode>> Engine::copier(const CopierSpec& spec) { return shared_code(spec); }

Result<std::shared_ptr<AdapterCompiler>> load_adapter_compiler() {
  auto symbol = compiler_symbol("wjit_create_adapter_compiler");
  if (!symbol) return std::unexpected(symbol.error());
  auto create = reinterpret_cast<AdapterCompiler* (*)()>(*symbol);  // NOLINT
  return std::shared_ptr<AdapterCompiler>(create());
}

// ---- store ----

uint64_t StoreOptions::default_host_memory() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) / 2;
}

Store::Store(Engine& engine, Scheduler& scheduler, StoreOptions options)
    : Strand(scheduler), choices(scheduler.choices()), engine_(engine), options_(options) {
  if (choices != nullptr) options_.eager_calls = false;
  init_guest_context(&context_);
  context_.stack_exhausted = on_stack_exhausted;
  context_.guest_entry_parked = eager_task_parked;
  context_.store = this;
  host_memory.left = options.host_memory;
  host_instance_ = std::make_unique<ComponentInstance>();
  host_instance_->store = this;
  host_instance_->name = "host";
  host_instance_->handles.charge(&host_memory);
}

Store::~Store() {
  // What is under way still uses guest memory and ends first.
  closing_ = true;
  inbox_.clear();
  for (auto& attachment : attachments_) attachment->cancel_operations();
  if (outstanding() > 0) scheduler().run(*this, [this] { return outstanding() == 0; });
  scheduler().retire(*this);
  // Guest threads are never run again: their fibers go, then what the tables hold.
  while (Task* task = tasks.front()) {
    tasks.remove(task);
    // A caller outside that was not told frees what it keeps for the answer.
    if (HostCaller* host = std::exchange(task->host, nullptr)) {
      if (task->state != TaskState::Resolved) host->resolved(false);
      delete host;
    }
    while (Thread* thread = task->threads.front()) {
      task->threads.remove(thread);
      if (thread->fiber != nullptr) fiber_destroy(thread->fiber);
      if (thread->is_explicit) delete static_cast<ExplicitThread*>(thread);
    }
    if (task->owns_call) delete task->call;
    while (Lender* lender = task->lenders) {
      task->lenders = lender->next;
      delete lender;
    }
  }
  while (free_fibers_ != nullptr) fiber_destroy(std::exchange(free_fibers_, free_fibers_->next_free));
  for (auto& instance : instances_) {
    if (instance->async_task != nullptr) fiber_destroy(instance->async_task->implicit.fiber);
  }
  auto free_records = [this](ComponentInstance& instance) {
    instance.handles.for_each([this](uint32_t, HandleRecord* record) {
      switch (record->kind) {
        case HandleKind::Resource: {
          auto* handle = static_cast<ResourceHandle*>(record);
          if (handle->own && handle->type->implementation == nullptr && handle->type->host_drop) {
            handle->type->host_drop(handle->rep);
          }
          delete handle;
          break;
        }
        case HandleKind::StreamEnd:
        case HandleKind::FutureEnd: {
          auto* end = static_cast<CopyEnd*>(record);
          if (--end->shared()->references == 0) streams.free(end->shared());
          break;
        }
        case HandleKind::ErrorContext: delete static_cast<ErrorContext*>(record); break;
        default: break;
      }
    });
  };
  for (auto& instance : instances_) free_records(*instance);
  free_records(*host_instance_);
  if (has_trap(&context_)) take_trap(&context_);
}

ComponentInstance* Store::add_instance(std::unique_ptr<ComponentInstance> instance) {
  instance->store = this;
  instance->handles.charge(&host_memory);
  instance->threads.charge(&host_memory);
  instances_.push_back(std::move(instance));
  return instances_.back().get();
}

// ---- records ----

Task* Store::make_task() {
  Task* task = free_tasks_;
  if (task == nullptr) {
    task = task_pool_.make();
    task->implicit.task = task;
    return task;
  }
  free_tasks_ = std::exchange(task->next_free, nullptr);
  return task;
}

// A copy of a fresh one: stores of equal, aligned size, so that whoever reads a field next need not wait for several.
static void make_fresh(Task* task) {
  static_assert(std::is_trivially_destructible_v<Task>);
  static const Task fresh;
  __builtin_memcpy(static_cast<void*>(task), &fresh, sizeof fresh);
  task->implicit.task = task;
}

void Store::recycle(Task* task) {
  make_fresh(task);
  task->next_free = free_tasks_;
  free_tasks_ = task;
}

Fiber* Store::fresh_fiber() {
  if (free_fibers_ == nullptr) return fiber_create(options_.stack_limit);
  --fibers_kept_;
  return std::exchange(free_fibers_, free_fibers_->next_free);
}

Fiber* Store::take_fiber() {
  Fiber* fiber = fresh_fiber();
  if (fiber == nullptr) trap(TrapCode::AllocationFailure, "no memory for a stack");
  return fiber;
}

void Store::put_fiber(Fiber* fiber) {
  constexpr size_t kFibersKept = 64;  // tuning, no effect on correctness
  if (fibers_kept_ >= kFibersKept) return fiber_destroy(fiber);
  ++fibers_kept_;
  fiber_reset(fiber);
  fiber->next_free = free_fibers_;
  free_fibers_ = fiber;
}

void Store::provide_records(ComponentInstance& instance) {
  if (!options_.eager_calls || (instance.gate.no_eager_calls & kNoRecords) == 0) return;
  auto provide = [&](Task*& record, Fiber* fiber) {
    record = make_task();
    record->implicit.state = Thread::State::Running;
    record->implicit.fiber = fiber;
    record->instance = &instance;
  };
  if (instance.sync_task == nullptr) provide(instance.sync_task, nullptr);
  if (instance.async_task == nullptr) {
    Fiber* fiber = fresh_fiber();
    if (fiber == nullptr) return;
    provide(instance.async_task, fiber);
  }
  instance.gate.set_no_eager_calls(instance.gate.no_eager_calls & ~kNoRecords);
}

void Store::renew(Task& task) {
  Fiber* fiber = task.implicit.fiber;
  ComponentInstance* instance = task.instance;
  make_fresh(&task);
  task.implicit.state = Thread::State::Running;
  task.implicit.fiber = fiber;
  task.instance = instance;
}

bool Store::run_core(CodePointer function, RegisterArgs& args, RegisterResults* results) {
  Fiber* fiber = take_fiber();
  if (fiber == nullptr) return false;
  args.ints[0] = reinterpret_cast<uint64_t>(function.vmctx);  // NOLINT
  fiber_prepare(fiber, function.code, &args);
  // Built-ins that would block find no thread to park: such code may not suspend.
  Thread* thread = current();
  FiberExit exit = [&] {
    NothingBlocks scope(*this);
    return fiber_enter(&context_, fiber);
  }();
  CHECK(exit == FiberExit::Abandoned || current() == thread);
  if (exit == FiberExit::Suspended) {
    trap(TrapCode::CanonicalAbi, "cannot block a synchronous task before returning");
  } else if (exit == FiberExit::Finished && results != nullptr) {
    *results = fiber->results;
  }
  if (exit == FiberExit::Finished) {
    put_fiber(fiber);
  } else {
    fiber_abandon(fiber);
    fiber_destroy(fiber);
  }
  return exit == FiberExit::Finished && !locked_down();
}

std::expected<std::vector<uint64_t>, Trap> Store::call_core(FuncRef* function, const FuncType& type,
                                                            std::span<const uint64_t> args) {
  RegisterArgs registers;
  RegisterResults results;
  place_arguments(&context_, type, args, function->vmctx, registers);
  if (!run_core({function->code, function->vmctx}, registers, &results)) {
    context_.request = HostRequest::Return;
    return std::unexpected(take_trap(&context_));
  }
  return collect_results(&context_, type, results);
}

// ---- calls by the host ----

AdapterSide side_of_lift(const RuntimeFunction& function) {
  AdapterSide side;
  side.kind = !function.options.is_async ? AdapterSide::Kind::Sync
              : function.callback.code   ? AdapterSide::Kind::Callback
                                         : AdapterSide::Kind::Stackful;
  side.memory_is_64 = function.options.memory_is_64;
  side.encoding = function.options.string_encoding;
  side.has_memory = function.memory != nullptr;
  side.has_realloc = function.realloc.code != nullptr;
  side.has_post_return = function.post_return.code != nullptr;
  return side;
}

void fill_callee(Store& store, AdapterContext& context, const RuntimeFunction& function) {
  const ComponentTypes& types = *function.types;
  context.callee = function.instance;
  context.callee_memory = function.memory;
  context.callee_realloc = function.realloc;
  context.callee_function = function.core;
  void** behind = entry_behind(function.core.code);
  context.callee_entry = behind != nullptr ? behind : &context.callee_function.code;
  context.callback = function.callback;
  context.post_return = function.post_return;
  context.async_type = types[function.type].is_async;
  context.lift_type = function.type;
  if (function.options.is_async) {
    TypeId result = types[function.type].element;
    context.return_key = function.instance->return_key(result, function.options.string_encoding, function.memory);
  } else if (context.async_type) {
    context.callee_core =
        std::make_shared<FuncType>(flatten_functype(types, function.options, function.type, CanonContext::Lift));
  }
  for (ResourceId id : resource_occurrences(types, function.type)) {
    context.resource_list.push_back(function.instance->resources.at(id));
  }
  for (TypeId id : stream_occurrences(types, function.type)) {
    context.streams.push_back(store.intern_payload(function.types, id, function.instance->resources));
  }
  context.resources = context.resource_list.data();
}

AdapterContext* Store::host_adapter(const std::shared_ptr<RuntimeFunction>& function) {
  auto [entry, fresh] = host_adapters_.try_emplace(function.get());
  if (!fresh) return entry->second.get();
  entry->second = std::make_unique<AdapterContext>();
  AdapterContext& context = *entry->second;
  context.store = &context_;
  context.spec = std::make_shared<AdapterSpec>();
  context.spec->types = function->types.get();
  context.spec->type = function->type;
  context.spec->lower.kind = AdapterSide::Kind::Host;
  context.spec->lower.memory_is_64 = true;
  context.spec->lower.has_memory = context.spec->lower.has_realloc = true;
  context.spec->name = "host -> " + function->name;
  if (function->host != nullptr) {
    context.spec->lift = context.spec->lower;
    context.host = function->host.get();
    context.function = function;
    context.async_type = (*function->types)[function->type].is_async;
  } else {
    context.spec->lift = side_of_lift(*function);
    fill_callee(*this, context, *function);
  }
  return &context;
}

namespace {
struct HostResults final : HostCaller {
  std::function<void(const void*)> done;
  std::unique_ptr<uint8_t[]> memory;
  std::shared_ptr<RuntimeFunction> callee;
  void resolved(bool returned) override {
    if (returned) done(memory.get());
  }
};
}  // namespace

Result<> Store::start_call(std::shared_ptr<RuntimeFunction> function, const void* params, size_t result_bytes,
                           std::function<void(const void* results)> done) {
  const ComponentTypes& types = *function->types;
  const bool is_host = function->host != nullptr;
  if (is_host &&
      (!resource_occurrences(types, function->type).empty() || !stream_occurrences(types, function->type).empty())) {
    return fail("not supported yet: handles between the host and its own `{}`", function->name);
  }
  AdapterContext* context = host_adapter(function);
  if (!is_host && context->code == nullptr) {
    auto code = engine_.adapter(*context->spec);
    if (!code) return std::unexpected(code.error());
    context->code = *code;
    context->task_return = (*code)->task_return;
  }
  if (!is_host && !may_enter_from(*function->instance, nullptr)) {
    trap(TrapCode::CannotEnter);
    return {};
  }
  auto results = std::make_unique<HostResults>();
  results->done = std::move(done);
  results->memory = std::make_unique<uint8_t[]>(result_bytes + 16);
  results->callee = function;
  results->call.host_params = const_cast<void*>(params);
  results->call.host_results = results->memory.get();
  if (is_host) {
    call_host_function(*context, std::move(results));
    return {};
  }
  Task* task = new_task(*function->instance, context, nullptr);
  task->call = &results->call;
  task->host = results.release();
  run_task(*task, nullptr);
  return {};
}

// ---- strand ----

void Store::enqueue(std::function<void()> work) {
  inbox_.push_back(std::move(work));
  Strand::scheduler().wake(*this);
}

// Null at the quantum's end.
Thread* Store::next_of_quantum() {
  if (locked_down() || quantum_left_ == 0) return nullptr;
  --quantum_left_;
  if (atomic == nullptr) return pop_ready();
  return ready_now(*atomic) ? std::exchange(atomic, nullptr) : nullptr;
}

// With nothing else of the store running. False after a trap.
bool Store::run_at_top(Thread& thread) {
  Thread& root = root_of(thread);
  ComponentInstance& instance = *root.task->instance;
  const bool entered = root.task->entered;
  if (!entered) enter_from(instance, nullptr);
  if (!resume_thread(*this, &thread, false)) return false;
  if (!entered) leave_to(instance, nullptr);
  return true;
}

bool Store::run_quantum(Worker&) {
  install_thread_signal_stack();
  quantum_left_ = threads_per_quantum(choices, 256);
  while (!inbox_.empty()) {
    auto work = std::move(inbox_.front());
    inbox_.pop_front();
    work();
  }
  while (Thread* thread = next_of_quantum()) {
    if (!run_at_top(*thread)) break;
  }
  return !locked_down() && (!inbox_.empty() || (atomic != nullptr ? ready_now(*atomic) : has_ready()));
}

bool Store::run_others_in(Thread& waiting) {
  ComponentInstance& instance = *waiting.task->instance;
  leave_to(instance, nullptr);
  set_current(nullptr);
  // What runs on top is not called by what waits: without guest_sp, backtraces stop in between.
  waiting_below_ = {std::exchange(context_.guest_sp, nullptr), &waiting, context_.guest_fp};
  bool over = false;
  while (!over) {
    Thread* next = next_of_quantum();
    if (next == nullptr || (next != &waiting && !run_at_top(*next))) break;
    over = next == &waiting || (waiting.wait != WaitKind::Yield && ready_now(waiting));
  }
  context_.guest_sp = waiting_below_.guest_sp;
  context_.guest_fp = waiting_below_.guest_fp;
  waiting_below_ = {};
  set_current(&waiting);
  if (locked_down()) return false;
  enter_from(instance, nullptr);
  if (!over) return false;
  stop_waiting(waiting);
  waiting.state = Thread::State::Running;
  return true;
}

}  // namespace wjit

// A store: one tree of component instances and all that runs in it. It is a strand (scheduler/strand.h): one worker at
// a time runs it, so nothing in here is locked. Its threads wait for events, stand in the ready queue, or run; its
// quantum takes ready threads one by one. Spec: CanonicalABI.md, "Embedding API" (Store, invoke, tick).
//
// After a trap a store is in lockdown: no guest code of it runs again; what waits is freed with the store.
//
// call.cpp: calls and tasks.  thread.cpp: running and waking threads.  waitable.cpp, stream.cpp: events and copies.
// host.cpp: host functions.  instantiate.cpp: linking.  canon_*.cpp: built-ins.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "abi/host.h"
#include "abi/instance.h"
#include "abi/payload.h"
#include "abi/stream.h"
#include "abi/task.h"
#include "base/error.h"
#include "base/pool.h"
#include "jit/code.h"
#include "jit/compiler.h"
#include "jit/trap.h"
#include "scheduler/strand.h"
#include "scheduler/worker.h"

namespace wjit {

class Tracer;

// Shared by stores: compilers and what they made. Thread-safe.
class Engine {
 public:
  static Result<std::unique_ptr<Engine>> create(CompileOptions options);
  // The code of a module, one per module and engine.
  Result<std::shared_ptr<ModuleCode>> code_of(std::shared_ptr<const Module> module);
  // Code shared by structurally equal adapters and copiers.
  Result<std::shared_ptr<AdapterCode>> adapter(const AdapterSpec& spec);
  Result<std::shared_ptr<AdapterCode>> copier(const CopierSpec& spec);
  const CompileOptions& options() const { return options_; }

 private:
  Engine() = default;
  Result<AdapterCompiler*> adapter_compiler();
  template <typename Spec>
  Result<std::shared_ptr<AdapterCode>> shared_code(const Spec& spec);
  CompileOptions options_;
  std::mutex mutex_;
  std::shared_ptr<Compiler> compiler_;
  std::shared_ptr<AdapterCompiler> adapter_compiler_;
  std::unordered_map<const Module*, std::shared_ptr<ModuleCode>> modules_;
  std::unordered_map<std::string, std::shared_ptr<AdapterCode>> adapters_;
};

struct StoreOptions {
  size_t stack_limit = 1 << 20;                  // bytes of a fiber's segments, all together
  uint64_t host_memory = default_host_memory();  // bytes, see abi/host_memory.h
  static uint64_t default_host_memory();         // half of the machine's
  // Adapters may enter callees themselves; off (also with a seed): the run time sees every call, as a tracer wants.
  bool eager_calls = true;
};

// resume_thread's frames on the worker's stack, innermost first: who ran before the thread that was resumed.
struct ResumeFrame {
  Thread* previous;
  ResumeFrame* outer;
};

// What belongs to a store and lives as long as it does: the state of its host interfaces.
class StoreAttachment {
 public:
  virtual ~StoreAttachment() = default;
  // The store goes: asks all operations that are under way to end soon; no guest code runs any more.
  virtual void cancel_operations() {}
};

class Store final : public Strand {
 public:
  Store(Engine& engine, Scheduler& scheduler, StoreOptions options = {});
  ~Store() override;

  Engine& engine() { return engine_; }
  StoreContext& context() { return context_; }
  static Store& of(GuestContext* context) { return *static_cast<Store*>(static_cast<StoreContext*>(context)->store); }
  const StoreOptions& options() const { return options_; }

  // Runs guest core code to its end on a fresh fiber, at once (nested in whatever runs). It must not suspend: that is a
  // trap. False when it trapped (the trap is recorded).
  bool run_core(CodePointer function, RegisterArgs& args, RegisterResults* results);
  // After something nested: if the store is in lockdown, makes the host function that is running abandon its fiber.
  // True then.
  bool propagate_trap() {
    if (!locked_down()) return false;
    context_.request = HostRequest::Abandon;
    return true;
  }
  // False while code runs that may not suspend (realloc, post-return, start functions, lowering).
  bool may_block() const { return may_block_; }
  // Nothing may, from here to the end of the scope.
  class [[nodiscard]] NothingBlocks {
   public:
    explicit NothingBlocks(Store& store) : store_(store), before_(std::exchange(store.may_block_, false)) {}
    ~NothingBlocks() { store_.may_block_ = before_; }
    NothingBlocks(const NothingBlocks&) = delete;
    NothingBlocks& operator=(const NothingBlocks&) = delete;

   private:
    Store& store_;
    const bool before_;
  };
  // A core function with arguments as 64-bit words (jit/instance.h); for hosts and scripts. Traps come back as the
  // error.
  std::expected<std::vector<uint64_t>, Trap> call_core(FuncRef* function, const FuncType& type,
                                                       std::span<const uint64_t> args);

  // Starts a call of a component function, or of a host function that passes no handles; params is a tuple in host
  // layout (AdapterContext of a host caller). `done` is called on the strand when the task has resolved, with the
  // results tuple (owned by the call, valid during `done`); not at all after a trap.
  Result<> start_call(std::shared_ptr<RuntimeFunction> function, const void* params, size_t result_bytes,
                      std::function<void(const void* results)> done);

  // Has `work` run on the strand before its next thread. On the strand, or while no run() is under way.
  void enqueue(std::function<void()> work);
  // Strand: runs ready threads for a quantum.
  bool run_quantum(Worker& worker) override;
  // The thread that runs is one that run_quantum resumed, and while it waits anybody may run.
  bool at_top(const Thread& thread) const {
    return resume_frame->outer == nullptr && thread.fiber != nullptr && thread.task->detached &&
           thread.task->is_async_type() && !thread.task->entered && may_block_ && tracer == nullptr &&
           choices == nullptr;
  }
  // Everything that waits for the thread that runs stands on that thread's own stack: parking it parks them all. (Else
  // callers, or an instance that is being made, are on the worker's.)
  bool stands_alone() const;
  // It is about to wait: others of the quantum run on top of it, instead of it leaving the worker's stack and coming
  // back. True when its wait is over; false when there is nobody left to run, or a trap.
  bool may_run_others_in(const Thread& waiting) const {
    return quantum_left_ > 0 && has_ready() && switch_to == nullptr && at_top(waiting);
  }
  bool run_others_in(Thread& waiting);
  // Who waits so, and where its guest code stands; thread is null if nobody does.
  struct Waiting {
    void* guest_sp = nullptr;
    const Thread* thread =
        nullptr;  // in between, so that the two are not moved as one, which would wait for their stores
    void* guest_fp = nullptr;
  };
  const Waiting& waiting_below() const { return waiting_below_; }
  // The quantum that runs ends with the thread that runs: whoever waits for it in Scheduler::run gets to see it first.
  void end_quantum() { quantum_left_ = 0; }
  // After a trap, and while the store is destroyed: no guest code runs.
  bool locked_down() const { return context_.trap != nullptr || closing_; }
  // Freed after everything else of the store.
  void attach(std::shared_ptr<StoreAttachment> attachment) { attachments_.push_back(std::move(attachment)); }

  // --- for the rest of abi/ ---
  Choices* const choices;    // where the specification leaves something open (abi/choice.h); null: no seed
  Tracer* tracer = nullptr;  // null unless somebody traces; set before anything runs (abi/trace.h)
  Thread* current() const { return static_cast<Thread*>(context_.current); }  // that runs; null in plain host code
  void set_current(Thread* thread) { context_.current = thread; }
  ResumeFrame* resume_frame = nullptr;
  Thread* switch_to = nullptr;  // who is to run once the thread that runs has parked
  // Records: of finished tasks, and fresh fibers. take_fiber: null after a trap.
  Task* make_task();
  void recycle(Task* task);
  Fiber* take_fiber();
  void put_fiber(Fiber* fiber);  // any state but Running and Suspended
  // For eager calls of an instance: the records that it lacks; and one as its adapters expect it, after a call that the
  // run time ended.
  void provide_records(ComponentInstance& instance);
  void renew(Task& task);
  Pool<Subtask> subtasks;
  Pool<WaitableSet> waitable_sets;
  Pool<SharedStream> streams;
  Pool<HostCall> host_calls;
  // A host function whose type is not async may take its time (0.2's blocking reads and polls): guests must not see
  // that anything else ran meanwhile. So while this thread waits, nothing else of the store runs. (One that does not
  // stand alone waits in place instead.)
  Thread* atomic = nullptr;
  ComponentInstance* add_instance(std::unique_ptr<ComponentInstance> instance);
  const std::vector<std::unique_ptr<ComponentInstance>>& instances() const { return instances_; }  // in order of making
  ComponentInstance& host_instance() { return *host_instance_; }  // holds what the host has handles of
  const ComponentInstance& host_instance() const { return *host_instance_; }
  const PayloadType* intern_payload(const std::shared_ptr<const ComponentTypes>& types, TypeId stream_or_future,
                                    const std::unordered_map<ResourceId, ResourceType*>& resources);
  AdapterContext* host_adapter(const std::shared_ptr<RuntimeFunction>& function);  // context for calls by the host
  // Ready queue.
  void make_ready(Thread& thread);
  void remove_from_queue(Thread& thread);  // ready or blocked queue, if it is in one
  Thread* pop_ready();                     // the next thread whose wait is over
  // The next ready thread of one instance, not the one that holds its exclusive lock; null if there is none.
  Thread* pop_ready_of(const ComponentInstance& instance);
  Thread* find_ready_of(const ComponentInstance& instance) const;
  bool has_ready() const { return !ready_.empty(); }
  // Who could block lets others run first: what waits must not become more and more.
  bool has_many_ready() const { return ready_count_ >= 32; }
  [[gnu::cold, gnu::noinline]] void trap(TrapCode code, std::string detail = {}) {
    raise_trap(&context_, code, std::move(detail));
  }
  uint32_t next_task_id = 1;
  HostMemory host_memory;
  IntrusiveList<Task, &Task::store_prev, &Task::store_next> tasks;  // live ones

 private:
  std::vector<std::shared_ptr<StoreAttachment>> attachments_;  // first: destroyed last
  Engine& engine_;
  StoreOptions options_;
  bool closing_ = false;
  Waiting waiting_below_;
  int quantum_left_ = 0;  // so many threads more may run in it
  StoreContext context_;
  ThreadQueue ready_;
  uint32_t ready_count_ = 0;
  Pool<Task> task_pool_;
  void take_from_queue(Thread& thread);
  Thread* next_of_quantum();
  bool run_at_top(Thread& thread);
  Fiber* fresh_fiber();  // null: there is no memory
  Task* free_tasks_ = nullptr;
  Fiber* free_fibers_ = nullptr;
  size_t fibers_kept_ = 0;  // so many are in free_fibers_
  std::deque<std::function<void()>> inbox_;
  std::unique_ptr<ComponentInstance> host_instance_;
  std::vector<std::unique_ptr<ComponentInstance>> instances_;
  bool may_block_ = true;
  std::unordered_map<std::string, std::unique_ptr<PayloadType>> payloads_;
  std::unordered_map<RuntimeFunction*, std::unique_ptr<AdapterContext>> host_adapters_;
};

// An adapter's side for a lifted function, and the callee's fields of its context. abi/store.cpp.
AdapterSide side_of_lift(const RuntimeFunction& function);
void fill_callee(Store& store, AdapterContext& context, const RuntimeFunction& function);

}  // namespace wjit

// The way of a call that needs no run time: `lower` enters the callee itself, and task.return finds its way back. Both
// sides of the contract with abi/call.cpp and scheduler/switch.S are here; the proof that a callee may run before
// anything is recorded:
//
//   1. Nothing stands against entering: the callee's EntryGate is zero (not entered, no backpressure, nobody waits, its
//   exclusive
//      lock is free if the lift needs it) and the caller may be left. So the specification's enter_implicit_thread does
//      not wait.
//   2. The task's record is from StoreContext::free_tasks: all fields are as in a fresh one but those that are written
//   here. It is
//      in no table and no list, so nobody finds it but through StoreContext::current, and that is this call until it
//      ends.
//   3. A callee that may block runs on a fiber from StoreContext::free_fibers. If it parks, wjit_fiber_park has the run
//   time
//      detach the task (abi/call.cpp) before control comes back here. If it returns, the fiber is as it was.
//      A callee whose type is not async runs on the caller's fiber: it may wait for the host only together with its
//      caller.
//   4. At the end one comparison of the task's state word says that it did just what was expected (resolved exactly
//   once, or
//      returned from a sync lift) and that nothing else in the record changed (`dirty`). Otherwise the run time ends
//      the call.
//   5. A trap leaves everything as it is: the store is in lockdown, and its pools are freed with it.
//
// A store that traces its calls, or that draws choices from a seed, keeps free_tasks empty: then every call is `slow`.
// Tests: test/lit/adapter/kinds.wat, test/unit/eager_call_test.cpp, the public component suite; figures: bench/run.py.
#include <llvm/IR/InlineAsm.h>

#include "abi/adapter_emit.h"
#include "abi/instance.h"
#include "base/check.h"

namespace wjit::adapter {

namespace {

uint8_t kind_of(const AdapterSpec& spec, bool async_type) {
  uint8_t kind = 0;
  if (async_type) kind |= kTaskAsyncType;
  if (spec.lift.is_async()) kind |= kTaskAsyncLift;
  if (spec.lift.kind == AdapterSide::Kind::Callback) kind |= kTaskCallback;
  if (async_type && spec.lift.kind != AdapterSide::Kind::Stackful) kind |= kTaskExclusive;
  return kind;
}

// Task::state, dirty, detached, kind as one little-endian word.
uint32_t state_word(TaskState state, uint8_t kind) { return static_cast<uint32_t>(state) | uint32_t{kind} << 24; }

static_assert(offsetof(EntryGate, entered) == 0 && offsetof(EntryGate, no_eager_calls) == 2);
constexpr size_t kGateEntered = instance_offset::gate;      // entered and no_eager_calls
constexpr size_t kGateWaiting = instance_offset::gate + 8;  // waiting and backpressure
static_assert(offsetof(EntryGate, waiting) == 8 && offsetof(EntryGate, backpressure) == 12);

}  // namespace

// ---- lower ----

void AdapterEmitter::emit_enter(const AdapterSpec& spec) {
  FuncType core = flatten_functype(types_, canon_options(spec.lower), spec.type, CanonContext::Lower);
  FuncType callee_core = flatten_functype(types_, canon_options(spec.lift), spec.type, CanonContext::Lift);
  CoreSignature signature = signature_of(core);
  CoreSignature callee_signature = signature_of(callee_core);
  bool async_type = types_[spec.type].is_async;
  uint8_t kind = kind_of(spec, async_type);
  bool exclusive = (kind & kTaskExclusive) != 0;
  make_function(".lower", signature.type);
  std::vector<Value*> params = read_params(signature, function_);

  auto* slow = block("slow");
  auto go_on_if = [&](Value* condition) {
    auto* next = block("");
    b_.CreateCondBr(condition, next, slow);
    b_.SetInsertPoint(next);
  };
  // 1, 2, 3.
  Value* store = load_context(adapter_offset::store, ptr_);
  Value* callee = load_context(adapter_offset::callee, ptr_);
  Value* may_leave = field(load_context(adapter_offset::caller, ptr_), instance_offset::may_leave, i8_);
  go_on_if(b_.CreateICmpNE(may_leave, b_.getInt8(0)));
  Value* against = zext64(field(callee, kGateEntered, i32_));
  if (async_type) against = b_.CreateOr(against, field(callee, kGateWaiting, i64_));
  if (exclusive) against = b_.CreateOr(against, field(callee, instance_offset::exclusive_thread, i64_));
  go_on_if(b_.CreateICmpEQ(against, b_.getInt64(0)));
  Value* parent = field(store, store_context_offset::current, ptr_);
  if (async_type && !spec.lower.is_async()) {
    // Who calls must be able to wait: a task whose own function type is async. The run time has the exact rule.
    go_on_if(b_.CreateIsNotNull(parent));
    Value* caller_kind = field(field(parent, task_offset::task, ptr_), task_offset::state + 3, i8_);
    go_on_if(b_.CreateICmpNE(b_.CreateAnd(caller_kind, b_.getInt8(kTaskAsyncType)), b_.getInt8(0)));
  }
  task_ = field(store, store_context_offset::free_tasks, ptr_);
  go_on_if(b_.CreateIsNotNull(task_));
  Value* fiber = nullptr;
  if (async_type) {
    fiber = field(store, store_context_offset::free_fibers, ptr_);
    go_on_if(b_.CreateIsNotNull(fiber));
    set_field(store, store_context_offset::free_fibers, field(fiber, fiber_offset::next_free, ptr_));
    set_field(task_, task_offset::fiber, fiber);
  }
  set_field(store, store_context_offset::free_tasks, field(task_, task_offset::next_free, ptr_));
  set_field(task_, task_offset::state, b_.getInt32(state_word(TaskState::Started, kind)));
  set_field(task_, task_offset::adapter, self_);
  set_field(task_, task_offset::instance, callee);
  set_field(task_, task_offset::parent, parent);
  bool in_memory = results_in_memory(spec);
  if (in_memory && async_type) set_field(task_, task_offset::result, widen(params.back()));
  set_field(store, store_context_offset::current, task_);
  set_field(callee, kGateEntered, b_.getInt32(1));
  if (exclusive) set_field(callee, instance_offset::exclusive_thread, task_);
  std::vector<Value*> args = lower_params(spec, params);

  // `other`: the call did not just run through; `word` is what the run time says that the caller goes on with.
  auto* other = block("other");
  auto* word = llvm::IRBuilder<>(other).CreatePHI(i64_, 3);
  auto go_to_other = [&](Value* value) {
    word->addIncoming(value, b_.GetInsertBlock());
    b_.CreateBr(other);
  };
  auto go_to_other_if = [&](Value* condition, const std::function<Value*()>& value) {
    auto* odd = block("");
    auto* next = block("");
    b_.CreateCondBr(condition, odd, next);
    b_.SetInsertPoint(odd);
    go_to_other(value());
    b_.SetInsertPoint(next);
  };

  // After the call, what is needed is read again: two words live through it, instead of a register saved and restored
  // for each.
  auto read_again = [&] {
    store = load_context(adapter_offset::store, ptr_);
    callee = load_context(adapter_offset::callee, ptr_);
  };
  Value* result = nullptr;
  if (!async_type) {
    result = call_core(callee_signature, adapter_offset::callee_function, args);
    read_again();
  } else {
    Entered entered = enter_fiber(callee_signature, args, store, fiber);
    go_to_other_if(entered.parked, [&] { return entered.word; });
    read_again();
    set_field(fiber, fiber_offset::next_free, field(store, store_context_offset::free_fibers, ptr_));
    set_field(store, store_context_offset::free_fibers, fiber);
    set_field(task_, task_offset::fiber, null_);
    result = entered.flat;
    if ((kind & kTaskCallback) != 0) {
      Value* waits = b_.CreateICmpNE(b_.CreateAnd(result, b_.getInt32(0xF)), b_.getInt32(0));
      go_to_other_if(waits, [&] { return call_runtime("callback_waits", {task_, result}); });
    }
  }
  Value* flat = nullptr;
  if (!spec.lift.is_async()) {
    std::vector<Value*> results;
    if (result != nullptr) results.push_back(result);
    flat = lift_results(spec, results, kMaxFlatResults, in_memory ? widen(params.back()) : nullptr);
    call_post_return(spec, callee_core, result);
  }

  // 4.
  TaskState end = spec.lift.is_async() ? TaskState::Resolved : TaskState::Started;
  Value* odd = b_.CreateICmpNE(field(task_, task_offset::state, i32_), b_.getInt32(state_word(end, kind)));
  if (async_type) odd = b_.CreateOr(odd, b_.CreateIsNotNull(field(callee, instance_offset::blocked, ptr_)));
  go_to_other_if(odd, [&] {
    if (flat != nullptr) set_field(task_, task_offset::result, flat);
    return call_runtime("finish_task", {task_});
  });
  set_field(callee, kGateEntered, b_.getInt32(0));
  if (exclusive) set_field(callee, instance_offset::exclusive_thread, null_);
  set_field(store, store_context_offset::current, parent);
  if (flat == nullptr && !spec.lower.is_async() && !core.results.empty())
    flat = field(task_, task_offset::result, i64_);
  set_field(task_, task_offset::next_free, field(store, store_context_offset::free_tasks, ptr_));
  set_field(store, store_context_offset::free_tasks, task_);
  if (spec.lower.is_async()) {
    b_.CreateRet(b_.getInt32(kReturned));
  } else {
    return_flat(core, flat);
  }

  b_.SetInsertPoint(other);
  if (spec.lower.is_async()) {
    b_.CreateRet(b_.CreateTrunc(word, i32_));
  } else {
    // A subtask to wait for; or 0: the result is in the task's record, which nobody has used since.
    auto* there = block("there");
    auto* wait = block("wait");
    b_.CreateCondBr(b_.CreateICmpEQ(word, b_.getInt64(0)), there, wait);
    b_.SetInsertPoint(there);
    return_flat(core, core.results.empty() ? nullptr : field(task_, task_offset::result, i64_));
    b_.SetInsertPoint(wait);
    return_flat(core, call_runtime("await", {word}));
  }

  b_.SetInsertPoint(slow);
  slow->moveAfter(&function_->back());
  std::vector<Value*> same;
  for (llvm::Argument& argument : function_->args()) same.push_back(&argument);
  llvm::CallInst* call = b_.CreateCall(module_->getFunction(prefix_ + ".slow"), same);
  call->setTailCall();
  if (core.results.empty()) {
    b_.CreateRetVoid();
  } else {
    b_.CreateRet(call);
  }
}

// The switch: scheduler/fiber.h, "Entered by guest code". The fiber's base is the return address that `call` pushes,
// right below the Fiber. All argument registers reach the callee; afterwards none but rbx and r12 to r15 is what it
// was.
AdapterEmitter::Entered AdapterEmitter::enter_fiber(const CoreSignature& signature, const std::vector<Value*>& args,
                                                    Value* store, Value* fiber) {
  static_assert(fiber_offset::sp == 0 && guest_context_offset::fiber == 24);
  auto text = fmt::format(
      "movq %rsp, {sp}(%r11)\n movq %rbp, {fp}(%r11)\n movq %fs:0x70, %rax\n movq %rax, {guest_limit}(%r11)\n"
      "leaq 2f(%rip), %rax\n movq %rax, {back}(%r11)\n movq {running}(%rbx), %rax\n movq %rax, {before}(%r11)\n"
      "movq %r12, {saved}(%r11)\n movq %r13, {saved}+8(%r11)\n movq %r14, {saved}+16(%r11)\n movq %r15, "
      "{saved}+24(%r11)\n"
      "movq %r11, {running}(%rbx)\n movq {limit}(%r11), %rax\n movq %rax, %fs:0x70\n movq (%r11), %rsp\n"
      "callq *%r10\n"
      "movq {running}(%rbx), %rcx\n movq {guest_limit}(%rcx), %rdx\n movq %rdx, %fs:0x70\n"
      "movq {before}(%rcx), %rdx\n movq %rdx, {running}(%rbx)\n movq {sp}(%rcx), %rsp\n xorl %edx, %edx\n"
      "2:",
      fmt::arg("sp", fiber_offset::guest_sp), fmt::arg("fp", fiber_offset::guest_fp),
      fmt::arg("guest_limit", fiber_offset::guest_limit), fmt::arg("back", fiber_offset::guest_return),
      fmt::arg("running", guest_context_offset::fiber), fmt::arg("before", fiber_offset::guest_fiber),
      fmt::arg("saved", fiber_offset::guest_saved), fmt::arg("limit", fiber_offset::limit));

  Value* code = load_context(adapter_offset::callee_function, ptr_);
  Value* vmctx = load_context(adapter_offset::callee_function + 8, ptr_);
  std::vector<Value*> placed = place_args(signature, args);

  // Registers that are written are outputs, whether anybody looks at them or not.
  static constexpr const char* kInteger[] = {"rsi", "rdx", "rcx", "r8", "r9"};
  std::string outputs = "={rax},={rdx},={rcx},={rsi},={rdi},={r8},={r9},={r10},={r11}";
  std::vector<llvm::Type*> output_types(9, i64_);
  std::string inputs = ",{rbx},{r10},{r11},{rdi}";
  std::vector<Value*> operands{store, code, fiber, vmctx};
  size_t integers = 0, vectors = 0;
  for (Value* value : placed) {
    if (value->getType()->isFloatingPointTy()) {
      inputs += fmt::format(",{{xmm{}}}", vectors++);
    } else {
      inputs += fmt::format(",{{{}}}", kInteger[integers++]);
    }
    operands.push_back(value);
  }
  llvm::Type* result_type = signature.core.results.empty() ? nullptr : flat_type(signature.core.results[0]);
  bool vector_result = result_type != nullptr && result_type->isFloatingPointTy();
  size_t vector_outputs = std::max<size_t>(vectors, vector_result ? 1 : 0);
  for (size_t i = 0; i < vector_outputs; ++i) {
    outputs += fmt::format(",={{xmm{}}}", i);
    output_types.push_back(i == 0 && vector_result ? result_type : f64_);
  }
  std::string clobbers;
  for (size_t i = vector_outputs; i < 16; ++i) clobbers += fmt::format(",~{{xmm{}}}", i);
  clobbers += ",~{memory},~{dirflag},~{fpsr},~{flags}";

  std::vector<llvm::Type*> operand_types;
  for (Value* operand : operands) operand_types.push_back(operand->getType());
  auto* type = llvm::FunctionType::get(llvm::StructType::get(context_, output_types), operand_types, false);
  auto* assembly = llvm::InlineAsm::get(type, text, outputs + inputs + clobbers, true);
  Value* out = b_.CreateCall(type, assembly, operands);
  Entered entered;
  entered.word = b_.CreateExtractValue(out, 0);
  entered.parked = b_.CreateICmpNE(b_.CreateTrunc(b_.CreateExtractValue(out, 1), i32_), b_.getInt32(0));
  if (vector_result) {
    entered.flat = b_.CreateExtractValue(out, 9);
  } else if (result_type != nullptr) {
    entered.flat = narrow(entered.word, result_type);
  }
  return entered;
}

// ---- what is left when a sync lift had parked ----

// complete(AdapterContext*, Task*, the core function's flat result, widened): `lower` is gone when the callee ends.
void AdapterEmitter::emit_complete(const AdapterSpec& spec) {
  make_function(".complete", llvm::FunctionType::get(void_, {ptr_, ptr_, i64_}, false));
  task_ = function_->getArg(1);
  FuncType core = flatten_functype(types_, canon_options(spec.lift), spec.type, CanonContext::Lift);
  std::vector<Value*> results;
  if (!core.results.empty()) results.push_back(narrow(function_->getArg(2), flat_type(core.results[0])));
  lift_results_of_task(spec, results, kMaxFlatResults);
  call_runtime("resolve", {task_});
  call_post_return(spec, core, results.empty() ? nullptr : results[0]);
  b_.CreateRetVoid();
}

// ---- task.return ----

void AdapterEmitter::emit_task_return(const AdapterSpec& spec) {
  TypeId result = types_[spec.type].element;
  FuncType core;
  if (flat_result_count(types_, spec.type) > kMaxFlatParams) {
    core.params.push_back(ptr_type(callee_.is_64));
  } else if (result != kNoType) {
    core.params = flatten_type(types_, result, callee_.is_64);
  }
  CoreSignature signature = signature_of(core);
  make_function(".task_return", signature.type);
  std::vector<Value*> flats = read_params(signature, function_);
  Value* store = load_context(adapter_offset::store, ptr_);
  Value* thread = field(store, store_context_offset::current, ptr_);
  task_ = field(thread, task_offset::task, ptr_);
  Value* may_leave = field(load_context(adapter_offset::callee, ptr_), instance_offset::may_leave, i8_);
  trap_if(b_.CreateICmpEQ(may_leave, b_.getInt8(0)), Trap::CannotLeave);
  uint8_t kind = kind_of(spec, types_[spec.type].is_async);
  uint32_t expected = state_word(TaskState::Started, kind);
  Value* eager = b_.CreateICmpEQ(field(task_, task_offset::state, i32_), b_.getInt32(expected));
  auto unless_eager = [&](const char* call) {
    auto* detached = block("");
    auto* next = block("");
    b_.CreateCondBr(eager, next, detached);
    b_.SetInsertPoint(detached);
    call_runtime(call, {task_});
    return next;
  };
  auto* next = unless_eager("check_return");
  b_.CreateBr(next);
  b_.SetInsertPoint(next);
  lift_results_of_task(spec, flats, kMaxFlatParams);
  next = unless_eager("resolve");
  b_.CreateRetVoid();
  b_.SetInsertPoint(next);
  // The whole word, as `lower` reads it; but a realloc may have marked the task dirty meanwhile.
  if (result != kNoType && contains_pointer(types_, result)) {
    set_field(task_, task_offset::state, b_.getInt8(static_cast<uint8_t>(TaskState::Resolved)));
  } else {
    set_field(task_, task_offset::state, b_.getInt32(state_word(TaskState::Resolved, kind)));
  }
  b_.CreateRetVoid();
}

}  // namespace wjit::adapter

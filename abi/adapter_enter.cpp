// The way of a call that needs no run time: `lower` enters the callee itself, and task.return finds its way back. Both
// sides of the contract with abi/call.cpp and scheduler/switch.S are here; the proof that a callee may run before
// anything is recorded:
//
//   1. Nothing stands against entering: the callee's EntryGate is zero (not entered, no backpressure, nobody waits, its
//      exclusive lock is free if the lift needs it) and the caller may be left. So the specification's
//      enter_implicit_thread does not wait.
//   2. The task's record is the one that the callee's instance keeps ready (ComponentInstance::sync_task, async_task): it
//      is entered once at a time, so nobody else uses it, and the gate is not zero while it has none. All its fields are
//      as in a fresh one but those that are written here. It is in no table and no list, so nobody finds it but through
//      StoreContext::current, and that is this call until it ends. That it has the instance's exclusive lock is not
//      written down: nobody else gets in to ask for it before it is detached.
//   3. A callee that may block runs on the record's fiber. If it parks, wjit_fiber_park has the run time detach the task
//      (abi/call.cpp) before control comes back here. If it returns, the fiber is as it was. A callee whose type is not
//      async runs on the caller's fiber: it may wait for the host only together with its caller.
//   4. At the end one comparison of the task's state word says that it did just what was expected (resolved exactly
//      once, or returned from a sync lift) and that nothing else in the record changed (`dirty`). Otherwise the run time
//      ends the call. Threads that wait for the instance's lock need no waking: whoever released it last has seen to that.
//   5. A trap leaves everything as it is: the store is in lockdown, and its pools are freed with it.
//   6. (leaf) A sync callee that calls nothing, given and giving plain values only, cannot see its task, block, enter anybody
//      or be entered: with 1, the task may as well not be there.
//
// A store that traces its calls, or that draws choices from a seed, gives instances no records: then every call is `slow`.
// Tests: test/lit/adapter/kinds.wat, test/unit/eager_call_test.cpp, the public component suite; figures: bench/async.py.
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

static_assert(offsetof(EntryGate, entered) == 0 && offsetof(EntryGate, no_eager_calls) == 4);
constexpr size_t kGateEntered = instance_offset::gate;
constexpr size_t kGateNoEagerCalls = instance_offset::gate + 4;
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
  // Where the stack is switched, the unwinder finds the frame by rbp; of the other registers it knows nothing.
  if (async_type) function_->addFnAttr("frame-pointer", "all");

  auto* slow = block("slow");
  auto go_on_if = [&](Value* condition) {
    auto* next = block("");
    b_.CreateCondBr(condition, next, slow);
    b_.SetInsertPoint(next);
  };
  // 1, 2, 3.
  Value* callee = load_context(adapter_offset::callee, ptr_);
  Value* may_leave = field(load_context(adapter_offset::caller, ptr_), instance_offset::may_leave, i8_);
  go_on_if(b_.CreateICmpNE(may_leave, b_.getInt8(0)));
  Value* entered_or_not_eager = b_.CreateOr(field(callee, kGateEntered, i32_), field(callee, kGateNoEagerCalls, i32_));
  Value* against = zext64(entered_or_not_eager);
  if (async_type) against = b_.CreateOr(against, field(callee, kGateWaiting, i64_));
  if (exclusive) against = b_.CreateOr(against, field(callee, instance_offset::exclusive_thread, i64_));
  go_on_if(b_.CreateICmpEQ(against, b_.getInt64(0)));
  if (spec.leaf) {
    emit_leaf_call(spec, params);
    return emit_go_slow(slow);
  }
  Value* store = load_context(adapter_offset::store, ptr_);
  // Kept in a register: through the record, calls in a row would wait for each other's loads and stores.
  Value* parent = field(store, store_context_offset::current, ptr_);
  if (async_type && !spec.lower.is_async()) {
    // Who calls must be able to wait: a task whose own function type is async. The run time has the exact rule.
    go_on_if(b_.CreateIsNotNull(parent));
    Value* caller_kind = field(field(parent, task_offset::task, ptr_), task_offset::state + 3, i8_);
    go_on_if(b_.CreateICmpNE(b_.CreateAnd(caller_kind, b_.getInt8(kTaskAsyncType)), b_.getInt8(0)));
  }
  const size_t record = async_type ? instance_offset::async_task : instance_offset::sync_task;
  task_ = field(callee, record, ptr_);
  set_field(task_, task_offset::state, b_.getInt32(state_word(TaskState::Started, kind)));
  set_field(task_, task_offset::adapter, self_);
  set_field(task_, task_offset::parent, parent);
  bool in_memory = results_in_memory(spec);
  if (in_memory && async_type) set_field(task_, task_offset::result, widen(params.back()));
  set_field(store, store_context_offset::current, task_);
  set_field(callee, kGateEntered, b_.getInt32(1));
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

  // After the call, what is needed is read again: one word lives through it (the store, which the fiber keeps in rbx, or
  // the context), instead of a register saved and restored for each.
  Value* result = nullptr;
  if (!async_type) {
    result = call_core(callee_signature, load_callee(), args);
    store = load_context(adapter_offset::store, ptr_);
    callee = load_context(adapter_offset::callee, ptr_);
    task_ = field(callee, record, ptr_);
  } else {
    Entered entered = enter_fiber(callee_signature, args, store, field(task_, task_offset::fiber, ptr_), parent);
    parent = entered.parent;
    store = entered.store;
    go_to_other_if(entered.parked, [&] { return entered.word; });
    task_ = field(store, store_context_offset::current, ptr_);
    callee = field(task_, task_offset::instance, ptr_);
    if (spec.lift.is_async()) self_ = field(task_, task_offset::adapter, ptr_);
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
  go_to_other_if(odd, [&] {
    if (flat != nullptr) set_field(task_, task_offset::result, flat);
    return call_runtime("finish_task", {task_});
  });
  set_field(callee, kGateEntered, b_.getInt32(0));
  set_field(store, store_context_offset::current, parent);
  if (flat == nullptr && !spec.lower.is_async() && !core.results.empty())
    flat = field(task_, task_offset::result, i64_);
  if (spec.lower.is_async()) {
    b_.CreateRet(b_.getInt32(kReturned));
  } else {
    return_flat(core, flat);
  }
  self_ = function_->getArg(0);

  b_.SetInsertPoint(other);
  if (spec.lower.is_async()) {
    b_.CreateRet(b_.CreateTrunc(word, i32_));
  } else {
    // A subtask to wait for; or 0: the result is there.
    auto* there = block("there");
    auto* wait = block("wait");
    b_.CreateCondBr(b_.CreateICmpEQ(word, b_.getInt64(0)), there, wait);
    b_.SetInsertPoint(there);
    Value* there_result = nullptr;
    if (!core.results.empty()) {
      there_result = field(load_context(adapter_offset::store, ptr_), store_context_offset::result, i64_);
    }
    return_flat(core, there_result);
    b_.SetInsertPoint(wait);
    return_flat(core, call_runtime("await", {word}));
  }

  emit_go_slow(slow);
}

// 6.
void AdapterEmitter::emit_leaf_call(const AdapterSpec& spec, const std::vector<Value*>& params) {
  FuncType core = flatten_functype(types_, canon_options(spec.lower), spec.type, CanonContext::Lower);
  FuncType callee_core = flatten_functype(types_, canon_options(spec.lift), spec.type, CanonContext::Lift);
  std::vector<Value*> results;
  if (Value* result = call_core(signature_of(callee_core), load_callee(), lower_params(spec, params))) {
    llvm::cast<llvm::CallInst>(result)->setTailCall();
    results.push_back(result);
  }
  return_flat(core, lift_results(spec, results, kMaxFlatResults, nullptr));
}

void AdapterEmitter::emit_go_slow(llvm::BasicBlock* slow) {
  b_.SetInsertPoint(slow);
  slow->moveAfter(&function_->back());
  std::vector<Value*> same;
  for (llvm::Argument& argument : function_->args()) same.push_back(&argument);
  llvm::CallInst* call = b_.CreateCall(module_->getFunction(prefix_ + ".slow"), same);
  call->setTailCall();
  if (call->getType()->isVoidTy()) {
    b_.CreateRetVoid();
  } else {
    b_.CreateRet(call);
  }
}

std::pair<Value*, Value*> AdapterEmitter::load_callee() {
  Value* code = b_.CreateLoad(ptr_, load_context(adapter_offset::callee_entry, ptr_));
  return {code, load_context(adapter_offset::callee_function + 8, ptr_)};
}

// The switch: scheduler/fiber.h, "Entered by guest code". The fiber's base is the return address that `call` pushes,
// right below the Fiber. All argument registers reach the callee. What is needed to come back is in r12 to r15 for a
// callee that returns (loads of what was just stored would take most of the time), and in the Fiber for one that parks.
// Afterwards only rbx and rbp are what they were, and r15 if the callee has returned; then edx is zero.
// If it has parked, control comes to label 2, kParkedReturn bytes behind the address that `call` pushed.
AdapterEmitter::Entered AdapterEmitter::enter_fiber(const CoreSignature& signature, const std::vector<Value*>& args,
                                                    Value* store, Value* fiber, Value* parent) {
  static_assert(fiber_offset::sp == 0 && guest_context_offset::fiber == 24);
  auto text = fmt::format(
      "movq %rsp, %r14\n movq %fs:0x70, %r12\n movq {running}(%rbx), %r13\n"
      "movq %r14, {sp}(%r11)\n movq %rbp, {fp}(%r11)\n movq %r12, {guest_limit}(%r11)\n movq %r13, {before}(%r11)\n"
      "movq {limit}(%r11), %rax\n movq %r11, {running}(%rbx)\n movq %rax, %fs:0x70\n movq (%r11), %rsp\n"
      "callq *%r10\n"
      "movq %r14, %rsp\n movq %r12, %fs:0x70\n movq %r13, {running}(%rbx)\n xorl %edx, %edx\n"
      "2:",
      fmt::arg("sp", fiber_offset::guest_sp), fmt::arg("fp", fiber_offset::guest_fp),
      fmt::arg("guest_limit", fiber_offset::guest_limit), fmt::arg("running", guest_context_offset::fiber),
      fmt::arg("before", fiber_offset::guest_fiber), fmt::arg("limit", fiber_offset::limit));

  auto [code, vmctx] = load_callee();
  std::vector<Value*> placed = place_args(signature, args);

  // Registers that are written are outputs, whether anybody looks at them or not.
  static constexpr const char* kInteger[] = {"rsi", "rdx", "rcx", "r8", "r9"};
  std::string outputs = "={rax},={rdx},={rcx},={rsi},={rdi},={r8},={r9},={r10},={r11},={r12},={r13},={r14},={r15},={rbx}";
  std::vector<llvm::Type*> output_types(14, i64_);
  output_types[12] = output_types[13] = ptr_;
  std::string inputs = ",{rbx},{r10},{r11},{r15},{rdi}";
  std::vector<Value*> operands{store, code, fiber, parent, vmctx};
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
  entered.parent = b_.CreateExtractValue(out, 12);
  entered.store = b_.CreateExtractValue(out, 13);
  entered.parked = b_.CreateICmpNE(b_.CreateTrunc(b_.CreateExtractValue(out, 1), i32_), b_.getInt32(0));
  if (vector_result) {
    entered.flat = b_.CreateExtractValue(out, 14);
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

// task_return: of an eager task of this adapter that has not resolved yet; all others go to task_return_slow.
void AdapterEmitter::emit_task_return(const AdapterSpec& spec) {
  TypeId result = types_[spec.type].element;
  FuncType core;
  if (flat_result_count(types_, spec.type) > kMaxFlatParams) {
    core.params.push_back(ptr_type(callee_.is_64));
  } else if (result != kNoType) {
    core.params = flatten_type(types_, result, callee_.is_64);
  }
  CoreSignature signature = signature_of(core);
  auto read_task = [&] {
    Value* thread = field(load_context(adapter_offset::store, ptr_), store_context_offset::current, ptr_);
    return field(thread, task_offset::task, ptr_);
  };
  auto read_may_leave = [&] {
    return field(load_context(adapter_offset::callee, ptr_), instance_offset::may_leave, i8_);
  };
  const uint8_t kind = kind_of(spec, types_[spec.type].is_async);
  const bool plain = result == kNoType || is_plain_value(types_, result);

  llvm::Function* slow = make_function(".task_return_slow", signature.type);
  slow->addFnAttr(llvm::Attribute::NoInline);
  slow->addFnAttr(llvm::Attribute::Cold);
  std::vector<Value*> flats = read_params(signature, slow);
  task_ = read_task();
  trap_if(b_.CreateICmpEQ(read_may_leave(), b_.getInt8(0)), Trap::CannotLeave);
  // Before what cannot be taken back; `resolve` checks, too.
  if (results_in_memory(spec) || !plain) call_runtime("check_return", {task_});
  lift_results_of_task(spec, flats, kMaxFlatParams);
  call_runtime("resolve", {task_});
  b_.CreateRetVoid();

  // Plain values: what would trap does so in the slow one, too. Then this one calls nothing, needs no frame, and takes the
  // task from who has just looked it up (wjit_task_return_entry).
  if (plain) {
    std::vector<llvm::Type*> params(signature.type->params());
    params.push_back(ptr_);
    make_function(".task_return", llvm::FunctionType::get(void_, params, false));
    function_->removeFnAttr("split-stack");
    function_->addParamAttr(static_cast<unsigned>(params.size()) - 1, llvm::Attribute::Nest);  // in r10
    task_ = function_->getArg(static_cast<unsigned>(params.size()) - 1);
  } else {
    make_function(".task_return", signature.type);
    task_ = read_task();
  }
  Value* state = field(task_, task_offset::state, i32_);
  Value* expected = b_.CreateICmpEQ(state, b_.getInt32(state_word(TaskState::Started, kind)));
  auto* go_on = block("");
  auto* other = block("slow");
  b_.CreateCondBr(b_.CreateAnd(expected, b_.CreateICmpNE(read_may_leave(), b_.getInt8(0))), go_on, other);
  b_.SetInsertPoint(go_on);
  flats = read_params(signature, function_);
  if (plain) instead_of_traps_ = other;
  lift_results_of_task(spec, flats, kMaxFlatParams);
  instead_of_traps_ = nullptr;
  // The whole word, as `lower` reads it; but a realloc may have marked the task dirty meanwhile.
  if (result != kNoType && contains_pointer(types_, result)) {
    set_field(task_, task_offset::state, b_.getInt8(static_cast<uint8_t>(TaskState::Resolved)));
  } else {
    set_field(task_, task_offset::state, b_.getInt32(state_word(TaskState::Resolved, kind)));
  }
  b_.CreateRetVoid();

  b_.SetInsertPoint(other);
  other->moveAfter(&function_->back());
  std::vector<Value*> same;
  for (unsigned i = 0; i < signature.type->getNumParams(); ++i) same.push_back(function_->getArg(i));
  b_.CreateCall(slow, same)->setTailCall();
  b_.CreateRetVoid();
}

}  // namespace wjit::adapter

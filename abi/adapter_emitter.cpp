// The functions of an adapter that the run time takes part in (slow, start, finish), what they share with those of
// abi/adapter_enter.cpp (parameters and results), and copiers. See abi/adapter.h for what each one does.
#include "abi/adapter_emit.h"
#include "base/check.h"

namespace wjit::adapter {

AdapterEmitter::AdapterEmitter(llvm::LLVMContext& context, const ir::EmitOptions& options, const ComponentTypes& types)
    : context_(context),
      options_(options),
      types_(types),
      module_(std::make_unique<llvm::Module>("adapter", context)),
      b_(context) {
  if (!options.target_triple.empty()) module_->setTargetTriple(llvm::Triple(options.target_triple));
  if (!options.data_layout.empty()) module_->setDataLayout(options.data_layout);
  void_ = b_.getVoidTy();
  i8_ = b_.getInt8Ty();
  i32_ = b_.getInt32Ty();
  i64_ = b_.getInt64Ty();
  f32_ = b_.getFloatTy();
  f64_ = b_.getDoubleTy();
  ptr_ = b_.getPtrTy();
  null_ = llvm::ConstantPointerNull::get(b_.getPtrTy());
}

llvm::Function* AdapterEmitter::make_function(const std::string& name, llvm::FunctionType* type) {
  auto* function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, prefix_ + name, *module_);
  llvm::AttrBuilder attributes(context_);
  attributes.addAttribute("split-stack");
  attributes.addAttribute(llvm::Attribute::NoRedZone);
  attributes.addUWTableAttr(llvm::UWTableKind::Sync);
  if (!options_.cpu.empty()) attributes.addAttribute("target-cpu", options_.cpu);
  if (!options_.features.empty()) attributes.addAttribute("target-features", options_.features);
  function->addFnAttrs(attributes);
  function_ = function;
  self_ = function->getArg(0);
  b_.SetInsertPoint(llvm::BasicBlock::Create(context_, "entry", function));
  return function;
}

CanonOptions AdapterEmitter::canon_options(const AdapterSide& side) {
  CanonOptions options;
  options.memory_is_64 = side.memory_is_64;
  options.is_async = side.is_async();
  if (side.kind == AdapterSide::Kind::Callback) options.callback = 0;
  return options;
}

Value* AdapterEmitter::call_slot(Value* call, size_t offset) {
  return b_.CreateConstInBoundsGEP1_64(i8_, call, offset);
}

Value* AdapterEmitter::task_slot(size_t offset) { return b_.CreateConstInBoundsGEP1_64(i8_, task_, offset); }

llvm::BasicBlock* AdapterEmitter::block(const char* name) {
  return llvm::BasicBlock::Create(context_, name, function_);
}

void AdapterEmitter::emit_adapter(const AdapterSpec& spec, const std::string& prefix) {
  prefix_ = prefix;
  caller_ = {&spec.lower,
             spec.lower.memory_is_64,
             spec.lower.is_host(),
             adapter_offset::caller,
             adapter_offset::caller_memory,
             adapter_offset::caller_realloc};
  callee_ = {&spec.lift,
             spec.lift.memory_is_64,
             spec.lift.is_host(),
             adapter_offset::callee,
             adapter_offset::callee_memory,
             adapter_offset::callee_realloc};
  resources_ = resource_occurrences(types_, spec.type);
  streams_ = stream_occurrences(types_, spec.type);
  if (spec.lift.is_host()) emit_finish(spec);
  if (!spec.lower.is_host()) emit_lower(spec);
  if (!spec.lift.is_host()) emit_start(spec);
  if (spec.lift.is_async()) emit_task_return(spec);
}

// Parameters in memory, seen as one tuple.
void AdapterEmitter::translate_tuple(TypeId func, Source source, Target target) {
  const ComponentTypeDef& type = types_[func];
  std::vector<uint32_t> from = field_offsets(types_, func, source.side.is_64);
  std::vector<uint32_t> to = field_offsets(types_, func, target.side.is_64);
  for (size_t i = 0; i < type.parts.size(); ++i) translate(type.parts[i].type, at(source, from[i]), at(target, to[i]));
}

void AdapterEmitter::translate_params(const AdapterSpec& spec, std::vector<Value*> flats, Side from, uint32_t max_flat,
                                      Target target) {
  direction_ = 0;
  if (flat_param_count(types_, spec.type) > max_flat) {
    SizeAlign tuple = params_size(types_, spec.type, from.is_64);
    Value* pointer = checked(from, zext64(flats[0]), b_.getInt64(tuple.size), tuple.alignment);
    return translate_tuple(spec.type, {from, nullptr, pointer}, target);
  }
  FlatReader reader{std::move(flats), 0};
  translate_tuple(spec.type, {from, &reader, nullptr}, target);
}

// ---- lower and slow: the caller's core function ----

void AdapterEmitter::emit_lower(const AdapterSpec& spec) {
  if (callee_.host) return emit_lower_to_host(spec);
  if (!spec.eager) return emit_slow(spec, ".lower");
  emit_slow(spec, ".slow");
  emit_enter(spec);
  if (types_[spec.type].is_async && !spec.lift.is_async()) emit_complete(spec);
}

// A Call on the stack with the parameters in it.
void AdapterEmitter::make_call(const std::vector<Value*>& params) {
  auto* call = b_.CreateAlloca(llvm::ArrayType::get(i8_, sizeof(Call)));
  call->setAlignment(llvm::Align(16));
  call_ = call;
  for (size_t i = 0; i < params.size(); ++i) b_.CreateStore(widen(params[i]), call_slot(call_, i * 8));
  if (!params.empty()) b_.CreateStore(widen(params.back()), call_slot(call_, call_offset::result));
  b_.CreateStore(null_, call_slot(call_, call_offset::arena));
}

// Returns what a sync lower's core function has: nothing, or `word` narrowed.
void AdapterEmitter::return_flat(const FuncType& core, Value* word) {
  if (core.results.empty()) {
    b_.CreateRetVoid();
  } else {
    b_.CreateRet(narrow(word, flat_type(core.results[0])));
  }
}

void AdapterEmitter::emit_slow(const AdapterSpec& spec, const char* name) {
  FuncType core = flatten_functype(types_, canon_options(spec.lower), spec.type, CanonContext::Lower);
  CoreSignature signature = signature_of(core);
  make_function(name, signature.type);
  if (spec.eager) {  // out of `lower`, whose frame is to be small
    function_->addFnAttr(llvm::Attribute::NoInline);
    function_->addFnAttr(llvm::Attribute::Cold);
  }
  make_call(read_params(signature, function_));
  return_flat(core, call_runtime("call", {call_}));
}

void AdapterEmitter::emit_lower_to_host(const AdapterSpec& spec) {
  FuncType core = flatten_functype(types_, canon_options(spec.lower), spec.type, CanonContext::Lower);
  CoreSignature signature = signature_of(core);
  make_function(".lower", signature.type);
  std::vector<Value*> params = read_params(signature, function_);
  make_call(params);
  auto space = [&](SizeAlign size) {
    auto* memory = b_.CreateAlloca(llvm::ArrayType::get(i8_, std::max(size.size, 1u)));
    memory->setAlignment(llvm::Align(16));
    b_.CreateMemSet(memory, b_.getInt8(0), size.size, llvm::Align(16));
    return memory;
  };
  Value* tuple = space(params_size(types_, spec.type, true));
  TypeId result = types_[spec.type].element;
  Value* results = space({result != kNoType ? elem_size(types_, result, true) : 0, 1});
  b_.CreateStore(tuple, call_slot(call_, call_offset::host_params));
  b_.CreateStore(results, call_slot(call_, call_offset::host_results));
  task_ = null_;
  translate_params(spec, params, caller_, spec.lower.is_async() ? kMaxFlatAsyncParams : kMaxFlatParams,
                   {callee_, nullptr, tuple});
  Value* status = call_runtime("host_call", {call_});
  auto* finish = module_->getFunction(prefix_ + ".finish");
  if (!spec.lower.is_async()) {
    b_.CreateCall(finish, {self_, call_});
    return return_flat(core, b_.CreateLoad(i64_, call_slot(call_, call_offset::result)));
  }
  auto* ready = block("ready");
  auto* pending = block("pending");
  b_.CreateCondBr(b_.CreateICmpEQ(status, b_.getInt32(static_cast<uint32_t>(kHostCallReady))), ready, pending);
  b_.SetInsertPoint(ready);
  b_.CreateCall(finish, {self_, call_});
  b_.CreateRet(b_.getInt32(kReturned));
  b_.SetInsertPoint(pending);
  b_.CreateRet(status);
}

// ---- parameters: caller to callee ----

// The callee's core parameters: flat, or the address of a tuple that its realloc made. `flats` are the caller's core
// parameters; of a host caller: none, the tuple is at call_->host_params.
std::vector<Value*> AdapterEmitter::lower_params(const AdapterSpec& spec, const std::vector<Value*>& flats) {
  std::vector<Value*> args;
  Target target{callee_, &args, nullptr};
  uint32_t flat_params = flat_param_count(types_, spec.type);
  if (flat_params > kMaxFlatParams) {
    SizeAlign tuple = params_size(types_, spec.type, callee_.is_64);
    Value* address = allocate(callee_, tuple.alignment, b_.getInt64(tuple.size));
    args.push_back(b_.CreateZExtOrTrunc(address, flat_type(ptr_type(callee_.is_64))));
    target = {callee_, nullptr, host_pointer(callee_, address)};
  }
  if (caller_.host) {
    direction_ = 0;
    Value* tuple = b_.CreateLoad(ptr_, call_slot(call_, call_offset::host_params));
    translate_tuple(spec.type, {caller_, nullptr, tuple}, target);
  } else {
    translate_params(spec, flats, caller_, spec.lower.is_async() ? kMaxFlatAsyncParams : kMaxFlatParams, target);
  }
  return args;
}

// ---- results: callee to caller ----

// Where a guest caller's results go: to memory, or flat.
bool AdapterEmitter::results_in_memory(const AdapterSpec& spec) const {
  return types_[spec.type].element != kNoType &&
         (spec.lower.is_async() || flat_result_count(types_, spec.type) > kMaxFlatResults);
}

// `flats` as the callee's core function or task.return gave them (`max_flat`: more are behind a pointer); or, host
// callee, the tuple at call_->host_results. The result is the caller's flat one, widened; null if there is none.
Value* AdapterEmitter::lift_results(const AdapterSpec& spec, const std::vector<Value*>& flats, uint32_t max_flat,
                                    Value* return_pointer) {
  direction_ = 1;
  TypeId result = types_[spec.type].element;
  if (result == kNoType) return nullptr;
  FlatReader reader;
  Source source{callee_, nullptr, nullptr};
  if (callee_.host) {
    source.pointer = b_.CreateLoad(ptr_, call_slot(call_, call_offset::host_results));
  } else if (flat_result_count(types_, spec.type) > max_flat) {
    source.pointer = checked(callee_, zext64(flats[0]), b_.getInt64(elem_size(types_, result, callee_.is_64)),
                             alignment(types_, result, callee_.is_64));
  } else {
    reader.values = flats;
    source.flat = &reader;
  }
  if (caller_.host) {
    Value* pointer = b_.CreateLoad(ptr_, call_slot(call_, call_offset::host_results));
    translate(result, source, {caller_, nullptr, pointer});
    return nullptr;
  }
  if (!results_in_memory(spec)) {
    std::vector<Value*> out;
    translate(result, source, {caller_, &out, nullptr});
    return widen(out[0]);
  }
  Value* pointer = checked(caller_, return_pointer, b_.getInt64(elem_size(types_, result, caller_.is_64)),
                           alignment(types_, result, caller_.is_64));
  translate(result, source, {caller_, nullptr, pointer});
  return nullptr;
}

// As lift_results, with the task's record in between: its `result` is the return pointer, or becomes the flat result.
void AdapterEmitter::lift_results_of_task(const AdapterSpec& spec, const std::vector<Value*>& flats,
                                          uint32_t max_flat) {
  if (caller_.host) call_ = b_.CreateLoad(ptr_, task_slot(offsetof(Task, call)));
  Value* pointer =
      results_in_memory(spec) && !caller_.host ? b_.CreateLoad(i64_, task_slot(task_offset::result)) : nullptr;
  Value* flat = lift_results(spec, flats, max_flat, pointer);
  if (flat != nullptr) b_.CreateStore(flat, task_slot(task_offset::result));
}

void AdapterEmitter::call_post_return(const AdapterSpec& spec, const FuncType& core, Value* flat_result) {
  if (!spec.lift.has_post_return) return;
  FuncType post{core.results, {}};
  set_may_leave(callee_, false);
  std::vector<Value*> args;
  if (flat_result != nullptr) args.push_back(flat_result);
  call_core(signature_of(post), adapter_offset::post_return, args);
  set_may_leave(callee_, true);
}

// ---- start: on the callee's fiber, from the run time ----

void AdapterEmitter::emit_start(const AdapterSpec& spec) {
  make_function(".start", llvm::FunctionType::get(i32_, {ptr_, ptr_}, false));
  task_ = function_->getArg(1);
  call_ = b_.CreateLoad(ptr_, task_slot(offsetof(Task, call)));
  FuncType core = flatten_functype(types_, canon_options(spec.lift), spec.type, CanonContext::Lift);
  std::vector<Value*> flats;
  if (!caller_.host) {
    FuncType caller_core = flatten_functype(types_, canon_options(spec.lower), spec.type, CanonContext::Lower);
    uint32_t max_flat = spec.lower.is_async() ? kMaxFlatAsyncParams : kMaxFlatParams;
    uint32_t flat_params = flat_param_count(types_, spec.type);
    size_t count = flat_params > max_flat ? 1 : flat_params;
    for (size_t i = 0; i < count; ++i) {
      flats.push_back(narrow(b_.CreateLoad(i64_, call_slot(call_, i * 8)), flat_type(caller_core.params[i])));
    }
  }
  std::vector<Value*> args = lower_params(spec, flats);
  Value* result = call_core(signature_of(core), adapter_offset::callee_function, args);
  if (spec.lift.is_async()) {
    b_.CreateRet(result != nullptr ? result : b_.getInt32(0));
    return;
  }
  lift_results_of_task(spec, result != nullptr ? std::vector<Value*>{result} : std::vector<Value*>{}, kMaxFlatResults);
  call_runtime("resolve", {task_});
  call_post_return(spec, core, result);
  b_.CreateRet(b_.getInt32(0));
}

// ---- finish: a host callee's results ----

void AdapterEmitter::emit_finish(const AdapterSpec& spec) {
  make_function(".finish", llvm::FunctionType::get(void_, {ptr_, ptr_}, false));
  call_ = function_->getArg(1);
  task_ = null_;
  size_t pointer_slot = 0;
  if (results_in_memory(spec)) {
    uint32_t max_flat = spec.lower.is_async() ? kMaxFlatAsyncParams : kMaxFlatParams;
    uint32_t params = flat_param_count(types_, spec.type);
    pointer_slot = params > max_flat ? 1 : params;
  }
  Value* pointer = results_in_memory(spec) ? b_.CreateLoad(i64_, call_slot(call_, pointer_slot * 8)) : nullptr;
  Value* flat = lift_results(spec, {}, 0, pointer);
  if (flat != nullptr) b_.CreateStore(flat, call_slot(call_, call_offset::result));
  Value* arena = b_.CreateLoad(ptr_, call_slot(call_, call_offset::arena));
  auto* release = block("release");
  auto* done = block("done");
  b_.CreateCondBr(b_.CreateIsNull(arena), done, release);
  b_.SetInsertPoint(release);
  call_runtime("release", {call_});
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
  b_.CreateRetVoid();
}

// ---- copiers ----

void AdapterEmitter::emit_copier(const CopierSpec& spec, const std::string& prefix) {
  prefix_ = prefix;
  caller_ = {&spec.source,           spec.source.memory_is_64,      spec.source.is_host(),
             adapter_offset::caller, adapter_offset::caller_memory, adapter_offset::caller_realloc};
  callee_ = {&spec.destination,      spec.destination.memory_is_64, spec.destination.is_host(),
             adapter_offset::callee, adapter_offset::callee_memory, adapter_offset::callee_realloc};
  resources_ = resource_occurrences(types_, spec.element);
  streams_ = stream_occurrences(types_, spec.element);
  make_function(".copy", llvm::FunctionType::get(void_, {ptr_, ptr_, ptr_, i32_, ptr_}, false));
  Value* from = function_->getArg(1);
  Value* to = function_->getArg(2);
  Value* count = b_.CreateZExt(function_->getArg(3), i64_);
  call_ = function_->getArg(4);
  task_ = null_;
  direction_ = 0;
  uint32_t from_size = elem_size(types_, spec.element, caller_.is_64);
  uint32_t to_size = elem_size(types_, spec.element, callee_.is_64);
  if (!all_numbers(types_, spec.element) || !copy_numbers(spec.element, from, to, count)) {
    loop(count, [&](Value* index) {
      Source source{caller_, nullptr, b_.CreateGEP(i8_, from, b_.CreateMul(index, b_.getInt64(from_size)))};
      Target target{callee_, nullptr, b_.CreateGEP(i8_, to, b_.CreateMul(index, b_.getInt64(to_size)))};
      translate(spec.element, source, target);
    });
  }
  b_.CreateRetVoid();
}

}  // namespace wjit::adapter

// The functions of an adapter: lower, start, finish; and copiers. See abi/adapter.h for what each one does.
#include "abi/adapter_emit.h"

#include "base/check.h"

namespace wjit::adapter {

AdapterEmitter::AdapterEmitter(llvm::LLVMContext& context, const ir::EmitOptions& options, const ComponentTypes& types)
    : context_(context), options_(options), types_(types), module_(std::make_unique<llvm::Module>("adapter", context)),
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
}

llvm::Function* AdapterEmitter::make_function(const std::string& name, llvm::FunctionType* type) {
  auto* function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, prefix_ + name, *module_);
  llvm::AttrBuilder attributes(context_);
  attributes.addAttribute("split-stack");
  attributes.addAttribute("frame-pointer", "all");
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

Value* AdapterEmitter::call_slot(Value* call, size_t offset) { return b_.CreateConstInBoundsGEP1_64(i8_, call, offset); }

void AdapterEmitter::emit_adapter(const AdapterSpec& spec, const std::string& prefix) {
  prefix_ = prefix;
  caller_ = {&spec.lower, spec.lower.memory_is_64, spec.lower.is_host(), adapter_offset::caller,
             adapter_offset::caller_memory, adapter_offset::caller_realloc};
  callee_ = {&spec.lift, spec.lift.memory_is_64, spec.lift.is_host(), adapter_offset::callee,
             adapter_offset::callee_memory, adapter_offset::callee_realloc};
  resources_ = resource_occurrences(types_, spec.type);
  streams_ = stream_occurrences(types_, spec.type);
  emit_finish(spec);
  if (!spec.lower.is_host()) emit_lower(spec);
  if (!spec.lift.is_host()) emit_start(spec);
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

// ---- lower: the caller's core function ----

void AdapterEmitter::emit_lower(const AdapterSpec& spec) {
  FuncType core = flatten_functype(types_, canon_options(spec.lower), spec.type, CanonContext::Lower);
  CoreSignature signature = signature_of(core);
  make_function(".lower", signature.type);
  std::vector<Value*> params = read_params(signature, function_);
  llvm::Type* call_type = llvm::ArrayType::get(i8_, sizeof(Call));
  auto* call = b_.CreateAlloca(call_type);
  call->setAlignment(llvm::Align(16));
  call_ = call;
  for (size_t i = 0; i < params.size(); ++i) b_.CreateStore(widen(params[i]), call_slot(call_, i * 8));
  Value* null = llvm::ConstantPointerNull::get(llvm::PointerType::get(context_, 0));
  b_.CreateStore(null, call_slot(call_, call_offset::arena));
  b_.CreateStore(null, call_slot(call_, call_offset::task));

  auto return_result = [&] {
    if (core.results.empty()) {
      b_.CreateRetVoid();
    } else {
      Value* word = b_.CreateLoad(i64_, call_slot(call_, call_offset::result));
      b_.CreateRet(narrow(word, flat_type(core.results[0])));
    }
  };
  if (!spec.lift.is_host()) {
    Value* status = call_runtime("call", {call_});
    if (spec.lower.is_async()) {
      b_.CreateRet(status);
    } else {
      return_result();
    }
    return;
  }

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
  translate_params(spec, params, caller_, spec.lower.is_async() ? kMaxFlatAsyncParams : kMaxFlatParams,
                   {callee_, nullptr, tuple});
  Value* status = call_runtime("host_call", {call_});
  auto* finish = module_->getFunction(prefix_ + ".finish");
  if (!spec.lower.is_async()) {
    b_.CreateCall(finish, {self_, call_, null});
    return return_result();
  }
  auto* ready = llvm::BasicBlock::Create(context_, "ready", function_);
  auto* pending = llvm::BasicBlock::Create(context_, "pending", function_);
  b_.CreateCondBr(b_.CreateICmpEQ(status, b_.getInt32(static_cast<uint32_t>(kHostCallReady))), ready, pending);
  b_.SetInsertPoint(ready);
  b_.CreateCall(finish, {self_, call_, null});
  b_.CreateRet(b_.getInt32(2 /* RETURNED */));
  b_.SetInsertPoint(pending);
  b_.CreateRet(status);
}

// ---- start: on the callee's fiber ----

void AdapterEmitter::emit_start(const AdapterSpec& spec) {
  make_function(".start", llvm::FunctionType::get(i32_, {ptr_, ptr_}, false));
  call_ = function_->getArg(1);
  auto* buffer = b_.CreateAlloca(i64_);  // of the flat result; in the entry block, so that the frame has a fixed size
  FuncType core = flatten_functype(types_, canon_options(spec.lift), spec.type, CanonContext::Lift);
  CoreSignature signature = signature_of(core);

  std::vector<Value*> args;
  Target target{callee_, &args, nullptr};
  uint32_t flat_params = flat_param_count(types_, spec.type);
  if (flat_params > kMaxFlatParams) {
    SizeAlign tuple = params_size(types_, spec.type, callee_.is_64);
    Value* address = reallocate(callee_, tuple.alignment, b_.getInt64(tuple.size));
    args.push_back(b_.CreateZExtOrTrunc(address, flat_type(ptr_type(callee_.is_64))));
    target = {callee_, nullptr, host_pointer(callee_, address)};
  }
  if (caller_.host) {
    direction_ = 0;
    Value* tuple = b_.CreateLoad(ptr_, call_slot(call_, call_offset::host_params));
    translate_tuple(spec.type, {caller_, nullptr, tuple}, target);
  } else {
    FuncType caller_core = flatten_functype(types_, canon_options(spec.lower), spec.type, CanonContext::Lower);
    uint32_t max_flat = spec.lower.is_async() ? kMaxFlatAsyncParams : kMaxFlatParams;
    size_t count = flat_params > max_flat ? 1 : flat_params;
    std::vector<Value*> flats;
    for (size_t i = 0; i < count; ++i) {
      Value* word = b_.CreateLoad(i64_, call_slot(call_, i * 8));
      flats.push_back(narrow(word, flat_type(caller_core.params[i])));
    }
    translate_params(spec, flats, caller_, max_flat, target);
  }
  Value* result = call_core(signature, adapter_offset::callee_function, args);

  if (spec.lift.is_async()) {
    b_.CreateRet(result != nullptr ? result : b_.getInt32(0));
    return;
  }
  if (result != nullptr) b_.CreateStore(widen(result), buffer);
  b_.CreateCall(module_->getFunction(prefix_ + ".finish"), {self_, call_, buffer});
  call_runtime("resolve", {call_});
  if (spec.lift.has_post_return) {
    FuncType post{core.results, {}};
    set_may_leave(callee_, false);
    std::vector<Value*> post_args;
    if (result != nullptr) post_args.push_back(result);
    call_core(signature_of(post), adapter_offset::post_return, post_args);
    set_may_leave(callee_, true);
  }
  b_.CreateRet(b_.getInt32(0));
}

// ---- finish: the results, callee to caller ----

void AdapterEmitter::emit_finish(const AdapterSpec& spec) {
  make_function(".finish", llvm::FunctionType::get(void_, {ptr_, ptr_, ptr_}, false));
  call_ = function_->getArg(1);
  Value* flat_results = function_->getArg(2);
  direction_ = 1;
  TypeId result = types_[spec.type].element;
  auto end = [&] {
    if (callee_.host) {
      Value* arena = b_.CreateLoad(ptr_, call_slot(call_, call_offset::arena));
      auto* release = llvm::BasicBlock::Create(context_, "release", function_);
      auto* done = llvm::BasicBlock::Create(context_, "done", function_);
      b_.CreateCondBr(b_.CreateIsNull(arena), done, release);
      b_.SetInsertPoint(release);
      call_runtime("release", {call_});
      b_.CreateBr(done);
      b_.SetInsertPoint(done);
    }
    b_.CreateRetVoid();
  };
  if (result == kNoType) return end();

  uint32_t flats = flat_result_count(types_, spec.type);
  FlatReader reader;
  Source source{callee_, nullptr, nullptr};
  if (callee_.host) {
    source.pointer = b_.CreateLoad(ptr_, call_slot(call_, call_offset::host_results));
  } else if (flats > (spec.lift.is_async() ? kMaxFlatParams : kMaxFlatResults)) {
    Value* address = b_.CreateLoad(i64_, flat_results);
    source.pointer = checked(callee_, address, b_.getInt64(elem_size(types_, result, callee_.is_64)),
                             alignment(types_, result, callee_.is_64));
  } else {
    std::vector<llvm::Type*> types = flat_types(result, callee_.is_64);
    for (size_t i = 0; i < types.size(); ++i) {
      Value* word = b_.CreateLoad(i64_, b_.CreateConstInBoundsGEP1_64(i64_, flat_results, i));
      reader.values.push_back(narrow(word, types[i]));
    }
    source.flat = &reader;
  }

  if (caller_.host) {
    Value* pointer = b_.CreateLoad(ptr_, call_slot(call_, call_offset::host_results));
    translate(result, source, {caller_, nullptr, pointer});
    return end();
  }
  if (!spec.lower.is_async() && flats <= kMaxFlatResults) {
    std::vector<Value*> out;
    translate(result, source, {caller_, &out, nullptr});
    b_.CreateStore(widen(out[0]), call_slot(call_, call_offset::result));
    return end();
  }
  uint32_t max_flat = spec.lower.is_async() ? kMaxFlatAsyncParams : kMaxFlatParams;
  uint32_t params = flat_param_count(types_, spec.type);
  size_t return_pointer = params > max_flat ? 1 : params;
  Value* address = b_.CreateLoad(i64_, call_slot(call_, return_pointer * 8));
  Value* pointer = checked(caller_, address, b_.getInt64(elem_size(types_, result, caller_.is_64)),
                           alignment(types_, result, caller_.is_64));
  translate(result, source, {caller_, nullptr, pointer});
  end();
}

// ---- copiers ----

void AdapterEmitter::emit_copier(const CopierSpec& spec, const std::string& prefix) {
  prefix_ = prefix;
  caller_ = {&spec.source, spec.source.memory_is_64, spec.source.is_host(), adapter_offset::caller,
             adapter_offset::caller_memory, adapter_offset::caller_realloc};
  callee_ = {&spec.destination, spec.destination.memory_is_64, spec.destination.is_host(), adapter_offset::callee,
             adapter_offset::callee_memory, adapter_offset::callee_realloc};
  resources_ = resource_occurrences(types_, spec.element);
  streams_ = stream_occurrences(types_, spec.element);
  make_function(".copy", llvm::FunctionType::get(void_, {ptr_, ptr_, ptr_, i32_, ptr_}, false));
  Value* from = function_->getArg(1);
  Value* to = function_->getArg(2);
  Value* count = b_.CreateZExt(function_->getArg(3), i64_);
  call_ = function_->getArg(4);
  direction_ = 0;
  uint32_t from_size = elem_size(types_, spec.element, caller_.is_64);
  uint32_t to_size = elem_size(types_, spec.element, callee_.is_64);
  loop(count, [&](Value* index) {
    Source source{caller_, nullptr, b_.CreateGEP(i8_, from, b_.CreateMul(index, b_.getInt64(from_size)))};
    Target target{callee_, nullptr, b_.CreateGEP(i8_, to, b_.CreateMul(index, b_.getInt64(to_size)))};
    translate(spec.element, source, target);
  });
  b_.CreateRetVoid();
}

}  // namespace wjit::adapter

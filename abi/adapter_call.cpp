// Core signatures, calls of core functions and of the run time, traps. See abi/adapter_emit.h.
#include <llvm/IR/Intrinsics.h>

#include "abi/adapter_emit.h"
#include "base/check.h"

namespace wjit::adapter {

llvm::Type* AdapterEmitter::flat_type(ValType type) {
  switch (type.kind) {
    case ValKind::I32: return i32_;
    case ValKind::I64: return i64_;
    case ValKind::F32: return f32_;
    case ValKind::F64: return f64_;
    default: UNREACHABLE_CASE("a flat value that is no number");
  }
}

AdapterEmitter::CoreSignature AdapterEmitter::signature_of(const FuncType& core) {
  CoreSignature signature{core, classify(core), nullptr};
  std::vector<llvm::Type*> params{ptr_};
  for (size_t i = 0; i < core.params.size(); ++i) {
    if (signature.shape.params[i].where != ValueLocation::Where::Area) params.push_back(flat_type(core.params[i]));
  }
  llvm::Type* result = core.results.empty() ? void_ : flat_type(core.results[0]);
  signature.type = llvm::FunctionType::get(result, params, false);
  return signature;
}

static Value* area_slot(llvm::IRBuilder<>& b, Value* store, uint32_t slot) {
  return b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), store, offsetof(StoreContext, argument_area) + size_t{slot} * 16);
}

// The parameters of the function being emitted, in their order; all of them are read before anything else runs.
std::vector<Value*> AdapterEmitter::read_params(const CoreSignature& signature, llvm::Function* function) {
  std::vector<Value*> values;
  Value* store = nullptr;
  unsigned next = 1;
  for (size_t i = 0; i < signature.core.params.size(); ++i) {
    const ValueLocation& at = signature.shape.params[i];
    if (at.where != ValueLocation::Where::Area) {
      values.push_back(function->getArg(next++));
      continue;
    }
    if (store == nullptr) store = load_context(adapter_offset::store, ptr_);
    values.push_back(b_.CreateLoad(flat_type(signature.core.params[i]), area_slot(b_, store, at.index)));
  }
  return values;
}

// Those of `args` that travel in registers, in their order; the others are stored to the argument area.
std::vector<Value*> AdapterEmitter::place_args(const CoreSignature& signature, const std::vector<Value*>& args) {
  CHECK(args.size() == signature.core.params.size());
  std::vector<Value*> values;
  Value* store = nullptr;
  for (size_t i = 0; i < args.size(); ++i) {
    const ValueLocation& at = signature.shape.params[i];
    if (at.where != ValueLocation::Where::Area) {
      values.push_back(args[i]);
      continue;
    }
    if (store == nullptr) store = load_context(adapter_offset::store, ptr_);
    b_.CreateStore(args[i], area_slot(b_, store, at.index));
  }
  return values;
}

Value* AdapterEmitter::call_core(const CoreSignature& signature, size_t pointer_offset,
                                 const std::vector<Value*>& args) {
  return call_core(signature, {load_context(pointer_offset, ptr_), load_context(pointer_offset + 8, ptr_)}, args);
}

Value* AdapterEmitter::call_core(const CoreSignature& signature, std::pair<Value*, Value*> code_and_vmctx,
                                 const std::vector<Value*>& args) {
  auto [code, vmctx] = code_and_vmctx;
  std::vector<Value*> values = place_args(signature, args);
  values.insert(values.begin(), vmctx);
  llvm::CallInst* call = b_.CreateCall(signature.type, code, values);
  return signature.core.results.empty() ? nullptr : call;
}

Value* AdapterEmitter::call_runtime(const char* name, std::vector<Value*> args) {
  struct Row {
    const char* name;
    const char* params;
    const char* result;
  };
  static constexpr Row rows[] = {
#define RUNTIME_CALL(n, params, result) {#n, params, result},
#include "abi/runtime_calls.def"
#undef RUNTIME_CALL
  };
  auto type_of = [this](char letter) { return letter == 'i' ? i32_ : letter == 'l' ? i64_ : ptr_; };
  for (const Row& row : rows) {
    if (std::string_view(row.name) != name) continue;
    std::vector<llvm::Type*> params{ptr_};
    for (const char* p = row.params; *p != 0; ++p) params.push_back(type_of(*p));
    llvm::Type* result = *row.result == 0 ? void_ : type_of(*row.result);
    auto callee =
        module_->getOrInsertFunction(std::string("wjit.abi.") + name, llvm::FunctionType::get(result, params, false));
    args.insert(args.begin(), self_);
    CHECK(args.size() == params.size());
    return b_.CreateCall(callee, args);
  }
  UNREACHABLE_CASE("a run-time call that is not in abi/runtime_calls.def");
}

void AdapterEmitter::trap(Trap code) {
  if (instead_of_traps_ != nullptr) {
    b_.CreateBr(instead_of_traps_);
    return;
  }
  auto callee = module_->getOrInsertFunction("wjit.trap", llvm::FunctionType::get(void_, {ptr_, i32_}, false));
  auto* function = llvm::cast<llvm::Function>(callee.getCallee());
  function->addFnAttr(llvm::Attribute::NoReturn);
  function->addFnAttr(llvm::Attribute::Cold);
  b_.CreateCall(callee, {self_, b_.getInt32(static_cast<uint32_t>(code))});
  b_.CreateUnreachable();
}

void AdapterEmitter::trap_if(Value* condition, Trap code) {
  auto* bad = block("trap");
  auto* good = block("");
  b_.CreateCondBr(condition, bad, good);
  b_.SetInsertPoint(bad);
  trap(code);
  b_.SetInsertPoint(good);
}

Value* AdapterEmitter::field(Value* record, size_t offset, llvm::Type* type) {
  return b_.CreateLoad(type, b_.CreateConstInBoundsGEP1_64(i8_, record, offset));
}

void AdapterEmitter::set_field(Value* record, size_t offset, Value* value) {
  b_.CreateStore(value, b_.CreateConstInBoundsGEP1_64(i8_, record, offset));
}

Value* AdapterEmitter::load_context(size_t offset, llvm::Type* type) { return field(self_, offset, type); }

void AdapterEmitter::set_may_leave(const Side& side, bool on) {
  Value* instance = load_context(side.instance, ptr_);
  b_.CreateStore(b_.getInt8(on ? 1 : 0), b_.CreateConstInBoundsGEP1_64(i8_, instance, instance_offset::may_leave));
}

Value* AdapterEmitter::zext64(Value* value) { return b_.CreateZExtOrTrunc(value, i64_); }

Value* AdapterEmitter::widen(Value* value) {
  if (value->getType() == f32_) value = b_.CreateBitCast(value, i32_);
  if (value->getType() == f64_) value = b_.CreateBitCast(value, i64_);
  return zext64(value);
}

Value* AdapterEmitter::narrow(Value* word, llvm::Type* type) {
  if (type == i64_) return word;
  if (type == f64_) return b_.CreateBitCast(word, f64_);
  Value* low = b_.CreateTrunc(word, i32_);
  return type == f32_ ? b_.CreateBitCast(low, f32_) : low;
}

}  // namespace wjit::adapter

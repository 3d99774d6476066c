// Calls, tail calls, and both ends of the calling convention (ir/signature.h): what does not fit into registers goes through
// StoreContext::argument_area, written right before a call or return and read right behind it.
//
// Tail calls: with the caller's own prototype `musttail`. With another one, a plain `tail` call in front of a return: as no
// guest function has stack arguments, LLVM makes a jump of it at every level (test/lit/ir/tail_call.wat).
#include "ir/emit.h"

namespace wjit::ir {

void FunctionEmitter::emit_call(Opcode op) {
  locate();
  switch (op) {
    case Opcode::Call:
    case Opcode::ReturnCall: {
      uint32_t function = reader_.u32();
      uint32_t type = s.module.functions[function].type;
      return call(s.signature(type), s.module.types[type].func, direct_callee(function), op == Opcode::ReturnCall);
    }
    case Opcode::CallIndirect:
    case Opcode::ReturnCallIndirect: {
      uint32_t type = reader_.u32();
      uint32_t table = reader_.u32();
      Callee callee = indirect_callee(type, table);
      if (!callee.code) return;
      return call(s.signature(type), s.module.types[type].func, callee, op == Opcode::ReturnCallIndirect);
    }
    case Opcode::CallRef:
    case Opcode::ReturnCallRef: {
      uint32_t type = reader_.u32();
      Value* reference = pop();
      trap_if(b.CreateIsNull(reference), TrapNumber::NullFunctionReference);
      return call(s.signature(type), s.module.types[type].func, reference_callee(reference), op == Opcode::ReturnCallRef);
    }
    default: return unsupported(info(op).text);
  }
}

FunctionEmitter::Callee FunctionEmitter::direct_callee(uint32_t function) {
  Callee callee;
  if (function < s.module.imported_functions) {
    uint32_t record = s.layout.imported_function(function);
    callee.code = load_vmctx_pointer(record + uint32_t{offsetof(ImportedFunction, code)}, 0);
    callee.vmctx = load_vmctx_pointer(record + uint32_t{offsetof(ImportedFunction, vmctx)}, 0);
    return callee;
  }
  uint32_t defined = function - s.module.imported_functions;
  callee.vmctx = vmctx_;
  callee.code = s.options.direct_calls ? s.emitted(defined) : nullptr;
  if (callee.code) return callee;
  uint64_t entries = s.module.functions.size() - s.module.imported_functions;
  Value* code = load_vmctx_pointer(vmctx_offset::code, entries * 8);
  callee.code = load(s.pointer, offset_pointer(code, uint64_t{defined} * 8), Alias::Records, 8);
  return callee;
}

FunctionEmitter::Callee FunctionEmitter::reference_callee(Value* reference) {
  return {load(s.pointer, offset_pointer(reference, offsetof(FuncRef, code)), Alias::Records, 8),
          load(s.pointer, offset_pointer(reference, offsetof(FuncRef, vmctx)), Alias::InstanceFixed, 8)};
}

// Core specification 3.0, call_indirect: the index, then null, then the type.
FunctionEmitter::Callee FunctionEmitter::indirect_callee(uint32_t type_index, uint32_t table) {
  const TypeDef& type = s.module.types[type_index];
  const TableType& in_table = table_type(table);
  Value* index = pop_address(in_table.limits.is_64);
  Value* element = table_element(table, index, TrapNumber::UndefinedElement);
  Value* reference = load(s.pointer, element, Alias::Tables, 8);
  if (in_table.element.nullable) trap_if(b.CreateIsNull(reference), TrapNumber::IndirectCallToNull);
  bool is_known = in_table.element.heap >= 0 &&
                  s.module.types[static_cast<size_t>(in_table.element.heap)].canonical_id == type.canonical_id;
  if (!is_known) {
    if (!type.is_final) {
      unsupported("call_indirect with a type that may have subtypes");
      return {};
    }
    Value* id = load(s.i32, offset_pointer(reference, offsetof(FuncRef, type_id)), Alias::InstanceFixed, 4);
    trap_if(b.CreateICmpNE(id, const32(type.canonical_id)), TrapNumber::BadSignature);
  }
  return reference_callee(reference);
}

Value* FunctionEmitter::area_slot(uint32_t slot) {
  if (!area_) {
    area_ = at_entry([&] {
      Value* store_context = load_vmctx_pointer(vmctx_offset::store, sizeof(StoreContext));
      return offset_pointer(store_context, store_context_offset::argument_area);
    });
  }
  return offset_pointer(area_, uint64_t{slot} * 16);
}

void FunctionEmitter::store_area(Value* value, uint32_t slot) { store(value, area_slot(slot), Alias::Area, 16); }

// At the entry, before anything else can write the area.
void FunctionEmitter::load_area_params(const CallShape& shape) {
  for (uint32_t i = 0; i != type_.params.size(); ++i) {
    if (shape.params[i].where != ValueLocation::Where::Area) continue;
    Value* slot = area_slot(shape.params[i].index);
    set_local(i, load(local_types_[i], slot, Alias::Area, 16));
  }
}

void FunctionEmitter::call(const Signature& signature, const FuncType& type, Callee callee, bool tail) {
  size_t count = type.params.size();
  canonicalize_top(count);
  llvm::SmallVector<Value*, 16> args{callee.vmctx};
  Value** operands = stack_.data() + (stack_.size() - count);
  for (size_t i = 0; i != count; ++i) {
    const ValueLocation& location = signature.shape.params[i];
    if (location.where == ValueLocation::Where::Area) {
      store_area(operands[i], location.index);
    } else {
      args.push_back(operands[i]);
    }
  }
  stack_.resize(stack_.size() - count);

  if (tail) {
    llvm::CallInst* instruction = b.CreateCall(signature.type, callee.code, args);
    bool same = signature.type == fn_->getFunctionType();
    instruction->setTailCallKind(same ? llvm::CallInst::TCK_MustTail : llvm::CallInst::TCK_Tail);
    if (type.results.empty()) {
      b.CreateRetVoid();
    } else {
      b.CreateRet(instruction);
    }
    return set_unreachable();
  }
  llvm::CallBase* instruction = call_or_invoke(signature.type, callee.code, args);
  // Recursion without end is the trap "call stack exhausted" and no endless loop, so LLVM may not make jumps of calls that
  // are reached unconditionally or lead to unknown code. Recursion that has a way out it may turn into a loop.
  auto* plain = llvm::dyn_cast<llvm::CallInst>(instruction);
  if (s.full && plain && (!llvm::isa<llvm::Function>(callee.code) || b.GetInsertBlock() == &fn_->getEntryBlock())) {
    plain->setTailCallKind(llvm::CallInst::TCK_NoTail);
  }
  for (size_t i = 0; i != type.results.size(); ++i) {
    const ValueLocation& location = signature.shape.results[i];
    if (location.where == ValueLocation::Where::Area) {
      push(load(s.value_type(type.results[i]), area_slot(location.index), Alias::Area, 16));
    } else {
      push(instruction);
    }
  }
}

void FunctionEmitter::emit_return() {
  canonicalize_top(type_.results.size());
  const CallShape& shape = s.signature(function_.type).shape;
  auto results = llvm::ArrayRef(stack_).take_back(type_.results.size());
  if (results.empty()) {
    b.CreateRetVoid();
  } else {
    for (size_t i = 1; i != results.size(); ++i) store_area(results[i], shape.results[i].index);
    b.CreateRet(results[0]);
  }
}

}  // namespace wjit::ir

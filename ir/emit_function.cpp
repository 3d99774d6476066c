// One function body from entry to end: parameters and locals, the walk over the instructions, dead code, and what is put
// right afterwards (phis that nobody reads, loads that nobody reads, trap blocks).
#include "ir/emit.h"

namespace wjit::ir {

FunctionEmitter::FunctionEmitter(ModuleState& state, uint32_t defined)
    : s(state),
      fn_(state.emitted(defined)),
      index_(state.module.imported_functions + defined),
      function_(state.module.functions[index_]),
      type_(state.module.function_type(index_)),
      reader_(state.module, function_.body),
      scan_(scan_body(state.module, function_)),
      b(state.context),
      debug_(state.debug_function(fn_, index_)),
      vmctx_(fn_->getArg(0)),
      memory_bases_(state.module.memories.size()) {}

Result<> FunctionEmitter::run() {
  begin();
  while (depth_ != 0 && error_.empty()) {
    offset_ = reader_.offset();
    if (reachable_) {
      instruction();
    } else {
      dead_instruction();
    }
  }
  if (!error_.empty()) {
    return fail("not supported yet: {} in function {}", error_, s.module.function_display_name(index_));
  }
  finish();
  return {};
}

void FunctionEmitter::unsupported(std::string_view what) {
  if (error_.empty()) error_ = what;
}

void FunctionEmitter::begin() {
  b.SetInsertPoint(llvm::BasicBlock::Create(s.context, "", fn_));
  for (ValType type : type_.params) local_types_.push_back(s.value_type(type));
  for (const LocalRun& run : function_.locals) {
    local_types_.insert(local_types_.end(), run.count, s.value_type(run.type));
  }
  locals_.resize(local_types_.size());
  if (scan_.locals_in_slots) {
    for (size_t i = 0; i != locals_.size(); ++i) locals_[i] = b.CreateAlloca(local_types_[i]);
  }
  const CallShape& shape = s.signature(function_.type).shape;
  unsigned argument = 1;
  for (uint32_t i = 0; i != type_.params.size(); ++i) {
    if (shape.params[i].where != ValueLocation::Where::Area) set_local(i, fn_->getArg(argument++));
  }
  load_area_params(shape);
  for (size_t i = type_.params.size(); i != locals_.size(); ++i) {
    set_local(static_cast<uint32_t>(i), llvm::Constant::getNullValue(local_types_[i]));
  }
  if (scan_.locals_in_slots && !fn_->getEntryBlock().empty()) last_entry_ = &fn_->getEntryBlock().back();
  push_frame(Frame::Kind::Function, type_);
}


void FunctionEmitter::instruction() {
  if (located_) {
    b.SetCurrentDebugLocation(llvm::DebugLoc());
    located_ = false;
  }
  Opcode op = reader_.opcode();
  const OpcodeInfo& row = info(op);
  if (row.prefix == 0) {
    if (op >= Opcode::I32Load && op <= Opcode::MemoryGrow) return emit_memory(op);
    if (op >= Opcode::LocalGet && op <= Opcode::GlobalSet) return emit_variable(op);
    if (op >= Opcode::I32Const && op <= Opcode::F64Const) return emit_variable(op);
    if (op >= Opcode::I32Eqz && op <= Opcode::I64GeU) return emit_integer(op);
    if (op >= Opcode::I32Clz && op <= Opcode::I64Rotr) return emit_integer(op);
    if (op >= Opcode::F32Eq && op <= Opcode::F64Ge) return emit_float(op);
    if (op >= Opcode::F32Abs && op <= Opcode::F64Copysign) return emit_float(op);
    if (op >= Opcode::I32WrapI64 && op <= Opcode::I64Extend32S) return emit_conversion(op);
    if (op >= Opcode::Call && op <= Opcode::ReturnCallRef) return emit_call(op);
    if (op == Opcode::TableGet || op == Opcode::TableSet) return emit_table(op);
    if (op >= Opcode::RefNull && op <= Opcode::RefAsNonNull) return emit_table(op);
    if (op == Opcode::Throw || op == Opcode::ThrowRef || op == Opcode::TryTable) return emit_exception(op);
    return emit_control(op);
  }
  if (row.prefix == 0xFC) {
    if (op <= Opcode::I64TruncSatF64U) return emit_conversion(op);
    if (op == Opcode::TableSize || op == Opcode::TableGrow) return emit_table(op);
    return emit_bulk(op);
  }
  if (row.prefix == 0xFD) return emit_vector(op);
  unsupported(name(row.feature));
}

// Code behind a branch that always goes elsewhere, up to the `else` or `end` of the frame that it belongs to. Blocks in it are
// counted, not opened.
void FunctionEmitter::dead_instruction() {
  Opcode op = reader_.opcode();
  switch (op) {
    case Opcode::Block:
    case Opcode::Loop:
    case Opcode::If:
    case Opcode::TryTable:
      ++dead_depth_;
      ++next_scan_;
      break;
    case Opcode::Else:
      if (dead_depth_ == 0) begin_else();
      return;
    case Opcode::End:
      if (dead_depth_ == 0) {
        end();
      } else {
        --dead_depth_;
      }
      return;
    default: break;
  }
  reader_.skip(info(op).immediate);
}

void FunctionEmitter::finish() {
  for (llvm::BasicBlock* block : trap_blocks_) block->insertInto(fn_);
  remove_dead_phis();
  if (!s.full) keep_dead_loads();
}

// Loop headers and ends of blocks have phis for all locals that are assigned, needed or not. Alive: read by something
// that is not a phi, or by a living phi.
void FunctionEmitter::remove_dead_phis() {
  llvm::SmallPtrSet<llvm::PHINode*, 32> alive;
  std::vector<llvm::PHINode*> work;
  for (llvm::PHINode* phi : phis_) {
    for (llvm::User* user : phi->users()) {
      if (llvm::isa<llvm::PHINode>(user)) continue;
      if (alive.insert(phi).second) work.push_back(phi);
      break;
    }
  }
  while (!work.empty()) {
    llvm::PHINode* phi = work.back();
    work.pop_back();
    for (Value* value : phi->incoming_values()) {
      auto* operand = llvm::dyn_cast<llvm::PHINode>(value);
      if (operand && alive.insert(operand).second) work.push_back(operand);
    }
  }
  if (alive.size() == phis_.size()) return;
  for (llvm::PHINode* phi : phis_) {
    if (!alive.contains(phi)) phi->dropAllReferences();
  }
  for (llvm::PHINode* phi : phis_) {
    if (!alive.contains(phi)) phi->eraseFromParent();
  }
}

// FastISel leaves out what nobody uses, loads too, but a load from linear memory must trap: those that nobody uses become
// volatile. (Full IR has a fake use behind every load instead, see memory_load.) Only loads from linear memory
// have alignment 1.
void FunctionEmitter::keep_dead_loads() {
  for (llvm::BasicBlock& block : llvm::reverse(*fn_)) {
    for (llvm::Instruction& instruction : llvm::make_early_inc_range(llvm::reverse(block))) {
      if (!instruction.use_empty() || instruction.mayHaveSideEffects() || instruction.isTerminator()) continue;
      auto* load = llvm::dyn_cast<llvm::LoadInst>(&instruction);
      if (load && load->getAlign() == llvm::Align(1)) {
        load->setVolatile(true);
      } else {
        instruction.eraseFromParent();
      }
    }
  }
}

// --- small pieces

Value* FunctionEmitter::canonical(Value* value) {
  llvm::Type* type = value->getType();
  if (type == s.i1) return b.CreateZExt(value, s.i32);
  if (type->isVectorTy()) return b.CreateBitCast(value, s.i64x2);  // itself if it has the type
  return value;
}

Value* FunctionEmitter::cast_vector(Value* value, llvm::Type* type) { return b.CreateBitCast(value, type); }

Value* FunctionEmitter::pop_condition() {
  Value* value = pop_any();
  return value->getType() == s.i1 ? value : b.CreateICmpNE(value, const32(0));
}

Value* FunctionEmitter::pop_address(bool is_64) {
  Value* value = pop();
  return is_64 ? value : b.CreateZExt(value, s.i64);
}

void FunctionEmitter::canonicalize_top(size_t count) {
  for (size_t i = stack_.size() - count; i != stack_.size(); ++i) stack_[i] = canonical(stack_[i]);
}

Value* FunctionEmitter::offset_pointer(Value* base, uint64_t offset) {
  return offset == 0 ? base : b.CreateConstInBoundsGEP1_64(s.i8, base, offset);
}

llvm::LoadInst* FunctionEmitter::load(llvm::Type* type, Value* pointer, Alias alias, uint32_t align) {
  llvm::LoadInst* result = b.CreateAlignedLoad(type, pointer, llvm::Align(align));
  s.annotate(result, alias);
  return result;
}

void FunctionEmitter::store(Value* value, Value* pointer, Alias alias, uint32_t align) {
  s.annotate(b.CreateAlignedStore(value, pointer, llvm::Align(align)), alias);
}

// A pointer of the vmctx that never changes, to `dereferenceable` readable bytes.
Value* FunctionEmitter::load_vmctx_pointer(uint32_t offset, uint64_t dereferenceable) {
  llvm::LoadInst* result = load(s.pointer, offset_pointer(vmctx_, offset), Alias::InstanceFixed, 8);
  s.annotate_dereferenceable(result, dereferenceable);
  return result;
}

}  // namespace wjit::ir

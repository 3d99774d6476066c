// Exceptions: throw, throw_ref, try_table. Inside of a try_table calls are `invoke`s whose landing block is the
// try_table's:
//
//   call in the body ── unwinds ─▶ landing:  the exception from the unwinder (jit/exception.cpp)
//   throw in the body ──────────┐     │
//   inner try_table, no match ──┴─────┴▶ dispatch: compares tags, clause by clause ─▶ the clause's label
//                                           └─ no match ─▶ dispatch of the try_table around, or `wjit.throw` once more
//
// So a throw costs its unwinding only where it leaves a function, and code that does not throw pays for nothing but the
// registers that an invoke may not keep values in. Locals at the landing are those of the edge, as at the end of a
// block. Exceptions are records of ir/vmctx.h; an exnref is an opaque number (jit/exception.h). Core
// specification 3.0, 4.6.8. Tests: test/lit/ir/exception.wat, test/lit/wast/exceptions.wast, public core suite (throw*,
// try_table).
#include "ir/emit.h"

namespace wjit::ir {

void FunctionEmitter::emit_exception(Opcode op) {
  locate();
  switch (op) {
    case Opcode::Throw: {
      uint32_t tag = reader_.u32();
      const FuncType& type = s.module.types[s.module.tags[tag].type].func;
      size_t count = type.params.size();
      canonicalize_top(count);
      Value* exception = call_builtin(Builtin::exception_new, {const32(tag)});
      auto operands = llvm::ArrayRef(stack_).take_back(count);
      for (size_t i = 0; i != count; ++i) {
        b.CreateAlignedStore(operands[i], offset_pointer(exception, sizeof(Exception) + i * 16), llvm::Align(16));
      }
      return throw_exception(exception);
    }
    case Opcode::ThrowRef: {
      Value* reference = pop();
      return throw_exception(call_builtin(Builtin::exception_of, {reference}));
    }
    default: return begin_try_table();
  }
}

void FunctionEmitter::begin_try_table() {
  const FuncType& type = reader_.block_type();
  std::vector<CatchClause> catches;
  for (uint32_t count = reader_.u32(); count != 0; --count) catches.push_back(reader_.catch_clause());
  push_frame(Frame::Kind::TryTable, type).catches = std::move(catches);
}

Frame* FunctionEmitter::enclosing_try() {
  for (size_t i = depth_; i-- != 0;) {
    if (frames_[i].kind == Frame::Kind::TryTable) return &frames_[i];
  }
  return nullptr;
}

llvm::CallBase* FunctionEmitter::call_or_invoke(llvm::FunctionType* type, Value* code, llvm::ArrayRef<Value*> args) {
  Frame* frame = enclosing_try();
  if (!frame) return b.CreateCall(type, code, args);
  if (!frame->landing) {
    frame->landing = llvm::BasicBlock::Create(s.context);
    if (!fn_->hasPersonalityFn()) fn_->setPersonalityFn(s.personality());
    if (!frame->dispatch) frame->dispatch = llvm::BasicBlock::Create(s.context);
  }
  frame->landing_edges.from.push_back(b.GetInsertBlock());
  for (uint32_t index : assigned(*frame)) frame->landing_edges.values.push_back(locals_[index]);
  llvm::BasicBlock* next = new_block();
  llvm::InvokeInst* invoke = b.CreateInvoke(type, code, next, frame->landing, args);
  b.SetInsertPoint(next);
  return invoke;
}

void FunctionEmitter::go_to_dispatch(Frame& frame, Value* exception) {
  if (!frame.dispatch) frame.dispatch = llvm::BasicBlock::Create(s.context);
  frame.dispatch_edges.from.push_back(b.GetInsertBlock());
  frame.dispatch_edges.values.push_back(exception);
  for (uint32_t index : assigned(frame)) frame.dispatch_edges.values.push_back(locals_[index]);
  b.CreateBr(frame.dispatch);
}

void FunctionEmitter::throw_exception(Value* exception) {
  if (Frame* frame = enclosing_try()) {
    go_to_dispatch(*frame, exception);
  } else {
    b.CreateCall(s.throw_function(), {vmctx_, exception});
    b.CreateUnreachable();
  }
  set_unreachable();
}

// At the end of a try_table, which is still the innermost frame: its landing and its dispatch. Code goes on where it
// was.
void FunctionEmitter::emit_handlers(Frame& frame) {
  locate();
  std::vector<Value*> locals;
  for (uint32_t index : assigned(frame)) locals.push_back(locals_[index]);
  llvm::BasicBlock* block = b.GetInsertBlock();
  const bool reachable = std::exchange(reachable_, true);
  const size_t height = stack_.size();
  auto set_locals = [&](const Edges& edges, size_t first) {
    for (size_t i = first; uint32_t index : assigned(frame)) locals_[index] = merge(edges, i++);
  };

  if (frame.landing) {
    frame.landing->insertInto(fn_);
    b.SetInsertPoint(frame.landing);
    set_locals(frame.landing_edges, 0);
    llvm::LandingPadInst* landing = b.CreateLandingPad(llvm::StructType::get(s.pointer, s.i32), 1);
    landing->addClause(llvm::ConstantPointerNull::get(s.pointer));  // all of them
    go_to_dispatch(frame, b.CreateExtractValue(landing, 0));
  }
  frame.dispatch->insertInto(fn_);
  b.SetInsertPoint(frame.dispatch);
  Value* exception = merge(frame.dispatch_edges, 0);
  set_locals(frame.dispatch_edges, 1);
  --depth_;  // labels of clauses are counted from outside
  emit_catches(exception, frame.catches);
  ++depth_;

  stack_.resize(height);
  for (size_t i = 0; uint32_t index : assigned(frame)) locals_[index] = locals[i++];
  reachable_ = reachable;
  b.SetInsertPoint(block);
}

void FunctionEmitter::emit_catches(Value* exception, const std::vector<CatchClause>& catches) {
  Value* thrown = nullptr;
  for (const CatchClause& clause : catches) {
    if (clause.is_all()) return catch_exception(exception, clause);
    if (!thrown) thrown = b.CreateAlignedLoad(s.pointer, exception, llvm::Align(16));
    llvm::BasicBlock* hit = new_block();
    llvm::BasicBlock* next = new_block();
    b.CreateCondBr(b.CreateICmpEQ(thrown, tag_instance(clause.tag)), hit, next);
    b.SetInsertPoint(hit);
    catch_exception(exception, clause);
    b.SetInsertPoint(next);
  }
  throw_exception(exception);
}

// The payload (and the reference) on the stack, then to the label.
void FunctionEmitter::catch_exception(Value* exception, const CatchClause& clause) {
  if (!clause.is_all()) {
    const FuncType& type = s.module.types[s.module.tags[clause.tag].type].func;
    for (size_t i = 0; i != type.params.size(); ++i) {
      Value* slot = offset_pointer(exception, sizeof(Exception) + i * 16);
      push(b.CreateAlignedLoad(s.value_type(type.params[i]), slot, llvm::Align(16)));
    }
  }
  if (clause.is_ref()) {
    push(call_builtin(Builtin::exception_ref, {exception}));
  } else {
    call_builtin(Builtin::exception_catch, {exception});
  }
  branch(clause.label);
  reachable_ = true;
}

Value* FunctionEmitter::tag_instance(uint32_t tag) {
  return load_vmctx_pointer(s.layout.tag(tag), sizeof(TagInstance));
}

}  // namespace wjit::ir

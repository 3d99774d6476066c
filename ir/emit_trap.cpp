// Traps that emitted code finds itself, and calls of the run-time built-ins. A check branches to a block of its own at the
// end of the function, which calls the built-in `trap` with the location of the instruction, so that the backtrace is right and
// the hot path is one compare and one branch not taken.
#include "ir/emit.h"

namespace wjit::ir {

void FunctionEmitter::locate() {
  // Offset 0 is the magic number, never an instruction, so the line is never 0 ("no line").
  b.SetCurrentDebugLocation(llvm::DILocation::get(s.context, offset_, 0, debug_));
  located_ = true;
}

void FunctionEmitter::trap_if(Value* condition, TrapNumber trap) {
  trap_if(condition, const32(static_cast<uint32_t>(trap)));
}

void FunctionEmitter::trap_if(Value* condition, Value* number) {
  if (auto* constant = llvm::dyn_cast<llvm::ConstantInt>(condition); constant && constant->isZero()) return;
  llvm::BasicBlock* bad = llvm::BasicBlock::Create(s.context);
  llvm::BasicBlock* good = new_block();
  trap_blocks_.push_back(bad);
  b.CreateCondBr(condition, bad, good);
  b.SetInsertPoint(bad);
  b.CreateCall(s.builtin(Builtin::trap), {vmctx_, number});
  b.CreateUnreachable();
  b.SetInsertPoint(good);
}

void FunctionEmitter::trap_always(TrapNumber trap) {
  b.CreateCall(s.builtin(Builtin::trap), {vmctx_, const32(static_cast<uint32_t>(trap))});
  b.CreateUnreachable();
  set_unreachable();
}

Value* FunctionEmitter::call_builtin(Builtin builtin, llvm::ArrayRef<Value*> args) {
  llvm::SmallVector<Value*, 6> all{vmctx_};
  all.append(args.begin(), args.end());
  return b.CreateCall(s.builtin(builtin), all);
}

}  // namespace wjit::ir

// Structured control. A frame's label is a basic block: the header of a loop, or what follows the end of anything else. A
// branch to a header adds operands to its phis. A branch forward only notes the edge and the values on it; at the `end`
// the edges are known, and a result or local gets a phi only where they differ:
//
//   block (result i32)                 edge 1: from br_if's block, values [7, locals assigned in the block …]
//     i32.const 7  … br_if 0           edge 2: falling through
//     …
//   end                                label: phi for the result; for each assigned local: the one value, or a phi
#include "ir/emit.h"

namespace wjit::ir {

void Frame::clear() {
  label = otherwise = nullptr;
  saved.clear();
  phis.clear();
  edges.clear();
  catches.clear();
  landing = dispatch = nullptr;
  landing_edges.clear();
  dispatch_edges.clear();
}

void FunctionEmitter::emit_control(Opcode op) {
  switch (op) {
    case Opcode::Unreachable:
      locate();
      return trap_always(TrapNumber::Unreachable);
    case Opcode::Nop: return;
    case Opcode::Block: push_frame(Frame::Kind::Block, reader_.block_type()); return;
    case Opcode::Loop: return begin_loop(reader_.block_type());
    case Opcode::If: return begin_if(reader_.block_type());
    case Opcode::Else: return begin_else();
    case Opcode::End: return end();
    case Opcode::Br: return branch(reader_.u32());
    case Opcode::BrIf: {
      uint32_t label = reader_.u32();
      return branch_if(pop_condition(), label);
    }
    case Opcode::BrTable: return branch_table();
    case Opcode::Return: return branch(static_cast<uint32_t>(depth_ - 1));
    case Opcode::Drop: stack_.pop_back(); return;
    case Opcode::Select: return select();
    case Opcode::SelectT: reader_.skip(Immediate::SelectTypes); return select();
    case Opcode::BrOnNull: {
      uint32_t label = reader_.u32();
      Value* reference = pop();
      branch_if(b.CreateIsNull(reference), label);
      return push(reference);
    }
    case Opcode::BrOnNonNull: {
      uint32_t label = reader_.u32();
      Value* reference = stack_.back();
      branch_if(b.CreateIsNotNull(reference), label);  // the reference goes along with the branch
      stack_.pop_back();
      return;
    }
    default: return unsupported(name(info(op).feature));
  }
}

Frame& FunctionEmitter::push_frame(Frame::Kind kind, const FuncType& type) {
  if (depth_ == frames_.size()) frames_.emplace_back();
  Frame& frame = frames_[depth_++];
  frame.kind = kind;
  frame.type = &type;
  frame.height = stack_.size() - (kind == Frame::Kind::Function ? 0 : type.params.size());
  frame.scan = next_scan_++;
  return frame;
}

llvm::PHINode* FunctionEmitter::new_phi(llvm::Type* type, unsigned edges) {
  llvm::PHINode* phi = b.CreatePHI(type, edges);
  phis_.push_back(phi);
  return phi;
}

void FunctionEmitter::begin_loop(const FuncType& type) {
  canonicalize_top(type.params.size());
  Frame& frame = push_frame(Frame::Kind::Loop, type);
  uint32_t branches = scan_.blocks[frame.scan].branches;
  if (branches == 0) return;  // no label: it is a mere block that nobody leaves early
  frame.label = new_block();
  llvm::BasicBlock* before = b.GetInsertBlock();
  b.CreateBr(frame.label);
  b.SetInsertPoint(frame.label);
  auto replace = [&](Value*& value) {
    llvm::PHINode* phi = new_phi(value->getType(), branches + 1);
    phi->addIncoming(value, before);
    frame.phis.push_back(phi);
    value = phi;
  };
  for (size_t i = frame.height; i != stack_.size(); ++i) replace(stack_[i]);
  for (uint32_t index : assigned(frame)) replace(locals_[index]);
}

void FunctionEmitter::begin_if(const FuncType& type) {
  Value* condition = pop_condition();
  canonicalize_top(type.params.size());
  Frame& frame = push_frame(Frame::Kind::If, type);
  llvm::BasicBlock* then = new_block();
  if (scan_.blocks[frame.scan].has_else) {
    frame.otherwise = llvm::BasicBlock::Create(s.context);
    frame.saved.assign(stack_.begin() + static_cast<ptrdiff_t>(frame.height), stack_.end());
    for (uint32_t index : assigned(frame)) frame.saved.push_back(locals_[index]);
    b.CreateCondBr(condition, then, frame.otherwise);
  } else {
    llvm::BasicBlock* label = label_block(frame);
    add_edge(frame);  // the parameters are the results
    b.CreateCondBr(condition, then, label);
  }
  b.SetInsertPoint(then);
}

void FunctionEmitter::begin_else() {
  Frame& frame = frames_[depth_ - 1];
  if (reachable_) {
    llvm::BasicBlock* label = label_block(frame);
    add_edge(frame);
    b.CreateBr(label);
  }
  frame.kind = Frame::Kind::Else;
  frame.otherwise->insertInto(fn_);
  b.SetInsertPoint(frame.otherwise);
  reachable_ = true;
  size_t params = frame.type->params.size();
  stack_.resize(frame.height);
  push_all(llvm::ArrayRef(frame.saved).take_front(params));
  for (size_t i = params; uint32_t index : assigned(frame)) locals_[index] = frame.saved[i++];
}

void FunctionEmitter::end() {
  Frame& frame = frames_[depth_ - 1];
  if (frame.kind == Frame::Kind::TryTable && frame.dispatch) emit_handlers(frame);
  if (frame.kind != Frame::Kind::Loop && !frame.edges.empty()) {
    if (reachable_) {
      add_edge(frame);
      b.CreateBr(frame.label);
    }
    continue_at_label(frame);
  }
  // Else: nobody branched here; the code goes on in the same block, or stays dead.
  if (!reachable_) stack_.resize(frame.height);
  if (frame.kind == Frame::Kind::Function && reachable_) emit_return();
  frame.clear();
  --depth_;
}

void FunctionEmitter::continue_at_label(Frame& frame) {
  frame.label->insertInto(fn_);
  b.SetInsertPoint(frame.label);
  reachable_ = true;
  stack_.resize(frame.height);
  std::span<const uint32_t> locals = assigned(frame);
  size_t results = frame.type->results.size();
  for (size_t i = 0; i != results; ++i) push(merge(frame.edges, i));
  for (size_t i = 0; i != locals.size(); ++i) locals_[locals[i]] = merge(frame.edges, results + i);
}

// What number `which` of the edges' values is at their target, where the builder stands: one value, or a phi.
Value* FunctionEmitter::merge(const Edges& edges, size_t which) {
  size_t count = edges.from.size();
  size_t stride = edges.values.size() / count;
  Value* first = edges.values[which];
  bool all_equal = true;
  for (size_t edge = 1; edge != count && all_equal; ++edge) all_equal = edges.values[edge * stride + which] == first;
  if (all_equal) return first;
  llvm::PHINode* phi = new_phi(first->getType(), static_cast<unsigned>(count));
  for (size_t edge = 0; edge != count; ++edge) phi->addIncoming(edges.values[edge * stride + which], edges.from[edge]);
  return phi;
}

llvm::BasicBlock* FunctionEmitter::label_block(Frame& frame) {
  if (!frame.label) frame.label = llvm::BasicBlock::Create(s.context);
  return frame.label;
}

// Notes a control edge from the current block to the frame's label, with the operands on top of the stack (which stay). The
// caller makes the branch.
void FunctionEmitter::add_edge(Frame& frame) {
  size_t count = frame.label_types().size();
  canonicalize_top(count);
  auto operands = llvm::ArrayRef(stack_).take_back(count);
  llvm::BasicBlock* from = b.GetInsertBlock();
  if (frame.kind == Frame::Kind::Loop) {
    size_t i = 0;
    for (Value* operand : operands) frame.phis[i++]->addIncoming(operand, from);
    for (uint32_t index : assigned(frame)) frame.phis[i++]->addIncoming(locals_[index], from);
    return;
  }
  frame.edges.from.push_back(from);
  frame.edges.values.insert(frame.edges.values.end(), operands.begin(), operands.end());
  for (uint32_t index : assigned(frame)) frame.edges.values.push_back(locals_[index]);
}

void FunctionEmitter::branch(uint32_t label) {
  Frame& frame = frame_at(label);
  llvm::BasicBlock* target = label_block(frame);
  add_edge(frame);
  b.CreateBr(target);
  set_unreachable();
}

void FunctionEmitter::branch_if(Value* condition, uint32_t label) {
  Frame& frame = frame_at(label);
  llvm::BasicBlock* target = label_block(frame);
  add_edge(frame);
  llvm::BasicBlock* next = new_block();
  b.CreateCondBr(condition, target, next);
  b.SetInsertPoint(next);
}

// One edge for each case, as phis want it.
void FunctionEmitter::branch_table() {
  uint32_t cases = reader_.u32();
  Value* selector = pop();
  llvm::SmallVector<uint32_t, 32> labels;
  for (uint32_t i = 0; i <= cases; ++i) labels.push_back(reader_.u32());
  auto target = [&](uint32_t label) {
    Frame& frame = frame_at(label);
    llvm::BasicBlock* block = label_block(frame);
    add_edge(frame);
    return block;
  };
  canonicalize_top(frame_at(labels.back()).label_types().size());  // all targets take the same
  llvm::BasicBlock* otherwise = target(labels.back());
  if (cases == 0) {
    b.CreateBr(otherwise);
    return set_unreachable();
  }
  llvm::SwitchInst* instruction = b.CreateSwitch(selector, otherwise, cases);
  for (uint32_t i = 0; i != cases; ++i) {
    if (labels[i] == labels.back()) continue;  // as the default
    instruction->addCase(const32(i), target(labels[i]));
  }
  set_unreachable();
}

void FunctionEmitter::select() {
  Value* condition = pop_condition();
  Value* otherwise = pop();
  Value* then = pop();
  push(b.CreateSelect(condition, then, otherwise));
}

}  // namespace wjit::ir

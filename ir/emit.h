// Inside of the emitter: what its files share. ModuleState is what the functions of one LLVM module have in common;
// FunctionEmitter walks one body and keeps the abstract machine while it does: the operand stack, the locals' current values
// (SSA form is built directly, see body_scan.h), and the open control frames. One file per opcode family:
//
//   emit_function.cpp  entry, dispatch, dead code, the end     emit_integer.cpp, emit_float.cpp, emit_conversion.cpp
//   emit_control.cpp   blocks, branches, phis, select          emit_table.cpp   tables and references
//   emit_call.cpp      calls and tail calls, signatures        emit_bulk.cpp    memory.copy … table.init
//   emit_exception.cpp throw, try_table and its handlers
//   emit_variable.cpp  locals, globals, constants              emit_vector*.cpp v128
//   emit_memory.cpp    loads, stores, size and grow            emit_trap.cpp    traps and built-ins
//
// Three conventions of the operand stack keep the IR small: an i32 that is a comparison stays an i1 until someone needs the
// i32 (pop() widens, pop_condition() does not); a v128 has the vector type that its instruction gave it (pop_vector()
// casts); everywhere else (locals, phis, arguments) values have the type that value_type() says.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include "base/check.h"
#include "base/error.h"
#include "ir/body_scan.h"
#include "ir/code_reader.h"
#include "ir/emitter.h"
#include "ir/signature.h"
#include "ir/vmctx.h"

namespace wjit::ir {

using llvm::Value;

// jit/trap.h has the same enum for the run time; both are the rows of one table.
enum class TrapNumber : uint32_t {
#define TRAP(name, message) name,
#include "jit/traps.def"
#undef TRAP
};

enum class Builtin : uint32_t {
#define BUILTIN(name, params, result) name,
#include "jit/builtins.def"
#undef BUILTIN
};
constexpr size_t kBuiltinCount = 0
#define BUILTIN(name, params, result) +1
#include "jit/builtins.def"
#undef BUILTIN
    ;

// What memory an access touches: classes never alias each other, nor do they with anything else that emitted code accesses.
enum class Alias : uint8_t {
  LinearMemory,
  Globals,
  Tables,         // elements and lengths
  Area,           // StoreContext::argument_area
  Records,        // entry table, FuncRef, memory lengths, …: never written by emitted code
  InstanceFixed,  // fields of records that never change while an instance lives
};

struct Signature {
  llvm::FunctionType* type = nullptr;
  CallShape shape;
};

class ModuleState {
 public:
  ModuleState(llvm::LLVMContext& context, const Module& module, const EmitOptions& options);

  llvm::LLVMContext& context;
  const Module& module;
  const EmitOptions& options;
  const bool full;  // Level::Full
  VmLayout layout;
  std::unique_ptr<llvm::Module> out;

  llvm::Type* void_type;
  llvm::IntegerType *i1, *i8, *i16, *i32, *i64;
  llvm::Type *f32, *f64;
  llvm::PointerType* pointer;
  llvm::FixedVectorType *i8x16, *i16x8, *i32x4, *i64x2, *f32x4, *f64x2;  // i64x2 is what a v128 is between instructions

  llvm::Type* value_type(ValType type) const;
  const Signature& signature(uint32_t type_index);
  llvm::Function* builtin(Builtin builtin);
  llvm::FunctionCallee throw_function();    // wjit.throw(vmctx, Exception*): unwinds, does not return
  llvm::Constant* personality();            // makes LLVM write tables of landing pads; never called
  // The LLVM function of a defined function (not counting imports), if it is in the emitted set.
  llvm::Function* emitted(uint32_t defined) const { return functions_[defined]; }
  llvm::Function* declare_function(uint32_t defined);
  llvm::DISubprogram* debug_function(llvm::Function* function, uint32_t index);
  void finish_debug_info() { debug_.finalize(); }

  // Full only: alias class and what else LLVM may know of a load or store.
  void annotate(llvm::Instruction* access, Alias alias);
  // Full only, for loads of pointers: they point to `bytes` readable bytes.
  void annotate_dereferenceable(llvm::LoadInst* load, uint64_t bytes);

 private:
  llvm::Type* builtin_type(char code) const;

  llvm::DIBuilder debug_;
  llvm::DIFile* debug_file_;
  llvm::DISubroutineType* debug_type_;
  llvm::AttributeList attributes_;
  std::vector<Signature> signatures_;                 // by type index, made on demand
  std::vector<llvm::Function*> functions_;            // by defined index
  std::array<llvm::Function*, kBuiltinCount> builtins_{};
  std::array<llvm::MDNode*, 6> alias_tags_{};
  llvm::MDNode* empty_node_ = nullptr;
};

// The control edges to a block that is not there yet: where each comes from, and the values that it brings.
struct Edges {
  std::vector<llvm::BasicBlock*> from;
  std::vector<Value*> values;  // as many for each edge
  bool empty() const { return from.empty(); }
  void clear() { from.clear(), values.clear(); }
};

// A structured control instruction that is open. Frames are pooled: clear() keeps the vectors' memory.
struct Frame {
  enum class Kind : uint8_t { Function, Block, Loop, If, Else, TryTable } kind = Kind::Block;
  const FuncType* type = nullptr;
  size_t height = 0;                       // of the operand stack, below the parameters
  uint32_t scan = 0;                       // index into BodyScan::blocks
  llvm::BasicBlock* label = nullptr;       // where branches go: a loop's header (null: nobody branches to it), else what
                                           // follows the end (null until the first branch)
  llvm::BasicBlock* otherwise = nullptr;   // If with an else: the else arm
  std::vector<Value*> saved;               // If with an else: the parameters, then the assigned locals, at its start
  std::vector<llvm::PHINode*> phis;        // Loop: for the parameters, then for the assigned locals
  Edges edges;                             // not Loop: to the label, with the results, then the assigned locals
  // TryTable (emit_exception.cpp):
  std::vector<CatchClause> catches;
  llvm::BasicBlock* landing = nullptr;     // where the unwinder lands with an exception; null until the first call
  llvm::BasicBlock* dispatch = nullptr;    // looks for the clause that catches; null until the first edge
  Edges landing_edges;                     // with the assigned locals
  Edges dispatch_edges;                    // with the exception, then the assigned locals

  const std::vector<ValType>& label_types() const { return kind == Kind::Loop ? type->params : type->results; }
  void clear();
};

class FunctionEmitter {
 public:
  // `defined`: index without imports; the state has a declaration for it, which gets its body.
  FunctionEmitter(ModuleState& state, uint32_t defined);
  Result<> run();

 private:
  // --- emit_function.cpp
  void begin();
  void instruction();
  void dead_instruction();
  void finish();
  void remove_dead_phis();
  void keep_dead_loads();
  void unsupported(std::string_view what);

  // --- families; each emits the instruction `op`, whose immediates are next in reader_
  void emit_control(Opcode op);
  void emit_call(Opcode op);
  void emit_variable(Opcode op);
  void emit_memory(Opcode op);
  void emit_integer(Opcode op);
  void emit_float(Opcode op);
  void emit_conversion(Opcode op);
  void emit_table(Opcode op);
  void emit_bulk(Opcode op);
  void emit_vector(Opcode op);             // what the other two vector families do not have
  void emit_vector_memory(Opcode op);
  void emit_vector_float(Opcode op);

  // --- the operand stack
  void push(Value* value) { stack_.push_back(value); }
  void push_all(llvm::ArrayRef<Value*> values) { stack_.insert(stack_.end(), values.begin(), values.end()); }
  Value* pop_any() {
    Value* value = stack_.back();
    stack_.pop_back();
    return value;
  }
  Value* pop() { return canonical(pop_any()); }
  Value* pop_condition();                                // i1: is the i32 on top not 0?
  Value* pop_vector(llvm::FixedVectorType* type) { return cast_vector(pop_any(), type); }
  Value* pop_address(bool is_64);                        // zero-extended to i64
  Value* canonical(Value* value);                        // i1 -> i32, any vector -> i64x2
  Value* cast_vector(Value* value, llvm::Type* type);
  void canonicalize_top(size_t count);

  // --- small pieces of IR
  llvm::ConstantInt* const32(uint32_t value) { return llvm::ConstantInt::get(s.i32, value); }
  llvm::ConstantInt* const64(uint64_t value) { return llvm::ConstantInt::get(s.i64, value); }
  llvm::BasicBlock* new_block() { return llvm::BasicBlock::Create(s.context, "", fn_); }
  Value* offset_pointer(Value* base, uint64_t offset);
  llvm::LoadInst* load(llvm::Type* type, Value* pointer, Alias alias, uint32_t align);
  void store(Value* value, Value* pointer, Alias alias, uint32_t align);
  Value* load_vmctx_pointer(uint32_t offset, uint64_t dereferenceable);
  Value* intrinsic(llvm::Intrinsic::ID id, llvm::Type* type, llvm::ArrayRef<Value*> args) {
    return b.CreateIntrinsic(id, {type}, args);
  }

  // --- emit_trap.cpp
  void locate();                                         // the next IR instructions belong to this wasm instruction
  void trap_if(Value* condition, TrapNumber trap);
  void trap_if(Value* condition, Value* number);         // the number is computed before the branch
  void trap_always(TrapNumber trap);
  void set_unreachable() { reachable_ = false; }
  Value* call_builtin(Builtin builtin, llvm::ArrayRef<Value*> args);

  // --- emit_control.cpp
  Frame& push_frame(Frame::Kind kind, const FuncType& type);
  Frame& frame_at(uint32_t label) { return frames_[depth_ - 1 - label]; }
  std::span<const uint32_t> assigned(const Frame& frame) const { return scan_.assigned_in(frame.scan); }
  void begin_loop(const FuncType& type);
  void begin_if(const FuncType& type);
  void begin_else();
  void end();
  void continue_at_label(Frame& frame);
  Value* merge(const Edges& edges, size_t which);
  llvm::BasicBlock* label_block(Frame& frame);
  void add_edge(Frame& frame);
  void branch(uint32_t label);
  void branch_if(Value* condition, uint32_t label);
  void branch_table();
  void select();
  llvm::PHINode* new_phi(llvm::Type* type, unsigned edges);

  // --- emit_call.cpp
  struct Callee {
    Value* code = nullptr;
    Value* vmctx = nullptr;
  };
  void load_area_params(const CallShape& shape);
  Value* area_slot(uint32_t slot);
  void store_area(Value* value, uint32_t slot);
  void call(const Signature& signature, const FuncType& type, Callee callee, bool tail);
  Callee direct_callee(uint32_t function);
  Callee indirect_callee(uint32_t type_index, uint32_t table);
  Callee reference_callee(Value* reference);
  void emit_return();

  // --- emit_exception.cpp
  void emit_exception(Opcode op);
  void begin_try_table();
  Frame* enclosing_try();                                // the innermost open one; null if there is none
  llvm::CallBase* call_or_invoke(llvm::FunctionType* type, Value* code, llvm::ArrayRef<Value*> args);
  void go_to_dispatch(Frame& frame, Value* exception);
  void throw_exception(Value* exception);
  void emit_handlers(Frame& frame);
  void emit_catches(Value* exception, const std::vector<CatchClause>& catches);
  void catch_exception(Value* exception, const CatchClause& clause);
  Value* tag_instance(uint32_t tag);

  // --- emit_variable.cpp
  Value* local(uint32_t index);
  void set_local(uint32_t index, Value* value);
  Value* global_pointer(uint32_t index);

  // --- emit_memory.cpp
  const MemoryType& memory_type(uint32_t memory) const { return s.module.memories[memory].type; }
  Value* memory_base(uint32_t memory);
  Value* memory_address(MemArg arg, uint32_t size);      // pops the address
  Value* memory_load(llvm::Type* type, MemArg arg);      // pops the address
  void memory_store(Value* value, MemArg arg);           // pops the address
  Value* memory_instance(uint32_t memory);
  void load_extended(llvm::Type* type, llvm::Type* result, bool is_signed);
  void store_wrapped(llvm::Type* type);

  // --- emit_integer.cpp, emit_float.cpp, emit_conversion.cpp
  void compare(llvm::CmpInst::Predicate predicate);
  void binary(llvm::Instruction::BinaryOps op);
  void shift(llvm::Instruction::BinaryOps op);
  void rotate(bool left);
  void divide(bool is_signed, bool remainder);
  void count_bits(llvm::Intrinsic::ID id);
  void float_binary(llvm::Instruction::BinaryOps op);
  Value* float_arithmetic(llvm::Instruction::BinaryOps op, Value* lhs, Value* rhs);
  Value* float_extremum(Value* lhs, Value* rhs, bool is_max);   // scalars and vectors
  Value* fence(Value* value);
  void float_sign(Opcode op);
  void truncate_checked(llvm::Type* to, bool is_signed);

  // --- emit_table.cpp
  const TableType& table_type(uint32_t table) const { return s.module.tables[table].type; }
  Value* table_instance(uint32_t table);
  Value* table_element(uint32_t table, Value* index64, TrapNumber trap);
  Value* table_length(Value* table_instance);

  // --- emit_vector*.cpp
  llvm::FixedVectorType* lanes_of(Opcode op) const;      // by the prefix of its text name
  void vector_binary(Opcode op, llvm::Instruction::BinaryOps instruction);
  void vector_intrinsic(Opcode op, llvm::Intrinsic::ID id);
  void vector_unary_intrinsic(Opcode op, llvm::Intrinsic::ID id);
  void vector_compare(Opcode op, llvm::CmpInst::Predicate predicate);
  void vector_shift(Opcode op, llvm::Instruction::BinaryOps instruction);
  void vector_narrow(llvm::FixedVectorType* from, bool is_signed);
  void vector_extend(Opcode op, bool high, bool is_signed);
  void vector_extmul(Opcode op, bool high, bool is_signed);
  void vector_pairwise_add(llvm::FixedVectorType* from, bool is_signed);
  void vector_dot();
  void vector_relaxed_dot(bool accumulate);
  void vector_q15mulr();
  void vector_average(Opcode op);
  void vector_bitmask(Opcode op);
  void vector_all_true(Opcode op);
  void vector_swizzle();
  void vector_shuffle();
  void vector_bitselect();
  void extract_lane(Opcode op, bool sign_extend);
  void replace_lane(Opcode op);
  void splat(Opcode op);
  Value* half(Value* vector, bool high);
  Value* widen(Value* vector, bool is_signed);            // every lane to twice its width
  Value* add_pairs(Value* wide);                          // neighbours of a wide vector added
  void load_widened(llvm::FixedVectorType* narrow, bool is_signed);
  void load_splat(llvm::FixedVectorType* type);
  void load_lane(llvm::FixedVectorType* type);
  void store_lane(llvm::FixedVectorType* type);
  void load_zero(llvm::FixedVectorType* type);
  void vector_extremum(Opcode op, bool is_max);
  void vector_pseudo_extremum(Opcode op, bool is_max);
  void vector_truncate(llvm::FixedVectorType* from, bool is_signed);
  void vector_madd(Opcode op, bool negate);
  void vector_float_binary(Opcode op, llvm::Instruction::BinaryOps instruction);

  ModuleState& s;
  llvm::Function* fn_;
  const uint32_t index_;           // imports counted
  const Function& function_;
  const FuncType& type_;
  CodeReader reader_;
  BodyScan scan_;
  llvm::IRBuilder<> b;
  llvm::DISubprogram* debug_;
  uint32_t offset_ = 0;            // of the instruction
  bool located_ = false;           // b has a debug location
  std::string error_;              // "not supported yet: …"

  Value* vmctx_;
  Value* area_ = nullptr;          // StoreContext::argument_area, loaded at the entry when first needed
  std::vector<Value*> memory_bases_;
  llvm::Instruction* last_entry_ = nullptr;  // what the entry block has before the body's first instruction
  std::vector<llvm::BasicBlock*> trap_blocks_;  // put behind everything else at the end
  std::vector<llvm::PHINode*> phis_;

  std::vector<Value*> stack_;
  std::vector<Value*> locals_;     // current values, or the slots when scan_.locals_in_slots
  std::vector<llvm::Type*> local_types_;
  std::vector<Frame> frames_;
  size_t depth_ = 0;
  uint32_t next_scan_ = 0;         // the next block to open
  bool reachable_ = true;
  uint32_t dead_depth_ = 0;        // blocks opened since the code became unreachable

  template <typename Emit>
  Value* at_entry(Emit emit);      // emits once in the entry block, where it dominates everything
};

template <typename Emit>
Value* FunctionEmitter::at_entry(Emit emit) {
  llvm::IRBuilderBase::InsertPointGuard guard(b);
  llvm::BasicBlock& entry = fn_->getEntryBlock();
  b.SetInsertPoint(&entry, last_entry_ ? std::next(last_entry_->getIterator()) : entry.begin());
  b.SetCurrentDebugLocation(llvm::DebugLoc());
  Value* value = emit();
  last_entry_ = llvm::cast<llvm::Instruction>(value);
  return value;
}

}  // namespace wjit::ir

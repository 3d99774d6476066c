// Inside of the adapter generator: one AdapterEmitter makes the functions of one adapter or copier (abi/adapter.h says
// which and what each does). Values go from one side to the other in one pass over their type: translate() reads from a
// Source (flat core values, or memory), checks, and writes to a Target of the other side.
//
//   adapter_emitter.cpp   the functions: slow, start, finish, copy
//   adapter_enter.cpp     lower that enters the callee itself, task_return
//   adapter_value.cpp     translate: scalars, records, variants, flags, handles
//   adapter_string.cpp    strings
//   adapter_list.cpp      lists, memory ranges, realloc
//   adapter_call.cpp      core signatures, calls of core functions, of the run time, traps
//   adapter_compiler.cpp  the AdapterCompiler: IR -> linked code
//
// Tests: test/lit/adapter, the public component suite.
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <functional>
#include <string>
#include <vector>

#include "abi/adapter.h"
#include "abi/task.h"
#include "base/error.h"
#include "frontend/canonical_layout.h"
#include "ir/emitter.h"
#include "ir/signature.h"

namespace wjit::adapter {

using llvm::Value;

enum class Trap : uint32_t {
#define TRAP(name, message) name,
#include "jit/traps.def"
#undef TRAP
};

// One side of a translation.
struct Side {
  const AdapterSide* options = nullptr;
  bool is_64 = false;
  bool host = false;
  size_t instance = 0;  // offsets in AdapterContext
  size_t memory = 0;
  size_t realloc = 0;
};

// Flat core values being consumed, left to right.
struct FlatReader {
  std::vector<Value*> values;
  size_t next = 0;
  Value* take() { return values[next++]; }
};

struct Source {
  Side side;
  FlatReader* flat = nullptr;  // else memory:
  Value* pointer = nullptr;    // host pointer to the value, in bounds and aligned
};

struct Target {
  Side side;
  std::vector<Value*>* flat = nullptr;
  Value* pointer = nullptr;
};

constexpr uint32_t kReturned = 2;  // a lowered call's status RETURNED

class AdapterEmitter {
 public:
  AdapterEmitter(llvm::LLVMContext& context, const ir::EmitOptions& options, const ComponentTypes& types);

  // `prefix` is put before the functions' names (".lower", ".start", ".finish", ".copy").
  void emit_adapter(const AdapterSpec& spec, const std::string& prefix);
  void emit_copier(const CopierSpec& spec, const std::string& prefix);
  std::unique_ptr<llvm::Module> take() { return std::move(module_); }

 private:
  struct CoreSignature {
    FuncType core;
    CallShape shape;
    llvm::FunctionType* type = nullptr;
  };

  // ---- adapter_emitter.cpp ----
  llvm::Function* make_function(const std::string& name, llvm::FunctionType* type);
  llvm::BasicBlock* block(const char* name);
  void emit_lower(const AdapterSpec& spec);
  void emit_slow(const AdapterSpec& spec, const char* name);
  void emit_lower_to_host(const AdapterSpec& spec);
  void make_call(const std::vector<Value*>& params);
  void return_flat(const FuncType& core, Value* word);
  std::vector<Value*> lower_params(const AdapterSpec& spec, const std::vector<Value*>& flats);
  bool results_in_memory(const AdapterSpec& spec) const;
  Value* lift_results(const AdapterSpec& spec, const std::vector<Value*>& flats, uint32_t max_flat,
                      Value* return_pointer);
  void lift_results_of_task(const AdapterSpec& spec, const std::vector<Value*>& flats, uint32_t max_flat);
  void call_post_return(const AdapterSpec& spec, const FuncType& core, Value* flat_result);
  void emit_start(const AdapterSpec& spec);
  void emit_finish(const AdapterSpec& spec);
  // Translates parameters out of `source` flats (or the tuple behind them) into `target`'s.
  void translate_params(const AdapterSpec& spec, std::vector<Value*> flats, Side from, uint32_t max_flat,
                        Target target);
  void translate_tuple(TypeId func, Source source, Target target);
  Value* call_slot(Value* call, size_t offset);
  Value* task_slot(size_t offset);
  static CanonOptions canon_options(const AdapterSide& side);

  // ---- adapter_enter.cpp ----
  struct Entered {
    Value* parked = nullptr;  // i1
    Value* word = nullptr;    // rax: parked: what the caller goes on with; else an integer result
    Value* flat = nullptr;    // the core function's result, if it has one
    Value* parent = nullptr;  // as it was given
    Value* store = nullptr;   // as it was given
  };
  void emit_enter(const AdapterSpec& spec);
  void emit_go_slow(llvm::BasicBlock* slow);
  void emit_leaf_call(const AdapterSpec& spec, const std::vector<Value*>& params);
  std::pair<Value*, Value*> load_callee();  // code and vmctx of the callee's core function
  void emit_complete(const AdapterSpec& spec);
  void emit_task_return(const AdapterSpec& spec);
  Entered enter_fiber(const CoreSignature& signature, const std::vector<Value*>& args, Value* store, Value* fiber,
                      Value* parent);
  Value* field(Value* record, size_t offset, llvm::Type* type);  // load
  void set_field(Value* record, size_t offset, Value* value);    // store

  // ---- adapter_value.cpp ----
  void translate(TypeId id, Source source, Target target);
  void translate_scalar(const ComponentTypeDef& type, Source source, Target target);
  void translate_fields(TypeId id, Source source, Target target);
  void translate_variant(TypeId id, Source source, Target target);
  void translate_handle(TypeId id, Source source, Target target);
  Value* load_integer(Source& source, uint32_t bytes);  // i32, zero-extended
  void store_integer(Target& target, Value* value, uint32_t bytes);
  Value* coerce(Value* value, llvm::Type* to);  // between joined flat types
  Source at(const Source& source, uint32_t offset);
  Target at(const Target& target, uint32_t offset);
  llvm::Type* flat_type(ValType type);
  std::vector<llvm::Type*> flat_types(TypeId id, bool is_64);

  // ---- adapter_string.cpp ----
  enum class Units { Utf8, Latin1, Utf16 };  // what a string's bytes are: latin1+utf16 is one or the other
  void translate_string(Source source, Target target);
  llvm::Function* string_function(const Side& from, const Side& to);
  void load_string(const Side& from, const Side& to, Value* address, Value* length);
  // Each ends the function being emitted with a return of pointer and (tagged) length.
  void store_string(Units units, bool is_tagged, const Side& to, Value* from, Value* count);
  void store_utf8_copy(const Side& to, Value* from, Value* count);
  void store_to_utf8(Units units, const Side& to, Value* from, Value* count);
  void store_utf8_to_utf16(const Side& to, Value* from, Value* count);
  void store_to_latin1_or_utf16(Units units, const Side& to, Value* from, Value* count);
  void store_probably_utf16(const Side& to, Value* from, Value* count);
  void return_string(Value* pointer, Value* length);
  // Copies (where `to` is not null) and checks text of at most kShortText bytes in place; longer ones by a run-time call.
  void copy_utf8(Value* to, Value* from, Value* bytes);

  // ---- adapter_list.cpp ----
  void translate_list(TypeId id, Source source, Target target);
  std::pair<Value*, Value*> load_pair(Source& source);  // pointer and length as i64
  void store_pair(Target& target, Value* pointer, Value* length);
  // Host pointer to [address, address + bytes) of the side's memory, checked.
  Value* checked(const Side& side, Value* address, Value* bytes, uint32_t alignment,
                 Trap outside = Trap::MemoryOutOfBounds);
  Value* host_pointer(const Side& side, Value* address);
  // The new address (i64), checked. The host's memory is not moved to shrink it.
  Value* reallocate(const Side& side, Value* old, Value* old_bytes, uint32_t alignment, Value* bytes, bool grow = true);
  Value* allocate(const Side& side, uint32_t alignment, Value* bytes);
  // Copies elements for which all_numbers, in bulk, without what lies between their values. False, and nothing done, where an
  // element is too large for that.
  bool copy_numbers(TypeId element, Value* from, Value* to, Value* count);
  void loop(Value* count, const std::function<void(Value* index)>& body);

  // ---- adapter_call.cpp ----
  CoreSignature signature_of(const FuncType& core);
  std::vector<Value*> read_params(const CoreSignature& signature, llvm::Function* function);
  std::vector<Value*> place_args(const CoreSignature& signature, const std::vector<Value*>& args);
  // Calls a core function that the context has a CodePointer of; results[0] or null.
  Value* call_core(const CoreSignature& signature, size_t pointer_offset, const std::vector<Value*>& args);
  Value* call_core(const CoreSignature& signature, std::pair<Value*, Value*> code_and_vmctx, const std::vector<Value*>& args);
  Value* call_runtime(const char* name, std::vector<Value*> args);
  void trap(Trap code);
  void trap_if(Value* condition, Trap code);
  Value* load_context(size_t offset, llvm::Type* type);
  void set_may_leave(const Side& side, bool on);
  Value* widen(Value* value);  // to i64, as Call::params keeps flats
  Value* narrow(Value* word, llvm::Type* type);
  Value* zext64(Value* value);

  llvm::LLVMContext& context_;
  ir::EmitOptions options_;
  const ComponentTypes& types_;
  std::unique_ptr<llvm::Module> module_;
  llvm::IRBuilder<> b_;
  std::string prefix_;
  Side caller_, callee_;
  llvm::Function* string_functions_[2] = {};  // by direction: caller to callee, and back
  std::vector<ResourceId> resources_;
  std::vector<TypeId> streams_;
  // Of the function being emitted:
  llvm::Function* function_ = nullptr;
  Value* self_ = nullptr;   // AdapterContext*
  Value* call_ = nullptr;   // Call*
  Value* task_ = nullptr;   // Task*; null for host callees and copiers
  llvm::BasicBlock* instead_of_traps_ = nullptr;  // where traps are left to: what is done so far can be done again there
  uint32_t direction_ = 0;  // 0: caller to callee
  llvm::Type *void_, *i8_, *i32_, *i64_, *f32_, *f64_, *ptr_;
  Value* null_ = nullptr;
};

}  // namespace wjit::adapter

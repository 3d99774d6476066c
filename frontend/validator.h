// Validation of expressions: function bodies and constant expressions, one pass over the bytes, with the operand and
// control stacks of the specification's appendix "Validation Algorithm". Plain instructions are typed by the signatures
// of the opcode table; those marked "*" have code here, by family:
//   validator.cpp            the loop, the operand stack, plain instructions
//   validator_variables.cpp  locals, globals, select
//   validator_control.cpp    blocks, branches, calls, exceptions
//   validator_reference.cpp  references: null, function, casts, i31, conversions
//   validator_gc.cpp         structures and arrays
//   validator_memory.cpp     memories, tables, segments
// One Validator serves a whole module, so that its stacks are allocated once. It is called by frontend/decoder.cpp,
// section by section: what an expression may refer to is what `module` has by then. Test: test/unit/validator_test.cpp.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "frontend/decoder_types.h"
#include "frontend/module.h"
#include "frontend/opcodes.h"
#include "frontend/reader.h"

namespace wjit {

class Validator {
 public:
  // Both must outlive the validator. It writes only function_is_referenced and the functions' bodies and locals.
  Validator(Module& module, Reader in) : module_(module), in_(in) {}

  // The number in the data count section; without one, instructions must not name data segments.
  void set_data_count(uint32_t count) { data_count_ = count; }

  // Validates the code entry (locals and body) that is all of `in`, and fills in `function`.
  void validate_function(Reader in, Function& function);

  // Validates the constant expression that `in` stands at, moves `in` behind it. Errors: "constant expression
  // required", "type mismatch" and all those of bodies.
  ConstExpr validate_const_expr(Reader& in, ValType expected);

 private:
  // What a block takes and gives: nothing, one result, or a function type of the module.
  struct BlockType {
    const FuncType* func = nullptr;
    ValType single;
    bool has_single = false;
    std::span<const ValType> params() const {
      return func ? std::span<const ValType>(func->params) : std::span<const ValType>();
    }
    std::span<const ValType> results() const {
      return func ? std::span<const ValType>(func->results) : std::span<const ValType>(&single, has_single ? 1 : 0);
    }
  };
  // An entry of the control stack. Invariant: the operand stack is never lower than the innermost frame's height.
  struct Frame {
    BlockType type;
    uint32_t height = 0;      // of the operand stack when entered, parameters not counted
    uint32_t inits = 0;       // size of init_stack_ when entered
    uint32_t checked_by = 0;  // offset of the br_table that has checked this label last
    Opcode opcode = Opcode::Block;
    bool unreachable = false;
    std::span<const ValType> label_types() const { return opcode == Opcode::Loop ? type.params() : type.results(); }
  };
  struct LocalsEnd {
    uint32_t end;  // first local index behind the run
    ValType type;
  };

  // The loop.
  void run();
  void plain(size_t row);
  void special(Opcode opcode);
  void illegal_opcode(uint8_t prefix, uint32_t code);

  // Operand stack. After an error everything goes on safely, to no effect.
  void push(ValType type) { stack_.push_back(type); }
  void push(std::span<const ValType> types);
  ValType pop_any();              // Bottom where the stack is polymorphic
  ValType pop(ValType expected);  // gives what was there
  void pop(std::span<const ValType> types);
  void pop_repeated(ValType type, size_t count);
  void pop_kind(ValKind kind);                       // as pop, for types without parts
  ValType pop_ref();                                 // any reference; bottom references stay references
  size_t check_top(std::span<const ValType> types);  // pops nothing; gives how many of them are really there
  void set_unreachable();
  bool subtype(ValType sub, ValType super) const { return sub == super || is_subtype(module_.types, sub, super); }
  void require_subtype(ValType sub, ValType super);
  void require_subtypes(std::span<const ValType> sub, std::span<const ValType> super);
  void mismatch(ValType expected, std::optional<ValType> found);
  template <typename... Args>
  void invalid(fmt::format_string<Args...> format, Args&&... args) {
    in_.invalid_at(at_, format, std::forward<Args>(args)...);
  }

  // Immediates: each reads one index and checks it; null after an error.
  const TypeDef* type_index(CompositeKind kind, uint32_t* index = nullptr);
  const FuncType* function_index();
  const Table* table_index();
  const Memory* memory_index();
  const TagType* tag_index();
  const ElemSegment* elem_index();
  void data_index();
  Frame* label_index();
  const Table* table_at(uint32_t index);
  const Memory* memory_at(uint32_t index);
  const ElemSegment* elem_at(uint32_t index);
  void check_data(uint32_t index);
  BlockType block_type();
  void lane(unsigned lanes);
  // Alignment, memory, offset; gives the address type.
  ValType memarg(unsigned natural_log2);
  static ValType address_type(const Limits& limits) { return limits.is_64 ? ValType::i64() : ValType::i32(); }

  // Variables.
  void read_locals(const FuncType& type, Function& function);
  std::optional<std::pair<uint32_t, ValType>> local_index();
  void local_get();
  void local_set(bool tee);
  void mark_initialized(uint32_t local);
  void undo_initializations(uint32_t size);
  void global_get();
  void global_set();
  void select();
  void select_typed();

  // Control.
  void push_frame(Opcode opcode, BlockType type);
  void pop_frame_results();
  void block(Opcode opcode);
  void try_table();
  void catch_clause();
  void else_();
  void end();
  void br();
  void br_if();
  void br_table();
  void return_();
  void call(const FuncType* type, bool is_tail);
  void call_indirect(bool is_tail);
  void call_ref(bool is_tail);
  void throw_();

  // References.
  void ref_null();
  void ref_is_null();
  void ref_func();
  void ref_as_non_null();
  void br_on_null();
  void br_on_non_null();
  void br_on_cast(bool on_fail);
  void ref_test(bool nullable);
  void ref_cast(bool nullable);
  void convert(HeapType from, HeapType to);

  // Structures and arrays.
  void struct_new(bool with_defaults);
  void struct_get(Opcode opcode);
  void struct_set();
  const FieldType* field_index(const TypeDef& type);
  void require_packing(const FieldType& field, bool has_sign);
  void array_new(bool with_default);
  void array_new_fixed();
  void array_new_segment(bool is_data);
  void array_get(Opcode opcode);
  void array_set();
  void array_fill();
  void array_copy();
  void array_init(bool is_data);
  bool require_mutable(const FieldType& element);
  void require_numeric_element(const FieldType& element);

  // Memories and tables.
  void memory_size_or_grow(bool grow);
  void memory_fill();
  void memory_copy();
  void memory_init();
  void table_get();
  void table_set();
  void table_size();
  void table_grow();
  void table_fill();
  void table_copy();
  void table_init();

  Module& module_;
  Reader in_;
  size_t at_ = 0;  // offset of the current instruction
  std::optional<uint32_t> data_count_;
  bool constant_ = false;             // in a constant expression
  bool is_leaf_ = false;              // Function::is_leaf, so far
  std::span<const ValType> results_;  // of the function

  std::vector<ValType> stack_;
  std::vector<Frame> frames_;

  // The first locals flat, all of them as runs: a function of a few bytes may declare 50,000 locals.
  std::vector<ValType> first_locals_;
  std::vector<LocalsEnd> local_runs_;
  uint32_t local_count_ = 0;  // parameters included
  uint32_t param_count_ = 0;
  // Locals without a default value must be set before they are read: local x is when init_epochs_[x] == epoch_. Locals
  // set in a block are forgotten at its end; init_stack_ has them in order.
  std::vector<uint32_t> init_epochs_;
  std::vector<uint32_t> init_stack_;
  uint32_t epoch_ = 0;
};

}  // namespace wjit

// The assembler of instructions: flat and folded forms in, binary instructions out. One object serves all functions and
// constant expressions of a module. It keeps its own stack, so that nesting costs heap and not the machine's stack.
// The plain instructions and their immediates are rows of frontend/opcodes.def; what the table does not say (labels,
// type uses, abbreviations) is in frontend/text_instructions.cpp and frontend/text_immediates.cpp. Core
// specification 3.0, section 6.5. User: text_module.cpp. Test: test/unit/text_test.cpp.
#pragma once

#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frontend/binary_writer.h"
#include "frontend/opcodes.h"
#include "frontend/text_context.h"
#include "frontend/text_cursor.h"

namespace wjit {

class InstructionAssembler {
 public:
  explicit InstructionAssembler(ModuleContext& context) : context_(context) {}

  // `instr*` up to the `)` of the surrounding form, then `end`.
  void expression(Cursor& c, Writer& out);
  // Exactly one folded instruction, then `end`: the abbreviation for offsets and element expressions.
  void folded_expression(Cursor& c, Writer& out);

 private:
  // What a `)` or an `end` closes.
  enum class Form : uint8_t {
    Operator,     // (i32.add …): the instruction waits in pending_ for its operands
    FoldedBlock,  // (block …), (loop …), (try_table …)
    IfCondition,  // (if … : operands, `(then` still to come; its block type waits in pending_
    IfThenDone,   // behind (then …)
    IfElseDone,   // behind (else …)
    ThenArm,      // inside (then …), on top of IfThenDone
    ElseArm,      // inside (else …), on top of IfElseDone
    FlatBlock,    // block … end
    FlatIf,       // if … (before else)
    FlatElse,     // if … else …
  };
  struct Frame {
    Form form;
    size_t pending = 0;                          // Operator, IfCondition: where it begins in pending_
    std::optional<std::string_view> label = {};  // IfCondition: known before it is in scope
    std::optional<std::string> label_name = {};
  };
  struct Label {
    std::optional<std::string_view> id;
    std::optional<uint32_t> shadowed;  // the depth of the outer label of that name
  };

  // text_instructions.cpp
  void run(Cursor& c, Writer& out, bool only_one);
  void open_folded(Cursor& c, Writer& out);
  void close_form(Cursor& c, Writer& out);
  void flat_instruction(Cursor& c, Writer& out);
  void block_start(Cursor& c, const OpcodeInfo& row, Form form, Writer& out);
  void flat_else(Cursor& c, Writer& out);
  void flat_end(Cursor& c, Writer& out);
  void emit_pending(const Frame& frame, Writer& out);
  void push_label(std::optional<std::string_view> id, std::optional<std::string> name = std::nullopt);
  void pop_label();
  void check_label(Cursor& c);
  const OpcodeInfo* find_instruction(Cursor& c);

  // text_immediates.cpp
  void plain(Cursor& c, const OpcodeInfo& row, Writer& out);
  void write_opcode(const OpcodeInfo& row, Writer& out);
  void block_type(Cursor& c, Writer& out);
  void catches(Cursor& c, Writer& out);
  void index(Cursor& c, const IndexSpace& space, Writer& out);
  void label(Cursor& c, Writer& out);
  uint32_t parse_label(Cursor& c);
  void label_table(Cursor& c, Writer& out);
  void call_indirect(Cursor& c, Writer& out);
  void select(Cursor& c, Writer& out);
  void memarg(Cursor& c, const OpcodeInfo& row, bool has_lane, Writer& out);
  void lane(Cursor& c, Writer& out);
  void two_indices(Cursor& c, const IndexSpace& space, Writer& out);
  void segment_and_space(Cursor& c, const IndexSpace& segments, const IndexSpace& space, Writer& out);
  void ref_test_or_cast(Cursor& c, const OpcodeInfo& row, Writer& out);
  void br_on_cast(Cursor& c, Writer& out);

  ModuleContext& context_;
  std::vector<Frame> frames_;
  std::vector<Label> labels_;
  std::unordered_map<std::string_view, uint32_t> label_depths_;  // the innermost label of each name
  Writer pending_;
};

}  // namespace wjit

// Structure of instruction sequences: folded forms, blocks, labels. The interface is frontend/text_instructions.h.
//
// run() looks at one token at a time; frames_ says what is open. A folded operator is encoded, immediates included,
// when its name is met, and waits in pending_ until its operands are out. The label of an `if` comes into scope only at
// `(then`.
#include "frontend/text_instructions.h"

#include "frontend/text_annotations.h"

namespace wjit {
namespace {

constexpr uint8_t kIf = 0x04, kElse = 0x05, kEnd = 0x0B;

// Instructions of proposals that have a text form but no row in the table.
bool is_of_a_proposal(std::string_view name) {
  return name.find(".atomic.") != name.npos || name == "atomic.fence" || name == "try" || name == "delegate" ||
         name == "rethrow" || name == "i64.add128" || name == "i64.sub128" || name == "i64.mul_wide_s" ||
         name == "i64.mul_wide_u";
}

// Words of the format that are no instructions; where one is met, something stands in the wrong place.
bool is_clause(std::string_view word) {
  for (std::string_view each :
       {"param", "result", "type", "local", "then", "catch", "catch_ref", "catch_all", "catch_all_ref"}) {
    if (word == each) return true;
  }
  return false;
}

}  // namespace

void InstructionAssembler::expression(Cursor& c, Writer& out) {
  run(c, out, false);
  out.byte(kEnd);
}

void InstructionAssembler::folded_expression(Cursor& c, Writer& out) {
  if (!c.at_open()) c.unexpected("an instruction");
  run(c, out, true);
  out.byte(kEnd);
}

void InstructionAssembler::run(Cursor& c, Writer& out, bool only_one) {
  frames_.clear();
  labels_.clear();
  label_depths_.clear();
  pending_.clear();
  // The function body or expression itself is a block without a name.
  push_label(std::nullopt);
  while (!c.failed()) {
    switch (c.kind()) {
      case TokenKind::Open: open_folded(c, out); break;
      case TokenKind::Keyword: flat_instruction(c, out); break;
      case TokenKind::Close:
      case TokenKind::End:
        if (frames_.empty()) return;
        close_form(c, out);
        break;
      case TokenKind::Reserved:
      case TokenKind::Number: c.fail(fmt::format("unknown operator {:.40}", c.spelling())); break;
      default: c.unexpected("an instruction");
    }
    if (only_one && frames_.empty()) return;
  }
}

void InstructionAssembler::open_folded(Cursor& c, Writer& out) {
  if (!frames_.empty()) {
    Frame& top = frames_.back();
    if (top.form == Form::IfCondition && c.take_open("then")) {
      emit_pending(top, out);
      push_label(top.label, top.label_name);
      top.form = Form::IfThenDone;
      frames_.push_back({Form::ThenArm});
      return;
    }
    if (top.form == Form::IfThenDone && c.take_open("else")) {
      out.byte(kElse);
      top.form = Form::IfElseDone;
      frames_.push_back({Form::ElseArm});
      return;
    }
    if (top.form == Form::IfThenDone || top.form == Form::IfElseDone) {
      c.unexpected(")");
      return;
    }
  }
  c.advance();
  const OpcodeInfo* row = find_instruction(c);
  if (row == nullptr) return;
  switch (row->opcode) {
    case Opcode::Block:
    case Opcode::Loop:
    case Opcode::TryTable: block_start(c, *row, Form::FoldedBlock, out); break;
    case Opcode::If: {
      size_t start = pending_.size();
      std::optional<std::string_view> label = c.take_id();
      std::optional<std::string> name = name_annotation(c);
      pending_.byte(kIf);
      block_type(c, pending_);
      frames_.push_back({Form::IfCondition, start, label, std::move(name)});
      break;
    }
    case Opcode::Else:
    case Opcode::End: c.fail("unexpected token: else and end do not start a form"); break;
    default: {
      size_t start = pending_.size();
      plain(c, *row, pending_);
      frames_.push_back({Form::Operator, start});
    }
  }
}

void InstructionAssembler::close_form(Cursor& c, Writer& out) {
  Frame top = frames_.back();
  switch (top.form) {
    case Form::Operator: emit_pending(top, out); break;
    case Form::FoldedBlock:
    case Form::IfThenDone:
    case Form::IfElseDone:
      pop_label();
      out.byte(kEnd);
      break;
    case Form::ThenArm:
    case Form::ElseArm: break;
    case Form::IfCondition: c.unexpected("(then"); return;
    case Form::FlatBlock:
    case Form::FlatIf:
    case Form::FlatElse: c.unexpected("end"); return;
  }
  c.expect_close();
  frames_.pop_back();
}

void InstructionAssembler::flat_instruction(Cursor& c, Writer& out) {
  // A folded operator takes folded operands only.
  if (!frames_.empty()) {
    Form form = frames_.back().form;
    if (form == Form::Operator || form == Form::IfCondition || form == Form::IfThenDone || form == Form::IfElseDone) {
      c.unexpected(")");
      return;
    }
  }
  const OpcodeInfo* row = find_instruction(c);
  if (row == nullptr) return;
  switch (row->opcode) {
    case Opcode::Block:
    case Opcode::Loop:
    case Opcode::TryTable: block_start(c, *row, Form::FlatBlock, out); break;
    case Opcode::If: block_start(c, *row, Form::FlatIf, out); break;
    case Opcode::Else: flat_else(c, out); break;
    case Opcode::End: flat_end(c, out); break;
    default: plain(c, *row, out);
  }
}

const OpcodeInfo* InstructionAssembler::find_instruction(Cursor& c) {
  if (c.at(TokenKind::Keyword)) {
    if (const OpcodeInfo* row = find_opcode(c.spelling())) {
      c.advance();
      return row;
    }
    if (is_of_a_proposal(c.spelling())) {
      c.fail(fmt::format("instruction {}", c.spelling()), InputFault::Unsupported);
    }
  }
  if (c.at_end() || c.at_open() || c.at_string() || is_clause(c.spelling())) {
    c.unexpected("an instruction");
  } else {
    c.fail(fmt::format("unknown operator {:.40}", c.spelling()));
  }
  return nullptr;
}

// `$label? blocktype catch*`, behind block, loop, if or try_table.
void InstructionAssembler::block_start(Cursor& c, const OpcodeInfo& row, Form form, Writer& out) {
  std::optional<std::string_view> label = c.take_id();
  std::optional<std::string> name = name_annotation(c);
  write_opcode(row, out);
  block_type(c, out);
  if (row.opcode == Opcode::TryTable) catches(c, out);  // their labels are counted outside of the block
  push_label(label, std::move(name));
  frames_.push_back({form});
}

void InstructionAssembler::flat_else(Cursor& c, Writer& out) {
  if (frames_.empty() || frames_.back().form != Form::FlatIf) {
    c.fail("unexpected token else");
    return;
  }
  check_label(c);
  frames_.back().form = Form::FlatElse;
  out.byte(kElse);
}

void InstructionAssembler::flat_end(Cursor& c, Writer& out) {
  Form form = frames_.empty() ? Form::Operator : frames_.back().form;
  if (form != Form::FlatBlock && form != Form::FlatIf && form != Form::FlatElse) {
    c.fail("unexpected token end");
    return;
  }
  check_label(c);
  frames_.pop_back();
  pop_label();
  out.byte(kEnd);
}

// The optional label behind `else` and `end` repeats the one of the block.
void InstructionAssembler::check_label(Cursor& c) {
  if (!c.at_id()) return;
  if (c.list().id_name(c.peek()) != labels_.back().id) c.fail(fmt::format("mismatching label {:.60}", c.spelling()));
  c.advance();
}

void InstructionAssembler::emit_pending(const Frame& frame, Writer& out) {
  out.bytes(pending_.span().subspan(frame.pending));
  pending_.truncate(frame.pending);
}

// `name` is the one of an annotation.
void InstructionAssembler::push_label(std::optional<std::string_view> id, std::optional<std::string> name) {
  Label label{.id = id, .shadowed = std::nullopt};
  auto depth = static_cast<uint32_t>(labels_.size());
  if (id) {
    auto [it, added] = label_depths_.emplace(*id, depth);
    if (!added) {
      label.shadowed = it->second;
      it->second = depth;
    }
  }
  // The outermost is the function's own, which has no number.
  if (!labels_.empty()) {
    if (!name && id) name = std::string(*id);
    if (name) context_.label_names.emplace_back(context_.label_count, std::move(*name));
    ++context_.label_count;
  }
  labels_.push_back(label);
}

void InstructionAssembler::pop_label() {
  const Label& label = labels_.back();
  if (label.id) {
    if (label.shadowed) {
      label_depths_[*label.id] = *label.shadowed;
    } else {
      label_depths_.erase(*label.id);
    }
  }
  labels_.pop_back();
}

}  // namespace wjit

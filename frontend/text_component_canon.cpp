// Canonical definitions: lift, lower and the built-ins of frontend/canon.def, in both orders of the text:
// `(canon lower (func $f) (core func $g))` and `(core func $g (canon lower (func $f)))`.
// Interface: frontend/text_component_impl.h. Binary.md, "Canonical Definitions".
// Test: test/unit/text_component_test.cpp.
#include <fmt/format.h>

#include <array>

#include "frontend/text_component_impl.h"
#include "frontend/text_numbers.h"
#include "frontend/text_types.h"

namespace wjit::component_text {

namespace {

struct BuiltinRow {
  CanonBuiltin builtin;
  uint8_t code;
  std::string_view name;
};
constexpr BuiltinRow kBuiltins[] = {
#define CANON(builtin, code, name) {CanonBuiltin::builtin, code, name},
#include "frontend/canon.def"
#undef CANON
};

}  // namespace

// --- options ---

// Inside `(memory …)` and its like: `$m`, `$i "m"`, `(memory $m)`, `(core memory $i "m")`.
uint32_t Assembler::option_ref(Space space) { return c_.at_open() ? ref(space) : index_or_alias(space); }

uint32_t Assembler::memory_option() {
  c_.expect_open("memory");
  const uint32_t index = option_ref(Space::CoreMemory);
  c_.expect_close();
  return index;
}

// canonopt*, as a vec.
void Assembler::canon_options(Writer& out) {
  struct Word {
    std::string_view name;
    uint8_t code;
  };
  static constexpr Word kPlain[] = {
      {"string-encoding=utf8", 0x00},
      {"string-encoding=utf16", 0x01},
      {"string-encoding=latin1+utf16", 0x02},
      {"async", 0x06},
  };
  static constexpr Word kWithFunc[] = {{"realloc", 0x04}, {"post-return", 0x05}, {"callback", 0x07}};
  uint32_t count = 0;
  Writer options;
  const auto take_one = [&] {
    for (const Word& word : kPlain) {
      if (!c_.take_keyword(word.name)) continue;
      options.byte(word.code);
      return true;
    }
    for (const Word& word : kWithFunc) {
      if (!c_.take_open(word.name)) continue;
      options.byte(word.code);
      options.u32(option_ref(Space::CoreFunc));
      c_.expect_close();
      return true;
    }
    if (!c_.at_open("memory")) return false;
    options.byte(0x03);
    options.u32(memory_option());
    return true;
  };
  while (take_one()) ++count;
  out.u32(count);
  out.bytes(options.span());
}

// --- lift ---

// Behind `lift`: `(core func $f) canonopt*`; the type's index is still to be written.
void Assembler::canon_lift_head(Writer& out) {
  out.byte(0x00);
  out.byte(0x00);
  out.u32(ref(Space::CoreFunc));
  canon_options(out);
}

// Behind `(func`: an import, an alias or a lift; afterwards before the `)`.
void Assembler::func() {
  const NewId id = take_new_id(Space::Func);
  const std::vector<Writer> exports = inline_exports();
  uint32_t index = 0;
  if (!inline_import(Space::Func, id, index) && !inverted_alias(Space::Func, id, index)) {
    const uint32_t type = type_use(Space::Func);
    Writer out;
    c_.expect_open("canon");
    c_.expect_keyword("lift");
    canon_lift_head(out);
    c_.expect_close();
    out.u32(type);
    index = define(Section::Canon, out, Space::Func, id);
  }
  export_all(exports, Space::Func, index);
}

// --- definitions of core functions ---

// Behind `(core func`; afterwards before the `)`.
void Assembler::core_func() {
  const NewId id = take_new_id(Space::CoreFunc);
  uint32_t index = 0;
  if (inverted_alias(Space::CoreFunc, id, index)) return;
  Writer out;
  c_.expect_open("canon");
  canon_core_func(out);
  c_.expect_close();
  define(Section::Canon, out, Space::CoreFunc, id);
}

void Assembler::canon_core_func(Writer& out) {
  if (c_.take_keyword("lower")) {
    out.byte(0x01);
    out.byte(0x00);
    out.u32(ref(Space::Func));
    canon_options(out);
    return;
  }
  for (const BuiltinRow& row : kBuiltins) {
    if (!c_.take_keyword(row.name)) continue;
    out.byte(row.code);
    canon_builtin(row.builtin, out);
    return;
  }
  c_.unexpected("a canonical definition");
}

// The immediates behind the name of a built-in.
void Assembler::canon_builtin(CanonBuiltin builtin, Writer& out) {
  using enum CanonBuiltin;
  switch (builtin) {
    case TaskCancel:
    case SubtaskDrop:
    case ErrorContextDrop:
    case WaitableSetNew:
    case WaitableSetDrop:
    case WaitableJoin:
    case BackpressureInc:
    case BackpressureDec:
    case ThreadIndex:
    case ThreadResumeLater: return;
    case ResourceNew:
    case ResourceDrop:
    case ResourceRep:
    case StreamNew:
    case StreamDropReadable:
    case StreamDropWritable:
    case FutureNew:
    case FutureDropReadable:
    case FutureDropWritable: out.u32(ref(Space::Type)); return;
    case StreamRead:
    case StreamWrite:
    case FutureRead:
    case FutureWrite:
      out.u32(ref(Space::Type));
      canon_options(out);
      return;
    case StreamCancelRead:
    case StreamCancelWrite:
    case FutureCancelRead:
    case FutureCancelWrite:
      out.u32(ref(Space::Type));
      out.byte(c_.take_keyword("async") ? 0x01 : 0x00);
      return;
    case SubtaskCancel: out.byte(c_.take_keyword("async") ? 0x01 : 0x00); return;
    case TaskReturn:
      result_list(out);
      canon_options(out);
      return;
    case ContextGet:
    case ContextSet:
      assemble_val_type(c_, scope_->space(Space::CoreType), out);
      out.u32(parse_u32(c_));
      return;
    case ErrorContextNew:
    case ErrorContextDebugMessage: canon_options(out); return;
    case WaitableSetWait:
    case WaitableSetPoll:
      out.byte(0x00);
      out.u32(memory_option());
      return;
    case ThreadYield:
    case ThreadSuspend:
    case ThreadSuspendThenResume:
    case ThreadYieldThenResume:
    case ThreadSuspendThenPromote:
    case ThreadYieldThenPromote: out.byte(0x00); return;
    case ThreadSpawnRef:
    case ThreadSpawnIndirect:
    case ThreadAvailableParallelism:
      out.byte(c_.take_keyword("shared") ? 0x01 : 0x00);
      if (builtin == ThreadAvailableParallelism) return;
      out.u32(ref(Space::CoreType));
      if (builtin == ThreadSpawnIndirect) out.u32(ref(Space::CoreTable));
      return;
    case ThreadNewIndirect:
      out.u32(ref(Space::CoreType));
      out.u32(ref(Space::CoreTable));
      return;
  }
}

// Behind `(canon`; afterwards before the `)`.
void Assembler::canon() {
  Writer out;
  const bool lift = c_.take_keyword("lift");
  if (lift) {
    canon_lift_head(out);
  } else {
    canon_core_func(out);
  }
  const Space space = lift ? Space::Func : Space::CoreFunc;
  take_space(space);
  const NewId id = take_new_id(space);
  if (lift) out.u32(type_use(Space::Func));
  c_.expect_close();
  define(Section::Canon, out, space, id);
}

}  // namespace wjit::component_text

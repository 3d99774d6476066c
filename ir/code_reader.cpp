// Block types, and the lengths of all kinds of immediates.
#include "ir/code_reader.h"

#include "base/check.h"

namespace wjit::ir {

ValType CodeReader::value_type() {
  uint8_t code = byte();
  switch (code) {
    case 0x7F: return ValType::i32();
    case 0x7E: return ValType::i64();
    case 0x7D: return ValType::f32();
    case 0x7C: return ValType::f64();
    case 0x7B: return ValType::v128();
    case 0x63: return ValType::ref(static_cast<HeapType>(s64()), true);
    case 0x64: return ValType::ref(static_cast<HeapType>(s64()), false);
    default: return ValType::ref(static_cast<HeapType>(code) - 0x80, true);  // one byte: (ref null <abstract>)
  }
}

const FuncType& CodeReader::block_type() {
  // By value class only: the emitter does not tell references apart here.
  static const FuncType none{}, i32{{}, {ValType::i32()}}, i64{{}, {ValType::i64()}}, f32{{}, {ValType::f32()}},
      f64{{}, {ValType::f64()}}, v128{{}, {ValType::v128()}}, reference{{}, {ValType::externref()}};
  if (*pos_ == 0x40) {
    ++pos_;
    return none;
  }
  bool is_value_type = (*pos_ & 0xC0) == 0x40;  // one byte, negative
  if (!is_value_type) return module_->types[static_cast<size_t>(s64())].func;
  switch (value_type().kind) {
    case ValKind::I32: return i32;
    case ValKind::I64: return i64;
    case ValKind::F32: return f32;
    case ValKind::F64: return f64;
    case ValKind::V128: return v128;
    case ValKind::Ref:
    case ValKind::Bottom: break;
  }
  return reference;
}

void CodeReader::skip(Immediate immediate) {
  switch (immediate) {
    case Immediate::None: return;
    case Immediate::Block: static_cast<void>(block_type()); return;
    case Immediate::Label:
    case Immediate::Func:
    case Immediate::Type:
    case Immediate::Local:
    case Immediate::Global:
    case Immediate::Table:
    case Immediate::Memory:
    case Immediate::Tag:
    case Immediate::Data:
    case Immediate::Elem:
    case Immediate::I32:
    case Immediate::I64:
    case Immediate::HeapType: static_cast<void>(u64()); return;
    case Immediate::CallIndirect:
    case Immediate::DataMemory:
    case Immediate::MemoryMemory:
    case Immediate::ElemTable:
    case Immediate::TableTable:
    case Immediate::TypeField:
    case Immediate::TypeCount:
    case Immediate::TypeData:
    case Immediate::TypeElem:
    case Immediate::TypeType:
      static_cast<void>(u64());
      static_cast<void>(u64());
      return;
    case Immediate::LabelTable:
      for (uint32_t count = u32() + 1; count != 0; --count) static_cast<void>(u32());
      return;
    case Immediate::MemArg: static_cast<void>(mem_arg()); return;
    case Immediate::MemArgLane:
      static_cast<void>(mem_arg());
      ++pos_;
      return;
    case Immediate::Lane: ++pos_; return;
    case Immediate::F32: pos_ += 4; return;
    case Immediate::F64: pos_ += 8; return;
    case Immediate::V128:
    case Immediate::Shuffle: pos_ += 16; return;
    case Immediate::SelectTypes:
      for (uint32_t count = u32(); count != 0; --count) static_cast<void>(value_type());
      return;
    case Immediate::TryTable:
      static_cast<void>(block_type());
      for (uint32_t count = u32(); count != 0; --count) static_cast<void>(catch_clause());
      return;
    case Immediate::BrOnCast:
      ++pos_;
      for (int i = 0; i != 3; ++i) static_cast<void>(u64());
      return;
  }
  UNREACHABLE_CASE("immediate kind");
}

}  // namespace wjit::ir

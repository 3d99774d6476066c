// Core types as text, for messages (frontend/types.h).
#include "frontend/types.h"

#include <fmt/format.h>

namespace wjit {
namespace {

std::string heap_name(HeapType type) {
  switch (type) {
    case heap::NoExn: return "noexn";
    case heap::NoFunc: return "nofunc";
    case heap::NoExtern: return "noextern";
    case heap::None: return "none";
    case heap::Func: return "func";
    case heap::Extern: return "extern";
    case heap::Any: return "any";
    case heap::Eq: return "eq";
    case heap::I31: return "i31";
    case heap::Struct: return "struct";
    case heap::Array: return "array";
    case heap::Exn: return "exn";
    default: return type >= 0 ? fmt::format("{}", type) : "bot";
  }
}

}  // namespace

std::string to_string(ValType type) {
  switch (type.kind) {
    case ValKind::I32: return "i32";
    case ValKind::I64: return "i64";
    case ValKind::F32: return "f32";
    case ValKind::F64: return "f64";
    case ValKind::V128: return "v128";
    case ValKind::Ref: return fmt::format("(ref {}{})", type.nullable ? "null " : "", heap_name(type.heap));
    case ValKind::Bottom: return "bot";
  }
  return "";
}

const char* name(ExternKind kind) {
  switch (kind) {
    case ExternKind::Func: return "function";
    case ExternKind::Table: return "table";
    case ExternKind::Memory: return "memory";
    case ExternKind::Global: return "global";
    case ExternKind::Tag: return "tag";
  }
  return "";
}

}  // namespace wjit

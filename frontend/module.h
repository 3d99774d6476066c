// A decoded and validated core module: data only, the nouns that the emitter and the linker read.
// Made by decode_module (frontend/decoder.h); function bodies stay in the module's bytes and are read again by the emitter.
// Immutable after validation and shared between threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "frontend/types.h"

namespace wjit {

using Bytes = std::vector<uint8_t>;

// A range of the module's bytes.
struct ByteRange {
  uint32_t begin = 0;
  uint32_t end = 0;
};

// Constant expressions are kept as their bytes (without the final `end`'s meaning lost: the range includes `end`), and
// evaluated by jit/const_expr.cpp.
using ConstExpr = ByteRange;

struct Import {
  std::string module;
  std::string name;
  ExternKind kind = ExternKind::Func;
  uint32_t index = 0;  // in the index space of its kind
  uint32_t offset = 0; // byte offset of the import, for messages
};

struct Export {
  std::string name;
  ExternKind kind = ExternKind::Func;
  uint32_t index = 0;
};

// Locals after the parameters, run-length as in the binary.
struct LocalRun {
  uint32_t count = 0;
  ValType type;
};

struct Function {
  uint32_t type = 0;            // index into types, kind Func
  // Defined functions only:
  ByteRange body;               // instructions, final `end` included
  std::vector<LocalRun> locals;
  bool is_leaf = false;         // it calls and throws nothing
};

struct Table {
  TableType type;
  std::optional<ConstExpr> init;
};

struct Memory {
  MemoryType type;
};

struct Global {
  GlobalType type;
  ConstExpr init;  // defined globals only
};

enum class SegmentMode : uint8_t { Active, Passive, Declarative };

struct ElemSegment {
  SegmentMode mode = SegmentMode::Passive;
  uint32_t table = 0;                // Active
  ConstExpr offset;                  // Active
  ValType type = ValType::funcref();
  std::vector<uint32_t> functions;   // either function indices
  std::vector<ConstExpr> exprs;      // or expressions
  bool uses_exprs = false;
  size_t size() const { return uses_exprs ? exprs.size() : functions.size(); }
};

struct DataSegment {
  SegmentMode mode = SegmentMode::Passive;
  uint32_t memory = 0;  // Active
  ConstExpr offset;     // Active
  ByteRange bytes;
};

struct CustomSection {
  std::string name;
  ByteRange bytes;
};

struct Module {
  // The bytes that every ByteRange points into. For a module nested in a component: all the component's bytes.
  std::shared_ptr<const Bytes> bytes;
  ByteRange range;  // of this module in `bytes`

  std::vector<TypeDef> types;
  std::vector<Import> imports;
  std::vector<Function> functions;  // imported ones first, in each of these
  std::vector<Table> tables;
  std::vector<Memory> memories;
  std::vector<Global> globals;
  std::vector<TagType> tags;
  uint32_t imported_functions = 0;
  uint32_t imported_tables = 0;
  uint32_t imported_memories = 0;
  uint32_t imported_globals = 0;
  uint32_t imported_tags = 0;

  std::vector<Export> exports;
  std::optional<uint32_t> start;
  std::vector<ElemSegment> elems;
  std::vector<DataSegment> datas;
  std::vector<CustomSection> customs;

  // From the name section, where it is well-formed.
  std::string name;
  std::map<uint32_t, std::string> function_names;

  // Functions that ref.func, elem segments, exports or globals mention: they need a FuncRef in every instance.
  std::vector<bool> function_is_referenced;

  const FuncType& function_type(uint32_t function) const { return types[functions[function].type].func; }
  std::span<const uint8_t> slice(ByteRange r) const { return std::span(*bytes).subspan(r.begin, r.end - r.begin); }
  // "name" from the name section, else an export's name, else "func[3]".
  std::string function_display_name(uint32_t function) const;
};

}  // namespace wjit

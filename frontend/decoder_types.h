// Reading of core types in the binary format: shared by the decoder of modules (frontend/decoder.cpp), the validator's
// immediates and the core types of components. Each function reads one production of the core specification's chapter
// 5.3 and checks it as chapter 3.2 says; errors go to the reader's sink, and the result is then meaningless.
// `type_count` is the number of types that an index may name; an index beyond is "unknown type" (Invalid).
// Implemented in frontend/decoder_types.cpp. Tests: test/unit/decoder_test.cpp.
#pragma once

#include <span>
#include <vector>

#include "frontend/reader.h"
#include "frontend/types.h"

namespace wjit {

// Implementation limits; those of the public JavaScript API where it has one.
namespace limit {
constexpr uint32_t kItems = 1'000'000;  // types, functions, imports, exports, globals, segments
constexpr uint32_t kParams = 1'000;     // parameters, results
constexpr uint32_t kFields = 10'000;    // of a struct, operands of array.new_fixed
constexpr uint32_t kLocals = 50'000;    // parameters included
constexpr uint32_t kSubtypeDepth = 63;  // length of a chain of supertypes
constexpr uint32_t kTables = 100'000;   // tables, memories, tags
constexpr uint64_t kMaxPages32 = 1ULL << 16;
constexpr uint64_t kMaxPages64 = 1ULL << 48;
}  // namespace limit

HeapType read_heap_type(Reader& in, uint32_t type_count);
ValType read_ref_type(Reader& in, uint32_t type_count);
ValType read_val_type(Reader& in, uint32_t type_count);

// Flags, minimum, maximum of tables. Range: 2^32-1 elements, 2^64-1 with address type i64.
Limits read_table_limits(Reader& in);
TableType read_table_type(Reader& in, uint32_t type_count);    // element type, limits
MemoryType read_memory_type(Reader& in);                       // limits in pages, page size
GlobalType read_global_type(Reader& in, uint32_t type_count);  // value type, mutability

// A function type behind its byte 0x60: parameters and results.
FuncType read_func_type(Reader& in, uint32_t type_count);

// One recursion group (rectype: 0x4E vec(subtype), or one subtype, or one composite type), appended to `types`,
// validated and with canonical ids.
void read_rec_type(Reader& in, std::vector<TypeDef>& types);

// Attribute byte and type index, which must name a function type.
TagType read_tag_type(Reader& in, std::span<const TypeDef> types);

// The byte of an external kind; "malformed import kind" / "malformed export kind" by `what`.
ExternKind read_extern_kind(Reader& in, std::string_view what);

// The heap type below all others: of references popped from a polymorphic stack. Only inside the validator.
constexpr HeapType kBottomHeap = INT32_MIN;

// Subtyping (chapter 3.3) in the context of one module's types, which have their canonical ids. Bottom is a subtype of
// all value types.
bool is_heap_subtype(std::span<const TypeDef> types, HeapType sub, HeapType super);
bool is_subtype(std::span<const TypeDef> types, ValType sub, ValType super);

// Has a default value: all but references that cannot be null.
inline bool is_defaultable(ValType type) { return !type.is_ref() || type.nullable; }

}  // namespace wjit

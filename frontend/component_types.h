// Component-level types: data only. All types of one component tree (a component and all that is nested in it) live in
// one ComponentTypes arena and are named by TypeId; structurally equal value types of one arena need not share an id,
// so compare with types_equal.
//
// Resource types are abstract: a ResourceId is a static name for "some resource type", unique in the arena. It is bound
// to a run-time resource type in each component instance: by a resource definition, by an import, or by an instance
// whose static type says that it exports it (abi/instantiate.cpp keeps the map). Where a component or instance type is
// used at a new place (an import, an instantiation), the validator gives fresh ResourceIds to the resources that it
// binds there.
//
// Words and encodings: component-model Binary.md and Explainer.md, "Type Definitions".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/types.h"

namespace wjit {

using TypeId = uint32_t;
using ResourceId = uint32_t;
constexpr TypeId kNoType = UINT32_MAX;

enum class TypeKind : uint8_t {
  // Value types without parts
  Bool,
  S8,
  U8,
  S16,
  U16,
  S32,
  U32,
  S64,
  U64,
  F32,
  F64,
  Char,
  String,
  ErrorContext,
  // Value types with parts
  Record,
  Variant,
  List,
  FixedList,
  Tuple,
  Flags,
  Enum,
  Option,
  Result,
  Own,
  Borrow,
  Stream,
  Future,
  Map,
  // Other definable types
  Resource,
  Func,
  Component,
  Instance,
  CoreModule,
};
constexpr bool is_value_type(TypeKind k) { return k <= TypeKind::Map; }

// A named part. `type` is kNoType where there is none (enum and flags labels, variant cases without payload).
struct NamedType {
  std::string name;
  TypeId type = kNoType;
};

enum class ExternSort : uint8_t { CoreModule, Func, Value, Type, Component, Instance };
const char* name(ExternSort sort);

// `[implements=…]`, version suffix, external id: attributes of an import or export name; ignored by validation of
// types.
struct NameAttributes {
  std::optional<std::string> implements;
  std::optional<std::string> version_suffix;
  std::optional<std::string> external_id;
};

// One import or export of a component or instance type.
//   Type sort:  `type` is the type it equals; with `is_sub_resource`, a Resource type whose ResourceId is bound here.
//               `type` is an id of its own (as imports and exports give types a new name); `eq` is the one that the
//               declaration names, kNoType with `is_sub_resource`. Both are equal types.
struct ExternDecl {
  std::string name;
  NameAttributes attributes;
  ExternSort sort = ExternSort::Func;
  TypeId type = kNoType;
  bool is_sub_resource = false;
  TypeId eq = kNoType;
};

// An import or export of a core module type.
struct CoreExternDecl {
  std::string module;  // imports only
  std::string name;
  ExternKind kind = ExternKind::Func;
  FuncType func;  // by kind, one of these; Tag uses func. Concrete heap types are canonical numbers (type_registry.h)
  uint32_t canonical_id = 0;  // Func, Tag: of the function type
  TableType table;
  MemoryType memory;
  GlobalType global;
};

// How values of a type look to core code; worked out by add_type (frontend/canonical_layout.h), read through its
// functions.
struct AbiLayout {
  uint32_t size[2] = {0, 0};  // [32-bit, 64-bit pointers]; saturates
  uint8_t alignment[2] = {1, 1};
  uint8_t flat_count = 0;     // 17: more than 16
  uint32_t flat[2] = {0, 0};  // two bits for each core type: i32, i64, f32, f64; valid when flat_count <= 16
  uint32_t tree_size = 1;     // nodes of the type written out, saturating; limited by validation
  uint16_t depth = 1;
  bool has_borrow = false;
  bool has_pointer = false;
  bool has_resource = false;
};

struct ComponentTypeDef {
  TypeKind kind = TypeKind::Bool;
  // Record: fields. Variant: cases. Flags, Enum: labels. Tuple: elements (unnamed). Func: parameters.
  std::vector<NamedType> parts;
  // List, FixedList, Option, Stream, Future: element. Result: ok. Map: key. Func: result. kNoType where absent.
  TypeId element = kNoType;
  // Result: error. Map: value.
  TypeId second = kNoType;
  TypeId entry = kNoType;   // Map: the tuple<key, value> that it is a list of; made by add_type
  uint32_t length = 0;      // FixedList
  ResourceId resource = 0;  // Own, Borrow, Resource
  // Own, Borrow: the Resource type as named (its id tells by which import, export or definition it was reached; for
  // visibility and printing only: two types are equal when their `resource`s are).
  TypeId resource_type = kNoType;
  bool is_async = false;                     // Func
  std::vector<ExternDecl> imports;           // Component
  std::vector<ExternDecl> exports;           // Component, Instance
  std::vector<CoreExternDecl> core_imports;  // CoreModule
  std::vector<CoreExternDecl> core_exports;  // CoreModule
  AbiLayout layout;                          // value types and Func; given by add_type
};

// The arena. Grows during validation only; then immutable and shared between threads.
struct ComponentTypes {
  std::vector<ComponentTypeDef> types;
  uint32_t resource_count = 0;              // ResourceIds given so far
  std::vector<std::string> resource_names;  // by ResourceId, the first name it was given ("" if none)

  const ComponentTypeDef& operator[](TypeId id) const { return types[id]; }
};

// Structural equality of value and function types, resources by ResourceId.
bool types_equal(const ComponentTypes& types, TypeId a, TypeId b);

// The type in WIT syntax ("list<u8>", "result<string, error-code>", named types by structure), for messages.
std::string to_string(const ComponentTypes& types, TypeId id);

}  // namespace wjit

// A decoded and validated component: data only. A component is the list of its definitions in their order;
// instantiating it (abi/instantiate.cpp) means to run that list once, each definition appending to the index space of
// its sort, just as the binary format says. Made by decode_component; immutable afterwards and shared between threads.
//
// Index spaces:  core: func, table, memory, global, tag, module, instance      component: func, value, type,
// component, instance. Core types and component types need no run-time index space: definitions carry TypeIds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "frontend/component_types.h"
#include "frontend/module.h"

namespace wjit {

enum class CoreSort : uint8_t {
  Func = 0,
  Table = 1,
  Memory = 2,
  Global = 3,
  Tag = 4,
  Type = 0x10,
  Module = 0x11,
  Instance = 0x12
};

// What an index refers to: a core sort (then `core`), or a component-level sort.
enum class Sort : uint8_t { Core = 0, Func = 1, Value = 2, Type = 3, Component = 4, Instance = 5 };
struct SortIndex {
  Sort sort = Sort::Func;
  CoreSort core = CoreSort::Func;  // Sort::Core only
  uint32_t index = 0;              // Sort::Type: not used, see `type`
  TypeId type = kNoType;           // Sort::Type: the type itself
};
struct NamedSortIndex {
  std::string name;
  SortIndex item;
};

enum class StringEncoding : uint8_t { Utf8, Utf16, Latin1Utf16 };

// canonopt*: indices are into the core index spaces of the component.
struct CanonOptions {
  StringEncoding string_encoding = StringEncoding::Utf8;
  std::optional<uint32_t> memory = {};
  bool memory_is_64 = false;  // address type of `memory`
  std::optional<uint32_t> realloc = {};
  std::optional<uint32_t> post_return = {};
  bool is_async = false;
  std::optional<uint32_t> callback = {};
};

// Canonical built-ins, one row each in frontend/canon.def.
enum class CanonBuiltin : uint8_t {
#define CANON(name, ...) name,
#include "frontend/canon.def"
#undef CANON
};
const char* text_name(CanonBuiltin builtin);

struct Component;

namespace def {

struct CoreModule {  // -> core module
  std::shared_ptr<const Module> module;
};
struct CoreInstantiate {  // -> core instance
  uint32_t module = 0;
  std::vector<std::pair<std::string, uint32_t>> args;  // name -> core instance
};
struct CoreInlineExports {  // -> core instance
  std::vector<NamedSortIndex> exports;
};
struct NestedComponent {  // -> component
  std::shared_ptr<const wjit::Component> component;
};
struct Instantiate {  // -> instance
  uint32_t component = 0;
  std::vector<NamedSortIndex> args;
  TypeId type = kNoType;  // static instance type of the result, its bound resources fresh
};
struct InlineExports {  // -> instance
  std::vector<NamedSortIndex> exports;
  TypeId type = kNoType;
};
struct AliasExport {  // -> item.sort (types have no run-time effect)
  uint32_t instance = 0;
  std::string name;
  Sort sort = Sort::Func;
  CoreSort core = CoreSort::Module;  // Sort::Core: always Module
  TypeId type = kNoType;             // static type of the aliased item
};
struct AliasCoreExport {  // -> core sort
  uint32_t instance = 0;
  std::string name;
  CoreSort sort = CoreSort::Func;
};
struct AliasOuter {             // -> core module or component (outer type aliases have no run-time effect)
  Sort sort = Sort::Component;  // Component, or Core with core == Module
  CoreSort core = CoreSort::Module;
  uint32_t count = 0;  // enclosing components outward; 0 is this one
  uint32_t index = 0;
};
struct Resource {  // defines a resource type; binds `resource` in this instance
  ResourceId resource = 0;
  ValType rep = ValType::i32();
  std::optional<uint32_t> dtor;  // core func
};
struct Value {  // -> value
  TypeId type = kNoType;
  ByteRange contents;  // the literal; frontend/component_values.h
};
struct Start {  // -> value, as often as there are results
  uint32_t func = 0;
  std::vector<uint32_t> args;  // values
  uint32_t results = 0;
};
struct CanonLift {  // -> func
  uint32_t core_func = 0;
  CanonOptions options;
  TypeId type = kNoType;  // Func type
};
struct CanonLower {  // -> core func
  uint32_t func = 0;
  CanonOptions options;
  TypeId type = kNoType;  // Func type of `func`
  FuncType core_type;
};
struct CanonDefine {  // -> core func: every other canonical definition
  CanonBuiltin builtin{};
  TypeId type = kNoType;               // stream/future type, resource type, task.return's result (kNoType: none)
  CanonOptions options = {};           // as far as the built-in takes any; `memory` of waitable-set.wait too
  bool is_async = false;               // subtask.cancel, *.cancel-*
  uint32_t slot = 0;                   // context.get/set
  ValType slot_type = ValType::i32();  // context.get/set
  uint32_t table = 0;                  // thread.new-indirect, thread.spawn-indirect: core table
  FuncType thread_type = {};           // thread.new-indirect, thread.spawn-*
  FuncType core_type = {};             // signature of the resulting core function
};
struct Import {  // -> by decl.sort; Instance: binds the resources that its type exports
  ExternDecl decl;
};
// -> the same sort as `item` (a new index for the exported item). A type ascribed as (sub resource) binds a ResourceId
// of its own to item's resource; ascribed instances keep item's resources.
struct Export {
  ExternDecl decl;  // as ascribed
  SortIndex item;
};

}  // namespace def

using Definition =
    std::variant<def::CoreModule, def::CoreInstantiate, def::CoreInlineExports, def::NestedComponent, def::Instantiate,
                 def::InlineExports, def::AliasExport, def::AliasCoreExport, def::AliasOuter, def::Resource, def::Value,
                 def::Start, def::CanonLift, def::CanonLower, def::CanonDefine, def::Import, def::Export>;

struct Component {
  std::shared_ptr<const Bytes> bytes;
  ByteRange range;
  std::shared_ptr<const ComponentTypes> types;  // the whole tree's
  std::vector<Definition> definitions;
  TypeId type = kNoType;  // its Component type: imports and exports
  std::string name;       // from the component-name section
};

// Decodes and validates a component (and all nested modules and components). Offsets in errors are those of `bytes`.
// component-model Binary.md. Any thread.
Parsed<std::shared_ptr<const Component>> decode_component(std::shared_ptr<const Bytes> bytes);

}  // namespace wjit

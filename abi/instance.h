// Component instances at run time: the spec's ComponentInstance and the items that its definitions made.
// Spec: CanonicalABI.md, "Component Instances". Made by abi/instantiate.cpp; used on the store's strand only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "abi/handle_table.h"
#include "abi/task.h"
#include "frontend/component_values.h"
#include "jit/instance.h"

namespace wjit {

class Store;
struct RuntimeInstance;
struct RuntimeComponent;
struct HostFunction;

// A component-level function: lifted from a core function of an instance, or the host's.
struct RuntimeFunction {
  std::shared_ptr<const ComponentTypes> types;
  TypeId type = kNoType;                  // Func
  ComponentInstance* instance = nullptr;  // null: the host's
  CanonOptions options;                   // of the lift; indices resolved below
  CodePointer core;
  CodePointer callback;
  CodePointer post_return;
  CodePointer realloc;
  MemoryInstance* memory = nullptr;
  std::shared_ptr<const HostFunction> host;
  std::string name;  // for messages: last export name, or import name
};

struct RuntimeResource {
  ResourceType* type = nullptr;
};

// What an import or export is at run time. Types other than resources have no run-time form.
using RuntimeItem = std::variant<std::monostate, std::shared_ptr<RuntimeFunction>, std::shared_ptr<RuntimeInstance>,
                                 std::shared_ptr<RuntimeComponent>, std::shared_ptr<const Module>, RuntimeResource,
                                 std::shared_ptr<const ComponentValue>>;

// An instance as seen from outside: named items.
struct RuntimeInstance {
  std::map<std::string, RuntimeItem, std::less<>> exports;
};

// A component value: its definition, and the instance that encloses it (outer aliases of modules and components).
struct RuntimeComponent {
  std::shared_ptr<const Component> component;
  ComponentInstance* parent = nullptr;
};

// What task.return and the lift of the task that calls it must agree on. `memory` only where the result needs one.
struct ReturnKey {
  TypeId result = kNoType;
  StringEncoding encoding = StringEncoding::Utf8;
  const MemoryInstance* memory = nullptr;
};

// Bits of EntryGate::no_eager_calls.
constexpr uint32_t kNoRecords = 1;        // sync_task and async_task are not both there
constexpr uint32_t kSwitchesThreads = 2;  // its threads switch among themselves: each task needs a fiber of its own

// What stands against entering an instance: all zero, and exclusive_thread null if that matters, and an adapter may
// enter at once. Adapters read and write these words in one piece each: a load that spans an earlier narrower store
// would wait for it.
struct EntryGate {
  uint32_t entered = 0;  // 1: entered, and not left yet
  uint32_t no_eager_calls = kNoRecords;
  uint32_t waiting = 0;  // tasks that wait to enter
  uint32_t backpressure = 0;

  // Compilers make one byte's store of `|= 1`.
  void set_no_eager_calls(uint32_t bits) { __atomic_store_n(&no_eager_calls, bits, __ATOMIC_RELAXED); }
};

struct ComponentInstance {
  bool may_leave = true;      // offset 0: emitted code writes it
  alignas(8) EntryGate gate;  // offset 8: emitted code writes `entered`
  // Offset 24. An eager task has the lock without standing here until it is detached.
  Thread* exclusive_thread = nullptr;
  // The records of the next eager call: an instance is entered once at a time, so one of each kind will do.
  Task* sync_task = nullptr;   // offset 32: the function type is not async: no fiber
  Task* async_task = nullptr;  // offset 40: with a Fresh fiber
  ThreadQueue blocked;         // threads that wait for backpressure or the exclusive lock, oldest first
  Store* store = nullptr;
  ComponentInstance* parent = nullptr;          // whose `instantiate` made it; null for a root
  ComponentInstance* lexical_parent = nullptr;  // whose definition encloses the component: outer aliases
  HandleTable handles;
  HandleTable threads;
  std::string name;

  std::shared_ptr<const Component> component;
  std::unordered_map<ResourceId, ResourceType*> resources;  // what each static ResourceId is here
  std::vector<std::unique_ptr<ResourceType>> defined_resources;
  // Index spaces.
  std::vector<std::shared_ptr<const Module>> core_modules;
  std::vector<std::map<std::string, Extern, std::less<>>> core_instances;
  std::vector<std::shared_ptr<CoreInstance>> owned_instances;
  std::vector<Extern> core_funcs, core_tables, core_memories, core_globals, core_tags;
  std::vector<std::shared_ptr<RuntimeFunction>> funcs;
  std::vector<std::shared_ptr<RuntimeInstance>> instances;
  std::vector<std::shared_ptr<RuntimeComponent>> components;
  std::vector<std::shared_ptr<const ComponentValue>> values;
  std::vector<std::unique_ptr<AdapterContext>> adapters;
  std::vector<std::unique_ptr<struct BuiltinContext>> canons;
  std::vector<std::unique_ptr<FuncRef>> func_refs;  // of lowered functions and built-ins
  RuntimeInstance exports;
  std::vector<std::unique_ptr<ReturnKey>> return_keys;

  // The one ReturnKey of these: equal pointers for equal result types and options.
  const ReturnKey* return_key(TypeId result, StringEncoding encoding, const MemoryInstance* memory_of_result);
};
static_assert(offsetof(ComponentInstance, may_leave) == instance_offset::may_leave);
static_assert(offsetof(ComponentInstance, gate) == instance_offset::gate && sizeof(EntryGate) == 16);
static_assert(offsetof(ComponentInstance, exclusive_thread) == instance_offset::exclusive_thread);
static_assert(offsetof(ComponentInstance, sync_task) == instance_offset::sync_task);
static_assert(offsetof(ComponentInstance, async_task) == instance_offset::async_task);

// First argument of a canonical built-in's stub.
struct BuiltinContext {
  StoreContext* store = nullptr;  // offset 0
  ComponentInstance* instance = nullptr;
  const ReturnKey* return_key = nullptr;  // offset 16: task.return
  uint32_t slot = 0;                      // offset 24: context.get, context.set
  CanonBuiltin builtin{};
  bool is_async = false;
  MemoryInstance* memory = nullptr;
  CodePointer realloc;
  CanonOptions options;
  ResourceType* resource = nullptr;             // resource.*
  const struct PayloadType* payload = nullptr;  // stream.*, future.*
  TypeId type = kNoType;                        // task.return: result type
  FuncType core_type;
  TableInstance* table = nullptr;  // thread.new-indirect, thread.spawn-indirect
  bool table_is_64 = false;
  uint32_t thread_type_id = 0;
};

static_assert(offsetof(BuiltinContext, return_key) == 16 && offsetof(BuiltinContext, slot) == 24, "abi/host_call.S");
static_assert(offsetof(Thread, storage) == 32 && store_context_offset::current == 88, "abi/host_call.S");

}  // namespace wjit

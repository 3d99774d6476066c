// Running a component's definitions. See abi/linker.h.
#include <algorithm>

#include "abi/canon.h"
#include "abi/linker.h"
#include "abi/value.h"
#include "base/check.h"
#include "frontend/canonical_layout.h"
#include "frontend/type_registry.h"
#include "jit/code.h"

extern "C" void wjit_adapter_entry();

namespace wjit {
namespace {

// Host memory that an instance, a definition and an export stand for (abi/host_memory.h). Rounded up.
constexpr uint64_t kInstanceBytes = 16 * 1024;
constexpr uint64_t kDefinitionBytes = 1024;
constexpr uint64_t kExportBytes = 256;

// One component instance in the making.
class Instantiation {
 public:
  Instantiation(Store& store, ComponentInstance& instance, ComponentInstance* lexical_parent,
                const ImportSource& imports)
      : store_(store),
        self_(instance),
        lexical_parent_(lexical_parent),
        imports_(imports),
        types_(*instance.component->types) {}

  Result<> run() {
    self_.lexical_parent = lexical_parent_;
    const uint64_t definitions = self_.component->definitions.size();
    if (!store_.host_memory.take(kInstanceBytes + definitions * kDefinitionBytes)) return no_host_memory();
    for (const Definition& definition : self_.component->definitions) {
      auto done = std::visit([this](const auto& d) { return define(d); }, definition);
      if (!done) return done;
    }
    return {};
  }

 private:
  Result<> no_host_memory() { return fail("too many instances: no host memory is left for `{}`", self_.name); }

  // ---- core ----

  Result<> define(const def::CoreModule& d) {
    self_.core_modules.push_back(d.module);
    return {};
  }

  Result<> define(const def::CoreInstantiate& d) {
    std::shared_ptr<const Module> module = self_.core_modules[d.module];
    std::vector<Extern> imports;
    for (const Import& import : module->imports) {
      auto arg = std::find_if(d.args.begin(), d.args.end(), [&](const auto& a) { return a.first == import.module; });
      if (arg == d.args.end()) return fail("core module import `{}` is not given", import.module);
      const auto& exports = self_.core_instances[arg->second];
      auto found = exports.find(import.name);
      if (found == exports.end()) return fail("core module import `{}` `{}` is not given", import.module, import.name);
      imports.push_back(found->second);
    }
    auto code = store_.engine().code_of(module);
    if (!code) return std::unexpected(code.error());
    auto instance = CoreInstance::link(&store_.context(), *code, std::move(imports));
    if (!instance) return std::unexpected(instance.error());
    const uint64_t bytes = kInstanceBytes + (*instance)->layout().size + module->exports.size() * kExportBytes;
    if (!store_.host_memory.take(bytes)) return no_host_memory();
    self_.owned_instances.push_back(*instance);
    for (ImportedFunction& function : (*instance)->imported_functions()) {
      if (function.code != reinterpret_cast<void*>(&wjit_adapter_entry)) continue;  // NOLINT
      auto* adapter = static_cast<AdapterContext*>(function.vmctx);
      if (adapter->lower_entry != nullptr) {
        function.code = adapter->lower_entry;
      } else {
        adapter->entries.push_back(&function.code);
      }
    }
    if (auto done = (*instance)->initialize(); !done) {
      store_.trap(done.error().code, done.error().detail);
      return fail("{}", done.error().to_string());
    }
    if (FuncRef* start = (*instance)->start_function()) {
      RegisterArgs args;
      self_.gate.entered = 1;
      bool ok = store_.run_core({start->code, start->vmctx}, args, nullptr);
      self_.gate.entered = 0;
      if (!ok) return fail("{}", trap_of(&store_.context()).to_string());
    }
    auto& exports = self_.core_instances.emplace_back();
    for (auto& [name, item] : (*instance)->exports()) exports.emplace(name, std::move(item));
    return {};
  }

  Result<> define(const def::CoreInlineExports& d) {
    std::map<std::string, Extern, std::less<>> exports;
    for (const NamedSortIndex& e : d.exports) exports.emplace(e.name, core_space(e.item.core)[e.item.index]);
    self_.core_instances.push_back(std::move(exports));
    return {};
  }

  Result<> define(const def::AliasCoreExport& d) {
    auto& exports = self_.core_instances[d.instance];
    auto found = exports.find(d.name);
    if (found == exports.end()) return fail("core instance has no export `{}`", d.name);
    core_space(d.sort).push_back(found->second);
    return {};
  }

  std::vector<Extern>& core_space(CoreSort sort) {
    switch (sort) {
      case CoreSort::Func: return self_.core_funcs;
      case CoreSort::Table: return self_.core_tables;
      case CoreSort::Memory: return self_.core_memories;
      case CoreSort::Global: return self_.core_globals;
      case CoreSort::Tag: return self_.core_tags;
      default: UNREACHABLE_CASE("a core sort without instances of its own");
    }
  }

  void add_core_func(void* code, void* vmctx, const FuncType& type) {
    auto ref = std::make_unique<FuncRef>();
    ref->code = code;
    ref->vmctx = vmctx;
    ref->type_id = canonical_id(type);
    Extern item;
    item.kind = ExternKind::Func;
    item.func = ref.get();
    self_.core_funcs.push_back(item);
    self_.func_refs.push_back(std::move(ref));
  }

  CodePointer core_func(std::optional<uint32_t> index) {
    if (!index) return {};
    FuncRef* ref = self_.core_funcs[*index].func;
    return {ref->code, ref->vmctx};
  }

  MemoryInstance* core_memory(std::optional<uint32_t> index) {
    return index ? self_.core_memories[*index].memory : nullptr;
  }

  // ---- components and instances ----

  Result<> define(const def::NestedComponent& d) {
    self_.components.push_back(std::make_shared<RuntimeComponent>(RuntimeComponent{d.component, &self_}));
    return {};
  }

  Result<> define(const def::Instantiate& d) {
    RuntimeComponent& component = *self_.components[d.component];
    std::map<std::string, RuntimeItem, std::less<>> args;
    for (const NamedSortIndex& arg : d.args) args.emplace(arg.name, item_of(arg.item));
    auto made = std::make_unique<ComponentInstance>();
    made->component = component.component;
    made->parent = &self_;
    made->name = component.component->name;
    if (made->name.empty()) made->name = fmt::format("{}/{}", self_.name, self_.instances.size());
    ComponentInstance* child = store_.add_instance(std::move(made));
    ImportSource source = import_from_items(args);
    if (auto done = Instantiation(store_, *child, component.parent, source).run(); !done) return done;
    auto exports = std::make_shared<RuntimeInstance>(child->exports);
    if (auto bound = bind(d.type, *exports); !bound) return bound;
    self_.instances.push_back(std::move(exports));
    return {};
  }

  Result<> define(const def::InlineExports& d) {
    auto instance = std::make_shared<RuntimeInstance>();
    for (const NamedSortIndex& e : d.exports) instance->exports.emplace(e.name, item_of(e.item));
    if (d.type != kNoType) {
      if (auto bound = bind(d.type, *instance); !bound) return bound;
    }
    self_.instances.push_back(std::move(instance));
    return {};
  }

  Result<> define(const def::AliasExport& d) {
    RuntimeInstance& instance = *self_.instances[d.instance];
    auto found = instance.exports.find(d.name);
    if (found == instance.exports.end()) {
      // Hosts export no types but resources: others have no run-time form.
      if (d.sort == Sort::Type && types_[d.type].kind != TypeKind::Resource) return {};
      return fail("instance has no export `{}`", d.name);
    }
    return add(d.sort, d.type, found->second, d.name);
  }

  Result<> define(const def::AliasOuter& d) {
    ComponentInstance* scope = &self_;
    for (uint32_t i = 0; i < d.count; ++i) scope = scope->lexical_parent;
    if (d.sort == Sort::Component) {
      self_.components.push_back(scope->components[d.index]);
    } else {
      self_.core_modules.push_back(scope->core_modules[d.index]);
    }
    return {};
  }

  Result<> define(const def::Import& d) {
    auto item = imports_(d.decl, self_);
    if (!item) return std::unexpected(item.error());
    switch (d.decl.sort) {
      case ExternSort::Func: return add(Sort::Func, d.decl.type, *item, d.decl.name);
      case ExternSort::Instance: return add(Sort::Instance, d.decl.type, *item, d.decl.name);
      case ExternSort::Component: return add(Sort::Component, d.decl.type, *item, d.decl.name);
      case ExternSort::CoreModule: return add(Sort::Core, d.decl.type, *item, d.decl.name);
      case ExternSort::Type: return bind_type(d.decl.type, *item, d.decl.name);
      case ExternSort::Value: return add(Sort::Value, d.decl.type, *item, d.decl.name);
    }
    return {};
  }

  Result<> define(const def::Export& d) {
    RuntimeItem item = item_of(d.item);
    self_.exports.exports[d.decl.name] = item;
    if (auto* function = std::get_if<std::shared_ptr<RuntimeFunction>>(&item);
        function != nullptr && (*function)->name.empty()) {
      (*function)->name = d.decl.name;
    } else if (auto* instance = std::get_if<std::shared_ptr<RuntimeInstance>>(&item)) {
      for (auto& [name, inner] : (*instance)->exports) {
        auto* f = std::get_if<std::shared_ptr<RuntimeFunction>>(&inner);
        if (f != nullptr && (*f)->name.empty()) (*f)->name = d.decl.name + "#" + name;
      }
    }
    return add(d.item.sort, d.decl.type != kNoType ? d.decl.type : d.item.type, item, d.decl.name);
  }

  // The run-time item that an index refers to.
  RuntimeItem item_of(const SortIndex& index) {
    switch (index.sort) {
      case Sort::Func: return self_.funcs[index.index];
      case Sort::Instance: return self_.instances[index.index];
      case Sort::Component: return self_.components[index.index];
      case Sort::Core: return self_.core_modules[index.index];
      case Sort::Type: {
        const ComponentTypeDef& type = types_[index.type];
        if (type.kind != TypeKind::Resource) return std::monostate{};
        auto found = self_.resources.find(type.resource);
        CHECK(found != self_.resources.end());
        return RuntimeResource{found->second};
      }
      case Sort::Value: return self_.values[index.index];
    }
    return std::monostate{};
  }

  // Appends an item to its index space; binds the resources that its static type `type` gives names to.
  Result<> add(Sort sort, TypeId type, const RuntimeItem& item, std::string_view name) {
    switch (sort) {
      case Sort::Func: {
        auto* function = std::get_if<std::shared_ptr<RuntimeFunction>>(&item);
        if (function == nullptr) return fail("`{}` is not a function", name);
        self_.funcs.push_back(*function);
        return {};
      }
      case Sort::Instance: {
        auto* instance = std::get_if<std::shared_ptr<RuntimeInstance>>(&item);
        if (instance == nullptr) return fail("`{}` is not an instance", name);
        self_.instances.push_back(*instance);
        return type != kNoType ? bind(type, **instance) : Result<>{};
      }
      case Sort::Component: {
        auto* component = std::get_if<std::shared_ptr<RuntimeComponent>>(&item);
        if (component == nullptr) return fail("`{}` is not a component", name);
        self_.components.push_back(*component);
        return {};
      }
      case Sort::Core: {
        auto* module = std::get_if<std::shared_ptr<const Module>>(&item);
        if (module == nullptr) return fail("`{}` is not a core module", name);
        self_.core_modules.push_back(*module);
        return {};
      }
      case Sort::Type: return bind_type(type, item, name);
      case Sort::Value: {
        auto* value = std::get_if<std::shared_ptr<const ComponentValue>>(&item);
        if (value == nullptr) return fail("`{}` is not a value", name);
        self_.values.push_back(*value);
        return {};
      }
    }
    UNREACHABLE_CASE("sort");
  }

  // ---- values ----

  Result<> no_memory_for_value() { return fail("too large a value: no host memory is left for `{}`", self_.name); }

  Result<> define(const def::Value& d) {
    const uint64_t nodes = uint64_t{d.contents.end - d.contents.begin} * types_[d.type].layout.depth;
    if (!store_.host_memory.take(nodes * sizeof(ComponentValue))) return no_memory_for_value();
    ErrorSink sink;
    Reader in(*self_.component->bytes, d.contents, sink);
    auto value = std::make_shared<ComponentValue>();
    read_value(in, types_, d.type, value.get());
    CHECK(sink.ok());  // the decoder has read it, too
    self_.values.push_back(std::move(value));
    return {};
  }

  // Start functions are called like functions that are not async, whatever their type says: they may not block before
  // they have returned (Concurrency.md, "Interaction with the start function"). What an async lift goes on with after
  // that is a task like any other.
  Result<> define(const def::Start& d) {
    const std::shared_ptr<RuntimeFunction>& function = self_.funcs[d.func];
    const ComponentTypes& types = *function->types;
    const ComponentTypeDef& type = types[function->type];
    HostArena arena;
    auto* params =
        static_cast<uint8_t*>(arena.allocate(params_size(types, function->type, true).size + size_t{16}, 16));
    const std::vector<uint32_t> offsets = field_offsets(types, function->type, true);
    for (size_t i = 0; i < d.args.size(); ++i) {
      auto done = store_value(types, type.parts[i].type, *self_.values[d.args[i]], params + offsets[i], arena);
      if (!done) return done;
    }
    std::shared_ptr<ComponentValue> result;
    bool has_returned = false;
    const uint64_t allowed = store_.host_memory.left;
    uint64_t left = allowed;
    const size_t bytes = type.element != kNoType ? elem_size(types, type.element, true) : 0;
    Store::NothingBlocks scope(store_);
    auto started = store_.start_call(function, params, bytes, [&](const void* results) {
      has_returned = true;
      if (type.element == kNoType) return;
      result = std::make_shared<ComponentValue>(load_value(types, type.element, results, left));
    });
    if (!started) return started;
    if (!has_returned && !store_.locked_down())
      store_.trap(TrapCode::CanonicalAbi, "cannot block a synchronous task before returning");
    if (store_.locked_down()) return fail("{}", trap_of(&store_.context()).to_string());
    if (left == 0 || !store_.host_memory.take(allowed - left)) return no_memory_for_value();
    if (result != nullptr) self_.values.push_back(std::move(result));
    return {};
  }

  // ---- resources: which run-time type each static ResourceId is here ----

  Result<> bind_type(TypeId type, const RuntimeItem& item, std::string_view name) {
    if (type == kNoType || types_[type].kind != TypeKind::Resource) return {};
    auto* resource = std::get_if<RuntimeResource>(&item);
    if (resource == nullptr) return fail("`{}` is not a resource type", name);
    self_.resources[types_[type].resource] = resource->type;
    return {};
  }

  Result<> bind(TypeId instance_type, const RuntimeInstance& instance) {
    for (const ExternDecl& decl : types_[instance_type].exports) {
      auto found = instance.exports.find(decl.name);
      if (found == instance.exports.end()) {
        if (decl.sort == ExternSort::Type && types_[decl.type].kind != TypeKind::Resource) continue;
        return fail("instance has no export `{}`", decl.name);
      }
      if (decl.sort == ExternSort::Type) {
        if (auto bound = bind_type(decl.type, found->second, decl.name); !bound) return bound;
      } else if (decl.sort == ExternSort::Instance) {
        auto* inner = std::get_if<std::shared_ptr<RuntimeInstance>>(&found->second);
        if (inner == nullptr) return fail("`{}` is not an instance", decl.name);
        if (auto bound = bind(decl.type, **inner); !bound) return bound;
      }
    }
    return {};
  }

  Result<> define(const def::Resource& d) {
    auto resource = std::make_unique<ResourceType>();
    resource->implementation = &self_;
    resource->destructor = core_func(d.dtor);
    resource->name = d.resource < types_.resource_names.size() ? types_.resource_names[d.resource] : "";
    self_.resources[d.resource] = resource.get();
    self_.defined_resources.push_back(std::move(resource));
    return {};
  }

  // ---- canonical definitions ----

  Result<> define(const def::CanonLift& d) {
    auto function = std::make_shared<RuntimeFunction>();
    function->types = self_.component->types;
    function->type = d.type;
    function->instance = &self_;
    function->options = d.options;
    function->core = core_func(d.core_func);
    function->callback = core_func(d.options.callback);
    function->post_return = core_func(d.options.post_return);
    function->realloc = core_func(d.options.realloc);
    function->memory = core_memory(d.options.memory);
    self_.funcs.push_back(std::move(function));
    return {};
  }

  Result<> define(const def::CanonLower& d) {
    const RuntimeFunction& function = *self_.funcs[d.func];
    auto context = std::make_unique<AdapterContext>();
    context->store = &store_.context();
    context->caller = &self_;
    context->caller_memory = core_memory(d.options.memory);
    context->caller_realloc = core_func(d.options.realloc);
    auto spec = std::make_shared<AdapterSpec>();
    spec->lower.kind = d.options.is_async ? AdapterSide::Kind::Stackful : AdapterSide::Kind::Sync;
    spec->lower.memory_is_64 = d.options.memory_is_64;
    spec->lower.encoding = d.options.string_encoding;
    spec->lower.has_memory = d.options.memory.has_value();
    spec->lower.has_realloc = d.options.realloc.has_value();
    spec->name = fmt::format("{} -> {}", self_.name, function.name);
    if (function.host != nullptr) {
      spec->types = self_.component->types.get();
      spec->type = d.type;
      spec->lift.kind = AdapterSide::Kind::Host;
      spec->lift.memory_is_64 = true;
      spec->lift.has_memory = spec->lift.has_realloc = true;
      context->host = function.host.get();
      context->async_type = types_[d.type].is_async;
      for (ResourceId id : resource_occurrences(types_, d.type))
        context->resource_list.push_back(self_.resources.at(id));
      for (TypeId id : stream_occurrences(types_, d.type)) {
        context->streams.push_back(store_.intern_payload(self_.component->types, id, self_.resources));
      }
      context->resources = context->resource_list.data();
    } else {
      spec->types = function.types.get();
      spec->type = function.type;
      spec->lift = side_of_lift(function);
      fill_callee(store_, *context, function);
    }
    if (function.instance != nullptr) {
      spec->eager = enters_one(*function.instance, self_);
      const Function* core = function_at(function.core.code);
      spec->leaf = spec->eager && core != nullptr && core->is_leaf && may_be_leaf(*spec);
    }
    context->spec = std::move(spec);
    context->function = self_.funcs[d.func];
    add_core_func(reinterpret_cast<void*>(&wjit_adapter_entry), context.get(), d.core_type);  // NOLINT
    self_.adapters.push_back(std::move(context));
    return {};
  }

  Result<> define(const def::CanonDefine& d) {
    auto context = std::make_unique<BuiltinContext>();
    context->store = &store_.context();
    context->instance = &self_;
    context->builtin = d.builtin;
    context->is_async = d.is_async;
    context->slot = d.slot;
    context->options = d.options;
    context->memory = core_memory(d.options.memory);
    context->realloc = core_func(d.options.realloc);
    context->type = d.type;
    context->core_type = d.core_type;
    if (d.type != kNoType) {
      const ComponentTypeDef& type = types_[d.type];
      if (type.kind == TypeKind::Resource) context->resource = self_.resources.at(type.resource);
      if (type.kind == TypeKind::Stream || type.kind == TypeKind::Future) {
        context->payload = store_.intern_payload(self_.component->types, d.type, self_.resources);
      }
    }
    switch (d.builtin) {
      case CanonBuiltin::ThreadNewIndirect:
      case CanonBuiltin::ThreadSpawnIndirect:
      case CanonBuiltin::ThreadSpawnRef:
      case CanonBuiltin::ThreadSuspend:
      case CanonBuiltin::ThreadSuspendThenResume:
      case CanonBuiltin::ThreadYieldThenResume:
      case CanonBuiltin::ThreadSuspendThenPromote:
      case CanonBuiltin::ThreadYieldThenPromote: self_.gate.no_eager_calls |= kSwitchesThreads; break;
      default: break;
    }
    if (d.builtin == CanonBuiltin::TaskReturn) {
      context->return_key = self_.return_key(d.type, d.options.string_encoding, context->memory);
    }
    if (d.builtin == CanonBuiltin::ThreadNewIndirect || d.builtin == CanonBuiltin::ThreadSpawnIndirect) {
      context->table = self_.core_tables[d.table].table;
      context->table_is_64 = d.core_type.params[0] == ValType::i64();
      context->thread_type_id = canonical_id(d.thread_type);
    }
    add_core_func(canon_stub(d.builtin), context.get(), d.core_type);
    self_.canons.push_back(std::move(context));
    return {};
  }

  Store& store_;
  ComponentInstance& self_;
  ComponentInstance* lexical_parent_;
  const ImportSource& imports_;
  const ComponentTypes& types_;
};

}  // namespace

const ReturnKey* ComponentInstance::return_key(TypeId result, StringEncoding encoding,
                                               const MemoryInstance* memory_of_result) {
  const ComponentTypes& types = *component->types;
  bool needs_memory =
      result != kNoType && (contains_pointer(types, result) || flat_count(types, result) > kMaxFlatParams);
  if (!needs_memory) memory_of_result = nullptr;
  for (const auto& key : return_keys) {
    bool same =
        key->result == kNoType || result == kNoType ? key->result == result : types_equal(types, key->result, result);
    if (same && key->encoding == encoding && key->memory == memory_of_result) return key.get();
  }
  return return_keys.emplace_back(std::make_unique<ReturnKey>(ReturnKey{result, encoding, memory_of_result})).get();
}

// The first call of a lowered function: makes its adapter's code (shared where another one has the same shape).
extern "C" void* builtin_compile_adapter(AdapterContext* context) {
  Store& store = Store::of(context->store);
  auto code = store.engine().adapter(*context->spec);
  if (!code) return store.trap(TrapCode::NotSupported, code.error().message), nullptr;
  context->code = *code;
  context->task_return = context->code->task_return;
  context->lower_entry = context->code->lower;
  for (void** entry : context->entries) *entry = context->lower_entry;
  context->entries.clear();
  return context->lower_entry;
}

ImportSource import_from_items(const std::map<std::string, RuntimeItem, std::less<>>& items) {
  return [&items](const ExternDecl& import, ComponentInstance&) -> Result<RuntimeItem> {
    auto found = items.find(import.name);
    if (found == items.end()) {
      if (import.sort == ExternSort::Type) return RuntimeItem{};  // a type without run-time form
      return fail("import `{}` is not given", import.name);
    }
    return found->second;
  };
}

Result<ComponentInstance*> instantiate(Store& store, std::shared_ptr<const Component> component,
                                       const ImportSource& imports, std::string name) {
  auto made = std::make_unique<ComponentInstance>();
  made->component = component;
  made->name = name.empty() ? component->name : std::move(name);
  ComponentInstance* instance = store.add_instance(std::move(made));
  if (auto done = Instantiation(store, *instance, nullptr, imports).run(); !done) return std::unexpected(done.error());
  return instance;
}

Result<std::shared_ptr<RuntimeFunction>> find_function(const ComponentInstance& instance, std::string_view path) {
  auto in = [](const RuntimeInstance& where, std::string_view name) -> std::shared_ptr<RuntimeFunction> {
    auto found = where.exports.find(name);
    if (found == where.exports.end()) return nullptr;
    auto* function = std::get_if<std::shared_ptr<RuntimeFunction>>(&found->second);
    return function != nullptr ? *function : nullptr;
  };
  if (auto function = in(instance.exports, path)) return function;
  for (const auto& [name, item] : instance.exports.exports) {
    auto* inner = std::get_if<std::shared_ptr<RuntimeInstance>>(&item);
    if (inner == nullptr || !path.starts_with(name) || path.size() <= name.size() + 1) continue;
    char separator = path[name.size()];
    if (separator != '#' && separator != '.') continue;
    if (auto function = in(**inner, path.substr(name.size() + 1))) return function;
  }
  // The name of an instance may be given without its version: "a:b/iface.func".
  for (const auto& [name, item] : instance.exports.exports) {
    auto* inner = std::get_if<std::shared_ptr<RuntimeInstance>>(&item);
    std::string_view base = std::string_view(name).substr(0, name.find('@'));
    if (inner == nullptr || !path.starts_with(base) || path.size() <= base.size() + 1) continue;
    char separator = path[base.size()];
    if (separator != '#' && separator != '.') continue;
    if (auto function = in(**inner, path.substr(base.size() + 1))) return function;
  }
  std::string there;
  for (const auto& [name, item] : instance.exports.exports) {
    if (auto* inner = std::get_if<std::shared_ptr<RuntimeInstance>>(&item)) {
      for (const auto& [f, unused] : (*inner)->exports) {
        if (in(**inner, f) != nullptr) there += fmt::format("\n  {}#{}", name, f);
      }
    } else if (in(instance.exports, name) != nullptr) {
      there += "\n  " + name;
    }
  }
  return fail("no exported function `{}`; the component exports{}", path, there.empty() ? " no function" : ":" + there);
}

}  // namespace wjit

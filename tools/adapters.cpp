// See tools/adapters.h.
#include "tools/adapters.h"

#include "abi/labels.h"
#include "abi/linker.h"
#include "abi/store.h"
#include "abi/stream.h"

namespace wjit::tools {
namespace {

// Items for imports of any type: functions trap, resource types are fresh, instances have what their type says.
class StandIns {
 public:
  RuntimeItem item(const ComponentTypes& types, const ExternDecl& decl, const std::string& name) {
    switch (decl.sort) {
      case ExternSort::Func: return function(name);
      case ExternSort::Instance: {
        auto instance = std::make_shared<RuntimeInstance>();
        for (const ExternDecl& e : types[decl.type].exports)
          instance->exports.emplace(e.name, item(types, e, name + "#" + e.name));
        return instance;
      }
      case ExternSort::Type: {
        if (types[decl.type].kind != TypeKind::Resource) return std::monostate{};
        resources_.push_back(std::make_unique<ResourceType>());
        resources_.back()->name = decl.name;
        return RuntimeResource{resources_.back().get()};
      }
      default: return std::monostate{};
    }
  }

 private:
  static RuntimeItem function(const std::string& name) {
    auto host = std::make_shared<HostFunction>();
    host->name = name;
    host->invoke = [name](HostCall& call) { call.trap(name + " is an import, which only `wjit run` provides"); };
    auto function = std::make_shared<RuntimeFunction>();
    function->host = std::move(host);
    function->name = name;
    return function;
  }

  std::vector<std::unique_ptr<ResourceType>> resources_;
};

void add_exports(Store& store, const RuntimeInstance& instance, std::vector<const AdapterContext*>& contexts) {
  for (const auto& [name, item] : instance.exports) {
    if (auto* function = std::get_if<std::shared_ptr<RuntimeFunction>>(&item)) {
      if ((*function)->instance != nullptr) contexts.push_back(store.host_adapter(*function));
    } else if (auto* inner = std::get_if<std::shared_ptr<RuntimeInstance>>(&item)) {
      add_exports(store, **inner, contexts);
    }
  }
}

// For each write and read that could meet, by their type: the copy of the elements, unless that is a plain one of
// bytes.
std::vector<CopierSpec> copiers(const Store& store) {
  std::vector<const BuiltinContext*> writes, reads;
  for (const auto& instance : store.instances()) {
    for (const auto& context : instance->canons) {
      const CanonBuiltin builtin = context->builtin;
      if (builtin == CanonBuiltin::StreamWrite || builtin == CanonBuiltin::FutureWrite) writes.push_back(context.get());
      if (builtin == CanonBuiltin::StreamRead || builtin == CanonBuiltin::FutureRead) reads.push_back(context.get());
    }
  }
  std::vector<CopierSpec> specs;
  for (const BuiltinContext* write : writes) {
    for (const BuiltinContext* read : reads) {
      const PayloadType& payload = *write->payload;
      if (read->payload != &payload || read->instance == write->instance || payload.is_plain) continue;
      CopierSpec& spec = specs.emplace_back(copier_spec(payload, write, read));
      spec.name =
          fmt::format("{} -> {}: {}", instance_label(*write->instance), instance_label(*read->instance), payload.name);
    }
  }
  return specs;
}

}  // namespace

Result<std::string> emit_adapters(std::shared_ptr<const Component> component,
                                  const std::optional<std::string>& filter) {
  auto engine = Engine::create({});
  if (!engine) return std::unexpected(engine.error());
  Scheduler scheduler;
  StandIns stand_ins;
  Store store(**engine, scheduler);
  const ComponentTypes& types = *component->types;
  auto imports = [&](const ExternDecl& import, ComponentInstance&) -> Result<RuntimeItem> {
    return stand_ins.item(types, import, import.name);
  };
  auto root = instantiate(store, component, imports, "main");
  if (!root) return std::unexpected(root.error());

  std::vector<const AdapterContext*> contexts;
  for (const auto& instance : store.instances()) {
    for (const auto& context : instance->adapters) contexts.push_back(context.get());
  }
  add_exports(store, (*root)->exports, contexts);

  auto compiler = load_adapter_compiler();
  if (!compiler) return std::unexpected(compiler.error());
  std::string out;
  auto emit = [&](const auto& spec) -> Result<> {
    if (filter && spec.name.find(*filter) == std::string::npos) return {};
    auto text = (*compiler)->emit_ir(spec);
    if (!text) return std::unexpected(text.error());
    out += fmt::format("; adapter {}\n{}\n", spec.name, *text);
    return {};
  };
  for (const AdapterContext* context : contexts) {
    if (auto emitted = emit(*context->spec); !emitted) return std::unexpected(emitted.error());
  }
  for (const CopierSpec& spec : copiers(store)) {
    if (auto emitted = emit(spec); !emitted) return std::unexpected(emitted.error());
  }
  if (out.empty())
    return fail("{}",
                filter ? fmt::format("no adapter's name contains `{}`", *filter) : "the component has no adapters");
  return out;
}

}  // namespace wjit::tools

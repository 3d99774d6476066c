// See tools/wast_core.h.
#include "tools/wast_core.h"

#include "frontend/decoder.h"
#include "frontend/text.h"

namespace wjit::tools {
namespace {

// The module "spectest" that the suite imports from. Its print functions have nothing to print to.
constexpr std::string_view kSpectest = R"((module
  (global (export "global_i32") i32 (i32.const 666))
  (global (export "global_i64") i64 (i64.const 666))
  (global (export "global_f32") f32 (f32.const 666.6))
  (global (export "global_f64") f64 (f64.const 666.6))
  (table (export "table") 10 20 funcref)
  (table (export "table64") i64 10 20 funcref)
  (memory (export "memory") 1 2)
  (func (export "print"))
  (func (export "print_i32") (param i32))
  (func (export "print_i64") (param i64))
  (func (export "print_f32") (param f32))
  (func (export "print_f64") (param f64))
  (func (export "print_i32_f32") (param i32 f32))
  (func (export "print_f64_f64") (param f64 f64))))";

}  // namespace

Outcome Outcome::trap(const Trap& trap) {
  Outcome outcome;
  outcome.kind = Kind::Trap;
  outcome.message = trap.message_text();
  outcome.code = trap.code;
  if (!trap.backtrace.empty()) {
    outcome.place = fmt::format(" (in {} at {:#x})", trap.backtrace[0].function_name, trap.backtrace[0].wasm_offset);
  }
  return outcome;
}

Outcome CoreScope::instantiate(std::shared_ptr<const Module> module, const std::string& id) {
  std::vector<Extern> imports;
  if (Outcome resolved = resolve_imports(*module, imports); resolved.kind != Outcome::Kind::Done) return resolved;
  auto code = store_.engine().code_of(module);
  if (!code) return Outcome::error(code.error().message);
  auto linked = CoreInstance::link(&store_.context(), *code, std::move(imports));
  if (!linked) return {.kind = Outcome::Kind::Link, .message = linked.error().message};
  std::shared_ptr<CoreInstance> instance = *linked;
  all_.push_back(instance);
  if (auto done = instance->initialize(); !done) return Outcome::trap(done.error());
  if (Outcome started = run_start(*instance); started.kind != Outcome::Kind::Done) return started;
  current_ = instance;
  if (!id.empty()) named_[id] = instance;
  return {};
}

Outcome CoreScope::resolve_imports(const Module& module, std::vector<Extern>& imports) {
  for (const Import& import : module.imports) {
    if (import.module == "spectest" && !registered_.contains("spectest")) {
      if (Outcome added = add_spectest(); added.kind != Outcome::Kind::Done) return added;
    }
    auto from = registered_.find(import.module);
    std::optional<Extern> item;
    if (from != registered_.end()) item = from->second->find_export(import.name);
    imports.push_back(item.value_or(Extern{}));  // link() reports the missing one
  }
  return {};
}

Outcome CoreScope::add_spectest() {
  auto bytes = assemble(kSpectest);
  if (!bytes) return Outcome::error("spectest: " + bytes.error().to_string());
  auto module = decode_module(std::make_shared<const Bytes>(std::move(*bytes)));
  if (!module) return Outcome::error("spectest: " + module.error().to_string());
  std::shared_ptr<CoreInstance> before = current_;
  Outcome made = instantiate(*module, "");
  if (made.kind == Outcome::Kind::Done) registered_["spectest"] = current_;
  current_ = before;
  return made;
}

Outcome CoreScope::run_start(CoreInstance& instance) {
  FuncRef* start = instance.start_function();
  if (start == nullptr) return {};
  auto done = store_.call_core(start, instance.module().function_type(*instance.module().start), {});
  return done ? Outcome{} : Outcome::trap(done.error());
}

Outcome CoreScope::register_as(const std::string& name, const std::string& id) {
  CoreInstance* instance = find(id);
  if (instance == nullptr) return Outcome::error(fmt::format("no module instance {}", id));
  registered_[name] = instance->shared_from_this();
  return {};
}

CoreInstance* CoreScope::find(const std::string& id) {
  if (id.empty()) return current_.get();
  auto found = named_.find(id);
  return found != named_.end() ? found->second.get() : nullptr;
}

Outcome CoreScope::perform(const wast::Action& action) {
  CoreInstance* instance = find(action.module);
  if (instance == nullptr) return Outcome::error(fmt::format("no module instance {}", action.module));
  std::optional<Extern> item = instance->find_export(action.name);
  const bool wants_function = action.kind == wast::Action::Kind::Invoke;
  if (!item || item->kind != (wants_function ? ExternKind::Func : ExternKind::Global)) {
    return Outcome::error(fmt::format("no exported {} \"{}\"", wants_function ? "function" : "global", action.name));
  }
  Outcome outcome;
  if (!wants_function) {
    CoreValue value{item->global_type.type, 0, 0};
    memcpy(&value.low, item->global->bytes, 8);
    memcpy(&value.high, item->global->bytes + 8, 8);
    if (value.type.kind == ValKind::I32 || value.type.kind == ValKind::F32)
      value.low = static_cast<uint32_t>(value.low);
    outcome.values.push_back(value);
    return outcome;
  }
  const Module& module = instance->module();
  uint32_t function = 0;
  for (const Export& e : module.exports) {
    if (e.name == action.name) function = e.index;
  }
  const FuncType& type = module.function_type(function);
  if (action.args.size() != type.params.size()) {
    return Outcome::error(
        fmt::format("\"{}\" has {} parameters, not {}", action.name, type.params.size(), action.args.size()));
  }
  std::vector<uint64_t> words;
  for (const wast::Value& arg : action.args) {
    if (auto added = append_argument(arg, words); !added) return Outcome::error(added.error().message);
  }
  auto results = store_.call_core(item->func, type, words);
  if (!results) return Outcome::trap(results.error());
  size_t next = 0;
  for (ValType result : type.results) {
    CoreValue value{result, (*results)[next++], 0};
    if (result.kind == ValKind::V128) value.high = (*results)[next++];
    outcome.values.push_back(value);
  }
  return outcome;
}

}  // namespace wjit::tools

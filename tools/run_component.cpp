// Running a component: its wasi:cli/run, or with --invoke any exported function. See tools/run.h.
#include <optional>
#include <ranges>

#include "abi/linker.h"
#include "abi/value.h"
#include "frontend/canonical_layout.h"
#include "frontend/component_names.h"
#include "tools/output.h"
#include "tools/run.h"

namespace wjit::tools {
namespace {

// A call of one exported function: parameters and result in host layout.
class Call {
 public:
  Call(Session& session, std::shared_ptr<RuntimeFunction> function)
      : session_(session), function_(std::move(function)), types_(*function_->types), type_(types_[function_->type]) {
    params_ = static_cast<uint8_t*>(arena_.allocate(params_size(types_, function_->type, true).size + size_t{16}, 16));
  }

  // `text`: comma-separated WAVE values, one for each parameter.
  Result<> parse_arguments(std::string_view text) {
    const std::vector<uint32_t> offsets = field_offsets(types_, function_->type, true);
    auto skip = [&text](char c) {
      text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
      const bool there = !text.empty() && text[0] == c;
      if (there) text.remove_prefix(1);
      return there;
    };
    for (size_t i = 0; i < type_.parts.size(); ++i) {
      const NamedType& param = type_.parts[i];
      if (i > 0 && !skip(',')) return fail("parameter `{}` ({}) is missing", param.name, to_string(types_, param.type));
      auto value = parse_wave(types_, param.type, text);
      if (!value)
        return fail("parameter `{}` ({}): {}", param.name, to_string(types_, param.type), value.error().message);
      auto stored = store_value(types_, param.type, *value, params_ + offsets[i], arena_);
      if (!stored) return stored;
    }
    skip(' ');
    if (!text.empty()) return fail("unexpected `{}` after {} arguments", text, type_.parts.size());
    return {};
  }

  // Runs the call, and then what its task leaves behind, to the end. A status if there is no result.
  std::optional<int> run() {
    std::optional<Error> failure;
    auto begin = [&] {
      const size_t bytes = type_.element != kNoType ? elem_size(types_, type_.element, true) : 0;
      auto started = session_.store->start_call(function_, params_, bytes, [&](const void* results) {
        resolved_ = true;
        if (type_.element == kNoType) return;
        uint64_t left = session_.store->host_memory.left;
        result_ = load_value(types_, type_.element, results, left);
        if (left == 0) failure = Error{"the result takes more host memory than is left (--host-memory)"};
      });
      if (!started) failure = started.error();
    };
    const Ended ended =
        run_until(session_, begin, [&] { return failure || (resolved_ && session_.store->tasks.empty()); });
    if (failure) return report(*failure);
    if (ended == Ended::Stopped) return finish_stopped(session_);
    // What waits for nothing that could come, once there is a result, is no concern of the program's.
    if (ended == Ended::Deadlock && !resolved_) return finish_deadlock(session_);
    return std::nullopt;
  }

  TypeId result_type() const { return type_.element; }
  const ComponentValue& result() const { return result_; }
  const ComponentTypes& types() const { return types_; }

 private:
  Session& session_;
  std::shared_ptr<RuntimeFunction> function_;
  const ComponentTypes& types_;
  const ComponentTypeDef& type_;
  HostArena arena_;
  uint8_t* params_ = nullptr;
  bool resolved_ = false;
  ComponentValue result_;
};

// `func() -> result`, async or not.
bool has_main_type(const RuntimeFunction& function, bool is_async) {
  const ComponentTypes& types = *function.types;
  const ComponentTypeDef& type = types[function.type];
  if (type.is_async != is_async || !type.parts.empty() || type.element == kNoType) return false;
  const ComponentTypeDef& result = types[type.element];
  return result.kind == TypeKind::Result && result.element == kNoType && result.second == kNoType;
}

// The main function: `run` of the newest wasi:cli/run that the component exports.
Result<std::shared_ptr<RuntimeFunction>> find_main(const ComponentInstance& instance, const std::string& program) {
  for (const auto& [track, is_async] : {std::pair("wasi:cli/run@0.3", true), std::pair("wasi:cli/run@0.2", false)}) {
    for (const auto& [name, item] : instance.exports.exports) {
      if (version_track(name) != track) continue;
      auto function = find_function(instance, name + "#run");
      if (!function || has_main_type(**function, is_async)) return function;
      return fail("{} exports `run` of {} as {}; a main function is {}func() -> result", program, name,
                  to_string(*(*function)->types, (*function)->type), is_async ? "async " : "");
    }
  }
  std::string there;
  for (const auto& [name, item] : instance.exports.exports) there += "\n  " + name;
  return fail(
      "{} exports no wasi:cli/run of version 0.3 or 0.2, so it has no main function (--invoke calls another one); "
      "it exports {}{}",
      program, there.empty() ? "nothing" : "", there);
}

// What --value says of an import of a value; the last one wins.
Result<RuntimeItem> import_value(const ExternDecl& import, const ComponentTypes& types, const RunOptions& options) {
  for (const NamedValue& given : std::views::reverse(options.values)) {
    if (given.name != import.name) continue;
    std::string_view text = given.value;
    auto value = parse_wave(types, import.type, text);
    if (value && !text.empty()) value = fail("unexpected `{}`", text);
    if (!value) return fail("--value {} ({}): {}", import.name, to_string(types, import.type), value.error().message);
    return RuntimeItem(std::make_shared<const ComponentValue>(std::move(*value)));
  }
  return fail("import `{}` is a value ({}), which --value {}=... gives", import.name, to_string(types, import.type),
              import.name);
}

// The exported value `name`, if there is one.
std::optional<std::string> exported_value(const ComponentInstance& instance, const std::string& name) {
  auto found = instance.exports.exports.find(name);
  if (found == instance.exports.exports.end()) return std::nullopt;
  auto* value = std::get_if<std::shared_ptr<const ComponentValue>>(&found->second);
  if (value == nullptr) return std::nullopt;
  const ComponentTypes& types = *instance.component->types;
  for (const ExternDecl& decl : types[instance.component->type].exports) {
    if (decl.name == name) return to_wave(types, decl.type, **value);
  }
  return std::nullopt;
}

// On the strand, as start functions may call the host.
Result<ComponentInstance*> instantiate_program(Session& session, const std::shared_ptr<const Component>& component,
                                               const RunOptions& options) {
  HostInterfaces interfaces;
  session.wasi->add_to(interfaces);
  const ImportSource from_host = import_from_host(*session.store, interfaces);
  const ImportSource imports = [&](const ExternDecl& import, ComponentInstance& importer) {
    return import.sort == ExternSort::Value ? import_value(import, *importer.component->types, options)
                                            : from_host(import, importer);
  };
  std::optional<Result<ComponentInstance*>> instance;
  run_until(
      session, [&] { instance = instantiate(*session.store, component, imports, "main"); },
      [&] { return instance.has_value(); });
  return std::move(*instance);
}

}  // namespace

int run_component(Session& session, std::shared_ptr<const Component> component, const RunOptions& options) {
  const std::optional<Invocation>& invocation = options.invoke;
  auto instance = instantiate_program(session, component, options);
  if (session.store->locked_down()) return finish_stopped(session);
  if (!instance) {
    for (const std::string& note : session.notes) say("note: {}", note);
    return report(Error{session.program + ": " + instance.error().message});
  }
  if (invocation && invocation->arguments.empty()) {
    if (auto value = exported_value(**instance, invocation->name)) return print_output(*value + "\n");
  }
  auto function = invocation ? find_function(**instance, invocation->name) : find_main(**instance, session.program);
  if (!function) return report(function.error());

  Call call(session, *function);
  if (auto ready = call.parse_arguments(invocation ? invocation->arguments : ""); !ready) {
    return report(invocation ? Error{fmt::format("--invoke {}: {}", invocation->name, ready.error().message)}
                             : ready.error());
  }
  if (std::optional<int> status = call.run()) return *status;
  if (call.result_type() == kNoType) return 0;
  if (invocation) return print_output(to_wave(call.types(), call.result_type(), call.result()) + "\n");
  // wasi:cli/run: result<_, _>
  return call.result().bits == 0 ? 0 : kStatusError;
}

}  // namespace wjit::tools

// Running a core module with preview1: a command's `_start`, or a reactor's `_initialize` and nothing more; with
// --invoke an exported function of numbers, a reactor's after its `_initialize`. See tools/run.h.
#include <bit>
#include <charconv>
#include <optional>

#include "abi/core_host.h"
#include "tools/output.h"
#include "tools/run.h"
#include "wasi/preview1.h"

namespace wjit::tools {
namespace {

Result<uint64_t> parse_number(std::string_view text, ValType type) {
  const char* end = text.data() + text.size();
  auto wrong = [&] { return fail("`{}` is no {}", text, to_string(type)); };
  auto parse = [&]<typename T>(T value) -> std::optional<T> {
    auto [at, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || at != end) return std::nullopt;
    return value;
  };
  // Integers may be signed or unsigned.
  auto integer = [&]<typename Signed, typename Unsigned>(Signed, Unsigned) -> Result<uint64_t> {
    if (auto value = parse(Signed{})) return static_cast<Unsigned>(*value);
    if (auto value = parse(Unsigned{})) return *value;
    return wrong();
  };
  switch (type.kind) {
    case ValKind::I32: return integer(int32_t{}, uint32_t{});
    case ValKind::I64: return integer(int64_t{}, uint64_t{});
    case ValKind::F32:
      if (auto value = parse(float{})) return std::bit_cast<uint32_t>(*value);
      return wrong();
    case ValKind::F64:
      if (auto value = parse(double{})) return std::bit_cast<uint64_t>(*value);
      return wrong();
    default: return fail("values of type {} cannot be given on the command line", to_string(type));
  }
}

Result<std::vector<uint64_t>> parse_numbers(std::string_view text, const FuncType& type) {
  std::vector<uint64_t> words;
  auto trim = [](std::string_view s) {
    const size_t begin = std::min(s.find_first_not_of(" \t\n"), s.size());
    return s.substr(begin, s.find_last_not_of(" \t\n") + 1 - begin);
  };
  text = trim(text);
  while (!text.empty() || words.size() < type.params.size()) {
    if (words.size() == type.params.size())
      return fail("it takes {} arguments; `{}` is too much", type.params.size(), text);
    if (text.empty()) return fail("it takes {} arguments, not {}", type.params.size(), words.size());
    const size_t comma = std::min(text.find(','), text.size());
    auto word = parse_number(trim(text.substr(0, comma)), type.params[words.size()]);
    if (!word) return std::unexpected(word.error());
    words.push_back(*word);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return words;
}

Result<std::string> print_number(uint64_t word, ValType type) {
  switch (type.kind) {
    case ValKind::I32: return fmt::format("{}", static_cast<int32_t>(word));
    case ValKind::I64: return fmt::format("{}", static_cast<int64_t>(word));
    case ValKind::F32: return fmt::format("{}", std::bit_cast<float>(static_cast<uint32_t>(word)));
    case ValKind::F64: return fmt::format("{}", std::bit_cast<double>(word));
    default: return fail("values of type {} cannot be printed", to_string(type));
  }
}

Result<std::vector<Extern>> resolve_imports(const Module& module, Preview1& preview1, const std::string& program) {
  std::vector<Extern> imports;
  for (const Import& import : module.imports) {
    std::optional<Extern> item = preview1.find(import.module, import.name);
    if (!item && import.module == "wasi_snapshot_preview1") {
      return fail("{}: unknown import: the host's wasi_snapshot_preview1 has no `{}`", program, import.name);
    }
    if (!item && import.module == "wasi_unstable") {
      return fail("{}: import `{}` `{}`: WASI's preview 0 is not supported; preview 1 (wasi_snapshot_preview1) is",
                  program, import.module, import.name);
    }
    if (!item) {
      return fail("{}: unknown import `{}` `{}`: the host offers core modules wasi_snapshot_preview1 and nothing else",
                  program, import.module, import.name);
    }
    imports.push_back(std::move(*item));
  }
  return imports;
}

class CoreProgram {
 public:
  CoreProgram(Session& session, std::shared_ptr<CoreInstance> instance)
      : session_(session), instance_(std::move(instance)) {}

  // Active segments and the start function; then `_initialize`, if it has one.
  std::optional<int> initialize() {
    if (has_function("_start") && has_function("_initialize")) {
      return report(Error{session_.program +
                          " exports both `_start` and `_initialize`: a command has the one, a reactor the other"});
    }
    if (auto done = instance_->initialize(); !done) return finish_trap(session_, done.error());
    if (FuncRef* start = instance_->start_function()) {
      if (auto status = run(start)) return status;
    }
    if (!has_function("_initialize")) return std::nullopt;
    return run(instance_->find_export("_initialize")->func);
  }

  int main() {
    if (has_function("_initialize")) return 0;
    if (!has_function("_start")) {
      return report(Error{session_.program +
                          " exports no function `_start` without parameters and results, so it has no main "
                          "function; --invoke calls another one"});
    }
    return run(instance_->find_export("_start")->func).value_or(0);
  }

  int invoke(const Invocation& invocation) {
    std::optional<Extern> item = instance_->find_export(invocation.name);
    if (!item || item->kind != ExternKind::Func) {
      std::string there;
      for (const Export& e : instance_->module().exports) {
        if (e.kind == ExternKind::Func) there += "\n  " + e.name;
      }
      return report(Error{fmt::format("no exported function `{}`; the module exports{}", invocation.name,
                                      there.empty() ? " no function" : ":" + there)});
    }
    const FuncType type = type_of(invocation.name);
    auto words = parse_numbers(invocation.arguments, type);
    if (!words) return report(Error{fmt::format("--invoke {}: {}", invocation.name, words.error().message)});
    std::vector<uint64_t> results;
    if (auto status = run(item->func, type, std::move(*words), &results)) return *status;
    std::string lines;
    for (size_t i = 0; i < type.results.size(); ++i) {
      auto text = print_number(results[i], type.results[i]);
      if (!text) return report(text.error());
      lines += *text + "\n";
    }
    return print_output(lines);
  }

 private:
  // Whether it exports such a function without parameters and results.
  bool has_function(std::string_view name) const {
    std::optional<Extern> item = instance_->find_export(name);
    return item && item->kind == ExternKind::Func && type_of(name) == FuncType{};
  }

  FuncType type_of(std::string_view name) const {
    for (const Export& e : instance_->module().exports) {
      if (e.name == name && e.kind == ExternKind::Func) return instance_->module().function_type(e.index);
    }
    return {};
  }

  // Runs a function as a thread that may wait. A status unless it has returned.
  std::optional<int> run(FuncRef* function, FuncType type = {}, std::vector<uint64_t> args = {},
                         std::vector<uint64_t>* results = nullptr) {
    bool returned = false;
    auto done = [&](std::vector<uint64_t> words) {
      returned = true;
      if (results != nullptr) *results = std::move(words);
    };
    const Ended ended = run_until(
        session_, [&] { run_core_function(*session_.store, function, std::move(type), std::move(args), done); },
        [&] { return returned; });
    if (ended == Ended::Stopped) return finish_stopped(session_);
    if (ended == Ended::Deadlock) return finish_deadlock(session_);
    return std::nullopt;
  }

  Session& session_;
  std::shared_ptr<CoreInstance> instance_;
};

}  // namespace

int run_core_module(Session& session, std::shared_ptr<const Module> module, const RunOptions& options) {
  const std::optional<Invocation>& invocation = options.invoke;
  std::shared_ptr<Preview1> preview1 = Preview1::create(*session.wasi);
  auto imports = resolve_imports(*module, *preview1, session.program);
  if (!imports) return report(imports.error());
  auto code = session.engine->code_of(module);
  if (!code) return report(code.error());
  auto instance = CoreInstance::link(&session.store->context(), *code, std::move(*imports));
  if (!instance) return report(Error{session.program + ": " + instance.error().message});
  std::optional<Extern> memory = (*instance)->find_export("memory");
  if (memory && memory->kind == ExternKind::Memory) preview1->use_memory(memory->memory);

  CoreProgram program(session, *instance);
  if (std::optional<int> status = program.initialize()) return *status;
  return invocation ? program.invoke(*invocation) : program.main();
}

}  // namespace wjit::tools

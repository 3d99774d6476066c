// The Compiler of jit/compiler.h: wasm functions -> LLVM IR (ir/emitter.h) -> object code (jit/orc_codegen.h) -> linked
// and published (jit/orc_link.h), in units of some functions, each unit in its own LLVMContext.
//
//   asked for one function (a lazy stub): just that one; at the full level small direct callees come along,
//                                         to be inlined: they get no code of their own, and calls left over go to their
//                                         stubs. A small loop of a small module is compiled at the full level anyhow
//   asked for many:                       units of kFastUnit or kFullUnit, on all cores
//
// Tuning, in executed instructions at the fast level (2,353 functions of a JavaScript engine): a function costs 4.1
// million, a unit (context, passes, object file, link) 0.7 million. To take a callee along without being asked pays
// only if it is called in five of six cases; of a Go program's functions one in four is. Small loops at the full level
// would make the engine's start a third longer, so the module's size counts; programs in C have few that are so small.
// Tests: test/unit/compiler_test.cpp.
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <thread>
#include <vector>

#include "base/check.h"
#include "ir/code_reader.h"
#include "ir/emitter.h"
#include "ir/pipeline.h"
#include "jit/compiler.h"
#include "jit/orc_codegen.h"
#include "jit/orc_link.h"

namespace wjit {
namespace {

constexpr size_t kFastUnit = 64;
constexpr size_t kFullUnit = 256;
constexpr size_t kSmallLoop = 160, kSmallModule = 32768;  // bytes of code

class OrcCompiler : public Compiler {
 public:
  explicit OrcCompiler(CompileOptions options)
      : Compiler(options), level_(options.level == CompileOptions::Level::Full ? ir::Level::Full : ir::Level::Fast) {}

  Result<> compile(ModuleCode& code, std::span<const uint32_t> defined) override;
  Result<std::string> emit(const Module& module, EmitKind kind, const std::optional<std::string>& filter) override;
  std::string version() const override { return code_generator_version(); }

 private:
  // `to_inline`: further functions, seen by the optimiser only.
  Result<> compile_unit(ModuleCode& code, ir::Level level, std::span<const uint32_t> unit,
                        std::span<const uint32_t> to_inline = {});

  ir::Level level_;
};

// Direct callees with small bodies, and theirs, breadth first.
std::vector<uint32_t> inline_candidates(const Module& module, uint32_t root) {
  constexpr size_t kMaxBody = 250, kMaxCandidates = 24;  // tuning: what LLVM may inline at its usual threshold
  std::vector<uint32_t> found{root};
  for (size_t i = 0; i < found.size() && found.size() <= kMaxCandidates; ++i) {
    ir::CodeReader in(module, module.functions[module.imported_functions + found[i]].body);
    while (!in.at_end() && found.size() <= kMaxCandidates) {
      const Opcode op = in.opcode();
      if (op != Opcode::Call && op != Opcode::ReturnCall) {
        in.skip(info(op).immediate);
        continue;
      }
      const uint32_t callee = in.u32();
      if (callee < module.imported_functions) continue;
      const ByteRange body = module.functions[callee].body;
      const uint32_t defined = callee - module.imported_functions;
      if (body.end - body.begin <= kMaxBody && std::ranges::find(found, defined) == found.end())
        found.push_back(defined);
    }
  }
  found.erase(found.begin());
  return found;
}

// A small function with a loop, in a small module: one call of it may run for long, and optimising it takes little.
bool is_small_loop(const Module& module, uint32_t defined) {
  const ByteRange body = module.functions[module.imported_functions + defined].body;
  const ByteRange first = module.functions[module.imported_functions].body;
  if (body.end - body.begin > kSmallLoop || module.functions.back().body.end - first.begin > kSmallModule) return false;
  for (ir::CodeReader in(module, body); !in.at_end();) {
    const Opcode op = in.opcode();
    if (op == Opcode::Loop) return true;
    in.skip(info(op).immediate);
  }
  return false;
}

ir::EmitOptions emit_options(const CodeGenerator& generator) {
  ir::EmitOptions options = generator.emit_options();
  options.direct_calls = generator.level() == ir::Level::Full;
  return options;
}

Result<> OrcCompiler::compile(ModuleCode& code, std::span<const uint32_t> defined) {
  if (defined.size() == 1) {
    if (level_ == ir::Level::Fast && !is_small_loop(code.module(), defined[0])) {
      return compile_unit(code, ir::Level::Fast, defined);
    }
    const std::vector<uint32_t> callees = inline_candidates(code.module(), defined[0]);
    Result<> done = compile_unit(code, ir::Level::Full, defined, callees);
    // A callee that is not supported must not keep its caller from running.
    return done || callees.empty() ? done : compile_unit(code, ir::Level::Full, defined);
  }
  const size_t size = level_ == ir::Level::Full ? kFullUnit : kFastUnit;
  const size_t units = (defined.size() + size - 1) / size;
  std::atomic<size_t> next{0};
  std::mutex mutex;
  Result<> result;  // guarded by mutex: the first error
  auto work = [&] {
    for (size_t i = next++; i < units; i = next++) {
      Result<> done = compile_unit(code, level_, defined.subspan(i * size, std::min(size, defined.size() - i * size)));
      if (done) continue;
      std::lock_guard lock(mutex);
      if (result) result = std::move(done);
      next = units;
    }
  };
  {
    std::vector<std::jthread> threads;
    const size_t helpers = std::min<size_t>(units, std::max(1u, std::thread::hardware_concurrency()));
    for (size_t i = 1; i < helpers; ++i) threads.emplace_back(work);
    work();
  }
  return result;
}

Result<> OrcCompiler::compile_unit(ModuleCode& code, ir::Level level, std::span<const uint32_t> unit,
                                   std::span<const uint32_t> to_inline) {
  const Module& module = code.module();
  Result<CodeGeneratorLease> generator = lease_code_generator(level);
  if (!generator) return std::unexpected(generator.error());
  std::vector<uint32_t> all(unit.begin(), unit.end());
  all.insert(all.end(), to_inline.begin(), to_inline.end());
  llvm::LLVMContext context;
  auto emitted = ir::ModuleEmitter(context, module, emit_options(**generator)).emit(all);
  if (!emitted) return std::unexpected(emitted.error());
  AbsoluteSymbols symbols;
  for (uint32_t defined : to_inline) {
    const std::string symbol = ir::function_symbol(module, module.imported_functions + defined);
    llvm::Function* function = (*emitted)->getFunction(symbol);
    CHECK(function);
    function->setLinkage(llvm::GlobalValue::AvailableExternallyLinkage);
    symbols[symbol] = code.lazy_stub(defined);
  }
  std::vector<LinkFunction> functions;
  for (uint32_t defined : unit) {
    const uint32_t function = module.imported_functions + defined;
    functions.push_back({ir::function_symbol(module, function), &code, function, {}});
  }
  Result<LinkedCode> linked = compile_and_link(**emitted, **generator, functions, symbols);
  if (!linked) return std::unexpected(linked.error());
  code.keep_alive(std::move(linked->memory));
  for (size_t i = 0; i < unit.size(); ++i) code.publish(unit[i], linked->addresses[i]);
  return {};
}

// The defined functions that `filter` names; all without a filter.
Result<std::vector<uint32_t>> select(const Module& module, const std::optional<std::string>& filter) {
  std::vector<uint32_t> selected;
  const auto defined = static_cast<uint32_t>(module.functions.size()) - module.imported_functions;
  uint32_t number = UINT32_MAX;
  if (filter) {
    uint32_t parsed = 0;
    auto [end, error] = std::from_chars(filter->data(), filter->data() + filter->size(), parsed);
    if (error == std::errc() && end == filter->data() + filter->size()) number = parsed;
  }
  for (uint32_t i = 0; i < defined; ++i) {
    const uint32_t function = module.imported_functions + i;
    auto named = module.function_names.find(function);
    const bool matches = !filter || function == number ||
                         (named != module.function_names.end() && named->second == *filter) ||
                         std::ranges::any_of(module.exports, [&](const Export& e) {
                           return e.kind == ExternKind::Func && e.index == function && e.name == *filter;
                         });
    if (matches) selected.push_back(i);
  }
  if (filter && selected.empty()) return fail("no defined function has the name or number {}", *filter);
  return selected;
}

Result<std::string> OrcCompiler::emit(const Module& module, EmitKind kind, const std::optional<std::string>& filter) {
  Result<std::vector<uint32_t>> selected = select(module, filter);
  if (!selected) return std::unexpected(selected.error());
  Result<CodeGeneratorLease> generator = lease_code_generator(level_);
  if (!generator) return std::unexpected(generator.error());
  llvm::LLVMContext context;
  auto emitted = ir::ModuleEmitter(context, module, emit_options(**generator)).emit(*selected);
  if (!emitted) return std::unexpected(emitted.error());
  llvm::Module& llvm_module = **emitted;
  if (kind != EmitKind::LlvmIr) ir::optimize(llvm_module, level_, &(*generator)->target());
  switch (kind) {
    case EmitKind::LlvmIr:
    case EmitKind::LlvmIrOptimized: {
      std::string text;
      llvm::raw_string_ostream out(text);
      llvm_module.print(out, nullptr);
      return text;
    }
    case EmitKind::Assembly: return (*generator)->assembly(llvm_module);
    case EmitKind::Object: {
      auto object = (*generator)->object(llvm_module);
      if (!object) return std::unexpected(object.error());
      return (*object)->getBuffer().str();
    }
  }
  UNREACHABLE_CASE("kind of output");
}

}  // namespace

extern "C" __attribute__((visibility("default"))) Compiler* wjit_create_compiler(const CompileOptions* options,
                                                                                 std::string* error);
Compiler* wjit_create_compiler(const CompileOptions* options, std::string* error) {
  const ir::Level level = options->level == CompileOptions::Level::Full ? ir::Level::Full : ir::Level::Fast;
  Result<CodeGeneratorLease> generator = lease_code_generator(level);  // is there one for this machine?
  if (!generator) {
    *error = generator.error().message;
    return nullptr;
  }
  return new OrcCompiler(*options);
}

}  // namespace wjit

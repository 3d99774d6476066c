// The AdapterCompiler of abi/adapter.h: IR from AdapterEmitter, LLVM's passes and code generation, linked and
// registered under the adapter's name. Adapters are small: they are compiled at the full level at once, unless their types
// make them very large.
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>

#include "abi/adapter_emit.h"
#include "base/check.h"
#include "ir/pipeline.h"
#include "jit/orc_codegen.h"
#include "jit/orc_link.h"

extern "C" {
#define RUNTIME_CALL(name, params, result) void wjit_stub_abi_##name();
#include "abi/runtime_calls.def"
#undef RUNTIME_CALL
}

namespace wjit {
namespace {

AbsoluteSymbols run_time_symbols() {
  AbsoluteSymbols symbols;
#define RUNTIME_CALL(name, params, result) \
  symbols["wjit.abi." #name] = reinterpret_cast<void*>(&wjit_stub_abi_##name);  // NOLINT
#include "abi/runtime_calls.def"
#undef RUNTIME_CALL
  return symbols;
}

class OrcAdapterCompiler final : public AdapterCompiler {
 public:
  Result<std::shared_ptr<AdapterCode>> compile(const AdapterSpec& spec) override {
    return link(spec.name, level_for(spec.lower, spec.lift),
                {".lower", ".slow", ".start", ".finish", ".complete", ".task_return", ".task_return_slow"}, *spec.types,
                [&](adapter::AdapterEmitter& e) { e.emit_adapter(spec, kPrefix); });
  }

  Result<std::shared_ptr<AdapterCode>> compile(const CopierSpec& spec) override {
    return link(spec.name, level_for(spec.source, spec.destination), {".copy"}, *spec.types,
                [&](adapter::AdapterEmitter& e) { e.emit_copier(spec, kPrefix); });
  }

  Result<std::string> emit_ir(const AdapterSpec& spec) override {
    return text(*spec.types, [&](adapter::AdapterEmitter& e) { e.emit_adapter(spec, spec.name); });
  }

  Result<std::string> emit_ir(const CopierSpec& spec) override {
    return text(*spec.types, [&](adapter::AdapterEmitter& e) { e.emit_copier(spec, spec.name); });
  }

 private:
  static constexpr const char* kPrefix = "adapter";
  // Above this, in instructions, an adapter is compiled at the fast level: the full one takes more than linear time.
  // Usual ones have some hundreds. 4,000 cases with strings (340,000): 1.6 s instead of more than 100 s.
  static constexpr unsigned kMaxOptimized = 4'000;

  // With the host on one side, the adapter is a small part of what a call costs, and most are called a few times: at the full
  // level they would take more time than all else until a usual guest runs (test/guests/c-io: 116 ms for six, now 23).
  static ir::Level level_for(const AdapterSide& a, const AdapterSide& b) {
    return a.is_host() || b.is_host() ? ir::Level::Fast : ir::Level::Full;
  }

  template <typename F>
  std::unique_ptr<llvm::Module> emit(llvm::LLVMContext& context, CodeGenerator& generator, const ComponentTypes& types,
                                     F&& fill) {
    adapter::AdapterEmitter emitter(context, generator.emit_options(), types);
    fill(emitter);
    auto module = emitter.take();
#ifndef NDEBUG
    CHECK(!llvm::verifyModule(*module, &llvm::errs()));
#endif
    return module;
  }

  template <typename F>
  Result<std::string> text(const ComponentTypes& types, F&& fill) {
    auto generator = lease_code_generator(ir::Level::Full);
    if (!generator) return std::unexpected(generator.error());
    llvm::LLVMContext context;
    auto module = emit(context, **generator, types, fill);
    std::string text;
    llvm::raw_string_ostream out(text);
    module->print(out, nullptr);
    return text;
  }

  template <typename F>
  Result<std::shared_ptr<AdapterCode>> link(const std::string& name, ir::Level level, std::vector<std::string> parts,
                                            const ComponentTypes& types, F&& fill) {
    auto generator = lease_code_generator(level);
    if (!generator) return std::unexpected(generator.error());
    llvm::LLVMContext context;
    auto module = emit(context, **generator, types, fill);
    if (module->getInstructionCount() > kMaxOptimized) generator = lease_code_generator(ir::Level::Fast);
    if (!generator) return std::unexpected(generator.error());
    std::vector<LinkFunction> functions;
    for (const std::string& part : parts) {
      if (module->getFunction(kPrefix + part) == nullptr) continue;
      functions.push_back({kPrefix + part, nullptr, 0, fmt::format("adapter {} ({})", name, part.substr(1))});
    }
    static const AbsoluteSymbols symbols = run_time_symbols();
    auto linked = compile_and_link(*module, **generator, functions, symbols);
    if (!linked) return std::unexpected(linked.error());
    auto code = std::make_shared<AdapterCode>();
    code->memory = linked->memory;
    for (size_t i = 0; i < functions.size(); ++i) {
      std::string_view part = std::string_view(functions[i].symbol).substr(std::string_view(kPrefix).size());
      void* address = linked->addresses[i];
      if (part.ends_with("slow")) continue;  // only `lower` and `task_return` know them
      (part == ".lower"         ? code->lower
       : part == ".start"       ? code->start
       : part == ".finish"      ? code->finish
       : part == ".complete"    ? code->complete
       : part == ".task_return" ? code->task_return
                                : code->copy) = address;
    }
    return code;
  }
};

}  // namespace

extern "C" AdapterCompiler* wjit_create_adapter_compiler() { return new OrcAdapterCompiler; }

}  // namespace wjit

// For tests that run core modules without the layers above jit: text -> instance, calls on a fiber.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "frontend/decoder.h"
#include "frontend/text.h"
#include "jit/compiler.h"
#include "jit/instance.h"
#include "jit/trap.h"
#include "scheduler/fiber.h"

namespace wjit {

inline std::shared_ptr<const Module> parse_module(std::string_view text) {
  Parsed<Bytes> bytes = assemble(text);
  if (!bytes) {
    ADD_FAILURE() << bytes.error().to_string();
    return nullptr;
  }
  auto module = decode_module(std::make_shared<const Bytes>(std::move(*bytes)));
  if (!module) {
    ADD_FAILURE() << module.error().to_string();
    return nullptr;
  }
  return *module;
}

// A store for core modules: a context, and the outcome of calls as values or a trap.
struct TestStore {
  StoreContext context;
  std::vector<std::shared_ptr<CoreInstance>> instances;
  size_t stack_limit = 1 << 20;

  TestStore() {
    init_guest_context(&context);
    context.stack_exhausted = on_stack_exhausted;
    set_trap_hooks({current_guest_context, abandon_from_signal, restore_stack_limit});
    install_trap_handlers();
  }
  ~TestStore() { discard_trap(&context); }

  Result<std::shared_ptr<CoreInstance>> link(std::shared_ptr<const Module> module, std::shared_ptr<Compiler> compiler,
                                             std::vector<Extern> imports = {}) {
    auto code = ModuleCode::create(std::move(module), std::move(compiler));
    if (!code) return std::unexpected(code.error());
    auto instance = CoreInstance::link(&context, *code, std::move(imports));
    if (instance) instances.push_back(*instance);
    return instance;
  }

  // Results as 64-bit words, or nothing and a trap in `context`.
  std::vector<uint64_t> call(void* code, void* vmctx, const FuncType& type, std::vector<uint64_t> args = {}) {
    Fiber* fiber = fiber_create(stack_limit);
    RegisterArgs registers;
    place_arguments(&context, type, args, vmctx, registers);
    fiber_prepare(fiber, code, &registers);
    const FiberExit exit = fiber_enter(&context, fiber);
    std::vector<uint64_t> results;
    if (exit == FiberExit::Finished) results = collect_results(&context, type, fiber->results);
    EXPECT_EQ(exit == FiberExit::Abandoned, has_trap(&context));
    fiber_destroy(fiber);
    return results;
  }
  std::vector<uint64_t> call(CoreInstance& instance, std::string_view name, std::vector<uint64_t> args = {}) {
    auto exported = instance.find_export(name);
    if (!exported || exported->kind != ExternKind::Func) {
      ADD_FAILURE() << "no function " << name;
      return {};
    }
    FuncRef* func = exported->func;
    return call(func->code, func->vmctx, instance.module().function_type(func->function), std::move(args));
  }
};

// A compiler whose code is C++ that follows the guest's conventions: function i is functions[i].
class TableCompiler : public Compiler {
 public:
  explicit TableCompiler(std::vector<void*> functions) : Compiler({}), functions_(std::move(functions)) {}
  Result<> compile(ModuleCode& code, std::span<const uint32_t> defined) override {
    for (uint32_t i : defined) {
      compiled.push_back(i);
      if (!functions_[i]) return fail("not supported yet: function {}", i);
      code.publish(i, functions_[i]);
    }
    return {};
  }
  Result<std::string> emit(const Module&, EmitKind, const std::optional<std::string>&) override {
    return fail("no text");
  }
  std::string version() const override { return "table"; }

  std::vector<uint32_t> compiled;

 private:
  std::vector<void*> functions_;
};

}  // namespace wjit

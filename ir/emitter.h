// Module -> LLVM IR. One ModuleEmitter turns some or all defined functions of a validated module into one LLVM module, in a
// context of the caller's, for one level: Fast IR is made to be compiled at once by FastISel (few instructions, no
// metadata), Full IR for the optimiser (alias classes, loads that must not vanish).
//
// Symbols: function i is `wasm.<i>.<display name>`; calls to functions outside the emitted set go through the vmctx, so
// the only undefined symbols are the built-ins, `wjit.<name>` for each row of jit/builtins.def (and `__morestack`,
// which LLVM adds). Calling convention: ir/signature.h. Debug locations: line = byte offset of the instruction in the module's
// bytes (Module::bytes), column 0; set where an instruction can trap or call.
//
// Called by the compiler (jit/orc_*.cpp). Tests: test/lit/ir, and the public core suite by running it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "frontend/module.h"
#include "ir/pipeline.h"

namespace llvm {
class LLVMContext;
class Module;
}  // namespace llvm

namespace wjit::ir {

struct EmitOptions {
  Level level = Level::Fast;
  // Calls between functions of one emitted set name the LLVM function, so that it can be inlined. Without, they go through
  // the entry table, and a better tier replaces the callee.
  bool direct_calls = false;
  std::string target_triple;  // may be empty
  std::string data_layout;    // of the TargetMachine; may be empty
  std::string cpu;            // "target-cpu" and "target-features" of every function; may be empty
  std::string features;
};

class ModuleEmitter {
 public:
  // The context, and the module with its bytes, must outlive the emitter and what it emits.
  ModuleEmitter(llvm::LLVMContext& context, const Module& module, EmitOptions options);
  ~ModuleEmitter();

  // `functions`: indices of defined functions, imports not counted (as entries of vmctx->code). The error is
  // "not supported yet: <feature> in function <name>". May be called several times.
  Result<std::unique_ptr<llvm::Module>> emit(std::span<const uint32_t> functions);

 private:
  llvm::LLVMContext& context_;
  const Module& module_;
  EmitOptions options_;
};

// The symbol of a function (imports counted), and back; nullopt for other symbols.
std::string function_symbol(const Module& module, uint32_t function);
std::optional<uint32_t> function_of_symbol(std::string_view symbol);

}  // namespace wjit::ir

// LLVM code generation for one thread at a time: a TargetMachine for the host CPU at one level. Making one costs more
// than compiling a small function, so they are kept in a pool and leased. Contexts are not kept: types and metadata
// would pile up. Called by the compiler (jit/orc_compiler.cpp) and by abi's adapter compiler. Any thread may lease.
// Tests: test/unit/compiler_test.cpp.
#pragma once

#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <string>

#include "base/error.h"
#include "ir/emitter.h"

namespace llvm {
class Module;
}

namespace wjit {

class CodeGenerator {
 public:
  static Result<std::unique_ptr<CodeGenerator>> create(ir::Level level);

  ir::Level level() const { return level_; }
  llvm::TargetMachine& target() { return *target_; }
  // Triple, data layout, CPU and features for ModuleEmitter (other options at their defaults).
  ir::EmitOptions emit_options() const;

  // Object file, or assembly text. The module must have been through ir::optimize; it is changed by code generation.
  Result<std::unique_ptr<llvm::MemoryBuffer>> object(llvm::Module& module);
  Result<std::string> assembly(llvm::Module& module);

 private:
  CodeGenerator() = default;
  ir::Level level_ = ir::Level::Fast;
  std::unique_ptr<llvm::TargetMachine> target_;
};

// Gives the generator back to the pool.
struct CodeGeneratorReturn {
  void operator()(CodeGenerator* generator) const;
};
using CodeGeneratorLease = std::unique_ptr<CodeGenerator, CodeGeneratorReturn>;
Result<CodeGeneratorLease> lease_code_generator(ir::Level level);

// "LLVM 22.1.8, znver3"
std::string code_generator_version();

}  // namespace wjit

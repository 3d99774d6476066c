// The optimisation levels and LLVM's passes for them. Called by the compiler (jit/orc_*.cpp) between the emitter and code
// generation. Test: test/lit/ir.
#pragma once

#include <cstdint>

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace wjit::ir {

enum class Level : uint8_t {
  Fast,  // first run of a function: no IR passes, -O0 code generation with FastISel
  Full,  // hot code: LLVM's -O2 pipeline and code generation
};

// Runs the level's IR passes on a module that ModuleEmitter made for the same level. `target` (may be null) tells the
// passes the costs of its instructions. Any thread that owns the module's context.
void optimize(llvm::Module& module, Level level, llvm::TargetMachine* target);

}  // namespace wjit::ir

// The seam to libwjit-compiler: what the run time asks of the code that needs LLVM. load_compiler opens the shared
// library beside libwjit when something must be compiled (loading LLVM costs tens of milliseconds) and makes an
// instance.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "jit/code.h"

namespace wjit {

struct CompileOptions {
  enum class Level : uint8_t { Fast, Full } level = Level::Fast;  // -O0-class pipeline, or the full -O2 one
};

enum class EmitKind : uint8_t { LlvmIr, LlvmIrOptimized, Assembly, Object };

class Compiler {
 public:
  virtual ~Compiler() = default;

  // Compiles these defined functions of the module and publishes their entries; code stays alive as long as `code`
  // does. Any thread.
  virtual Result<> compile(ModuleCode& code, std::span<const uint32_t> defined) = 0;

  // The text (or object bytes) of the module's functions, all or those whose name or index matches `filter` exactly
  // (function name from the name section, export name, or number).
  virtual Result<std::string> emit(const Module& module, EmitKind kind, const std::optional<std::string>& filter) = 0;

  virtual std::string version() const = 0;  // "LLVM 22.1.8, znver3"
  const CompileOptions& options() const { return options_; }

 protected:
  explicit Compiler(CompileOptions options) : options_(options) {}

 private:
  CompileOptions options_;
};

// Opens libwjit-compiler.so (once per process) and makes a compiler. Any thread.
Result<std::shared_ptr<Compiler>> load_compiler(CompileOptions options);
// The library's handle for the factories of other layers (abi's adapter compiler): a symbol of it, or an error.
Result<void*> compiler_symbol(const char* name);

// Exported by the library with C linkage: `wjit_create_compiler(const CompileOptions*)` returns a new Compiler or null
// and sets *error.
using CreateCompiler = Compiler* (*)(const CompileOptions*, std::string* error);

}  // namespace wjit

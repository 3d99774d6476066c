// Linking of object code into the process, by JITLink without the layers of ORC above it: compiled functions refer to
// each other through entry tables, so an object needs the run time's symbols and nothing of other objects, and a link
// is one function call: no session, no symbol tables to keep, no lock. After it the code is executable and registered:
// pc ranges in the code map, frame descriptions with the unwinder, line tables for later. Called by the compiler
// (jit/orc_compiler.cpp) and by abi's adapter compiler. Any thread. Tests: test/unit/compiler_test.cpp.
#pragma once

#include <llvm/ADT/StringMap.h>
#include <llvm/Support/MemoryBuffer.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "jit/code.h"
#include "jit/orc_codegen.h"

namespace wjit {

// A function of an object that the caller wants the address of, and what the code map is to say of it.
struct LinkFunction {
  std::string symbol;
  const ModuleCode* module = nullptr;  // null: an adapter or helper, shown as `name`
  uint32_t function = 0;               // imports counted
  std::string name;
};

struct LinkedCode {
  std::vector<void*> addresses;  // of the functions asked for, in their order
  std::shared_ptr<void> memory;  // the code is unregistered and unmapped with the last owner
};

// Symbols beyond those that every object may use: `wjit.<name>` of jit/builtins.def, __morestack, memcpy and the like.
using AbsoluteSymbols = llvm::StringMap<void*>;

Result<LinkedCode> link_object(std::unique_ptr<llvm::MemoryBuffer> object, std::span<const LinkFunction> functions,
                               const AbsoluteSymbols& symbols = {});

// Passes of the generator's level, code generation, link.
Result<LinkedCode> compile_and_link(llvm::Module& module, CodeGenerator& generator,
                                    std::span<const LinkFunction> functions, const AbsoluteSymbols& symbols = {});

}  // namespace wjit

// Opens libwjit-compiler.so beside libwjit.so (or where this code is linked into), when something must be compiled
// first. It stays open. Interface: jit/compiler.h. Covered by test/unit/compiler_test.cpp.
#include <dlfcn.h>

#include "jit/compiler.h"

namespace wjit {
namespace {

Result<void*> open_library() {
  Dl_info self = {};
  if (dladdr(reinterpret_cast<void*>(&open_library), &self) == 0 || !self.dli_fname) {
    return fail("cannot find out where libwjit.so is");
  }
  std::string path = self.dli_fname;
  const size_t slash = path.rfind('/');
  path.replace(slash == std::string::npos ? 0 : slash + 1, std::string::npos, "libwjit-compiler.so");
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return fail("cannot open the compiler: {}; it must lie beside libwjit.so", dlerror());
  return library;
}

}  // namespace

Result<void*> compiler_symbol(const char* name) {
  static const Result<void*> library = open_library();
  if (!library) return std::unexpected(library.error());
  void* symbol = dlsym(*library, name);
  if (!symbol) return fail("libwjit-compiler.so is of another version: it has no symbol {}", name);
  return symbol;
}

Result<std::shared_ptr<Compiler>> load_compiler(CompileOptions options) {
  Result<void*> create = compiler_symbol("wjit_create_compiler");
  if (!create) return std::unexpected(create.error());
  std::string error;
  Compiler* compiler = reinterpret_cast<CreateCompiler>(*create)(&options, &error);
  if (!compiler) return fail("{}", error);
  return std::shared_ptr<Compiler>(compiler);
}

}  // namespace wjit

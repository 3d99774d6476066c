#include "ir/vmctx.h"

namespace wjit {

VmLayout::VmLayout(const Module& module) {
  uint32_t at = sizeof(VmContext);
  auto take = [&at](size_t count, size_t size) {
    uint32_t begin = at;
    at += static_cast<uint32_t>(count * size);
    return begin;
  };
  imported_functions = take(module.imported_functions, sizeof(ImportedFunction));
  memory_bases = take(module.memories.size(), 8);
  memories = take(module.memories.size(), 8);
  tables = take(module.tables.size(), 8);
  imported_globals = take(module.imported_globals, 8);
  tags = take(module.tags.size(), 8);
  at = (at + 15) & ~15u;
  globals = take(module.globals.size() - module.imported_globals, sizeof(GlobalCell));
  func_ref_index.assign(module.functions.size(), UINT32_MAX);
  uint32_t referenced = 0;
  for (size_t i = 0; i < module.functions.size(); ++i) {
    if (i < module.function_is_referenced.size() && module.function_is_referenced[i]) func_ref_index[i] = referenced++;
  }
  func_refs = take(referenced, sizeof(FuncRef));
  size = (at + 15) & ~15u;
}

}  // namespace wjit

// Memory for linked code: one mapping a link, laid out by protection, written while it is readable and writable and
// then switched: code to read and execute, constants and frame descriptions to read. Nothing is ever writable and
// executable. Called by JITLink (jit/orc_link.cpp). Any thread. Tests: test/unit/compiler_test.cpp.
#pragma once

#include <llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h>

namespace wjit {

class CodeMemoryManager : public llvm::jitlink::JITLinkMemoryManager {
 public:
  void allocate(const llvm::jitlink::JITLinkDylib* dylib, llvm::jitlink::LinkGraph& graph,
                OnAllocatedFunction on_allocated) override;
  // The address of a FinalizedAlloc is that of its CodeMapping; whoever released it calls unmap instead.
  void deallocate(std::vector<FinalizedAlloc> allocations, OnDeallocatedFunction on_deallocated) override;
};

// One finished mapping.
struct CodeMapping {
  void* base = nullptr;
  size_t size = 0;
};
// Unmaps and deletes.
void unmap(CodeMapping* mapping);

}  // namespace wjit

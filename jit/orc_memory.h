// Memory for linked code. A chunk of a memory file is mapped once to execute and to read; a link takes a piece of it
// and writes through a second, writable mapping of just those pages, which is gone before the code can run. So
// functions linked one by one lie densely in pages and cache sets, and no mapping is ever writable and executable.
//
//   chunk:   code, read and execute (kHalf) | constants and frame descriptions, read (kHalf)
//
// (One mapping a link with mprotect was tried first: every function then begins at a page's start, in the same sets of
// the instruction cache, and takes two pages and two kernel mappings.)
// Called by JITLink (jit/orc_link.cpp). Any thread. Tests: test/unit/compiler_test.cpp.
#pragma once

#include <llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h>

#include <memory>

namespace wjit {

struct CodeChunk;

// The pieces of one link. They are not used again; the chunk goes with the last of them.
struct CodePieces {
  std::shared_ptr<CodeChunk> chunk;
};

class CodeMemoryManager : public llvm::jitlink::JITLinkMemoryManager {
 public:
  void allocate(const llvm::jitlink::JITLinkDylib* dylib, llvm::jitlink::LinkGraph& graph,
                OnAllocatedFunction on_allocated) override;
  // The address of a FinalizedAlloc is that of a CodePieces. Who releases it deletes them instead of calling this.
  void deallocate(std::vector<FinalizedAlloc> allocations, OnDeallocatedFunction on_deallocated) override;

 private:
  std::mutex mutex_;
  std::shared_ptr<CodeChunk> current_;  // guarded by mutex_: new pieces come from here
};

}  // namespace wjit

// A link's mapping, in the order that puts code first:  code | constants, .eh_frame | data
// Interface: jit/orc_memory.h.
#include "jit/orc_memory.h"

#include <llvm/ExecutionEngine/JITLink/JITLink.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

namespace wjit {
namespace {

using llvm::jitlink::BasicLayout;
using llvm::orc::MemProt;

constexpr size_t kPage = 4096;

size_t round_up(size_t bytes) { return (bytes + kPage - 1) & ~(kPage - 1); }

bool has(MemProt protection, MemProt flag) {
  return (static_cast<unsigned>(protection) & static_cast<unsigned>(flag)) != 0;
}

int to_mmap(MemProt protection) {
  return (has(protection, MemProt::Read) ? PROT_READ : 0) | (has(protection, MemProt::Write) ? PROT_WRITE : 0) |
         (has(protection, MemProt::Exec) ? PROT_EXEC : 0);
}

llvm::Error system_error(const char* what) {
  return llvm::make_error<llvm::StringError>(std::string(what) + ": " + strerror(errno),
                                             llvm::inconvertibleErrorCode());
}

struct Part {
  char* begin;
  size_t size;
  int protection;
};

class InFlight : public llvm::jitlink::JITLinkMemoryManager::InFlightAlloc {
 public:
  InFlight(CodeMapping* mapping, std::vector<Part> parts) : mapping_(mapping), parts_(std::move(parts)) {}

  void finalize(OnFinalizedFunction on_finalized) override {
    for (const Part& part : parts_) {
      if (mprotect(part.begin, part.size, part.protection) != 0) {
        llvm::Error error = system_error("cannot protect compiled code");
        unmap(mapping_);
        return on_finalized(std::move(error));
      }
    }
    on_finalized(llvm::jitlink::JITLinkMemoryManager::FinalizedAlloc(llvm::orc::ExecutorAddr::fromPtr(mapping_)));
  }
  void abandon(OnAbandonedFunction on_abandoned) override {
    unmap(mapping_);
    on_abandoned(llvm::Error::success());
  }

 private:
  CodeMapping* mapping_;
  std::vector<Part> parts_;
};

}  // namespace

void CodeMemoryManager::allocate(const llvm::jitlink::JITLinkDylib*, llvm::jitlink::LinkGraph& graph,
                                 OnAllocatedFunction on_allocated) {
  BasicLayout layout(graph);
  size_t total = 0;
  for (auto& [group, segment] : layout.segments()) total += round_up(segment.ContentSize + segment.ZeroFillSize);
  if (total == 0) total = kPage;
  void* base = mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return on_allocated(system_error("cannot map memory for compiled code"));
  auto* mapping = new CodeMapping{base, total};
  std::vector<Part> parts;
  auto* at = static_cast<char*>(base);
  for (bool executable : {true, false}) {
    for (auto& [group, segment] : layout.segments()) {
      const MemProt protection = group.getMemProt();
      if (has(protection, MemProt::Exec) != executable) continue;
      segment.Addr = llvm::orc::ExecutorAddr::fromPtr(at);
      segment.WorkingMem = at;
      const size_t size = round_up(segment.ContentSize + segment.ZeroFillSize);
      if (size != 0) parts.push_back({at, size, to_mmap(protection)});
      at += size;
    }
  }
  if (llvm::Error error = layout.apply()) {
    unmap(mapping);
    return on_allocated(std::move(error));
  }
  on_allocated(std::make_unique<InFlight>(mapping, std::move(parts)));
}

void CodeMemoryManager::deallocate(std::vector<FinalizedAlloc> allocations, OnDeallocatedFunction on_deallocated) {
  for (FinalizedAlloc& allocation : allocations) unmap(allocation.release().toPtr<CodeMapping*>());
  on_deallocated(llvm::Error::success());
}

void unmap(CodeMapping* mapping) {
  munmap(mapping->base, mapping->size);
  delete mapping;
}

}  // namespace wjit

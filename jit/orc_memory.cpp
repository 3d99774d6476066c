// Interface: jit/orc_memory.h.
#include "jit/orc_memory.h"

#include <llvm/ExecutionEngine/JITLink/JITLink.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace wjit {

struct CodeChunk {
  int file = -1;
  size_t half = 0;          // bytes of each half
  uint8_t* base = nullptr;  // 2 * half bytes: code, then constants
  size_t code_used = 0, constants_used = 0;

  CodeChunk() = default;
  CodeChunk(const CodeChunk&) = delete;
  CodeChunk& operator=(const CodeChunk&) = delete;
  ~CodeChunk() {
    if (base) munmap(base, 2 * half);
    if (file >= 0) close(file);
  }
};

namespace {

using llvm::jitlink::BasicLayout;
using llvm::jitlink::JITLinkMemoryManager;
using llvm::orc::ExecutorAddr;
using llvm::orc::MemProt;

constexpr size_t kHalf = size_t{4} << 20;
constexpr size_t kPage = 4096;
constexpr size_t kCacheLine = 64;

size_t round_up(size_t bytes, size_t to) { return (bytes + to - 1) & ~(to - 1); }

bool has(MemProt protection, MemProt flag) {
  return (static_cast<unsigned>(protection) & static_cast<unsigned>(flag)) != 0;
}

llvm::Error error_of(std::string text) {
  return llvm::make_error<llvm::StringError>(std::move(text), llvm::inconvertibleErrorCode());
}
llvm::Error system_error(const char* what) { return error_of(std::string(what) + ": " + strerror(errno)); }

// The file is not grown page by page: it is sparse.
llvm::Expected<std::shared_ptr<CodeChunk>> make_chunk(size_t at_least) {
  auto chunk = std::make_shared<CodeChunk>();
  chunk->half = std::max(kHalf, round_up(at_least, kPage));
  chunk->file = memfd_create("wjit-code", MFD_CLOEXEC);
  if (chunk->file < 0 || ftruncate(chunk->file, static_cast<off_t>(2 * chunk->half)) != 0) {
    return system_error("cannot make a memory file for compiled code");
  }
  void* base = mmap(nullptr, 2 * chunk->half, PROT_READ, MAP_SHARED, chunk->file, 0);
  if (base == MAP_FAILED) return system_error("cannot map memory for compiled code");
  chunk->base = static_cast<uint8_t*>(base);
  if (mprotect(base, chunk->half, PROT_READ | PROT_EXEC) != 0) {
    return system_error("cannot make memory for compiled code executable");
  }
  return chunk;
}

// A part of a chunk, and its pages mapped for writing.
struct Piece {
  size_t offset = 0, size = 0;  // in the chunk
  uint8_t* writable = nullptr;  // of `offset`

  bool map(const CodeChunk& chunk) {
    const size_t first = offset / kPage * kPage;
    void* view =
        mmap(nullptr, offset + size - first, PROT_READ | PROT_WRITE, MAP_SHARED, chunk.file, static_cast<off_t>(first));
    if (view == MAP_FAILED) return false;
    writable = static_cast<uint8_t*>(view) + (offset - first);
    return true;
  }
  void unmap() {
    if (!writable) return;
    const size_t before = offset % kPage;
    munmap(writable - before, before + size);
    writable = nullptr;
  }
};

class InFlight : public JITLinkMemoryManager::InFlightAlloc {
 public:
  InFlight(std::unique_ptr<CodePieces> pieces, Piece code, Piece constants)
      : pieces_(std::move(pieces)), code_(code), constants_(constants) {}
  ~InFlight() override {
    code_.unmap();
    constants_.unmap();
  }

  void finalize(OnFinalizedFunction on_finalized) override {
    code_.unmap();
    constants_.unmap();
    on_finalized(JITLinkMemoryManager::FinalizedAlloc(ExecutorAddr::fromPtr(pieces_.release())));
  }
  void abandon(OnAbandonedFunction on_abandoned) override { on_abandoned(llvm::Error::success()); }

 private:
  std::unique_ptr<CodePieces> pieces_;
  Piece code_, constants_;
};

}  // namespace

void CodeMemoryManager::allocate(const llvm::jitlink::JITLinkDylib*, llvm::jitlink::LinkGraph& graph,
                                 OnAllocatedFunction on_allocated) {
  BasicLayout layout(graph);
  Piece code, constants;
  for (auto& [group, segment] : layout.segments()) {
    if (has(group.getMemProt(), MemProt::Write)) return on_allocated(error_of("compiled code has writable data"));
    Piece& piece = has(group.getMemProt(), MemProt::Exec) ? code : constants;
    piece.size += round_up(segment.ContentSize + segment.ZeroFillSize, kCacheLine);
  }
  auto pieces = std::make_unique<CodePieces>();
  {
    std::lock_guard lock(mutex_);
    if (!current_ || current_->half - current_->code_used < code.size ||
        current_->half - current_->constants_used < constants.size) {
      auto chunk = make_chunk(std::max(code.size, constants.size));
      if (!chunk) return on_allocated(chunk.takeError());
      current_ = std::move(*chunk);
    }
    pieces->chunk = current_;
    code.offset = current_->code_used;
    constants.offset = current_->half + current_->constants_used;
    current_->code_used += code.size;
    current_->constants_used += constants.size;
  }
  CodeChunk& chunk = *pieces->chunk;
  if ((code.size != 0 && !code.map(chunk)) || (constants.size != 0 && !constants.map(chunk))) {
    llvm::Error error = system_error("cannot map memory for compiled code");
    code.unmap();
    return on_allocated(std::move(error));
  }
  size_t code_at = 0, constants_at = 0;
  for (auto& [group, segment] : layout.segments()) {
    const bool executable = has(group.getMemProt(), MemProt::Exec);
    const Piece& piece = executable ? code : constants;
    size_t& at = executable ? code_at : constants_at;
    segment.Addr = ExecutorAddr::fromPtr(chunk.base + piece.offset + at);
    segment.WorkingMem = reinterpret_cast<char*>(piece.writable + at);
    at += round_up(segment.ContentSize + segment.ZeroFillSize, kCacheLine);
  }
  auto in_flight = std::make_unique<InFlight>(std::move(pieces), code, constants);
  if (llvm::Error error = layout.apply()) return on_allocated(std::move(error));
  on_allocated(std::move(in_flight));
}

void CodeMemoryManager::deallocate(std::vector<FinalizedAlloc> allocations, OnDeallocatedFunction on_deallocated) {
  for (FinalizedAlloc& allocation : allocations) delete allocation.release().toPtr<CodePieces*>();
  on_deallocated(llvm::Error::success());
}

}  // namespace wjit

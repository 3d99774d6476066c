// Interface: jit/orc_link.h. Temporal order of a link: link_object makes the graph; JITLink calls LinkContext's
// modifyPassConfig, lookup, notifyResolved (addresses are final), the post-fixup pass (line tables are final) and
// notifyFinalized (code is executable); link_object registers all of it.
#include "jit/orc_link.h"

#include <llvm/ExecutionEngine/JITLink/EHFrameSupport.h>
#include <llvm/ExecutionEngine/JITLink/JITLink.h>
#include <llvm/IR/Module.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>

#include "base/check.h"
#include "ir/pipeline.h"
#include "jit/builtins.h"
#include "jit/orc_leaf.h"
#include "jit/orc_lines.h"
#include "jit/orc_memory.h"
#include "jit/unwind.h"

namespace wjit {
namespace {

namespace jitlink = llvm::jitlink;
namespace orc = llvm::orc;

// Leaf functions that LLVM may call by itself. They run on the guest's segment, within its slack; a fault in one of
// them counts as the guest's (jit/trap.cpp).
const AbsoluteSymbols& common_symbols() {
  static const AbsoluteSymbols* symbols = [] {
    auto* result = new AbsoluteSymbols;
    auto add = [result](const char* name, auto* address) { (*result)[name] = reinterpret_cast<void*>(address); };
#define BUILTIN(name, params, result) add("wjit." #name, &wjit_stub_##name);
#include "jit/builtins.def"
#undef BUILTIN
    add("wjit.throw", &wjit_stub_throw);
    add("wjit.personality", &wjit_stub_throw);  // only has to have an address
    add("__morestack", &__morestack);
    add("memcpy", leaf::copy);
    add("memmove", leaf::move);
    add("memset", leaf::fill);
    add("memcmp", leaf::compare);
    add("bcmp", leaf::compare);
    add("ceil", static_cast<double (*)(double)>(&ceil));
    add("ceilf", static_cast<float (*)(float)>(&ceilf));
    add("floor", static_cast<double (*)(double)>(&floor));
    add("floorf", static_cast<float (*)(float)>(&floorf));
    add("trunc", static_cast<double (*)(double)>(&trunc));
    add("truncf", static_cast<float (*)(float)>(&truncf));
    add("rint", static_cast<double (*)(double)>(&rint));
    add("rintf", static_cast<float (*)(float)>(&rintf));
    add("nearbyint", static_cast<double (*)(double)>(&nearbyint));
    add("nearbyintf", static_cast<float (*)(float)>(&nearbyintf));
    add("roundeven", static_cast<double (*)(double)>(&rint));
    add("roundevenf", static_cast<float (*)(float)>(&rintf));
    return result;
  }();
  return *symbols;
}

CodeMemoryManager& memory_manager() {
  static auto* manager = new CodeMemoryManager;
  return *manager;
}

std::shared_ptr<orc::SymbolStringPool> string_pool() {
  static auto* pool = new std::shared_ptr<orc::SymbolStringPool>(std::make_shared<orc::SymbolStringPool>());
  return *pool;
}

// The line table of one linked object, shared by its functions' CodeRanges: its rows are read once.
class ObjectLines {
 public:
  explicit ObjectLines(std::vector<uint8_t> section) : section_(std::move(section)) {}

  CodeRange::Lines of(uint64_t begin, uint64_t end) {
    std::call_once(once_, [this] {
      rows_ = read_line_rows(section_);
      std::vector<uint8_t>().swap(section_);
    });
    CodeRange::Lines lines;
    auto row = std::ranges::lower_bound(rows_, begin, {}, &std::pair<uint64_t, uint32_t>::first);
    for (; row != rows_.end() && row->first < end; ++row) {
      lines.emplace_back(static_cast<uint32_t>(row->first - begin), row->second);
    }
    return lines;
  }

 private:
  std::once_flag once_;
  std::vector<uint8_t> section_;
  std::vector<std::pair<uint64_t, uint32_t>> rows_;
};

struct LinkState {
  struct Defined {
    std::string symbol;
    uint64_t begin, end;
  };
  const AbsoluteSymbols* symbols = nullptr;
  std::vector<Defined> functions;
  uint64_t eh_frame = 0;
  size_t eh_frame_size = 0;
  std::vector<uint8_t> debug_line;
  std::unique_ptr<CodePieces> pieces;
  std::string error;
};

class LinkContext : public jitlink::JITLinkContext {
 public:
  explicit LinkContext(LinkState& state) : JITLinkContext(nullptr), state_(state) {}

  jitlink::JITLinkMemoryManager& getMemoryManager() override { return memory_manager(); }
  void notifyFailed(llvm::Error error) override { state_.error = llvm::toString(std::move(error)); }

  llvm::Error modifyPassConfig(jitlink::LinkGraph&, jitlink::PassConfiguration& passes) override {
    passes.PrePrunePasses.push_back([](jitlink::LinkGraph& graph) {
      // Nothing refers to the line table; without a live symbol it would be pruned.
      if (jitlink::Section* lines = graph.findSectionByName(".debug_line")) {
        for (jitlink::Block* block : lines->blocks()) {
          graph.addAnonymousSymbol(*block, 0, block->getSize(), /*IsCallable=*/false, /*IsLive=*/true);
        }
      }
      // The pointer to the personality lies in a writable section; once linked nobody writes it.
      for (jitlink::Section& section : graph.sections()) {
        if (section.getName().contains(".DW.ref.")) section.setMemProt(orc::MemProt::Read);
      }
      return llvm::Error::success();
    });
    passes.PostFixupPasses.push_back([this](jitlink::LinkGraph& graph) {
      if (jitlink::Section* lines = graph.findSectionByName(".debug_line")) {
        for (jitlink::Block* block : lines->blocks()) {
          const auto* content = reinterpret_cast<const uint8_t*>(block->getContent().data());
          state_.debug_line.insert(state_.debug_line.end(), content, content + block->getSize());
        }
      }
      return llvm::Error::success();
    });
    return llvm::Error::success();
  }

  void lookup(const LookupMap& names, std::unique_ptr<jitlink::JITLinkAsyncLookupContinuation> done) override {
    jitlink::AsyncLookupResult result;
    for (const auto& [name, flags] : names) {
      auto found = state_.symbols->find(*name);
      if (found == state_.symbols->end()) {
        found = common_symbols().find(*name);
        if (found == common_symbols().end()) {
          return done->run(llvm::make_error<llvm::StringError>(
              "undefined symbol " + (*name).str() + " in compiled code", llvm::inconvertibleErrorCode()));
        }
      }
      result[name] = {orc::ExecutorAddr::fromPtr(found->second), llvm::JITSymbolFlags::Exported};
    }
    done->run(std::move(result));
  }

  llvm::Error notifyResolved(jitlink::LinkGraph& graph) override {
    for (const jitlink::Symbol* symbol : graph.defined_symbols()) {
      if (!symbol->isCallable() || symbol->getSize() == 0 || !symbol->hasName()) continue;
      const uint64_t begin = symbol->getAddress().getValue();
      state_.functions.push_back({(*symbol->getName()).str(), begin, begin + symbol->getSize()});
    }
    if (const jitlink::Section* frames = jitlink::getEHFrameSection(graph)) {
      const jitlink::SectionRange range(*frames);
      state_.eh_frame = range.getStart().getValue();
      state_.eh_frame_size = range.getSize();
    }
    return llvm::Error::success();
  }

  void notifyFinalized(jitlink::JITLinkMemoryManager::FinalizedAlloc allocation) override {
    state_.pieces.reset(allocation.release().toPtr<CodePieces*>());
  }

 private:
  LinkState& state_;
};

// What LinkedCode::memory points to.
struct LinkedMemory {
  std::unique_ptr<CodePieces> pieces;
  std::vector<uint64_t> ranges;
  const uint8_t* eh_frame = nullptr;

  ~LinkedMemory() {
    for (uint64_t begin : ranges) code_map::remove(begin);
    if (eh_frame) deregister_frames(eh_frame);
  }
};

}  // namespace

Result<LinkedCode> link_object(std::unique_ptr<llvm::MemoryBuffer> object, std::span<const LinkFunction> functions,
                               const AbsoluteSymbols& symbols) {
  auto graph = jitlink::createLinkGraphFromObject(object->getMemBufferRef(), string_pool());
  if (!graph) return fail("cannot link compiled code: {}", llvm::toString(graph.takeError()));
  LinkState state;
  state.symbols = &symbols;
  jitlink::link(std::move(*graph), std::make_unique<LinkContext>(state));
  if (!state.pieces) return fail("cannot link compiled code: {}", state.error);

  auto memory = std::make_shared<LinkedMemory>();
  memory->pieces = std::move(state.pieces);
  if (state.eh_frame_size != 0) {
    memory->eh_frame = reinterpret_cast<const uint8_t*>(state.eh_frame);
    register_frames(memory->eh_frame, state.eh_frame_size);
  }
  LinkedCode code;
  code.addresses.resize(functions.size());
  llvm::StringMap<size_t> wanted;
  for (size_t i = 0; i < functions.size(); ++i) wanted[functions[i].symbol] = i;
  auto lines = std::make_shared<ObjectLines>(std::move(state.debug_line));
  for (const LinkState::Defined& defined : state.functions) {
    CodeRange range;
    range.begin = defined.begin;
    range.end = defined.end;
    if (auto it = wanted.find(defined.symbol); it != wanted.end()) {
      const LinkFunction& function = functions[it->second];
      code.addresses[it->second] = reinterpret_cast<void*>(defined.begin);
      range.module = function.module;
      range.function = function.function;
      range.name = function.name;
    } else {
      range.name = defined.symbol;
    }
    range.load_lines = [lines, begin = range.begin, end = range.end] { return lines->of(begin, end); };
    code_map::add(std::move(range));
    memory->ranges.push_back(defined.begin);
  }
  code.memory = std::move(memory);
  for (size_t i = 0; i < functions.size(); ++i) {
    if (!code.addresses[i]) return fail("compiled code does not define {}", functions[i].symbol);
  }
  return code;
}

Result<LinkedCode> compile_and_link(llvm::Module& module, CodeGenerator& generator,
                                    std::span<const LinkFunction> functions, const AbsoluteSymbols& symbols) {
  ir::optimize(module, generator.level(), &generator.target());
  Result<std::unique_ptr<llvm::MemoryBuffer>> object = generator.object(module);
  if (!object) return std::unexpected(object.error());
  return link_object(std::move(*object), functions, symbols);
}

}  // namespace wjit

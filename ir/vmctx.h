// The one header that emitted code and C++ share: the records behind the first argument of every emitted function, and the
// layout of a core instance's vmctx, which depends on its module. The emitter turns offsets from here into loads; the
// run time (jit/instance.cpp) fills the records. No LLVM here.
//
//   vmctx of a core instance:
//     VmContext                      header
//     ImportedFunction[imported functions]
//     uint8_t* [memories]            base addresses: they never move while the instance lives
//     MemoryInstance* [memories]
//     TableInstance* [tables]
//     GlobalCell* [imported globals]
//     TagInstance* [tags]
//     GlobalCell[defined globals]    16 bytes each, aligned
//     FuncRef[referenced functions]  in the order of function indices
//
// Tests: test/unit/vmctx_test.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/guest_context.h"
#include "frontend/module.h"

namespace wjit {

class CoreInstance;

// One per store. Arguments and results that do not fit into registers pass through argument_area: the caller writes them
// right before the call, the callee reads them right at its entry (and the other way round for results), nothing of the
// same store runs in between. 16-byte slots.
struct StoreContext : GuestContext {
  static constexpr size_t kArgumentSlots = 1024;
  void* store = nullptr;         // abi::Store, for host functions
  struct Trap* trap = nullptr;   // owned; the store's trap once there is one (jit/trap.h)
  void* current = nullptr;       // abi::Thread that runs; null in plain host code. Adapters read and write it
  uint64_t result = 0;           // flat result of a call that an adapter began and the run time ended
  uint64_t reserved = 0;
  alignas(16) uint8_t argument_area[kArgumentSlots][16] = {};
  std::unique_ptr<class ExceptionHeap, void (*)(ExceptionHeap*)> exceptions{nullptr, nullptr};  // made by the first throw
};

namespace store_context_offset {
constexpr size_t current = sizeof(GuestContext) + 2 * sizeof(void*), result = current + 8;
constexpr size_t argument_area = (sizeof(GuestContext) + 5 * sizeof(void*) + 15) / 16 * 16;
}
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winvalid-offsetof"  // a base class with members: fine with every compiler we use
static_assert(offsetof(StoreContext, argument_area) == store_context_offset::argument_area);
static_assert(offsetof(StoreContext, current) == store_context_offset::current);
static_assert(offsetof(StoreContext, result) == store_context_offset::result);
#pragma clang diagnostic pop

// What call_indirect, call_ref and imports call. A `funcref` value is a FuncRef*, null for ref.null.
struct FuncRef {
  void* code = nullptr;       // guest entry: RegisterArgs convention, first argument `vmctx`
  void* vmctx = nullptr;      // first word: StoreContext*
  uint32_t type_id = 0;       // canonical function type (frontend/type_registry.h)
  uint32_t function = 0;      // function index where vmctx is a VmContext
};

struct ImportedFunction {
  void* code = nullptr;
  void* vmctx = nullptr;
};

struct MemoryInstance {
  uint8_t* base = nullptr;
  uint64_t byte_length = 0;      // current size
  uint64_t max_bytes = 0;        // growth limit in bytes
  uint64_t reserved_bytes = 0;   // address space from base, guard included
  uint8_t page_size_log2 = 16;
  bool is_64 = false;
  bool shared = false;
  std::optional<uint64_t> max_pages;  // declared maximum, for import matching
};

struct TableInstance {
  void** elements = nullptr;     // FuncRef* or opaque references
  uint64_t length = 0;
  uint64_t max = 0;
  TableType type;                // heap type: canonical number where concrete
};

struct alignas(16) GlobalCell {
  uint8_t bytes[16] = {};        // i32, i64, f32, f64 in the low bytes; references as pointers
};

struct TagInstance {
  uint32_t type_id = 0;
};

// A thrown exception (jit/exception.h owns them); behind it its tag's parameters, in 16-byte slots as StoreContext's argument
// area has them.
struct alignas(16) Exception {
  const TagInstance* tag = nullptr;
  uint64_t reference = 0;        // its exnref once there is one, else 0
  uint64_t slots = 0;
  uint64_t reserved = 0;

  uint8_t* payload() { return reinterpret_cast<uint8_t*>(this + 1); }
};
static_assert(sizeof(Exception) == 32);

struct VmContext {
  StoreContext* store = nullptr;
  CoreInstance* instance = nullptr;
  void** code = nullptr;         // entry pointers of the defined functions: code[index - imported_functions]
  uint64_t reserved = 0;
};

namespace vmctx_offset {
constexpr size_t store = 0, instance = 8, code = 16;
}
static_assert(offsetof(VmContext, store) == vmctx_offset::store);
static_assert(offsetof(VmContext, code) == vmctx_offset::code);

// Byte offsets of one module's vmctx. Deterministic: emitter and run time compute it alike.
struct VmLayout {
  explicit VmLayout(const Module& module);

  uint32_t imported_functions;   // ImportedFunction[]
  uint32_t memory_bases;         // uint8_t*[]
  uint32_t memories;             // MemoryInstance*[]
  uint32_t tables;               // TableInstance*[]
  uint32_t imported_globals;     // GlobalCell*[]
  uint32_t tags;                 // TagInstance*[]
  uint32_t globals;              // GlobalCell[]
  uint32_t func_refs;            // FuncRef[]
  uint32_t size;
  std::vector<uint32_t> func_ref_index;  // by function index; UINT32_MAX where the function is not referenced

  uint32_t imported_function(uint32_t i) const { return imported_functions + i * uint32_t{sizeof(ImportedFunction)}; }
  uint32_t memory_base(uint32_t i) const { return memory_bases + i * 8; }
  uint32_t memory(uint32_t i) const { return memories + i * 8; }
  uint32_t table(uint32_t i) const { return tables + i * 8; }
  uint32_t imported_global(uint32_t i) const { return imported_globals + i * 8; }
  uint32_t tag(uint32_t i) const { return tags + i * 8; }
  uint32_t global(uint32_t defined) const { return globals + defined * uint32_t{sizeof(GlobalCell)}; }
  uint32_t func_ref(uint32_t function) const {
    return func_refs + func_ref_index[function] * uint32_t{sizeof(FuncRef)};
  }
};

}  // namespace wjit

// Core instances: a module's vmctx filled, with its memories, tables and globals, imports matched by type.
// Instantiation has three steps so that guest code runs where the caller wants it: link (types checked, everything
// allocated), initialize (active segments copied; may trap), and the start function, which the caller runs on a fiber.
// Core specification 3.0, "Instantiation". Tests: test/unit/instance_test.cpp, public core suite.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "ir/vmctx.h"
#include "jit/code.h"
#include "jit/trap.h"

namespace wjit {

// A core definition that can be imported and exported. Pointers are owned by the instance that defines them (kept alive
// by `owner`).
struct Extern {
  ExternKind kind = ExternKind::Func;
  FuncRef* func = nullptr;
  TableInstance* table = nullptr;
  MemoryInstance* memory = nullptr;
  GlobalCell* global = nullptr;
  GlobalType global_type;  // heap types: canonical numbers where concrete
  TagInstance* tag = nullptr;
  std::shared_ptr<void> owner;
};

class CoreInstance : public std::enable_shared_from_this<CoreInstance> {
 public:
  // Checks `imports` (one for each import of the module, in order) against the module and allocates. An import that
  // could not be resolved is an Extern without a definition. The error says which import does not fit and why
  // ("incompatible import type", "unknown import"). An instance must live as long as its store: tables and globals of
  // other instances may refer to its functions, even when its own initialization trapped.
  static Result<std::shared_ptr<CoreInstance>> link(StoreContext* store, std::shared_ptr<ModuleCode> code,
                                                    std::vector<Extern> imports);
  ~CoreInstance();
  CoreInstance(const CoreInstance&) = delete;
  CoreInstance& operator=(const CoreInstance&) = delete;

  // Copies active element and data segments, in order. On an out-of-bounds segment: the trap, and what was copied
  // stays.
  std::expected<void, Trap> initialize();
  // The start function, if any.
  FuncRef* start_function();
  // What the module's code calls for its imported functions, in their order; may be changed while no code of it runs.
  std::span<ImportedFunction> imported_functions();

  // Exports. find_export: null-kind error as nullopt.
  std::optional<Extern> find_export(std::string_view name);
  std::vector<std::pair<std::string, Extern>> exports();
  // FuncRef of any referenced or exported function; stable address.
  FuncRef* func_ref(uint32_t function);

  const Module& module() const { return code_->module(); }
  ModuleCode& code() { return *code_; }
  VmContext* vmctx() { return vmctx_; }
  const VmLayout& layout() const { return layout_; }
  StoreContext* store() { return vmctx_->store; }
  TableInstance* table(uint32_t index);
  MemoryInstance* memory(uint32_t index);
  GlobalCell* global(uint32_t index);
  const TagInstance* tag(uint32_t index);

  // Bulk operations for the built-ins; false = out of bounds.
  bool memory_init(uint32_t memory, uint32_t segment, uint64_t destination, uint64_t source, uint64_t count);
  bool table_init(uint32_t table, uint32_t segment, uint64_t destination, uint64_t source, uint64_t count);
  void data_drop(uint32_t segment) { data_dropped_[segment] = true; }
  void elem_drop(uint32_t segment);

 private:
  explicit CoreInstance(std::shared_ptr<ModuleCode> code);
  void fill_imports();
  Result<> allocate();
  std::shared_ptr<ModuleCode> code_;
  VmLayout layout_;
  VmContext* vmctx_ = nullptr;
  std::vector<Extern> imports_;  // keeps their owners alive
  std::vector<std::unique_ptr<MemoryInstance>> memories_;
  std::vector<std::unique_ptr<TableInstance>> tables_;
  std::vector<std::unique_ptr<TagInstance>> tags_;
  std::vector<bool> data_dropped_, elem_dropped_;
  std::vector<std::vector<void*>> elem_values_;  // of segments with expressions; empty for those of functions
  std::map<std::string_view, uint32_t> export_numbers_;
  FuncRef start_ref_;  // a start function need not have a FuncRef of its own
};

// Linear memory: address space is reserved once (4 GiB and the largest static offset for i32 addresses, so that no
// bounds check is needed), pages become accessible as the memory grows. jit/memory.cpp.
Result<std::unique_ptr<MemoryInstance>> make_memory(const MemoryType& type);
void free_memory(MemoryInstance& memory);
// Old size in pages, or -1 when the limit, the reservation or the system refuses.
int64_t grow_memory(MemoryInstance& memory, uint64_t delta_pages);

// Tables. jit/table.cpp. False = out of bounds; grow: old size, or -1.
Result<std::unique_ptr<TableInstance>> make_table(const TableType& type);
void free_table(TableInstance& table);
int64_t grow_table(TableInstance& table, void* initial, uint64_t delta);
bool fill_table(TableInstance& table, uint64_t destination, void* value, uint64_t count);
bool copy_table(TableInstance& to, TableInstance& from, uint64_t destination, uint64_t source, uint64_t count);

// Registers for a guest call: arguments as 64-bit patterns (v128: two consecutive words). jit/call.cpp. Area slots are
// written to store->argument_area at once, so the call must follow directly.
void place_arguments(StoreContext* store, const FuncType& type, std::span<const uint64_t> args, void* vmctx,
                     RegisterArgs& registers);
std::vector<uint64_t> collect_results(StoreContext* store, const FuncType& type, const RegisterResults& registers);

}  // namespace wjit

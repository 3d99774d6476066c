// Core instances. Temporal order: link (fill_imports, allocate), initialize, start_function; then lookups and the bulk
// operations. Core specification 3.0, "Instantiation"; the matching of imports is jit/import_match.cpp. Interface:
// jit/instance.h.
#include "jit/instance.h"

#include <cstdlib>
#include <cstring>

#include "base/check.h"
#include "frontend/type_registry.h"
#include "jit/const_expr.h"
#include "jit/import_match.h"

namespace wjit {
namespace {

template <typename T>
T& at(VmContext* vmctx, uint32_t offset) {
  return *reinterpret_cast<T*>(reinterpret_cast<uint8_t*>(vmctx) + offset);
}

void* reference(const GlobalCell& cell) {
  void* pointer;
  memcpy(&pointer, cell.bytes, sizeof pointer);
  return pointer;
}

uint64_t address(const GlobalCell& cell, bool is_64) {
  uint64_t value;
  memcpy(&value, cell.bytes, sizeof value);
  return is_64 ? value : static_cast<uint32_t>(value);
}

bool in_bounds(uint64_t begin, uint64_t count, uint64_t size) { return begin <= size && count <= size - begin; }

}  // namespace

CoreInstance::CoreInstance(std::shared_ptr<ModuleCode> code) : code_(std::move(code)), layout_(code_->module()) {}

CoreInstance::~CoreInstance() {
  for (auto& memory : memories_) free_memory(*memory);
  for (auto& table : tables_) free_table(*table);
  free(vmctx_);
}

Result<std::shared_ptr<CoreInstance>> CoreInstance::link(StoreContext* store, std::shared_ptr<ModuleCode> code,
                                                         std::vector<Extern> imports) {
  const Module& module = code->module();
  for (size_t i = 0; i < module.imports.size(); ++i) {
    if (Result<> fits = match_import(module, module.imports[i], i < imports.size() ? imports[i] : Extern{}); !fits) {
      return std::unexpected(fits.error());
    }
  }
  std::shared_ptr<CoreInstance> instance(new CoreInstance(std::move(code)));
  instance->vmctx_ = static_cast<VmContext*>(aligned_alloc(16, instance->layout_.size));
  if (!instance->vmctx_) return fail("cannot allocate an instance of {} bytes", instance->layout_.size);
  memset(static_cast<void*>(instance->vmctx_), 0, instance->layout_.size);
  *instance->vmctx_ = {.store = store, .instance = instance.get(), .code = instance->code_->entries(), .reserved = 0};
  instance->imports_ = std::move(imports);
  instance->fill_imports();
  if (Result<> done = instance->allocate(); !done) return std::unexpected(done.error());
  return instance;
}

void CoreInstance::fill_imports() {
  const Module& module = code_->module();
  for (size_t i = 0; i < module.imports.size(); ++i) {
    const Import& import = module.imports[i];
    const Extern& from = imports_[i];
    switch (import.kind) {
      case ExternKind::Func:
        at<ImportedFunction>(vmctx_, layout_.imported_function(import.index)) = {from.func->code, from.func->vmctx};
        if (layout_.func_ref_index[import.index] != UINT32_MAX)
          at<FuncRef>(vmctx_, layout_.func_ref(import.index)) = *from.func;
        break;
      case ExternKind::Table: at<TableInstance*>(vmctx_, layout_.table(import.index)) = from.table; break;
      case ExternKind::Memory:
        at<MemoryInstance*>(vmctx_, layout_.memory(import.index)) = from.memory;
        at<uint8_t*>(vmctx_, layout_.memory_base(import.index)) = from.memory->base;
        break;
      case ExternKind::Global: at<GlobalCell*>(vmctx_, layout_.imported_global(import.index)) = from.global; break;
      case ExternKind::Tag: at<TagInstance*>(vmctx_, layout_.tag(import.index)) = from.tag; break;
    }
  }
}

Result<> CoreInstance::allocate() {
  const Module& module = code_->module();
  for (uint32_t i = module.imported_functions; i < module.functions.size(); ++i) {
    if (layout_.func_ref_index[i] == UINT32_MAX) continue;
    const uint32_t defined = i - module.imported_functions;
    at<FuncRef>(vmctx_, layout_.func_ref(i)) = {
        .code = code_->is_compiled(defined) ? code_->entry(defined) : code_->lazy_stub(defined),
        .vmctx = vmctx_,
        .type_id = module.types[module.functions[i].type].canonical_id,
        .function = i};
  }
  for (uint32_t i = module.imported_memories; i < module.memories.size(); ++i) {
    auto memory = make_memory(module.memories[i].type);
    if (!memory) return std::unexpected(memory.error());
    at<MemoryInstance*>(vmctx_, layout_.memory(i)) = memory->get();
    at<uint8_t*>(vmctx_, layout_.memory_base(i)) = (*memory)->base;
    memories_.push_back(std::move(*memory));
  }
  for (uint32_t i = module.imported_tags; i < module.tags.size(); ++i) {
    const uint32_t type_id = module.types[module.tags[i].type].canonical_id;
    tags_.push_back(std::make_unique<TagInstance>(TagInstance{type_id}));
    at<TagInstance*>(vmctx_, layout_.tag(i)) = tags_.back().get();
  }
  for (uint32_t i = module.imported_globals; i < module.globals.size(); ++i) {
    Result<GlobalCell> value = evaluate(*this, module.globals[i].init);
    if (!value) return std::unexpected(value.error());
    *global(i) = *value;
  }
  for (uint32_t i = module.imported_tables; i < module.tables.size(); ++i) {
    TableType type = module.tables[i].type;
    type.element = canonical(module.types, type.element);
    auto table = make_table(type);
    if (!table) return std::unexpected(table.error());
    tables_.push_back(std::move(*table));
    at<TableInstance*>(vmctx_, layout_.table(i)) = tables_.back().get();
    if (module.tables[i].init) {
      Result<GlobalCell> value = evaluate(*this, *module.tables[i].init);
      if (!value) return std::unexpected(value.error());
      fill_table(*tables_.back(), 0, reference(*value), type.limits.min);
    }
  }
  data_dropped_.resize(module.datas.size());
  elem_dropped_.resize(module.elems.size());
  elem_values_.resize(module.elems.size());
  for (size_t i = 0; i < module.elems.size(); ++i) {
    elem_values_[i].reserve(module.elems[i].exprs.size());
    for (ConstExpr expr : module.elems[i].exprs) {
      Result<GlobalCell> value = evaluate(*this, expr);
      if (!value) return std::unexpected(value.error());
      elem_values_[i].push_back(reference(*value));
    }
  }
  for (uint32_t i = 0; i < module.exports.size(); ++i) export_numbers_.emplace(module.exports[i].name, i);
  return {};
}

std::expected<void, Trap> CoreInstance::initialize() {
  auto trap = [](TrapCode code, std::string detail = {}) {
    Trap result;
    result.code = code;
    result.detail = std::move(detail);
    return std::unexpected(std::move(result));
  };
  for (uint32_t i = 0; i < module().elems.size(); ++i) {
    const ElemSegment& segment = module().elems[i];
    if (segment.mode == SegmentMode::Passive) continue;
    if (segment.mode == SegmentMode::Active) {
      Result<GlobalCell> offset = evaluate(*this, segment.offset);
      if (!offset) return trap(TrapCode::NotSupported, offset.error().message);
      const uint64_t destination = address(*offset, table(segment.table)->type.limits.is_64);
      if (!table_init(segment.table, i, destination, 0, segment.size())) return trap(TrapCode::TableOutOfBounds);
    }
    elem_drop(i);
  }
  for (uint32_t i = 0; i < module().datas.size(); ++i) {
    const DataSegment& segment = module().datas[i];
    if (segment.mode != SegmentMode::Active) continue;
    Result<GlobalCell> offset = evaluate(*this, segment.offset);
    if (!offset) return trap(TrapCode::NotSupported, offset.error().message);
    const uint64_t destination = address(*offset, memory(segment.memory)->is_64);
    if (!memory_init(segment.memory, i, destination, 0, segment.bytes.end - segment.bytes.begin)) {
      return trap(TrapCode::MemoryOutOfBounds);
    }
    data_drop(i);
  }
  return {};
}

std::span<ImportedFunction> CoreInstance::imported_functions() {
  return {&at<ImportedFunction>(vmctx_, layout_.imported_function(0)), module().imported_functions};
}

FuncRef* CoreInstance::start_function() {
  const Module& m = module();
  if (!m.start) return nullptr;
  const uint32_t function = *m.start;
  if (layout_.func_ref_index[function] != UINT32_MAX) return func_ref(function);
  start_ref_ = {.code = nullptr,
                .vmctx = vmctx_,
                .type_id = m.types[m.functions[function].type].canonical_id,
                .function = function};
  if (function < m.imported_functions) {
    const auto& imported = at<ImportedFunction>(vmctx_, layout_.imported_function(function));
    start_ref_.code = imported.code;
    start_ref_.vmctx = imported.vmctx;
  } else {
    start_ref_.code = code_->lazy_stub(function - m.imported_functions);
  }
  return &start_ref_;
}

std::optional<Extern> CoreInstance::find_export(std::string_view name) {
  auto it = export_numbers_.find(name);
  if (it == export_numbers_.end()) return std::nullopt;
  const Export& exported = module().exports[it->second];
  Extern result;
  result.kind = exported.kind;
  result.owner = shared_from_this();
  switch (exported.kind) {
    case ExternKind::Func: result.func = func_ref(exported.index); break;
    case ExternKind::Table: result.table = table(exported.index); break;
    case ExternKind::Memory: result.memory = memory(exported.index); break;
    case ExternKind::Global:
      result.global = global(exported.index);
      result.global_type = module().globals[exported.index].type;
      result.global_type.type = canonical(module().types, result.global_type.type);
      break;
    case ExternKind::Tag: result.tag = at<TagInstance*>(vmctx_, layout_.tag(exported.index)); break;
  }
  return result;
}

std::vector<std::pair<std::string, Extern>> CoreInstance::exports() {
  std::vector<std::pair<std::string, Extern>> result;
  for (const Export& exported : module().exports) result.emplace_back(exported.name, *find_export(exported.name));
  return result;
}

FuncRef* CoreInstance::func_ref(uint32_t function) {
  CHECK(function < layout_.func_ref_index.size() && layout_.func_ref_index[function] != UINT32_MAX);
  return &at<FuncRef>(vmctx_, layout_.func_ref(function));
}

TableInstance* CoreInstance::table(uint32_t index) { return at<TableInstance*>(vmctx_, layout_.table(index)); }

MemoryInstance* CoreInstance::memory(uint32_t index) { return at<MemoryInstance*>(vmctx_, layout_.memory(index)); }

const TagInstance* CoreInstance::tag(uint32_t index) { return at<TagInstance*>(vmctx_, layout_.tag(index)); }

GlobalCell* CoreInstance::global(uint32_t index) {
  const uint32_t imported = module().imported_globals;
  if (index < imported) return at<GlobalCell*>(vmctx_, layout_.imported_global(index));
  return &at<GlobalCell>(vmctx_, layout_.global(index - imported));
}

bool CoreInstance::memory_init(uint32_t index, uint32_t segment, uint64_t destination, uint64_t source,
                               uint64_t count) {
  const DataSegment& data = module().datas[segment];
  const uint64_t size = data_dropped_[segment] ? 0 : data.bytes.end - data.bytes.begin;
  MemoryInstance& to = *memory(index);
  if (!in_bounds(source, count, size) || !in_bounds(destination, count, to.byte_length)) return false;
  if (count != 0) memcpy(to.base + destination, module().bytes->data() + data.bytes.begin + source, count);
  return true;
}

bool CoreInstance::table_init(uint32_t index, uint32_t segment, uint64_t destination, uint64_t source, uint64_t count) {
  const ElemSegment& elems = module().elems[segment];
  const uint64_t size = elem_dropped_[segment] ? 0 : elems.size();
  TableInstance& to = *table(index);
  if (!in_bounds(source, count, size) || !in_bounds(destination, count, to.length)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    to.elements[destination + i] =
        elems.uses_exprs ? elem_values_[segment][source + i] : func_ref(elems.functions[source + i]);
  }
  return true;
}

void CoreInstance::elem_drop(uint32_t segment) {
  elem_dropped_[segment] = true;
  std::vector<void*>().swap(elem_values_[segment]);
}

}  // namespace wjit

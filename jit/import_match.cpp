// Types of different modules are compared by canonical numbers (frontend/type_registry.h). Memories and tables match by
// their current size, not by the size that their type was declared with. Interface: jit/import_match.h.
#include "jit/import_match.h"

#include "frontend/type_registry.h"

namespace wjit {
namespace {

bool has_definition(const Extern& given) {
  switch (given.kind) {
    case ExternKind::Func: return given.func;
    case ExternKind::Table: return given.table;
    case ExternKind::Memory: return given.memory;
    case ExternKind::Global: return given.global;
    case ExternKind::Tag: return given.tag;
  }
  return false;
}

std::string list(const std::vector<ValType>& types) {
  std::string text;
  for (ValType type : types) text += (text.empty() ? "" : " ") + to_string(type);
  return text;
}

std::string to_string(const FuncType& type) {
  return fmt::format("[{}] -> [{}]", list(type.params), list(type.results));
}

std::string to_string(const GlobalType& type) {
  return fmt::format("{}{}", type.is_mutable ? "mutable " : "", to_string(type.type));
}

std::string to_string(uint64_t size, std::optional<uint64_t> max, bool is_64) {
  return fmt::format("{}{} and {}", is_64 ? "i64 " : "", size, max ? fmt::format("at most {}", *max) : "no maximum");
}

bool limits_match(uint64_t size, std::optional<uint64_t> max, bool is_64, const Limits& wanted) {
  if (is_64 != wanted.is_64 || size < wanted.min) return false;
  return !wanted.max || (max && *max <= *wanted.max);
}

// "" when it matches, else "is …, the module wants …".
std::string mismatch(const Module& module, const Import& import, const Extern& given) {
  switch (import.kind) {
    case ExternKind::Func: {
      const uint32_t wanted = module.types[module.functions[import.index].type].canonical_id;
      if (is_canonical_subtype(given.func->type_id, wanted)) return "";
      return fmt::format("is a function {}, the module wants {}", to_string(canonical_func_type(given.func->type_id)),
                         to_string(canonical_func_type(wanted)));
    }
    case ExternKind::Table: {
      const TableInstance& table = *given.table;
      const TableType& wanted = module.tables[import.index].type;
      const ValType element = canonical(module.types, wanted.element);
      const Limits& limits = table.type.limits;
      if (element == table.type.element && limits_match(table.length, limits.max, limits.is_64, wanted.limits))
        return "";
      return fmt::format("is a table of {} with size {}, the module wants {} with size {}",
                         to_string(table.type.element), to_string(table.length, limits.max, limits.is_64),
                         to_string(element), to_string(wanted.limits.min, wanted.limits.max, wanted.limits.is_64));
    }
    case ExternKind::Memory: {
      const MemoryInstance& memory = *given.memory;
      const MemoryType& wanted = module.memories[import.index].type;
      const uint64_t pages = memory.byte_length >> memory.page_size_log2;
      if (memory.page_size_log2 != wanted.page_size_log2) return "has another page size than the module wants";
      if (memory.shared != wanted.shared) {
        return memory.shared ? "is a shared memory, the module wants one that is not" : "is not a shared memory";
      }
      if (limits_match(pages, memory.max_pages, memory.is_64, wanted.limits)) return "";
      return fmt::format("is a memory with pages {}, the module wants {}",
                         to_string(pages, memory.max_pages, memory.is_64),
                         to_string(wanted.limits.min, wanted.limits.max, wanted.limits.is_64));
    }
    case ExternKind::Global: {
      GlobalType wanted = module.globals[import.index].type;
      wanted.type = canonical(module.types, wanted.type);
      const bool fits = wanted.is_mutable ? given.global_type == wanted
                                          : !given.global_type.is_mutable &&
                                                is_canonical_subtype(given.global_type.type, wanted.type);
      if (fits) return "";
      return fmt::format("is a global of type {}, the module wants {}", to_string(given.global_type),
                         to_string(wanted));
    }
    case ExternKind::Tag: {
      const uint32_t wanted = module.types[module.tags[import.index].type].canonical_id;
      if (given.tag->type_id == wanted) return "";
      return fmt::format("is a tag with type {}, the module wants {}",
                         to_string(canonical_func_type(given.tag->type_id)), to_string(canonical_func_type(wanted)));
    }
  }
  return "";
}

}  // namespace

Result<> match_import(const Module& module, const Import& import, const Extern& given) {
  if (!has_definition(given)) {
    return fail("unknown import: \"{}\" \"{}\" ({}) is not defined", import.module, import.name, name(import.kind));
  }
  const std::string reason = given.kind != import.kind
                                 ? fmt::format("is a {}, the module wants a {}", name(given.kind), name(import.kind))
                                 : mismatch(module, import, given);
  if (reason.empty()) return {};
  return fail("incompatible import type: \"{}\" \"{}\" {}", import.module, import.name, reason);
}

}  // namespace wjit

// Canonical numbers for core types, one registry for the process: iso-recursively equal types of all modules get the
// same number, so that call_indirect and link-time matching compare integers. Numbers are never reused. Any thread (one
// mutex). Test: test/unit/type_registry_test.cpp.
#pragma once

#include <cstdint>
#include <span>

#include "frontend/types.h"

namespace wjit {

// Fills `canonical_id` of the types of one recursion group, types[first, first+size); all earlier types of the module
// have theirs already. `types` is the module's whole type vector so far.
void canonicalize_rec_group(std::span<TypeDef> types, uint32_t first, uint32_t size);

// Canonical number of a plain function type outside any module (final, no supertype, its own group); concrete heap
// types in it are canonical numbers.
uint32_t canonical_id(const FuncType& type);

// Is type `sub` (canonical number) the same as `super` or declared a subtype of it, transitively?
bool is_canonical_subtype(uint32_t sub, uint32_t super);

// The function type of a canonical number (heap types in it are canonical numbers too, where concrete).
const FuncType& canonical_func_type(uint32_t id);

// The composite kind of a canonical number.
CompositeKind canonical_kind(uint32_t id);

// A type of a module with its concrete heap type (if any) replaced by the canonical number; `types` are the module's.
ValType canonical(std::span<const TypeDef> types, ValType type);

// Subtyping of value types whose concrete heap types are canonical numbers: for types of different modules.
bool is_canonical_subtype(ValType sub, ValType super);

}  // namespace wjit

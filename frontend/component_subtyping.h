// Substitution and subtyping of component types: what instantiation, type ascription and outer instances need.
//
// Resource types are compared by ResourceId, so using a type at a new place means to substitute ids: an import of an
// instance type gets fresh resources (freshen), an instantiation puts the arguments' resources in place of the
// component's imports (a Substitution filled by Matcher, then substitute). A substituted type is a new type only where
// something in it changed, and types that were one stay one (memo), so the identity by which named types are known
// survives.
//
//   import "r" (type $r (sub resource))   -> decl {is_sub_resource, type: Resource #7}
//   import "f" (func (param (own $r)))    -> Func(own #7)
//   instantiate with r = Resource #3      -> resources {7: that type}; f's type becomes Func(own #3)
//
// All work is charged to a budget: hostile types of exponential size end with an error instead of taking forever.
// Callers: the component validator, types_equal. Test: test/unit/component_test.cpp, the public suite (validation/).
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "frontend/component_types.h"

namespace wjit {

// Steps that one decoding may spend on types, and what it may take in the arena. A large real component (Python, 21 MB)
// needs 20,000 of each; all of it used up takes about a second and 150 MB.
struct WorkBudget {
  uint64_t left = 10'000'000;
  uint64_t memory_left = 1'000'000;  // types, their parts and declarations in the arena
  // False when it is used up.
  bool charge(uint64_t steps) {
    if (steps > left) {
      left = 0;
      return false;
    }
    left -= steps;
    return true;
  }
  // The same for what a type takes in the arena.
  bool charge_memory(const ComponentTypeDef& def) {
    uint64_t items = 2 + 2 * (def.core_imports.size() + def.core_exports.size());
    for (const NamedType& part : def.parts) items += 1 + part.name.size() / 32;
    for (const auto* decls : {&def.imports, &def.exports}) {
      for (const ExternDecl& decl : *decls) items += 2 + decl.name.size() / 32;
    }
    if (items > memory_left) {
      left = memory_left = 0;
      return false;
    }
    memory_left -= items;
    return true;
  }
  bool is_exhausted() const { return left == 0; }
};

struct Substitution {
  std::unordered_map<ResourceId, TypeId> resources;  // -> a Resource type
  std::unordered_map<TypeId, TypeId> named;          // types with a name of their own -> what they stand for
  std::unordered_map<TypeId, TypeId> memo;           // results of substitute; to be cleared when the others change
};

// `t` with the substitution applied. Not thread-safe (grows the arena). When the budget runs out: `t`.
TypeId substitute(ComponentTypes& types, TypeId t, Substitution& substitution, WorkBudget& budget);

// A new resource type, with a fresh ResourceId.
TypeId fresh_resource(ComponentTypes& types, std::string name);
// The same as a copy of `old`; charged to the budget, `old` itself when that is used up.
TypeId fresh_copy(ComponentTypes& types, TypeId old, WorkBudget& budget);

// The Resource types that `decls` bind, through nested instances, in order.
std::vector<TypeId> bound_resources(const ComponentTypes& types, const std::vector<ExternDecl>& decls,
                                    WorkBudget& budget);

// An instance type with fresh resources for all that it binds; itself when it binds none.
TypeId freshen(ComponentTypes& types, TypeId instance, WorkBudget& budget);

// The ResourceIds that a type mentions and does not bind itself.
std::unordered_set<ResourceId> free_resources(const ComponentTypes& types, TypeId t, WorkBudget& budget);

// Is a type that an argument, an export or a host has good enough where another one is expected?
class Matcher {
 public:
  // `types` grows when component types are compared. Requires that all ids belong to it.
  Matcher(ComponentTypes& types, WorkBudget& budget) : types_(types), budget_(budget) {}

  // Each returns false at the first mismatch, which error() then tells ("expected u32, found string").
  // Matching a decl binds what `expected` declares (its sub resources and type names) in expected_side().
  bool decl(const ExternDecl& actual, const ExternDecl& expected);
  bool equal(TypeId actual, TypeId expected);
  bool core_module(TypeId actual, TypeId expected);
  static bool core_decl(const CoreExternDecl& actual, const CoreExternDecl& expected, std::string& error);

  const std::string& error() const { return error_; }
  Substitution& expected_side() { return expected_; }

 private:
  friend bool types_equal(const ComponentTypes& types, TypeId a, TypeId b);

  bool instance(TypeId actual, TypeId expected);
  bool component(TypeId actual, TypeId expected);
  bool exports(TypeId actual, TypeId expected);
  bool same_parts(const ComponentTypeDef& a, const ComponentTypeDef& b);
  bool same_optional(TypeId actual, TypeId expected, const char* what);
  bool mismatch(std::string message);
  bool mismatch_kinds(TypeId actual, TypeId expected);
  void bind_fresh(const std::vector<ExternDecl>& decls, Substitution& side);
  ResourceId resolve(const Substitution& side, ResourceId id) const;

  ComponentTypes& types_;
  WorkBudget& budget_;
  Substitution actual_;  // what stands for the resources bound by types on the actual side
  Substitution expected_;
  std::string error_;
};

}  // namespace wjit

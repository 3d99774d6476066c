// The component validator's scopes and limits. See component_validator.h for the whole.
#include "frontend/component_validator.h"

#include "base/check.h"
#include "frontend/canonical_layout.h"

namespace wjit {

ComponentValidator::ComponentValidator(ErrorSink& sink) : sink_(sink), types_(std::make_shared<ComponentTypes>()) {
  for (uint8_t kind = 0; kind <= static_cast<uint8_t>(TypeKind::ErrorContext); kind++) {
    ComponentTypeDef primitive;
    primitive.kind = static_cast<TypeKind>(kind);
    primitives_[kind] = add_type(*types_, std::move(primitive));
  }
}

TypeId ComponentValidator::primitive(TypeKind kind) {
  CHECK(kind <= TypeKind::ErrorContext);
  return primitives_[static_cast<uint8_t>(kind)];
}

// --- Scopes ---

void ComponentValidator::open(ScopeKind kind) {
  if (scopes_.size() >= limit::kComponentNesting) {
    unsupported(fmt::format("components and types nested more than {} deep", limit::kComponentNesting));
  }
  scopes_.emplace_back().kind = kind;
}

TypeId ComponentValidator::close() {
  Scope closed = std::move(scopes_.back());
  scopes_.pop_back();
  if (!ok() || !check_values_used(closed)) return kNoType;
  ComponentTypeDef def;
  def.kind = closed.kind == ScopeKind::InstanceType ? TypeKind::Instance : TypeKind::Component;
  def.imports = std::move(closed.imports);
  def.exports = std::move(closed.exports);
  TypeId type = add(std::move(def));
  if (closed.kind == ScopeKind::Component && !closed.unbound_resources.empty() && ok()) {
    for (ResourceId id : free_resources(*types_, type, budget_)) {
      if (closed.unbound_resources.contains(id)) {
        invalid("local resource type `{}` found in export but not exported itself", types_->resource_names[id]);
      }
    }
    if (!check_budget()) return kNoType;
  }
  return ok() ? type : kNoType;
}

ComponentValidator::Scope* ComponentValidator::outer_scope(uint32_t count) {
  if (count < scopes_.size()) return &scopes_[scopes_.size() - 1 - count];
  invalid("invalid outer alias count of {}", count);
  return nullptr;
}

// --- Limits ---

bool ComponentValidator::check_budget() {
  if (budget_.is_exhausted()) unsupported("component types are too complex to be validated");
  return ok();
}

bool ComponentValidator::check_limits(TypeId id) {
  const ComponentTypeDef& type = def(id);
  if (types_->types.size() > limit::kComponentTypes) {
    unsupported(fmt::format("more than {} types in one component", limit::kComponentTypes));
  }
  if (type.layout.depth > limit::kTypeDepth) {
    unsupported(fmt::format("types nested more than {} deep", limit::kTypeDepth));
  }
  bool is_extern = type.kind == TypeKind::Component || type.kind == TypeKind::Instance;
  uint32_t size_limit = is_extern ? limit::kExternTypeSize : limit::kValueTypeSize;
  if (type.layout.tree_size > size_limit) {
    unsupported(fmt::format("effective type size exceeds the limit of {}", size_limit));
  }
  return check_budget();
}

TypeId ComponentValidator::add(ComponentTypeDef def) {
  if (!budget_.charge_memory(def)) return check_budget(), kNoType;
  TypeId id = add_type(*types_, std::move(def));
  return check_limits(id) ? id : kNoType;
}

void ComponentValidator::append_sort(ExternSort sort, TypeId type) {
  switch (sort) {
    case ExternSort::CoreModule: return append(scope().core_modules, type, "core module");
    case ExternSort::Func: return append(scope().funcs, type, "function");
    case ExternSort::Type: return append(scope().types, type, "type");
    case ExternSort::Component: return append(scope().components, type, "component");
    case ExternSort::Instance: return append(scope().instances, type, "instance");
    case ExternSort::Value: return append(scope().values, Value{type}, "value");
  }
}

}  // namespace wjit

// Values and the start function. Each value is used exactly once. A bound `(eq v)` counts as the type of v: two values
// of one type are not told apart. Binary.md, "Start Definitions" and "Value Definitions".
#include "frontend/component_validator.h"

namespace wjit {

TypeId ComponentValidator::type_of_value_at(uint32_t index) {
  const Value* value = at(scope().values, index, "value");
  return value ? value->type : kNoType;
}

TypeId ComponentValidator::use_value(uint32_t index) {
  if (!at(scope().values, index, "value")) return kNoType;
  Value& value = scope().values[index];
  if (value.is_used) return invalid("value {} cannot be used more than once", index), kNoType;
  value.is_used = true;
  return value.type;
}

bool ComponentValidator::check_values_used(const Scope& closed) {
  if (closed.kind != ScopeKind::Component) return true;
  for (size_t i = 0; i < closed.values.size(); i++) {
    if (closed.values[i].is_used) continue;
    return invalid("value index {} was not used as part of an instantiation, start function, or export", i), false;
  }
  return true;
}

void ComponentValidator::value(TypeId type, ByteRange contents) {
  append_sort(ExternSort::Value, type);
  define(def::Value{.type = type, .contents = contents});
}

void ComponentValidator::start(uint32_t func_index, std::vector<uint32_t> args, uint32_t results) {
  const TypeId* found = at(scope().funcs, func_index, "function");
  if (!found) return;
  const TypeId func = *found;
  const size_t params = def(func).parts.size();
  if (args.size() != params) {
    return invalid("component start function requires {} arguments but was given {}", params, args.size());
  }
  const TypeId result = def(func).element;
  if (results != (result == kNoType ? 0u : 1u)) {
    return invalid("component start function has a result count of {} but was given {}", result == kNoType ? 0 : 1,
                   results);
  }
  for (size_t i = 0; i < params; i++) {
    const TypeId given = use_value(args[i]);
    if (given == kNoType) return;
    Matcher matcher(*types_, budget_);
    if (!matcher.equal(given, def(func).parts[i].type)) {
      if (check_budget())
        invalid("value type mismatch for component start function argument {}: {}", i, matcher.error());
      return;
    }
  }
  if (result != kNoType) append_sort(ExternSort::Value, result);
  define(def::Start{.func = func_index, .args = std::move(args), .results = results});
}

}  // namespace wjit

// Typing of locals, globals and select (frontend/validator.h). Chapter 3.4, "Variable Instructions" and "Parametric
// Instructions". A local's type is found in a flat array (the first ones) or by binary search in the runs of the
// binary.
#include <algorithm>

#include "frontend/validator.h"

namespace wjit {
namespace {

// Tuning: nearly all functions have fewer locals; no effect on correctness.
constexpr uint32_t kFlatLocals = 256;

}  // namespace

void Validator::read_locals(const FuncType& type, Function& function) {
  const size_t at = in_.offset();
  local_runs_.clear();
  first_locals_.assign(type.params.begin(), type.params.end());
  uint64_t total = type.params.size();
  const uint32_t runs = in_.count(UINT32_MAX, "runs of locals");
  function.locals.reserve(runs);
  for (uint32_t i = 0; i < runs && in_.ok(); ++i) {
    LocalRun run;
    run.count = in_.u32();
    run.type = read_val_type(in_, static_cast<uint32_t>(module_.types.size()));
    total += run.count;
    if (total > UINT32_MAX) return in_.malformed_at(at, "too many locals");
    function.locals.push_back(run);
    if (run.count == 0) continue;
    local_runs_.push_back({static_cast<uint32_t>(total), run.type});
    const uint64_t flat = std::min<uint64_t>(total, kFlatLocals);
    if (first_locals_.size() < flat) first_locals_.resize(flat, run.type);
  }
  if (total > limit::kLocals) in_.unsupported_at(at, "too many locals: {}, the limit is {}", total, limit::kLocals);
  local_count_ = static_cast<uint32_t>(total);
}

std::optional<std::pair<uint32_t, ValType>> Validator::local_index() {
  const uint32_t i = in_.u32();
  if (i < first_locals_.size()) [[likely]]
    return std::pair(i, first_locals_[i]);
  if (!in_.ok()) return std::nullopt;
  if (i >= local_count_) {
    invalid("unknown local {}", i);
    return std::nullopt;
  }
  const auto run = std::ranges::upper_bound(local_runs_, i, {}, &LocalsEnd::end);
  return std::pair(i, run->type);
}

void Validator::local_get() {
  const auto local = local_index();
  if (!local) return;
  const auto [index, type] = *local;
  if (!is_defaultable(type) && index >= param_count_) {
    if (index >= init_epochs_.size() || init_epochs_[index] != epoch_) return invalid("uninitialized local {}", index);
  }
  push(type);
}

void Validator::local_set(bool tee) {
  const auto local = local_index();
  if (!local) return;
  const auto [index, type] = *local;
  pop(type);
  if (tee) push(type);
  if (!is_defaultable(type) && index >= param_count_) mark_initialized(index);
}

void Validator::mark_initialized(uint32_t local) {
  if (local >= init_epochs_.size()) init_epochs_.resize(local_count_);
  if (init_epochs_[local] == epoch_) return;
  init_epochs_[local] = epoch_;
  init_stack_.push_back(local);
}

void Validator::undo_initializations(uint32_t size) {
  while (init_stack_.size() > size) {
    init_epochs_[init_stack_.back()] = 0;
    init_stack_.pop_back();
  }
}

void Validator::global_get() {
  const uint32_t i = in_.u32();
  if (!in_.ok()) return;
  if (i >= module_.globals.size()) return invalid("unknown global {}", i);
  const GlobalType& global = module_.globals[i].type;
  if (constant_ && global.is_mutable) return invalid("constant expression required: global {} is mutable", i);
  push(global.type);
}

void Validator::global_set() {
  const uint32_t i = in_.u32();
  if (!in_.ok()) return;
  if (i >= module_.globals.size()) return invalid("unknown global {}", i);
  if (!module_.globals[i].type.is_mutable) return invalid("immutable global {}", i);
  pop(module_.globals[i].type.type);
}

void Validator::select() {
  pop_kind(ValKind::I32);
  const ValType second = pop_any();
  const ValType first = pop_any();
  if (first.is_ref() || second.is_ref())
    return invalid("type mismatch: select without a type needs numbers or vectors");
  if (first.kind != second.kind && first.kind != ValKind::Bottom && second.kind != ValKind::Bottom) {
    return mismatch(first, second);
  }
  push(first.kind == ValKind::Bottom ? second : first);
}

void Validator::select_typed() {
  const uint32_t n = in_.count(limit::kParams, "types of a select");
  if (in_.ok() && n != 1) return invalid("invalid result arity");
  const ValType type = read_val_type(in_, static_cast<uint32_t>(module_.types.size()));
  pop_kind(ValKind::I32);
  pop(type);
  pop(type);
  push(type);
}

}  // namespace wjit

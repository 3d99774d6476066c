// Canonical definitions: their options, the core signatures that they have or require. CanonicalABI.md, "Canonical
// Definitions": each function here is one of its sections.
#include "base/check.h"
#include "frontend/canonical_layout.h"
#include "frontend/component_validator.h"
#include "frontend/type_registry.h"

namespace wjit {

namespace {

constexpr uint32_t kContextSlots = 2;
const ValType kI32 = ValType::i32();

const char* describe(ComponentValidator::Option::Kind kind) {
  using Kind = ComponentValidator::Option::Kind;
  switch (kind) {
    case Kind::Utf8: return "utf8";
    case Kind::Utf16: return "utf16";
    case Kind::Latin1Utf16: return "latin1-utf16";
    case Kind::Memory: return "memory";
    case Kind::Realloc: return "realloc";
    case Kind::PostReturn: return "post-return";
    case Kind::Async: return "async";
    case Kind::Callback: return "callback";
  }
  UNREACHABLE_CASE("canonical option");
}

std::string describe(const std::vector<ValType>& types) {
  std::string out = "[";
  for (ValType type : types) out += (out.size() > 1 ? " " : "") + to_string(type);
  return out + "]";
}

}  // namespace

// --- Options ---

bool ComponentValidator::check_core_func(uint32_t index, const FuncType& expected, const char* what) {
  const uint32_t* id = at(scope().core_funcs, index, "function");
  if (!id) return false;
  if (canonical_func_type(*id) == expected) return true;
  return invalid("{}", what), false;
}

std::optional<CanonOptions> ComponentValidator::canon_options(const std::vector<Option>& options, OptionRules rules) {
  using Kind = Option::Kind;
  CanonOptions out;
  std::optional<Kind> encoding;
  auto set_once = [&](std::optional<uint32_t>& field, const Option& option) {
    if (field) invalid("canonical option `{}` is specified more than once", describe(option.kind));
    field = option.index;
  };
  for (const Option& option : options) {
    switch (option.kind) {
      case Kind::Utf8:
      case Kind::Utf16:
      case Kind::Latin1Utf16:
        if (encoding) {
          invalid("canonical encoding option `{}` conflicts with option `{}`", describe(*encoding),
                  describe(option.kind));
        }
        encoding = option.kind;
        out.string_encoding = option.kind == Kind::Utf8    ? StringEncoding::Utf8
                              : option.kind == Kind::Utf16 ? StringEncoding::Utf16
                                                           : StringEncoding::Latin1Utf16;
        break;
      case Kind::Memory: set_once(out.memory, option); break;
      case Kind::Realloc: set_once(out.realloc, option); break;
      case Kind::PostReturn: set_once(out.post_return, option); break;
      case Kind::Callback: set_once(out.callback, option); break;
      case Kind::Async:
        if (out.is_async) invalid("canonical option `async` is specified more than once");
        out.is_async = true;
        break;
    }
    if (!ok()) return std::nullopt;
  }
  if (out.memory) {
    const MemoryType* memory = at(scope().core_memories, *out.memory, "memory");
    if (!memory) return std::nullopt;
    if (memory->shared || memory->page_size_log2 != 16) {
      return invalid("canonical option `memory` must be an unshared memory of 64 KiB pages"), std::nullopt;
    }
    out.memory_is_64 = memory->limits.is_64;
  }
  if (out.realloc) {
    if (!rules.allow_realloc) return invalid("canonical option `realloc` cannot be specified here"), std::nullopt;
    if (!out.memory) {
      return invalid("canonical option `realloc` requires `memory` to also be specified"), std::nullopt;
    }
    const ValType addr = ptr_type(out.memory_is_64);
    if (!check_core_func(*out.realloc, FuncType{{addr, addr, addr, addr}, {addr}},
                         "canonical option `realloc` uses a core function with an incorrect signature")) {
      return std::nullopt;
    }
  }
  if (out.is_async && !rules.allow_async) {
    return invalid("canonical option `async` cannot be specified here"), std::nullopt;
  }
  if (out.post_return) {
    if (!rules.lift) return invalid("canonical option `post-return` cannot be specified for lowerings"), std::nullopt;
    if (out.is_async) return invalid("canonical option `post-return` cannot be combined with `async`"), std::nullopt;
  }
  if (out.callback) {
    if (!rules.lift) return invalid("canonical option `callback` cannot be specified for lowerings"), std::nullopt;
    if (!out.is_async) return invalid("canonical option `callback` requires `async`"), std::nullopt;
    if (!check_core_func(*out.callback, FuncType{{kI32, kI32, kI32}, {kI32}},
                         "canonical option `callback` uses a core function with an incorrect signature")) {
      return std::nullopt;
    }
  }
  return out;
}

bool ComponentValidator::require_memory(const CanonOptions& options) {
  if (options.memory) return true;
  return invalid("canonical option `memory` is required"), false;
}

bool ComponentValidator::require_realloc(const CanonOptions& options) {
  if (!require_memory(options)) return false;
  if (options.realloc) return true;
  return invalid("canonical option `realloc` is required"), false;
}

// --- lift and lower ---

void ComponentValidator::canon_lift(uint32_t core_func, const std::vector<Option>& options, uint32_t type_index) {
  if (!ok()) return;
  TypeId type = type_at(type_index, TypeKind::Func);
  const uint32_t* callee = type == kNoType ? nullptr : at(scope().core_funcs, core_func, "function");
  if (!callee) return;
  std::optional<CanonOptions> opts = canon_options(options, {.lift = true});
  if (!opts) return;
  const ComponentTypeDef& func = def(type);
  if (opts->is_async && !func.is_async) return invalid("the `async` canonical option requires an async function type");

  // Parameters are lowered into the callee, the result is lifted out of it.
  for (const NamedType& param : func.parts) {
    if (contains_pointer(*types_, param.type) && !require_realloc(*opts)) return;
  }
  if (flat_param_count(*types_, type) > kMaxFlatParams && !require_realloc(*opts)) return;
  if (func.element != kNoType && contains_pointer(*types_, func.element) && !require_memory(*opts)) return;
  uint32_t max_results = opts->is_async ? kMaxFlatParams : kMaxFlatResults;
  if (flat_result_count(*types_, type) > max_results && !require_memory(*opts)) return;

  const FuncType expected = flatten_functype(*types_, *opts, type, CanonContext::Lift);
  const FuncType& actual = canonical_func_type(*callee);
  if (actual.params != expected.params) {
    return invalid("lowered parameter types `{}` do not match parameter types `{}`", describe(expected.params),
                   describe(actual.params));
  }
  if (actual.results != expected.results) {
    return invalid("lowered result types `{}` do not match result types `{}`", describe(expected.results),
                   describe(actual.results));
  }
  if (opts->post_return &&
      !check_core_func(*opts->post_return, FuncType{expected.results, {}},
                       "canonical option `post-return` uses a core function with an incorrect signature")) {
    return;
  }
  append(scope().funcs, type, "function");
  define(def::CanonLift{.core_func = core_func, .options = *opts, .type = type});
}

void ComponentValidator::canon_lower(uint32_t func_index, const std::vector<Option>& options) {
  if (!ok()) return;
  const TypeId* found = at(scope().funcs, func_index, "function");
  if (!found) return;
  const TypeId type = *found;
  std::optional<CanonOptions> opts = canon_options(options, {});
  if (!opts) return;
  const ComponentTypeDef& func = def(type);
  if (opts->is_async && !func.is_async) return invalid("the `async` canonical option requires an async function type");

  // Parameters are lifted out of the caller, the result is lowered into it.
  for (const NamedType& param : func.parts) {
    if (contains_pointer(*types_, param.type) && !require_memory(*opts)) return;
  }
  if (func.element != kNoType && contains_pointer(*types_, func.element) && !require_realloc(*opts)) return;
  uint32_t max_params = opts->is_async ? kMaxFlatAsyncParams : kMaxFlatParams;
  uint32_t max_results = opts->is_async ? 0 : kMaxFlatResults;
  if (flat_param_count(*types_, type) > max_params && !require_memory(*opts)) return;
  if (flat_result_count(*types_, type) > max_results && !require_memory(*opts)) return;

  FuncType core_type = flatten_functype(*types_, *opts, type, CanonContext::Lower);
  append(scope().core_funcs, canonical_id(core_type), "core function");
  define(def::CanonLower{.func = func_index, .options = *opts, .type = type, .core_type = std::move(core_type)});
}

// --- Built-ins ---

void ComponentValidator::define_core_func(def::CanonDefine definition, FuncType type) {
  append(scope().core_funcs, canonical_id(type), "core function");
  definition.core_type = std::move(type);
  define(std::move(definition));
}

void ComponentValidator::canon_resource(CanonBuiltin builtin, uint32_t type_index) {
  if (!ok()) return;
  TypeId type = resource_at(type_index);
  if (type == kNoType) return;
  def::CanonDefine definition{.builtin = builtin, .type = type};
  if (builtin == CanonBuiltin::ResourceDrop) return define_core_func(definition, {{kI32}, {}});
  auto local = scope().local_resources.find(def(type).resource);
  if (local == scope().local_resources.end()) return invalid("type index {} is not a local resource", type_index);
  ValType rep = local->second;
  define_core_func(definition,
                   builtin == CanonBuiltin::ResourceNew ? FuncType{{rep}, {kI32}} : FuncType{{kI32}, {rep}});
}

void ComponentValidator::canon_task_return(TypeId result, const std::vector<Option>& options) {
  if (!ok()) return;
  std::optional<CanonOptions> opts = canon_options(options, {.allow_realloc = false, .allow_async = false});
  if (!opts) return;
  if (result != kNoType && contains_borrow(*types_, result))
    return invalid("task.return cannot return a `borrow` type");
  FuncType type;
  if (result != kNoType) {
    bool in_memory = flat_count(*types_, result) > kMaxFlatParams;
    if ((in_memory || contains_pointer(*types_, result)) && !require_memory(*opts)) return;
    if (in_memory) {
      type.params = {ptr_type(opts->memory_is_64)};
    } else {
      flatten_type(*types_, result, opts->memory_is_64, type.params);
    }
  }
  define_core_func({.builtin = CanonBuiltin::TaskReturn, .type = result, .options = *opts}, std::move(type));
}

void ComponentValidator::canon_context(CanonBuiltin builtin, ValType type, uint32_t slot) {
  if (!ok()) return;
  if (type != ValType::i32() && type != ValType::i64()) return invalid("context slots are `i32` or `i64`");
  if (slot >= kContextSlots) return invalid("context slot {} is out of bounds, there are {}", slot, kContextSlots);
  if (scope().context_type && *scope().context_type != type) {
    return invalid("all context.get and context.set of a component must have the same type");
  }
  scope().context_type = type;
  FuncType core = builtin == CanonBuiltin::ContextGet ? FuncType{{}, {type}} : FuncType{{type}, {}};
  define_core_func({.builtin = builtin, .slot = slot, .slot_type = type}, std::move(core));
}

void ComponentValidator::canon_stream_or_future(CanonBuiltin builtin, uint32_t type_index,
                                                const std::vector<Option>& options, bool is_async) {
  if (!ok()) return;
  bool is_stream = builtin >= CanonBuiltin::StreamNew && builtin <= CanonBuiltin::StreamDropWritable;
  TypeId type = type_at(type_index, is_stream ? TypeKind::Stream : TypeKind::Future);
  if (type == kNoType) return;
  def::CanonDefine definition{.builtin = builtin, .type = type, .is_async = is_async};
  switch (builtin) {
    case CanonBuiltin::StreamNew:
    case CanonBuiltin::FutureNew: return define_core_func(std::move(definition), {{}, {ValType::i64()}});
    case CanonBuiltin::StreamDropReadable:
    case CanonBuiltin::StreamDropWritable:
    case CanonBuiltin::FutureDropReadable:
    case CanonBuiltin::FutureDropWritable: return define_core_func(std::move(definition), {{kI32}, {}});
    case CanonBuiltin::StreamCancelRead:
    case CanonBuiltin::StreamCancelWrite:
    case CanonBuiltin::FutureCancelRead:
    case CanonBuiltin::FutureCancelWrite: return define_core_func(std::move(definition), {{kI32}, {kI32}});
    default: break;
  }
  std::optional<CanonOptions> opts = canon_options(options, {});
  if (!opts) return;
  TypeId element = def(type).element;
  bool is_read = builtin == CanonBuiltin::StreamRead || builtin == CanonBuiltin::FutureRead;
  if (element != kNoType) {
    if (!require_memory(*opts)) return;
    if (is_read && contains_pointer(*types_, element) && !require_realloc(*opts)) return;
  }
  const ValType addr = ptr_type(opts->memory_is_64);
  FuncType core = is_stream ? FuncType{{kI32, addr, addr}, {addr}} : FuncType{{kI32, addr}, {kI32}};
  definition.is_async = opts->is_async;
  definition.options = *opts;
  define_core_func(std::move(definition), std::move(core));
}

void ComponentValidator::canon_error_context(CanonBuiltin builtin, const std::vector<Option>& options) {
  if (!ok()) return;
  bool is_new = builtin == CanonBuiltin::ErrorContextNew;
  std::optional<CanonOptions> opts = canon_options(options, {.allow_async = false});
  if (!opts || !(is_new ? require_memory(*opts) : require_realloc(*opts))) return;
  const ValType addr = ptr_type(opts->memory_is_64);
  FuncType core = is_new ? FuncType{{addr, addr}, {kI32}} : FuncType{{kI32, addr}, {}};
  define_core_func({.builtin = builtin, .options = *opts}, std::move(core));
}

void ComponentValidator::canon_waitable_set(CanonBuiltin builtin, uint32_t memory) {
  if (!ok()) return;
  std::optional<CanonOptions> opts = canon_options({{Option::Kind::Memory, memory}}, {});
  if (!opts) return;
  FuncType core{{kI32, ptr_type(opts->memory_is_64)}, {kI32}};
  define_core_func({.builtin = builtin, .options = *opts}, std::move(core));
}

void ComponentValidator::canon_thread_start(CanonBuiltin builtin, uint32_t core_type, uint32_t table_index) {
  if (!ok()) return;
  const bool has_table = builtin != CanonBuiltin::ThreadSpawnRef;
  const TypeDef* start = at(scope().core_types, core_type, "core type");
  const TableType* table = start && has_table ? at(scope().core_tables, table_index, "table") : nullptr;
  if (!start || (has_table && !table)) return;
  const FuncType& func = start->func;
  bool is_start = start->kind == CompositeKind::Func && func.results.empty() && func.params.size() == 1 &&
                  (func.params[0] == ValType::i32() || func.params[0] == ValType::i64());
  if (!is_start) return invalid("the start function of a thread must take one `i32` or `i64` and return nothing");
  if (table && !is_canonical_subtype(table->element, ValType::funcref()))
    return invalid("the table of {} must have elements of funcref", text_name(builtin));
  const ValType which =
      table ? ptr_type(table->limits.is_64) : ValType::ref(static_cast<HeapType>(start->canonical_id), true);
  FuncType core{{which, func.params[0]}, {kI32}};
  define_core_func({.builtin = builtin, .table = table_index, .thread_type = func}, std::move(core));
}

void ComponentValidator::canon_simple(CanonBuiltin builtin, bool is_async) {
  if (!ok()) return;
  FuncType core;
  switch (builtin) {
    case CanonBuiltin::TaskCancel:
    case CanonBuiltin::BackpressureInc:
    case CanonBuiltin::BackpressureDec: break;
    case CanonBuiltin::SubtaskCancel: core = {{kI32}, {kI32}}; break;
    case CanonBuiltin::WaitableSetNew:
    case CanonBuiltin::ThreadIndex:
    case CanonBuiltin::ThreadAvailableParallelism:
    case CanonBuiltin::ThreadYield:
    case CanonBuiltin::ThreadSuspend: core = {{}, {kI32}}; break;
    case CanonBuiltin::SubtaskDrop:
    case CanonBuiltin::ErrorContextDrop:
    case CanonBuiltin::WaitableSetDrop:
    case CanonBuiltin::ThreadResumeLater: core = {{kI32}, {}}; break;
    case CanonBuiltin::WaitableJoin: core = {{kI32, kI32}, {}}; break;
    case CanonBuiltin::ThreadSuspendThenResume:
    case CanonBuiltin::ThreadYieldThenResume:
    case CanonBuiltin::ThreadSuspendThenPromote:
    case CanonBuiltin::ThreadYieldThenPromote: core = {{kI32}, {kI32}}; break;
    default: UNREACHABLE_CASE("canonical built-in with immediates");
  }
  define_core_func({.builtin = builtin, .is_async = is_async}, std::move(core));
}

}  // namespace wjit

// canon resource.{new,drop,rep}, and the handle transfers of adapters. Spec: CanonicalABI.md, "Resource State",
// "canon resource.*", lift_own, lift_borrow, lower_own, lower_borrow.
#include "abi/canon.h"
#include "abi/trace.h"

namespace wjit {
namespace {

ResourceHandle* find(Store& store, ComponentInstance& instance, uint32_t index, const ResourceType* type) {
  auto* handle = instance.handles.get_as<ResourceHandle>(index, HandleKind::Resource);
  if (handle == nullptr) {
    store.trap(TrapCode::UnknownHandle, fmt::format("unknown handle index {}", index));
  } else if (handle->type != type) {
    store.trap(
        TrapCode::UnknownHandle,
        fmt::format("handle index {} used with the wrong type, expected guest-defined resource but found a different "
                    "guest-defined resource",
                    index));
    return nullptr;
  }
  return handle;
}

uint32_t add(Store& store, ComponentInstance& instance, ResourceType* type, uint32_t rep, bool own, Task* scope) {
  auto* handle = new ResourceHandle;
  handle->type = type;
  handle->rep = rep;
  handle->own = own;
  handle->borrow_scope = scope;
  uint32_t index = instance.handles.add(handle);
  if (index == 0) {
    delete handle;
    store.trap(TrapCode::CanonicalAbi, "the handle table is full");
  } else if (scope != nullptr) {
    scope->dirty = 1;
    ++scope->num_borrows;
  }
  return index;
}

ComponentInstance& side(AdapterContext* adapter, bool caller) {
  ComponentInstance* instance = caller ? adapter->caller : adapter->callee;
  return instance != nullptr ? *instance : Store::of(adapter->store).host_instance();
}

}  // namespace

extern "C" uint32_t builtin_canon_ResourceNew(BuiltinContext* context, uint32_t rep) {
  if (!check_may_leave(context)) return 0;
  return add(store_of(context), *context->instance, context->resource, rep, true, nullptr);
}

extern "C" uint32_t builtin_canon_ResourceRep(BuiltinContext* context, uint32_t index) {
  ResourceHandle* handle = find(store_of(context), *context->instance, index, context->resource);
  return handle != nullptr ? handle->rep : 0;
}

// `subtask`: who waits for a destructor of guest code; it resolves at once where there is none.
static bool end_resource(Store& store, ResourceType& type, uint32_t rep, ComponentInstance* caller, Subtask* subtask) {
  if (subtask != nullptr) subtask->subtask_state = SubtaskState::Returned;
  if (type.implementation == nullptr) {
    if (type.host_drop) type.host_drop(rep);
    return !store.locked_down();
  }
  if (type.destructor.code == nullptr && (caller == nullptr || caller == type.implementation)) return true;
  if (!may_enter_from(*type.implementation, caller)) {
    store.trap(TrapCode::CannotEnter);
    return false;
  }
  if (type.destructor.code == nullptr) return true;
  struct Destructor final : HostCaller {
    void resolved(bool) override {}
  };
  if (subtask != nullptr) subtask->subtask_state = SubtaskState::Starting;
  Task* task = new_task(*type.implementation, nullptr, subtask);
  task->host = new Destructor;
  task->host->function = type.destructor;
  task->host->call.params[0] = rep;
  task->host->caller = caller;
  TraceSlice traced(store, *task);
  return run_task(*task, caller);
}

bool drop_resource(Store& store, ResourceType& type, uint32_t rep, ComponentInstance* caller) {
  return end_resource(store, type, rep, caller, nullptr);
}

extern "C" uint64_t builtin_canon_ResourceDrop(BuiltinContext* context, uint32_t index) {
  if (!check_may_leave(context)) return 0;
  Store& store = store_of(context);
  ResourceHandle* handle = find(store, *context->instance, index, context->resource);
  if (handle == nullptr) return 0;
  if (handle->num_lends != 0) {
    return store.trap(TrapCode::CanonicalAbi, "cannot remove owned resource while borrowed"), 0;
  }
  context->instance->handles.remove(index);
  if (!handle->own) {
    --handle->borrow_scope->num_borrows;
    delete handle;
    return 0;
  }
  ResourceType& type = *handle->type;
  uint32_t rep = handle->rep;
  delete handle;
  Subtask* subtask = store.subtasks.make();
  subtask->caller = context->instance;
  if (!end_resource(store, type, rep, context->instance, subtask)) return store.propagate_trap(), 0;
  return await_subtask(store, *subtask);
}

extern "C" uint32_t builtin_abi_transfer_own(AdapterContext* adapter, uint32_t number, uint32_t index, uint32_t back) {
  Store& store = Store::of(adapter->store);
  ResourceType* type = adapter->resources[number];
  ComponentInstance& from = side(adapter, back == 0);
  ComponentInstance& to = side(adapter, back != 0);
  // The host has no handles for resources: it deals in reps.
  bool from_host = (back == 0 ? adapter->caller : adapter->callee) == nullptr;
  bool to_host = (back == 0 ? adapter->callee : adapter->caller) == nullptr;
  uint32_t rep = index;
  if (!from_host) {
    ResourceHandle* handle = find(store, from, index, type);
    if (handle == nullptr) return 0;
    if (handle->num_lends != 0) {
      return store.trap(TrapCode::CanonicalAbi, "cannot remove owned resource while borrowed"), 0;
    }
    if (!handle->own) return store.trap(TrapCode::CanonicalAbi, "cannot lift own resource from a borrow"), 0;
    rep = handle->rep;
    from.handles.remove(index);
    delete handle;
  }
  return to_host ? rep : add(store, to, type, rep, true, nullptr);
}

extern "C" uint32_t builtin_abi_transfer_borrow(AdapterContext* adapter, Task* task, uint32_t number, uint32_t index) {
  Store& store = Store::of(adapter->store);
  ResourceType* type = adapter->resources[number];
  uint32_t rep = index;
  if (adapter->caller != nullptr) {
    ResourceHandle* handle = find(store, *adapter->caller, index, type);
    if (handle == nullptr) return 0;
    rep = handle->rep;
    // A host function uses what it was lent during the call only; it keeps what it needs alive itself.
    if (task != nullptr) {
      ++handle->num_lends;
      Lender*& lenders = task->detached ? task->subtask->lenders : task->lenders;
      lenders = new Lender{handle, lenders};
      task->dirty = 1;
    }
  }
  if (adapter->callee == nullptr || adapter->callee == type->implementation) return rep;
  return add(store, *adapter->callee, type, rep, false, task);
}

static uint32_t transfer_end(AdapterContext* adapter, uint32_t number, uint32_t index, uint32_t back) {
  Store& store = Store::of(adapter->store);
  SharedStream* shared = lift_readable(side(adapter, back == 0), index, adapter->streams[number]);
  if (shared == nullptr) return 0;
  uint32_t result = lower_readable(side(adapter, back != 0), shared);
  if (result == 0) store.trap(TrapCode::CanonicalAbi, "the handle table is full");
  return result;
}

extern "C" uint32_t builtin_abi_transfer_stream(AdapterContext* adapter, uint32_t number, uint32_t index,
                                                uint32_t back) {
  return transfer_end(adapter, number, index, back);
}

extern "C" uint32_t builtin_abi_transfer_future(AdapterContext* adapter, uint32_t number, uint32_t index,
                                                uint32_t back) {
  return transfer_end(adapter, number, index, back);
}

extern "C" uint32_t builtin_abi_transfer_error_context(AdapterContext* adapter, uint32_t index, uint32_t back) {
  Store& store = Store::of(adapter->store);
  auto* record = side(adapter, back == 0).handles.get_as<ErrorContext>(index, HandleKind::ErrorContext);
  if (record == nullptr) return store.trap(TrapCode::UnknownHandle, fmt::format("unknown error context {}", index)), 0;
  auto copy = std::make_unique<ErrorContext>();
  copy->message = record->message;
  uint32_t result = side(adapter, back != 0).handles.add(copy.get());
  if (result == 0) return store.trap(TrapCode::CanonicalAbi, "the handle table is full"), 0;
  copy.release();
  return result;
}

}  // namespace wjit

// Run-time resource types and the handles to them. Spec: CanonicalABI.md, "Resource State".
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "abi/adapter.h"
#include "abi/handle_table.h"

namespace wjit {

class Store;

// One resource type of one component instance, or of the host. Compared by address.
struct ResourceType {
  ComponentInstance* implementation = nullptr;   // null: the host
  CodePointer destructor;                        // guest destructor, core function [i32] -> []
  std::function<void(uint32_t rep)> host_drop;   // host resources: called when the last owner drops it
  std::string name;                              // for messages
};

// An own or borrow handle in a table.
struct ResourceHandle : HandleRecord {
  ResourceHandle() : HandleRecord(HandleKind::Resource) {}
  ResourceType* type = nullptr;
  uint32_t rep = 0;
  bool own = false;
  Task* borrow_scope = nullptr;  // borrows: the task whose num_borrows counts it
  uint32_t num_lends = 0;        // own: borrows that calls made from it right now
};

// 📝 error-context: the message only.
struct ErrorContext : HandleRecord {
  ErrorContext() : HandleRecord(HandleKind::ErrorContext) {}
  std::string message;
};

// Ends an owned resource: its destructor runs (as a task of the implementing instance, entered from `caller`, null: the
// host; then it may still run when this returns), or the host's drop function. False after a trap. abi/canon_resource.cpp.
bool drop_resource(Store& store, ResourceType& type, uint32_t rep, ComponentInstance* caller);

}  // namespace wjit

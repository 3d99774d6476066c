// The handle table of a component instance: resources, waitables (subtasks, stream and future ends), waitable sets and
// error contexts in one index space from 1, freed indices reused last-in first-out. Spec: CanonicalABI.md, "Table
// State".
//
// Entries are one tagged word: no allocation for resource handles beyond the record itself. They grow in place where the
// C library can move pages instead of copying (large tables). Accessed on the store's strand only. Tests: test/unit/handle_table_test.cpp.
#pragma once

#include <cstdint>

#include "abi/host_memory.h"

namespace wjit {

// What a handle refers to; the first field of every record that a table holds.
enum class HandleKind : uint8_t { Free, Resource, Subtask, StreamEnd, FutureEnd, WaitableSet, ErrorContext, Thread };

struct alignas(8) HandleRecord {  // the low bits of its address are free: HandleTable uses one
  HandleKind kind;
  explicit HandleRecord(HandleKind k) : kind(k) {}
};

class HandleTable {
 public:
  static constexpr uint32_t kMaxLength = (1u << 28) - 1;

  HandleTable() = default;
  HandleTable(const HandleTable&) = delete;
  HandleTable& operator=(const HandleTable&) = delete;
  ~HandleTable();

  // Bytes of host memory that a handle of this kind stands for, with all that it keeps alive: a subtask its task, a
  // thread its stack. Rounded up.
  static uint64_t cost(HandleKind kind);

  // Where entries take their cost from; requires an empty table. It outlives the table.
  void charge(HostMemory* memory) { memory_ = memory; }

  // The record of a live index, null for any other number.
  HandleRecord* get(uint32_t index) const {
    return index < size_ && (entries_[index] & 1) == 0 ? record(entries_[index]) : nullptr;
  }
  // The record if it is of this kind, else null.
  template <typename T>
  T* get_as(uint32_t index, HandleKind kind) const {
    HandleRecord* record = get(index);
    return record != nullptr && record->kind == kind ? static_cast<T*>(record) : nullptr;
  }
  // Index of the new entry, 0 when the table is full or host memory used up (the caller traps). The table does not own
  // records.
  uint32_t add(HandleRecord* record);
  // Requires a live index.
  HandleRecord* remove(uint32_t index);
  uint32_t live() const { return live_; }
  template <typename F>
  void for_each(F&& f) const {
    for (uint32_t i = 1; i < size_; ++i) {
      if ((entries_[i] & 1) == 0) f(i, record(entries_[i]));
    }
  }

 private:
  // A record's address; of a free entry (entry 0 among them) twice the next free index, plus 1.
  static HandleRecord* record(uint64_t entry) { return reinterpret_cast<HandleRecord*>(entry); }  // NOLINT
  bool grow();
  uint64_t* entries_ = nullptr;
  uint32_t size_ = 0;  // with entry 0, once there is one
  uint32_t capacity_ = 0;
  uint32_t free_ = 0;
  uint32_t live_ = 0;
  HostMemory* memory_ = nullptr;  // null: without limit
};

}  // namespace wjit

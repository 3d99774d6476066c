// Wasm exceptions at run time: who owns them, and how a throw finds its handler. Emitted code makes an Exception
// (ir/vmctx.h), fills in its payload and calls `wjit.throw`, whose stub (jit/throw.S) leaves the guest's stack for
// good; find_landing walks the frames of the fiber with the tables that LLVM wrote for `invoke`, and the stub goes on
// at the landing block that it found, in a frame further out. There emitted code looks whether a clause catches, and
// throws on if none does.
//
// Exceptions do not leave a component: the walk ends at the first frame that is not a wasm function (an adapter, the
// base of the fiber), and then the throw is the trap `unhandled exception`.
//
// Ownership: an exception is freed when it is caught, unless it is caught with a reference. An exnref is a number that
// is looked up when it is thrown again, so it may be copied freely; the exceptions behind exnrefs stay until their
// bytes together go beyond kReferencedBytes: then the oldest goes, and throwing it again is an error that says so.
// (There is no collector that could know better; a program that keeps hundreds of thousands of exceptions is yet to be
// seen.)
//
// All of a store's strand only. Tests: test/unit/exception_test.cpp, test/lit/wast/exceptions.wast, public core suite.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>

#include "ir/vmctx.h"

namespace wjit {

class ExceptionHeap {
 public:
  static constexpr size_t kReferencedBytes = 64 << 20;

  static ExceptionHeap& of(StoreContext& store);
  ExceptionHeap() = default;
  ~ExceptionHeap();
  ExceptionHeap(const ExceptionHeap&) = delete;
  ExceptionHeap& operator=(const ExceptionHeap&) = delete;

  // Null when memory cannot be had.
  Exception* make(const TagInstance* tag, uint64_t slots);
  // It was caught without a reference.
  void release(Exception* exception);
  // Its exnref, never 0. Other exceptions, not this one, may be dropped.
  uint64_t refer(Exception* exception);
  // Null when it has been dropped.
  Exception* find(uint64_t reference) const;

 private:
  static size_t bytes_of(const Exception& exception) { return sizeof(Exception) + exception.slots * 16; }
  static void free(Exception* exception);

  uint64_t next_reference_ = 1;
  size_t referenced_bytes_ = 0;
  std::unordered_map<uint64_t, Exception*> referenced_;
  std::deque<uint64_t> oldest_;  // references in order of making
};

// What the stub keeps of the guest's registers, and where it goes on. Offsets are known to jit/throw.S.
struct ThrowRegisters {
  uint64_t rbx, rbp, r12, r13, r14, r15;
  uint64_t sp;  // as after the return of the call that throws
  uint64_t pc;
};
static_assert(offsetof(ThrowRegisters, sp) == 48 && offsetof(ThrowRegisters, pc) == 56 && sizeof(ThrowRegisters) == 64);

// Walks outwards from `registers` to the next landing block and makes them those of the frame there. False when there
// is none: then they are unchanged.
bool find_landing(ThrowRegisters& registers);

}  // namespace wjit

// The host's ends of streams and futures, as far as abi/stream.cpp needs them. What hosts see is in abi/stream.h.
#pragma once

#include "abi/stream.h"

namespace wjit {

// `shared.pending` is a guest's copy whose other end is the host: gives it to the source or sink.
void host_copy(SharedStream& shared);
void host_cancel(SharedStream& shared);
// An end was dropped (shared.dropped is set): tells the host's end.
void host_end_dropped(SharedStream& shared);

// Copies `count` elements between two buffers and moves both on; `arena` for allocations in the host's memory. May run
// guest code (realloc) on a fiber. False after a trap.
bool copy_elements(Store& store, const PayloadType& payload, CopyBuffer& from, CopyBuffer& to, uint32_t count,
                   HostArena* arena);

}  // namespace wjit

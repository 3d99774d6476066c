// Where segments come from: see segment.h. mimalloc 2.0.9 has what is needed (mi_manage_os_memory_ex with an exclusive
// arena, mi_heap_new_in_arena); a heap belongs to its thread, so each thread that makes fibers has one.
#include "scheduler/segment.h"

#include <mimalloc.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <memory>

#include "base/check.h"

namespace wjit {

static_assert(sizeof(Segment) == 64);
static_assert(offsetof(Segment, next) == 0 && offsetof(Segment, limit) == 16 && offsetof(Segment, top) == 24 &&
              offsetof(Segment, capacity) == 32);
static_assert(kLimitOffset % 16 == 0);

namespace {

constexpr uint64_t kCanary = 0x5e9e'77ed'57ac'ca11;
constexpr size_t kClasses = 8;
static_assert(kFirstSegmentBytes << (kClasses - 1) == kLargestSegmentBytes);
// Bytes that a thread's free list keeps per class, at least four segments. Larger buys nothing in bench/fiber.cpp.
constexpr size_t kCachedBytesPerClass = 512 * 1024;
// Address space of the arena; nothing of it is committed before it is used. Halved until the system grants it.
constexpr size_t kArenaBytes = size_t{64} << 30;
constexpr size_t kSmallestArenaBytes = size_t{1} << 30;

// What is used of the arena first has small pages; who has more segments than fit in there gets huge ones, which halves the
// time to start a fiber (page faults).
constexpr size_t kSmallPagesBytes = size_t{32} << 20;

constexpr size_t kArenaAlignment = size_t{64} << 20;  // mimalloc wants its segments' (32 MiB)

struct Arena {
  bool exists = false;
  mi_arena_id_t id{};
  Arena() {
    for (size_t size = kArenaBytes; size >= kSmallestArenaBytes && !exists; size /= 2) {
      void* memory = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (memory == MAP_FAILED) continue;
      void* aligned = memory;
      size_t rest = size;
      std::align(kArenaAlignment, size - kArenaAlignment, aligned, rest);
      rest &= ~(kArenaAlignment - 1);
      madvise(static_cast<char*>(aligned) + kSmallPagesBytes, rest - kSmallPagesBytes, MADV_HUGEPAGE);  // a wish
      constexpr bool committed = false, large = false, zero = true, exclusive = true;
      constexpr int any_node = -1;
      exists = mi_manage_os_memory_ex(aligned, rest, committed, large, zero, any_node, exclusive, &id);
      if (!exists) munmap(memory, size);
    }
  }
};

const Arena& arena() {
  static const Arena instance;
  return instance;
}

struct FreeLists {
  Segment* first[kClasses];
  uint32_t count[kClasses];
  mi_heap_t* heap;
  SegmentCounters counters;
};

// Trivial, so that reaching it costs one load: the module is loaded at program start, never later.
__attribute__((tls_model("initial-exec"))) thread_local FreeLists lists;

// Empties the lists before mimalloc takes its heaps down at the thread's end.
struct FlushAtThreadEnd {
  ~FlushAtThreadEnd() {
    segment_flush_cache();
    lists.heap = nullptr;
  }
};

mi_heap_t* make_heap() {
  static thread_local FlushAtThreadEnd flush;
  (void)&flush;
  mi_heap_t* heap = arena().exists ? mi_heap_new_in_arena(arena().id) : mi_heap_new();
  lists.heap = heap;
  return heap;
}

// Class whose size is at least `bytes`; kClasses or more if there is none.
size_t class_of(size_t bytes) {
  if (bytes <= kFirstSegmentBytes) return 0;
  return static_cast<size_t>(std::bit_width((bytes - 1) / kFirstSegmentBytes));
}

}  // namespace

Segment* segment_allocate(size_t bytes, size_t reserved_top) {
  size_t size_class = class_of(bytes);
  Segment* segment = nullptr;
  if (size_class < kClasses) {
    bytes = kFirstSegmentBytes << size_class;
    segment = lists.first[size_class];
  } else {
    if (bytes > SIZE_MAX / 2) return nullptr;
    bytes = (bytes + 4095) & ~size_t{4095};
  }
  if (segment) {
    lists.first[size_class] = segment->next;
    --lists.count[size_class];
  } else {
    mi_heap_t* heap = lists.heap ? lists.heap : make_heap();
    if (!heap) return nullptr;
    // Not mi_heap_malloc_aligned: it takes a block of the next size (2560 for 2048). All blocks are 16-byte aligned.
    void* memory = mi_heap_malloc(heap, bytes);
    if (!memory) return nullptr;
    DCHECK(reinterpret_cast<uintptr_t>(memory) % 16 == 0);
    ++lists.counters.taken;
    segment = new (memory) Segment;
    segment->limit = static_cast<char*>(memory) + kLimitOffset;
    segment->bytes = bytes;
    segment->canary = kCanary;
  }
  segment->next = segment->previous = nullptr;
  size_t top = (bytes - reserved_top) & ~size_t{15};
  segment->top = reinterpret_cast<char*>(segment) + top;
  segment->capacity = top - kLimitOffset - kMorestackBytes;
  return segment;
}

void segment_free(Segment* segment) {
  CHECK(segment->canary == kCanary && "guest frames ran over the end of their stack segment");
  size_t size_class = class_of(segment->bytes);
  if (size_class < kClasses) {
    size_t most = std::max<size_t>(4, kCachedBytesPerClass / segment->bytes);
    if (lists.count[size_class] < most && lists.heap) {
      segment->next = lists.first[size_class];
      lists.first[size_class] = segment;
      ++lists.count[size_class];
      return;
    }
  }
  ++lists.counters.given;
  mi_free(segment);
}

void segment_flush_cache() {
  for (size_t i = 0; i < kClasses; ++i) {
    while (Segment* segment = lists.first[i]) {
      lists.first[i] = segment->next;
      ++lists.counters.given;
      mi_free(segment);
    }
    lists.count[i] = 0;
  }
}

SegmentCounters segment_counters() { return lists.counters; }

}  // namespace wjit

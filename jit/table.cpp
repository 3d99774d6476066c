// Tables: an array of pointers that grows by reallocation (emitted code loads the array's address for each access).
// Interface: jit/instance.h. Covered by test/unit/instance_test.cpp and the public core suite.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "jit/instance.h"

namespace wjit {
namespace {

// The public JavaScript API's limit; what a table may grow to when its type allows more.
constexpr uint64_t kMaxElements = 10'000'000;

}  // namespace

Result<std::unique_ptr<TableInstance>> make_table(const TableType& type) {
  if (type.limits.min > kMaxElements) {
    return fail("a table of {} elements is beyond the limit of {}", type.limits.min, kMaxElements);
  }
  auto table = std::make_unique<TableInstance>();
  table->type = type;
  table->length = type.limits.min;
  table->max = std::min(kMaxElements, type.limits.max.value_or(kMaxElements));
  // All-zero elements are null references.
  table->elements = static_cast<void**>(calloc(std::max<size_t>(1, table->length), sizeof(void*)));
  if (!table->elements) return fail("cannot allocate a table of {} elements", type.limits.min);
  return table;
}

void free_table(TableInstance& table) {
  free(table.elements);
  table.elements = nullptr;
  table.length = 0;
}

int64_t grow_table(TableInstance& table, void* initial, uint64_t delta) {
  const uint64_t old_length = table.length;
  if (delta > table.max - old_length) return -1;
  if (delta != 0) {
    void* grown = realloc(table.elements, (old_length + delta) * sizeof(void*));
    if (!grown) return -1;
    table.elements = static_cast<void**>(grown);
    std::fill_n(table.elements + old_length, delta, initial);
    table.length = old_length + delta;
  }
  return static_cast<int64_t>(old_length);
}

bool fill_table(TableInstance& table, uint64_t destination, void* value, uint64_t count) {
  if (destination > table.length || count > table.length - destination) return false;
  std::fill_n(table.elements + destination, count, value);
  return true;
}

bool copy_table(TableInstance& to, TableInstance& from, uint64_t destination, uint64_t source, uint64_t count) {
  if (destination > to.length || count > to.length - destination) return false;
  if (source > from.length || count > from.length - source) return false;
  if (count != 0) memmove(to.elements + destination, from.elements + source, count * sizeof(void*));
  return true;
}

}  // namespace wjit

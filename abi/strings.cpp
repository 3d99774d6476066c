// Strings on their way between memories: the run-time calls `check_utf8` and `copy_utf8` of adapters.
// Spec: CanonicalABI.md, load_string, store_string (UTF-8 to UTF-8).
#include <cstring>
#include <span>

#include "abi/store.h"
#include "frontend/reader.h"

namespace wjit {

// Traps, and tells whether the string ends in the middle of a character (a length cut short) or is wrong inside.
static bool check(AdapterContext* context, std::span<const uint8_t> text) {
  if (is_utf8(text)) return true;
  size_t tail = 0;  // bytes of an unfinished character at the end
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    uint8_t byte = text[text.size() - back];
    if ((byte & 0xC0) == 0x80) continue;
    size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    if (length > back) tail = back;
    break;
  }
  bool incomplete = tail > 0 && is_utf8(text.first(text.size() - tail));
  Store::of(context->store).trap(TrapCode::InvalidUtf8, incomplete ? "incomplete utf-8 byte sequence" : "");
  return false;
}

extern "C" uint64_t builtin_abi_check_utf8(AdapterContext* context, const uint8_t* source, uint64_t bytes) {
  check(context, std::span(source, bytes));
  return 0;
}

extern "C" uint64_t builtin_abi_copy_utf8(AdapterContext* context, uint8_t* destination, const uint8_t* source,
                                          uint64_t bytes) {
  if (check(context, std::span(source, bytes)) && bytes > 0) memmove(destination, source, bytes);
  return 0;
}

}  // namespace wjit

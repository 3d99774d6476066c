// Strings on their way between memories: the run-time calls `check_utf8` and `copy_utf8` of adapters.
// Spec: CanonicalABI.md, load_string, store_string (UTF-8 to UTF-8).
#include <cstring>
#include <span>

#include "abi/adapter.h"
#include "frontend/reader.h"

namespace wjit {

extern "C" uint32_t builtin_abi_check_utf8(AdapterContext*, const uint8_t* source, uint64_t bytes) {
  return is_utf8(std::span(source, bytes)) ? 1 : 0;
}

extern "C" uint32_t builtin_abi_copy_utf8(AdapterContext*, uint8_t* destination, const uint8_t* source, uint64_t bytes) {
  if (!is_utf8(std::span(source, bytes))) return 0;
  if (bytes > 0) memmove(destination, source, bytes);
  return 1;
}

}  // namespace wjit

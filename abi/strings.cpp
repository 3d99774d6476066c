// Strings on their way between memories: what adapters call between two calls of realloc (abi/runtime_calls.def, put
// together in abi/adapter_string.cpp). Each is a loop of abi/transcode.h and the trap for text that is not valid in its
// encoding. Spec: CanonicalABI.md, load_string, store_string.
#include <cstring>
#include <span>

#include "abi/store.h"
#include "abi/transcode.h"
#include "base/utf8.h"

namespace wjit {
namespace {

// Tells whether the string ends in the middle of a character (a length cut short) or is wrong inside.
void trap_utf8(AdapterContext* context, std::span<const uint8_t> text) {
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
}

void trap_utf16(AdapterContext* context) { Store::of(context->store).trap(TrapCode::InvalidUtf16); }

}  // namespace

extern "C" {

uint64_t builtin_abi_check_utf8(AdapterContext* context, const uint8_t* source, uint64_t n) {
  if (!is_utf8({source, n})) trap_utf8(context, {source, n});
  return 0;
}

uint64_t builtin_abi_copy_utf8(AdapterContext* context, uint8_t* out, const uint8_t* source, uint64_t n) {
  size_t ascii = transcode::ascii_to_ascii(out, source, n);
  if (ascii == n) return 0;
  if (!is_utf8({source + ascii, n - ascii})) return trap_utf8(context, {source, n}), 0;
  memcpy(out + ascii, source + ascii, n - ascii);
  return 0;
}

uint64_t builtin_abi_ascii_to_ascii(AdapterContext*, uint8_t* out, const uint8_t* source, uint64_t n) {
  return transcode::ascii_to_ascii(out, source, n);
}

uint64_t builtin_abi_utf16_to_ascii(AdapterContext*, uint8_t* out, const uint8_t* source, uint64_t n) {
  return transcode::utf16_to_ascii(out, source, n);
}

uint64_t builtin_abi_latin1_to_utf8(AdapterContext*, uint8_t* out, const uint8_t* source, uint64_t n) {
  return transcode::latin1_to_utf8(out, source, n);
}

uint64_t builtin_abi_utf16_to_utf8(AdapterContext* context, uint8_t* out, const uint8_t* source, uint64_t n) {
  size_t bytes = transcode::utf16_to_utf8(out, source, n);
  if (bytes == transcode::kInvalid) trap_utf16(context);
  return bytes;
}

uint64_t builtin_abi_utf8_to_utf16(AdapterContext* context, uint8_t* out, const uint8_t* source, uint64_t n) {
  size_t units = transcode::utf8_to_utf16(out, source, n);
  if (units == transcode::kInvalid) trap_utf8(context, {source, n});
  return units;
}

uint64_t builtin_abi_latin1_to_utf16(AdapterContext*, uint8_t* out, const uint8_t* source, uint64_t n) {
  transcode::latin1_to_utf16(out, source, n);
  return 0;
}

// 1 when a unit is U+0100 or above.
uint64_t builtin_abi_copy_utf16(AdapterContext* context, uint8_t* out, const uint8_t* source, uint64_t n) {
  transcode::Copied copied = transcode::utf16_to_utf16(out, source, n);
  if (copied == transcode::Copied::Invalid) trap_utf16(context);
  return copied == transcode::Copied::Wide ? 1 : 0;
}

// Both counts are below 2^28: consumed << 32 | written.
uint64_t builtin_abi_utf8_to_latin1(AdapterContext* context, uint8_t* out, const uint8_t* source, uint64_t n) {
  auto [consumed, written] = transcode::utf8_to_latin1(out, source, n);
  if (consumed == transcode::kInvalid) return trap_utf8(context, {source, n}), 0;
  return uint64_t{consumed} << 32 | written;
}

uint64_t builtin_abi_utf16_to_latin1(AdapterContext*, uint8_t* out, const uint8_t* source, uint64_t n) {
  size_t units = transcode::utf16_to_latin1(out, source, n);
  return uint64_t{units} << 32 | units;
}

uint64_t builtin_abi_widen_latin1(AdapterContext*, uint8_t* text, uint64_t n) {
  transcode::widen_in_place(text, n);
  return 0;
}

uint64_t builtin_abi_narrow_utf16(AdapterContext*, uint8_t* text, uint64_t n) {
  transcode::narrow_in_place(text, n);
  return 0;
}

}  // extern "C"

}  // namespace wjit

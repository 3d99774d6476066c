// Names of what components are made of, from the tables. Used by the printers and by messages.
#include "frontend/component.h"

#include "base/check.h"

namespace wjit {

const char* text_name(CanonBuiltin builtin) {
  switch (builtin) {
#define CANON(name, opcode, text) \
  case CanonBuiltin::name: return text;
#include "frontend/canon.def"
#undef CANON
  }
  UNREACHABLE_CASE("canonical built-in");
}

}  // namespace wjit

#include "base/error.h"

namespace wjit {

std::string InputError::to_string() const {
  const char* kind = fault == InputFault::Malformed ? "malformed input"
                     : fault == InputFault::Invalid ? "invalid input"
                                                    : "not supported yet";
  if (line != 0) return fmt::format("{} at {}:{}: {}", kind, line, column, message);
  return fmt::format("{} at offset {:#x}: {}", kind, offset, message);
}

}  // namespace wjit

// Names of a module's functions, for messages and backtraces (frontend/module.h).
#include "frontend/module.h"

#include <fmt/format.h>

namespace wjit {

std::string Module::function_display_name(uint32_t function) const {
  if (auto it = function_names.find(function); it != function_names.end() && !it->second.empty()) return it->second;
  for (const Export& e : exports) {
    if (e.kind == ExternKind::Func && e.index == function) return e.name;
  }
  return fmt::format("func[{}]", function);
}

}  // namespace wjit

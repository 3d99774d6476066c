// The adapters of a component as LLVM IR: what `wjit compile --emit=adapters` prints. One for each lowered function and
// each lifted export (as the host calls it), named "caller -> callee"; and one for each write and read of a stream or
// future that could meet, named "writer -> reader: stream<string>", where bytes are not just copied. Test:
// test/lit/adapter.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "frontend/component.h"

namespace wjit::tools {

// The component is instantiated to find out who calls whom; its imports are stand-ins that trap when called. `filter`:
// only adapters whose name contains it.
Result<std::string> emit_adapters(std::shared_ptr<const Component> component, const std::optional<std::string>& filter);

}  // namespace wjit::tools

// Composing program files: what `wjit compose` writes and `wjit run --plug` runs. Tests: test/lit/compose.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "frontend/compose.h"
#include "tools/load.h"

namespace wjit::tools {

// A program made of several. `notes` say what may surprise (Composition::notes).
struct Composed {
  Program program;
  std::vector<std::string> notes;
};

// Loads the app and the plugs, composes them and validates the result.
Result<Composed> compose_files(const std::string& app, const std::vector<std::string>& plugs);

}  // namespace wjit::tools

// May a definition be imported as a module asks? Core specification 3.0, "Matching". Called by jit/instance.cpp and by
// whoever wants the answer before linking. Tests: test/unit/instance_test.cpp, public core suite (linking.wast,
// imports.wast).
#pragma once

#include "base/error.h"
#include "jit/instance.h"

namespace wjit {

// The error names the import: `unknown import: "m" "f" …` where `given` has no definition, else
// `incompatible import type: "m" "f" is …, the module wants …`.
Result<> match_import(const Module& module, const Import& import, const Extern& given);

}  // namespace wjit

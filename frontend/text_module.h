// The assembler of core modules, as text.cpp, wast.cpp and the component assembler call it.
// Types are in frontend/text_types.*, instructions in frontend/text_instructions*, number literals in
// frontend/text_numbers.*. Test: test/unit/text_test.cpp.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "frontend/module.h"
#include "frontend/text_cursor.h"

namespace wjit {

// Assembles what stands between `(module $id?` and its `)`: either fields, or `binary "…"*`, or `quote "…"*`. The
// cursor stands behind `module` and the optional id, which the caller has taken and passes as the module's name;
// afterwards it stands before the `)`. The same serves `(core module $id? …)` of a component. The error, if any, is
// also the cursor's.
Parsed<Bytes> assemble_module_fields(Cursor& c, std::optional<std::string> name = std::nullopt);

// `(module $id? …)`, with its parentheses.
Parsed<Bytes> assemble_module(Cursor& c);

}  // namespace wjit

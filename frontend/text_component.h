// The assembler of components: `(component …)` -> the component binary format, as text.cpp and wast.cpp call it.
//
// One pass in the order of the text. A definition is written into a Writer of its own while its parts are read; what
// the parts need and the text only implies (an anonymous type, an inline alias, an alias of an enclosing component's
// item) is written to the component first, so it always precedes its use. Nothing is validated beyond the grammar and
// the ids: numbers that are out of bounds, wrong names and wrong types are the decoder's to find. Component model,
// Explainer.md (text) and Binary.md (binary). Core modules inside: frontend/text_module.h. Tests:
// test/unit/text_component_test.cpp, the public component suite.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "frontend/module.h"
#include "frontend/text_cursor.h"

namespace wjit {

// `(component $id? …)`, with its parentheses: definitions, or `binary "…"*`, or `quote "…"*`. Afterwards the cursor
// stands behind the `)`. The error, if any, is also the cursor's. Any thread, no global state.
Parsed<Bytes> assemble_component(Cursor& c);

// The same for what stands between `(component $id?` and its `)`; afterwards the cursor stands before the `)`. The
// component's name is `name`, or else the id.
Parsed<Bytes> assemble_component_fields(Cursor& c, std::optional<std::string_view> id = std::nullopt,
                                        std::optional<std::string> name = std::nullopt);

}  // namespace wjit

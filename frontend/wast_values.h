// Constants and result patterns of test scripts: `(i32.const 1)`, `(f32.const nan:canonical)`, `(ref.null func)`,
// `(either …)`, `(list.const (u32.const 1))`. User: wast.cpp. Test: test/unit/wast_test.cpp.
#pragma once

#include "frontend/text_cursor.h"
#include "frontend/wast.h"

namespace wjit::wast {

// One value in parentheses. `of_component` says that f32.const and f64.const are component values. Kinds of values that
// are not known fail with InputFault::Unsupported.
Value parse_value(Cursor& c, bool of_component);

}  // namespace wjit::wast

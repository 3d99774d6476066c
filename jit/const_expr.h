// Constant expressions: initial values of globals and tables, offsets and elements of segments. Core specification 3.0,
// "Constant Expressions". Called by jit/instance.cpp. Tests: test/unit/const_expr_test.cpp, public core suite.
#pragma once

#include "base/error.h"
#include "ir/vmctx.h"

namespace wjit {

// The value of a validated constant expression in an instance whose imports and earlier globals are in place;
// references as pointers. Fails for what is not supported yet (objects of the garbage collection proposal).
Result<GlobalCell> evaluate(CoreInstance& instance, ConstExpr expr);

}  // namespace wjit

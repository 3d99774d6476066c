// Test scripts (.wast): text -> a list of commands, modules and components among them as assembled bytes. The runner is
// tools/wast_runner.cpp. The grammar is the core specification's interpreter README ("Scripts"), with components' values
// as in the component model's reference tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "frontend/module.h"

namespace wjit::wast {

// A module or component of a script. `bytes` is an error where the text itself does not parse (assert_malformed wants
// that). Ids, here and below, keep their `$` and have quotes and escapes resolved.
struct Definition {
  std::string id;              // "$M" or ""
  bool is_component = false;
  bool is_definition = false;  // (module definition …) / (component definition …): not instantiated
  bool is_quote = false;
  std::expected<Bytes, InputError> bytes;
};

// A constant or a pattern of an expected result. (f32.const …) and (f64.const …) are CF32 and CF64 where the action is
// about a component, and inside of component values. `nan:canonical` and `nan:arithmetic` are in `nan`, with bits 0.
struct Value {
  enum class Kind : uint8_t {
    // core
    I32, I64, F32, F64, V128, RefNull, RefFunc, RefExtern, RefHost, RefAny, RefEq, RefI31, RefStruct, RefArray, RefExn,
    // component (wat of the reference tests: (u32.const 1), (str.const "x"), (list.const …), …)
    Bool, S8, U8, S16, U16, S32, U32, S64, U64, CF32, CF64, Char, String, List, Record, Tuple, Variant, Enum, Option, Result,
    Flags,
    // patterns
    Either
  };
  enum class Nan : uint8_t { None, Canonical, Arithmetic };
  Kind kind = Kind::I32;
  uint64_t bits = 0;               // numbers, as bits; RefExtern/RefHost: the number; Option/Result: 1 = some / error
  uint64_t high = 0;               // V128: upper half
  bool any = false;                // (ref.func), (ref.extern), … without a number; (ref.null) without a type
  HeapType heap = 0;               // RefNull
  Nan nan = Nan::None;             // F32, F64, component floats
  uint8_t lane_bits = 0;           // V128 pattern: 8, 16, 32, 64; float lanes when lane_float
  bool lane_float = false;
  std::vector<Nan> lane_nans;      // V128 float pattern: one per lane
  std::string text;                // String; Enum, Variant: label
  std::vector<Value> children;     // List, Record, Tuple, Variant payload, Option/Result payload, Either
  std::vector<std::string> labels; // Record fields, Flags
};

struct Action {
  enum class Kind : uint8_t { Invoke, Get };
  Kind kind = Kind::Invoke;
  std::string module;              // "$M" or "": the last one
  std::string name;
  std::vector<Value> args;
};

struct Command {
  enum class Kind : uint8_t {
    Definition, Instance, Register, Action,
    AssertReturn, AssertTrap, AssertExhaustion, AssertException, AssertMalformed, AssertInvalid, AssertUnlinkable,
    AssertUninstantiable,         // assert_trap with a module
    Unsupported                   // a command that wjit does not know: `message` says which
  };
  Kind kind = Kind::Definition;
  uint32_t line = 0;
  Definition definition;           // Definition, the Assert* about modules
  Action action;                   // Action, AssertReturn, AssertTrap, AssertExhaustion, AssertException
  std::vector<Value> expected;     // AssertReturn
  std::string message;             // expected message of the others
  std::string name;                // Register: the name; Instance: the instance id
  std::string module_id;           // Register: "$M" or ""; Instance: the definition's id
};

// Parses a script. An error means that the script itself is not one (not that a module in it is malformed).
Parsed<std::vector<Command>> parse_script(std::string_view text);

}  // namespace wjit::wast

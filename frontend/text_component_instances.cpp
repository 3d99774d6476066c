// Core instances and component instances: instantiations with their arguments, and instances made of inline exports.
// An argument that is an inline instance, `(with "x" (instance (export …)))`, is defined before the instantiation.
// Interface: frontend/text_component_impl.h. Binary.md, "Instance Definitions".
// Test: test/unit/text_component_test.cpp.
#include "frontend/text_component_impl.h"

namespace wjit::component_text {

// --- core instances ---

// Behind `(core instance`; afterwards before the `)`.
void Assembler::core_instance() {
  const NewId id = take_new_id(Space::CoreInstance);
  uint32_t index = 0;
  if (inverted_alias(Space::CoreInstance, id, index)) return;
  if (!c_.take_open("instantiate")) {
    core_inline_exports(id);
    return;
  }
  Writer out;
  core_instantiate(out);
  c_.expect_close();
  define(Section::CoreInstance, out, Space::CoreInstance, id);
}

// `(export "x" (func $f))*` up to the `)`.
uint32_t Assembler::core_inline_exports(const NewId& id) {
  uint32_t count = 0;
  Writer exports;
  for (; c_.take_open("export"); ++count) {
    exports.name(c_.expect_name());
    sort_ref(true, exports);
    c_.expect_close();
  }
  Writer out;
  out.byte(0x01);
  out.u32(count);
  out.bytes(exports.span());
  return define(Section::CoreInstance, out, Space::CoreInstance, id);
}

// Behind `(instantiate`: `$m (with "x" (instance …))*`.
void Assembler::core_instantiate(Writer& out) {
  out.byte(0x00);
  out.u32(ref(Space::CoreModule));
  uint32_t count = 0;
  Writer arguments;
  for (; c_.take_open("with"); ++count) {
    arguments.name(c_.expect_name());
    arguments.byte(0x12);
    take_space(Space::CoreInstance);
    arguments.u32(c_.at_index() ? index_or_alias(Space::CoreInstance) : core_inline_exports({}));
    c_.expect_close();
    c_.expect_close();
  }
  out.u32(count);
  out.bytes(arguments.span());
}

// --- component instances ---

// Behind `(instance`; afterwards before the `)`.
void Assembler::instance() {
  const NewId id = take_new_id(Space::Instance);
  const std::vector<Writer> exports = inline_exports();
  uint32_t index = 0;
  if (inline_import(Space::Instance, id, index) || inverted_alias(Space::Instance, id, index)) {
    // done
  } else if (c_.take_open("instantiate")) {
    Writer out;
    instantiate(out);
    c_.expect_close();
    index = define(Section::Instance, out, Space::Instance, id);
  } else {
    index = inline_exports_instance(id);
  }
  export_all(exports, Space::Instance, index);
}

// `(export "x" (func $f))*` up to the `)`.
uint32_t Assembler::inline_exports_instance(const NewId& id) {
  uint32_t count = 0;
  Writer exports;
  for (; c_.take_open("export"); ++count) {
    exports.bytes(extern_name().span());
    sort_ref(false, exports);
    c_.expect_close();
  }
  Writer out;
  out.byte(0x01);
  out.u32(count);
  out.bytes(exports.span());
  return define(Section::Instance, out, Space::Instance, id);
}

// Behind `(instantiate`: `$c (with "x" (func $f))*`.
void Assembler::instantiate(Writer& out) {
  out.byte(0x00);
  out.u32(ref(Space::Component));
  uint32_t count = 0;
  Writer arguments;
  for (; c_.take_open("with"); ++count) {
    arguments.name(c_.expect_name());
    if (c_.at_open("instance") && c_.kind(2) != TokenKind::Id && c_.kind(2) != TokenKind::Number) {
      c_.expect_open("instance");
      write_sort(Space::Instance, arguments);
      arguments.u32(inline_exports_instance({}));
      c_.expect_close();
    } else {
      sort_ref(false, arguments);
    }
    c_.expect_close();
  }
  out.u32(count);
  out.bytes(arguments.span());
}

}  // namespace wjit::component_text

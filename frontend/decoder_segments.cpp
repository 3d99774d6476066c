// Element and data segments and custom sections (frontend/module_decoder.h). Of the custom sections only "name" is
// read; what is wrong in it is ignored, as chapter 5.5.3 says. Test: test/unit/decoder_test.cpp.
#include "frontend/module_decoder.h"

namespace wjit {

void ModuleDecoder::read_elements(Reader& in) {
  const uint32_t n = in.count(limit::kItems, "element segments");
  module_.elems.reserve(n);
  for (uint32_t i = 0; i < n && in.ok(); ++i) module_.elems.push_back(read_element(in));
}

ElemSegment ModuleDecoder::read_element(Reader& in) {
  // Bit 0: not active; bit 1: explicit table if active, else declarative; bit 2: expressions and a type, else
  // functions.
  enum : uint32_t { kNotActive = 1, kExplicit = 2, kExprs = 4 };
  ElemSegment segment;
  const size_t at = in.offset();
  const uint32_t flags = in.u32();
  if (flags > 7) in.malformed_at(at, "malformed elements segment kind");
  segment.uses_exprs = flags & kExprs;
  if (!(flags & kNotActive)) {
    segment.mode = SegmentMode::Active;
    if (flags & kExplicit) segment.table = in.u32();
    if (!in.ok()) return segment;
    if (segment.table >= module_.tables.size()) {
      in.invalid_at(at, "unknown table {}", segment.table);
      return segment;
    }
    const bool is_64 = module_.tables[segment.table].type.limits.is_64;
    segment.offset = validator_.validate_const_expr(in, is_64 ? ValType::i64() : ValType::i32());
  } else {
    segment.mode = flags & kExplicit ? SegmentMode::Declarative : SegmentMode::Passive;
  }

  const bool has_type = flags & (kNotActive | kExplicit);
  if (!segment.uses_exprs) {
    segment.type = ValType::ref(heap::Func, false);
    if (has_type && in.byte() != 0) in.malformed_at(in.offset() - 1, "malformed element kind");
  } else if (has_type) {
    segment.type = read_ref_type(in, type_count());
  }
  if (!in.ok()) return segment;
  if (segment.mode == SegmentMode::Active) {
    const ValType element = module_.tables[segment.table].type.element;
    if (!is_subtype(module_.types, segment.type, element)) {
      in.invalid_at(at, "type mismatch: expected {}, found {}", to_string(element), to_string(segment.type));
    }
  }

  const uint32_t n = in.count(10 * limit::kItems, "elements of a segment");
  if (segment.uses_exprs) {
    segment.exprs.reserve(n / 2);
    for (uint32_t i = 0; i < n && in.ok(); ++i) {
      segment.exprs.push_back(validator_.validate_const_expr(in, segment.type));
    }
    return segment;
  }
  segment.functions.reserve(n);
  for (uint32_t i = 0; i < n && in.ok(); ++i) {
    const size_t index_at = in.offset();
    const uint32_t function = in.u32();
    if (!in.ok()) break;
    if (function >= module_.functions.size()) {
      in.invalid_at(index_at, "unknown function {}", function);
      break;
    }
    module_.function_is_referenced[function] = true;
    segment.functions.push_back(function);
  }
  return segment;
}

void ModuleDecoder::read_datas(Reader& in) {
  const size_t section_at = in.offset();
  const uint32_t n = in.count(limit::kItems, "data segments");
  if (in.ok() && data_count_ && *data_count_ != n) {
    return in.malformed_at(section_at, "data count and data section have inconsistent lengths: {} and {}", *data_count_,
                           n);
  }
  module_.datas.reserve(n);
  for (uint32_t i = 0; i < n && in.ok(); ++i) {
    enum : uint32_t { kActive, kPassive, kActiveExplicit };
    DataSegment segment;
    const size_t at = in.offset();
    const uint32_t kind = in.u32();
    if (kind > kActiveExplicit) in.malformed_at(at, "malformed data segment kind");
    if (kind != kPassive) {
      segment.mode = SegmentMode::Active;
      if (kind == kActiveExplicit) segment.memory = in.u32();
      if (!in.ok()) return;
      if (segment.memory >= module_.memories.size()) return in.invalid_at(at, "unknown memory {}", segment.memory);
      const bool is_64 = module_.memories[segment.memory].type.limits.is_64;
      segment.offset = validator_.validate_const_expr(in, is_64 ? ValType::i64() : ValType::i32());
    }
    const uint32_t size = in.u32();
    segment.bytes = in.take(size);
    module_.datas.push_back(segment);
  }
}

void ModuleDecoder::read_custom(Reader& in) {
  CustomSection section;
  section.name = in.name();
  section.bytes = in.take(static_cast<uint32_t>(in.remaining()));
  if (!in.ok()) return;
  if (section.name == "name") read_names(section.bytes);
  module_.customs.push_back(std::move(section));
}

void ModuleDecoder::read_names(ByteRange range) {
  enum : uint8_t { kModuleName, kFunctionNames };
  ErrorSink ignored;
  Reader in(*module_.bytes, range, ignored);
  while (!in.at_end()) {
    const uint8_t id = in.byte();
    const uint32_t size = in.u32();
    Reader part = in.sub(size);
    if (id == kModuleName) {
      const std::string_view name = part.name();
      if (part.ok()) module_.name = name;
    } else if (id == kFunctionNames) {
      const uint32_t n = part.u32();
      for (uint32_t i = 0; i < n && !part.at_end(); ++i) {
        const uint32_t function = part.u32();
        const std::string_view name = part.name();
        if (!part.ok() || function >= module_.functions.size()) break;
        module_.function_names.emplace_hint(module_.function_names.end(), function, name);
      }
    }
  }
}

}  // namespace wjit

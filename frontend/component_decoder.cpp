// Binary components in: bytes -> validated Component, in one pass over the sections. Each function reads one production
// of component-model Binary.md and hands it to the validator (component_validator.h) at once, since what follows may be
// encoded with the indices that it defines. The first error wins and has its byte offset.
// Interface: decode_component (component.h). Tests: test/unit/component_test.cpp, the public suite (binary/).
#include "base/check.h"
#include "frontend/component.h"
#include "frontend/component_validator.h"
#include "frontend/component_values.h"
#include "frontend/decoder.h"
#include "frontend/decoder_types.h"
#include "frontend/reader.h"
#include "frontend/type_registry.h"

namespace wjit {

namespace {

constexpr uint8_t kComponentPreamble[8] = {0, 'a', 's', 'm', 0x0d, 0, 1, 0};

enum Section : uint8_t {
  kCustom = 0,
  kCoreModule,
  kCoreInstance,
  kCoreType,
  kComponent,
  kInstance,
  kAlias,
  kType,
  kCanon,
  kStart,
  kImport,
  kExport,
  kValue
};

using Validator = ComponentValidator;

class ComponentDecoder {
 public:
  explicit ComponentDecoder(std::shared_ptr<const Bytes> bytes, const LiteralToCome* literal_to_come = nullptr)
      : bytes_(std::move(bytes)), literal_to_come_(literal_to_come), validator_(sink_) {}

  Parsed<std::shared_ptr<const Component>> run() {
    std::shared_ptr<const Component> result = component({0, static_cast<uint32_t>(bytes_->size())});
    if (!sink_.ok()) return std::unexpected(sink_.take());
    return result;
  }

 private:
  // --- Components and sections ---

  std::shared_ptr<const Component> component(ByteRange range) {
    Reader in(*bytes_, range, sink_);
    for (uint8_t expected : kComponentPreamble) {
      if (in.byte() != expected)
        in.malformed_at(range.begin, "not a component: its first 8 bytes are not those of one");
    }
    validator_.set_offset(range.begin);
    validator_.open(Validator::ScopeKind::Component);
    auto out = std::make_shared<Component>();
    out->bytes = bytes_;
    out->range = range;
    while (sink_.ok() && !in.at_end()) section(in, *out);
    if (sink_.ok()) out->definitions = validator_.take_definitions();
    validator_.set_offset(range.begin);
    out->type = validator_.close();
    out->types = validator_.types();
    return out;
  }

  void section(Reader& in, Component& out) {
    const size_t at = in.offset();
    const uint8_t id = in.byte();
    if (id > kValue) return in.malformed_at(at, "malformed section id: {}", id);
    const uint32_t size = in.u32();
    Reader body = in.sub(size);
    if (!sink_.ok()) return;
    const ByteRange range{body.offset(), body.end_offset()};
    validator_.set_offset(range.begin);
    switch (id) {
      case kCustom: custom(body, out); return;
      case kCoreModule: core_module(range); return;
      case kComponent: nested_component(range); return;
      case kCoreInstance: each(body, [&] { core_instance(body); }); break;
      case kCoreType: each(body, [&] { core_type(body); }); break;
      case kInstance: each(body, [&] { instance(body); }); break;
      case kAlias: each(body, [&] { alias(body, false); }); break;
      case kType: each(body, [&] { type(body); }); break;
      case kCanon: each(body, [&] { canon(body); }); break;
      case kImport: each(body, [&] { import(body); }); break;
      case kExport: each(body, [&] { export_(body); }); break;
      case kStart: start(body); break;
      case kValue: each(body, [&] { value(body); }); break;
      default: UNREACHABLE_CASE("section");
    }
    body.expect_end();
  }

  // vec(item); the validator's messages point at the item.
  template <typename Item>
  void each(Reader& in, Item&& item, const char* what = "items of a section") {
    const uint32_t count = in.count(limit::kItems, what);
    for (uint32_t i = 0; i < count && sink_.ok(); i++) {
      validator_.set_offset(in.offset());
      item();
    }
  }

  void custom(Reader& in, Component& out) {
    std::string_view name = in.name();
    if (!sink_.ok() || name != "component-name") return;
    // Need not be well-formed: read with an error sink of its own.
    ErrorSink ignored;
    Reader names(*bytes_, {in.offset(), in.end_offset()}, ignored);
    if (names.byte() != 0) return;
    Reader body = names.sub(names.u32());
    std::string_view component_name = body.name();
    if (ignored.ok()) out.name = component_name;
  }

  // --- Core modules, instances and types ---

  void core_module(ByteRange range) {
    auto module = decode_module(bytes_, range);
    if (!module) {
      InputError& error = module.error();
      return sink_.report(error.fault, error.offset, std::move(error.message));
    }
    validator_.core_module(std::move(*module));
  }

  void nested_component(ByteRange range) {
    std::shared_ptr<const Component> nested = component(range);
    if (sink_.ok()) validator_.nested_component(std::move(nested));
  }

  void core_instance(Reader& in) {
    const uint8_t form = in.byte();
    if (form == 0x00) {
      const uint32_t module = in.u32();
      std::vector<std::pair<std::string, uint32_t>> args;
      vec(in, "instantiation arguments", [&] {
        std::string name(in.name());
        const size_t at = in.offset();
        if (in.byte() != static_cast<uint8_t>(CoreSort::Instance)) {
          in.malformed_at(at, "invalid leading byte for instantiation arg kind");
        }
        const uint32_t index = in.u32();
        args.emplace_back(std::move(name), index);
      });
      if (sink_.ok()) validator_.core_instantiate(module, std::move(args));
    } else if (form == 0x01) {
      std::vector<NamedSortIndex> exports;
      vec(in, "exports", [&] {
        NamedSortIndex item;
        item.name = in.name();
        item.item.sort = Sort::Core;
        item.item.core = core_sort(in);
        item.item.index = in.u32();
        exports.push_back(std::move(item));
      });
      if (sink_.ok()) validator_.core_inline_exports(std::move(exports));
    } else {
      in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for core instance", form);
    }
  }

  CoreSort core_sort(Reader& in) {
    const uint8_t sort = in.byte();
    if (sort > 0x04 && (sort < 0x10 || sort > 0x12)) in.malformed_at(in.offset() - 1, "invalid core sort {:#x}", sort);
    return static_cast<CoreSort>(sort);
  }

  void core_type(Reader& in) {
    constexpr uint8_t kModuleType = 0x50, kSubPrefix = 0x00;
    if (in.peek() == kModuleType) {
      in.byte();
      return core_module_type(in);
    }
    if (in.peek() == kSubPrefix) {
      in.byte();
      if (in.peek() != 0x50) return in.malformed("expected a subtype behind 0x00");
    }
    read_rec_type(in, validator_.core_types());
    validator_.core_types_read();
  }

  // A scope of its own, with core types only; it ends with what it declares.
  void core_module_type(Reader& in) {
    ComponentTypeDef out;
    std::vector<TypeDef> types;
    vec(in, "declarators", [&] {
      validator_.set_offset(in.offset());
      const uint8_t form = in.byte();
      if (form == 0x00) {
        std::string module(in.name());
        std::string name(in.name());
        out.core_imports.push_back(core_extern(in, types, std::move(module), std::move(name)));
      } else if (form == 0x01) {
        if (in.peek() == 0x50) return in.invalid_at(in.offset(), "module types cannot define module types");
        if (in.peek() == 0x00) in.byte();
        read_rec_type(in, types);
        if (types.size() > limit::kItems) in.unsupported_at(in.offset(), "too many core types");
      } else if (form == 0x02) {
        core_alias(in, types);
      } else if (form == 0x03) {
        std::string name(in.name());
        out.core_exports.push_back(core_extern(in, types, "", std::move(name)));
      } else {
        in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for module type declaration", form);
      }
    });
    if (sink_.ok()) validator_.core_module_type(std::move(out));
  }

  void core_alias(Reader& in, std::vector<TypeDef>& types) {
    const size_t at = in.offset();
    if (in.byte() != static_cast<uint8_t>(CoreSort::Type) || in.byte() != 0x01) {
      return in.malformed_at(at, "malformed alias in a module type");
    }
    const uint32_t count = in.u32();
    const uint32_t index = in.u32();
    if (!sink_.ok()) return;
    const TypeDef* found = validator_.outer_core_type(count, index);
    if (!found) return;
    TypeDef type = *found;
    type.supertype.reset();
    type.rec_group = static_cast<uint32_t>(types.size());
    type.rec_group_size = 1;
    types.push_back(std::move(type));
  }

  CoreExternDecl core_extern(Reader& in, std::span<const TypeDef> types, std::string module, std::string name) {
    CoreExternDecl decl;
    decl.module = std::move(module);
    decl.name = std::move(name);
    decl.kind = read_extern_kind(in, "import");
    if (!sink_.ok()) return decl;
    const auto type_count = static_cast<uint32_t>(types.size());
    switch (decl.kind) {
      case ExternKind::Func: {
        const uint32_t index = in.u32();
        if (index >= type_count) {
          in.invalid("unknown type {}: type index out of bounds", index);
        } else if (types[index].kind != CompositeKind::Func) {
          in.invalid("type index {} is not a function type", index);
        } else {
          decl.canonical_id = types[index].canonical_id;
          decl.func = canonical_func_type(decl.canonical_id);
        }
        break;
      }
      case ExternKind::Tag: {
        const TagType tag = read_tag_type(in, types);
        if (sink_.ok()) {
          decl.canonical_id = types[tag.type].canonical_id;
          decl.func = canonical_func_type(decl.canonical_id);
        }
        break;
      }
      case ExternKind::Table:
        decl.table = read_table_type(in, type_count);
        if (sink_.ok()) decl.table.element = canonical(types, decl.table.element);
        break;
      case ExternKind::Memory: decl.memory = read_memory_type(in); break;
      case ExternKind::Global:
        decl.global = read_global_type(in, type_count);
        if (sink_.ok()) decl.global.type = canonical(types, decl.global.type);
        break;
    }
    return decl;
  }

  // --- Component instances and aliases ---

  Sort sort(Reader& in, CoreSort& core) {
    const size_t at = in.offset();
    const uint8_t b = in.byte();
    if (b > 0x05) in.malformed_at(at, "invalid leading byte ({:#x}) for component external kind", b);
    if (b == 0x00) core = core_sort(in);
    return static_cast<Sort>(b);
  }

  SortIndex sort_index(Reader& in) {
    SortIndex out;
    out.sort = sort(in, out.core);
    out.index = in.u32();
    return out;
  }

  void instance(Reader& in) {
    const uint8_t form = in.byte();
    if (form == 0x00) {
      const uint32_t component = in.u32();
      std::vector<NamedSortIndex> args;
      vec(in, "instantiation arguments", [&] {
        std::string name(in.name());
        args.push_back({std::move(name), sort_index(in)});
      });
      if (sink_.ok()) validator_.instantiate(component, std::move(args));
    } else if (form == 0x01) {
      std::vector<Validator::InlineExport> exports;
      vec(in, "exports", [&] {
        Validator::ExternLabel label = name_attributes(in);
        exports.push_back({std::move(label), sort_index(in)});
      });
      if (sink_.ok()) validator_.inline_exports(std::move(exports));
    } else {
      in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for instance", form);
    }
  }

  void alias(Reader& in, bool in_type) {
    const size_t at = in.offset();
    CoreSort core = CoreSort::Module;
    const Sort item = sort(in, core);
    const uint8_t target = in.byte();
    if (!sink_.ok()) return;
    switch (target) {
      case 0x00: {
        const uint32_t instance = in.u32();
        std::string name(in.name());
        if (!sink_.ok()) return;
        return validator_.alias_export(item, core, instance, std::move(name));
      }
      case 0x01: {
        if (item != Sort::Core) return in.malformed_at(at, "an alias of a core export must have a core sort");
        const uint32_t instance = in.u32();
        std::string name(in.name());
        if (!sink_.ok()) return;
        if (in_type) return in.invalid_at(at, "aliases in types may only refer to types or instances");
        return validator_.alias_core_export(core, instance, std::move(name));
      }
      case 0x02: {
        bool is_outer_sort = item == Sort::Type || item == Sort::Component ||
                             (item == Sort::Core && (core == CoreSort::Module || core == CoreSort::Type));
        if (!is_outer_sort) return in.malformed_at(at, "invalid leading byte for component outer alias kind");
        const uint32_t count = in.u32();
        const uint32_t index = in.u32();
        if (sink_.ok()) validator_.alias_outer(item, core, count, index);
        return;
      }
      default: in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for alias", target);
    }
  }

  // --- Types ---

  template <typename Item>
  void vec(Reader& in, const char* what, Item&& item) {
    const uint32_t count = in.count(limit::kItems, what);
    for (uint32_t i = 0; i < count && sink_.ok(); i++) item();
  }

  static bool primitive_kind(uint8_t b, TypeKind& kind) {
    constexpr TypeKind kByOpcode[] = {TypeKind::String, TypeKind::Char, TypeKind::F64, TypeKind::F32, TypeKind::U64,
                                      TypeKind::S64,    TypeKind::U32,  TypeKind::S32, TypeKind::U16, TypeKind::S16,
                                      TypeKind::U8,     TypeKind::S8,   TypeKind::Bool};
    if (b >= 0x73 && b <= 0x7f) {
      kind = kByOpcode[b - 0x73];
      return true;
    }
    kind = TypeKind::ErrorContext;
    return b == 0x64;
  }

  TypeId val_type(Reader& in) {
    const size_t at = in.offset();
    const int64_t code = in.s33();
    if (!sink_.ok()) return kNoType;
    if (code >= 0) return validator_.value_type_at(static_cast<uint32_t>(code));
    TypeKind kind;
    if (code >= -0x40 && primitive_kind(static_cast<uint8_t>(code & 0x7f), kind)) return validator_.primitive(kind);
    in.malformed_at(at, "invalid value type");
    return kNoType;
  }

  bool present(Reader& in, const char* what) {
    const uint8_t b = in.byte();
    if (b > 1) in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for {}", b, what);
    return b == 1;
  }
  // An immediate that must be 0 since component-model#716 (2026-08-29); Binary.md of before has it as `cancel?`.
  void not_cancellable(Reader& in) {
    if (present(in, "cancellable")) in.malformed_at(in.offset() - 1, "invalid leading byte (0x1) for zero byte");
  }
  TypeId optional_val_type(Reader& in) { return present(in, "optional value type") ? val_type(in) : kNoType; }

  void type(Reader& in) {
    constexpr uint8_t kResource = 0x3f, kFunc = 0x40, kComponentType = 0x41, kInstanceType = 0x42, kAsyncFunc = 0x43;
    const size_t at = in.offset();
    const uint8_t form = in.byte();
    if (!sink_.ok()) return;
    switch (form) {
      case kResource: {
        const ValType rep = read_val_type(in, 0);
        std::optional<uint32_t> dtor;
        if (present(in, "resource destructor")) dtor = in.u32();
        if (sink_.ok()) validator_.resource_type(rep, dtor);
        return;
      }
      case kFunc:
      case kAsyncFunc: {
        ComponentTypeDef func;
        func.kind = TypeKind::Func;
        func.is_async = form == kAsyncFunc;
        labelled_types(in, func.parts);
        func.element = result_list(in);
        return define(in, at, validator_.ok() ? validator_.func_type(std::move(func)) : kNoType);
      }
      case kComponentType: return define(in, at, declarators(in, Validator::ScopeKind::ComponentType));
      case kInstanceType: return define(in, at, declarators(in, Validator::ScopeKind::InstanceType));
      default: return define(in, at, defined_value_type(in, form));
    }
  }

  void define(Reader&, size_t at, TypeId type) {
    validator_.set_offset(at);
    validator_.define_type(type);
  }

  void labelled_types(Reader& in, std::vector<NamedType>& out) {
    vec(in, "labels", [&] {
      std::string label(in.name());
      TypeId type = val_type(in);
      out.push_back({std::move(label), type});
    });
  }

  // resultlist: 0x00 valtype, or 0x01 0x00 for none.
  TypeId result_list(Reader& in) {
    const uint8_t form = in.byte();
    if (form == 0x00) return val_type(in);
    if (form != 0x01) {
      in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for component function results", form);
    } else if (in.byte() != 0x00) {
      in.malformed_at(in.offset() - 1, "invalid number of results");
    }
    return kNoType;
  }

  TypeId defined_value_type(Reader& in, uint8_t form) {
    ComponentTypeDef out;
    if (primitive_kind(form, out.kind)) return validator_.value_type(std::move(out));
    switch (form) {
      case 0x72:
        out.kind = TypeKind::Record;
        labelled_types(in, out.parts);
        break;
      case 0x71:
        out.kind = TypeKind::Variant;
        vec(in, "cases", [&] {
          std::string label(in.name());
          TypeId payload = optional_val_type(in);
          if (in.byte() != 0) in.malformed_at(in.offset() - 1, "zero byte required behind a case");
          out.parts.push_back({std::move(label), payload});
        });
        break;
      case 0x70:
        out.kind = TypeKind::List;
        out.element = val_type(in);
        break;
      case 0x67:
        out.kind = TypeKind::FixedList;
        out.element = val_type(in);
        out.length = in.u32();
        break;
      case 0x6f:
        out.kind = TypeKind::Tuple;
        vec(in, "tuple elements", [&] { out.parts.push_back({"", val_type(in)}); });
        break;
      case 0x6e:
      case 0x6d:
        out.kind = form == 0x6e ? TypeKind::Flags : TypeKind::Enum;
        vec(in, "labels", [&] { out.parts.push_back({std::string(in.name()), kNoType}); });
        break;
      case 0x6b:
        out.kind = TypeKind::Option;
        out.element = val_type(in);
        break;
      case 0x6a:
        out.kind = TypeKind::Result;
        out.element = optional_val_type(in);
        out.second = optional_val_type(in);
        break;
      case 0x69:
      case 0x68: {
        const uint32_t resource = in.u32();
        if (!sink_.ok()) return kNoType;
        return validator_.handle_type(form == 0x69 ? TypeKind::Own : TypeKind::Borrow, resource);
      }
      case 0x66:
      case 0x65:
        out.kind = form == 0x66 ? TypeKind::Stream : TypeKind::Future;
        out.element = optional_val_type(in);
        break;
      case 0x63:
        out.kind = TypeKind::Map;
        out.element = val_type(in);
        out.second = val_type(in);
        break;
      default:
        in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for component defined type", form);
        return kNoType;
    }
    return sink_.ok() ? validator_.value_type(std::move(out)) : kNoType;
  }

  // componenttype, instancetype
  TypeId declarators(Reader& in, Validator::ScopeKind kind) {
    validator_.open(kind);
    each(in, [&] { declarator(in, kind); }, "declarators");
    return validator_.close();
  }

  void declarator(Reader& in, Validator::ScopeKind kind) {
    const size_t at = in.offset();
    const uint8_t form = in.byte();
    if (!sink_.ok()) return;
    validator_.set_offset(in.offset());
    switch (form) {
      case 0x00: return core_type(in);
      case 0x01: return type(in);
      case 0x02: return alias(in, true);
      case 0x03: {
        if (kind != Validator::ScopeKind::ComponentType) break;
        Validator::ExternLabel label = name_attributes(in);
        const Validator::ExternType type = extern_type(in);
        if (sink_.ok()) validator_.import_(std::move(label), type);
        return;
      }
      case 0x04: {
        Validator::ExternLabel label = name_attributes(in);
        const Validator::ExternType type = extern_type(in);
        if (sink_.ok()) validator_.export_decl(std::move(label), type);
        return;
      }
      default: break;
    }
    in.malformed_at(at, "invalid leading byte ({:#x}) for a declarator", form);
  }

  // --- Imports and exports ---

  Validator::ExternLabel name_attributes(Reader& in) {
    Validator::ExternLabel out;
    const uint8_t form = in.byte();
    if (form > 0x02) in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for component name", form);
    out.name = in.name();
    if (form != 0x02) return out;
    vec(in, "attributes", [&] {
      const size_t at = in.offset();
      const uint8_t kind = in.byte();
      std::optional<std::string>* field = kind == 0x00   ? &out.attributes.implements
                                          : kind == 0x01 ? &out.attributes.version_suffix
                                          : kind == 0x02 ? &out.attributes.external_id
                                                         : nullptr;
      if (!field) return in.malformed_at(at, "invalid leading byte ({:#x}) for name option", kind);
      if (*field) in.invalid_at(at, "duplicate option in name");
      *field = std::string(in.name());
    });
    return out;
  }

  Validator::ExternType extern_type(Reader& in) {
    Validator::ExternType out;
    const size_t at = in.offset();
    const uint8_t form = in.byte();
    if (!sink_.ok()) return out;
    switch (form) {
      case 0x00:
        out.sort = ExternSort::CoreModule;
        if (in.byte() != 0x11) in.malformed_at(at, "invalid leading byte for component external kind");
        out.type = core_module_type_index(in);
        return out;
      case 0x01:
        out.sort = ExternSort::Func;
        out.type = type_index(in, TypeKind::Func);
        return out;
      case 0x02: {
        out.sort = ExternSort::Value;
        const uint8_t bound = in.byte();
        if (bound > 1) in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for value bound", bound);
        if (bound == 1) {
          out.type = val_type(in);
        } else if (const uint32_t index = in.u32(); sink_.ok()) {
          out.type = validator_.type_of_value_at(index);
        }
        return out;
      }
      case 0x03: {
        out.sort = ExternSort::Type;
        const uint8_t bound = in.byte();
        if (bound > 1) in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for type bound", bound);
        out.is_sub_resource = bound == 1;
        if (bound != 0) return out;
        const uint32_t index = in.u32();
        if (sink_.ok()) out.type = validator_.type_at(index);
        return out;
      }
      case 0x04:
        out.sort = ExternSort::Component;
        out.type = type_index(in, TypeKind::Component);
        return out;
      case 0x05:
        out.sort = ExternSort::Instance;
        out.type = type_index(in, TypeKind::Instance);
        return out;
      default: in.malformed_at(at, "invalid leading byte ({:#x}) for component external kind", form); return out;
    }
  }
  TypeId type_index(Reader& in, TypeKind kind) {
    const uint32_t index = in.u32();
    return sink_.ok() ? validator_.type_at(index, kind) : kNoType;
  }
  TypeId core_module_type_index(Reader& in) {
    const uint32_t index = in.u32();
    return sink_.ok() ? validator_.core_module_type_at(index) : kNoType;
  }

  void import(Reader& in) {
    Validator::ExternLabel label = name_attributes(in);
    const Validator::ExternType type = extern_type(in);
    if (sink_.ok()) validator_.import_(std::move(label), type);
  }

  void export_(Reader& in) {
    Validator::ExternLabel label = name_attributes(in);
    const SortIndex item = sort_index(in);
    std::optional<Validator::ExternType> ascribed;
    if (present(in, "optional component export type")) ascribed = extern_type(in);
    if (sink_.ok()) validator_.export_(std::move(label), item, ascribed);
  }

  // --- Values ---

  void value(Reader& in) {
    const TypeId type = val_type(in);
    const uint32_t size = in.u32();
    if (size == kLiteralToCome && literal_to_come_ != nullptr) {
      const uint32_t number = in.u32();
      if (sink_.ok()) (*literal_to_come_)(number, *validator_.types(), type);
      return validator_.value(type, {});
    }
    Reader literal = in.sub(size);
    if (!sink_.ok()) return;
    const ByteRange contents{literal.offset(), literal.end_offset()};
    read_value(literal, *validator_.types(), type);
    literal.expect_end();
    if (sink_.ok()) validator_.value(type, contents);
  }

  void start(Reader& in) {
    const uint32_t func = in.u32();
    std::vector<uint32_t> args;
    vec(in, "arguments of the start function", [&] { args.push_back(in.u32()); });
    const uint32_t results = in.u32();
    if (sink_.ok()) validator_.start(func, std::move(args), results);
  }

  // --- Canonical definitions ---

  std::vector<Validator::Option> options(Reader& in) {
    using Kind = Validator::Option::Kind;
    std::vector<Validator::Option> out;
    vec(in, "canonical options", [&] {
      const uint8_t kind = in.byte();
      if (kind > static_cast<uint8_t>(Kind::Callback)) {
        return in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for canonical option", kind);
      }
      Validator::Option option{.kind = static_cast<Kind>(kind)};
      bool has_index = option.kind == Kind::Memory || option.kind == Kind::Realloc || option.kind == Kind::PostReturn ||
                       option.kind == Kind::Callback;
      if (has_index) option.index = in.u32();
      out.push_back(option);
    });
    return out;
  }

  void canon(Reader& in) {
    const size_t at = in.offset();
    const uint8_t opcode = in.byte();
    if (!sink_.ok()) return;
    if (opcode == 0x00 || opcode == 0x01) {
      if (in.byte() != 0x00) return in.malformed_at(at, "invalid sort of a canonical definition");
      const uint32_t func = in.u32();
      std::vector<Validator::Option> opts = options(in);
      const uint32_t type = opcode == 0x00 ? in.u32() : 0;
      if (!sink_.ok()) return;
      return opcode == 0x00 ? validator_.canon_lift(func, opts, type) : validator_.canon_lower(func, opts);
    }
    CanonBuiltin builtin;
    switch (opcode) {
#define CANON(name, code, text) \
  case code: builtin = CanonBuiltin::name; break;
#include "frontend/canon.def"
#undef CANON
      default: return in.malformed_at(at, "invalid leading byte ({:#x}) for canonical function", opcode);
    }
    canon_builtin(in, builtin);
  }

  // The built-in would have a shared function type, which core modules cannot have yet.
  void not_shared(Reader& in) {
    const size_t at = in.offset();
    if (present(in, "shared")) in.unsupported_at(at, "not supported yet: shared functions (shared-everything threads)");
  }

  void canon_builtin(Reader& in, CanonBuiltin builtin) {
    using enum CanonBuiltin;
    switch (builtin) {
      case ResourceNew:
      case ResourceDrop:
      case ResourceRep: {
        const uint32_t type = in.u32();
        if (sink_.ok()) validator_.canon_resource(builtin, type);
        return;
      }
      case TaskReturn: {
        const TypeId result = result_list(in);
        std::vector<Validator::Option> opts = options(in);
        if (sink_.ok()) validator_.canon_task_return(result, opts);
        return;
      }
      case ContextGet:
      case ContextSet: {
        const ValType type = read_val_type(in, 0);
        const uint32_t slot = in.u32();
        if (sink_.ok()) validator_.canon_context(builtin, type, slot);
        return;
      }
      case StreamRead:
      case StreamWrite:
      case FutureRead:
      case FutureWrite: {
        const uint32_t type = in.u32();
        std::vector<Validator::Option> opts = options(in);
        if (sink_.ok()) validator_.canon_stream_or_future(builtin, type, opts, false);
        return;
      }
      case StreamCancelRead:
      case StreamCancelWrite:
      case FutureCancelRead:
      case FutureCancelWrite: {
        const uint32_t type = in.u32();
        const bool is_async = present(in, "async");
        if (sink_.ok()) validator_.canon_stream_or_future(builtin, type, {}, is_async);
        return;
      }
      case StreamNew:
      case StreamDropReadable:
      case StreamDropWritable:
      case FutureNew:
      case FutureDropReadable:
      case FutureDropWritable: {
        const uint32_t type = in.u32();
        if (sink_.ok()) validator_.canon_stream_or_future(builtin, type, {}, false);
        return;
      }
      case ErrorContextNew:
      case ErrorContextDebugMessage: {
        std::vector<Validator::Option> opts = options(in);
        if (sink_.ok()) validator_.canon_error_context(builtin, opts);
        return;
      }
      case WaitableSetWait:
      case WaitableSetPoll: {
        not_cancellable(in);
        const uint32_t memory = in.u32();
        if (sink_.ok()) validator_.canon_waitable_set(builtin, memory);
        return;
      }
      case ThreadNewIndirect:
      case ThreadSpawnIndirect:
      case ThreadSpawnRef: {
        if (builtin != ThreadNewIndirect) not_shared(in);
        const uint32_t type = in.u32();
        const uint32_t table = builtin != ThreadSpawnRef ? in.u32() : 0;
        if (sink_.ok()) validator_.canon_thread_start(builtin, type, table);
        return;
      }
      case ThreadAvailableParallelism:
        not_shared(in);
        if (sink_.ok()) validator_.canon_simple(builtin, false);
        return;
      case SubtaskCancel: {
        const bool is_async = present(in, "async");
        if (sink_.ok()) validator_.canon_simple(builtin, is_async);
        return;
      }
      case ThreadYield:
      case ThreadSuspend:
      case ThreadSuspendThenResume:
      case ThreadYieldThenResume:
      case ThreadSuspendThenPromote:
      case ThreadYieldThenPromote:
        not_cancellable(in);
        if (sink_.ok()) validator_.canon_simple(builtin, false);
        return;
      default:
        if (sink_.ok()) validator_.canon_simple(builtin, false);
    }
  }

  std::shared_ptr<const Bytes> bytes_;
  const LiteralToCome* literal_to_come_;
  ErrorSink sink_;
  Validator validator_;
};

}  // namespace

static Parsed<std::shared_ptr<const Component>> decode(std::shared_ptr<const Bytes> bytes,
                                                       const LiteralToCome* literal_to_come) {
  if (bytes->size() > UINT32_MAX) {
    return std::unexpected(InputError{.fault = InputFault::Unsupported, .message = "components beyond 4 GiB"});
  }
  return ComponentDecoder(std::move(bytes), literal_to_come).run();
}

Parsed<std::shared_ptr<const Component>> decode_component(std::shared_ptr<const Bytes> bytes) {
  return decode(std::move(bytes), nullptr);
}

Parsed<std::shared_ptr<const Component>> decode_component(std::shared_ptr<const Bytes> bytes,
                                                          const LiteralToCome& literal_to_come) {
  return decode(std::move(bytes), &literal_to_come);
}

}  // namespace wjit

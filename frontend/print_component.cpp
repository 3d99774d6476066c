// Components as text: sections, instances, aliases, canonical definitions. The class is in frontend/print_component.h,
// types are in frontend/print_component_types.cpp. Binary.md, "Component Definitions" to "Canonical Definitions".
#include "frontend/print_component.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "frontend/component.h"
#include "frontend/decoder.h"
#include "frontend/decoder_types.h"
#include "frontend/print_module.h"

namespace wjit {

Parsed<std::string> print_text(const Bytes& bytes, const PrintOptions& options) {
  std::string text;
  ErrorSink sink;
  print::Lines out(text);
  if (bytes.size() > UINT32_MAX) {
    return std::unexpected(InputError{.fault = InputFault::Unsupported, .message = "files beyond 4 GiB"});
  }
  const ByteRange all{0, static_cast<uint32_t>(bytes.size())};
  switch (classify(bytes)) {
    case BinaryKind::Module:
      print::ModulePrinter(bytes, all, options, sink, out).print("module", "", std::nullopt);
      break;
    case BinaryKind::Component: print::ComponentPrinter(bytes, options, sink, out).print(all, "", std::nullopt); break;
    case BinaryKind::NotWasm: sink.report(InputFault::Malformed, 0, "neither a module nor a component"); break;
  }
  if (!sink.ok()) return std::unexpected(sink.take());
  return text;
}

namespace print {
namespace {

using component_text::Space;

// Deep enough for all that the validator accepts.
constexpr size_t kMaxNesting = 100;

struct BuiltinRow {
  CanonBuiltin builtin;
  uint8_t code;
  std::string_view name;
};
constexpr BuiltinRow kBuiltins[] = {
#define CANON(builtin, code, name) {CanonBuiltin::builtin, code, name},
#include "frontend/canon.def"
#undef CANON
};

// The sort that the bytes of a sort mean; `sort` 0 with the byte of a core sort behind it.
std::optional<Space> find_space(uint8_t sort, uint8_t core_sort) {
  for (size_t i = 0; i < component_text::kSpaceCount; ++i) {
    const auto space = static_cast<Space>(i);
    Writer encoded;
    write_sort(space, encoded);
    const std::span<const uint8_t> bytes = encoded.span();
    if (bytes[0] == sort && (bytes.size() == 1 || bytes[1] == core_sort)) return space;
  }
  return std::nullopt;
}

}  // namespace

// --- components and sections ---

void ComponentPrinter::print(ByteRange range, std::string_view head, std::optional<std::string_view> outer_name) {
  Reader in(bytes_, range, sink_);
  if (scopes_.size() >= kMaxNesting) return in.unsupported_at(range.begin, "nested more than {} deep", kMaxNesting);
  scopes_.emplace_back();
  scope().names = find_names(range);
  const std::optional<std::string>& own = scope().names.own;
  for (size_t i = 0; i < component_text::kSpaceCount; ++i) {
    scope().ids[i] = Ids(scope().names.maps[i], component_text::words(static_cast<Space>(i)));
  }
  std::string text = "(component" + std::string(head);
  if (head.empty() && own) text += " " + Ids({{0, *own}}, "component").definition(0);
  if (text.ends_with(' ')) text.pop_back();
  if (!head.empty() && own != outer_name) {
    text += own ? fmt::format(" (@own-name {})", quote_name(*own)) : " (@own-name)";
  }
  out_.open(text);
  in.take(8);  // the preamble: who calls has looked at it
  uint8_t last = 0;
  while (sink_.ok() && !in.at_end()) {
    const size_t at = in.offset();
    const uint8_t id = in.byte();
    Reader content = in.sub(in.u32());
    if (!sink_.ok()) break;
    if (id > static_cast<uint8_t>(Section::Value)) return in.malformed_at(at, "malformed section id: {}", id);
    const auto kind = static_cast<Section>(id);
    const bool is_single = kind == Section::CoreModule || kind == Section::Component || kind == Section::Start;
    const bool is_empty = id != 0 && !is_single && content.remaining() == 1 && content.peek() == 0;
    if (is_empty) {
      out_.line(fmt::format("(@section {})", component_text::words(kind)));
    } else if (id == last && id != 0 && !is_single) {
      out_.line("(@section)");
    }
    section(kind, content);
    if (id != 0) last = id;
  }
  out_.close();
  scopes_.pop_back();
}

// The name section of a component, which its text is assembled to again when all of it becomes ids.
ComponentPrinter::Names ComponentPrinter::find_names(ByteRange range) {
  Names names;
  ErrorSink ignored;
  Reader in(bytes_, range, ignored);
  in.take(8);
  while (ignored.ok() && !in.at_end()) {
    const uint8_t id = in.byte();
    Reader content = in.sub(in.u32());
    if (id != 0) names.is_last = false;
    if (id != 0 || !ignored.ok() || content.name() != "component-name") continue;
    names = Names();
    names.is_last = true;
    ErrorSink sink;
    Reader parts(bytes_, {content.offset(), content.end_offset()}, sink);
    while (sink.ok() && !parts.at_end()) {
      const uint8_t kind = parts.byte();
      Reader part = parts.sub(parts.u32());
      if (!sink.ok()) break;
      if (kind == 0) {
        names.own = std::string(part.name());
      } else if (kind == 1) {
        const uint8_t sort = part.byte();
        const auto space = find_space(sort, sort == 0 ? part.byte() : 0);
        if (!space) break;
        NameMap& map = names.maps[static_cast<size_t>(*space)];
        const uint32_t count = part.count(UINT32_MAX, "names");
        for (uint32_t i = 0; i < count && sink.ok(); ++i) {
          const uint32_t index = part.u32();
          if (!map.empty() && index <= map.back().first) part.malformed("names out of order");
          map.emplace_back(index, part.name());
          ++names.count;
        }
      }
    }
    names.found = sink.ok();
    if (!names.found) names = Names();
  }
  return names;
}

void ComponentPrinter::section(Section id, Reader& in) {
  const ByteRange range{in.offset(), in.end_offset()};
  switch (id) {
    case Section::Custom: custom(in); break;
    case Section::CoreModule: return core_module(range);
    case Section::Component: return nested_component(range);
    case Section::CoreInstance: each(in, [&] { core_instance(in); }); break;
    case Section::CoreType: each(in, [&] { core_type(in); }); break;
    case Section::Instance: each(in, [&] { instance(in); }); break;
    case Section::Alias: each(in, [&] { alias(in); }); break;
    case Section::Type: each(in, [&] { type(in); }); break;
    case Section::Canon: each(in, [&] { canon(in); }); break;
    case Section::Start: start(in); break;
    case Section::Import: each(in, [&] { import(in); }); break;
    case Section::Export: each(in, [&] { export_(in); }); break;
    case Section::Value: each(in, [&] { value(in); }); break;
  }
  if (sink_.ok()) in.expect_end();
}

template <typename Entry>
void ComponentPrinter::each(Reader& in, Entry&& entry) {
  const uint32_t count = in.count(limit::kItems, "items of a section");
  for (uint32_t i = 0; i < count && sink_.ok(); ++i) entry();
}

// What stands behind the keyword of the next definition: `$x (;3;)`.
std::string ComponentPrinter::head(Space space) {
  Scope& s = scope();
  const auto at = static_cast<size_t>(space);
  const uint32_t index = s.counts[at]++;
  if (!s.ids[at].id(index).empty()) ++s.defined_names;
  return definition_head(s.ids[at], index);
}

bool ComponentPrinter::present(Reader& in, const char* what) {
  const uint8_t b = in.byte();
  if (b > 1) in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for {}", b, what);
  return b == 1;
}

void ComponentPrinter::not_cancellable(Reader& in) {
  if (present(in, "cancellable")) in.malformed_at(in.offset() - 1, "invalid leading byte (0x1) for zero byte");
}

// A custom section stands where it stands among the definitions; (after last) is behind the name section.
void ComponentPrinter::custom(Reader& in) {
  const std::string_view name = in.name();
  const ByteRange range = in.take(static_cast<uint32_t>(in.remaining()));
  if (!in.ok()) return;
  const std::span<const uint8_t> contents = bytes_.subspan(range.begin, range.end - range.begin);
  Scope& s = scope();
  if (name == "component-name" && s.names.found && s.names.is_last && !contents.empty() &&
      s.defined_names == s.names.count) {
    const Writer again =
        component_text::component_names(s.names.own.has_value(), s.names.own.value_or(""), s.names.maps);
    if (std::ranges::equal(again.span(), contents)) {
      s.behind_names = true;
      return;
    }
  }
  out_.line(custom_annotation(name, s.behind_names ? "(after last)" : "", contents));
}

// --- modules, components, instances ---

void ComponentPrinter::core_module(ByteRange range) {
  const std::span<const uint8_t> bytes = bytes_.subspan(range.begin, range.end - range.begin);
  Reader in(bytes_, range, sink_);
  if (classify(bytes) != BinaryKind::Module) return in.malformed_at(range.begin, "not a core module");
  const uint32_t index = scope().counts[static_cast<size_t>(Space::CoreModule)];
  const std::string text = " " + head(Space::CoreModule);
  std::optional<std::string_view> name;
  for (const auto& [at, known] : scope().names.maps[static_cast<size_t>(Space::CoreModule)]) {
    if (at == index) name = known;
  }
  ModulePrinter(bytes_, range, options_, sink_, out_).print("core module", text, name);
}

void ComponentPrinter::nested_component(ByteRange range) {
  const std::span<const uint8_t> bytes = bytes_.subspan(range.begin, range.end - range.begin);
  Reader in(bytes_, range, sink_);
  if (classify(bytes) != BinaryKind::Component) return in.malformed_at(range.begin, "not a component");
  const uint32_t index = scope().counts[static_cast<size_t>(Space::Component)];
  const std::string text = " " + head(Space::Component);
  std::optional<std::string> name;
  for (const auto& [at, known] : scope().names.maps[static_cast<size_t>(Space::Component)]) {
    if (at == index) name = known;
  }
  print(range, text, name);
}

std::optional<Space> ComponentPrinter::sort(Reader& in, bool in_core) {
  const size_t at = in.offset();
  const uint8_t first = in_core ? uint8_t{0} : in.byte();
  const auto space = find_space(first, first == 0 ? in.byte() : 0);
  if (!space && in.ok()) in.malformed_at(at, "invalid sort");
  return in.ok() ? space : std::nullopt;
}

// `(func 3)`, `(core module $m)`; inside core instances without `core`.
std::string ComponentPrinter::sort_index(Reader& in, bool in_core) {
  const auto space = sort(in, in_core);
  if (!space) return {};
  const std::string_view words = in_core ? component_text::keyword(*space) : component_text::words(*space);
  return fmt::format("({} {})", words, ref(*space, in));
}

void ComponentPrinter::core_instance(Reader& in) {
  const uint8_t form = in.byte();
  std::string out;
  if (form == 0x00) {
    out = fmt::format("(instantiate {}", ref(Space::CoreModule, in));
    const uint32_t count = in.count(limit::kItems, "instantiation arguments");
    for (uint32_t i = 0; i < count && in.ok(); ++i) {
      const std::string name = quote_name(in.name());
      if (in.byte() != 0x12) in.malformed_at(in.offset() - 1, "invalid leading byte for instantiation arg kind");
      out += fmt::format(" (with {} (instance {}))", name, ref(Space::CoreInstance, in));
    }
    out += ")";
  } else if (form == 0x01) {
    const uint32_t count = in.count(limit::kItems, "exports");
    for (uint32_t i = 0; i < count && in.ok(); ++i) {
      const std::string name = quote_name(in.name());
      out += fmt::format("{}(export {} {})", i == 0 ? "" : " ", name, sort_index(in, true));
    }
  } else {
    in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for core instance", form);
  }
  if (in.ok()) out_.line(fmt::format("(core instance {}{}{})", head(Space::CoreInstance), out.empty() ? "" : " ", out));
}

void ComponentPrinter::instance(Reader& in) {
  const uint8_t form = in.byte();
  std::string out;
  if (form == 0x00) {
    out = fmt::format("(instantiate {}", ref(Space::Component, in));
    const uint32_t count = in.count(limit::kItems, "instantiation arguments");
    for (uint32_t i = 0; i < count && in.ok(); ++i) {
      const std::string name = quote_name(in.name());
      out += fmt::format(" (with {} {})", name, sort_index(in, false));
    }
    out += ")";
  } else if (form == 0x01) {
    const uint32_t count = in.count(limit::kItems, "exports");
    for (uint32_t i = 0; i < count && in.ok(); ++i) {
      const std::string name = extern_name(in);
      out += fmt::format("{}(export {} {})", i == 0 ? "" : " ", name, sort_index(in, false));
    }
  } else {
    in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for instance", form);
  }
  if (in.ok()) out_.line(fmt::format("(instance {}{}{})", head(Space::Instance), out.empty() ? "" : " ", out));
}

// --- aliases ---

// `(alias core export 0 "memory" (core memory (;0;)))`
std::string ComponentPrinter::alias_text(Reader& in) {
  const auto space = sort(in, scope().kind == ScopeKind::ModuleType);
  if (!space) return {};
  const size_t at = in.offset();
  const uint8_t form = in.byte();
  std::string target;
  const bool outer = form == (scope().kind == ScopeKind::ModuleType ? 0x01 : 0x02);
  if (outer) {
    const uint32_t count = in.u32();
    const uint32_t index = in.u32();
    // The ids of enclosing scopes are not needed: numbers do.
    target = fmt::format("outer {} {}", count, index);
  } else if (form <= 0x01) {
    const std::string from = ref(form == 0 ? Space::Instance : Space::CoreInstance, in);
    target = fmt::format("{}export {} {}", form == 0 ? "" : "core ", from, quote_name(in.name()));
  } else {
    in.malformed_at(at, "invalid leading byte ({:#x}) for alias", form);
  }
  if (!in.ok()) return {};
  const bool in_module = scope().kind == ScopeKind::ModuleType;
  return fmt::format("(alias {} ({} {}))", target,
                     in_module ? component_text::keyword(*space) : component_text::words(*space), head(*space));
}

void ComponentPrinter::alias(Reader& in) {
  const std::string text = alias_text(in);
  if (in.ok()) out_.line(text);
}

// --- canonical definitions ---

std::string ComponentPrinter::canon_options(Reader& in) {
  std::string out;
  const uint32_t count = in.count(limit::kItems, "canonical options");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const uint8_t code = in.byte();
    switch (code) {
      case 0x00: out += " string-encoding=utf8"; break;
      case 0x01: out += " string-encoding=utf16"; break;
      case 0x02: out += " string-encoding=latin1+utf16"; break;
      case 0x03: out += fmt::format(" (memory {})", ref(Space::CoreMemory, in)); break;
      case 0x04: out += fmt::format(" (realloc {})", ref(Space::CoreFunc, in)); break;
      case 0x05: out += fmt::format(" (post-return {})", ref(Space::CoreFunc, in)); break;
      case 0x06: out += " async"; break;
      case 0x07: out += fmt::format(" (callback {})", ref(Space::CoreFunc, in)); break;
      default: in.malformed_at(in.offset() - 1, "invalid leading byte ({:#x}) for canonical option", code);
    }
  }
  return out;
}

void ComponentPrinter::canon(Reader& in) {
  const size_t at = in.offset();
  const uint8_t code = in.byte();
  if (code <= 0x01) {
    if (in.byte() != 0x00) return in.malformed_at(at, "invalid sort of a canonical definition");
    const std::string func = ref(code == 0 ? Space::CoreFunc : Space::Func, in);
    const std::string options = canon_options(in);
    if (code == 0x00) {
      const std::string type = ref(Space::Type, in);
      if (!in.ok()) return;
      return out_.line(
          fmt::format("(func {} (type {}) (canon lift (core func {}){}))", head(Space::Func), type, func, options));
    }
    if (!in.ok()) return;
    return out_.line(fmt::format("(core func {} (canon lower (func {}){}))", head(Space::CoreFunc), func, options));
  }
  const auto row = std::ranges::find(kBuiltins, code, &BuiltinRow::code);
  if (row == std::end(kBuiltins)) {
    if (in.ok()) in.unsupported_at(at, "canonical definition {:#x}", code);
    return;
  }
  const std::string text = canon_builtin(in, code, row->name);
  if (in.ok()) out_.line(fmt::format("(core func {} (canon {}))", head(Space::CoreFunc), text));
}

// A built-in with its immediates.
std::string ComponentPrinter::canon_builtin(Reader& in, uint8_t code, std::string_view name) {
  using enum CanonBuiltin;
  std::string out(name);
  const auto add = [&](const std::string& text) { out += " " + text; };
  const auto flag = [&](const char* word) {
    if (present(in, word)) add(word);
  };
  switch (std::ranges::find(kBuiltins, code, &BuiltinRow::code)->builtin) {
    case TaskCancel:
    case SubtaskDrop:
    case ErrorContextDrop:
    case WaitableSetNew:
    case WaitableSetDrop:
    case WaitableJoin:
    case BackpressureInc:
    case BackpressureDec:
    case ThreadIndex:
    case ThreadResumeLater: break;
    case ResourceNew:
    case ResourceDrop:
    case ResourceRep:
    case StreamNew:
    case StreamDropReadable:
    case StreamDropWritable:
    case FutureNew:
    case FutureDropReadable:
    case FutureDropWritable: add(ref(Space::Type, in)); break;
    case StreamRead:
    case StreamWrite:
    case FutureRead:
    case FutureWrite:
      add(ref(Space::Type, in));
      out += canon_options(in);
      break;
    case StreamCancelRead:
    case StreamCancelWrite:
    case FutureCancelRead:
    case FutureCancelWrite:
      add(ref(Space::Type, in));
      flag("async");
      break;
    case SubtaskCancel: flag("async"); break;
    case TaskReturn:
      out += result_list(in);
      out += canon_options(in);
      break;
    case ContextGet:
    case ContextSet: {
      const ValType type = read_val_type(in, UINT32_MAX);
      add(print::val_type(type, scope().ids[static_cast<size_t>(Space::CoreType)]));
      add(std::to_string(in.u32()));
      break;
    }
    case ErrorContextNew:
    case ErrorContextDebugMessage: out += canon_options(in); break;
    case WaitableSetWait:
    case WaitableSetPoll:
      not_cancellable(in);
      add(fmt::format("(memory {})", ref(Space::CoreMemory, in)));
      break;
    case ThreadYield:
    case ThreadSuspend:
    case ThreadSuspendThenResume:
    case ThreadYieldThenResume:
    case ThreadSuspendThenPromote:
    case ThreadYieldThenPromote: not_cancellable(in); break;
    case ThreadAvailableParallelism: flag("shared"); break;
    case ThreadSpawnRef:
      flag("shared");
      add(ref(Space::CoreType, in));
      break;
    case ThreadSpawnIndirect: flag("shared"); [[fallthrough]];
    case ThreadNewIndirect:
      add(ref(Space::CoreType, in));
      add(fmt::format("(core table {})", ref(Space::CoreTable, in)));
      break;
  }
  return out;
}

void ComponentPrinter::start(Reader& in) {
  std::string out = fmt::format("(start {}", ref(Space::Func, in));
  const uint32_t arguments = in.count(limit::kItems, "arguments");
  for (uint32_t i = 0; i < arguments && in.ok(); ++i) out += fmt::format(" (value {})", ref(Space::Value, in));
  const uint32_t results = in.u32();  // no entries follow
  if (results > limit::kItems) in.unsupported_at(in.offset(), "too many results");
  for (uint32_t i = 0; i < results && in.ok(); ++i) out += fmt::format(" (result (value {}))", head(Space::Value));
  if (in.ok()) out_.line(out + ")");
}

void ComponentPrinter::value(Reader& in) {
  const std::string type = val_type(in);
  Reader literal = in.sub(in.u32());
  if (!in.ok()) return;
  const std::string contents = print::quote_data(bytes_.subspan(literal.offset(), literal.remaining()));
  out_.line(fmt::format("(value {} {} (binary {}))", head(Space::Value), type, contents));
}

// --- imports and exports ---

void ComponentPrinter::import(Reader& in) {
  const std::string name = extern_name(in);
  const std::string type = extern_type(in, true);
  if (in.ok()) out_.line(fmt::format("(import {} {})", name, type));
}

void ComponentPrinter::export_(Reader& in) {
  const std::string name = extern_name(in);
  Reader peek = in;
  const auto space = sort(peek, false);
  const std::string item = sort_index(in, false);
  const std::string type = present(in, "optional component export type") ? " " + extern_type(in, false) : "";
  if (space && in.ok()) out_.line(fmt::format("(export {} {} {}{})", head(*space), name, item, type));
}

}  // namespace print
}  // namespace wjit

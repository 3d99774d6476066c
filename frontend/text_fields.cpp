// The fields of a module other than tables, memories and segments: imports, functions, globals, tags, exports, start.
// The class is in frontend/text_assembler.h.
#include "frontend/text_assembler.h"
#include "frontend/text_types.h"

namespace wjit {
namespace {

std::optional<ExternKind> take_extern_kind(Cursor& c) {
  static constexpr std::pair<std::string_view, ExternKind> kinds[] = {{"func", ExternKind::Func},
                                                                      {"table", ExternKind::Table},
                                                                      {"memory", ExternKind::Memory},
                                                                      {"global", ExternKind::Global},
                                                                      {"tag", ExternKind::Tag}};
  for (auto [keyword, kind] : kinds) {
    if (c.take_open(keyword)) return kind;
  }
  c.unexpected("func, table, memory, global or tag");
  return std::nullopt;
}

}  // namespace

void ModuleAssembler::assemble_import(Cursor& c) {
  Writer& out = imports_.add();
  out.name(c.expect_name());
  out.name(c.expect_name());
  std::optional<ExternKind> kind = take_extern_kind(c);
  if (!kind) return;
  uint32_t index = next_[static_cast<int>(*kind)]++;
  take_named_id(c, extern_names(*kind), index);
  external_type(c, *kind, out);
  c.expect_close();
}

NameMap& ModuleAssembler::extern_names(ExternKind kind) {
  NameMap* maps[] = {&names_.funcs, &names_.tables, &names_.memories, &names_.globals, &names_.tags};
  return *maps[static_cast<size_t>(kind)];
}

// The byte of its kind, then the type of an import.
void ModuleAssembler::external_type(Cursor& c, ExternKind kind, Writer& out) {
  out.byte(static_cast<uint8_t>(kind));
  const IndexSpace& types = context_.types.ids;
  switch (kind) {
    case ExternKind::Func: out.u32(type_use(c)); break;
    case ExternKind::Table: assemble_table_type(c, types, out); break;
    case ExternKind::Memory: assemble_memory_type(c, out); break;
    case ExternKind::Global: assemble_global_type(c, types, out); break;
    case ExternKind::Tag:
      out.byte(0);
      out.u32(type_use(c));
      break;
  }
}

// A type use whose parameter names do not matter, except that they must differ.
uint32_t ModuleAssembler::type_use(Cursor& c) {
  TypeUseText use = parse_type_use(c, context_.types.ids);
  IndexSpace names("parameter");
  for (const auto& name : use.params.names) names.add(c, name);
  return c.failed() ? 0 : context_.types.resolve(c, use);
}

void ModuleAssembler::inline_exports(Cursor& c, ExternKind kind, uint32_t index) {
  while (c.take_open("export")) {
    Writer& out = exports_.add();
    out.name(c.expect_name());
    out.byte(static_cast<uint8_t>(kind));
    out.u32(index);
    c.expect_close();
  }
}

// `(import "m" "n") type`: true when it was there.
bool ModuleAssembler::inline_import(Cursor& c, ExternKind kind) {
  if (!c.take_open("import")) return false;
  Writer& out = imports_.add();
  out.name(c.expect_name());
  out.name(c.expect_name());
  c.expect_close();
  external_type(c, kind, out);
  return true;
}

void ModuleAssembler::assemble_func(Cursor& c) {
  uint32_t index = next_[static_cast<int>(ExternKind::Func)]++;
  take_named_id(c, names_.funcs, index);
  inline_exports(c, ExternKind::Func, index);
  if (inline_import(c, ExternKind::Func)) return;

  TypeUseText use = parse_type_use(c, context_.types.ids);
  if (c.failed()) return;
  uint32_t type = context_.types.resolve(c, use);
  functions_.add().u32(type);
  // Parameters are the first locals; those that only `(type x)` mentions have no names.
  context_.locals.clear();
  context_.label_names.clear();
  context_.label_count = 0;
  NameMap local_names = std::move(use.params.name_map);
  uint32_t param_count =
      use.has_inline ? static_cast<uint32_t>(use.params.names.size()) : context_.types.param_count(type);
  for (uint32_t i = 0; i < param_count; ++i) {
    auto id = i < use.params.names.size() ? use.params.names[i] : std::nullopt;
    context_.locals.add(c, id);
  }

  Writer body;
  assemble_locals(c, local_names, body);
  instructions_.expression(c, body);
  codes_.add().sized(body);
  if (!local_names.empty()) names_.locals.emplace_back(index, std::move(local_names));
  if (!context_.label_names.empty()) names_.labels.emplace_back(index, std::move(context_.label_names));
  context_.locals.clear();
}

// `(local $id type)` or `(local type*)`, as runs of equal types.
void ModuleAssembler::assemble_locals(Cursor& c, NameMap& names, Writer& out) {
  struct Run {
    uint32_t count;
    Bytes type;
  };
  std::vector<Run> runs;
  auto add = [&](std::optional<std::string_view> id) {
    context_.locals.add(c, id);
    Writer type;
    assemble_val_type(c, context_.types.ids, type);
    if (!runs.empty() && runs.back().type == type.get()) {
      ++runs.back().count;
    } else {
      runs.push_back({1, type.take()});
    }
  };
  while (c.take_open("local")) {
    if (auto id = take_named_id(c, names, context_.locals.size())) {
      add(id);
    } else {
      while (!c.at_end()) add(std::nullopt);
    }
    c.expect_close();
  }
  out.u32(static_cast<uint32_t>(runs.size()));
  for (const Run& run : runs) {
    out.u32(run.count);
    out.bytes(run.type);
  }
}

void ModuleAssembler::assemble_global(Cursor& c) {
  uint32_t index = next_[static_cast<int>(ExternKind::Global)]++;
  take_named_id(c, names_.globals, index);
  inline_exports(c, ExternKind::Global, index);
  if (inline_import(c, ExternKind::Global)) return;
  Writer& out = globals_.add();
  assemble_global_type(c, context_.types.ids, out);
  instructions_.expression(c, out);
}

void ModuleAssembler::assemble_tag(Cursor& c) {
  uint32_t index = next_[static_cast<int>(ExternKind::Tag)]++;
  take_named_id(c, names_.tags, index);
  inline_exports(c, ExternKind::Tag, index);
  if (inline_import(c, ExternKind::Tag)) return;
  Writer& out = tags_.add();
  out.byte(0);
  out.u32(type_use(c));
}

void ModuleAssembler::assemble_export(Cursor& c) {
  Writer& out = exports_.add();
  out.name(c.expect_name());
  std::optional<ExternKind> kind = take_extern_kind(c);
  if (!kind) return;
  const IndexSpace* spaces[] = {&context_.funcs, &context_.tables, &context_.memories, &context_.globals,
                                &context_.tags};
  out.byte(static_cast<uint8_t>(*kind));
  out.u32(spaces[static_cast<int>(*kind)]->parse_index(c));
  c.expect_close();
}

void ModuleAssembler::assemble_start(Cursor& c) {
  if (start_) c.fail("multiple start sections");
  start_ = context_.funcs.parse_index(c);
  refuse_name_annotation(c);
}

}  // namespace wjit

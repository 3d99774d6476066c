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
  if (auto id = c.take_id(); id && *kind == ExternKind::Func) {
    func_names_.add().u32(index);
    func_names_.entries.name(*id);
  }
  external_type(c, *kind, out);
  c.expect_close();
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
  if (auto id = c.take_id()) {
    func_names_.add().u32(index);
    func_names_.entries.name(*id);
  }
  inline_exports(c, ExternKind::Func, index);
  if (inline_import(c, ExternKind::Func)) return;

  TypeUseText use = parse_type_use(c, context_.types.ids);
  if (c.failed()) return;
  uint32_t type = context_.types.resolve(c, use);
  functions_.add().u32(type);
  // Parameters are the first locals; those that only `(type x)` mentions have no names.
  context_.locals.clear();
  local_names_.clear();
  uint32_t param_count =
      use.has_inline ? static_cast<uint32_t>(use.params.names.size()) : context_.types.param_count(type);
  for (uint32_t i = 0; i < param_count; ++i) {
    auto id = i < use.params.names.size() ? use.params.names[i] : std::nullopt;
    uint32_t local = context_.locals.add(c, id);
    if (id) local_names_.emplace_back(local, *id);
  }

  Writer body;
  assemble_locals(c, body);
  instructions_.expression(c, body);
  codes_.add().sized(body);
  name_locals(index);
  context_.locals.clear();
}

// `(local $id type)` or `(local type*)`, as runs of equal types.
void ModuleAssembler::assemble_locals(Cursor& c, Writer& out) {
  struct Run {
    uint32_t count;
    Bytes type;
  };
  std::vector<Run> runs;
  auto add = [&](std::optional<std::string_view> id) {
    uint32_t local = context_.locals.add(c, id);
    if (id) local_names_.emplace_back(local, *id);
    Writer type;
    assemble_val_type(c, context_.types.ids, type);
    if (!runs.empty() && runs.back().type == type.get()) {
      ++runs.back().count;
    } else {
      runs.push_back({1, type.take()});
    }
  };
  while (c.take_open("local")) {
    if (auto id = c.take_id()) {
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

void ModuleAssembler::name_locals(uint32_t func) {
  if (local_names_.empty()) return;
  Writer& out = local_name_maps_.add();
  out.u32(func);
  out.u32(static_cast<uint32_t>(local_names_.size()));
  for (auto [index, name] : local_names_) {
    out.u32(index);
    out.name(name);
  }
}

void ModuleAssembler::assemble_global(Cursor& c) {
  uint32_t index = next_[static_cast<int>(ExternKind::Global)]++;
  c.take_id();
  inline_exports(c, ExternKind::Global, index);
  if (inline_import(c, ExternKind::Global)) return;
  Writer& out = globals_.add();
  assemble_global_type(c, context_.types.ids, out);
  instructions_.expression(c, out);
}

void ModuleAssembler::assemble_tag(Cursor& c) {
  uint32_t index = next_[static_cast<int>(ExternKind::Tag)]++;
  c.take_id();
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
}

}  // namespace wjit

// The parts that the files of the component assembler share: index spaces, scopes, and the Assembler with its methods
// in the order of the story: names, core types, types, imports and exports, instances, canonical definitions,
// components. The interface for everybody else is frontend/text_component.h.
//
//   text_component.cpp            components and their definitions, sections, the name section
//   text_component_names.cpp      sorts, ids, references with inline aliases, outer aliases
//   text_component_core_types.cpp core types and module types
//   text_component_types.cpp      value, function, resource, component and instance types, externtypes
//   text_component_imports.cpp    names with attributes, imports, exports, aliases
//   text_component_instances.cpp  core instances and instances
//   text_component_canon.cpp      canonical definitions
//   text_component_values.cpp     values, the start function
//
// The cursor keeps the first error (frontend/text_cursor.h), so the methods go on after one and their results are
// meaningless then. Test: test/unit/text_component_test.cpp.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/component.h"
#include "frontend/component_writer.h"
#include "frontend/text_annotations.h"
#include "frontend/text_cursor.h"

namespace wjit::component_text {

using OptionalId = std::optional<std::string_view>;

struct Scope {
  Scope(ScopeKind kind, OptionalId id, Scope* outer);

  ScopeKind kind;
  OptionalId id;
  Scope* outer;
  std::array<IndexSpace, kSpaceCount> spaces;
  // Ids that resolved to an enclosing scope: the index of the alias made for them.
  std::map<std::pair<Space, std::string_view>, uint32_t> implicit_aliases;
  // Exports written inside definitions: they are made when the component ends.
  std::vector<std::pair<Space, Writer>> inline_exports;
  // For the name section.
  SortNames names[kSpaceCount];
  // Module types: encoded function types, so that equal anonymous ones share a definition.
  std::map<Bytes, uint32_t> core_func_types;

  IndexSpace& space(Space s) { return spaces[static_cast<size_t>(s)]; }

  DefinitionWriter definitions;
};

// The id of a definition that is being read; it is bound when the definition is complete.
struct NewId {
  OptionalId id;
  std::optional<std::string> display;  // for the name section: what an annotation (@name "…") says, or else the id
};

// A type of an import or export, as its encoding, and what it binds.
struct ExternTypeText {
  Space space = Space::Func;
  NewId id;
  Writer bytes;
};

// The literals of one text whose types only the validator knows. The component is assembled twice: first with
// kLiteralToCome in their place (frontend/component_values.h); the decoder then says what their types are, so that they
// can be encoded; then with them. text_component_values.cpp.
class Literals {
 public:
  // Of the literal at the cursor, which is skipped: what stands in the component.
  void take(Cursor& c, Writer& out);
  // Encodes the literals of what has been assembled, and starts over; the error is the text's or the decoder's.
  std::optional<InputError> encode(Bytes component);
  bool empty() const { return literals_.empty(); }
  // Text inside of strings, whose tokens are needed when it is encoded.
  struct Quoted {
    explicit Quoted(std::string contents) : text(std::move(contents)), tokens(lex(text)) {}
    const std::string text;
    const TokenList tokens;
  };
  const TokenList& quoted(std::string text) { return quoted_.emplace_back(std::move(text)).tokens; }

 private:
  struct Literal {
    Cursor at;
    std::optional<Writer> bytes;
  };
  std::vector<Literal> literals_;
  bool encoded_ = false;
  size_t next_ = 0;  // of the second time
  std::deque<Quoted> quoted_;
};

class Assembler {
 public:
  Assembler(Cursor& c, Scope* scope, unsigned depth, Literals& literals)
      : c_(c), scope_(scope), depth_(depth), literals_(literals) {}

  // Between `(component $id?` and `)`.
  Bytes component_contents(const NewId& id);

 private:
  // Bounds the recursion; false (and a failure) when the text is nested too deep.
  class Nesting {
   public:
    explicit Nesting(Assembler& assembler);
    ~Nesting() { --assembler_.depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Assembler& assembler_;
  };
  // Makes a scope the current one for a while.
  class Inside {
   public:
    Inside(Assembler& assembler, Scope& scope) : assembler_(assembler) { assembler_.scope_ = &scope; }
    ~Inside() { assembler_.scope_ = assembler_.scope_->outer; }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Assembler& assembler_;
  };

  // --- names ---
  NewId take_new_id(Space space);
  // The next entry of the space, with its id.
  uint32_t define(Space space, const NewId& id = {});
  uint32_t define(Section section, const Writer& entry, Space space, const NewId& id = {});
  uint32_t named_index(Space space, std::string_view id);
  std::optional<uint32_t> find_outer(Space space, std::string_view id, uint32_t& count) const;
  // A number or an id.
  uint32_t index(Space space);
  // `idx` or `idx "name"+`: what stands behind `(func`.
  uint32_t index_or_alias(Space space);
  // `idx` or `(func …)`, `(core func …)`; `core` may be left out.
  uint32_t ref(Space space);
  // The space that the keywords at `(` name, without taking them; in a core context `core` is implied.
  std::optional<Space> peek_space(bool in_core) const;
  // Takes `(`, and the keywords of `space`.
  void take_space(Space space);
  // `(sort …)` of any sort: appends sort and index.
  void sort_ref(bool in_core, Writer& out);

  // --- aliases ---
  uint32_t alias_export(Space space, uint32_t instance, std::string_view name, const NewId& id = {});
  uint32_t alias_outer(Space space, uint32_t count, uint32_t index, const NewId& id = {});
  // Behind `(alias`, in front of the sort (`export $i "x"`, `core export $i "x"`, `outer $C $t`).
  struct AliasTarget {
    enum class Kind : uint8_t { Export, CoreExport, Outer } kind = Kind::Export;
    uint32_t instance = 0;
    std::string name;
    Scope* outer = nullptr;
    uint32_t count = 0;
    uint32_t item_position = 0;  // Outer: of the item's index, which needs the sort
  };
  AliasTarget alias_target();
  uint32_t make_alias(const AliasTarget& target, Space space, const NewId& id);
  void alias();
  // The inverted form: `(alias …)` inside a definition of `space`. False when there is none.
  bool inverted_alias(Space space, const NewId& id, uint32_t& index);

  // --- core types ---
  void alias_outer_core_types(std::span<const std::string_view> own_ids);
  void core_type();
  void core_rec_group();
  void module_type(Writer& out);
  void module_declarator();
  void core_extern_type(Writer& out);
  uint32_t core_type_use();
  // `(type x)`, or module declarators up to the `)`.
  uint32_t module_type_use();

  // --- types ---
  bool at_type_use() const;
  bool at_def_val_type() const;
  void val_type(Writer& out);
  void optional_val_type(Writer& out);
  void def_val_type(Writer& out);
  void result_type(Writer& out);
  void result_list(Writer& out);
  void func_type(Writer& out);
  void resource_type(Writer& out);
  void component_type(ScopeKind kind, OptionalId id, Writer& out);
  void declarator();
  void def_type(OptionalId id, Writer& out);
  void type();
  // `(type x)`, or the type itself up to where it ends, defined anonymously.
  uint32_t type_use(Space space);
  // `(sort id? …)`.
  ExternTypeText extern_type();
  // Behind the id, up to the `)` or the `(canon …)` of an inline definition.
  void extern_type_body(Space space, Writer& out);

  // --- imports and exports ---
  // Name and attributes, encoded.
  Writer extern_name();
  bool at_inline(std::string_view keyword) const;
  std::vector<Writer> inline_exports();
  // Keeps one export for each of the names until the end of the component.
  void export_all(const std::vector<Writer>& names, Space space, uint32_t index);
  // `(import "x")` inside a definition, its type behind. False when there is none.
  bool inline_import(Space space, const NewId& id, uint32_t& index);
  void import();
  void export_definition();
  void export_declarator();

  // --- instances ---
  void core_instance();
  uint32_t core_inline_exports(const NewId& id);
  void core_instantiate(Writer& out);
  void instance();
  uint32_t inline_exports_instance(const NewId& id);
  void instantiate(Writer& out);

  // --- canonical definitions ---
  void canon();
  void canon_lift_head(Writer& out);
  void canon_options(Writer& out);
  // `lower …` or a built-in, up to `(core func` or `)`.
  void canon_core_func(Writer& out);
  void canon_builtin(CanonBuiltin builtin, Writer& out);
  uint32_t option_ref(Space space);
  uint32_t memory_option();
  void func();
  void core_func();

  // --- components ---
  void component_definitions();
  void take_annotations(std::vector<CustomText>& last, bool& has_names);
  void section_annotation(const Annotation& annotation);
  void custom_section(const CustomText& custom);
  void definition();
  void core_definition();
  void core_module();
  // `(core memory $m (alias …))` and its like: sorts that only an alias can define.
  void core_alias_only(Space space);
  void component();
  void start();
  void value();
  Bytes quoted_component(const NewId& id);

  Cursor& c_;
  Scope* scope_;
  unsigned depth_;
  Literals& literals_;
};

}  // namespace wjit::component_text

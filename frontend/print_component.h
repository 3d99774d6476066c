// The printer of components at work. Internal to frontend/print_component*.cpp; the interface for others is
// frontend/print.h.
//
// Sections and their entries are printed as they come, one form each; a second section of the same kind begins with
// (@section). A scope counts its index spaces only to number what it defines: references are printed as they are
// encoded, by number or by the id that the name section gives.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/component_writer.h"
#include "frontend/print.h"
#include "frontend/print_names.h"
#include "frontend/reader.h"
#include "frontend/types.h"

namespace wjit::print {

class ComponentPrinter {
 public:
  using Space = component_text::Space;
  using Section = component_text::Section;
  using ScopeKind = component_text::ScopeKind;

  ComponentPrinter(std::span<const uint8_t> bytes, const PrintOptions& options, ErrorSink& sink, Lines& out)
      : bytes_(bytes), options_(options), sink_(sink), out_(out) {}

  // A component; `head` and `outer_name` as for ModulePrinter::print.
  void print(ByteRange range, std::string_view head, std::optional<std::string_view> outer_name);

 private:
  struct Names {
    std::optional<std::string> own;
    NameMap maps[component_text::kSpaceCount];
    size_t count = 0;
    bool found = false;    // the section was there and could be read
    bool is_last = false;  // behind it are only custom sections
  };
  struct Scope {
    ScopeKind kind = ScopeKind::Component;
    uint32_t counts[component_text::kSpaceCount] = {};
    Names names;
    Ids ids[component_text::kSpaceCount];
    size_t defined_names = 0;
    bool behind_names = false;
    std::vector<TypeDef> core_types;  // of this scope, a placeholder for what is no rec type
  };

  // print_component.cpp
  Names find_names(ByteRange range);
  void section(Section id, Reader& in);
  template <typename Entry>
  void each(Reader& in, Entry&& entry);
  void core_module(ByteRange range);
  void nested_component(ByteRange range);
  void core_instance(Reader& in);
  void instance(Reader& in);
  void alias(Reader& in);
  void canon(Reader& in);
  void start(Reader& in);
  void value(Reader& in);
  void import(Reader& in);
  void export_(Reader& in);
  void custom(Reader& in);
  std::string alias_text(Reader& in);
  std::string canon_options(Reader& in);
  std::string canon_builtin(Reader& in, uint8_t code, std::string_view name);
  std::string sort_index(Reader& in, bool in_core);
  std::optional<Space> sort(Reader& in, bool in_core);

  std::string head(Space space);  // of the next definition of that sort, which it counts
  std::string ref(Space space, uint32_t index) const { return scope().ids[static_cast<size_t>(space)].ref(index); }
  std::string ref(Space space, Reader& in) const { return ref(space, in.u32()); }
  bool present(Reader& in, const char* what);
  void not_cancellable(Reader& in);

  // print_component_types.cpp
  void type(Reader& in);
  void core_type(Reader& in);
  void module_type(Reader& in);
  void module_declarator(Reader& in);
  std::string core_extern_type(Reader& in);
  void declarators(Reader& in, ScopeKind kind);
  void declarator(Reader& in);
  std::string extern_name(Reader& in);
  std::string extern_type(Reader& in, bool defines);
  std::string def_val_type(Reader& in, uint8_t form);
  std::string val_type(Reader& in);
  std::string optional_val_type(Reader& in);  // " t" or ""
  std::string func_type(Reader& in, bool is_async);
  std::string result_list(Reader& in);  // " (result t)" or ""

  Scope& scope() { return scopes_.back(); }
  const Scope& scope() const { return scopes_.back(); }

  std::span<const uint8_t> bytes_;
  const PrintOptions& options_;
  ErrorSink& sink_;
  Lines& out_;
  std::vector<Scope> scopes_;
};

}  // namespace wjit::print

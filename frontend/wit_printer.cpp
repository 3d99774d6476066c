// See wit_printer.h. How names come back: a component refers to types by index only. An import or export of a type
// gives it an id of its own (ExternDecl), so the owner of an id is the interface that declares it; an id with another
// owner is a `use`.
#include "frontend/wit_printer.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "frontend/component_names.h"
#include "frontend/reader.h"
#include "frontend/wit_docs.h"

namespace wjit {

namespace {

// --- WIT ---

std::string identifier(std::string_view name) {
  static const std::set<std::string_view> kKeywords = {
      "as",      "async",     "bool",    "borrow",  "char",   "constructor", "enum",    "error-context", "export",
      "f32",     "f64",       "float32", "float64", "flags",  "from",        "func",    "future",        "import",
      "include", "interface", "list",    "map",     "option", "own",         "package", "record",        "resource",
      "result",  "s16",       "s32",     "s64",     "s8",     "static",      "stream",  "string",        "tuple",
      "type",    "u16",       "u32",     "u64",     "u8",     "use",         "variant", "with",          "world"};
  return (kKeywords.contains(name) ? "%" : "") + std::string(name);
}

// The name of a package or an interface, "wasi:io/poll@0.2.9", as WIT writes it.
std::string escape(std::string_view name) {
  std::string out;
  for (size_t end; (end = name.find_first_of(":/@")) != std::string_view::npos; name.remove_prefix(end + 1)) {
    out += identifier(name.substr(0, end));
    out += name[end];
    if (name[end] == '@') return out.append(name.substr(end + 1));
  }
  return out + identifier(name);
}

// One WIT interface (or the world itself, for what is imported and exported on its own).
struct Interface {
  std::string name;     // "wasi:io/poll@0.2.9"; "" for the world; a plain label for an interface written in the world
  std::string package;  // "wasi:io@0.2.9"; "" where it has none
  std::string label;    // "poll"
  std::vector<ExternDecl> decls;
  std::set<std::string> declared;
  std::unordered_map<TypeId, std::string> names;  // types as this interface calls them
  std::unordered_map<ResourceId, std::string> resources;
};

std::string package_of(const ExternName& name) {
  std::string out = std::string(name.name_space) + ":" + std::string(name.package);
  if (!name.version.empty()) out += "@" + std::string(name.version);
  return out;
}

// The contents of the last custom section `name` of the component itself.
std::span<const uint8_t> find_custom(const Component& component, std::string_view name) {
  ErrorSink ignored;
  Reader in(*component.bytes, component.range, ignored);
  std::span<const uint8_t> found;
  in.take(8);
  while (ignored.ok() && !in.at_end()) {
    const uint8_t id = in.byte();
    Reader content = in.sub(in.u32());
    if (id != 0 || !ignored.ok() || content.name() != name || !ignored.ok()) continue;
    found = std::span(*component.bytes).subspan(content.offset(), content.remaining());
  }
  return found;
}

// A WIT package in binary: it only exports types, and these are component types.
bool is_package(const ComponentTypes& types, const ComponentTypeDef& def) {
  if (!def.imports.empty() || def.exports.empty()) return false;
  return std::ranges::all_of(def.exports, [&](const ExternDecl& decl) {
    return decl.sort == ExternSort::Type && types[decl.type].kind == TypeKind::Component &&
           types[decl.type].exports.size() == 1;
  });
}

class WitPrinter {
 public:
  explicit WitPrinter(const Component& component)
      : types_(*component.types),
        def_(types_[component.type]),
        docs_(parse_wit_docs(find_custom(component, "package-docs"))) {}

  std::string print() {
    if (is_package(types_, def_)) return package();
    collect_world(def_);
    line("package root:component;");
    line("");
    world("root", def_, nullptr);
    packages("");
    return std::move(out_);
  }

 private:
  struct Owner {
    const Interface* interface;
    std::string name;
  };

  // --- A package ---

  // Each export is a component type that exports an interface, importing what that uses, or a world.
  std::string package() {
    struct World {
      std::string name;
      const ComponentTypeDef* def;
    };
    std::vector<World> worlds;
    std::vector<const Interface*> own;
    for (const ExternDecl& item : def_.exports) {
      const ComponentTypeDef& wrapper = types_[item.type];
      for (const ExternDecl& decl : wrapper.imports) collect(decl);
      const ExternDecl& content = wrapper.exports[0];
      if (auto parsed = parse_extern_name(content.name); parsed && parsed->kind == ExternNameKind::Interface) {
        own_package_ = package_of(*parsed);
      }
      if (content.sort == ExternSort::Instance) {
        // What others import of it may be less than all.
        collect(content);
        Interface& interface = *by_name_.at(content.name);
        interface.decls = types_[content.type].exports;
        own.push_back(&interface);
      } else if (content.sort == ExternSort::Component) {
        worlds.push_back({item.name, &types_[content.type]});
      }
    }
    docs(&docs_);
    line(fmt::format("package {};", escape(own_package_)));
    line("");
    for (const Interface* interface : own) {
      print_interface(*interface);
      line("");
    }
    for (const World& each : worlds) {
      world_ = Interface();
      world_.package = own_package_;
      by_decl_.clear();
      collect_world(*each.def);
      world(each.name, *each.def, WitDoc::find(&docs_, {"worlds", each.name}));
    }
    packages(own_package_);
    return std::move(out_);
  }

  void print_interface(const Interface& interface) {
    const WitDoc* doc =
        interface.package == own_package_ ? WitDoc::find(&docs_, {"interfaces", interface.label}) : nullptr;
    docs(doc);
    line(fmt::format("interface {} {{", identifier(interface.label)));
    body(interface, doc);
    line("}");
  }

  // What stands in front of an item.
  void docs(const WitDoc* doc, const NameAttributes& name = {}) {
    const WitDoc* inner = WitDoc::find(doc, {"docs"});
    docs(inner ? inner->text : doc ? doc->text : "", attributes(WitDoc::find(doc, {"stability"}), name));
  }

  void docs(std::string_view text, const std::vector<std::string>& attributes) {
    for (size_t at = 0; !text.empty() && at <= text.size();) {
      const size_t end = std::min(text.find('\n', at), text.size());
      const std::string_view part = text.substr(at, end - at);
      line(part.empty() ? "///" : "/// " + std::string(part));
      at = end + 1;
    }
    for (const std::string& attribute : attributes) line(attribute);
  }

  static std::vector<std::string> attributes(const WitDoc* stability, const NameAttributes& name) {
    std::vector<std::string> out;
    const auto attribute = [&](const WitDoc* value, const char* name, const char* key) {
      if (value != nullptr) out.push_back(fmt::format("@{}({} = {})", name, key, value->text));
    };
    for (const char* kind : {"stable", "unstable"}) {
      attribute(WitDoc::find(stability, {kind, "since"}), "since", "version");
      attribute(WitDoc::find(stability, {kind, "feature"}), "unstable", "feature");
      attribute(WitDoc::find(stability, {kind, "deprecated"}), "deprecated", "version");
    }
    if (name.external_id) out.push_back(fmt::format("@external-id({})", quote(*name.external_id)));
    return out;
  }

  // A string of WIT: what is not plain ASCII, and the single quote, as `\u{…}`.
  static std::string quote(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
      uint32_t code = 0;
      text.remove_prefix(decode_utf8(reinterpret_cast<const uint8_t*>(text.data()), text.size(), &code));
      constexpr std::string_view kEscaped = "\"\\\n\r\t", kLetters = "\"\\nrt";
      if (const size_t at = kEscaped.find(static_cast<char>(code)); code < 0x80 && at != std::string_view::npos) {
        out += '\\', out += kLetters[at];
      } else if (code < 0x20 || code > 0x7E || code == '\'') {
        out += fmt::format("\\u{{{:x}}}", code);
      } else {
        out += static_cast<char>(code);
      }
    }
    return out + "\"";
  }

  // --- Collecting interfaces ---

  void collect_world(const ComponentTypeDef& def) {
    for (const ExternDecl& decl : def.imports) collect(decl);
    // Exports come last: what they share with imports belongs to those.
    for (const ExternDecl& decl : def.exports) collect(decl);
  }

  void collect(const ExternDecl& decl) {
    if (decl.sort != ExternSort::Instance) {
      add_decl(world_, decl);
      return;
    }
    const std::string& name = decl.attributes.implements ? *decl.attributes.implements : decl.name;
    auto parsed = parse_extern_name(name);
    CHECK(parsed.has_value());
    bool is_named = parsed->kind == ExternNameKind::Interface;
    // An interface that stands in the world is another one where it is exported.
    Interface* interface = is_named && by_name_.contains(name) ? by_name_[name] : nullptr;
    if (!interface) {
      interface = interfaces_.emplace_back(std::make_unique<Interface>()).get();
      interface->name = name;
      interface->label = parsed->label;
      if (is_named) {
        interface->package = package_of(*parsed);
        by_name_[name] = interface;
      }
    }
    by_decl_[&decl] = interface;
    for (const ExternDecl& inner : types_[decl.type].exports) add_decl(*interface, inner);
  }

  void add_decl(Interface& interface, const ExternDecl& decl) {
    if (decl.sort == ExternSort::Type) {
      interface.names.emplace(decl.type, decl.name);
      if (types_[decl.type].kind == TypeKind::Resource) {
        interface.resources.emplace(types_[decl.type].resource, decl.name);
      } else if (decl.eq != kNoType && !owners_.contains(decl.eq)) {
        interface.names.emplace(decl.eq, decl.name);
      }
    }
    if (decl.sort == ExternSort::Type) {
      owners_.emplace(decl.type, Owner{&interface, decl.name});
      // The first to give a nameless type a name is its owner, too.
      if (decl.eq != kNoType) owners_.emplace(decl.eq, Owner{&interface, decl.name});
    }
    if (interface.declared.insert(decl.name).second) interface.decls.push_back(decl);
  }

  // --- The world ---

  // Imports: interfaces, types, functions. Exports as they come.
  void world(const std::string& name, const ComponentTypeDef& def, const WitDoc* doc) {
    context_ = &world_;
    doc_ = doc;
    docs(doc);
    line(fmt::format("world {} {{", identifier(name)));
    indent_++;
    bool any_before = false;
    for (const ExternDecl& decl : def.imports) {
      if (decl.sort == ExternSort::Type || decl.sort == ExternSort::Func) continue;
      item(decl, "import");
      any_before = true;
    }
    types(def.imports, any_before);
    for (const ExternDecl& decl : def.imports) {
      if (decl.sort == ExternSort::Func && !is_of_resource(decl)) item(decl, "import");
    }
    if (!def.imports.empty() && !def.exports.empty()) line("");
    types(def.exports, false);
    for (const ExternDecl& decl : def.exports) {
      if (decl.sort != ExternSort::Type && !is_of_resource(decl)) item(decl, "export");
    }
    indent_--;
    line("}");
  }

  static bool is_of_resource(const ExternDecl& decl) {
    return decl.sort == ExternSort::Func && parse_extern_name(decl.name)->kind != ExternNameKind::Label;
  }

  // The types of the world: uses, then definitions, each with an empty line in front where something is before it.
  void types(const std::vector<ExternDecl>& decls, bool any) {
    any |= uses(decls);
    for (const ExternDecl& decl : decls) {
      if (decl.sort != ExternSort::Type || used_from(decl)) continue;
      if (any) line("");
      any = true;
      type(decl);
    }
  }

  void item(const ExternDecl& decl, const char* direction) {
    const bool is_import = direction[0] == 'i';
    switch (decl.sort) {
      case ExternSort::Func:
        docs(WitDoc::find(doc_, {is_import ? "funcs" : "func_exports", decl.name}), decl.attributes);
        return line(fmt::format("{} {}: {};", direction, identifier(decl.name), func(decl.type, 0)));
      case ExternSort::Instance: {
        const Interface& interface = *by_decl_.at(&decl);
        if (interface.package.empty()) {
          const WitDoc* world_doc = doc_;
          const WitDoc* doc = WitDoc::find(doc_, {is_import ? "interfaces" : "interface_exports", decl.name});
          docs(doc, decl.attributes);
          line(fmt::format("{} {}: interface {{", direction, identifier(decl.name)));
          body(interface, doc);
          line("}");
          context_ = &world_;
          doc_ = world_doc;
          return;
        }
        const std::string kind = fmt::format("interface_{}_", direction);
        const WitDoc* doc = WitDoc::find(doc_, {kind + "docs", decl.name});
        docs(doc ? doc->text : "", attributes(WitDoc::find(doc_, {kind + "stability", decl.name}), decl.attributes));
        if (decl.attributes.implements) {
          line(fmt::format("{} {}: {};", direction, identifier(decl.name), path(interface)));
        } else {
          line(fmt::format("{} {};", direction, path(interface)));
        }
        return;
      }
      default: return line(fmt::format("// {} {}: {}", direction, decl.name, wjit::name(decl.sort)));
    }
  }

  // Each behind those that it uses; such uses cannot be circular, as they point backwards.
  void order_package(const std::string& package, std::vector<std::string>& order, std::set<std::string>& seen) {
    if (package.empty() || !seen.insert(package).second) return;
    for (const auto& interface : interfaces_) {
      if (interface->package != package) continue;
      context_ = interface.get();
      for (const Use& use : collect_uses(interface->decls)) order_package(use.interface->package, order, seen);
    }
    order.push_back(package);
  }

  void packages(const std::string& printed) {
    std::vector<std::string> order;
    std::set<std::string> seen = {printed};
    for (const auto& interface : interfaces_) order_package(interface->package, order, seen);
    for (size_t i = 0; i < order.size(); i++) {
      if (i > 0) out_ += "\n\n";
      line(fmt::format("package {} {{", escape(order[i])));
      indent_++;
      for (const auto& interface : interfaces_) {
        if (interface->package == order[i]) print_interface(*interface);
      }
      indent_--;
      line("}");
    }
  }

  // --- Interfaces ---

  void body(const Interface& interface, const WitDoc* doc) {
    context_ = &interface;
    doc_ = doc;
    indent_++;
    bool any = uses(interface.decls);
    auto separate = [&] {
      if (any) line("");
      any = true;
    };
    for (const ExternDecl& decl : interface.decls) {
      if (decl.sort != ExternSort::Type || used_from(decl)) continue;
      separate();
      type(decl);
    }
    for (const ExternDecl& decl : interface.decls) {
      if (decl.sort == ExternSort::Type || is_of_resource(decl)) continue;
      separate();
      if (decl.sort == ExternSort::Func) {
        docs(WitDoc::find(doc_, {"funcs", decl.name}), decl.attributes);
        line(fmt::format("{}: {};", identifier(decl.name), func(decl.type, 0)));
      } else {
        line(fmt::format("// {}: {}", decl.name, wjit::name(decl.sort)));
      }
    }
    indent_--;
  }

  // What is used of another interface in one line.
  struct Use {
    const Interface* interface;
    std::vector<std::string> attributes;
    std::string names;
  };

  // Prints what `decls` use of other interfaces; false when that is nothing.
  bool uses(const std::vector<ExternDecl>& decls) {
    const std::vector<Use> all = collect_uses(decls);
    for (const Use& use : all) {
      docs("", use.attributes);
      // Nothing can be used of the world: WIT has no words for it.
      line(use.interface == &world_ ? fmt::format("// use of the world: {}", use.names)
                                    : fmt::format("use {}.{{{}}};", path(*use.interface), use.names));
    }
    return !all.empty();
  }

  // The other interface that declares what `decl` names, if any.
  const Owner* used_from(const ExternDecl& decl) const {
    if (decl.eq == kNoType) return nullptr;
    auto it = owners_.find(decl.eq);
    return it != owners_.end() && it->second.interface != context_ ? &it->second : nullptr;
  }

  // Consecutive ones of an interface together, if their attributes are equal.
  std::vector<Use> collect_uses(const std::vector<ExternDecl>& decls) const {
    std::vector<Use> uses;
    for (const ExternDecl& decl : decls) {
      const Owner* owner = decl.sort == ExternSort::Type ? used_from(decl) : nullptr;
      if (!owner) continue;
      std::vector<std::string> stability =
          attributes(WitDoc::find(doc_, {"types", decl.name, "stability"}), decl.attributes);
      if (uses.empty() || uses.back().interface != owner->interface || uses.back().attributes != stability) {
        uses.push_back({owner->interface, std::move(stability), ""});
      }
      std::string& names = uses.back().names;
      names += (names.empty() ? "" : ", ") + use_item(*owner, decl.name);
    }
    return uses;
  }

  static std::string use_item(const Owner& owner, const std::string& name) {
    return owner.name == name ? identifier(name) : identifier(owner.name) + " as " + identifier(name);
  }

  std::string path(const Interface& other) const {
    // An interface without a package stands inside of the world.
    const std::string& here = context_->package.empty() ? world_.package : context_->package;
    return !other.package.empty() && other.package == here ? identifier(other.label) : escape(other.name);
  }

  // --- Types ---

  void type(const ExternDecl& decl) {
    const std::string name = identifier(decl.name);
    const WitDoc* doc = WitDoc::find(doc_, {"types", decl.name});
    docs(doc, decl.attributes);
    if (auto it = owners_.find(decl.eq); it != owners_.end() && it->second.name != decl.name) {
      return line(fmt::format("type {} = {};", name, identifier(it->second.name)));
    }
    const ComponentTypeDef& def = types_[decl.type];
    switch (def.kind) {
      case TypeKind::Record: return block("record " + name, def.parts, true, doc);
      case TypeKind::Flags: return block("flags " + name, def.parts, false, doc);
      case TypeKind::Enum: return block("enum " + name, def.parts, false, doc);
      case TypeKind::Variant: return block("variant " + name, def.parts, false, doc);
      case TypeKind::Resource: return resource(decl);
      case TypeKind::Func:
      case TypeKind::Component:
      case TypeKind::Instance:
      case TypeKind::CoreModule: return line(fmt::format("// type {}: {}", name, to_string(types_, decl.type)));
      case TypeKind::Own:  // elsewhere the resource's name says it, but here that would be an alias of the resource
        return line(fmt::format("type {} = own<{}>;", name, resource_name(def)));
      default: line(fmt::format("type {} = {};", name, structure(decl.type, 0)));
    }
  }

  void block(const std::string& head, const std::vector<NamedType>& parts, bool is_record, const WitDoc* doc) {
    line(head + " {");
    indent_++;
    for (const NamedType& part : parts) {
      docs(WitDoc::find(doc, {"items", part.name}));
      std::string text = identifier(part.name);
      if (part.type != kNoType) text += is_record ? ": " + use(part.type, 0) : "(" + use(part.type, 0) + ")";
      line(text + ",");
    }
    indent_--;
    line("}");
  }

  void resource(const ExternDecl& decl) {
    std::vector<std::pair<const ExternDecl*, std::string>> functions;  // and their text
    for (const ExternDecl& item : context_->decls) {
      if (item.sort != ExternSort::Func) continue;
      const auto parsed = parse_extern_name(item.name);
      if (parsed->resource != decl.name) continue;
      const std::string label = identifier(parsed->label);
      if (parsed->kind == ExternNameKind::Constructor) {
        functions.emplace_back(&item, constructor(item.type));
      } else if (parsed->kind == ExternNameKind::Method) {
        functions.emplace_back(&item, fmt::format("{}: {};", label, func(item.type, 1)));
      } else {
        functions.emplace_back(&item, fmt::format("{}: static {};", label, func(item.type, 0)));
      }
    }
    const std::string head = "resource " + identifier(decl.name);
    if (functions.empty()) return line(head + ";");
    line(head + " {");
    indent_++;
    for (const auto& [item, function] : functions) {
      docs(WitDoc::find(doc_, {"funcs", item->name}), item->attributes);
      line(function);
    }
    indent_--;
    line("}");
  }

  std::string constructor(TypeId type) {
    const ComponentTypeDef& def = types_[type];
    std::string out = "constructor(" + params(def, 0) + ")";
    if (types_[def.element].kind == TypeKind::Result) out += " -> " + use(def.element, 0);
    return out + ";";
  }

  std::string func(TypeId type, size_t first_param) {
    const ComponentTypeDef& def = types_[type];
    std::string out = def.is_async ? "async func(" : "func(";
    out += params(def, first_param) + ")";
    if (def.element != kNoType) out += " -> " + use(def.element, 0);
    return out;
  }

  std::string params(const ComponentTypeDef& def, size_t first) {
    std::string out;
    for (size_t i = first; i < def.parts.size(); i++) {
      if (i > first) out += ", ";
      out += identifier(def.parts[i].name) + ": " + use(def.parts[i].type, 0);
    }
    return out;
  }

  // A type where it is mentioned: by its name, if it has one here.
  std::string use(TypeId type, int depth) {
    if (type == kNoType) return "_";
    if (auto it = context_->names.find(type); it != context_->names.end()) return identifier(it->second);
    return structure(type, depth);
  }

  std::string resource_name(const ComponentTypeDef& handle) const {
    if (auto it = context_->names.find(handle.resource_type); it != context_->names.end())
      return identifier(it->second);
    auto it = context_->resources.find(handle.resource);
    if (it != context_->resources.end()) return identifier(it->second);
    // A component may mention a type of another interface without a `use`, for which WIT has no words.
    if (auto owner = owners_.find(handle.resource_type); owner != owners_.end()) return identifier(owner->second.name);
    return identifier(types_.resource_names[handle.resource]);
  }

  // Written out; its depth is limited, since types without names can share parts to any size.
  std::string structure(TypeId type, int depth) {
    constexpr int kMaxDepth = 24;
    if (depth > kMaxDepth || out_.size() > kMaxText) return "/* … */";
    const ComponentTypeDef& def = types_[type];
    auto of = [&](const char* constructor, std::initializer_list<TypeId> args) {
      std::string out = std::string(constructor) + "<";
      for (TypeId arg : args) out += (out.back() == '<' ? "" : ", ") + use(arg, depth + 1);
      return out + ">";
    };
    switch (def.kind) {
      case TypeKind::Own: return resource_name(def);
      case TypeKind::Borrow: return "borrow<" + resource_name(def) + ">";
      case TypeKind::List: return of("list", {def.element});
      case TypeKind::FixedList: return fmt::format("list<{}, {}>", use(def.element, depth + 1), def.length);
      case TypeKind::Option: return of("option", {def.element});
      case TypeKind::Map: return of("map", {def.element, def.second});
      case TypeKind::Stream: return def.element == kNoType ? "stream" : of("stream", {def.element});
      case TypeKind::Future: return def.element == kNoType ? "future" : of("future", {def.element});
      case TypeKind::Result:
        if (def.second != kNoType) return of("result", {def.element, def.second});
        return def.element == kNoType ? "result" : of("result", {def.element});
      case TypeKind::Tuple: {
        std::string out = "tuple<";
        for (const NamedType& part : def.parts) {
          if (out.size() > kMaxText) break;
          out += (out.back() == '<' ? "" : ", ") + use(part.type, depth + 1);
        }
        return out + ">";
      }
      default: return to_string(types_, type);
    }
  }

  void line(std::string_view text) {
    if (!text.empty()) out_.append(2 * indent_, ' ');
    out_ += text;
    out_ += '\n';
  }

  static constexpr size_t kMaxText = 64 << 20;

  const ComponentTypes& types_;
  const ComponentTypeDef& def_;
  const WitDoc docs_;
  std::string own_package_ = "?";  // of a package in binary, which has documentation; no package has this name
  Interface world_;
  std::vector<std::unique_ptr<Interface>> interfaces_;  // in order of appearance
  std::map<std::string, Interface*> by_name_;
  std::unordered_map<const ExternDecl*, const Interface*> by_decl_;
  std::unordered_map<TypeId, Owner> owners_;
  const Interface* context_ = &world_;
  const WitDoc* doc_ = nullptr;  // of the interface or world that is being printed
  size_t indent_ = 0;
  std::string out_;
};

// --- Core modules ---

std::string describe(const std::vector<ValType>& types) {
  std::string out = "(";
  for (ValType type : types) out += (out.size() > 1 ? ", " : "") + to_string(type);
  return out + ")";
}

std::string describe(const Limits& limits) {
  std::string out = limits.is_64 ? "i64 " : "";
  out += std::to_string(limits.min);
  if (limits.max) out += fmt::format("..{}", *limits.max);
  return out;
}

std::string describe(const FuncType& type) { return describe(type.params) + " -> " + describe(type.results); }

std::string describe(const Module& module, ExternKind kind, uint32_t index) {
  switch (kind) {
    case ExternKind::Func: return describe(module.function_type(index));
    case ExternKind::Table: {
      const TableType& table = module.tables[index].type;
      return fmt::format("{} {}", describe(table.limits), to_string(table.element));
    }
    case ExternKind::Memory: {
      const MemoryType& memory = module.memories[index].type;
      std::string out = describe(memory.limits) + " pages";
      if (memory.page_size_log2 != 16) out += fmt::format(" of {} bytes", 1u << memory.page_size_log2);
      return out + (memory.shared ? " shared" : "");
    }
    case ExternKind::Global: {
      const GlobalType& global = module.globals[index].type;
      return (global.is_mutable ? "mut " : "") + to_string(global.type);
    }
    case ExternKind::Tag: return describe(module.types[module.tags[index].type].func.params);
  }
  UNREACHABLE_CASE("external kind");
}

}  // namespace

std::string print_wit(const Component& component) { return WitPrinter(component).print(); }

std::string print_module(const Module& module) {
  std::string out;
  for (const Import& import : module.imports) {
    out += fmt::format("import {} \"{}\" \"{}\" {}\n", name(import.kind), import.module, import.name,
                       describe(module, import.kind, import.index));
  }
  for (const Export& item : module.exports) {
    out += fmt::format("export {} \"{}\" {}\n", name(item.kind), item.name, describe(module, item.kind, item.index));
  }
  return out;
}

}  // namespace wjit

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
#include "frontend/component_names.h"

namespace wjit {

namespace {

// --- WIT ---

std::string identifier(std::string_view name) {
  static const std::set<std::string_view> kKeywords = {
      "as",   "async", "bool",   "borrow", "char",    "constructor", "enum",     "error-context", "export",
      "f32",  "f64",   "flags",  "from",   "func",    "future",      "import",   "include",       "interface",
      "list", "map",   "option", "own",    "package", "record",      "resource", "result",        "s16",
      "s32",  "s64",   "s8",     "static", "stream",  "string",      "tuple",    "type",          "u16",
      "u32",  "u64",   "u8",     "use",    "variant", "with",        "world"};
  return (kKeywords.contains(name) ? "%" : "") + std::string(name);
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

class WitPrinter {
 public:
  explicit WitPrinter(const Component& component) : types_(*component.types), def_(types_[component.type]) {}

  std::string print() {
    for (const ExternDecl& decl : def_.imports) collect(decl);
    // Exports come last: what they share with imports belongs to those.
    for (const ExternDecl& decl : def_.exports) collect(decl);
    line("package root:component;");
    line("");
    line("world root {");
    indent_++;
    world(def_.imports, "import");
    if (!def_.imports.empty() && !def_.exports.empty()) line("");
    world(def_.exports, "export");
    indent_--;
    line("}");
    packages();
    return std::move(out_);
  }

 private:
  struct Owner {
    const Interface* interface;
    std::string name;
  };

  // --- Collecting interfaces ---

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

  void world(const std::vector<ExternDecl>& decls, const char* direction) {
    context_ = &world_;
    for (const ExternDecl& decl : decls) {
      switch (decl.sort) {
        case ExternSort::Type:
          type(decl);
          line("");
          break;
        case ExternSort::Func:
          line(fmt::format("{} {}: {};", direction, identifier(decl.name), func(decl.type, 0)));
          break;
        case ExternSort::Instance: {
          const Interface& interface = *by_decl_.at(&decl);
          if (interface.package.empty()) {
            line(fmt::format("{} {}: interface {{", direction, identifier(decl.name)));
            body(interface);
            line("}");
            context_ = &world_;
          } else if (decl.attributes.implements) {
            line(fmt::format("{} {}: {};", direction, identifier(decl.name), interface.name));
          } else {
            line(fmt::format("{} {};", direction, interface.name));
          }
          break;
        }
        default: line(fmt::format("// {} {}: {}", direction, decl.name, wjit::name(decl.sort)));
      }
    }
  }

  // Each behind those that it uses; such uses cannot be circular, as they point backwards.
  void order_package(const std::string& package, std::vector<std::string>& order, std::set<std::string>& seen) {
    if (package.empty() || !seen.insert(package).second) return;
    for (const auto& interface : interfaces_) {
      if (interface->package != package) continue;
      context_ = interface.get();
      for (const auto& [other, names] : collect_uses(*interface)) order_package(other->package, order, seen);
    }
    order.push_back(package);
  }

  void packages() {
    std::vector<std::string> order;
    std::set<std::string> seen;
    for (const auto& interface : interfaces_) order_package(interface->package, order, seen);
    for (size_t i = 0; i < order.size(); i++) {
      if (i > 0) out_ += "\n\n";
      line(fmt::format("package {} {{", order[i]));
      indent_++;
      for (const auto& interface : interfaces_) {
        if (interface->package != order[i]) continue;
        line(fmt::format("interface {} {{", identifier(interface->label)));
        body(*interface);
        line("}");
      }
      indent_--;
      line("}");
    }
  }

  // --- Interfaces ---

  void body(const Interface& interface) {
    context_ = &interface;
    indent_++;
    bool is_first = true;
    auto separate = [&] {
      if (!is_first) line("");
      is_first = false;
    };
    std::vector<std::pair<const Interface*, std::string>> uses = collect_uses(interface);
    if (!uses.empty()) separate();
    for (const auto& [other, names] : uses) line(fmt::format("use {}.{{{}}};", path(*other), names));
    for (const ExternDecl& decl : interface.decls) {
      if (decl.sort != ExternSort::Type || used_from(decl)) continue;
      separate();
      type(decl);
    }
    for (const ExternDecl& decl : interface.decls) {
      if (decl.sort == ExternSort::Type) continue;
      if (decl.sort == ExternSort::Func) {
        if (parse_extern_name(decl.name)->kind != ExternNameKind::Label) continue;
        separate();
        line(fmt::format("{}: {};", identifier(decl.name), func(decl.type, 0)));
      } else {
        separate();
        line(fmt::format("// {}: {}", decl.name, wjit::name(decl.sort)));
      }
    }
    indent_--;
  }

  // The other interface that declares what `decl` names, if any.
  const Owner* used_from(const ExternDecl& decl) const {
    if (decl.eq == kNoType) return nullptr;
    auto it = owners_.find(decl.eq);
    return it != owners_.end() && it->second.interface != context_ ? &it->second : nullptr;
  }

  std::vector<std::pair<const Interface*, std::string>> collect_uses(const Interface& interface) const {
    std::vector<std::pair<const Interface*, std::string>> uses;
    for (const ExternDecl& decl : interface.decls) {
      const Owner* owner = decl.sort == ExternSort::Type ? used_from(decl) : nullptr;
      if (!owner) continue;
      if (uses.empty() || uses.back().first != owner->interface) uses.emplace_back(owner->interface, "");
      std::string& names = uses.back().second;
      names += (names.empty() ? "" : ", ") + use_item(*owner, decl.name);
    }
    return uses;
  }

  static std::string use_item(const Owner& owner, const std::string& name) {
    return owner.name == name ? identifier(name) : identifier(owner.name) + " as " + identifier(name);
  }

  std::string path(const Interface& other) const {
    return !other.package.empty() && other.package == context_->package ? identifier(other.label) : other.name;
  }

  // --- Types ---

  void type(const ExternDecl& decl) {
    const std::string name = identifier(decl.name);
    if (const Owner* owner = used_from(decl)) {
      return line(fmt::format("use {}.{{{}}};", path(*owner->interface), use_item(*owner, decl.name)));
    }
    if (auto it = owners_.find(decl.eq); it != owners_.end() && it->second.name != decl.name) {
      return line(fmt::format("type {} = {};", name, identifier(it->second.name)));
    }
    const ComponentTypeDef& def = types_[decl.type];
    switch (def.kind) {
      case TypeKind::Record: return block("record " + name, def.parts, true);
      case TypeKind::Flags: return block("flags " + name, def.parts, false);
      case TypeKind::Enum: return block("enum " + name, def.parts, false);
      case TypeKind::Variant: return block("variant " + name, def.parts, false);
      case TypeKind::Resource: return resource(decl);
      case TypeKind::Func:
      case TypeKind::Component:
      case TypeKind::Instance:
      case TypeKind::CoreModule: return line(fmt::format("// type {}: {}", name, to_string(types_, decl.type)));
      default: line(fmt::format("type {} = {};", name, structure(decl.type, 0)));
    }
  }

  void block(const std::string& head, const std::vector<NamedType>& parts, bool is_record) {
    line(head + " {");
    indent_++;
    for (const NamedType& part : parts) {
      std::string text = identifier(part.name);
      if (part.type != kNoType) text += is_record ? ": " + use(part.type, 0) : "(" + use(part.type, 0) + ")";
      line(text + ",");
    }
    indent_--;
    line("}");
  }

  void resource(const ExternDecl& decl) {
    std::vector<std::string> functions;
    for (const ExternDecl& item : context_->decls) {
      if (item.sort != ExternSort::Func) continue;
      const auto parsed = parse_extern_name(item.name);
      if (parsed->resource != decl.name) continue;
      const std::string label = identifier(parsed->label);
      if (parsed->kind == ExternNameKind::Constructor) {
        functions.push_back(constructor(item.type));
      } else if (parsed->kind == ExternNameKind::Method) {
        functions.push_back(fmt::format("{}: {};", label, func(item.type, 1)));
      } else {
        functions.push_back(fmt::format("{}: static {};", label, func(item.type, 0)));
      }
    }
    const std::string head = "resource " + identifier(decl.name);
    if (functions.empty()) return line(head + ";");
    line(head + " {");
    indent_++;
    for (const std::string& function : functions) line(function);
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
  Interface world_;
  std::vector<std::unique_ptr<Interface>> interfaces_;  // in order of appearance
  std::map<std::string, Interface*> by_name_;
  std::unordered_map<const ExternDecl*, const Interface*> by_decl_;
  std::unordered_map<TypeId, Owner> owners_;
  const Interface* context_ = &world_;
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

// See frontend/compose.h. In order: who fills what; imports that stay; instances, each behind those that it needs;
// exports.
#include "frontend/compose.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_set>

#include "base/check.h"
#include "frontend/component_encoder.h"
#include "frontend/component_names.h"

namespace wjit {
namespace {

using component_text::Space;

// Calls visit(TypeId) for all types that `type` mentions, itself included.
template <typename Visit>
void for_each_mention(const ComponentTypes& types, TypeId type, Visit&& visit) {
  std::unordered_set<TypeId> seen;
  std::vector<TypeId> next = {type};
  while (!next.empty()) {
    const TypeId id = next.back();
    next.pop_back();
    if (id == kNoType || !seen.insert(id).second) continue;
    visit(id);
    const ComponentTypeDef& def = types[id];
    for (const NamedType& part : def.parts) next.push_back(part.type);
    for (TypeId part : {def.element, def.second, def.resource_type}) next.push_back(part);
    for (const auto* decls : {&def.imports, &def.exports}) {
      for (const ExternDecl& decl : *decls) {
        next.push_back(decl.type);
        next.push_back(decl.eq);
      }
    }
  }
}

Space space_of(ExternSort sort) {
  switch (sort) {
    case ExternSort::CoreModule: return Space::CoreModule;
    case ExternSort::Func: return Space::Func;
    case ExternSort::Value: return Space::Value;
    case ExternSort::Type: return Space::Type;
    case ExternSort::Component: return Space::Component;
    case ExternSort::Instance: return Space::Instance;
  }
  UNREACHABLE_CASE("extern sort");
}

bool fits(const ExternDecl& import, const ExternDecl& item) {
  if (import.sort != item.sort) return false;
  const auto same = [](const std::string& a, const std::string& b) { return version_track(a) == version_track(b); };
  if (same(import.name, item.name)) return true;
  if (!import.attributes.implements) return false;
  return same(*import.attributes.implements, item.attributes.implements.value_or(item.name));
}

// Kinds of types that can be mentioned in imports and exports by a name only (Explainer.md, "External Visibility").
bool needs_name(TypeKind kind) {
  return kind == TypeKind::Record || kind == TypeKind::Variant || kind == TypeKind::Enum || kind == TypeKind::Flags ||
         kind == TypeKind::Resource;
}

// "a/b/dep.wasm" -> "dep".
std::string label_of(const std::string& path) {
  std::string name = path.substr(path.find_last_of('/') + 1);
  return name.substr(0, name.find_last_of('.'));
}

class Composer {
 public:
  Composer(const ComposePart& app, std::span<const ComposePart> plugs) {
    parts_.push_back({.source = &app});
    for (const ComposePart& plug : plugs) parts_.push_back({.source = &plug});
  }

  Result<Composition> run() {
    for (Part& part : parts_) find_providers(part);
    order(0);
    check_all_used();
    if (error_) return std::unexpected(*error_);
    collect_imports();
    for (auto& [key, import] : imports_) add_import(import);
    for (size_t part : order_) add_instance(part);
    export_all();
    if (error_) return std::unexpected(*error_);
    Result<Bytes> bytes = out_.finish();
    if (!bytes) return std::unexpected(bytes.error());
    return Composition{std::move(*bytes), std::move(notes_)};
  }

 private:
  // An export of a part.
  struct Provider {
    size_t part = 0;
    const ExternDecl* item = nullptr;
  };
  enum class State : uint8_t { New, Open, Done };
  struct Part {
    const ComposePart* source;
    std::vector<std::optional<Provider>> providers = {};  // for each import
    std::map<TypeId, size_t> owners = {};                 // named types of imports -> the import
    State state = State::New;
    uint32_t component = 0, instance = 0;
    std::map<std::string, uint32_t> aliases = {};  // of the instance's exports

    const ComponentTypes& types() const { return *source->component->types; }
    const std::vector<ExternDecl>& imports() const { return types()[source->component->type].imports; }
    const std::vector<ExternDecl>& exports() const { return types()[source->component->type].exports; }
  };
  // What stays an import: of one part, or of several that want something compatible.
  struct Import {
    std::vector<std::pair<size_t, size_t>> wanted;  // part, number of its import
    State state = State::New;
    std::optional<uint32_t> index;  // none for a type that its users alias themselves
  };

  const ExternDecl& decl(std::pair<size_t, size_t> wanted) const {
    return parts_[wanted.first].imports()[wanted.second];
  }
  const std::string& name(size_t part) const { return parts_[part].source->name; }
  template <typename... Args>
  void fail(fmt::format_string<Args...> format, Args&&... args) {
    if (!error_) error_ = Error{fmt::format(format, std::forward<Args>(args)...)};
  }

  // --- Who fills what ---

  void find_providers(Part& part) {
    const size_t self = static_cast<size_t>(&part - parts_.data());
    for (const ExternDecl& import : part.imports()) {
      std::optional<Provider> found;
      // Plugs behind this one, then those before it.
      for (size_t i = 1; i < parts_.size() && !found; ++i) {
        const size_t candidate = (self + i - 1) % (parts_.size() - 1) + 1;
        if (self != 0 && candidate == self) continue;
        for (const ExternDecl& item : parts_[self == 0 ? i : candidate].exports()) {
          if (!found && fits(import, item)) found = Provider{self == 0 ? i : candidate, &item};
        }
      }
      const size_t number = part.providers.size();
      part.providers.push_back(found);
      if (import.sort == ExternSort::Type) part.owners.emplace(import.type, number);
      if (import.sort != ExternSort::Instance) continue;
      for (const ExternDecl& item : part.types()[import.type].exports) {
        if (item.sort == ExternSort::Type) part.owners.emplace(item.type, number);
      }
    }
  }

  // Each part behind those that it needs.
  void order(size_t number) {
    Part& part = parts_[number];
    if (part.state == State::Done) return;
    part.state = State::Open;
    path_.push_back(number);
    for (size_t i = 0; i < part.providers.size() && !error_; ++i) {
      if (!part.providers[i]) continue;
      const size_t needed = part.providers[i]->part;
      if (parts_[needed].state == State::Open) {
        std::string circle;
        for (auto it = std::ranges::find(path_, needed); it != path_.end(); ++it) circle += name(*it) + " -> ";
        return fail("plugs need each other in a circle: {}{} (for `{}`)", circle, name(needed), part.imports()[i].name);
      }
      order(needed);
    }
    path_.pop_back();
    part.state = State::Done;
    order_.push_back(number);
  }

  void check_all_used() {
    for (const Part& part : parts_) {
      if (part.state == State::Done || error_) continue;
      std::vector<std::string> has, wanted;
      for (const ExternDecl& item : part.exports()) has.push_back(item.name);
      for (const ExternDecl& import : parts_[0].imports()) wanted.push_back(import.name);
      fail("{} fills no import: it exports {}; {} imports {}", part.source->name,
           has.empty() ? "nothing" : enumerate(has), name(0), wanted.empty() ? "nothing" : enumerate(wanted));
    }
  }

  // --- Imports that stay ---

  void collect_imports() {
    std::vector<std::string> offered;
    std::map<std::string, size_t> by_offer;
    for (size_t i = 1; i < parts_.size(); ++i) {
      for (const ExternDecl& item : parts_[i].exports()) {
        offered.push_back(item.name);
        by_offer.emplace(item.name, i);
      }
    }
    std::map<std::string, size_t> known;
    for (size_t part = 0; part < parts_.size(); ++part) {
      for (size_t i = 0; i < parts_[part].imports().size(); ++i) {
        if (parts_[part].providers[i]) continue;
        const ExternDecl& import = parts_[part].imports()[i];
        const auto [at, is_new] = known.emplace(version_track(import.name), imports_.size());
        if (is_new) {
          imports_.push_back({at->first, {}});
          for (const std::string& near : near_misses(import.name, offered)) {
            if (by_offer[near] == part) continue;
            notes_.push_back(fmt::format("nothing fills import `{}` of {}; {} exports `{}`", import.name, name(part),
                                         name(by_offer[near]), near));
          }
        }
        Import& merged = imports_[at->second].second;
        if (!merged.wanted.empty() && decl(merged.wanted[0]).sort != import.sort) {
          const ExternDecl& other = decl(merged.wanted[0]);
          fail("`{}` is imported as a {} by {} and as a {} by {}", import.name, wjit::name(other.sort),
               name(merged.wanted[0].first), wjit::name(import.sort), name(part));
        }
        if (!merged.wanted.empty() && import.sort == ExternSort::Value) {
          fail("`{}` is a value, which can be used once: {} and {} import it", import.name,
               name(merged.wanted[0].first), name(part));
        }
        merged.wanted.emplace_back(part, i);
      }
    }
  }

  // Behind the imports whose types it mentions.
  void add_import(Import& import) {
    constexpr unsigned kMaxDepth = 1000;
    if (import.state == State::Done || error_) return;
    if (++depth_ > kMaxDepth) fail("more than {} imports that use each other's types", kMaxDepth);
    add_needed_and(import);
    --depth_;
  }

  void add_needed_and(Import& import) {
    import.state = State::Open;
    for (const auto& wanted : import.wanted) {
      const Part& part = parts_[wanted.first];
      const ExternDecl& item = decl(wanted);
      bool has_resource_of_plug = false;
      const auto visit = [&](TypeId type) {
        const auto owner = part.owners.find(type);
        if (owner == part.owners.end() || owner->second == wanted.second) return;
        const ExternDecl& other = part.imports()[owner->second];
        if (!part.providers[owner->second]) {
          Import& needed = find_import(other);
          if (needed.state != State::Open) return add_import(needed);
          if (&needed != &import) fail("imports `{}` and `{}` use each other's types", item.name, other.name);
        } else if (part.types()[type].kind == TypeKind::Resource) {
          has_resource_of_plug = true;
          if (item.sort != ExternSort::Type) {
            fail("import `{}` of {} uses resource `{}` of `{}`, which {} fills: a plug has to fill `{}` too", item.name,
                 name(wanted.first), part.types().resource_names[part.types()[type].resource], other.name,
                 name(part.providers[owner->second]->part), item.name);
          }
        }
      };
      for_each_mention(part.types(), item.type, visit);
      if (item.eq != kNoType) for_each_mention(part.types(), item.eq, visit);
      if (has_resource_of_plug) {  // a type: an alias where the part is instantiated
        import.state = State::Done;
        return;
      }
    }
    import.state = State::Done;
    if (error_) return;
    write_import(import);
  }

  Import& find_import(const ExternDecl& item) {
    for (auto& [key, import] : imports_) {
      if (key == version_track(item.name)) return import;
    }
    UNREACHABLE_CASE("import");
  }

  void write_import(Import& import) {
    const ExternDecl* newest = &decl(import.wanted[0]);
    for (const auto& wanted : import.wanted) {
      const auto version = [](const ExternDecl& item) {
        const auto parsed = parse_extern_name(item.name);
        return parsed ? parsed->version : std::string_view();
      };
      if (version_less(version(*newest), version(decl(wanted)))) newest = &decl(wanted);
    }
    if (newest->sort != ExternSort::Instance) {
      import.index = out_.import_item(parts_[import.wanted[0].first].types(), decl(import.wanted[0]));
      for (const auto& wanted : import.wanted) {
        if (newest->sort == ExternSort::Type)
          out_.bind_type({&parts_[wanted.first].types(), decl(wanted).type}, *import.index);
      }
      return;
    }
    std::vector<ArenaType> types;
    for (const auto& wanted : import.wanted) types.push_back({&parts_[wanted.first].types(), decl(wanted).type});
    import.index = out_.import_instance(newest->name, newest->attributes, types);
  }

  // --- Instances ---

  void add_instance(size_t number) {
    if (error_) return;
    Part& part = parts_[number];
    part.component = out_.nested_component(*part.source->component, label_of(part.source->name));
    // First what names types, then what may mention them.
    std::vector<std::optional<uint32_t>> given(part.imports().size());
    for (size_t i = 0; i < part.imports().size(); ++i) {
      const ExternDecl& import = part.imports()[i];
      if (!part.providers[i]) {
        given[i] = find_import(import).index;
        continue;
      }
      given[i] = alias(*part.providers[i]);
      if (import.sort == ExternSort::Instance) out_.bind_instance({&part.types(), import.type}, *given[i]);
      if (import.sort == ExternSort::Type) out_.bind_type({&part.types(), import.type}, *given[i]);
    }
    std::vector<ComponentEncoder::Argument> arguments;
    for (size_t i = 0; i < part.imports().size(); ++i) {
      const ExternDecl& import = part.imports()[i];
      if (!given[i]) given[i] = out_.type_index({&part.types(), import.eq});
      arguments.push_back({import.name, space_of(import.sort), *given[i]});
    }
    part.instance = out_.instantiate(part.component, arguments, label_of(part.source->name));
  }

  uint32_t alias(const Provider& provider) {
    Part& part = parts_[provider.part];
    const auto [at, is_new] = part.aliases.emplace(provider.item->name, 0);
    // An alias of a value can be used once.
    if (is_new || provider.item->sort == ExternSort::Value)
      at->second = out_.alias_export(space_of(provider.item->sort), part.instance, provider.item->name);
    return at->second;
  }

  // --- Exports ---

  void export_all() {
    if (error_) return;
    std::set<std::string> names;
    for (const ExternDecl& item : parts_[0].exports()) names.insert(item.name);
    for (const ExternDecl& item : parts_[0].exports()) {
      export_types_of(0, item, names);
      export_one({0, &item});
    }
  }

  void export_one(const Provider& item) {
    out_.export_item(item.item->name, item.item->attributes, space_of(item.item->sort), alias(item));
  }

  // Types in exports must have names outside: those that come from plugs get them by an export of the plug's instance.
  void export_types_of(size_t number, const ExternDecl& item, std::set<std::string>& names) {
    const Part& part = parts_[number];
    const auto visit = [&](TypeId type) {
      const auto owner = part.owners.find(type);
      if (owner == part.owners.end() || !part.providers[owner->second] || !needs_name(part.types()[type].kind)) return;
      const Provider& provider = *part.providers[owner->second];
      if (!names.insert(provider.item->name).second) return;
      export_types_of(provider.part, *provider.item, names);
      export_one(provider);
    };
    for_each_mention(part.types(), item.type, visit);
    if (item.eq != kNoType) for_each_mention(part.types(), item.eq, visit);
  }

  std::vector<Part> parts_;  // the app, then the plugs
  std::vector<size_t> path_;
  std::vector<size_t> order_;
  std::vector<std::pair<std::string, Import>> imports_;  // by version track, in order
  unsigned depth_ = 0;                                   // of add_import
  std::vector<std::string> notes_;
  ComponentEncoder out_;
  std::optional<Error> error_;
};

}  // namespace

Result<Composition> compose(const ComposePart& app, std::span<const ComposePart> plugs) {
  return Composer(app, plugs).run();
}

}  // namespace wjit

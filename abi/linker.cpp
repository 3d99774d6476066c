// What a store's host offers to root components, and how imports find it. See abi/linker.h.
#include "abi/linker.h"

#include <algorithm>

#include "base/check.h"
#include "frontend/component_names.h"
#include "frontend/component_types.h"

namespace wjit {
namespace {

// "a:b/" of "a:b/c@1.0.0"; the name itself where there is no slash.
std::string_view package_of(std::string_view name) {
  size_t slash = name.find('/');
  return slash == std::string_view::npos ? name.substr(0, name.find('@')) : name.substr(0, slash + 1);
}

}  // namespace

// ---- interfaces ----

void HostInterfaces::add(std::shared_ptr<const HostInterface> interface) {
  std::string track = version_track(interface->name);
  interfaces_[track] = std::move(interface);
}

std::vector<std::string> HostInterfaces::names() const {
  std::vector<std::string> all;
  for (const auto& [track, interface] : interfaces_) all.push_back(interface->name);
  std::sort(all.begin(), all.end());
  return all;
}

Result<std::shared_ptr<const HostInterface>> HostInterfaces::find(std::string_view import) const {
  auto found = interfaces_.find(version_track(import));
  if (found != interfaces_.end()) return found->second;

  const std::vector<std::string> all = names();
  const std::vector<std::string> near = near_misses(import, all);
  if (!near.empty()) return fail("import `{}` is not provided: the host has {}", import, enumerate(near));
  std::vector<std::string> siblings, packages;
  for (const std::string& name : all) {
    if (package_of(name) == package_of(import)) siblings.push_back(name);
    std::string package(package_of(name));
    if (package.ends_with('/')) package.pop_back();
    if (std::find(packages.begin(), packages.end(), package) == packages.end()) packages.push_back(package);
  }
  if (!siblings.empty()) return fail("import `{}` is not provided: the host has {}", import, enumerate(siblings));
  if (packages.empty()) return fail("import `{}` is not provided: the host has no interfaces", import);
  return fail("import `{}` is not provided: the host has interfaces of {}", import, enumerate(packages));
}

// ---- imports ----

namespace {

// The resources of one imported instance, by what the import's type calls them.
using BoundResources = std::unordered_map<ResourceId, ResourceType*>;

// Visits the own and borrow handles of a type: depth first, in the order of HostFunction::handle_types.
template <typename F>
void for_each_handle(const ComponentTypes& types, TypeId id, F&& visit) {
  if (id == kNoType) return;
  const ComponentTypeDef& type = types[id];
  if (type.kind == TypeKind::Own || type.kind == TypeKind::Borrow) return visit(type);
  for (const NamedType& part : type.parts) for_each_handle(types, part.type, visit);
  for_each_handle(types, type.element, visit);
  for_each_handle(types, type.second, visit);
}

// Empty, or which handle is of another resource type than the host's function has. The structure fits already, so both
// sequences are equally long.
std::string check_handles(const HostFunction& host, const ComponentTypes& types, TypeId func,
                          const BoundResources& bound) {
  std::string problem;
  size_t next = 0;
  for_each_handle(types, func, [&](const ComponentTypeDef& handle) {
    if (next >= host.handle_types.size()) {
      problem = "it has more handles than the host's function";
      return;
    }
    const ResourceType* wanted = host.handle_types[next++];
    auto found = bound.find(handle.resource);
    if (found != bound.end() && found->second == wanted) return;
    if (problem.empty())
      problem = fmt::format("handle {} of its type is not the host's resource `{}`", next, wanted->name);
  });
  return problem;
}

Result<RuntimeItem> import_instance(const HostInterface& host, const ExternDecl& import, ComponentInstance& importer) {
  const ComponentTypes& types = *importer.component->types;
  auto instance = std::make_shared<RuntimeInstance>();
  BoundResources bound;
  auto resource_of = [&](ResourceId id) -> ResourceType* {
    if (auto found = bound.find(id); found != bound.end()) return found->second;
    auto found = importer.resources.find(id);
    return found != importer.resources.end() ? found->second : nullptr;
  };
  for (const ExternDecl& decl : types[import.type].exports) {
    switch (decl.sort) {
      case ExternSort::Type: {
        const ComponentTypeDef& type = types[decl.type];
        if (type.kind != TypeKind::Resource) break;
        ResourceType* resource = nullptr;
        if (decl.is_sub_resource) {
          auto found = host.resources.find(decl.name);
          if (found == host.resources.end()) {
            return fail("import `{}`: the host's {} has no resource `{}`", import.name, host.name, decl.name);
          }
          resource = found->second;
          bound[type.resource] = resource;
        } else {
          resource = resource_of(type.resource);
          if (resource == nullptr) return fail("import `{}`: resource `{}` is not bound", import.name, decl.name);
        }
        instance->exports.emplace(decl.name, RuntimeResource{resource});
        break;
      }
      case ExternSort::Func: {
        auto found = host.functions.find(decl.name);
        if (found == host.functions.end()) {
          return fail("import `{}` wants function `{}`, which the host's {} has not", import.name, decl.name,
                      host.name);
        }
        const HostFunction& function = *found->second;
        std::string problem = function.check(types, decl.type);
        if (problem.empty()) {
          BoundResources visible;
          for_each_handle(types, decl.type, [&](const ComponentTypeDef& handle) {
            if (ResourceType* resource = resource_of(handle.resource)) visible[handle.resource] = resource;
          });
          problem = check_handles(function, types, decl.type, visible);
        }
        if (!problem.empty()) {
          return fail("import `{}`: function `{}` has another type than the host's {}: {}", import.name, decl.name,
                      host.name, problem);
        }
        auto made = std::make_shared<RuntimeFunction>();
        made->types = importer.component->types;
        made->type = decl.type;
        made->host = found->second;
        made->name = fmt::format("{}#{}", import.name, decl.name);
        instance->exports.emplace(decl.name, std::move(made));
        break;
      }
      default:
        return fail("import `{}`: `{}` is a {}, which host interfaces do not have", import.name, decl.name,
                    name(decl.sort));
    }
  }
  return RuntimeItem(std::move(instance));
}

}  // namespace

ImportSource import_from_host(Store&, const HostInterfaces& interfaces) {
  return [&interfaces](const ExternDecl& import, ComponentInstance& importer) -> Result<RuntimeItem> {
    const ComponentTypes& types = *importer.component->types;
    switch (import.sort) {
      case ExternSort::Instance: {
        auto host = interfaces.find(import.name);
        if (!host && types[import.type].exports.empty()) return RuntimeItem(std::make_shared<RuntimeInstance>());
        if (!host &&
            std::all_of(types[import.type].exports.begin(), types[import.type].exports.end(), [&](const auto& e) {
              return e.sort == ExternSort::Type && types[e.type].kind != TypeKind::Resource;
            })) {
          return RuntimeItem(std::make_shared<RuntimeInstance>());  // only names for types: nothing to provide
        }
        if (!host) return std::unexpected(host.error());
        return import_instance(**host, import, importer);
      }
      case ExternSort::Type:
        if (types[import.type].kind != TypeKind::Resource) return RuntimeItem{};
        if (!import.is_sub_resource) {
          auto found = importer.resources.find(types[import.type].resource);
          if (found != importer.resources.end()) return RuntimeItem(RuntimeResource{found->second});
        }
        return fail("import `{}` is a resource type; the host provides interfaces only", import.name);
      default: return fail("import `{}` is a {}; the host provides interfaces only", import.name, name(import.sort));
    }
  };
}

}  // namespace wjit

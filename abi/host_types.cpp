// The typed layer's run-time part: comparing and printing types. See abi/host_types.h.
#include "abi/host_types.h"

#include "base/check.h"
#include "frontend/component_types.h"

namespace wjit::host {

ResourceType* ResourceTypes::of(const void* tag, const char* name) {
  std::unique_ptr<ResourceType>& type = types_[tag];
  if (type == nullptr) {
    type = std::make_unique<ResourceType>();
    type->name = name;
    type->host_drop = drop_;
  }
  return type.get();
}

bool same_structure(const TypeInfo* info, const ComponentTypes& types, TypeId id) {
  if (info == nullptr || id == kNoType) return info == nullptr && id == kNoType;
  const ComponentTypeDef& type = types[id];
  if (type.kind != info->kind || type.parts.size() != info->parts.size()) return false;
  for (size_t i = 0; i < type.parts.size(); ++i) {
    if (type.kind != TypeKind::Tuple && type.parts[i].name != info->parts[i].name) return false;
    if (!same_structure(info->parts[i].type, types, type.parts[i].type)) return false;
  }
  switch (type.kind) {
    case TypeKind::List:
    case TypeKind::Option:
    case TypeKind::Stream:
    case TypeKind::Future:
    case TypeKind::Result:
      return same_structure(info->element, types, type.element) && same_structure(info->second, types, type.second);
    default: return true;
  }
}

static const char* scalar_name(TypeKind kind) {
  switch (kind) {
    case TypeKind::Bool: return "bool";
    case TypeKind::S8: return "s8";
    case TypeKind::U8: return "u8";
    case TypeKind::S16: return "s16";
    case TypeKind::U16: return "u16";
    case TypeKind::S32: return "s32";
    case TypeKind::U32: return "u32";
    case TypeKind::S64: return "s64";
    case TypeKind::U64: return "u64";
    case TypeKind::F32: return "f32";
    case TypeKind::F64: return "f64";
    case TypeKind::Char: return "char";
    case TypeKind::String: return "string";
    case TypeKind::Record: return "record";
    case TypeKind::Variant: return "variant";
    case TypeKind::Flags: return "flags";
    case TypeKind::Enum: return "enum";
    default: UNREACHABLE_CASE("a type that hosts do not have");
  }
}

std::string to_string(const TypeInfo* info) {
  if (info == nullptr) return "_";
  switch (info->kind) {
    case TypeKind::List: return "list<" + to_string(info->element) + ">";
    case TypeKind::Option: return "option<" + to_string(info->element) + ">";
    case TypeKind::Own: return info->name;
    case TypeKind::Borrow: return fmt::format("borrow<{}>", info->name);
    case TypeKind::Stream:
    case TypeKind::Future: {
      std::string name = info->kind == TypeKind::Stream ? "stream" : "future";
      return info->element != nullptr ? name + "<" + to_string(info->element) + ">" : name;
    }
    case TypeKind::Result:
      if (info->second != nullptr)
        return fmt::format("result<{}, {}>", to_string(info->element), to_string(info->second));
      return info->element != nullptr ? "result<" + to_string(info->element) + ">" : "result";
    case TypeKind::Tuple:
    case TypeKind::Record:
    case TypeKind::Variant:
    case TypeKind::Flags:
    case TypeKind::Enum: {
      bool tuple = info->kind == TypeKind::Tuple;
      std::string text = tuple ? "tuple<" : std::string(scalar_name(info->kind)) + " { ";
      for (size_t i = 0; i < info->parts.size(); ++i) {
        const PartInfo& part = info->parts[i];
        if (i > 0) text += ", ";
        text += part.name;
        if (info->kind == TypeKind::Record) text += ": ";
        if (part.type == nullptr) continue;
        text += info->kind == TypeKind::Variant ? "(" + to_string(part.type) + ")" : to_string(part.type);
      }
      return text + (tuple ? ">" : " }");
    }
    default: return scalar_name(info->kind);
  }
}

void for_each_handle(const TypeInfo* info, const std::function<void(const TypeInfo&)>& visit) {
  if (info == nullptr) return;
  if (info->tag != nullptr) visit(*info);
  for (const PartInfo& part : info->parts) for_each_handle(part.type, visit);
  for_each_handle(info->element, visit);
  for_each_handle(info->second, visit);
}

std::string check_function(const FunctionInfo& info, const ComponentTypes& types, TypeId func) {
  const ComponentTypeDef& type = types[func];
  if (type.is_async != info.is_async) {
    return type.is_async ? "the import is an async function, the host's is not"
                         : "the host's is an async function, the import is not";
  }
  if (type.parts.size() != info.params.size()) {
    return fmt::format("the import has {} parameters, the host's function {}", type.parts.size(), info.params.size());
  }
  auto name_of = [&](TypeId id) { return id == kNoType ? "none" : wjit::to_string(types, id); };
  for (size_t i = 0; i < info.params.size(); ++i) {
    if (same_structure(info.params[i], types, type.parts[i].type)) continue;
    return fmt::format("parameter `{}` is {}, the host's is {}", type.parts[i].name, name_of(type.parts[i].type),
                       to_string(info.params[i]));
  }
  if (same_structure(info.result, types, type.element)) return "";
  return fmt::format("the result is {}, the host's is {}", name_of(type.element),
                     info.result != nullptr ? to_string(info.result) : "none");
}

const PayloadType* find_payload(const HostCall& call, const TypeInfo* element, bool is_future) {
  // One of its kind was compared when the function was linked.
  const PayloadType* only = nullptr;
  size_t count = 0;
  for (const PayloadType* payload : call.adapter->streams) {
    if (payload->is_future != is_future) continue;
    only = payload;
    ++count;
  }
  if (count == 1) return only;
  for (const PayloadType* payload : call.adapter->streams) {
    if (payload->is_future == is_future && same_structure(element, *payload->types, payload->element)) return payload;
  }
  UNREACHABLE_CASE("a stream or future type that is not in the function's type");
}

InterfaceBuilder::InterfaceBuilder(std::string name, ResourceTypes& resources)
    : interface_(std::make_shared<HostInterface>()), resources_(resources) {
  interface_->name = std::move(name);
}

void InterfaceBuilder::add(std::string_view name, FunctionInfo info, std::function<void(HostCall&)> invoke) {
  auto function = std::make_shared<HostFunction>();
  function->name = fmt::format("{} {}", interface_->name, name);
  auto collect = [&](const TypeInfo& handle) {
    function->handle_types.push_back(resources_.of(handle.tag, handle.name));
  };
  for (const TypeInfo* param : info.params) for_each_handle(param, collect);
  for_each_handle(info.result, collect);
  function->check = [info = std::move(info)](const ComponentTypes& types, TypeId func) {
    return check_function(info, types, func);
  };
  function->invoke = std::move(invoke);
  bool fresh = interface_->functions.emplace(name, std::move(function)).second;
  CHECK(fresh && "a host function is defined twice");
}

}  // namespace wjit::host

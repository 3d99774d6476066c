// The typed layer of host functions: from a C++ signature to the component function type that an import must have, and
// to the code that takes parameters out of a HostCall's tuple and puts results into it.
//
//   InterfaceBuilder clock("wasi:clocks/monotonic-clock@0.3.0", resources);
//   clock.add<uint64_t()>("now", [](HostCall&) -> uint64_t { return … });                  // returns its result
//   clock.add_async<void(uint64_t)>("wait-for", [](Reply<void> reply, uint64_t ns) { … });  // replies now or later
//   interfaces.add(clock.finish());
//
// add: a sync function that has its result at once.  add_blocking: a sync function that may reply later (the guest's
// thread is parked).  add_async: the function type is `async`. Types are compared by structure, labels included,
// parameter names not (check_function); own and borrow handles by the run-time resource type, which the linker does
// with HostFunction::handle_types. Test: test/unit/host_types_test.cpp.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "abi/host.h"
#include "abi/host_values.h"
#include "abi/linker.h"
#include "abi/resource.h"
#include "abi/store.h"
#include "abi/stream.h"

namespace wjit::host {

// The resource types of one store's host, one for each C++ tag type; addresses are stable. `drop` gets what resources
// are dropped, whatever their type.
class ResourceTypes {
 public:
  explicit ResourceTypes(std::function<void(uint32_t rep)> drop) : drop_(std::move(drop)) {}
  template <typename R>
  ResourceType* of() {
    return of(&kTag<R>, R::kName);
  }
  ResourceType* of(const void* tag, const char* name);

  // Its address names the C++ type.
  template <typename R>
  static constexpr char kTag = 0;

 private:
  std::function<void(uint32_t)> drop_;
  std::map<const void*, std::unique_ptr<ResourceType>> types_;
};

// ---- a C++ type's component type ----

struct TypeInfo;

struct PartInfo {
  std::string name;
  const TypeInfo* type = nullptr;  // null: none (labels, cases without payload)
};

// What a C++ type stands for; made once for each. Handles: `tag` and `name` of the resource.
struct TypeInfo {
  TypeKind kind = TypeKind::Bool;
  std::vector<PartInfo> parts = {};   // as ComponentTypeDef::parts
  const TypeInfo* element = nullptr;  // as ComponentTypeDef::element, null: none
  const TypeInfo* second = nullptr;
  const void* tag = nullptr;
  const char* name = nullptr;
};

// True if the type `id` has this structure; resources are not compared.
bool same_structure(const TypeInfo* info, const ComponentTypes& types, TypeId id);
// In WIT syntax, for messages.
std::string to_string(const TypeInfo* info);
// Calls `visit` for each own and borrow of the type, in depth-first order, every occurrence.
void for_each_handle(const TypeInfo* info, const std::function<void(const TypeInfo&)>& visit);

struct FunctionInfo {
  std::vector<const TypeInfo*> params = {};
  const TypeInfo* result = nullptr;
  bool is_async = false;
};
// Empty, or what does not fit.
std::string check_function(const FunctionInfo& info, const ComponentTypes& types, TypeId func);

template <typename T>
const TypeInfo* type_info();

template <typename T>
struct MakeInfo;

template <TypeKind Kind>
struct ScalarInfo {
  static TypeInfo make() { return {.kind = Kind}; }
};
#define HOST_SCALAR(Type, Kind) \
  template <>                   \
  struct MakeInfo<Type> : ScalarInfo<TypeKind::Kind> {};
// clang-format off
HOST_SCALAR(bool, Bool)
HOST_SCALAR(int8_t, S8)
HOST_SCALAR(uint8_t, U8)
HOST_SCALAR(int16_t, S16)
HOST_SCALAR(uint16_t, U16)
HOST_SCALAR(int32_t, S32)
HOST_SCALAR(uint32_t, U32)
HOST_SCALAR(int64_t, S64)
HOST_SCALAR(uint64_t, U64)
HOST_SCALAR(float, F32)
HOST_SCALAR(double, F64)
HOST_SCALAR(Char, Char)
HOST_SCALAR(String, String)
// clang-format on
#undef HOST_SCALAR

// Unit and void: no type.
template <typename T>
const TypeInfo* optional_info() {
  if constexpr (std::is_void_v<T> || std::is_same_v<T, Unit>) {
    return nullptr;
  } else {
    return type_info<T>();
  }
}

template <typename T>
struct MakeInfo<List<T>> {
  static TypeInfo make() { return {.kind = TypeKind::List, .element = type_info<T>()}; }
};
template <typename T>
struct MakeInfo<Option<T>> {
  static_assert(sizeof(Option<T>) == align_up(align_of<T> + size_of<T>, align_of<T>));
  static TypeInfo make() { return {.kind = TypeKind::Option, .element = type_info<T>()}; }
};
template <typename T, typename E>
struct MakeInfo<Result<T, E>> {
  static constexpr size_t kAlign = std::max(align_of<T>, align_of<E>);
  static_assert(sizeof(Result<T, E>) ==
                    align_up(kAlign * (size_of<T> + size_of<E> > 0) + std::max(size_of<T>, size_of<E>), kAlign) ||
                size_of<T> + size_of<E> == 0);
  static TypeInfo make() {
    return {.kind = TypeKind::Result, .element = optional_info<T>(), .second = optional_info<E>()};
  }
};
template <typename... T>
struct MakeInfo<Tuple<T...>> {
  static_assert(sizeof(Tuple<T...>) == record_size<T...>());
  static TypeInfo make() { return {.kind = TypeKind::Tuple, .parts = {PartInfo{"", type_info<T>()}...}}; }
};
template <typename... Cases>
struct MakeInfo<Variant<Cases...>> {
  static TypeInfo make() {
    return {.kind = TypeKind::Variant,
            .parts = {PartInfo{std::string(Cases::kLabel), optional_info<typename Cases::Type>()}...}};
  }
};
template <typename R>
struct MakeInfo<Own<R>> {
  static TypeInfo make() { return {.kind = TypeKind::Own, .tag = &ResourceTypes::kTag<R>, .name = R::kName}; }
};
template <typename R>
struct MakeInfo<Borrow<R>> {
  static TypeInfo make() { return {.kind = TypeKind::Borrow, .tag = &ResourceTypes::kTag<R>, .name = R::kName}; }
};
template <typename T>
struct MakeInfo<Stream<T>> {
  static TypeInfo make() { return {.kind = TypeKind::Stream, .element = optional_info<T>()}; }
};
template <typename T>
struct MakeInfo<Future<T>> {
  static TypeInfo make() { return {.kind = TypeKind::Future, .element = optional_info<T>()}; }
};

// Records, enums and flags: by what HOST_RECORD, HOST_ENUM and HOST_FLAGS declared.
template <typename... Fields>
std::vector<PartInfo> parts_of(FieldList<Fields...>) {
  return {PartInfo{std::string(Fields::kName.view()), type_info<typename Fields::Type>()}...};
}
template <typename T>
struct MakeInfo {
  static TypeInfo make() {
    TypeInfo info;
    if constexpr (requires { host_fields(static_cast<const T*>(nullptr)); }) {
      info.kind = TypeKind::Record;
      info.parts = parts_of(host_fields(static_cast<const T*>(nullptr)));
    } else {
      info.kind = std::is_enum_v<T> ? TypeKind::Enum : TypeKind::Flags;
      for (std::string_view label : host_labels(static_cast<const T*>(nullptr))) {
        info.parts.push_back({std::string(label), nullptr});
      }
    }
    return info;
  }
};

template <typename T>
const TypeInfo* type_info() {
  static_assert(std::is_trivially_copyable_v<T>);
  static const TypeInfo info = MakeInfo<T>::make();
  return &info;
}

// ---- calls ----

// The answer to a call, to be given exactly once: by calling it, or through trap() or exit() of the HostCall.
template <typename R>
struct Reply {
  HostCall* call;
  void operator()(const R& result) const {
    memcpy(call->results, &result, sizeof(R));
    call->finish();
  }
  HostArena& arena() const { return *call->arena; }
  Store& store() const { return *call->store; }
};
template <>
struct Reply<void> {
  HostCall* call;
  void operator()() const { call->finish(); }
  Store& store() const { return *call->store; }
};

// Offset of each parameter in the tuple.
template <typename... P>
consteval std::array<size_t, sizeof...(P) + 1> param_offsets() {
  std::array<size_t, sizeof...(P) + 1> offsets{};
  size_t offset = 0, i = 0;
  ((offset = align_up(offset, align_of<P>), offsets[i++] = offset, offset += size_of<P>), ...);
  return offsets;
}
template <typename T>
T param_at(const HostCall& call, size_t offset) {
  T value;
  memcpy(static_cast<void*>(&value), static_cast<const unsigned char*>(call.params) + offset, sizeof(T));
  return value;
}

// The payload type of a stream or future type in this call's function type; null if there is no such type in it.
const PayloadType* find_payload(const HostCall& call, const TypeInfo* element, bool is_future);

// A readable end for the guest: the host writes.
template <typename T>
Stream<T> make_stream(HostCall& call, std::unique_ptr<HostSource> source) {
  return {make_host_stream(*call.store, find_payload(call, optional_info<T>(), false), std::move(source))};
}
template <typename T>
Future<T> make_future(HostCall& call, std::unique_ptr<HostSource> source) {
  return {make_host_stream(*call.store, find_payload(call, optional_info<T>(), true), std::move(source))};
}
// A readable end that a guest gave: the host reads.
template <typename T>
void read_stream(HostCall& call, Stream<T> stream, std::unique_ptr<HostSink> sink) {
  attach_sink(take_host_stream(*call.store, stream.handle), std::move(sink));
}
// Takes a stream that the host was given and reads nothing: its writer learns that the reader has gone.
template <typename T>
void drop_stream(HostCall& call, Stream<T> stream) {
  drop_shared_reader(take_host_stream(*call.store, stream.handle));
}

// ---- interfaces ----

template <typename Signature>
struct Function;
template <typename R, typename... P>
struct Function<R(P...)> {
  using Result = R;
  static FunctionInfo info(bool is_async) { return {{type_info<P>()...}, optional_info<R>(), is_async}; }

  template <typename F>
  static auto immediate(F f) {
    return [f = std::move(f)](HostCall& call) { run_immediate(f, call, std::index_sequence_for<P...>()); };
  }
  template <typename F>
  static auto replying(F f) {
    return [f = std::move(f)](HostCall& call) { run_replying(f, call, std::index_sequence_for<P...>()); };
  }

 private:
  template <typename F, size_t... I>
  static void run_immediate(const F& f, HostCall& call, std::index_sequence<I...>) {
    [[maybe_unused]] static constexpr auto kOffsets = param_offsets<P...>();
    if constexpr (std::is_void_v<R>) {
      f(call, param_at<P>(call, kOffsets[I])...);
      if (!call.finished()) call.finish();
    } else {
      R result = f(call, param_at<P>(call, kOffsets[I])...);
      if (call.finished()) return;  // trapped
      memcpy(call.results, &result, sizeof(R));
      call.finish();
    }
  }
  template <typename F, size_t... I>
  static void run_replying(const F& f, HostCall& call, std::index_sequence<I...>) {
    [[maybe_unused]] static constexpr auto kOffsets = param_offsets<P...>();
    f(Reply<R>{&call}, param_at<P>(call, kOffsets[I])...);
  }
};

class InterfaceBuilder {
 public:
  // `name` with version. Functions must not outlive `resources` (attach both to the store).
  InterfaceBuilder(std::string name, ResourceTypes& resources);

  template <typename R>
  void resource() {
    interface_->resources.emplace(R::kName, resources_.of<R>());
  }
  // f(HostCall&, P…) -> R
  template <typename Signature, typename F>
  void add(std::string_view name, F f) {
    add(name, Function<Signature>::info(false), Function<Signature>::immediate(std::move(f)));
  }
  // f(Reply<R>, P…)
  template <typename Signature, typename F>
  void add_blocking(std::string_view name, F f) {
    add(name, Function<Signature>::info(false), Function<Signature>::replying(std::move(f)));
  }
  // f(Reply<R>, P…)
  template <typename Signature, typename F>
  void add_async(std::string_view name, F f) {
    add(name, Function<Signature>::info(true), Function<Signature>::replying(std::move(f)));
  }

  std::shared_ptr<const HostInterface> finish() { return interface_; }

 private:
  void add(std::string_view name, FunctionInfo info, std::function<void(HostCall&)> invoke);
  std::shared_ptr<HostInterface> interface_;
  ResourceTypes& resources_;
};

}  // namespace wjit::host

// Component values as C++ types: what parameters and results of host functions look like in memory. Each type has
// exactly the canonical ABI's layout for 64-bit pointers (abi/host.h), which is C's layout of the same fields; it is
// asserted where a type is declared. All are trivially copyable; what they point to belongs to the call's HostArena or
// to a guest's memory.
//
//   bool, int8_t … uint64_t, float, double, Char, String, List<T>, Tuple<T…>, Option<T>, Result<T, E> (Unit: no type)
//   Own<R>, Borrow<R>: R has `static constexpr const char* kName`
//   Stream<T>, Future<T> (Unit: no payload)
//
//   struct Datetime { uint64_t seconds; uint32_t nanoseconds; };
//   HOST_RECORD(Datetime, seconds, nanoseconds)
//   HOST_ENUM(Advice, normal, will_need)               enum class; labels: '_' is '-', one at the end is dropped
//   HOST_FLAGS(PathFlags, symlink_follow)              flags.has(PathFlags::symlink_follow)
//   using Error = Variant<Case<"io">, Case<"other", Option<String>>>;
//
// The component types that they stand for are in abi/host_types.h. Test: test/unit/host_types_test.cpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "abi/host.h"

namespace wjit::host {

struct Unit {};
struct Char {
  uint32_t code = 0;
};

struct String {
  const char* data = nullptr;
  size_t size = 0;
  String() = default;
  String(std::string_view text) : data(text.data()), size(text.size()) {}  // NOLINT: borrows, like a view
  String(const char* literal) : String(std::string_view(literal)) {}       // NOLINT
  operator std::string_view() const { return {data, size}; }               // NOLINT
  std::string string() const { return {data, size}; }
};

template <typename T>
struct List {
  const T* data = nullptr;
  size_t size = 0;
  List() = default;
  List(const T* from, size_t count) : data(from), size(count) {}
  const T* begin() const { return data; }
  const T* end() const { return data + size; }
  const T& operator[](size_t i) const { return data[i]; }
};

// A list in the arena with a copy of the elements.
template <typename T>
List<T> make_list(HostArena& arena, std::span<const T> elements) {
  void* memory = arena.allocate(elements.size_bytes() + 1, alignof(T));
  if (!elements.empty()) memcpy(memory, elements.data(), elements.size_bytes());
  return {static_cast<const T*>(memory), elements.size()};
}

// A handle of a resource: the host's number for it, see ResourceTypes in abi/host_types.h.
template <typename R>
struct Own {
  uint32_t rep = 0;
};
template <typename R>
struct Borrow {
  uint32_t rep = 0;
};
// A readable end, as a number of the store's host table.
template <typename T>
struct Stream {
  uint32_t handle = 0;
};
template <typename T>
struct Future {
  uint32_t handle = 0;
};

// ---- payloads of variants ----

template <typename T>
inline constexpr size_t size_of = sizeof(T);
template <>
inline constexpr size_t size_of<Unit> = 0;
template <typename T>
constexpr size_t align_of = alignof(T);

template <size_t Size, size_t Align>
struct Payload {
  alignas(Align) unsigned char bytes[Size] = {};
};
template <size_t Align>
struct Payload<0, Align> {
  static constexpr unsigned char* bytes = nullptr;
};

template <typename T>
T read_payload(const unsigned char* bytes) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  if constexpr (size_of<T> != 0) memcpy(&value, bytes, sizeof(T));
  return value;
}
template <typename T>
void write_payload(unsigned char* bytes, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  if constexpr (size_of<T> != 0) memcpy(bytes, &value, sizeof(T));
}

template <typename T>
struct Option {
  bool some = false;
  Payload<size_of<T>, align_of<T>> payload;
  Option() = default;
  Option(const T& value) : some(true) { write_payload(payload.bytes, value); }  // NOLINT
  explicit operator bool() const { return some; }
  T value() const { return read_payload<T>(payload.bytes); }
};

template <typename T>
struct OkValue {
  T value;
};
template <typename E>
struct ErrorValue {
  E value;
};
inline OkValue<Unit> ok() { return {}; }
template <typename T>
OkValue<T> ok(T value) {
  return {value};
}
inline ErrorValue<Unit> error() { return {}; }
template <typename E>
ErrorValue<E> error(E value) {
  return {value};
}

template <typename T, typename E>
struct Result {
  bool is_error = false;
  [[no_unique_address]] Payload<std::max(size_of<T>, size_of<E>), std::max(align_of<T>, align_of<E>)> payload;
  Result() = default;
  Result(const OkValue<T>& v) { write_payload(payload.bytes, v.value); }                      // NOLINT
  Result(const ErrorValue<E>& v) : is_error(true) { write_payload(payload.bytes, v.value); }  // NOLINT
  T value() const { return read_payload<T>(payload.bytes); }
  E error() const { return read_payload<E>(payload.bytes); }
};

// ---- labels and variants ----

template <size_t N>
struct Label {
  char text[N] = {};
  constexpr Label(const char (&from)[N]) { std::copy_n(from, N, text); }  // NOLINT
  constexpr std::string_view view() const { return {text, N - 1}; }
};

template <Label Name, typename T = Unit>
struct Case {
  static constexpr std::string_view kLabel = Name.view();
  using Type = T;
};

template <typename... Cases>
struct Variant {
  static_assert(sizeof...(Cases) > 0 && sizeof...(Cases) <= 256);
  uint8_t tag = 0;
  [[no_unique_address]] Payload<std::max({size_of<typename Cases::Type>...}),
                                std::max({align_of<typename Cases::Type>...})> payload;
  Variant() = default;
  // The case without a payload.
  explicit Variant(uint8_t index) : tag(index) {}
  template <typename T>
  Variant(uint8_t index, const T& value) : tag(index) {
    write_payload(payload.bytes, value);
  }
  // The number of the case with this label, at compile time.
  static consteval uint8_t index_of(std::string_view label) {
    constexpr std::string_view labels[] = {Cases::kLabel...};
    for (size_t i = 0; i < sizeof...(Cases); ++i) {
      if (labels[i] == label) return static_cast<uint8_t>(i);
    }
    throw "no such case";
  }
  template <typename T>
  T value() const {
    return read_payload<T>(payload.bytes);
  }
};

// ---- tuples: one member each, so that the compiler's layout is the canonical one ----

template <typename... T>
struct Tuple;
template <typename A>
struct Tuple<A> {
  A a;
};
template <typename A, typename B>
struct Tuple<A, B> {
  A a;
  B b;
};
template <typename A, typename B, typename C>
struct Tuple<A, B, C> {
  A a;
  B b;
  C c;
};
template <typename A, typename B, typename C, typename D>
struct Tuple<A, B, C, D> {
  A a;
  B b;
  C c;
  D d;
};
template <typename A, typename B, typename C, typename D, typename E, typename F, typename G, typename H>
struct Tuple<A, B, C, D, E, F, G, H> {
  A a;
  B b;
  C c;
  D d;
  E e;
  F f;
  G g;
  H h;
};

// ---- records, enums, flags ----

// An identifier as a label: "data_access_timestamp" -> "data-access-timestamp", "type_" -> "type".
template <size_t N>
consteval auto label_of(const char (&identifier)[N]) {
  struct {
    char text[N] = {};
    size_t size = 0;
    constexpr std::string_view view() const { return {text, size}; }
  } label;
  label.size = N - 1;
  if (label.size > 0 && identifier[label.size - 1] == '_') --label.size;
  for (size_t i = 0; i < label.size; ++i) label.text[i] = identifier[i] == '_' ? '-' : identifier[i];
  return label;
}

template <typename T, size_t Offset, auto Name>
struct Field {
  using Type = T;
  static constexpr size_t kOffset = Offset;
  static constexpr auto kName = Name;
};
template <typename... Fields>
struct FieldList {};

// The canonical size of a record of these types; for assertions.
constexpr size_t align_up(size_t offset, size_t alignment) { return (offset + alignment - 1) / alignment * alignment; }
template <typename... T>
consteval size_t record_size() {
  size_t offset = 0, alignment = 1;
  ((offset = align_up(offset, align_of<T>) + size_of<T>, alignment = std::max(alignment, align_of<T>)), ...);
  return align_up(offset, alignment);
}
template <typename T, typename... Fields>
consteval bool layout_is_canonical(FieldList<Fields...>) {
  size_t offset = 0;
  bool good = true;
  ((offset = align_up(offset, align_of<typename Fields::Type>), good = good && offset == Fields::kOffset,
    offset += size_of<typename Fields::Type>),
   ...);
  return good && record_size<typename Fields::Type...>() == sizeof(T);
}

#define HOST_EXPAND(...) HOST_EXPAND2(HOST_EXPAND2(HOST_EXPAND2(HOST_EXPAND2(__VA_ARGS__))))
#define HOST_EXPAND2(...) HOST_EXPAND3(HOST_EXPAND3(HOST_EXPAND3(HOST_EXPAND3(__VA_ARGS__))))
#define HOST_EXPAND3(...) HOST_EXPAND4(HOST_EXPAND4(HOST_EXPAND4(HOST_EXPAND4(__VA_ARGS__))))
#define HOST_EXPAND4(...) __VA_ARGS__
#define HOST_PARENS ()
#define HOST_FOR_EACH(macro, context, ...) __VA_OPT__(HOST_EXPAND(HOST_FOR_EACH_STEP(macro, context, __VA_ARGS__)))
#define HOST_FOR_EACH_STEP(macro, context, first, ...) \
  macro(context, first) __VA_OPT__(, HOST_FOR_EACH_AGAIN HOST_PARENS(macro, context, __VA_ARGS__))
#define HOST_FOR_EACH_AGAIN() HOST_FOR_EACH_STEP

#define HOST_FIELD(Record, name) \
  ::wjit::host::Field<decltype(Record::name), offsetof(Record, name), ::wjit::host::label_of(#name)>

// After the struct, in its namespace.
#define HOST_RECORD(Record, ...)                                                                              \
  inline ::wjit::host::FieldList<HOST_FOR_EACH(HOST_FIELD, Record, __VA_ARGS__)> host_fields(const Record*) { \
    return {};                                                                                                \
  }                                                                                                           \
  static_assert(::wjit::host::layout_is_canonical<Record>(                                                    \
      ::wjit::host::FieldList<HOST_FOR_EACH(HOST_FIELD, Record, __VA_ARGS__)>()));

#define HOST_ENUM(Enum, ...)                                                                            \
  enum class Enum : uint8_t { __VA_ARGS__ };                                                            \
  inline std::span<const std::string_view> host_labels(const Enum*) {                                   \
    static constexpr auto kText = std::make_tuple(HOST_FOR_EACH(HOST_LABEL_OBJECT, Enum, __VA_ARGS__)); \
    static const auto kLabels = ::wjit::host::views_of(kText);                                          \
    return kLabels;                                                                                     \
  }
#define HOST_LABEL_OBJECT(Type, name) ::wjit::host::label_of(#name)

#define HOST_FLAGS(Flags, ...)                                                                           \
  struct Flags : ::wjit::host::FlagBits<::wjit::host::count_of(#__VA_ARGS__)> {                          \
    enum Bit : uint8_t { __VA_ARGS__ };                                                                  \
  };                                                                                                     \
  inline std::span<const std::string_view> host_labels(const Flags*) {                                   \
    static constexpr auto kText = std::make_tuple(HOST_FOR_EACH(HOST_LABEL_OBJECT, Flags, __VA_ARGS__)); \
    static const auto kLabels = ::wjit::host::views_of(kText);                                           \
    return kLabels;                                                                                      \
  }

template <typename... L>
std::array<std::string_view, sizeof...(L)> views_of(const std::tuple<L...>& labels) {
  return std::apply([](const auto&... label) { return std::array<std::string_view, sizeof...(L)>{label.view()...}; },
                    labels);
}

// The number of names in "a, b, c".
consteval size_t count_of(std::string_view names) {
  return 1 + static_cast<size_t>(std::count(names.begin(), names.end(), ','));
}

template <size_t Labels>
struct FlagBits {
  static_assert(Labels <= 32);
  using IsFlags = void;
  using Bits = std::conditional_t<Labels <= 8, uint8_t, std::conditional_t<Labels <= 16, uint16_t, uint32_t>>;
  Bits bits = 0;
  bool has(unsigned bit) const { return (bits >> bit & 1) != 0; }
  void set(unsigned bit, bool on = true) {
    bits = static_cast<Bits>(on ? bits | (1u << bit) : bits & ~(1u << bit));
  }
};

}  // namespace wjit::host

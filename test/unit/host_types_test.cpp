// The typed layer of host functions: layouts against the canonical ABI's, types against an import's.
#include "abi/host_types.h"

#include <gtest/gtest.h>

#include "frontend/canonical_layout.h"

namespace wjit::host {

HOST_ENUM(Colour, red, dark_green, default_)
HOST_FLAGS(Many, a, b, c, d, e, f, g, h, i)
struct Stat {
  Colour colour;
  uint64_t size;
  Option<uint32_t> count;
  String name;
};
HOST_RECORD(Stat, colour, size, count, name)

namespace {

using Failure = Variant<Case<"io">, Case<"no-entry">, Case<"other", Option<String>>>;
struct Thing {
  static constexpr const char* kName = "thing";
};

// The component type of a C++ type, made in an arena.
TypeId make(ComponentTypes& types, const TypeInfo* info) {
  if (info == nullptr) return kNoType;
  ComponentTypeDef def;
  def.kind = info->kind;
  for (const PartInfo& part : info->parts) def.parts.push_back({part.name, make(types, part.type)});
  def.element = make(types, info->element);
  def.second = make(types, info->second);
  return add_type(types, std::move(def));
}

template <typename T>
void expect_canonical_layout() {
  ComponentTypes types;
  TypeId id = make(types, type_info<T>());
  EXPECT_EQ(elem_size(types, id, true), sizeof(T)) << to_string(type_info<T>());
  EXPECT_EQ(alignment(types, id, true), alignof(T)) << to_string(type_info<T>());
}

TEST(HostTypes, LayoutIsCanonical) {
  expect_canonical_layout<Stat>();
  expect_canonical_layout<Failure>();
  expect_canonical_layout<Colour>();
  expect_canonical_layout<Many>();
  expect_canonical_layout<Result<Unit, Unit>>();
  expect_canonical_layout<Result<Unit, Colour>>();
  expect_canonical_layout<Result<uint64_t, Unit>>();
  expect_canonical_layout<Result<List<uint8_t>, Failure>>();
  expect_canonical_layout<Result<Stat, Failure>>();
  expect_canonical_layout<Option<bool>>();
  expect_canonical_layout<Option<Stat>>();
  expect_canonical_layout<Tuple<uint8_t, uint8_t, uint32_t>>();
  expect_canonical_layout<Tuple<uint8_t, uint16_t, uint8_t, uint64_t>>();
  expect_canonical_layout<Tuple<Stream<uint8_t>, Future<Result<Unit, Colour>>>>();
  expect_canonical_layout<Variant<Case<"a", uint64_t>, Case<"b", Tuple<uint8_t, uint8_t>>>>();
}

TEST(HostTypes, ParametersLieAsInATuple) {
  ComponentTypes types;
  ComponentTypeDef func;
  func.kind = TypeKind::Func;
  for (const TypeInfo* info :
       {type_info<bool>(), type_info<String>(), type_info<Colour>(), type_info<Many>(), type_info<Stat>()}) {
    func.parts.push_back({"p", make(types, info)});
  }
  TypeId id = add_type(types, func);
  auto ours = param_offsets<bool, String, Colour, Many, Stat>();
  std::vector<uint32_t> theirs = field_offsets(types, id, true);
  ASSERT_EQ(theirs.size(), 5u);
  for (size_t i = 0; i < theirs.size(); ++i) EXPECT_EQ(ours[i], theirs[i]) << i;
}

TEST(HostTypes, LabelsAreKebabCase) {
  EXPECT_EQ(to_string(type_info<Colour>()), "enum { red, dark-green, default }");
  EXPECT_EQ(to_string(type_info<Failure>()), "variant { io, no-entry, other(option<string>) }");
  EXPECT_EQ(to_string(type_info<Stat>()),
            "record { colour: enum { red, dark-green, default }, size: u64, count: option<u32>, name: string }");
}

TEST(HostTypes, ValuesRoundTrip) {
  Result<List<uint8_t>, Failure> bad = error(Failure(Failure::index_of("other"), Option<String>(String("why"))));
  ASSERT_TRUE(bad.is_error);
  EXPECT_EQ(bad.error().tag, 2);
  EXPECT_EQ(bad.error().value<Option<String>>().value().string(), "why");
  Many flags;
  flags.set(Many::i);
  EXPECT_EQ(sizeof(flags), 2u);
  EXPECT_EQ(flags.bits, 0x100);
}

class CheckFunction : public testing::Test {
 protected:
  // check_function of a host function of signature Host against an import whose type is made from Import.
  template <typename Host, typename Import>
  std::string check(bool host_async = false, bool import_async = false) {
    ComponentTypes types;
    FunctionInfo import = Function<Import>::info(import_async);
    ComponentTypeDef func;
    func.kind = TypeKind::Func;
    func.is_async = import_async;
    for (const TypeInfo* param : import.params) func.parts.push_back({"x", make(types, param)});
    func.element = make(types, import.result);
    TypeId id = add_type(types, func);
    return check_function(Function<Host>::info(host_async), types, id);
  }
};

TEST_F(CheckFunction, EqualTypesFit) {
  EXPECT_EQ((check<void(), void()>()), "");
  EXPECT_EQ((check<Result<Stat, Failure>(String, List<Many>), Result<Stat, Failure>(String, List<Many>)>()), "");
  EXPECT_EQ((check<void(uint64_t), void(uint64_t)>(true, true)), "");
}

TEST_F(CheckFunction, SaysWhatDiffers) {
  EXPECT_EQ((check<void(uint64_t), void(uint64_t)>(true, false)), "the host's is an async function, the import is not");
  EXPECT_EQ((check<void(uint64_t), void()>()), "the import has 0 parameters, the host's function 1");
  EXPECT_EQ((check<void(uint64_t), void(uint32_t)>()), "parameter `x` is u32, the host's is u64");
  EXPECT_EQ((check<bool(), void()>()), "the result is none, the host's is bool");
  EXPECT_EQ((check<void(), bool()>()), "the result is bool, the host's is none");
}

TEST_F(CheckFunction, LabelsCount) {
  using Other = Variant<Case<"io">, Case<"no-entries">, Case<"other", Option<String>>>;
  EXPECT_NE((check<void(Failure), void(Other)>()), "");
  using Shorter = Variant<Case<"io">, Case<"no-entry">>;
  EXPECT_NE((check<void(Failure), void(Shorter)>()), "");
  EXPECT_NE((check<void(Result<Unit, Colour>), void(Result<Unit, Unit>)>()), "");
}

TEST(InterfaceBuilder, ImmediateFunctionsGetParametersAndReturn) {
  ResourceTypes resources([](uint32_t) {});
  InterfaceBuilder builder("a:b/c@1.0.0", resources);
  builder.resource<Thing>();
  builder.add<uint64_t(bool, String, uint64_t)>(
      "f", [](HostCall&, bool flag, String text, uint64_t n) { return flag ? text.size + n : 0; });
  builder.add<void(Borrow<Thing>, List<Own<Thing>>)>("g", [](HostCall&, Borrow<Thing>, List<Own<Thing>>) {});
  auto interface = builder.finish();

  struct {
    bool flag = true;
    String text = String("abc");
    uint64_t n = 39;
  } params;
  uint64_t result = 0;
  HostArena arena;
  HostCall call;
  call.params = &params;
  call.results = &result;
  call.arena = &arena;
  // A real call runs inside of the run time; here `finish` must not find anybody to wake.
  const HostFunction& g = *interface->functions.at("g");
  ASSERT_EQ(g.handle_types.size(), 2u);
  EXPECT_EQ(g.handle_types[0], interface->resources.at("thing"));
  EXPECT_EQ(g.handle_types[1], interface->resources.at("thing"));
  EXPECT_EQ(param_at<String>(call, 8).string(), "abc");
  EXPECT_EQ(param_at<uint64_t>(call, 24), 39u);
}

}  // namespace
}  // namespace wjit::host

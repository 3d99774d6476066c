// Names of imports and exports: the grammar, strong uniqueness, versions.
#include "frontend/component_names.h"

#include <gtest/gtest.h>

namespace wjit {
namespace {

TEST(ComponentNames, KebabCase) {
  for (const char* good :
       {"a", "a-b-c", "a1-2-3", "A", "A-B-C", "is-XML", "a11-w0rds", "A11-4CR0NYMS", "m1x3d-4CR0NYMS"}) {
    EXPECT_TRUE(is_kebab_case(good)) << good;
  }
  for (const char* bad : {"", "1", "1-a", "a-", "a--b", "-a", "aBc", "Ab", "a_b", "a b", "ä"}) {
    EXPECT_FALSE(is_kebab_case(bad)) << bad;
  }
}

TEST(ComponentNames, TakesNamesApart) {
  auto method = parse_extern_name("[method]file.read-all");
  ASSERT_TRUE(method);
  EXPECT_EQ(method->kind, ExternNameKind::Method);
  EXPECT_EQ(method->resource, "file");
  EXPECT_EQ(method->label, "read-all");
  auto interface = parse_extern_name("wasi:io/streams@0.2.0-rc.1");
  ASSERT_TRUE(interface);
  EXPECT_EQ(interface->kind, ExternNameKind::Interface);
  EXPECT_EQ(interface->name_space, "wasi");
  EXPECT_EQ(interface->package, "io");
  EXPECT_EQ(interface->label, "streams");
  EXPECT_EQ(interface->version, "0.2.0-rc.1");
  EXPECT_EQ(parse_extern_name("[constructor]file")->resource, "file");
  EXPECT_EQ(parse_extern_name("a:b/C-1@2")->version, "2");
  for (const char* bad :
       {"[method]a", "[method]a.", "[method].a", "[method]a.b.c", "[get]a", "[constructor]", "A:b/c", "a:B/c", "a:b/Cd",
        "a:b", "a:b/c/d", "a:b:c/d", "wasi/http", "a:b/c@", "a:b/c@1.", "a:b/c@01.0.0"}) {
    EXPECT_FALSE(parse_extern_name(bad)) << bad;
  }
}

TEST(ComponentNames, StrongUniqueness) {
  auto key = [](std::string_view name) { return unique_key(name, parse_extern_name(name).value()); };
  EXPECT_EQ(key("foo-BAR"), key("FOO-bar"));
  EXPECT_EQ(key("[method]foo.foo"), key("foo"));
  EXPECT_EQ(key("[static]foo-BAR.FOO-bar"), key("foo-bar"));
  EXPECT_EQ(key("[method]foo.bar"), key("[static]foo.BAR"));
  EXPECT_NE(key("[constructor]foo"), key("foo"));
  EXPECT_NE(key("[method]foo.bar"), key("bar"));
  EXPECT_NE(key("foo-bar"), key("foo-baz"));
  EXPECT_EQ(key("foo-bar"), key("foobar"));
  EXPECT_EQ(key("a-1"), key("a1"));
  EXPECT_EQ(key("[static]foo-bar.FO-OBAR"), key("foo-bar"));
  EXPECT_EQ(key("[static]foo.a-b"), key("[method]foo.AB"));
  EXPECT_EQ(key("a-b:c/d-e@1.0.0"), key("ab:c/D-E@1.0.0"));
  EXPECT_NE(key("a:b/c@1.0.0-A"), key("a:b/c@1.0.0-a"));
  EXPECT_NE(key("a:b/c@1.0.0-a-b"), key("a:b/c@1.0.0-ab"));
}

TEST(ComponentNames, Versions) {
  for (const char* good : {"0.0.0", "1.2.3", "1.0.0-rc.1", "1.0.0+b.01", "1.0.0-a-b+c-d", "10.20.30-0a"}) {
    EXPECT_TRUE(is_semver(good)) << good;
  }
  for (const char* bad :
       {"", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3+", "1.2.3-01", "1.2.3-a..b", "v1.2.3"}) {
    EXPECT_FALSE(is_semver(bad)) << bad;
  }
  EXPECT_EQ(compatible_version("1.2.3"), "1");
  EXPECT_EQ(compatible_version("0.2.6-rc.1"), "0.2");
  EXPECT_EQ(compatible_version("0.0.1-alpha"), "0.0.1");
  EXPECT_EQ(compatible_version("0.2"), "0.2");
  EXPECT_EQ(compatible_version("x"), "");
}

TEST(ComponentNames, VersionTrack) {
  EXPECT_EQ(version_track("wasi:cli/stdout@0.2.3"), version_track("wasi:cli/stdout@0.2.12"));
  EXPECT_NE(version_track("wasi:cli/stdout@0.2.3"), version_track("wasi:cli/stdout@0.3.0"));
  EXPECT_EQ(version_track("a:b/c@1.2.3"), version_track("a:b/c@1.9.0"));
  EXPECT_NE(version_track("a:b/c@1.2.3"), version_track("a:b/c@2.2.3"));
  EXPECT_NE(version_track("a:b/c@0.0.3"), version_track("a:b/c@0.0.4"));
  EXPECT_EQ(version_track("a:b/c@0.0.3"), version_track("a:b/c@0.0.3+build"));
  EXPECT_NE(version_track("wasi:cli/stdout@0.3.0-rc-2"), version_track("wasi:cli/stdout@0.3.0"));
  EXPECT_NE(version_track("wasi:cli/stdout@0.3.0-rc-2"), version_track("wasi:cli/stdout@0.3.0-rc-3"));
  EXPECT_EQ(version_track("a:b/c"), "a:b/c");
  EXPECT_EQ(version_track("a:b/c@nonsense"), "a:b/c@nonsense");
}

TEST(ComponentNames, VersionOrder) {
  const char* ascending[] = {"0.9.9",        "1.0.0-alpha",   "1.0.0-alpha.1", "1.0.0-alpha.beta",
                             "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",    "1.0.0",
                             "1.2.0",        "1.10.0",        "2.0.0"};
  for (size_t i = 0; i < std::size(ascending); ++i) {
    for (size_t j = 0; j < std::size(ascending); ++j) {
      EXPECT_EQ(version_less(ascending[i], ascending[j]), i < j) << ascending[i] << " " << ascending[j];
    }
  }
  EXPECT_FALSE(version_less("1.0.0+a", "1.0.0+b"));
  EXPECT_FALSE(version_less("", "1.0.0"));
}

TEST(ComponentNames, NearMisses) {
  const std::vector<std::string> names = {"a:b/store@1.0.0", "a:b/store@2.0.0", "x:y/store@2.0.0", "a:b/other@2.0.0",
                                          "run"};
  auto near = [&](std::string_view wanted) { return enumerate(near_misses(wanted, names)); };
  EXPECT_EQ(near("a:b/store@3.0.0"), "a:b/store@1.0.0, a:b/store@2.0.0 and x:y/store@2.0.0");
  EXPECT_EQ(near("z:y/store"), "x:y/store@2.0.0, a:b/store@1.0.0 and a:b/store@2.0.0");
  EXPECT_EQ(near("a:b/otehr"), "a:b/other@2.0.0");
  EXPECT_EQ(near("rnu"), "run");
  EXPECT_EQ(near("sum"), "");
  EXPECT_EQ(near("q:q/nothing"), "");
}

}  // namespace
}  // namespace wjit

// Finding host interfaces by name and version, and what the messages say.
#include "abi/linker.h"

#include <gtest/gtest.h>

#include "abi/host_types.h"
#include "frontend/text.h"

namespace wjit {
namespace {

class FindInterface : public testing::Test {
 protected:
  FindInterface() {
    for (const char* name : {"wasi:cli/stdout@0.2.12", "wasi:cli/stdout@0.3.0", "wasi:cli/stdin@0.3.0", "my:own/log"}) {
      auto interface = std::make_shared<HostInterface>();
      interface->name = name;
      interfaces.add(interface);
    }
  }
  std::string error(std::string_view import) {
    auto found = interfaces.find(import);
    return found ? "found " + (*found)->name : found.error().message;
  }
  HostInterfaces interfaces;
};

TEST_F(FindInterface, ByTrack) {
  EXPECT_EQ(error("wasi:cli/stdout@0.2.3"), "found wasi:cli/stdout@0.2.12");
  EXPECT_EQ(error("wasi:cli/stdout@0.3.7"), "found wasi:cli/stdout@0.3.0");
  EXPECT_EQ(error("my:own/log"), "found my:own/log");
}

TEST_F(FindInterface, MessagesNameWhatThereIs) {
  EXPECT_EQ(error("wasi:cli/stdout@0.3.0-rc-1"),
            "import `wasi:cli/stdout@0.3.0-rc-1` is not provided: the host has wasi:cli/stdout@0.2.12 and "
            "wasi:cli/stdout@0.3.0");
  EXPECT_EQ(error("wasi:cli/stdin@0.2.0"),
            "import `wasi:cli/stdin@0.2.0` is not provided: the host has wasi:cli/stdin@0.3.0");
  EXPECT_EQ(
      error("wasi:cli/stderr@0.3.0"),
      "import `wasi:cli/stderr@0.3.0` is not provided: the host has wasi:cli/stdin@0.3.0, wasi:cli/stdout@0.2.12 and "
      "wasi:cli/stdout@0.3.0");
  EXPECT_EQ(error("wasi:http/types@0.2.0"),
            "import `wasi:http/types@0.2.0` is not provided: the host has interfaces of my:own and wasi:cli");
  EXPECT_EQ(error("log"), "import `log` is not provided: the host has interfaces of my:own and wasi:cli");
}

// ---- importing: a component's text against a host interface with a resource and functions ----

struct Thing {
  static constexpr const char* kName = "thing";
};
struct Other {
  static constexpr const char* kName = "other";
};

class ImportFromHost : public testing::Test {
 protected:
  ImportFromHost() : resources([](uint32_t) {}) {
    host::InterfaceBuilder builder("test:host/api@0.1.0", resources);
    builder.resource<Thing>();
    builder.resource<Other>();
    builder.add<uint32_t(uint32_t)>("twice", [](HostCall&, uint32_t n) { return 2 * n; });
    builder.add<host::Own<Thing>()>("make", [](HostCall&) { return host::Own<Thing>{1}; });
    builder.add<uint32_t(host::Borrow<Thing>)>("[method]thing.size", [](HostCall&, host::Borrow<Thing>) { return 1u; });
    interfaces.add(builder.finish());
  }

  // Resolves the imports of a component; the first error.
  std::string import(std::string_view text) {
    auto bytes = assemble(text);
    if (!bytes) return "text: " + bytes.error().to_string();
    auto component = decode_component(std::make_shared<const Bytes>(std::move(*bytes)));
    if (!component) return "component: " + component.error().to_string();
    ComponentInstance importer;
    importer.component = *component;
    auto engine = Engine::create({});
    if (!engine) return "engine: " + engine.error().message;
    Scheduler scheduler;
    Store store(**engine, scheduler);
    ImportSource source = import_from_host(store, interfaces);
    for (const Definition& definition : (*component)->definitions) {
      auto* import = std::get_if<def::Import>(&definition);
      if (import == nullptr) continue;
      auto item = source(import->decl, importer);
      if (!item) return item.error().message;
      last = *item;
    }
    return "";
  }

  host::ResourceTypes resources;
  HostInterfaces interfaces;
  RuntimeItem last;
};

TEST_F(ImportFromHost, FunctionsAndResources) {
  EXPECT_EQ(import(R"((component
      (import "test:host/api@0.1.7" (instance
        (export "thing" (type $thing (sub resource)))
        (export "twice" (func (param "n" u32) (result u32)))
        (export "make" (func (result (own $thing))))
        (export "[method]thing.size" (func (param "self" (borrow $thing)) (result u32)))))))"),
            "");
  auto& instance = std::get<std::shared_ptr<RuntimeInstance>>(last);
  ASSERT_EQ(instance->exports.size(), 4u);
  EXPECT_EQ(std::get<RuntimeResource>(instance->exports.at("thing")).type, resources.of<Thing>());
  EXPECT_NE(std::get<std::shared_ptr<RuntimeFunction>>(instance->exports.at("twice"))->host, nullptr);
}

TEST_F(ImportFromHost, Misfits) {
  EXPECT_EQ(import(R"((component (import "test:host/api@0.1.0" (instance (export "thrice" (func))))))"),
            "import `test:host/api@0.1.0` wants function `thrice`, which the host's test:host/api@0.1.0 has not");
  EXPECT_EQ(
      import(
          R"((component (import "test:host/api@0.1.0" (instance (export "twice" (func (param "n" u64) (result u32)))))))"),
      "import `test:host/api@0.1.0`: function `twice` has another type than the host's test:host/api@0.1.0: parameter "
      "`n` is u64, the host's is u32");
  EXPECT_EQ(import(R"((component (import "f" (func))))"), "import `f` is a func; the host provides interfaces only");
}

// A handle of another resource must not reach a function that takes its number for a `thing`.
TEST_F(ImportFromHost, ResourcesAreComparedByIdentity) {
  EXPECT_EQ(
      import(R"((component
      (import "test:host/api@0.1.0" (instance
        (export "thing" (type $thing (sub resource)))
        (export "other" (type $other (sub resource)))
        (export "make" (func (result (own $other))))))))"),
      "import `test:host/api@0.1.0`: function `make` has another type than the host's test:host/api@0.1.0: handle 1 of "
      "its type is not the host's resource `thing`");
}

}  // namespace
}  // namespace wjit

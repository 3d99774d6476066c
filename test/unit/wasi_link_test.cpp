// Every function of the WASI definitions is there with its type: components that import all of wasi:cli/imports (see
// test/guests/wasi-imports) and the guests of the other tests find what they import.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "abi/linker.h"
#include "wasi/state.h"
#include "wasi/wasi.h"

namespace wjit {
namespace {

std::filesystem::path guests() { return WJIT_GUESTS; }

// Resolves a component's imports from WASI as instantiation would; the first error.
std::string link(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  auto bytes = std::make_shared<const Bytes>(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  auto component = decode_component(bytes);
  if (!component) return component.error().to_string();
  auto engine = Engine::create({});
  if (!engine) return engine.error().message;
  Scheduler scheduler;
  Store store(**engine, scheduler);
  auto wasi = WasiHost::create(store, {});
  if (!wasi) return wasi.error().message;
  HostInterfaces interfaces;
  (*wasi)->add_to(interfaces);
  ImportSource source = import_from_host(store, interfaces);
  ComponentInstance importer;
  importer.component = *component;
  const ComponentTypes& types = *(*component)->types;
  int imports = 0;
  for (const Definition& definition : (*component)->definitions) {
    auto* import = std::get_if<def::Import>(&definition);
    if (import == nullptr || import->decl.sort != ExternSort::Instance) continue;
    auto item = source(import->decl, importer);
    if (!item) return item.error().message;
    auto& instance = std::get<std::shared_ptr<RuntimeInstance>>(*item);
    for (const ExternDecl& decl : types[import->decl.type].exports) {
      auto found = instance->exports.find(decl.name);
      if (decl.sort == ExternSort::Func && found == instance->exports.end()) return "no " + decl.name;
      if (decl.sort != ExternSort::Type || types[decl.type].kind != TypeKind::Resource) continue;
      importer.resources[types[decl.type].resource] = std::get<RuntimeResource>(found->second).type;
    }
    ++imports;
  }
  return imports > 0 ? "" : "it imports nothing";
}

TEST(WasiLink, AllOf0_3) { EXPECT_EQ(link(guests() / "wasi-imports" / "all-0.3.wasm"), ""); }
TEST(WasiLink, AllOf0_2) { EXPECT_EQ(link(guests() / "wasi-imports" / "all-0.2.wasm"), ""); }

TEST(WasiLink, Guests) {
  for (const char* name : {"c-p2", "c-p3-callback", "c-p3-stackful", "c-p3-sync", "compose", "rust-p3", "js-p3"}) {
    EXPECT_EQ(link(guests() / (std::string(name) + ".wasm")), "") << name;
  }
}

TEST(WasiHost, MissingFolderIsNamed) {
  auto engine = Engine::create({});
  ASSERT_TRUE(engine);
  Scheduler scheduler;
  Store store(**engine, scheduler);
  WasiOptions options;
  options.preopens.push_back({"/no/such/folder", "/"});
  auto wasi = WasiHost::create(store, std::move(options));
  ASSERT_FALSE(wasi);
  EXPECT_EQ(wasi.error().message, "cannot open folder /no/such/folder for the guest: No such file or directory");
}

TEST(WasiHost, LaterVariablesWin) {
  auto engine = Engine::create({});
  ASSERT_TRUE(engine);
  Scheduler scheduler;
  Store store(**engine, scheduler);
  setenv("WJIT_TEST_VARIABLE", "inherited", 1);
  WasiOptions options;
  options.inherit_env = true;
  options.env = {{"WJIT_TEST_VARIABLE", "given"}, {"A", "1"}, {"A", "2"}};
  auto wasi = WasiHost::create(store, std::move(options));
  ASSERT_TRUE(wasi);
  int found = 0;
  for (const auto& [name, value] : (*wasi)->state().environment) {
    if (name == "WJIT_TEST_VARIABLE") EXPECT_EQ(value, "given");
    if (name == "A") EXPECT_EQ(value, "2");
    found += name == "A" || name == "WJIT_TEST_VARIABLE";
  }
  EXPECT_EQ(found, 2);
}

}  // namespace
}  // namespace wjit

// wasi_snapshot_preview1 for core modules: host functions that a core module imports (abi/core_host.h). They share
// files, standard streams and clocks with the interfaces of components. Linking:
//
//   auto preview1 = Preview1::create(*host);
//   // for each import (find checks no types: CoreInstance::link does):
//   std::optional<Extern> e = preview1->find(import.module, import.name);
//   // before any code of the instance runs:
//   preview1->use_memory(instance->find_export("memory")->memory);
//   // a thread that may wait (abi/core_host.h), on the strand:
//   run_core_function(store, instance->find_export("_start")->func, done);
//
// Tests: test/unit/wasi_preview1_test.cpp and wasi_preview1_*_test.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "jit/instance.h"
#include "wasi/wasi.h"

namespace wjit {

// Lives at least as long as the instances that import from it (find's Extern keeps it alive). On the strand.
class Preview1 : public std::enable_shared_from_this<Preview1> {
 public:
  static std::shared_ptr<Preview1> create(WasiHost& host);
  virtual ~Preview1() = default;

  // The function `name` of module "wasi_snapshot_preview1"; nullopt for any other.
  virtual std::optional<Extern> find(std::string_view module, std::string_view name) = 0;
  // The memory that pointers refer to: the export "memory" of the importing instance.
  virtual void use_memory(MemoryInstance* memory) = 0;
};

}  // namespace wjit

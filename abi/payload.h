// Element types of streams and futures as the run time compares and copies them. Two ends fit when their PayloadType is the
// same object: a store interns them by structure, resources by identity. Spec: CanonicalABI.md, "Stream State".
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "abi/adapter.h"

namespace wjit {

struct PayloadType {
  class Store* store = nullptr;
  std::string key;
  std::string name;  // for messages: "stream<string>", "future<record>"
  std::shared_ptr<const ComponentTypes> types;
  TypeId element = kNoType;      // kNoType: no payload
  bool is_future = false;
  bool is_none_or_number = false;  // copies within one instance are allowed for these only
  bool is_plain = false;           // bytes may be copied as they are: no handles, pointers or values to check
  uint32_t size32 = 0, align32 = 1;  // in memories with 32-bit and 64-bit pointers (the host's is one)
  uint32_t size64 = 0, align64 = 1;
  std::vector<ResourceType*> resources;        // as resource_occurrences(element)
  std::vector<const PayloadType*> streams;     // as stream_occurrences(element)
  uint32_t size(bool is_64) const { return is_64 ? size64 : size32; }
  uint32_t align(bool is_64) const { return is_64 ? align64 : align32; }
};

}  // namespace wjit

// The first pass over a function body: which locals does each block, loop or if assign, and is it branched to? With that
// the emitter makes SSA form directly: a loop header gets phis for the locals that the loop assigns and no others, and
// at the end of a block only the locals assigned in it can need one.
//
//   (loop $l  (local.set 1 …) (block (local.set 2 …)) (br_if $l …))     loop: assigns {1, 2}, 1 branch; block: {2}, none
//
// No LLVM here. Tests: test/lit/ir/ssa.wat, public core suite.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "frontend/module.h"

namespace wjit::ir {

struct BlockScan {
  uint32_t first = 0, count = 0;  // its part of BodyScan::assigned, ascending
  uint32_t branches = 0;          // labels that name it
  bool has_else = false;
};

struct BodyScan {
  std::vector<BlockScan> blocks;   // in the order in which they open; blocks[0] is the function's body
  std::vector<uint32_t> assigned;
  // SSA form can be quadratic in the size of the body (every block assigns every local and is branched to). Where phis could
  // become that many, locals live in stack slots instead, and `assigned` is empty.
  bool locals_in_slots = false;

  std::span<const uint32_t> assigned_in(uint32_t block) const {
    return std::span(assigned).subspan(blocks[block].first, blocks[block].count);
  }
};

BodyScan scan_body(const Module& module, const Function& function);

}  // namespace wjit::ir

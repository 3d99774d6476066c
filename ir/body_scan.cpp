// One walk over the instructions with a stack of open blocks; a block that closes hands its locals to the block around it.
#include "ir/body_scan.h"

#include <algorithm>

#include "ir/code_reader.h"

namespace wjit::ir {
namespace {

// Operands of phis that a function may have at most, roughly. Python's evaluation loop, the largest function of the
// public guests, stays far below; only made-up input comes here. No effect on correctness.
constexpr uint64_t kMaxPhiOperands = uint64_t{1} << 21;

struct OpenBlock {
  uint32_t block = 0;
  std::vector<uint32_t> assigned;
};

void sort_unique(std::vector<uint32_t>& values) {
  std::ranges::sort(values);
  values.erase(std::ranges::unique(values).begin(), values.end());
}

class Scanner {
 public:
  Scanner(const Module& module, const Function& function) : reader_(module, function.body) { open(); }

  BodyScan run() {
    while (depth_ != 0) instruction();
    if (phi_operands_ > kMaxPhiOperands) {
      scan_.locals_in_slots = true;
      scan_.assigned.clear();
      for (BlockScan& block : scan_.blocks) block.first = block.count = 0;
    }
    return std::move(scan_);
  }

 private:
  void instruction() {
    Opcode op = reader_.opcode();
    switch (op) {
      case Opcode::Block:
      case Opcode::Loop:
      case Opcode::If:
        static_cast<void>(reader_.block_type());
        open();
        return;
      case Opcode::TryTable:
        static_cast<void>(reader_.block_type());
        for (uint32_t count = reader_.u32(); count != 0; --count) branch(reader_.catch_clause().label);
        open();
        return;
      case Opcode::Else: scan_.blocks[open_[depth_ - 1].block].has_else = true; return;
      case Opcode::End: close(); return;
      case Opcode::LocalSet:
      case Opcode::LocalTee: assign(reader_.u32()); return;
      case Opcode::BrTable:
        for (uint32_t count = reader_.u32() + 1; count != 0; --count) branch(reader_.u32());
        return;
      default: break;
    }
    if (info(op).immediate == Immediate::Label) {
      branch(reader_.u32());
    } else {
      reader_.skip(info(op).immediate);
    }
  }

  void open() {
    if (depth_ == open_.size()) open_.emplace_back();
    open_[depth_].block = static_cast<uint32_t>(scan_.blocks.size());
    open_[depth_].assigned.clear();
    ++depth_;
    scan_.blocks.emplace_back();
  }
  void assign(uint32_t local) {
    std::vector<uint32_t>& assigned = open_[depth_ - 1].assigned;
    if (assigned.empty() || assigned.back() != local) assigned.push_back(local);
  }
  void branch(uint32_t label) { ++scan_.blocks[open_[depth_ - 1 - label].block].branches; }

  void close() {
    OpenBlock& open = open_[--depth_];
    sort_unique(open.assigned);
    BlockScan& block = scan_.blocks[open.block];
    phi_operands_ += open.assigned.size() * (uint64_t{block.branches} + 1);
    if (depth_ == 0 || phi_operands_ > kMaxPhiOperands) return;  // nobody branches to the body with locals
    block.first = static_cast<uint32_t>(scan_.assigned.size());
    block.count = static_cast<uint32_t>(open.assigned.size());
    scan_.assigned.insert(scan_.assigned.end(), open.assigned.begin(), open.assigned.end());
    std::vector<uint32_t>& outer = open_[depth_ - 1].assigned;
    outer.insert(outer.end(), open.assigned.begin(), open.assigned.end());
  }

  CodeReader reader_;
  BodyScan scan_;
  std::vector<OpenBlock> open_;
  size_t depth_ = 0;
  uint64_t phi_operands_ = 0;
};

}  // namespace

BodyScan scan_body(const Module& module, const Function& function) { return Scanner(module, function).run(); }

}  // namespace wjit::ir

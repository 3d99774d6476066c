// Function bodies and constant expressions as text: flat instructions, a line each, indented by blocks. Names and
// immediates are rows of frontend/opcodes.def. The class is in frontend/print_module.h.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"
#include "frontend/decoder_types.h"
#include "frontend/print_module.h"

namespace wjit::print {
namespace {

constexpr uint32_t kAnyType = UINT32_MAX;  // indices are not checked

size_t leb_length(uint64_t value) { return value == 0 ? 1 : (static_cast<size_t>(std::bit_width(value)) + 6) / 7; }

size_t signed_leb_length(int64_t value) {
  const auto magnitude = static_cast<uint64_t>(value < 0 ? ~value : value);
  return (static_cast<size_t>(std::bit_width(magnitude)) + 1 + 6) / 7;
}

const NameMap* find_map(const IndirectNameMap& maps, uint32_t index) {
  auto at = std::ranges::lower_bound(maps, index, {}, &std::pair<uint32_t, NameMap>::first);
  return at != maps.end() && at->first == index ? &at->second : nullptr;
}

bool is_opener(Opcode opcode) {
  return opcode == Opcode::Block || opcode == Opcode::Loop || opcode == Opcode::If || opcode == Opcode::TryTable;
}

}  // namespace

// --- numbers ---

std::string ModulePrinter::noted(size_t length, size_t minimal) const {
  return options_.exact && length > minimal ? fmt::format("(@leb {}) ", length) : "";
}

ModulePrinter::Number ModulePrinter::unsigned_number(Reader& in) {
  const size_t at = in.offset();
  const uint64_t value = in.u64();
  return {value, noted(in.offset() - at, leb_length(value))};
}

std::string ModulePrinter::index(Reader& in, const Ids& ids) {
  const size_t at = in.offset();
  const uint32_t value = in.u32();
  return noted(in.offset() - at, leb_length(value)) + ids.ref(value);
}

// Of a table or memory that could be left out, being the first.
std::string ModulePrinter::explicit_index(Reader& in, const Ids& ids) {
  const bool is_first = in.peek() == 0;
  const std::string text = index(in, ids);
  return is_first && options_.exact ? "(@leb 1) " + text : text;
}

// --- functions ---

// One entry of the code section.
void ModulePrinter::body(Reader& in, uint32_t func) {
  const uint32_t type_index = functions_[func];
  const FuncType* type =
      type_index < types_.size() && types_[type_index].kind == CompositeKind::Func ? &types_[type_index].func : nullptr;
  std::vector<LocalRun> runs;
  uint64_t locals = type != nullptr ? type->params.size() : 0;
  const uint64_t params = locals;
  const uint32_t count = in.count(limit::kLocals, "locals");
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    const uint32_t size = in.u32();
    runs.push_back({size, read_val_type(in, kAnyType)});
    locals += size;
    if (locals > limit::kLocals) in.unsupported_at(in.offset(), "too many locals: the limit is {}", limit::kLocals);
  }
  if (!in.ok()) return;

  const NameMap* names = find_map(names_.locals, func);
  locals_ = names != nullptr ? Ids(*names, "local", static_cast<uint32_t>(locals)) : Ids();
  defined_names_ += locals_.size();
  names = find_map(names_.labels, func);
  label_ids_ = names != nullptr ? Ids(*names, "label") : Ids();
  next_label_ = 0;

  // Unnamed ones of a kind share a form.
  std::string line = fmt::format("(func {} (type {})", define(ids(ExternKind::Func), func), type_ids_.ref(type_index));
  const auto declare = [&](const char* keyword, uint32_t local, ValType value, bool& open) {
    const std::string id = locals_.definition(local);
    if (open && !id.empty()) line += ")";
    if (!open || !id.empty()) line += fmt::format(" ({}", keyword);
    line += (id.empty() ? " " : " " + id) + val_type(value, type_ids_);
    if (!id.empty()) line += ")";
    open = id.empty();
  };
  bool open = false;
  for (uint32_t i = 0; i < params; ++i) declare("param", i, type->params[i], open);
  if (open) line += ")";
  if (type != nullptr) line += func_type({{}, type->results}, type_ids_);
  out_.open(line);
  line.clear();
  open = false;
  auto local = static_cast<uint32_t>(params);
  for (const LocalRun& run : runs) {
    for (uint32_t i = 0; i < run.count; ++i) declare("local", local++, run.type, open);
  }
  if (open) line += ")";
  if (!line.empty()) out_.line(line.substr(1));
  instructions(in);
  out_.close();
}

void ModulePrinter::instructions(Reader& in) {
  labels_.assign(1, "");
  while (in.ok() && !labels_.empty()) {
    const OpcodeInfo* row = nullptr;
    const std::string text = instruction(in, row);
    if (!in.ok()) return;
    const bool closes = row->opcode == Opcode::End || row->opcode == Opcode::Else;
    if (row->opcode == Opcode::End) labels_.pop_back();
    if (labels_.empty()) break;
    if (closes) out_.dedent();
    out_.line(text);
    if (row->opcode == Opcode::Else || is_opener(row->opcode)) out_.indent();
  }
  // What an unclosed block has indented matters to no one: the reader has failed.
  if (in.ok()) in.expect_end();
}

// An expression up to its `end`. With a keyword: `(i32.const 3)` for a single instruction, `(keyword …)` for several.
std::string ModulePrinter::const_expr(Reader& in, std::string_view keyword) {
  std::string out;
  size_t count = 0;
  labels_.assign(1, "");
  while (in.ok()) {
    const size_t at = in.offset();
    const OpcodeInfo* row = nullptr;
    const std::string text = instruction(in, row);
    if (!in.ok() || row->opcode == Opcode::End) break;
    if (is_opener(row->opcode)) in.malformed_at(at, "constant expression required");
    out += (count == 0 ? "" : " ") + text;
    ++count;
  }
  if (keyword.empty()) return out;
  return count == 1 ? fmt::format("({})", out) : fmt::format("({}{}{})", keyword, count == 0 ? "" : " ", out);
}

// One instruction on one line; `row` says which.
std::string ModulePrinter::instruction(Reader& in, const OpcodeInfo*& row) {
  const size_t at = in.offset();
  const uint8_t first = in.byte();
  if (!in.ok()) return {};
  row = find_opcode(0, first);
  uint32_t code = first;
  if (row == nullptr && first >= 0xFB) {
    code = in.u32();
    row = find_opcode(first, code);
  }
  if (row == nullptr) {
    in.malformed_at(at, "illegal opcode {:#04x}{}", first, first >= 0xFB ? fmt::format(" {:#04x}", code) : "");
    return {};
  }
  const std::string operands = immediates(in, *row);
  return operands.empty() ? std::string(row->text) : fmt::format("{} {}", row->text, operands);
}

// --- immediates ---

std::string ModulePrinter::immediates(Reader& in, const OpcodeInfo& row) {
  const Ids& tables = ids(ExternKind::Table);
  const Ids& memories = ids(ExternKind::Memory);
  // An index that may be left out when it is 0.
  const auto optional = [&](const Ids& space) {
    const bool plain = in.peek() == 0;
    const std::string text = index(in, space);
    return plain && text == "0" ? std::string() : text;
  };
  const auto pair = [](std::string_view a, std::string_view b) { return fmt::format("{} {}", a, b); };
  switch (row.immediate) {
    case Immediate::None: return {};
    case Immediate::Block:
    case Immediate::TryTable: return block(in, row);
    case Immediate::Label: return label(in);
    case Immediate::LabelTable: {
      const uint32_t count = in.count(UINT32_MAX, "labels");
      std::string out = label(in);
      for (uint32_t i = 0; i < count && in.ok(); ++i) out += " " + label(in);
      return out;
    }
    case Immediate::Func: return index(in, ids(ExternKind::Func));
    case Immediate::Type: return index(in, type_ids_);
    case Immediate::CallIndirect: {
      const size_t at = in.offset();
      const uint32_t type = in.u32();
      const std::string width = noted(in.offset() - at, leb_length(type));
      const std::string table = optional(tables);
      std::string use = type_use(type);
      if (!width.empty()) use.insert(6, width);
      return table.empty() ? use : pair(table, use);
    }
    case Immediate::Local: return index(in, locals_);
    case Immediate::Global: return index(in, ids(ExternKind::Global));
    case Immediate::Table: return index(in, tables);
    case Immediate::Memory: return optional(memories);
    case Immediate::Tag: return index(in, ids(ExternKind::Tag));
    case Immediate::Data: needs_data_count_ = true; return index(in, data_ids_);
    case Immediate::Elem: return index(in, elem_ids_);
    case Immediate::MemArg: return memarg(in, row, false);
    case Immediate::MemArgLane: {
      const std::string address = memarg(in, row, true);
      return pair(address, std::to_string(in.byte())).substr(address.empty() ? 1 : 0);
    }
    case Immediate::Lane: return std::to_string(in.byte());
    case Immediate::Shuffle: {
      std::string out;
      for (int i = 0; i < 16; ++i) out += (i == 0 ? "" : " ") + std::to_string(in.byte());
      return out;
    }
    case Immediate::I32: {
      const size_t at = in.offset();
      const int32_t value = in.s32();
      return noted(in.offset() - at, signed_leb_length(value)) + std::to_string(value);
    }
    case Immediate::I64: {
      const size_t at = in.offset();
      const int64_t value = in.s64();
      return noted(in.offset() - at, signed_leb_length(value)) + std::to_string(value);
    }
    case Immediate::F32: return float_text(in.fixed32(), 32);
    case Immediate::F64: return float_text(in.fixed64(), 64);
    case Immediate::V128: {
      std::string out = "i32x4";
      for (int i = 0; i < 4; ++i) out += fmt::format(" {:#010x}", in.fixed32());
      return out;
    }
    case Immediate::SelectTypes: {
      const uint32_t count = in.count(limit::kParams, "types");
      std::string out = "(result";
      for (uint32_t i = 0; i < count && in.ok(); ++i) out += " " + val_type(read_val_type(in, kAnyType), type_ids_);
      return out + ")";
    }
    case Immediate::HeapType: {
      const HeapType type = read_heap_type(in, kAnyType);
      if (row.opcode == Opcode::RefNull) return heap_type(type, type_ids_);
      const bool nullable = row.opcode == Opcode::RefTestNull || row.opcode == Opcode::RefCastNull;
      return val_type(ValType::ref(type, nullable), type_ids_);
    }
    case Immediate::DataMemory: {
      needs_data_count_ = true;
      const std::string data = index(in, data_ids_), memory = optional(memories);
      return memory.empty() ? data : pair(memory, data);
    }
    case Immediate::MemoryMemory: {
      const std::string to = index(in, memories), from = index(in, memories);
      return to == "0" && from == "0" ? std::string() : pair(to, from);
    }
    case Immediate::ElemTable: {
      const std::string elem = index(in, elem_ids_), table = optional(tables);
      return table.empty() ? elem : pair(table, elem);
    }
    case Immediate::TableTable: {
      const std::string to = index(in, tables);
      return pair(to, index(in, tables));
    }
    case Immediate::TypeField: {
      const uint32_t type = in.u32();
      const Ids none;
      return pair(type_ids_.ref(type), index(in, type < fields_.size() ? fields_[type] : none));
    }
    case Immediate::TypeCount: {
      const std::string type = index(in, type_ids_);
      const Number count = unsigned_number(in);
      return pair(type, count.annotation + std::to_string(count.value));
    }
    case Immediate::TypeData: {
      needs_data_count_ = true;
      const std::string type = index(in, type_ids_);
      return pair(type, index(in, data_ids_));
    }
    case Immediate::TypeElem: {
      const std::string type = index(in, type_ids_);
      return pair(type, index(in, elem_ids_));
    }
    case Immediate::TypeType: {
      const std::string type = index(in, type_ids_);
      return pair(type, index(in, type_ids_));
    }
    case Immediate::BrOnCast: {
      const size_t at = in.offset();
      const uint8_t flags = in.byte();
      if (flags > 3) in.malformed_at(at, "malformed cast flags");
      const std::string target = label(in);
      const ValType from = ValType::ref(read_heap_type(in, kAnyType), flags & 1);
      const ValType to = ValType::ref(read_heap_type(in, kAnyType), flags & 2);
      return fmt::format("{} {} {}", target, val_type(from, type_ids_), val_type(to, type_ids_));
    }
  }
  UNREACHABLE_CASE("immediate");
}

// Behind block, loop, if, try_table: `$label? (type 3)? (param …)? (result …)? (catch …)*`; opens the label.
std::string ModulePrinter::block(Reader& in, const OpcodeInfo& row) {
  const uint32_t number = next_label_++;
  if (!label_ids_.id(number).empty()) ++defined_names_;
  std::string out = label_ids_.definition(number);
  const std::string type = block_type(in);
  out += type;
  if (type.empty() && !out.empty()) out.pop_back();
  if (row.immediate == Immediate::TryTable) {
    static constexpr std::string_view kClauses[] = {"catch", "catch_ref", "catch_all", "catch_all_ref"};
    const uint32_t count = in.count(UINT32_MAX, "catch clauses");
    for (uint32_t i = 0; i < count && in.ok(); ++i) {
      const uint8_t kind = in.byte();
      if (kind > 3) {
        in.malformed_at(in.offset() - 1, "malformed catch clause");
        break;
      }
      out += fmt::format("{}({}", out.empty() ? "" : " ", kClauses[kind]);
      if (kind < 2) out += " " + index(in, ids(ExternKind::Tag));
      out += " " + label(in) + ")";
    }
  }
  labels_.push_back(label_ids_.id(number));
  return out;
}

std::string ModulePrinter::block_type(Reader& in) {
  constexpr uint8_t kEmpty = 0x40;
  const uint8_t first = in.peek();
  if (first == kEmpty) {
    in.byte();
    return {};
  }
  if (first > kEmpty && first < 0x80)
    return fmt::format("(result {})", val_type(read_val_type(in, kAnyType), type_ids_));
  const size_t at = in.offset();
  const int64_t type = in.s33();
  if (type < 0) in.malformed_at(at, "malformed block type");
  std::string use = type_use(static_cast<uint32_t>(type));
  const std::string width = noted(in.offset() - at, signed_leb_length(type));
  if (!width.empty()) use.insert(6, width);
  return use;
}

// Ids are unique in a function, so none hides another.
std::string ModulePrinter::label(Reader& in) {
  const size_t at = in.offset();
  const uint32_t depth = in.u32();
  const std::string width = noted(in.offset() - at, leb_length(depth));
  const std::string_view id = depth < labels_.size() ? labels_[labels_.size() - 1 - depth] : std::string_view();
  return width + (id.empty() ? std::to_string(depth) : std::string(id));
}

std::string ModulePrinter::memarg(Reader& in, const OpcodeInfo& row, bool has_lane) {
  constexpr uint32_t kHasMemory = 0x40;
  const size_t at = in.offset();
  uint32_t alignment = in.u32();
  std::string out;
  const auto add = [&](std::string_view text) { out += (out.empty() ? "" : " ") + std::string(text); };
  if (alignment & kHasMemory) add(explicit_index(in, ids(ExternKind::Memory)));
  alignment &= ~kHasMemory;
  if (alignment > 63) in.malformed_at(at, "malformed memop flags");
  const Number offset = unsigned_number(in);
  if (offset.value != 0 || !offset.annotation.empty()) {
    add(fmt::format("{}offset={}", offset.annotation, offset.value));
  } else if (has_lane && !out.empty()) {
    add("offset=0");  // tells a memory index from a lane
  }
  if (alignment != natural_alignment_log2(row) && in.ok()) add(fmt::format("align={}", uint64_t{1} << alignment));
  return out;
}

// Shortest decimal digits that give the same bits again.
std::string ModulePrinter::float_text(uint64_t bits, unsigned width) {
  const unsigned significand = width == 32 ? 23 : 52;
  const uint64_t payload = bits & ((uint64_t{1} << significand) - 1);
  const bool negative = bits >> (width - 1) & 1;
  const double value = width == 32 ? std::bit_cast<float>(static_cast<uint32_t>(bits)) : std::bit_cast<double>(bits);
  if (std::isnan(value)) {
    std::string out = negative ? "-nan" : "nan";
    if (payload != uint64_t{1} << (significand - 1)) out += fmt::format(":{:#x}", payload);
    return out;
  }
  if (std::isinf(value)) return negative ? "-inf" : "inf";
  return width == 32 ? fmt::format("{}", std::bit_cast<float>(static_cast<uint32_t>(bits))) : fmt::format("{}", value);
}

}  // namespace wjit::print

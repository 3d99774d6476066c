// translate: scalars, records, variants, flags, handles. See abi/adapter_emit.h. Spec: CanonicalABI.md, "Loading",
// "Storing", "Flat Lifting", "Flat Lowering".
#include <algorithm>

#include "abi/adapter_emit.h"
#include "base/check.h"

namespace wjit::adapter {

Source AdapterEmitter::at(const Source& source, uint32_t offset) {
  if (source.flat != nullptr) return source;
  return {source.side, nullptr, b_.CreateConstInBoundsGEP1_64(i8_, source.pointer, offset)};
}

Target AdapterEmitter::at(const Target& target, uint32_t offset) {
  if (target.flat != nullptr) return target;
  return {target.side, nullptr, b_.CreateConstInBoundsGEP1_64(i8_, target.pointer, offset)};
}

std::vector<llvm::Type*> AdapterEmitter::flat_types(TypeId id, bool is_64) {
  std::vector<llvm::Type*> types;
  for (ValType type : flatten_type(types_, id, is_64)) types.push_back(flat_type(type));
  return types;
}

void AdapterEmitter::translate(TypeId id, Source source, Target target) {
  const ComponentTypeDef& type = types_[id];
  switch (type.kind) {
    case TypeKind::String: return translate_string(source, target);
    case TypeKind::List:
    case TypeKind::Map: return translate_list(id, source, target);
    case TypeKind::Record:
    case TypeKind::Tuple:
    case TypeKind::FixedList: return translate_fields(id, source, target);
    case TypeKind::Variant:
    case TypeKind::Enum:
    case TypeKind::Option:
    case TypeKind::Result: return translate_variant(id, source, target);
    case TypeKind::Own:
    case TypeKind::Borrow:
    case TypeKind::Stream:
    case TypeKind::Future:
    case TypeKind::ErrorContext: return translate_handle(id, source, target);
    default: return translate_scalar(type, source, target);
  }
}

// ---- scalars ----

Value* AdapterEmitter::load_integer(Source& source, uint32_t bytes) {
  if (source.flat != nullptr) return source.flat->take();
  Value* value = b_.CreateAlignedLoad(b_.getIntNTy(bytes * 8), source.pointer, llvm::Align(1));
  return b_.CreateZExt(value, i32_);
}

void AdapterEmitter::store_integer(Target& target, Value* value, uint32_t bytes) {
  if (target.flat != nullptr) return target.flat->push_back(value);
  b_.CreateAlignedStore(b_.CreateTrunc(value, b_.getIntNTy(bytes * 8)), target.pointer, llvm::Align(1));
}

void AdapterEmitter::translate_scalar(const ComponentTypeDef& type, Source source, Target target) {
  auto move = [&](llvm::Type* t) {
    Value* value =
        source.flat != nullptr ? source.flat->take() : b_.CreateAlignedLoad(t, source.pointer, llvm::Align(1));
    if (target.flat != nullptr) {
      target.flat->push_back(value);
    } else {
      b_.CreateAlignedStore(value, target.pointer, llvm::Align(1));
    }
  };
  // A flat i32 may have bits above the type's width; lifting drops them, lowering extends by sign.
  auto move_small = [&](uint32_t bytes, bool is_signed) {
    Value* value = load_integer(source, bytes);
    if (target.flat != nullptr) {
      Value* low = b_.CreateTrunc(value, b_.getIntNTy(bytes * 8));
      value = is_signed ? b_.CreateSExt(low, i32_) : b_.CreateZExt(low, i32_);
    }
    store_integer(target, value, bytes);
  };
  switch (type.kind) {
    case TypeKind::Bool: {
      Value* value = load_integer(source, 1);
      return store_integer(target, b_.CreateZExt(b_.CreateICmpNE(value, b_.getInt32(0)), i32_), 1);
    }
    case TypeKind::U8: return move_small(1, false);
    case TypeKind::S8: return move_small(1, true);
    case TypeKind::U16: return move_small(2, false);
    case TypeKind::S16: return move_small(2, true);
    case TypeKind::U32:
    case TypeKind::S32: return move(i32_);
    case TypeKind::U64:
    case TypeKind::S64: return move(i64_);
    case TypeKind::F32: return move(f32_);
    case TypeKind::F64: return move(f64_);
    case TypeKind::Char: {
      Value* value = load_integer(source, 4);
      Value* surrogate = b_.CreateICmpULT(b_.CreateSub(value, b_.getInt32(0xD800)), b_.getInt32(0x800));
      trap_if(b_.CreateOr(b_.CreateICmpUGE(value, b_.getInt32(0x110000)), surrogate), Trap::InvalidChar);
      return store_integer(target, value, 4);
    }
    case TypeKind::Flags: {
      auto labels = static_cast<uint32_t>(type.parts.size());
      uint32_t bytes = flags_size(labels);
      Value* value = load_integer(source, bytes);
      if (labels < 32) value = b_.CreateAnd(value, (1u << labels) - 1);
      return store_integer(target, value, bytes);
    }
    default: UNREACHABLE_CASE("a type that is no scalar");
  }
}

// ---- records ----

void AdapterEmitter::translate_fields(TypeId id, Source source, Target target) {
  const ComponentTypeDef& type = types_[id];
  if (type.kind == TypeKind::FixedList) {
    uint32_t from_size = elem_size(types_, type.element, source.side.is_64);
    uint32_t to_size = elem_size(types_, type.element, target.side.is_64);
    if (source.flat == nullptr && target.flat == nullptr) {
      loop(b_.getInt64(type.length), [&](Value* index) {
        Source s{source.side, nullptr, b_.CreateGEP(i8_, source.pointer, b_.CreateMul(index, b_.getInt64(from_size)))};
        Target t{target.side, nullptr, b_.CreateGEP(i8_, target.pointer, b_.CreateMul(index, b_.getInt64(to_size)))};
        translate(type.element, s, t);
      });
      return;
    }
    for (uint32_t i = 0; i < type.length; ++i)
      translate(type.element, at(source, i * from_size), at(target, i * to_size));
    return;
  }
  std::vector<uint32_t> from = field_offsets(types_, id, source.side.is_64);
  std::vector<uint32_t> to = field_offsets(types_, id, target.side.is_64);
  for (size_t i = 0; i < type.parts.size(); ++i) translate(type.parts[i].type, at(source, from[i]), at(target, to[i]));
}

// ---- variants ----

Value* AdapterEmitter::coerce(Value* value, llvm::Type* to) {
  llvm::Type* from = value->getType();
  if (from == to) return value;
  if (from == f32_) value = b_.CreateBitCast(value, i32_);
  if (from == f64_) value = b_.CreateBitCast(value, i64_);
  llvm::Type* integer = to == f32_ ? i32_ : to == f64_ ? i64_ : to;
  value = b_.CreateZExtOrTrunc(value, integer);
  return integer == to ? value : b_.CreateBitCast(value, to);
}

void AdapterEmitter::translate_variant(TypeId id, Source source, Target target) {
  const ComponentTypeDef& type = types_[id];
  uint32_t cases = case_count(type);
  uint32_t tag_bytes = discriminant_size(cases);
  Value* tag = load_integer(source, tag_bytes);
  trap_if(b_.CreateICmpUGE(tag, b_.getInt32(cases)), Trap::InvalidDiscriminant);
  store_integer(target, tag, tag_bytes);

  bool any_payload = false;
  for (uint32_t i = 0; i < cases; ++i) any_payload = any_payload || case_type(type, i) != kNoType;
  if (!any_payload) return;

  // The payload's flat values: those of all cases joined, position by position.
  FlatReader joined_in;
  if (source.flat != nullptr) {
    size_t count = flat_types(id, source.side.is_64).size() - 1;
    for (size_t i = 0; i < count; ++i) joined_in.values.push_back(source.flat->take());
  }
  std::vector<llvm::Type*> joined_out;
  if (target.flat != nullptr) {
    joined_out = flat_types(id, target.side.is_64);
    joined_out.erase(joined_out.begin());
  }
  uint32_t from_offset = payload_offset(types_, id, source.side.is_64);
  uint32_t to_offset = payload_offset(types_, id, target.side.is_64);

  auto* merge = llvm::BasicBlock::Create(context_, "merge", function_);
  auto* no_payload = llvm::BasicBlock::Create(context_, "empty", function_);
  auto* choose = b_.CreateSwitch(tag, no_payload, cases);
  std::vector<std::pair<llvm::BasicBlock*, std::vector<Value*>>> incoming;

  b_.SetInsertPoint(no_payload);
  std::vector<Value*> zeros;
  for (llvm::Type* t : joined_out) zeros.push_back(llvm::Constant::getNullValue(t));
  incoming.emplace_back(no_payload, zeros);
  b_.CreateBr(merge);

  for (uint32_t i = 0; i < cases; ++i) {
    TypeId payload = case_type(type, i);
    if (payload == kNoType) continue;
    auto* block = llvm::BasicBlock::Create(context_, "case", function_);
    choose->addCase(b_.getInt32(i), block);
    b_.SetInsertPoint(block);
    Source from = at(source, from_offset);
    FlatReader own;
    if (source.flat != nullptr) {
      std::vector<llvm::Type*> wanted = flat_types(payload, source.side.is_64);
      for (size_t k = 0; k < wanted.size(); ++k) own.values.push_back(coerce(joined_in.values[k], wanted[k]));
      from.flat = &own;
    }
    Target to = at(target, to_offset);
    std::vector<Value*> made;
    if (target.flat != nullptr) to.flat = &made;
    translate(payload, from, to);
    for (size_t k = 0; k < joined_out.size(); ++k) {
      if (k < made.size()) {
        made[k] = coerce(made[k], joined_out[k]);
      } else {
        made.push_back(llvm::Constant::getNullValue(joined_out[k]));
      }
    }
    incoming.emplace_back(b_.GetInsertBlock(), made);
    b_.CreateBr(merge);
  }

  b_.SetInsertPoint(merge);
  for (size_t k = 0; k < joined_out.size(); ++k) {
    auto* phi = b_.CreatePHI(joined_out[k], static_cast<unsigned>(incoming.size()));
    for (auto& [block, values] : incoming) phi->addIncoming(values[k], block);
    target.flat->push_back(phi);
  }
}

// ---- handles ----

void AdapterEmitter::translate_handle(TypeId id, Source source, Target target) {
  const ComponentTypeDef& type = types_[id];
  Value* handle = load_integer(source, 4);
  Value* direction = b_.getInt32(direction_);
  auto number_in = [](const auto& list, auto what) {
    return static_cast<uint32_t>(std::find(list.begin(), list.end(), what) - list.begin());
  };
  switch (type.kind) {
    case TypeKind::Own:
      handle = call_runtime("transfer_own", {b_.getInt32(number_in(resources_, type.resource)), handle, direction});
      break;
    case TypeKind::Borrow:
      handle = call_runtime("transfer_borrow", {task_, b_.getInt32(number_in(resources_, type.resource)), handle});
      break;
    case TypeKind::Stream:
      handle = call_runtime("transfer_stream", {b_.getInt32(number_in(streams_, id)), handle, direction});
      break;
    case TypeKind::Future:
      handle = call_runtime("transfer_future", {b_.getInt32(number_in(streams_, id)), handle, direction});
      break;
    default: handle = call_runtime("transfer_error_context", {handle, direction}); break;
  }
  store_integer(target, handle, 4);
}

}  // namespace wjit::adapter

// Lists, memory ranges and realloc. See abi/adapter_emit.h. Spec: CanonicalABI.md, load_list, store_list,
// LiftLowerContext.reallocate.
#include "abi/adapter_emit.h"
#include "abi/padding.h"

namespace wjit::adapter {

// Elements of numbers with padding are copied in words that are masked, up to this size; larger ones value by value.
constexpr uint32_t kMaxMasked = 256;
constexpr uint32_t kLine = 64;  // bytes that are copied at once where elements fill them

std::pair<Value*, Value*> AdapterEmitter::load_pair(Source& source) {
  if (source.flat != nullptr) {
    Value* pointer = zext64(source.flat->take());
    return {pointer, zext64(source.flat->take())};
  }
  llvm::Type* type = source.side.is_64 ? i64_ : i32_;
  Value* pointer = b_.CreateAlignedLoad(type, source.pointer, llvm::Align(1));
  Value* second = b_.CreateConstInBoundsGEP1_64(i8_, source.pointer, ptr_size(source.side.is_64));
  return {zext64(pointer), zext64(b_.CreateAlignedLoad(type, second, llvm::Align(1)))};
}

void AdapterEmitter::store_pair(Target& target, Value* pointer, Value* length) {
  llvm::Type* type = target.side.is_64 ? i64_ : i32_;
  pointer = b_.CreateZExtOrTrunc(pointer, type);
  length = b_.CreateZExtOrTrunc(length, type);
  if (target.flat != nullptr) {
    target.flat->push_back(pointer);
    target.flat->push_back(length);
    return;
  }
  b_.CreateAlignedStore(pointer, target.pointer, llvm::Align(1));
  Value* second = b_.CreateConstInBoundsGEP1_64(i8_, target.pointer, ptr_size(target.side.is_64));
  b_.CreateAlignedStore(length, second, llvm::Align(1));
}

Value* AdapterEmitter::host_pointer(const Side& side, Value* address) {
  if (side.host) return b_.CreateIntToPtr(address, ptr_);
  Value* memory = load_context(side.memory, ptr_);
  Value* base = b_.CreateLoad(ptr_, b_.CreateConstInBoundsGEP1_64(i8_, memory, offsetof(MemoryInstance, base)));
  return b_.CreateGEP(i8_, base, address);
}

Value* AdapterEmitter::checked(const Side& side, Value* address, Value* bytes, uint32_t align, Trap code) {
  if (side.host) return host_pointer(side, address);
  if (align > 1) trap_if(b_.CreateICmpNE(b_.CreateAnd(address, align - 1), b_.getInt64(0)), Trap::UnalignedPointer);
  // The length is read each time: realloc may have grown the memory.
  Value* memory = load_context(side.memory, ptr_);
  Value* length =
      b_.CreateLoad(i64_, b_.CreateConstInBoundsGEP1_64(i8_, memory, offsetof(MemoryInstance, byte_length)));
  Value* outside =
      b_.CreateOr(b_.CreateICmpUGT(address, length), b_.CreateICmpUGT(bytes, b_.CreateSub(length, address)));
  trap_if(outside, code);
  return host_pointer(side, address);
}

Value* AdapterEmitter::reallocate(const Side& side, Value* old, Value* old_bytes, uint32_t align, Value* bytes, bool grow) {
  if (side.host) {
    if (!grow) return old;
    Value* memory = call_runtime("host_alloc", {call_, bytes, b_.getInt64(align)});
    b_.CreateMemCpy(memory, llvm::MaybeAlign(1), b_.CreateIntToPtr(old, ptr_), llvm::MaybeAlign(1), old_bytes);
    return b_.CreatePtrToInt(memory, i64_);
  }
  ValType pointer = ptr_type(side.is_64);
  CoreSignature signature = signature_of({{pointer, pointer, pointer, pointer}, {pointer}});
  llvm::Type* type = flat_type(pointer);
  std::vector<Value*> args;
  for (Value* arg : {old, old_bytes, static_cast<Value*>(b_.getInt64(align)), bytes}) {
    args.push_back(b_.CreateZExtOrTrunc(arg, type));
  }
  set_may_leave(side, false);
  Value* address = zext64(call_core(signature, side.realloc, args));
  set_may_leave(side, true);
  if (align > 1) trap_if(b_.CreateICmpNE(b_.CreateAnd(address, align - 1), b_.getInt64(0)), Trap::ReallocUnaligned);
  Value* memory = load_context(side.memory, ptr_);
  Value* length =
      b_.CreateLoad(i64_, b_.CreateConstInBoundsGEP1_64(i8_, memory, offsetof(MemoryInstance, byte_length)));
  Value* outside =
      b_.CreateOr(b_.CreateICmpUGT(address, length), b_.CreateICmpUGT(bytes, b_.CreateSub(length, address)));
  trap_if(outside, Trap::ReallocResult);
  return address;
}

Value* AdapterEmitter::allocate(const Side& side, uint32_t align, Value* bytes) {
  if (side.host) {
    return b_.CreatePtrToInt(call_runtime("host_alloc", {call_, bytes, b_.getInt64(align)}), i64_);
  }
  return reallocate(side, b_.getInt64(0), b_.getInt64(0), align, bytes);
}

void AdapterEmitter::translate_list(TypeId id, Source source, Target target) {
  const ComponentTypeDef& type = types_[id];
  // A map is a list of its entries; their tuple type stands just before it (frontend/canonical_layout.h).
  TypeId element = type.kind == TypeKind::Map ? id - 1 : type.element;
  uint32_t from_size = elem_size(types_, element, source.side.is_64);
  uint32_t to_size = elem_size(types_, element, target.side.is_64);
  auto [address, length] = load_pair(source);
  trap_if(b_.CreateICmpUGT(length, b_.getInt64(kMaxListByteLength / from_size)), Trap::ListTooLong);
  Value* from_bytes = b_.CreateMul(length, b_.getInt64(from_size));
  Value* from =
      checked(source.side, address, from_bytes, alignment(types_, element, source.side.is_64), Trap::ListOutOfBounds);
  const bool numbers = all_numbers(types_, element);
  if (numbers && target.side.host) return store_pair(target, b_.CreatePtrToInt(from, i64_), length);
  Value* to = allocate(target.side, alignment(types_, element, target.side.is_64),
                       b_.CreateMul(length, b_.getInt64(to_size)));
  Value* to_pointer = host_pointer(target.side, to);
  if (numbers && copy_numbers(element, from, to_pointer, length)) return store_pair(target, to, length);
  loop(length, [&](Value* index) {
    Source s{source.side, nullptr, b_.CreateGEP(i8_, from, b_.CreateMul(index, b_.getInt64(from_size)))};
    Target t{target.side, nullptr, b_.CreateGEP(i8_, to_pointer, b_.CreateMul(index, b_.getInt64(to_size)))};
    translate(element, s, t);
  });
  store_pair(target, to, length);
}

bool AdapterEmitter::copy_numbers(TypeId element, Value* from, Value* to, Value* count) {
  for (; types_[element].kind == TypeKind::FixedList; element = types_[element].element) {
    count = b_.CreateMul(count, b_.getInt64(types_[element].length));
  }
  const uint32_t size = elem_size(types_, element, false);
  if (!has_padding(types_, element)) {
    b_.CreateMemCpy(to, llvm::MaybeAlign(1), from, llvm::MaybeAlign(1), b_.CreateMul(count, b_.getInt64(size)));
    return true;
  }
  if (size > kMaxMasked) return false;
  const std::vector<uint8_t> mask = padding_mask(types_, element);
  // Many elements at once, where they fill a cache line; memories of two sides do not overlap.
  if (kLine % size == 0) {
    std::vector<uint8_t> line;
    while (line.size() < kLine) line.insert(line.end(), mask.begin(), mask.end());
    llvm::Constant* line_mask = llvm::ConstantDataVector::get(context_, line);
    loop(b_.CreateUDiv(count, b_.getInt64(kLine / size)), [&](Value* index) {
      Value* at = b_.CreateMul(index, b_.getInt64(kLine));
      Value* values = b_.CreateAlignedLoad(line_mask->getType(), b_.CreateGEP(i8_, from, at), llvm::Align(1));
      b_.CreateAlignedStore(b_.CreateAnd(values, line_mask), b_.CreateGEP(i8_, to, at), llvm::Align(1));
    });
    Value* rest = b_.CreateURem(count, b_.getInt64(kLine / size));
    Value* done = b_.CreateMul(b_.CreateSub(count, rest), b_.getInt64(size));
    from = b_.CreateGEP(i8_, from, done);
    to = b_.CreateGEP(i8_, to, done);
    count = rest;
  }
  const uint32_t step = alignment(types_, element, false);
  llvm::Type* word = b_.getIntNTy(step * 8);
  loop(count, [&](Value* index) {
    Value* at = b_.CreateMul(index, b_.getInt64(size));
    std::vector<Value*> words;  // all of them before the first store: they become vectors
    for (uint32_t i = 0; i < size; i += step) {
      uint64_t bits = 0;
      for (uint32_t k = step; k-- > 0;) bits = bits << 8 | mask[i + k];
      Value* value = b_.CreateAlignedLoad(word, b_.CreateGEP(i8_, from, b_.CreateAdd(at, b_.getInt64(i))), llvm::Align(1));
      words.push_back(b_.CreateAnd(value, b_.getIntN(step * 8, bits)));
    }
    for (uint32_t i = 0; i < size; i += step) {
      b_.CreateAlignedStore(words[i / step], b_.CreateGEP(i8_, to, b_.CreateAdd(at, b_.getInt64(i))), llvm::Align(1));
    }
  });
  return true;
}

void AdapterEmitter::loop(Value* count, const std::function<void(Value* index)>& body) {
  auto* before = b_.GetInsertBlock();
  auto* head = llvm::BasicBlock::Create(context_, "loop", function_);
  auto* inside = llvm::BasicBlock::Create(context_, "element", function_);
  auto* after = llvm::BasicBlock::Create(context_, "", function_);
  b_.CreateBr(head);
  b_.SetInsertPoint(head);
  auto* index = b_.CreatePHI(i64_, 2);
  index->addIncoming(b_.getInt64(0), before);
  b_.CreateCondBr(b_.CreateICmpULT(index, count), inside, after);
  b_.SetInsertPoint(inside);
  body(index);
  Value* next = b_.CreateAdd(index, b_.getInt64(1));
  index->addIncoming(next, b_.GetInsertBlock());
  b_.CreateBr(head);
  b_.SetInsertPoint(after);
}

}  // namespace wjit::adapter

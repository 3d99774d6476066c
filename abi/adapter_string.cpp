// Strings: one function for each direction of an adapter that has strings, internal to its module (LLVM inlines it
// where it is used once): address and length in the source's memory in, pointer and length in the target's memory out.
// It does what load_string and store_string of the Canonical ABI do, as one pass: guests see the
// calls of realloc that the specification writes, with their sizes and in their order. Where text turns out to be
// invalid the trap comes when the pass gets there, maybe after a realloc; nobody can tell, since nothing of the store
// runs after a trap.
//
// Short UTF-8 is copied and checked right here, without a call; other loops are run-time calls (abi/strings.cpp), which
// cost about 3 ns and no guest stack. Called by translate (abi/adapter_value.cpp). Tests: test/lit/adapter/strings.wat,
// test/lit/wast/strings.wast, the public component suite. Spec: CanonicalABI.md, "Loading", "Storing".
#include "abi/adapter_emit.h"

namespace wjit::adapter {

// Tuning: longer text is worth the run-time call, whose loop looks at 64 bytes at a time.
constexpr uint64_t kShortText = 64;

void AdapterEmitter::translate_string(Source source, Target target) {
  auto [address, length] = load_pair(source);
  llvm::Function* function = string_function(source.side, target.side);
  Value* call = target.side.host ? call_ : null_;  // only the host's allocations belong to a call
  Value* text = b_.CreateCall(function, {self_, call, address, length});
  store_pair(target, b_.CreateExtractValue(text, 0), b_.CreateExtractValue(text, 1));
}

llvm::Function* AdapterEmitter::string_function(const Side& from, const Side& to) {
  llvm::Function*& function = string_functions_[from.instance == adapter_offset::caller ? 0 : 1];
  if (function != nullptr) return function;
  llvm::IRBuilder<>::InsertPointGuard guard(b_);
  auto* outer_function = function_;
  Value *outer_self = self_, *outer_call = call_;
  auto* pair = llvm::StructType::get(i64_, i64_);
  const char* name = from.instance == adapter_offset::caller ? ".string" : ".string.back";
  function = make_function(name, llvm::FunctionType::get(pair, {ptr_, ptr_, i64_, i64_}, false));
  function->setLinkage(llvm::Function::InternalLinkage);
  call_ = function->getArg(1);
  load_string(from, to, function->getArg(2), function->getArg(3));
  function_ = outer_function;
  self_ = outer_self;
  call_ = outer_call;
  return function;
}

void AdapterEmitter::load_string(const Side& from, const Side& to, Value* address, Value* length) {
  auto load = [&](Units units, bool is_tagged, Value* count) {
    bool wide = units == Units::Utf16;
    trap_if(b_.CreateICmpUGT(count, b_.getInt64(wide ? kMaxStringByteLength / 2 : kMaxStringByteLength)),
            Trap::ListTooLong);
    Value* bytes = wide ? b_.CreateShl(count, 1) : count;
    Value* text = checked(from, address, bytes, units == Units::Utf8 ? 1 : 2, Trap::StringOutOfBounds);
    store_string(units, is_tagged, to, text, count);
  };
  switch (from.options->encoding) {
    case StringEncoding::Utf8: return load(Units::Utf8, false, length);
    case StringEncoding::Utf16: return load(Units::Utf16, false, length);
    case StringEncoding::Latin1Utf16: break;
  }
  Value* tag = b_.getInt64(utf16_tag(from.is_64));
  auto* latin1 = block("latin1");
  auto* utf16 = block("utf16");
  b_.CreateCondBr(b_.CreateICmpEQ(b_.CreateAnd(length, tag), b_.getInt64(0)), latin1, utf16);
  b_.SetInsertPoint(latin1);
  load(Units::Latin1, true, length);
  b_.SetInsertPoint(utf16);
  load(Units::Utf16, true, b_.CreateXor(length, tag));
}

// `is_tagged`: the source's encoding is latin1+utf16.
void AdapterEmitter::store_string(Units units, bool is_tagged, const Side& to, Value* from, Value* count) {
  auto copy = [&](Value* bytes, const char* run_time) {
    Value* address = allocate(to, 2, bytes);
    if (run_time != nullptr) {
      call_runtime(run_time, {host_pointer(to, address), from, count});
    } else {
      b_.CreateMemCpy(host_pointer(to, address), llvm::MaybeAlign(1), from, llvm::MaybeAlign(1), bytes);
    }
    return_string(address, count);
  };
  switch (to.options->encoding) {
    case StringEncoding::Utf8:
      if (units == Units::Utf8) return store_utf8_copy(to, from, count);
      return store_to_utf8(units, to, from, count);
    case StringEncoding::Utf16:
      if (units == Units::Utf8) return store_utf8_to_utf16(to, from, count);
      return copy(b_.CreateShl(count, 1), units == Units::Latin1 ? "latin1_to_utf16" : "copy_utf16");
    case StringEncoding::Latin1Utf16:
      if (units == Units::Latin1) return copy(count, nullptr);
      if (is_tagged) return store_probably_utf16(to, from, count);
      return store_to_latin1_or_utf16(units, to, from, count);
  }
}

void AdapterEmitter::return_string(Value* pointer, Value* length) {
  Value* pair = llvm::PoisonValue::get(function_->getReturnType());
  b_.CreateRet(b_.CreateInsertValue(b_.CreateInsertValue(pair, pointer, 0), length, 1));
}

void AdapterEmitter::store_utf8_copy(const Side& to, Value* from, Value* count) {
  if (to.host) {  // the host gets a view of the guest's memory
    copy_utf8(nullptr, from, count);
    return return_string(b_.CreatePtrToInt(from, i64_), count);
  }
  Value* address = allocate(to, 1, count);
  copy_utf8(host_pointer(to, address), from, count);
  return_string(address, count);
}

// As much as the source has units if all is ASCII, else room for the worst case, shrunk at the
// end.
void AdapterEmitter::store_to_utf8(Units units, const Side& to, Value* from, Value* count) {
  bool wide = units == Units::Utf16;
  Value* small = allocate(to, 1, count);
  Value* done = call_runtime(wide ? "utf16_to_ascii" : "ascii_to_ascii", {host_pointer(to, small), from, count});
  auto* all = block("ascii");
  auto* more = block("more");
  b_.CreateCondBr(b_.CreateICmpEQ(done, count), all, more);
  b_.SetInsertPoint(all);
  return_string(small, count);

  b_.SetInsertPoint(more);
  Value* worst = b_.CreateMul(count, b_.getInt64(wide ? 3 : 2));
  Value* large = reallocate(to, small, count, 1, worst);
  Value* rest_to = b_.CreateGEP(i8_, host_pointer(to, large), done);
  Value* rest_from = b_.CreateGEP(i8_, from, wide ? b_.CreateShl(done, 1) : done);
  Value* rest =
      call_runtime(wide ? "utf16_to_utf8" : "latin1_to_utf8", {rest_to, rest_from, b_.CreateSub(count, done)});
  Value* bytes = b_.CreateAdd(done, rest);
  auto* shrink = block("shrink");
  auto* fits = block("fits");
  b_.CreateCondBr(b_.CreateICmpUGT(worst, bytes), shrink, fits);
  b_.SetInsertPoint(fits);
  return_string(large, bytes);
  b_.SetInsertPoint(shrink);
  return_string(reallocate(to, large, worst, 1, bytes, false), bytes);
}

void AdapterEmitter::store_utf8_to_utf16(const Side& to, Value* from, Value* count) {
  Value* worst = b_.CreateShl(count, 1);
  Value* large = allocate(to, 2, worst);
  Value* units = call_runtime("utf8_to_utf16", {host_pointer(to, large), from, count});
  auto* shrink = block("shrink");
  auto* fits = block("fits");
  b_.CreateCondBr(b_.CreateICmpULT(units, count), shrink, fits);
  b_.SetInsertPoint(fits);
  return_string(large, units);
  b_.SetInsertPoint(shrink);
  return_string(reallocate(to, large, worst, 2, b_.CreateShl(units, 1), false), units);
}

// Latin1 as far as it goes; then what is there is widened, and the rest is UTF-16.
void AdapterEmitter::store_to_latin1_or_utf16(Units units, const Side& to, Value* from, Value* count) {
  bool wide = units == Units::Utf16;
  Value* small = allocate(to, 2, count);
  Value* both = call_runtime(wide ? "utf16_to_latin1" : "utf8_to_latin1", {host_pointer(to, small), from, count});
  Value* consumed = b_.CreateLShr(both, 32);
  Value* written = b_.CreateAnd(both, 0xFFFF'FFFF);
  auto* latin1 = block("latin1");
  auto* inflate = block("inflate");
  b_.CreateCondBr(b_.CreateICmpEQ(consumed, count), latin1, inflate);

  b_.SetInsertPoint(latin1);
  auto* latin1_shrink = block("shrink");
  auto* latin1_fits = block("fits");
  b_.CreateCondBr(b_.CreateICmpULT(written, count), latin1_shrink, latin1_fits);
  b_.SetInsertPoint(latin1_fits);
  return_string(small, written);
  b_.SetInsertPoint(latin1_shrink);
  return_string(reallocate(to, small, count, 2, written, false), written);

  b_.SetInsertPoint(inflate);
  Value* worst = b_.CreateShl(count, 1);
  Value* large = reallocate(to, small, count, 2, worst);
  Value* text = host_pointer(to, large);
  call_runtime("widen_latin1", {text, written});
  Value* rest_to = b_.CreateGEP(i8_, text, b_.CreateShl(written, 1));
  Value* rest_from = b_.CreateGEP(i8_, from, wide ? b_.CreateShl(consumed, 1) : consumed);
  Value* rest_count = b_.CreateSub(count, consumed);
  Value* rest = rest_count;
  if (wide) {
    call_runtime("copy_utf16", {rest_to, rest_from, rest_count});
  } else {
    rest = call_runtime("utf8_to_utf16", {rest_to, rest_from, rest_count});
  }
  Value* length = b_.CreateAdd(written, rest);
  Value* tagged = b_.CreateOr(length, b_.getInt64(utf16_tag(to.is_64)));
  auto* shrink = block("shrink");
  auto* fits = block("fits");
  b_.CreateCondBr(b_.CreateICmpULT(length, count), shrink, fits);
  b_.SetInsertPoint(fits);
  return_string(large, tagged);
  b_.SetInsertPoint(shrink);
  return_string(reallocate(to, large, worst, 2, b_.CreateShl(length, 1), false), tagged);
}

// Who tagged its text has wide characters, probably; if not it is narrowed where it
// lies.
void AdapterEmitter::store_probably_utf16(const Side& to, Value* from, Value* count) {
  Value* bytes = b_.CreateShl(count, 1);
  Value* address = allocate(to, 2, bytes);
  Value* is_wide = call_runtime("copy_utf16", {host_pointer(to, address), from, count});
  auto* wide = block("wide");
  auto* narrow = block("narrow");
  b_.CreateCondBr(b_.CreateICmpNE(is_wide, b_.getInt64(0)), wide, narrow);
  b_.SetInsertPoint(wide);
  return_string(address, b_.CreateOr(count, b_.getInt64(utf16_tag(to.is_64))));
  b_.SetInsertPoint(narrow);
  call_runtime("narrow_utf16", {host_pointer(to, address), count});
  return_string(reallocate(to, address, bytes, 1, count, false), count);
}

// Text of 1 to 64 bytes is two loads that overlap, of the largest width that fits (three bytes below 4); their high
// bits are tested together. Where one is set, what was copied is checked in a run-time call.
void AdapterEmitter::copy_utf8(Value* to, Value* from, Value* bytes) {
  auto* done = block("done");
  auto* slow = block("slow");
  auto at_least = [&](uint64_t n, const char* name) {
    auto* yes = block(name);
    auto* no = block("");
    b_.CreateCondBr(b_.CreateICmpUGE(bytes, b_.getInt64(n)), yes, no);
    b_.SetInsertPoint(yes);
    return no;
  };
  // Loads and stores at these offsets; then to `done`, or to `slow` where a high bit is set.
  auto move = [&](llvm::Type* type, std::initializer_list<Value*> offsets) {
    std::vector<Value*> values;
    for (Value* at : offsets) values.push_back(b_.CreateAlignedLoad(type, b_.CreateGEP(i8_, from, at), llvm::Align(1)));
    Value* all = values[0];
    size_t i = 0;
    for (Value* at : offsets) {
      if (i > 0) all = b_.CreateOr(all, values[i]);
      if (to != nullptr) b_.CreateAlignedStore(values[i], b_.CreateGEP(i8_, to, at), llvm::Align(1));
      ++i;
    }
    if (type->isVectorTy()) {
      auto lanes = llvm::cast<llvm::FixedVectorType>(type)->getNumElements();
      all = b_.CreateICmpSLT(all, llvm::Constant::getNullValue(type));
      all = b_.CreateBitCast(all, b_.getIntNTy(lanes));
    } else {
      uint64_t high = 0x8080'8080'8080'8080 >> (64 - type->getIntegerBitWidth());
      all = b_.CreateAnd(all, llvm::ConstantInt::get(type, high));
    }
    b_.CreateCondBr(b_.CreateIsNull(all), done, slow);
  };
  auto from_end = [&](uint64_t n) { return b_.CreateSub(bytes, b_.getInt64(n)); };
  Value* zero = b_.getInt64(0);

  auto* next = at_least(kShortText + 1, "long");
  if (to != nullptr) {
    call_runtime("copy_utf8", {to, from, bytes});
  } else {
    call_runtime("check_utf8", {from, bytes});
  }
  b_.CreateBr(done);
  for (uint32_t width : {32u, 16u}) {
    b_.SetInsertPoint(next);
    next = at_least(width, "vector");
    move(llvm::FixedVectorType::get(i8_, width), {zero, from_end(width)});
  }
  for (uint32_t width : {8u, 4u}) {
    b_.SetInsertPoint(next);
    next = at_least(width, "word");
    move(b_.getIntNTy(width * 8), {zero, from_end(width)});
  }
  b_.SetInsertPoint(next);
  auto* empty = at_least(1, "bytes");
  move(i8_, {zero, b_.CreateLShr(bytes, 1), from_end(1)});
  b_.SetInsertPoint(empty);
  b_.CreateBr(done);

  b_.SetInsertPoint(slow);
  call_runtime("check_utf8", {from, bytes});
  b_.CreateBr(done);
  b_.SetInsertPoint(done);
}

}  // namespace wjit::adapter

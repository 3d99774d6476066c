// Backtraces by the classic libunwind (libunwind-dev 1.6). The frame descriptions of all compiled code become one
// sorted table from pc to description for each GiB of addresses (usually one in all), made known by _U_dyn_register; it
// is made anew by the first backtrace after code has come or gone, so registering costs nothing. The frames of
// __morestack are walked by the CFI of scheduler/switch.S, so a walk crosses segments. Interface: jit/unwind.h.
//
// Measured on a walk through 10,000 frames, milliseconds (a busy 2-core EPYC):
//                                                        64 functions   4,096 functions
//   classic, one registration a function                        17             520      a linear list, searched by pc
//   LLVM's libunwind 22, __register_frame                       12              57      a linear array of descriptions
//   classic, one table (this file)                              17              42
//   frame pointers, for comparison                              0.3              2      cannot start in a prologue
#define UNW_LOCAL_ONLY
#include "jit/unwind.h"

#include <libunwind.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include "base/check.h"
#include "jit/code.h"
#include "jit/exception.h"

namespace wjit {
namespace {

// Guards what follows, and libunwind's list of registrations, which it walks without a lock.
std::shared_mutex registrations_mutex;

struct TableEntry {  // layout of .eh_frame_hdr's search table, both relative to `segbase`
  int32_t pc_begin;
  int32_t fde;
};

struct Description {
  uint64_t pc_begin, pc_end, fde;
};

constexpr uint64_t kRegion = uint64_t{1} << 30;

// The table of all descriptions whose sections lie in one region.
struct Registration {
  unw_dyn_info_t info = {};
  std::vector<TableEntry> table;
};

// Guarded by registrations_mutex.
std::map<const uint8_t*, std::vector<Description>>& sections() {
  static auto* map = new std::map<const uint8_t*, std::vector<Description>>;
  return *map;
}
std::vector<std::unique_ptr<Registration>>& registrations() {
  static auto* list = new std::vector<std::unique_ptr<Registration>>;
  return *list;
}
bool sections_changed = false;

// Reads one section: common entries first (for the encoding of addresses), then the frames that refer to them. The
// section comes from our own compiler, so surprises are CHECKs.
class EhFrameReader {
 public:
  EhFrameReader(const uint8_t* begin, size_t size) : begin_(begin), end_(begin + size) {}

  std::vector<Description> read() {
    std::vector<Description> result;
    for (const uint8_t* at = begin_; at + 4 <= end_;) {
      const auto length = load<uint32_t>(at);
      if (length == 0) break;
      CHECK(length != 0xFFFFFFFF);  // 64-bit DWARF is never emitted
      const uint8_t* body = at + 4;
      const uint8_t* next = body + length;
      CHECK(next <= end_);
      const auto id = load<uint32_t>(body);
      if (id == 0) {
        encodings_[at] = address_encoding(body + 4);
      } else {
        const auto [pc, range] = pc_range(body + 4, encodings_.at(body - id));
        const auto begin = reinterpret_cast<uint64_t>(pc);
        if (range != 0) result.push_back({begin, begin + range, reinterpret_cast<uint64_t>(at)});
      }
      at = next;
    }
    return result;
  }

 private:
  template <typename T>
  static T load(const uint8_t* at) {
    T value;
    memcpy(&value, at, sizeof value);
    return value;
  }
  static uint64_t leb(const uint8_t*& at) {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      value |= uint64_t{*at & 0x7Fu} << shift;
      if (!(*at++ & 0x80)) return value;
    }
  }
  // DW_EH_PE encoding of FDE addresses: augmentation letter R.
  static uint8_t address_encoding(const uint8_t* at) {
    CHECK(*at++ == 1);  // version
    const char* augmentation = reinterpret_cast<const char*>(at);
    at += strlen(augmentation) + 1;
    leb(at);  // code alignment
    leb(at);  // data alignment
    leb(at);  // return address register
    uint8_t encoding = 0;
    if (*augmentation++ != 'z') return encoding;
    leb(at);
    for (; *augmentation; ++augmentation) {
      if (*augmentation == 'R') return *at;
      if (*augmentation == 'L') ++at;
      if (*augmentation == 'P') at += 1 + (((*at & 7) == 3) ? 4 : 8);  // sdata4 or 8 bytes
    }
    return encoding;
  }
  static std::pair<const uint8_t*, uint64_t> pc_range(const uint8_t* field, uint8_t encoding) {
    const bool relative_to_field = (encoding & 0x70) == 0x10;
    switch (encoding & 0x0F) {
      case 0x03:
      case 0x0B:  // 4 bytes
        return {(relative_to_field ? field : nullptr) + load<int32_t>(field), load<uint32_t>(field + 4)};
      case 0x00:
      case 0x04:
      case 0x0C:  // 8 bytes
        return {(relative_to_field ? field : nullptr) + load<int64_t>(field), load<uint64_t>(field + 8)};
      default: UNREACHABLE_CASE("address encoding of a frame description");
    }
  }
  const uint8_t* begin_;
  const uint8_t* end_;
  std::map<const uint8_t*, uint8_t> encodings_;
};

int32_t relative(uint64_t address, uint64_t base) {
  const auto distance = static_cast<int64_t>(address - base);
  CHECK(distance == static_cast<int32_t>(distance));
  return static_cast<int32_t>(distance);
}

// Under the exclusive lock.
void make_tables() {
  for (auto& registration : registrations()) _U_dyn_cancel(&registration->info);
  registrations().clear();
  for (auto section = sections().begin(); section != sections().end();) {
    const uint64_t region = reinterpret_cast<uint64_t>(section->first) / kRegion;
    const uint64_t base = region * kRegion + kRegion / 2;
    auto made = std::make_unique<Registration>();
    uint64_t lowest = UINT64_MAX, highest = 0;
    for (; section != sections().end() && reinterpret_cast<uint64_t>(section->first) / kRegion == region; ++section) {
      for (const Description& description : section->second) {
        made->table.push_back({relative(description.pc_begin, base), relative(description.fde, base)});
        lowest = std::min(lowest, description.pc_begin);
        highest = std::max(highest, description.pc_end);
      }
    }
    if (made->table.empty()) continue;
    std::ranges::sort(made->table, {}, &TableEntry::pc_begin);
    unw_dyn_info_t& info = made->info;
    info.start_ip = lowest;
    info.end_ip = highest;
    info.format = UNW_INFO_FORMAT_REMOTE_TABLE;
    info.u.rti.segbase = base;
    info.u.rti.table_len = made->table.size() * sizeof(TableEntry) / sizeof(unw_word_t);
    info.u.rti.table_data = reinterpret_cast<unw_word_t>(made->table.data());
    _U_dyn_register(&info);
    registrations().push_back(std::move(made));
  }
  sections_changed = false;
}

}  // namespace

void register_frames(const uint8_t* eh_frame, size_t size) {
  std::vector<Description> descriptions = EhFrameReader(eh_frame, size).read();
  std::unique_lock lock(registrations_mutex);
  sections()[eh_frame] = std::move(descriptions);
  sections_changed = true;
}

void deregister_frames(const uint8_t* eh_frame) {
  std::unique_lock lock(registrations_mutex);
  if (sections().erase(eh_frame) != 0) sections_changed = true;
}

namespace {

// Shared, with the tables up to date.
std::shared_lock<std::shared_mutex> lock_tables() {
  std::shared_lock lock(registrations_mutex);
  while (sections_changed) {
    lock.unlock();
    {
      std::unique_lock exclusive(registrations_mutex);
      if (sections_changed) make_tables();
    }
    lock.lock();
  }
  return lock;
}

// Frames in a row that are not compiled code: __morestack, stubs; more is not a guest stack.
constexpr unsigned kMaxStrangers = 4;

}  // namespace

std::vector<uint64_t> unwind(uint64_t pc, uint64_t sp, uint64_t fp, bool exact, size_t limit) {
  std::vector<uint64_t> pcs;
  // Only these three registers matter: guest frames and __morestack find their frame by rbp.
  unw_context_t context;
  memset(&context, 0, sizeof context);
  context.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(pc);
  context.uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(sp);
  context.uc_mcontext.gregs[REG_RBP] = static_cast<greg_t>(fp);
  auto lock = lock_tables();
  unw_cursor_t cursor;
  if (unw_init_local2(&cursor, &context, exact ? UNW_INIT_SIGNAL_FRAME : 0) < 0) return pcs;
  unsigned strangers = 0;
  while (pcs.size() < limit) {
    unw_word_t ip = 0;
    if (unw_get_reg(&cursor, UNW_REG_IP, &ip) < 0 || ip == 0) break;
    const bool is_return_address = !(exact && pcs.empty());
    if (code_map::find(ip - (is_return_address ? 1 : 0))) {
      pcs.push_back(ip);
      strangers = 0;
    } else if (++strangers > kMaxStrangers) {
      break;
    }
    if (unw_step(&cursor) <= 0) break;
  }
  return pcs;
}

namespace {

// The landing block of the call that returns to `pc`, by the function's table (LSDA): its call sites in order, each
// (start, length, landing block, action) relative to the function; a landing block of 0 is none. Written by our own
// compiler, so surprises are CHECKs.
uint64_t landing_of(const unw_proc_info_t& function, uint64_t pc) {
  if (function.lsda == 0) return 0;
  constexpr uint8_t kOmitted = 0xFF, kLeb = 0x01, kFourBytes = 0x03;
  const auto* at = reinterpret_cast<const uint8_t*>(function.lsda);
  auto leb = [&at] {
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      value |= uint64_t{*at & 0x7Fu} << shift;
      if (!(*at++ & 0x80)) return value;
    }
  };
  CHECK(*at++ == kOmitted);      // landing blocks are relative to the function's start
  if (*at++ != kOmitted) leb();  // where the types are: there is only one, "any"
  const uint8_t encoding = *at++;
  CHECK(encoding == kLeb || encoding == kFourBytes);
  const uint8_t* end = nullptr;
  const uint64_t size = leb();
  end = at + size;
  auto field = [&]() -> uint64_t {
    if (encoding == kLeb) return leb();
    uint32_t value;
    memcpy(&value, at, 4);
    at += 4;
    return value;
  };
  const uint64_t offset = pc - 1 - function.start_ip;
  while (at < end) {
    const uint64_t start = field(), length = field(), landing = field();
    leb();  // action
    if (offset >= start && offset - start < length) return landing != 0 ? function.start_ip + landing : 0;
  }
  return 0;
}

}  // namespace

bool find_landing(ThrowRegisters& registers) {
  unw_context_t context;
  memset(&context, 0, sizeof context);
  greg_t* gregs = context.uc_mcontext.gregs;
  const std::pair<int, uint64_t> given[] = {
      {REG_RBX, registers.rbx}, {REG_RBP, registers.rbp}, {REG_R12, registers.r12}, {REG_R13, registers.r13},
      {REG_R14, registers.r14}, {REG_R15, registers.r15}, {REG_RSP, registers.sp},  {REG_RIP, registers.pc}};
  for (auto [number, value] : given) gregs[number] = static_cast<greg_t>(value);
  auto lock = lock_tables();
  unw_cursor_t cursor;
  if (unw_init_local2(&cursor, &context, 0) < 0) return false;
  for (unsigned strangers = 0; strangers <= kMaxStrangers;) {
    unw_word_t ip = 0;
    if (unw_get_reg(&cursor, UNW_REG_IP, &ip) < 0 || ip == 0) return false;
    if (const CodeRange* range = code_map::find(ip - 1)) {
      if (!range->module) return false;  // an adapter: the end of the component
      strangers = 0;
      // By the address: libunwind never frees what it finds out for a cursor in code that was registered.
      unw_proc_info_t function;
      if (unw_get_proc_info_by_ip(unw_local_addr_space, ip - 1, &function, nullptr) < 0) return false;
      if (uint64_t landing = landing_of(function, ip)) {
        auto get = [&](unw_regnum_t number) {
          unw_word_t value = 0;
          CHECK(unw_get_reg(&cursor, number, &value) == 0);
          return value;
        };
        registers = {get(UNW_X86_64_RBX), get(UNW_X86_64_RBP), get(UNW_X86_64_R12), get(UNW_X86_64_R13),
                     get(UNW_X86_64_R14), get(UNW_X86_64_R15), get(UNW_X86_64_RSP), landing};
        return true;
      }
    } else {
      ++strangers;
    }
    if (unw_step(&cursor) <= 0) return false;
  }
  return false;
}

}  // namespace wjit

// Backtraces by the classic libunwind (libunwind-dev 1.6): each .eh_frame section of compiled code becomes a sorted
// table from pc to frame description, which _U_dyn_register makes known. The frames of __morestack are walked by the
// CFI of scheduler/switch.S, so a walk crosses segments. Interface: jit/unwind.h.
//
// MEASURE
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

namespace wjit {
namespace {

// libunwind walks its list of registrations without a lock.
std::shared_mutex registrations_mutex;

struct TableEntry {  // layout of .eh_frame_hdr's search table, both relative to `segbase`
  int32_t pc_begin;
  int32_t fde;
};

struct Registration {
  unw_dyn_info_t info = {};
  std::vector<TableEntry> table;
};

std::map<const uint8_t*, std::unique_ptr<Registration>>& registrations() {
  static auto* map = new std::map<const uint8_t*, std::unique_ptr<Registration>>;  // guarded by registrations_mutex
  return *map;
}

// Reads one section: common entries first (for the encoding of addresses), then the frames that refer to them. The
// section comes from our own compiler, so surprises are CHECKs.
class EhFrameReader {
 public:
  EhFrameReader(const uint8_t* begin, size_t size) : begin_(begin), end_(begin + size) {}

  std::unique_ptr<Registration> read() {
    auto result = std::make_unique<Registration>();
    uint64_t lowest = UINT64_MAX, highest = 0;
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
        const uint8_t encoding = encodings_.at(body - id);
        const uint8_t* field = body + 4;
        const auto [pc, range] = pc_range(field, encoding);
        if (range != 0) {
          result->table.push_back({relative(reinterpret_cast<uint64_t>(pc)), relative(reinterpret_cast<uint64_t>(at))});
          lowest = std::min(lowest, reinterpret_cast<uint64_t>(pc));
          highest = std::max(highest, reinterpret_cast<uint64_t>(pc) + range);
        }
      }
      at = next;
    }
    if (result->table.empty()) return nullptr;
    std::ranges::sort(result->table, {}, &TableEntry::pc_begin);
    unw_dyn_info_t& info = result->info;
    info.start_ip = lowest;
    info.end_ip = highest;
    info.format = UNW_INFO_FORMAT_REMOTE_TABLE;
    info.u.rti.segbase = reinterpret_cast<unw_word_t>(begin_);
    info.u.rti.table_len = result->table.size() * sizeof(TableEntry) / sizeof(unw_word_t);
    info.u.rti.table_data = reinterpret_cast<unw_word_t>(result->table.data());
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
  int32_t relative(uint64_t address) const {
    const auto distance = static_cast<int64_t>(address - reinterpret_cast<uint64_t>(begin_));
    CHECK(distance == static_cast<int32_t>(distance));
    return static_cast<int32_t>(distance);
  }

  const uint8_t* begin_;
  const uint8_t* end_;
  std::map<const uint8_t*, uint8_t> encodings_;
};

}  // namespace

void register_frames(const uint8_t* eh_frame, size_t size) {
  std::unique_ptr<Registration> registration = EhFrameReader(eh_frame, size).read();
  if (!registration) return;
  std::unique_lock lock(registrations_mutex);
  _U_dyn_register(&registration->info);
  registrations()[eh_frame] = std::move(registration);
}

void deregister_frames(const uint8_t* eh_frame) {
  std::unique_lock lock(registrations_mutex);
  auto it = registrations().find(eh_frame);
  if (it == registrations().end()) return;
  _U_dyn_cancel(&it->second->info);
  registrations().erase(it);
}

std::vector<uint64_t> unwind(uint64_t pc, uint64_t sp, uint64_t fp, bool exact, size_t limit) {
  std::vector<uint64_t> pcs;
  // Only these three registers matter: guest frames and __morestack find their frame by rbp.
  unw_context_t context;
  memset(&context, 0, sizeof context);
  context.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(pc);
  context.uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(sp);
  context.uc_mcontext.gregs[REG_RBP] = static_cast<greg_t>(fp);
  std::shared_lock lock(registrations_mutex);
  unw_cursor_t cursor;
  if (unw_init_local2(&cursor, &context, exact ? UNW_INIT_SIGNAL_FRAME : 0) < 0) return pcs;
  unsigned strangers = 0;  // frames in a row that are not compiled code: __morestack, stubs; more is not a guest stack
  while (pcs.size() < limit) {
    unw_word_t ip = 0;
    if (unw_get_reg(&cursor, UNW_REG_IP, &ip) < 0 || ip == 0) break;
    const bool is_return_address = !(exact && pcs.empty());
    if (code_map::find(ip - (is_return_address ? 1 : 0))) {
      pcs.push_back(ip);
      strangers = 0;
    } else if (++strangers > 4) {
      break;
    }
    if (unw_step(&cursor) <= 0) break;
  }
  return pcs;
}

std::vector<uint64_t> walk_frame_pointers(uint64_t pc, uint64_t fp, size_t limit) {
  std::vector<uint64_t> pcs;
  unsigned strangers = 0;
  while (pc != 0 && pcs.size() < limit) {
    if (code_map::find(pc - 1)) {
      pcs.push_back(pc);
      strangers = 0;
    } else if (++strangers > 4) {
      break;
    }
    if (fp == 0) break;
    const auto* frame = reinterpret_cast<const uint64_t*>(fp);
    fp = frame[0];
    pc = frame[1];
  }
  return pcs;
}

}  // namespace wjit

// The functions of split_stack_guest.c; see there.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// What guest functions get as their first argument: its first word points to the store's GuestContext.
struct GuestRecord {
  void* context;
  uint64_t (*host)(struct GuestRecord*, uint64_t);  // a host function's stub
  void* data;
};

uint64_t guest_descend(struct GuestRecord* guest, uint64_t depth);
uint64_t guest_big_frame(struct GuestRecord* guest, uint64_t seed);
uint64_t guest_mixed(struct GuestRecord* guest, uint64_t depth);
uint64_t guest_loop(struct GuestRecord* guest, uint64_t count);
uint64_t guest_hot(struct GuestRecord* guest, uint64_t fill, uint64_t count);
uint64_t guest_registers(struct GuestRecord* guest, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                         double x, double y, double z);
uint64_t guest_fault(struct GuestRecord* guest, uint64_t depth);

#ifdef __cplusplus
}
#endif

// Guest code for fiber_test.cpp and bench/fiber.cpp: C functions compiled with -fsplit-stack, so their prologues call
// __morestack as emitted wasm code does. They call the host only through pointers to stubs, never directly.
#include "split_stack_guest.h"

#define GUEST __attribute__((noinline))

// A frame of about 64 bytes per level; the host function runs at the bottom.
GUEST uint64_t guest_descend(struct GuestRecord* guest, uint64_t depth) {
  volatile uint64_t local[4] = {depth, depth + 1, depth + 2, depth + 3};
  if (depth == 0) return guest->host ? guest->host(guest, 0) : 1;
  uint64_t below = guest_descend(guest, depth - 1);
  __asm__ volatile("" : "+r"(below));
  return below + local[depth & 3] - depth - (depth & 3) + 1;
}

// One frame of 20,000 bytes.
GUEST uint64_t guest_big_frame(struct GuestRecord* guest, uint64_t seed) {
  volatile uint8_t bytes[20000];
  for (uint64_t i = 0; i < sizeof bytes; ++i) bytes[i] = (uint8_t)(seed + i);
  uint64_t from_host = guest->host ? guest->host(guest, seed) : 0;
  uint64_t sum = from_host;
  for (uint64_t i = 0; i < sizeof bytes; ++i) sum += bytes[i];
  return sum;
}

// Small frames, then big, then small again, to mix segment sizes.
GUEST uint64_t guest_mixed(struct GuestRecord* guest, uint64_t depth) {
  volatile uint64_t local[2] = {depth, 1};
  if (depth == 0) return guest_big_frame(guest, 3);
  uint64_t below = depth % 50 == 0 ? guest_big_frame(guest, depth) : 0;
  return guest_mixed(guest, depth - 1) + below + local[1];
}

// Calls the host `count` times and adds up what it returns; callee-saved registers are in use across the calls.
GUEST uint64_t guest_loop(struct GuestRecord* guest, uint64_t count) {
  uint64_t sum = 0, odd = 0, product = 1;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t value = guest->host(guest, i);
    sum += value;
    odd ^= value * 3 + i;
    product = product * 31 + value;
  }
  return sum + (odd - odd) + (product & 0);
}

// A tiny frame that must not be inlined: the callee of guest_hot's loop.
GUEST static uint64_t hot_leaf(struct GuestRecord* guest, uint64_t x) {
  volatile uint64_t local[4] = {x, 1, 2, 3};
  __asm__ volatile("" : : "r"(guest));
  return local[x & 3];
}

// Uses `fill` levels of stack, then calls hot_leaf `count` times from there.
GUEST uint64_t guest_hot(struct GuestRecord* guest, uint64_t fill, uint64_t count) {
  volatile uint64_t local[4] = {fill, 0, 0, 0};
  if (fill) return guest_hot(guest, fill - 1, count) + (local[0] != fill);
  uint64_t sum = 0;
  for (uint64_t i = 0; i < count; ++i) sum += hot_leaf(guest, i);
  return sum;
}

GUEST uint64_t guest_registers(struct GuestRecord* guest, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                               double x, double y, double z) {
  volatile uint8_t big[3000];
  big[a] = 1;
  (void)guest;
  return a + 10 * b + 100 * c + 1000 * d + 10000 * e + (uint64_t)(x + 10 * y + 100 * z) * 100000 + big[a];
}

GUEST uint64_t guest_fault(struct GuestRecord* guest, uint64_t depth) {
  volatile uint64_t local[2] = {depth, 0};
  if (depth == 0) *(volatile int*)(uintptr_t)8 = 1;
  return guest_fault(guest, depth - 1) + local[0];
}

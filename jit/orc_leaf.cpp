// Interface: jit/orc_leaf.h. The stand-ins are naked functions: no frame, nothing that a sanitizer instruments.
#include "jit/orc_leaf.h"

#include <cstring>

namespace wjit::leaf {

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)

namespace {

__attribute__((naked)) void* plain_copy(void*, const void*, size_t) {
  __asm__(
      "mov %rdi, %rax\n"
      "mov %rdx, %rcx\n"
      "rep movsb\n"
      "ret\n");
}

// Backwards by a loop and not with the direction flag: after a fault in between the flag would stay set.
__attribute__((naked)) void* plain_move(void*, const void*, size_t) {
  __asm__(
      "mov %rdi, %rax\n"
      "mov %rdi, %rcx\n"
      "sub %rsi, %rcx\n"
      "cmp %rdx, %rcx\n"
      "jb 2f\n"
      "mov %rdx, %rcx\n"
      "rep movsb\n"
      "ret\n"
      "1: movb -1(%rsi,%rdx), %cl\n"
      "movb %cl, -1(%rdi,%rdx)\n"
      "dec %rdx\n"
      "2: test %rdx, %rdx\n"
      "jnz 1b\n"
      "ret\n");
}

__attribute__((naked)) void* plain_fill(void*, int, size_t) {
  __asm__(
      "mov %rdi, %r8\n"
      "mov %esi, %eax\n"
      "mov %rdx, %rcx\n"
      "rep stosb\n"
      "mov %r8, %rax\n"
      "ret\n");
}

__attribute__((naked)) int plain_compare(const void*, const void*, size_t) {
  __asm__(
      "xor %ecx, %ecx\n"
      "1: cmp %rdx, %rcx\n"
      "je 2f\n"
      "movzbl (%rdi,%rcx), %eax\n"
      "movzbl (%rsi,%rcx), %r8d\n"
      "inc %rcx\n"
      "sub %r8d, %eax\n"
      "jz 1b\n"
      "ret\n"
      "2: xor %eax, %eax\n"
      "ret\n");
}

}  // namespace

const Copy copy = plain_copy, move = plain_move;
const Fill fill = plain_fill;
const Compare compare = plain_compare;

#else

const Copy copy = memcpy, move = memmove;
const Fill fill = memset;
const Compare compare = memcmp;

#endif

}  // namespace wjit::leaf

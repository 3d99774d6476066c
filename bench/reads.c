// For bench/io.py: COUNT reads of 4 KiB at the places of a 256 MiB file that test/guests/c-io/c-io.c reads, one after the
// other with pread; prints microseconds.
//
//   wjit_reads FILE COUNT
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  enum { kBlock = 4096, kBlocks = 1 << 16 };
  static char block[kBlock];
  if (argc < 3) return 2;
  const int fd = open(argv[1], O_RDONLY);
  const long count = atol(argv[2]);
  uint32_t state = 1;
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (long i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    if (pread(fd, block, kBlock, (off_t)((state >> 8) % kBlocks) * kBlock) != kBlock) return 1;
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%ld\n", (end.tv_sec - begin.tv_sec) * 1000000 + (end.tv_nsec - begin.tv_nsec) / 1000);
  return 0;
}

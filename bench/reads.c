// For bench/io.py: COUNT reads of 4 KiB at the places of a 256 MiB file that test/guests/c-io/c-io.c reads, with pread, in
// THREADS threads; prints microseconds.
//
//   wjit_reads FILE COUNT THREADS
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { kBlock = 4096, kBlocks = 1 << 16, kMostThreads = 64 };

static int fd;
static long count;  // of one thread

static void *reads(void *number) {
  char *block = malloc(kBlock);
  uint32_t state = (uint32_t)(uintptr_t)number + 1;
  for (long i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    if (pread(fd, block, kBlock, (off_t)((state >> 8) % kBlocks) * kBlock) != kBlock) exit(1);
  }
  free(block);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  fd = open(argv[1], O_RDONLY);
  const long threads = atol(argv[3]);
  if (threads < 1 || threads > kMostThreads) return 2;
  count = atol(argv[2]) / threads;
  pthread_t others[kMostThreads];
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (long i = 1; i < threads; ++i) {
    if (pthread_create(&others[i], NULL, reads, (void *)(uintptr_t)i) != 0) return 1;
  }
  reads(NULL);
  for (long i = 1; i < threads; ++i) pthread_join(others[i], NULL);
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%ld\n", (end.tv_sec - begin.tv_sec) * 1000000 + (end.tv_nsec - begin.tv_nsec) / 1000);
  return 0;
}

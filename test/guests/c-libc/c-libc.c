// A program with a C library: c-preview1.wasm is the core module, c-p2.wasm the component that the adapter makes of it.
//
//   exit N    exits with status N at once
//
// Otherwise: prints its arguments without the program's name, the variable GREETING, stdin's lines in upper case, what
// it read back from the file `wjit-guest.txt`, which it writes (and removes) under the first preopened directory, and
// what the clocks and the random numbers did.

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wasi/api.h>

// The adapter's proc_exit knows only success and failure, so the component calls the interface of 0.2.12 itself.
#ifdef COMPONENT
__attribute__((import_module("wasi:cli/exit@0.2.12"), import_name("exit-with-code")))
void exit_with_code(unsigned code);
#else
#define exit_with_code exit
#endif

// The name of the first preopened directory, or null.
static const char *preopened(void) {
  static char name[256];
  __wasi_prestat_t preopen;
  if (__wasi_fd_prestat_get(3, &preopen) != 0 || preopen.u.dir.pr_name_len >= sizeof name) return NULL;
  if (__wasi_fd_prestat_dir_name(3, (uint8_t *)name, preopen.u.dir.pr_name_len) != 0) return NULL;
  return name;
}

static int file(void) {
  const char *directory = preopened();
  if (directory == NULL) {
    puts("file: no directory");
    return 0;
  }
  char path[300], text[64] = "";
  snprintf(path, sizeof path, "%s/wjit-guest.txt", directory);
  FILE *f = fopen(path, "w");
  if (f == NULL || fputs("first\nsecond\n", f) < 0 || fclose(f) != 0) {
    perror("write");
    return 1;
  }
  f = fopen(path, "a+");
  if (f == NULL || fputs("third\n", f) < 0 || fseek(f, 6, SEEK_SET) != 0 || fgets(text, sizeof text, f) == NULL) {
    perror("read");
    return 1;
  }
  printf("file: %s", text);
  fclose(f);
  struct stat status;
  if (stat(path, &status) != 0) {
    perror("stat");
    return 1;
  }
  printf("file: %lld bytes\n", (long long)status.st_size);
  if (unlink(path) != 0) {
    perror("unlink");
    return 1;
  }
  printf("file: removed, %s\n", fopen(path, "r") == NULL ? strerror(ENOENT) : "but still there");
  return 0;
}

static void clocks(void) {
  struct timespec before, after, pause = {0, 2 * 1000 * 1000};
  clock_gettime(CLOCK_MONOTONIC, &before);
  nanosleep(&pause, NULL);
  clock_gettime(CLOCK_MONOTONIC, &after);
  long long nanoseconds = (after.tv_sec - before.tv_sec) * 1000000000ll + (after.tv_nsec - before.tv_nsec);
  printf("monotonic clock: %s\n", nanoseconds >= 2 * 1000 * 1000 ? "ok" : "slept too short");
  printf("wall clock: %s\n", time(NULL) > 1700000000 ? "ok" : "before 2023");
}

static void random_bytes(void) {
  unsigned char bytes[64] = {0};
  int some = getentropy(bytes, sizeof bytes) == 0, different = 0;
  for (int i = 1; i < 64; ++i) different |= bytes[i] != bytes[0];
  printf("random: %d bytes\n", some && different ? 64 : 0);
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "exit") == 0) exit_with_code(atoi(argv[2]));
  for (int i = 1; i < argc; ++i) printf("argument %d: %s\n", i, argv[i]);
  const char *greeting = getenv("GREETING");
  printf("GREETING: %s\n", greeting != NULL ? greeting : "(not set)");
  char line[1024];
  while (fgets(line, sizeof line, stdin) != NULL) {
    for (char *c = line; *c != 0; ++c) *c = toupper((unsigned char)*c);
    fputs(line, stdout);
  }
  if (file() != 0) return 1;
  clocks();
  random_bytes();
  fprintf(stderr, "done\n");
  return 0;
}

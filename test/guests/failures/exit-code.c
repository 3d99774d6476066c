// Exits with the status code in its first argument, 0 if there is none.

#include "../p3.h"

DEFINE_REALLOC(65536)

EXPORT_SYNC u32 run(void) {
  struct strings arguments;
  get_arguments(&arguments);
  u32 code = 0;
  if (arguments.count > 1) {
    struct string *digits = &arguments.items[1];
    for (u32 i = 0; i < digits->length; ++i) code = code * 10 + digits->bytes[i] - '0';
  }
  exit_with_code(code);
  return ERR;  // not reached
}

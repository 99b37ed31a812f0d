/* Statuses, and the texts that a person reads. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "seqpacket.h"

tt_status seq_fail(tt_error* error, tt_status code, int os_errno, const char* format, ...) {
  tt_error full = {.code = code, .os_errno = os_errno};
  va_list arguments;
  if (error == NULL) return code;
  va_start(arguments, format);
  vsnprintf(full.text, sizeof(full.text), format, arguments);
  va_end(arguments);
  /* A host of another version may know a shorter table, or a longer one. */
  full.size = error->size;
  memcpy(error, &full, full.size < sizeof(full) ? full.size : sizeof(full));
  if (full.size > offsetof(tt_error, text) && full.size < sizeof(full)) {
    ((char*)error)[full.size - 1] = '\0';
  }
  return code;
}

tt_status seq_status_of(int os_errno) {
  switch (os_errno) {
    case ECONNREFUSED:
      return TT_E_REFUSED;
    case EADDRINUSE:
      return TT_E_ADDRINUSE;
    case EPROTOTYPE:
      return TT_E_PROTOCOL; /* a socket of another type has the name */
    case ENOMEM:
    case ENOBUFS:
      return TT_E_NOMEM;
    default:
      return TT_E_FAILED;
  }
}

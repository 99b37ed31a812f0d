/* URIs as abstract socket addresses: seqpacket://name, or "*" for one that nobody has. */
#include <stdio.h>
#include <string.h>

#include "seqpacket.h"

static const char prefix[] = "seqpacket://";
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
enum { NAME_BYTES_MAX = 100 };

tt_status seq_parse(const char* uri, struct address* out, tt_error* error) {
  const char* name = uri + sizeof(prefix) - 1;
  size_t length = 0;
  memset(out, 0, sizeof(*out));
  out->name.sun_family = AF_UNIX;
  out->size = offsetof(struct sockaddr_un, sun_path);
  if (strncmp(uri, prefix, sizeof(prefix) - 1) != 0) {
    return seq_fail(error, TT_E_ADDR, 0, "\"%.100s\": expected seqpacket://name", uri);
  }
  if (strcmp(name, "*") == 0) return TT_OK; /* no name: the kernel makes one up */
  length = strcspn(name, "?");
  if (name[length] != '\0') {
    return seq_fail(error, TT_E_ADDR, 0, "unknown option \"%.100s\": there are none",
                    name + length + 1);
  }
  if (length == 0 || length > NAME_BYTES_MAX || strspn(name, letters) != length) {
    return seq_fail(error, TT_E_ADDR, 0,
                    "\"%.100s\": expected a name of at most %d letters, digits, '.', '_' or '-'",
                    uri, NAME_BYTES_MAX);
  }
  memcpy(out->name.sun_path + 1, name, length); /* after a zero: an abstract name */
  out->size += (socklen_t)(1 + length);
  return TT_OK;
}

bool seq_is_any(const struct address* address) {
  return address->size == offsetof(struct sockaddr_un, sun_path);
}

void seq_uri_of(int socket, char out[URI_BYTES]) {
  struct sockaddr_un name;
  socklen_t size = sizeof(name);
  memset(&name, 0, sizeof(name));
  getsockname(socket, (struct sockaddr*)&name, &size);
  snprintf(out, URI_BYTES, "%s%.*s", prefix,
           (int)(size - offsetof(struct sockaddr_un, sun_path) - 1), name.sun_path + 1);
}

int seq_socket(void) {
  return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Listening, accepting, and the end of it. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "seqpacket.h"

/* Until a process that ran out of descriptors tries to accept again. */
static const uint64_t accept_pause_ns = 100u * 1000 * 1000;

tt_status seq_listen(tt_transport* t, const char* uri, void* user, tt_listener** out,
                     tt_error* error) {
  struct address address;
  tt_listener* listener = NULL;
  const tt_status status = seq_parse(uri, &address, error);
  int failed = 0;
  if (status != TT_OK) return status;
  listener = seq_take(t, sizeof(*listener));
  if (listener == NULL) return seq_fail(error, TT_E_NOMEM, 0, "%.100s: no memory", uri);
  listener->source.kind = SOURCE_LISTENER;
  listener->source.fd = seq_socket();
  listener->user = user;
  if (listener->source.fd < 0 ||
      bind(listener->source.fd, (struct sockaddr*)&address.name, address.size) != 0 ||
      listen(listener->source.fd, SOMAXCONN) != 0 ||
      seq_watch(t, &listener->source, EPOLL_CTL_ADD, EPOLLIN) != 0) {
    failed = errno;
    seq_forget(t, &listener->source);
    seq_give(t, listener, sizeof(*listener));
    return seq_fail(error, seq_status_of(failed), failed, "cannot listen on %.100s: %s", uri,
                    strerror(failed));
  }
  seq_uri_of(listener->source.fd, listener->uri);
  listener->next = t->listeners;
  t->listeners = listener;
  *out = listener;
  return TT_OK;
}

tt_status seq_listener_uri(tt_transport* t, tt_listener* listener, char* buffer, size_t* size) {
  const size_t room = *size;
  (void)t;
  *size = strlen(listener->uri) + 1;
  if (room < *size) return TT_E_TOOBIG;
  memcpy(buffer, listener->uri, *size);
  return TT_OK;
}

void seq_unlisten(tt_transport* t, tt_listener* listener) {
  if (listener->source.fd < 0) return;
  seq_forget(t, &listener->source);
  listener->says_unlistened = true;
  seq_add_work(t, &listener->source);
}

static void pause_accepting(tt_transport* t, tt_listener* listener) {
  /* Who waits keeps the socket readable, and would wake the host again and again. */
  seq_watch(t, &listener->source, EPOLL_CTL_MOD, 0);
  seq_set_deadline(t, &listener->source, t->host->now(t->host) + accept_pause_ns);
  t->host->log(t->host, TT_LOG_WARN, "seqpacket: cannot accept for now: out of resources");
}

void seq_drive_listener(tt_transport* t, tt_listener* listener, struct batch* batch) {
  if (listener->says_unlistened) {
    tt_event* event = seq_event(batch, TT_EV_UNLISTENED);
    event->status = TT_E_CLOSED;
    event->user = listener->user;
    listener->says_unlistened = false;
    return;
  }
  /* What is left stays readable for epoll. */
  for (uint32_t left = batch->room - batch->size; left > 0 && listener->source.fd >= 0; --left) {
    const int socket = accept4(listener->source.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        pause_accepting(t, listener);
      }
      return;
    }
    if (seq_accept(t, socket, listener->user) == NULL) {
      pause_accepting(t, listener);
      return;
    }
  }
}

void seq_free_listeners(tt_transport* t) {
  tt_listener** at = &t->listeners;
  while (*at != NULL) {
    tt_listener* listener = *at;
    if (listener->source.fd >= 0 || listener->says_unlistened) {
      at = &listener->next;
      continue;
    }
    *at = listener->next;
    seq_give(t, listener, sizeof(*listener));
  }
}

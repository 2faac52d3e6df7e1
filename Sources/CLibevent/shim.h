// libevent, and the one call of Linux beside it that Swift's Glibc leaves out: eventfd.
//
// The system's headers come first: libevent's define _GNU_SOURCE, under which glibc declares
// fd_set with other names than Swift's own import of it, and the two must agree.
#include <sys/eventfd.h>
#include <sys/select.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <event2/thread.h>
#include <event2/util.h>

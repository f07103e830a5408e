/* addr.h - where to listen and whom to call: "host:port", "[::1]:port" or "unix:/path". */
#pragma once

#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"

struct addr {
	struct sockaddr_storage sa;
	socklen_t len;  /* 0: not set */
	char host[256]; /* as written: what a certificate is checked against; "" for unix */
};

enum { ADDR_TEXT = 128 };

/* Names are looked up here, which blocks and opens files: before the sandbox. */
bool addr_read(struct str text, struct addr *out, struct err *e) must_check;
void addr_text(const struct addr *a, char out[ADDR_TEXT]); /* "127.0.0.1:8443" */
struct str addr_host(const struct addr *a);

/* Non-blocking, close-on-exec; -1 on failure.  Listening sockets have SO_REUSEADDR and
 * TCP_NODELAY (inherited by what is accepted), share: SO_REUSEPORT too. */
enum addr_share { ADDR_ALONE, ADDR_SHARED };
int addr_listen(const struct addr *a, int backlog, enum addr_share share, struct err *e);
int addr_connect(const struct addr *a, struct err *e);    /* may still be connecting */
bool addr_of_fd(int fd, struct addr *out, struct err *e); /* own address: port 0 resolved */
/* The other end as text, "" when it cannot be told. */
void addr_peer_text(int fd, char out[ADDR_TEXT]);

#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static bool read_unix(struct str path, struct addr *out, struct err *e)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	if (!path.len || path.len >= sizeof(un.sun_path) || str_has(path, '\0'))
		return err_set(e, ERR_INPUT, "path of a unix socket is empty or too long");
	memcpy(un.sun_path, path.ptr, path.len);
	memcpy(&out->sa, &un, sizeof(un));
	out->len = sizeof(un);
	return true;
}

/* "host:port" or "[v6]:port": where the port begins. */
static bool split(struct str text, struct str *host, struct str *port)
{
	size_t colon = text.len;

	while (colon > 0 && text.ptr[colon - 1] != ':')
		colon--;
	if (!colon)
		return false;
	*host = str_head(text, colon - 1);
	*port = str_from(text, colon);
	if (host->len >= 2 && host->ptr[0] == '[' && host->ptr[host->len - 1] == ']') {
		host->ptr++;
		host->len -= 2;
		return true;
	}
	return !str_has(*host, ':');
}

static bool look_up(struct addr *out, const char *port, struct err *e)
{
	const struct addrinfo want = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	int bad = getaddrinfo(out->host, port, &want, &found);

	if (bad)
		return err_set(e, ERR_RETRY, "%s: %s", out->host, gai_strerror(bad));
	memcpy(&out->sa, found->ai_addr, found->ai_addrlen);
	out->len = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

bool addr_read(struct str text, struct addr *out, struct err *e)
{
	struct str host, port;
	uint64_t number;
	char digits[8];

	*out = (struct addr){ 0 };
	if (str_starts(text, STR("unix:")))
		return read_unix(str_from(text, 5), out, e);
	if (!split(text, &host, &port) || !str_u64(port, &number) || number > 65535 || !host.len ||
	    host.len >= sizeof(out->host) || str_has(host, '\0'))
		return err_set(e, ERR_INPUT, "want host:port or unix:/path, not '" STR_FMT "'",
			       STR_ARG(text));
	memcpy(out->host, host.ptr, host.len);
	(void)snprintf(digits, sizeof(digits), "%u", (unsigned)number);
	return look_up(out, digits, e);
}

static void text_of(const struct sockaddr_storage *sa, char out[ADDR_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "";
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;

	out[0] = '\0';
	if (sa->ss_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		(void)inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
		(void)snprintf(out, ADDR_TEXT, "%s:%u", host, ntohs(v4.sin_port));
	} else if (sa->ss_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		(void)inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
		(void)snprintf(out, ADDR_TEXT, "[%s]:%u", host, ntohs(v6.sin6_port));
	} else if (sa->ss_family == AF_UNIX) {
		memcpy(&un, sa, sizeof(un));
		(void)snprintf(out, ADDR_TEXT, "unix:%.100s", un.sun_path);
	}
}

void addr_text(const struct addr *a, char out[ADDR_TEXT])
{
	text_of(&a->sa, out);
}

struct str addr_host(const struct addr *a)
{
	return str_of(a->host);
}

static int open_socket(const struct addr *a, struct err *e)
{
	int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		(void)err_sys(e, "socket");
	return fd;
}

static void set(int fd, int level, int option)
{
	const int on = 1;

	(void)setsockopt(fd, level, option, &on, sizeof(on));
}

static int fail(int fd, const struct addr *a, const char *what, struct err *e)
{
	char text[ADDR_TEXT];

	addr_text(a, text);
	(void)err_sys(e, "%s %s", what, text);
	(void)close(fd);
	return -1;
}

int addr_listen(const struct addr *a, int backlog, enum addr_share share, struct err *e)
{
	int fd = open_socket(a, e);

	if (fd < 0)
		return -1;
	set(fd, SOL_SOCKET, SO_REUSEADDR);
	if (share == ADDR_SHARED)
		set(fd, SOL_SOCKET, SO_REUSEPORT);
	if (a->sa.ss_family != AF_UNIX)
		set(fd, IPPROTO_TCP, TCP_NODELAY);
	if (bind(fd, (const struct sockaddr *)&a->sa, a->len) || listen(fd, backlog))
		return fail(fd, a, "listen on", e);
	return fd;
}

int addr_connect(const struct addr *a, struct err *e)
{
	int fd = open_socket(a, e);

	if (fd < 0)
		return -1;
	if (a->sa.ss_family != AF_UNIX)
		set(fd, IPPROTO_TCP, TCP_NODELAY);
	if (connect(fd, (const struct sockaddr *)&a->sa, a->len) && errno != EINPROGRESS)
		return fail(fd, a, "connect to", e);
	return fd;
}

bool addr_of_fd(int fd, struct addr *out, struct err *e)
{
	*out = (struct addr){ .len = sizeof(out->sa) };
	if (getsockname(fd, (struct sockaddr *)&out->sa, &out->len))
		return err_sys(e, "address of a socket");
	return true;
}

void addr_peer_text(int fd, char out[ADDR_TEXT])
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);

	out[0] = '\0';
	if (!getpeername(fd, (struct sockaddr *)&sa, &len))
		text_of(&sa, out);
}

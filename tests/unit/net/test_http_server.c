/* test_http_server.c - the HTTP server and client over real sockets, on a clock that only
 * moves when told: deadlines (O3), bounds (E10, A4), endless answers, mutual TLS (T1). */
#include "net/http_server.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/cert.h"
#include "crypto/tls.h"
#include "net/addr.h"
#include "net/http_client.h"
#include "test.h"

static int64_t now_ms = 1000;

static int64_t mono(void *ctx)
{
	(void)ctx;
	return now_ms;
}

static int64_t wall(void *ctx)
{
	(void)ctx;
	return clock_wall_ms(clock_real());
}

static const struct clock still = { wall, mono, NULL };

static struct {
	struct loop *loop;
	struct http_server *server;
	struct addr at;
	struct exchange *held; /* an exchange whose answer comes later */
	int served, gone;
	struct str seen_uri;
	uint8_t exporter[SHA256_LEN];
} here;

static void on_gone(void *ctx)
{
	(void)ctx;
	here.gone++;
	here.held = NULL;
}

static void look_at_peer(struct exchange *x)
{
	struct tls_peer peer;
	struct err e;

	check(tls_peer(http_tls(x), &peer, &e), "T1: nobody without a certificate is served");
	check(peer.authority == 7, "its authority is the number of the anchor");
	here.seen_uri = arena_dup(http_mem(x), peer.cert.uri);
	check(tls_exporter(http_tls(x), TLS_EXPORTER_ATTEST, here.exporter, &e), "exporter");
	http_answer(x, 200, "text/plain", bytes_str(here.seen_uri));
}

static void handle(void *ctx, struct exchange *x)
{
	const struct http_request *q = http_request(x);
	struct err e = { 0 };

	(void)ctx;
	here.served++;
	if (str_eqz(q->path, "/echo")) {
		http_answer(x, 200, "text/plain", http_body(x));
	} else if (str_eqz(q->path, "/held")) {
		here.held = x;
		http_on_gone(x, on_gone, NULL);
	} else if (str_eqz(q->path, "/stream")) {
		here.held = x;
		http_on_gone(x, on_gone, NULL);
		http_stream(x, 200, "text/event-stream");
	} else if (str_eqz(q->path, "/broken")) {
		(void)err_set(&e, ERR_SYSTEM, "the disk of /secret/place is full");
		check(http_answer_err(x, &e), "our own failure has a number");
	} else if (str_eqz(q->path, "/peer")) {
		look_at_peer(x);
	} else {
		(void)err_set(&e, ERR_MISSING, "no such thing");
		(void)err_hint(&e, "try /echo");
		check(!http_answer_err(x, &e), "a stranger's has none");
	}
}

static void turns(int n)
{
	for (int i = 0; i < n; i++)
		(void)loop_turn(here.loop, 0);
}

static void start_with(struct http_server_settings set)
{
	struct addr any;
	struct err e;

	memset(&here, 0, sizeof(here));
	here.loop = loop_new(&still);
	check(addr_read(STR("127.0.0.1:0"), &any, &e), "an address");
	int fd = addr_listen(&any, 64, ADDR_ALONE, &e);
	check(fd >= 0 && addr_of_fd(fd, &here.at, &e), "a listener");
	memcpy(here.at.host, "127.0.0.1", 10);
	set.on_request = handle;
	here.server = http_server_new(here.loop, fd, &set);
}

static void stop(void)
{
	http_server_free(here.server);
	loop_free(here.loop);
}

/* A raw client: whatever bytes it likes. */
static int dial(void)
{
	struct err e;
	int fd = addr_connect(&here.at, &e);

	turns(5);
	return fd;
}

static void say(int fd, const char *text)
{
	check(send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0, "sent");
	turns(10);
}

static char heard[65536];

/* What has come; true when the server has also hung up. */
static bool hear(int fd)
{
	size_t len = 0;
	ssize_t got;

	turns(10);
	while ((got = recv(fd, heard + len, sizeof(heard) - 1 - len, MSG_DONTWAIT)) > 0)
		len += (size_t)got;
	heard[len] = '\0';
	return got == 0;
}

static bool answered(const char *with)
{
	return strstr(heard, with);
}

#define POST(path, more) "POST " path " HTTP/1.1\r\nHost: a\r\n" more "\r\n"

static void requests_share_a_connection(void **state)
{
	(void)state;
	start_with((struct http_server_settings){ 0 });
	int fd = dial();
	say(fd, POST("/echo", "Content-Length: 5\r\n") "hello");
	check(!hear(fd) && answered("HTTP/1.1 200 OK\r\n") && answered("\r\n\r\nhello"), "one");
	check(answered("Content-Length: 5\r\n") && answered("Date: ") &&
		      answered("Cache-Control: no-store\r\n"),
	      "with what an answer needs");
	say(fd, POST("/echo", "Transfer-Encoding: chunked\r\n") "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n");
	check(!hear(fd) && answered("\r\n\r\nabcde"), "chunked bodies, as EST clients send them");
	say(fd, "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
	check(!hear(fd) && answered("404 Not Found") && answered("application/problem+json") &&
		      answered("\"hint\":\"try /echo\""),
	      "RFC 9457");
	say(fd, "GET /broken HTTP/1.1\r\nHost: a\r\n\r\n");
	check(!hear(fd) && answered("500 Internal") && answered("internal error") &&
		      !answered("secret"),
	      "what fails here stays here");
	say(fd, POST("/echo", "Content-Length: 2\r\nConnection: close\r\n") "no");
	check(hear(fd) && answered("Connection: close\r\n"), "and it ends when asked to");
	(void)close(fd);
	stop();
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	(void)state;
	start_with((struct http_server_settings){ 0 });
	int fd = dial();
	say(fd, "GET /held HTTP/1.1\r\nHost: a\r\n\r\n" POST("/echo", "Content-Length: 1\r\n") "2");
	check(!hear(fd) && !heard[0] && here.served == 1, "the second waits for the first");
	http_answer(here.held, 200, "text/plain", bytes_str(STR("1")));
	check(!hear(fd) && here.served == 2, "then has its turn");
	check(strstr(heard, "\r\n\r\n1HTTP/1.1 200"), "in order");
	(void)close(fd);
	stop();
}

static void a_drip_is_the_same_request(void **state)
{
	static const char text[] = POST("/echo", "Content-Length: 3\r\n") "abc";

	(void)state;
	start_with((struct http_server_settings){ 0 });
	int fd = dial();
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		check(send(fd, text + i, 1, 0) == 1, "a byte");
		turns(2);
	}
	check(!hear(fd) && answered("\r\n\r\nabc"), "M4-like: however it is cut");
	(void)close(fd);
	stop();
}

static const struct {
	const char *says, *text, *status;
} refused[] = {
	{ "A4: two lengths", POST("/echo", "Content-Length: 1\r\nContent-Length: 2\r\n"), "400" },
	{ "A4: bare LF", "GET / HTTP/1.1\nHost: a\n\n", "400" },
	{ "A4: an unknown method", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "501" },
	{ "E10: a length over the limit", POST("/echo", "Content-Length: 65537\r\n"), "413" },
	{ "E10: a chunk over the limit",
	  POST("/echo", "Transfer-Encoding: chunked\r\n") "40000000\r\n", "413" },
	{ "E10: an endless chunk size", POST("/echo", "Transfer-Encoding: chunked\r\n") "000000000",
	  "400" },
	{ "E10: a lie about chunks", POST("/echo", "Transfer-Encoding: chunked\r\n") "1\r\nab\r\n",
	  "400" },
};

static void hostile_shapes_get_one_answer(void **state)
{
	static char big[70000];

	(void)state;
	for (size_t i = 0; i < countof(refused); i++) {
		start_with((struct http_server_settings){ 0 });
		int fd = dial();
		say(fd, refused[i].text);
		if (!strcmp(refused[i].status, "413")) {
			memset(big, 'x', sizeof(big) - 1);
			(void)send(fd, big, sizeof(big) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
			turns(10);
			(void)send(fd, big, sizeof(big) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		}
		bool is_over = hear(fd);
		check(!strncmp(heard, "HTTP/1.1 ", 9) && !strncmp(heard + 9, refused[i].status, 3),
		      refused[i].says);
		check(is_over && !here.served, "and the connection ends, nothing was served");
		(void)close(fd);
		turns(5);
		check(!http_server_connections(here.server), "and nothing stays");
		stop();
	}
}

static void slow_clients_are_cut(void **state)
{
	(void)state;
	start_with((struct http_server_settings){ 0 });
	int silent = dial(), head = dial(), body = dial(), idle = dial();
	say(head, "GET / HT");
	say(body, POST("/echo", "Content-Length: 5\r\n") "ab");
	say(idle, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
	now_ms += 4900;
	say(head, "TP");
	check(!hear(silent) && !hear(head), "O3: nearly five seconds are fine");
	now_ms += 200;
	check(hear(silent) && hear(head), "O3: a head takes no longer, however it drips");
	check(!hear(body), "a body may");
	now_ms += 5000;
	check(hear(body), "O3: ten seconds, and no longer");
	check(!hear(idle), "a kept connection may rest");
	now_ms += 60000;
	check(hear(idle), "for a minute");
	turns(3);
	check(!http_server_connections(here.server), "nobody stays for ever");
	(void)close(silent), (void)close(head), (void)close(body), (void)close(idle);
	stop();
}

static void a_client_that_leaves_is_noticed(void **state)
{
	(void)state;
	start_with((struct http_server_settings){ 0 });
	int fd = dial();
	say(fd, "GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
	check(here.held && !here.gone, "an answer is owed");
	(void)close(fd);
	turns(5);
	check(here.gone == 1 && !http_server_connections(here.server), "and owed no longer");
	stop();
}

static void endless_answers_are_bounded(void **state)
{
	static const uint8_t piece[10000];
	int put = 0;

	(void)state;
	start_with((struct http_server_settings){ .max_out = 100000 });
	int fd = dial();
	say(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
	check(here.held && http_stream_put(here.held, bytes_str(STR("data: 1\n\n"))), "a piece");
	check(!hear(fd) && answered("Transfer-Encoding: chunked") &&
		      answered("\r\n\r\n9\r\ndata: 1\n\n\r\n"),
	      "comes at once");
	now_ms += 3600000;
	turns(3);
	check(here.held && http_stream_put(here.held, bytes_str(STR("x"))), "an hour later too");
	/* Nobody reads any more. */
	while (put < 100000 && here.held && http_stream_put(here.held, bytes_of(piece, 10000))) {
		put++;
		turns(1);
	}
	turns(3);
	check(put < 2000 && here.gone == 1,
	      "M15: a reader too slow is dropped, and its owner told");
	(void)close(fd);
	stop();
}

static void an_endless_answer_may_end(void **state)
{
	(void)state;
	start_with((struct http_server_settings){ 0 });
	int fd = dial();
	say(fd, "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
	http_end(here.held);
	say(fd, POST("/echo", "Content-Length: 1\r\n") "z");
	check(!hear(fd) && answered("0\r\n\r\nHTTP/1.1 200") && answered("\r\n\r\nz"), "and go on");
	(void)close(fd);
	stop();
}

static void a_crowd_is_shed(void **state)
{
	int fd[6];

	(void)state;
	start_with((struct http_server_settings){ .max_connections = 4 });
	for (int i = 0; i < 6; i++)
		fd[i] = dial();
	turns(5);
	check(http_server_connections(here.server) == 4, "O2: no more than the cap");
	check(!hear(fd[0]) && hear(fd[5]), "who was here stays, who came last is shed");
	say(fd[0], POST("/echo", "Content-Length: 1\r\n") "z");
	check(!hear(fd[0]) && answered("\r\n\r\nz"), "and is served");
	for (int i = 0; i < 6; i++)
		(void)close(fd[i]);
	stop();
}

/* The client. */

struct result {
	int count, status;
	bool failed;
	struct err why;
	char body[64];
	char parts[64];
	bool stop_after_part;
};

static void on_done(void *ctx, const struct http_reply *reply, const struct err *e)
{
	struct result *r = ctx;

	r->count++;
	r->failed = !reply;
	if (!reply) {
		r->why = *e;
		return;
	}
	r->status = reply->status;
	(void)snprintf(r->body, sizeof(r->body), STR_FMT, STR_ARG(str_bytes(reply->body)));
}

static bool on_part(void *ctx, struct bytes part)
{
	struct result *r = ctx;

	(void)snprintf(r->parts + strlen(r->parts), sizeof(r->parts) - strlen(r->parts), STR_FMT,
		       STR_ARG(str_bytes(part)));
	return !r->stop_after_part;
}

static void calls_are_answered_in_order(void **state)
{
	struct result a = { 0 }, b = { 0 }, c = { 0 };

	(void)state;
	start_with((struct http_server_settings){ 0 });
	struct http_client *cl =
		http_client_new(here.loop, &(struct http_client_settings){ .server = here.at });
	struct http_call call = { .method = "POST",
				  .target = STR("/echo"),
				  .body = bytes_str(STR("one")),
				  .on_done = on_done,
				  .ctx = &a };
	http_client_call(cl, &call);
	call.body = bytes_str(STR("two"));
	call.ctx = &b;
	http_client_call(cl, &call);
	check(!a.count, "never from within");
	turns(40);
	check(a.count == 1 && !a.failed && !strcmp(a.body, "one"), "the first");
	check(b.count == 1 && !strcmp(b.body, "two"), "the second");
	check(http_client_connection(cl) == 1, "over one connection");
	now_ms += 46000;
	turns(10);
	call.ctx = &c;
	call.on_same_connection = true;
	http_client_call(cl, &call);
	turns(20);
	check(c.count == 1 && c.failed && c.why.kind == ERR_RETRY, "the same one is gone");
	call.on_same_connection = false;
	http_client_call(cl, &call);
	turns(40);
	check(c.count == 2 && !c.failed && http_client_connection(cl) == 2, "a new one is made");
	call.on_same_connection = true;
	http_client_call(cl, &call);
	turns(40);
	check(c.count == 3 && !c.failed && http_client_connection(cl) == 2, "and kept");
	http_client_free(cl);
	stop();
}

static void a_stream_is_told_piece_by_piece(void **state)
{
	struct result a = { 0 };

	(void)state;
	start_with((struct http_server_settings){ 0 });
	struct http_client *cl =
		http_client_new(here.loop, &(struct http_client_settings){ .server = here.at });
	struct http_call call = { .method = "GET",
				  .target = STR("/stream"),
				  .on_body = on_part,
				  .quiet_ms = 30000,
				  .on_done = on_done,
				  .ctx = &a };
	http_client_call(cl, &call);
	turns(20);
	(void)http_stream_put(here.held, bytes_str(STR("a")));
	turns(10);
	check(!strcmp(a.parts, "a") && !a.count, "at once");
	now_ms += 29000;
	(void)http_stream_put(here.held, bytes_str(STR("b")));
	turns(10);
	now_ms += 29000;
	turns(10);
	check(!strcmp(a.parts, "ab") && !a.count, "as long as something comes");
	now_ms += 2000;
	turns(10);
	check(a.count == 1 && a.failed && a.why.kind == ERR_RETRY, "P3: silence is noticed");
	turns(10);
	check(here.gone == 1, "at the other end too");

	http_client_call(cl, &call);
	turns(20);
	http_end(here.held);
	turns(10);
	check(a.count == 2 && !a.failed && a.status == 200, "an end in order is one");
	a.stop_after_part = true;
	http_client_call(cl, &call);
	turns(20);
	(void)http_stream_put(here.held, bytes_str(STR("c")));
	turns(10);
	check(a.count == 3 && a.failed, "and so is having heard enough");
	http_client_free(cl);
	stop();
}

static void a_server_that_is_not_there(void **state)
{
	struct result a = { 0 };

	(void)state;
	start_with((struct http_server_settings){ 0 });
	struct http_client *cl =
		http_client_new(here.loop, &(struct http_client_settings){ .server = here.at });
	struct http_call call = {
		.method = "GET", .target = STR("/held"), .on_done = on_done, .ctx = &a
	};
	http_client_call(cl, &call);
	turns(20);
	check(here.held, "asked");
	now_ms += 30100;
	turns(10);
	check(a.count == 1 && a.why.kind == ERR_RETRY, "no answer in time");
	http_client_call(cl, &call);
	turns(20);
	http_server_free(here.server);
	turns(10);
	check(a.count == 2 && a.why.kind == ERR_RETRY, "E6: cut in mid-request: try again");
	http_client_call(cl, &call);
	turns(20);
	check(a.count == 3 && a.why.kind == ERR_RETRY, "refused: try again");
	http_client_call(cl, &call);
	http_client_free(cl);
	turns(10);
	check(a.count == 3, "a freed client says nothing");
	loop_free(here.loop);
}

/* Mutual TLS. */

struct identity {
	struct key *key;
	struct buf der;
};

static struct err e;

static void issue(struct identity *id, const struct cert_issuer *by, enum cert_profile profile,
		  const char *uri)
{
	static const struct str ip = STR_INIT("127.0.0.1");
	int64_t now = clock_wall_ms(clock_real());
	struct cert_issuer self = { 0 };

	id->key = key_generate(KEY_P256, &e);
	self.key = id->key;
	buf_init(&id->der, CERT_MAX_BYTES);
	struct cert_request q = { .profile = profile,
				  .uri = str_of(uri),
				  .common_name = STR("x"),
				  .ip = &ip,
				  .ip_count = profile == CERT_SERVER,
				  .spki = key_spki(id->key),
				  .not_before_ms = now - 1000000,
				  .not_after_ms = now + 1000000 };
	check(cert_issue(&q, by ? by : &self, &id->der, &e), "a certificate");
}

static struct tls_ctx *context(const struct identity *id, const struct identity *ca, bool is_server)
{
	struct bytes chain = buf_bytes(&id->der);
	struct tls_anchor anchor = { buf_bytes(&ca->der), 7 };
	struct tls_settings s = { .is_server = is_server,
				  .chain = &chain,
				  .chain_count = id->key ? 1 : 0,
				  .key = id->key,
				  .anchors = &anchor,
				  .anchor_count = 1,
				  .want_peer = is_server };
	struct tls_ctx *ctx = tls_ctx_new(&s, &e);
	check(ctx, e.text);
	return ctx;
}

static void peers_are_known_over_tls(void **state)
{
	struct identity ca = { 0 }, server = { 0 }, pump = { 0 }, nobody = { 0 };
	struct cert_issuer by;
	struct result a = { 0 }, b = { 0 };
	uint8_t exporter[SHA256_LEN];

	(void)state;
	issue(&ca, NULL, CERT_CA, "");
	check(cert_issuer_read(buf_bytes(&ca.der), ca.key, &by, &e), "an authority");
	issue(&server, &by, CERT_SERVER, "spiffe://muster.local/server/front");
	issue(&pump, &by, CERT_DEVICE, "spiffe://muster.local/device/pump-7");
	struct tls_ctx *for_server = context(&server, &ca, true);
	struct tls_ctx *for_pump = context(&pump, &ca, false);
	struct tls_ctx *for_nobody = context(&nobody, &ca, false);
	start_with((struct http_server_settings){ .tls = for_server });

	struct http_client_settings set = { .server = here.at,
					    .tls = for_pump,
					    .host = STR("127.0.0.1") };
	struct http_client *cl = http_client_new(here.loop, &set);
	struct http_call call = {
		.method = "GET", .target = STR("/peer"), .on_done = on_done, .ctx = &a
	};
	http_client_call(cl, &call);
	turns(100);
	check(a.count == 1 && !a.failed && a.status == 200, a.why.text);
	check(!strcmp(a.body, "spiffe://muster.local/device/pump-7"), "the server knows who it is");
	check(tls_exporter(http_client_tls(cl), TLS_EXPORTER_ATTEST, exporter, &e) &&
		      !memcmp(exporter, here.exporter, sizeof(exporter)),
	      "V1: both ends export the same secret");
	http_client_free(cl);

	set.tls = for_nobody;
	cl = http_client_new(here.loop, &set);
	call.ctx = &b;
	http_client_call(cl, &call);
	turns(100);
	check(b.count == 1 && b.failed && here.served == 1, "T1: no certificate, no request");
	http_client_free(cl);
	turns(10);
	check(!http_server_connections(here.server), "and nothing stays");
	stop();
	tls_ctx_free(for_server), tls_ctx_free(for_pump), tls_ctx_free(for_nobody);
	buf_done(&ca.der), buf_done(&server.der), buf_done(&pump.der);
	key_free(ca.key), key_free(server.key), key_free(pump.key);
}

static void handshakes_that_never_finish(void **state)
{
	struct identity ca = { 0 }, server = { 0 };
	struct cert_issuer by;
	int fd[5];

	(void)state;
	issue(&ca, NULL, CERT_CA, "");
	check(cert_issuer_read(buf_bytes(&ca.der), ca.key, &by, &e), "an authority");
	issue(&server, &by, CERT_SERVER, "spiffe://muster.local/server/front");
	struct tls_ctx *for_server = context(&server, &ca, true);
	start_with((struct http_server_settings){ .tls = for_server, .max_handshakes = 3 });
	for (int i = 0; i < 5; i++)
		fd[i] = dial();
	check(http_server_connections(here.server) == 3, "O2: in flight no more than the cap");
	now_ms += 5100;
	turns(10);
	check(hear(fd[0]) && http_server_connections(here.server) == 2,
	      "O2: cut after five seconds, and those who waited have their turn");
	for (int i = 0; i < 5; i++)
		(void)close(fd[i]);
	stop();
	tls_ctx_free(for_server);
	buf_done(&ca.der), buf_done(&server.der);
	key_free(ca.key), key_free(server.key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_share_a_connection),
		cmocka_unit_test(pipelined_requests_are_answered_in_order),
		cmocka_unit_test(a_drip_is_the_same_request),
		cmocka_unit_test(hostile_shapes_get_one_answer),
		cmocka_unit_test(slow_clients_are_cut),
		cmocka_unit_test(a_client_that_leaves_is_noticed),
		cmocka_unit_test(endless_answers_are_bounded),
		cmocka_unit_test(an_endless_answer_may_end),
		cmocka_unit_test(a_crowd_is_shed),
		cmocka_unit_test(calls_are_answered_in_order),
		cmocka_unit_test(a_stream_is_told_piece_by_piece),
		cmocka_unit_test(a_server_that_is_not_there),
		cmocka_unit_test(peers_are_known_over_tls),
		cmocka_unit_test(handshakes_that_never_finish),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

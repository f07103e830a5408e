/* gate_kit.c - what a test needs to play musterd for a gate: authorities, certificates, signed
 *lines.
 *
 *	gate_kit init DIR               infra, device and statement keys; ca.pem
 *	gate_kit gate DIR ID TO         a gate's key, certificate and authorities, as link keeps
 *them gate_kit server DIR TO          cert.pem and key.pem of a control-plane listener on 127.0.0.1
 *	gate_kit client DIR URI TO [CA] cert.pem, key.pem, ca.pem of a device, workload or service
 *	gate_kit snapshot DIR SEQ       state lines on standard input, a signed snapshot out
 *	gate_kit line DIR [KEY]         one JSON a line in, signed feed lines out
 *
 * Made with the library that musterd issues with, so a test cannot drift from it.
 */
#include "base/clock.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/pem.h"
#include "crypto/cert.h"
#include "crypto/statement.h"
#include "sys/files.h"

enum { ROOM = 1 << 16, TEXT_MAX = 32 << 20, DAY_MS = 86400000 };

static const char *folder;

static void die(const struct err *e)
{
	(void)fprintf(stderr, "gate_kit: %s\n", e->text);
	exit(1);
}

static void save(const char *dir, const char *name, struct bytes data)
{
	char path[4096];
	struct err e = { 0 };

	if (!dir_make(dir, 0700, &e) || !path_join(path, sizeof(path), dir, name, &e) ||
	    !file_write(path, data, 0600, &e))
		die(&e);
}

static struct buf load(const char *dir, const char *name)
{
	char path[4096];
	struct err e = { 0 };
	struct buf out;

	buf_init(&out, ROOM);
	if (!path_join(path, sizeof(path), dir, name, &e) || !file_read(path, &out, &e))
		die(&e);
	return out;
}

static struct key *new_key(const char *dir, const char *name)
{
	struct err e = { 0 };
	struct key *k = key_generate(KEY_P256, &e);
	auto_buf struct buf pem = { 0 };

	buf_init(&pem, ROOM);
	if (!k || !key_write_pem(k, &pem, &e))
		die(&e);
	save(dir, name, buf_bytes(&pem));
	return k;
}

static struct key *load_key(const char *dir, const char *name)
{
	struct err e = { 0 };
	struct buf pem = load(dir, name);
	struct key *k = key_read_pem(buf_str(&pem), &e);

	buf_done(&pem);
	if (!k)
		die(&e);
	return k;
}

static void make_ca(const char *name)
{
	char file[64];
	struct err e = { 0 };
	auto_buf struct buf der = { 0 };

	buf_init(&der, ROOM);
	(void)snprintf(file, sizeof(file), "%s.pem", name);
	struct key *k = new_key(folder, file);
	struct cert_issuer self = { .key = k };
	int64_t now = clock_wall_ms(clock_real());
	struct cert_request q = { .profile = CERT_CA,
				  .common_name = str_of(name),
				  .spki = key_spki(k),
				  .not_before_ms = now - DAY_MS,
				  .not_after_ms = now + DAY_MS };
	if (!cert_issue(&q, &self, &der, &e))
		die(&e);
	(void)snprintf(file, sizeof(file), "%s.der", name);
	save(folder, file, buf_bytes(&der));
	key_free(k);
}

static void put_pem(const char *dir, const char *name, struct bytes der)
{
	auto_buf struct buf pem = { 0 };

	buf_init(&pem, ROOM);
	(void)pem_write(&pem, "CERTIFICATE", der);
	save(dir, name, buf_bytes(&pem));
}

static enum cert_profile profile_of(struct str uri)
{
	static const struct {
		const char *part;
		enum cert_profile profile;
	} parts[] = { { "/workload/", CERT_WORKLOAD }, { "/device/", CERT_DEVICE },
		      { "/service/", CERT_SERVICE },   { "/gate/", CERT_GATE },
		      { "/server/", CERT_SERVER },     { "/user/", CERT_USER } };
	char text[512];

	(void)snprintf(text, sizeof(text), STR_FMT, STR_ARG(uri));
	for (size_t i = 0; i < countof(parts); i++)
		if (strstr(text, parts[i].part))
			return parts[i].profile;
	return CERT_NONE;
}

/* A key and a certificate for it, by one of the authorities. */
static void issue(const char *uri, const char *ca, const char *to, const char *key_name,
		  struct buf *der)
{
	static const struct str dns[] = { STR_INIT("localhost") }, ip[] = { STR_INIT("127.0.0.1") };
	char file[64];
	struct err e = { 0 };
	struct cert_issuer by;
	int64_t now = clock_wall_ms(clock_real());

	(void)snprintf(file, sizeof(file), "%s.pem", ca);
	struct key *ca_key = load_key(folder, file);
	(void)snprintf(file, sizeof(file), "%s.der", ca);
	struct buf ca_der = load(folder, file);
	struct key *k = new_key(to, key_name);
	struct cert_request q = { .profile = profile_of(str_of(uri)),
				  .uri = str_of(uri),
				  .common_name = STR("test"),
				  .spki = key_spki(k),
				  .not_before_ms = now - 60000,
				  .not_after_ms = now + DAY_MS / 2 };
	if (q.profile == CERT_SERVER || q.profile == CERT_GATE) {
		q.dns = dns;
		q.dns_count = 1;
		q.ip = ip;
		q.ip_count = 1;
	}
	buf_init(der, ROOM);
	if (!cert_issuer_read(buf_bytes(&ca_der), ca_key, &by, &e) || !cert_issue(&q, &by, der, &e))
		die(&e);
	buf_done(&ca_der);
	key_free(ca_key);
	key_free(k);
}

static void copy_to(const char *name, const char *dir)
{
	struct buf data = load(folder, name);

	save(dir, name, buf_bytes(&data));
	buf_done(&data);
}

static void do_init(void)
{
	make_ca("infra-ca");
	make_ca("device-ca");
	make_ca("other-ca");
	struct key *k = new_key(folder, "statements.pem");
	save(folder, "statements.der", key_spki(k));
	key_free(k);
	key_free(new_key(folder, "forger.pem"));
	struct buf ca = load(folder, "infra-ca.der");
	put_pem(folder, "ca.pem", buf_bytes(&ca));
	buf_done(&ca);
}

static void do_gate(const char *id, const char *to)
{
	char uri[256];
	struct buf der;

	(void)snprintf(uri, sizeof(uri), "spiffe://muster.local/gate/%s", id);
	issue(uri, "infra-ca", to, "key.pem", &der);
	save(to, "cert.der", buf_bytes(&der));
	copy_to("infra-ca.der", to);
	copy_to("device-ca.der", to);
	copy_to("statements.der", to);
	buf_done(&der);
}

static void do_client(const char *uri, const char *ca, const char *to)
{
	struct buf der;
	struct cert c;
	struct err e = { 0 };
	char serial[CERT_SERIAL_TEXT];

	issue(uri, ca, to, "key.pem", &der);
	put_pem(to, "cert.pem", buf_bytes(&der));
	copy_to("ca.pem", to);
	if (!cert_read(buf_bytes(&der), &c, &e))
		die(&e);
	cert_serial_text(c.serial, serial);
	puts(serial);
	buf_done(&der);
}

/* ---- statements ---- */

static struct buf read_input(void)
{
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, TEXT_MAX);
	if (!file_read_fd(0, &out, &e))
		die(&e);
	return out;
}

static void sign(const struct key *k, struct statement *s, struct str text, uint8_t sig[KEY_SIG])
{
	struct err e = { 0 };

	sha256(bytes_str(text), s->digest);
	if (!statement_sign(s, k, sig, &e))
		die(&e);
}

static void do_snapshot(const char *seq)
{
	struct key *k = load_key(folder, "statements.pem");
	auto_buf struct buf lines = read_input();
	auto_buf struct buf out = { 0 };
	uint8_t sig[KEY_SIG];
	size_t count = 0;
	uint64_t n = 0;

	for (size_t i = 0; i < lines.len; i++)
		count += lines.ptr[i] == '\n';
	if (!str_u64(str_of(seq), &n))
		exit(2);
	buf_init(&out, TEXT_MAX);
	(void)buf_printf(&out,
			 "{\"kind\":\"snapshot\",\"seq\":%s,\"heads\":{\"global\":%s},"
			 "\"count\":%zu}\n",
			 seq, seq, count);
	(void)buf_puts(&out, buf_str(&lines));
	struct statement s = { .type = STATEMENT_SNAPSHOT, .stream = STR("global"), .seq = n };
	sign(k, &s, buf_str(&out), sig);
	(void)base64_write(&out, bytes_of(sig, sizeof(sig)), BASE64_URL);
	(void)buf_putc(&out, '\n');
	(void)fwrite(out.ptr, 1, out.len, stdout);
	key_free(k);
}

static void sign_line(const struct key *k, struct str text, struct buf *out)
{
	struct json *j = NULL;
	struct err e = { 0 };
	struct str kind = { 0 }, stream = { 0 };
	struct statement s = { .type = STATEMENT_FEED };
	int64_t seq = 0, prev = 0;
	uint8_t sig[KEY_SIG];

	if (!json_read(bytes_str(text), NULL, &j, &e) || !json_text(j, "kind", &kind, &e))
		die(&e);
	if (str_eqz(kind, "fresh")) {
		s.type = STATEMENT_FRESH;
		(void)json_int(j, "at", 0, INT64_MAX, &seq, &e);
		(void)json_int(j, "head", 0, INT64_MAX, &prev, &e);
	} else {
		(void)json_text(j, "stream", &stream, &e);
		(void)json_int(j, "seq", 0, INT64_MAX, &seq, &e);
		(void)json_int(j, "prev", 0, INT64_MAX, &prev, &e);
	}
	s.stream = stream;
	s.seq = (uint64_t)seq;
	s.prev = (uint64_t)prev;
	sign(k, &s, text, sig);
	(void)statement_line_write(sig, text, out);
	json_free(j);
}

static void do_line(const char *key_name)
{
	struct key *k = load_key(folder, key_name);
	auto_buf struct buf lines = read_input();
	auto_buf struct buf out = { 0 };
	struct str rest = buf_str(&lines), line;

	buf_init(&out, TEXT_MAX);
	while (str_cut(rest, '\n', &line, &rest))
		sign_line(k, line, &out);
	(void)fwrite(out.ptr, 1, out.len, stdout);
	key_free(k);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	folder = argc > 2 ? argv[2] : "";
	if (!strcmp(what, "init"))
		do_init();
	else if (!strcmp(what, "gate") && argc == 5)
		do_gate(argv[3], argv[4]);
	else if (!strcmp(what, "server") && argc == 4)
		do_client("spiffe://muster.local/server/front", "infra-ca", argv[3]);
	else if (!strcmp(what, "client") && argc >= 5)
		do_client(argv[3], argc == 6 ? argv[5] : "device-ca", argv[4]);
	else if (!strcmp(what, "snapshot") && argc == 4)
		do_snapshot(argv[3]);
	else if (!strcmp(what, "line") && argc >= 3)
		do_line(argc == 4 ? argv[3] : "statements.pem");
	else
		return 2;
	return 0;
}

/* test_cert.c - certificates: what we issue, and what we refuse to read (T3, T4, T5, T6). */
#include "test.h"

#include <openssl/x509v3.h>

#include "codec/der.h"
#include "crypto/cert.h"
#include "crypto/oid.h"

static const int64_t NOW = 1800000000000; /* 2027 */
static const int64_t HOUR = 3600000;

static struct err e;
static struct key *ca_key, *leaf_key, *p384_key;
static struct buf ca_der, leaf_der;
static struct cert_issuer issuer;

static const struct cert_request good = {
	.profile = CERT_DEVICE,
	.uri = STR_INIT("spiffe://muster.local/device/pump-1"),
	.common_name = STR_INIT("pump-1"),
	.not_before_ms = 1800000000000 - 3600000,
	.not_after_ms = 1800000000000 + 3600000,
};

static bool issue(const struct cert_request *like, struct buf *out)
{
	struct cert_request q = *like;

	if (!q.spki.ptr)
		q.spki = key_spki(leaf_key);
	buf_clear(out);
	return cert_issue(&q, &issuer, out, &e);
}

static int make(void **state)
{
	struct cert_issuer self = { 0 };

	(void)state;
	ca_key = key_generate(KEY_P256, &e);
	leaf_key = key_generate(KEY_P256, &e);
	p384_key = key_generate(KEY_P384, &e);
	buf_init(&ca_der, CERT_MAX_BYTES);
	buf_init(&leaf_der, CERT_MAX_BYTES);
	self.key = ca_key;
	struct cert_request ca = { .profile = CERT_CA,
				   .common_name = STR("muster device CA"),
				   .spki = key_spki(ca_key),
				   .not_before_ms = NOW - 24 * HOUR,
				   .not_after_ms = NOW + 24 * HOUR };
	return !(cert_issue(&ca, &self, &ca_der, &e) &&
		 cert_issuer_read(buf_bytes(&ca_der), ca_key, &issuer, &e) &&
		 issue(&good, &leaf_der));
}

static int unmake(void **state)
{
	(void)state;
	key_free(ca_key);
	key_free(leaf_key);
	key_free(p384_key);
	buf_done(&ca_der);
	buf_done(&leaf_der);
	return 0;
}

static void what_was_issued_is_read_back(void **state)
{
	struct cert ca;
	struct cert c;

	(void)state;
	check(cert_read(buf_bytes(&ca_der), &ca, &e) && ca.is_ca, "the authority");
	check(cert_read(buf_bytes(&leaf_der), &c, &e), "the device");
	check(!c.is_ca && c.eku == CERT_CLIENT_AUTH, "it may be a client and no more");
	check(str_eq(c.uri, good.uri) && str_eq(c.common_name, good.common_name), "its names");
	check(c.not_before_ms == good.not_before_ms && c.not_after_ms == good.not_after_ms,
	      "its time");
	check(bytes_eq(c.spki, key_spki(leaf_key)) && c.serial.len == CERT_SERIAL, "its key");
	check(cert_verify(&c, &ca, NOW, &e), "it verifies");
	check(!cert_verify(&c, &ca, NOW + 2 * HOUR, &e), "not when it has expired");
	check(!cert_verify(&c, &ca, NOW - 2 * HOUR, &e), "nor before it begins");
	check(!cert_verify(&c, &c, NOW, &e), "nor by itself");
	check(cert_verify(&c, &ca, good.not_after_ms, &e), "its last second is its own");
	char text[CERT_SERIAL_TEXT];
	cert_serial_text(c.serial, text);
	check(strlen(text) == 32, "a serial of 128 bits, written in hex");
}

/* T6: the same name and the same dates do not make an authority. */
static void a_sibling_with_the_same_name_is_another(void **state)
{
	auto_key struct key *key = key_generate(KEY_P256, &e);
	auto_buf struct buf der = { 0 };
	struct cert_issuer self = { .key = key };
	struct cert_request q = { .profile = CERT_CA,
				  .common_name = STR("muster device CA"),
				  .spki = key_spki(key),
				  .not_before_ms = NOW - 24 * HOUR,
				  .not_after_ms = NOW + 24 * HOUR };
	struct cert sibling;
	struct cert c;

	(void)state;
	buf_init(&der, CERT_MAX_BYTES);
	check(cert_issue(&q, &self, &der, &e) && cert_read(buf_bytes(&der), &sibling, &e), "made");
	check(cert_read(buf_bytes(&leaf_der), &c, &e), "the device");
	check(!cert_verify(&c, &sibling, NOW, &e), "the sibling did not sign it");
	check(!cert_issuer_read(buf_bytes(&der), ca_key, &self, &e), "nor is its key ours");
	check(!cert_issuer_read(buf_bytes(&leaf_der), leaf_key, &self, &e),
	      "and a device is no authority");
}

static void openssl_agrees_with_every_profile(void **state)
{
	static const struct str dns[] = { STR_INIT("gate.plant"), STR_INIT("localhost") };
	static const struct str ip[] = { STR_INIT("127.0.0.1"), STR_INIT("::1") };
	const unsigned char *p = ca_der.ptr;
	X509 *ca = d2i_X509(NULL, &p, (long)ca_der.len);
	X509_STORE *store = X509_STORE_new();
	auto_buf struct buf der = { 0 };

	(void)state;
	buf_init(&der, CERT_MAX_BYTES);
	check(ca && X509_STORE_add_cert(store, ca) == 1, "OpenSSL reads the authority");
	check(X509_check_ca(ca) == 1, "and takes it for one");
	for (enum cert_profile i = CERT_DEVICE; i < CERT_PROFILES; i++) {
		bool has_hosts = i == CERT_GATE || i == CERT_SERVER;
		struct cert_request q = good;
		struct cert c;
		q.profile = i;
		q.dns = dns;
		q.ip = ip;
		q.dns_count = q.ip_count = has_hosts ? 2 : 0;
		check(issue(&q, &der) && cert_read(buf_bytes(&der), &c, &e), "issued and read");
		p = der.ptr;
		X509 *x = d2i_X509(NULL, &p, (long)der.len);
		check(x && p == der.ptr + der.len, "OpenSSL reads it");
		X509_STORE_CTX *ctx = X509_STORE_CTX_new();
		X509_STORE_CTX_init(ctx, store, x, NULL);
		X509_STORE_CTX_set_time(ctx, 0, NOW / 1000);
		X509_STORE_CTX_set_purpose(ctx, i == CERT_SERVER ? X509_PURPOSE_SSL_SERVER
								 : X509_PURPOSE_SSL_CLIENT);
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
		check(X509_verify_cert(ctx) == 1, "and verifies it");
		check(X509_check_host(x, "localhost", 0, 0, NULL) == has_hosts, "its host");
		check(X509_check_ip_asc(x, "127.0.0.1", 0) == has_hosts, "its address");
		check(X509_check_ip_asc(x, "::1", 0) == has_hosts, "its other address");
		unsigned char *again = NULL;
		int len = i2d_X509(x, &again);
		check((size_t)len == der.len && memcmp(again, der.ptr, der.len) == 0,
		      "and writes the same bytes");
		OPENSSL_free(again);
		X509_STORE_CTX_free(ctx);
		X509_free(x);
	}
	X509_STORE_free(store);
	X509_free(ca);
}

#define DEVICE "spiffe://muster.local/device/"

static const struct {
	const char *says;
	enum cert_profile profile;
	const char *uri, *cn, *dns;
	int64_t from, to;
} not_issued[] = {
	{ "no profile", CERT_NONE, DEVICE "a", "a", NULL, 0, 1000 },
	{ "no such profile", CERT_PROFILES, DEVICE "a", "a", NULL, 0, 1000 },
	{ "a device without a name", CERT_DEVICE, "", "a", NULL, 0, 1000 },
	{ "an authority with one", CERT_CA, DEVICE "a", "a", NULL, 0, 1000 },
	{ "no subject", CERT_DEVICE, DEVICE "a", "", NULL, 0, 1000 },
	{ "a wildcard in a name (T5)", CERT_DEVICE, DEVICE "#", "a", NULL, 0, 1000 },
	{ "a plus in a name (T5)", CERT_DEVICE, DEVICE "a+b", "a", NULL, 0, 1000 },
	{ "UTF-8 in a name (T5)", CERT_DEVICE, DEVICE "p\xc3\xbcmp", "a", NULL, 0, 1000 },
	{ "a control character in a subject (T5)", CERT_DEVICE, DEVICE "a", "a\nb", NULL, 0, 1000 },
	{ "an empty segment (T5)", CERT_DEVICE, DEVICE "/a", "a", NULL, 0, 1000 },
	{ "a name that climbs (T5)", CERT_DEVICE, DEVICE "..", "a", NULL, 0, 1000 },
	{ "another scheme", CERT_DEVICE, "https://muster.local/device/a", "a", NULL, 0, 1000 },
	{ "a domain alone", CERT_DEVICE, "spiffe://muster.local", "a", NULL, 0, 1000 },
	{ "a device with a host name", CERT_DEVICE, DEVICE "a", "a", "plant", 0, 1000 },
	{ "a host name that is none", CERT_SERVER, DEVICE "a", "a", "a b", 0, 1000 },
	{ "an end before the beginning", CERT_DEVICE, DEVICE "a", "a", NULL, 5000, 1000 },
	{ "a beginning before time", CERT_DEVICE, DEVICE "a", "a", NULL, -5000, 1000 },
};

static void what_is_wrong_is_not_issued(void **state)
{
	auto_buf struct buf der = { 0 };

	(void)state;
	buf_init(&der, CERT_MAX_BYTES);
	for (size_t i = 0; i < countof(not_issued); i++) {
		struct str dns = str_of(not_issued[i].dns);
		struct cert_request q = { .profile = not_issued[i].profile,
					  .uri = str_of(not_issued[i].uri),
					  .common_name = str_of(not_issued[i].cn),
					  .dns = &dns,
					  .dns_count = dns.len ? 1 : 0,
					  .not_before_ms = not_issued[i].from,
					  .not_after_ms = not_issued[i].to };
		check(!issue(&q, &der), not_issued[i].says);
	}
	struct cert_request q = good;
	q.spki = key_spki(p384_key);
	check(!issue(&q, &der) && e.hint[0], "a P-384 key, with a hint what to do");
	q.spki = (struct bytes){ key_spki(leaf_key).ptr, 90 };
	check(!issue(&q, &der), "half a key");
	static const struct str bad_ip = STR_INIT("127.0.0.256");
	q = good;
	q.profile = CERT_SERVER;
	q.ip = &bad_ip;
	q.ip_count = 1;
	check(!issue(&q, &der), "an address that is none");
}

/* --- a corpus of certificates no profile of ours makes --- */

enum odd {
	ODD_NONE,
	ODD_INNER = 1 << 0,      /* inner algorithm differs from the outer one */
	ODD_ALGORITHM = 1 << 1,  /* both say RSA */
	ODD_PARAMETERS = 1 << 2, /* both have NULL parameters */
	ODD_VERSION = 1 << 3,    /* version 1 */
	ODD_CRITICAL = 1 << 4,   /* an unknown critical extension */
	ODD_UNKNOWN = 1 << 5,    /* an unknown one that is not */
	ODD_TWICE = 1 << 6,      /* key usage twice */
	ODD_TRAILING = 1 << 7,   /* a byte behind the certificate */
	ODD_SERIAL_ZERO = 1 << 8,
	ODD_SERIAL_LONG = 1 << 9, /* 21 bytes */
	ODD_TIME = 1 << 10,       /* ends before it begins */
	ODD_NAME_TWICE = 1 << 11, /* two common names */
	ODD_NAME_TYPE = 1 << 12,  /* BMPString */
	ODD_KEY = 1 << 13,        /* P-384 */
	ODD_NO_EXTENSIONS = 1 << 14,
	ODD_CRITICAL_FALSE = 1 << 15, /* DEFAULT FALSE written out: not DER */
	ODD_PATHLEN = 1 << 16,        /* a path length on a leaf */
	ODD_UNIQUE_ID = 1 << 17,
	ODD_INNER_TRAILING = 1 << 18, /* a byte behind the extensions */
};

struct shape {
	const char *says;
	const char *reason; /* in the text; NULL: it is good */
	unsigned odd;
	const char *uri; /* NULL: the good one; "": none */
	const char *second;
	const char *cn;
	const char *eku;   /* "c" client, "s" server, "x" another; NULL: "c"; "": no extension */
	unsigned name_tag; /* another GeneralName beside it */
	size_t uri_len;    /* when there is a NUL in it */
	uint8_t usage;     /* 0: the good one; 1: none */
	bool is_ca;
};

static void put_algorithm(struct derw *w, struct bytes oid, bool with_null)
{
	derw_begin(w, DER_SEQUENCE);
	derw_oid(w, oid);
	if (with_null)
		derw_null(w);
	derw_end(w);
}

static void put_subject(struct derw *w, const char *cn, unsigned odd)
{
	unsigned tag = odd & ODD_NAME_TYPE ? 0x1e : DER_UTF8;

	derw_begin(w, DER_SEQUENCE);
	for (int i = 0; i < (odd & ODD_NAME_TWICE ? 2 : 1); i++) {
		derw_begin(w, DER_SET);
		derw_begin(w, DER_SEQUENCE);
		derw_oid(w, OID_COMMON_NAME);
		derw_put(w, tag, bytes_str(str_of(cn ? cn : "pump-1")));
		derw_end(w);
		derw_end(w);
	}
	derw_end(w);
}

static void begin_extension(struct derw *w, struct bytes oid, bool critical, unsigned odd)
{
	derw_begin(w, DER_SEQUENCE);
	derw_oid(w, oid);
	if (critical || odd & ODD_CRITICAL_FALSE)
		derw_bool(w, critical);
	derw_begin(w, DER_OCTET_STRING);
}

static void end_extension(struct derw *w)
{
	derw_end(w);
	derw_end(w);
}

static void put_usage(struct derw *w, const struct shape *s)
{
	uint8_t bits[2] = { 0, s->usage ? s->usage : 0x80 };

	if (s->usage == 1)
		return;
	begin_extension(w, OID_KEY_USAGE, true, 0);
	derw_put(w, DER_BIT_STRING, bytes_of(bits, 2));
	end_extension(w);
}

static void put_eku(struct derw *w, const char *eku)
{
	static const struct bytes other = { (const uint8_t *)"\x67\x81\x05\x08\x01", 5 };

	if (!eku[0])
		return;
	begin_extension(w, OID_EXT_KEY_USAGE, false, 0);
	derw_begin(w, DER_SEQUENCE);
	for (const char *c = eku; *c; c++)
		derw_oid(w, *c == 'c' ? OID_CLIENT_AUTH : *c == 's' ? OID_SERVER_AUTH : other);
	derw_end(w);
	end_extension(w);
}

static void put_names(struct derw *w, const struct shape *s)
{
	struct str uri = s->uri ? str_of(s->uri) : good.uri;

	if (s->uri_len)
		uri.len = s->uri_len;
	if (!uri.len && !s->second && !s->name_tag)
		return;
	begin_extension(w, OID_ALT_NAME, false, s->odd);
	derw_begin(w, DER_SEQUENCE);
	if (uri.len)
		derw_put(w, DER_CONTEXT | 6, bytes_str(uri));
	if (s->second)
		derw_put(w, DER_CONTEXT | 6, bytes_str(str_of(s->second)));
	if (s->name_tag)
		derw_put(w, s->name_tag, bytes_str(STR("x@y")));
	derw_end(w);
	end_extension(w);
}

static void put_extensions(struct derw *w, const struct shape *s)
{
	static const struct bytes unknown = { (const uint8_t *)"\x55\x1d\x1e", 3 };

	derw_begin(w, DER_CONTEXT_CONSTRUCTED | 3);
	derw_begin(w, DER_SEQUENCE);
	begin_extension(w, OID_BASIC_CONSTRAINTS, true, 0);
	derw_begin(w, DER_SEQUENCE);
	if (s->is_ca)
		derw_bool(w, true);
	if (s->odd & ODD_PATHLEN)
		derw_uint(w, 0);
	derw_end(w);
	end_extension(w);
	put_usage(w, s);
	if (s->odd & ODD_TWICE)
		put_usage(w, s);
	put_eku(w, s->eku ? s->eku : "c");
	put_names(w, s);
	if (s->odd & (ODD_CRITICAL | ODD_UNKNOWN)) {
		begin_extension(w, unknown, s->odd & ODD_CRITICAL, 0);
		derw_null(w);
		end_extension(w);
	}
	derw_end(w);
	if (s->odd & ODD_INNER_TRAILING)
		derw_null(w);
	derw_end(w);
}

static void put_serial(struct derw *w, unsigned odd)
{
	static const uint8_t serial[21] = { 0x41, 1, 2 };

	if (odd & ODD_SERIAL_ZERO)
		derw_uint(w, 0);
	else
		derw_big_uint(w, bytes_of(serial, odd & ODD_SERIAL_LONG ? 21 : 16));
}

static void put_tbs(struct buf *out, const struct shape *s)
{
	bool with_null = s->odd & ODD_PARAMETERS;
	struct derw w;

	derw_init(&w, out);
	derw_begin(&w, DER_SEQUENCE);
	if (!(s->odd & ODD_VERSION)) {
		derw_begin(&w, DER_CONTEXT_CONSTRUCTED | 0);
		derw_uint(&w, 2);
		derw_end(&w);
	}
	put_serial(&w, s->odd);
	put_algorithm(&w,
		      s->odd & ODD_INNER       ? OID_ECDSA_SHA384
		      : s->odd & ODD_ALGORITHM ? OID_RSA_SHA256
					       : OID_ECDSA_SHA256,
		      with_null);
	derw_raw(&w, issuer.name);
	derw_begin(&w, DER_SEQUENCE);
	derw_time(&w, s->odd & ODD_TIME ? NOW + HOUR : NOW - HOUR);
	derw_time(&w, s->odd & ODD_TIME ? NOW - HOUR : NOW + HOUR);
	derw_end(&w);
	put_subject(&w, s->cn, s->odd);
	derw_raw(&w, key_spki(s->odd & ODD_KEY ? p384_key : leaf_key));
	if (s->odd & ODD_UNIQUE_ID)
		derw_put(&w, DER_CONTEXT | 1, bytes_of("\0\1", 2));
	if (!(s->odd & ODD_NO_EXTENSIONS))
		put_extensions(&w, s);
	derw_end(&w);
	check(derw_ok(&w), "the corpus is written");
}

static void build(const struct shape *s, struct buf *out)
{
	auto_buf struct buf tbs = { 0 };
	auto_buf struct buf sig = { 0 };
	struct derw w;

	buf_init(&tbs, 8192);
	buf_init(&sig, 128);
	put_tbs(&tbs, s);
	check(key_sign_message(ca_key, buf_bytes(&tbs), &sig, &e), "and signed");
	buf_clear(out);
	derw_init(&w, out);
	derw_begin(&w, DER_SEQUENCE);
	derw_raw(&w, buf_bytes(&tbs));
	put_algorithm(&w, s->odd & ODD_ALGORITHM ? OID_RSA_SHA256 : OID_ECDSA_SHA256,
		      s->odd & ODD_PARAMETERS);
	derw_bits(&w, buf_bytes(&sig));
	derw_end(&w);
	if (s->odd & ODD_TRAILING)
		buf_putc(out, 0);
}

#define A16  "aaaaaaaaaaaaaaaa"
#define A64  A16 A16 A16 A16
#define A256 A64 A64 A64 A64

static const struct shape shapes[] = {
	{ "the shape itself is good", NULL, .odd = ODD_NONE },
	{ "an unknown extension may be there", NULL, .odd = ODD_UNKNOWN },
	{ "a gate is client and server", NULL, .eku = "cs" },
	{ "an additional use does not hurt", NULL, .eku = "cx" },
	{ "T3: inner and outer algorithm differ", "differ", .odd = ODD_INNER },
	{ "T3: an RSA signature of a P-256 key", "not ECDSA", .odd = ODD_ALGORITHM },
	{ "T3: parameters where there are none", "not ECDSA", .odd = ODD_PARAMETERS },
	{ "T3: a P-384 key", "not P-256", .odd = ODD_KEY },
	{ "T4: no use at all", "neither client", .eku = "" },
	{ "T4: a use of another kind", "neither client", .eku = "x" },
	{ "T4: a leaf that is an authority", "may not sign", .is_ca = true },
	{ "T4: an authority with a name", "alternative names", .is_ca = true, .usage = 0x04 },
	{ "T4: a leaf that may sign certificates", "key usage", .usage = 0x84 },
	{ "T4: a leaf for agreement only", "key usage", .usage = 0x08 },
	{ "T4: no key usage", "key usage", .usage = 1 },
	{ "T4: a path length on a leaf", "path length", .odd = ODD_PATHLEN },
	{ "T4: an unknown critical extension", "unknown critical", .odd = ODD_CRITICAL },
	{ "T4: an extension twice", "twice", .odd = ODD_TWICE },
	{ "T4: two names", "two names", .second = "spiffe://muster.local/device/pump-2" },
	{ "T4: the same name twice", "two names", .second = "spiffe://muster.local/device/pump-1" },
	{ "T4: no name", "no name", .uri = "" },
	{ "T4: a host name that is none", "not a host name", .uri = "", .name_tag = 0x82,
	  .cn = "p" },
	{ "T4: a mail address", "of a kind", .name_tag = 0x81 },
	{ "T4: an other name", "of a kind", .name_tag = 0xa0 },
	{ "T4: a directory name", "of a kind", .name_tag = 0xa4 },
	{ "T4: an address of three bytes", "3 bytes", .name_tag = 0x87 },
	{ "T4: no extensions", "malformed", .odd = ODD_NO_EXTENSIONS },
	{ "T4: version 1", "version 3", .odd = ODD_VERSION },
	{ "T4: a unique identifier", "malformed", .odd = ODD_UNIQUE_ID },
	{ "T4: more after the extensions", "malformed", .odd = ODD_INNER_TRAILING },
	{ "T5: a NUL in the name", "not a name", .uri = DEVICE "pump-1\0x", .uri_len = 37 },
	{ "T5: a NUL at its end", "not a name", .uri = DEVICE "pump-1\0", .uri_len = 36 },
	{ "T5: a wildcard", "not a name", .uri = DEVICE "#" },
	{ "T5: a single level wildcard", "not a name", .uri = DEVICE "+" },
	{ "T5: a wildcard inside", "not a name", .uri = DEVICE "a+b" },
	{ "T5: a percent", "not a name", .uri = DEVICE "a%2fb" },
	{ "T5: a space", "not a name", .uri = DEVICE "a b" },
	{ "T5: a control character", "not a name", .uri = DEVICE "a\x01" },
	{ "T5: a line end", "not a name", .uri = DEVICE "a\n" },
	{ "T5: delete", "not a name", .uri = DEVICE "a\x7f" },
	{ "T5: UTF-8", "not a name", .uri = DEVICE "p\xc3\xbcmp" },
	{ "T5: overlong UTF-8", "not a name", .uri = DEVICE "\xc0\xaf" },
	{ "T5: a surrogate", "not a name", .uri = DEVICE "\xed\xa0\x80" },
	{ "T5: a query", "not a name", .uri = DEVICE "a?b" },
	{ "T5: an at sign", "not a name", .uri = "spiffe://a@muster.local/device/a" },
	{ "T5: a port", "not a name", .uri = "spiffe://muster.local:1/device/a" },
	{ "T5: an empty segment", "not a name", .uri = "spiffe://muster.local//device/a" },
	{ "T5: an empty end", "not a name", .uri = DEVICE },
	{ "T5: one dot", "not a name", .uri = DEVICE "." },
	{ "T5: two dots", "not a name", .uri = DEVICE "../user/admin" },
	{ "T5: no domain", "not a name", .uri = "spiffe:///device/a" },
	{ "T5: a domain alone", "not a name", .uri = "spiffe://muster.local" },
	{ "T5: another scheme", "not a name", .uri = "http://muster.local/device/a" },
	{ "T5: capitals in the scheme", "not a name", .uri = "SPIFFE://muster.local/device/a" },
	{ "T5: a name that is too long", "not a name", .uri = DEVICE A256 },
	{ "T5: a control character in the subject", "plain text", .cn = "pump\x01" },
	{ "T5: a line end in the subject", "plain text", .cn = "pump\nadmin" },
	{ "T5: UTF-8 in the subject", "plain text", .cn = "p\xc3\xbcmp" },
	{ "T5: a subject in two-byte letters", "plain text", .odd = ODD_NAME_TYPE },
	{ "T5: a subject that is too long", "plain text", .cn = A64 "b" },
	{ "T5: an empty subject", "plain text", .cn = "" },
	{ "T5: two common names", "two common", .odd = ODD_NAME_TWICE },
	{ "a byte behind it", "not one DER", .odd = ODD_TRAILING },
	{ "serial number zero", "serial", .odd = ODD_SERIAL_ZERO },
	{ "a serial number of 21 bytes", "serial", .odd = ODD_SERIAL_LONG },
	{ "an end before the beginning", "before it begins", .odd = ODD_TIME },
};

static void every_odd_certificate_is_refused_with_its_reason(void **state)
{
	auto_buf struct buf der = { 0 };

	(void)state;
	buf_init(&der, 8192);
	for (size_t i = 0; i < countof(shapes); i++) {
		struct cert c;
		e = (struct err){ 0 };
		build(&shapes[i], &der);
		bool ok = cert_read(buf_bytes(&der), &c, &e);
		check(ok == !shapes[i].reason, shapes[i].says);
		check(ok || strstr(e.text, shapes[i].reason), shapes[i].says);
	}
}

static void a_cut_certificate_is_none(void **state)
{
	struct cert c;

	(void)state;
	for (size_t len = 0; len < leaf_der.len; len++)
		check(!cert_read(bytes_of(leaf_der.ptr, len), &c, &e), "cut");
}

/* A flipped bit is refused by the reader or by the signature: never believed. */
static void a_changed_certificate_is_not_believed(void **state)
{
	struct cert ca;
	struct cert c;

	(void)state;
	check(cert_read(buf_bytes(&ca_der), &ca, &e), "the authority");
	for (size_t i = 0; i < leaf_der.len; i++) {
		leaf_der.ptr[i] ^= 0x10;
		check(!cert_read(buf_bytes(&leaf_der), &c, &e) || !cert_verify(&c, &ca, NOW, &e),
		      "changed");
		leaf_der.ptr[i] ^= 0x10;
	}
}

static void the_key_of_any_certificate_can_be_read(void **state)
{
	struct bytes spki;

	(void)state;
	check(cert_read_spki(buf_bytes(&leaf_der), &spki, &e), "read");
	check(bytes_eq(spki, key_spki(leaf_key)), "the same");
	for (size_t len = 0; len < leaf_der.len; len++)
		check(!cert_read_spki(bytes_of(leaf_der.ptr, len), &spki, &e), "cut");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_issued_is_read_back),
		cmocka_unit_test(a_sibling_with_the_same_name_is_another),
		cmocka_unit_test(openssl_agrees_with_every_profile),
		cmocka_unit_test(what_is_wrong_is_not_issued),
		cmocka_unit_test(every_odd_certificate_is_refused_with_its_reason),
		cmocka_unit_test(a_cut_certificate_is_none),
		cmocka_unit_test(a_changed_certificate_is_not_believed),
		cmocka_unit_test(the_key_of_any_certificate_can_be_read),
	};
	return cmocka_run_group_tests(tests, make, unmake);
}

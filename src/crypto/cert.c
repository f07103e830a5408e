#include "crypto/cert.h"

#include <arpa/inet.h>

#include "base/mem.h"
#include "codec/der.h"
#include "crypto/oid.h"

enum { URI_MAX = 255, CN_MAX = 64, NAMES_MAX = 16, DNS_MAX = 253, SERIAL_MAX = 20 };

/* GeneralName, RFC 5280 4.2.1.6: context tags. */
enum { NAME_DNS = DER_CONTEXT | 2, NAME_URI = DER_CONTEXT | 6, NAME_IP = DER_CONTEXT | 7 };

/* What each profile may be used for. The one difference between them that TLS sees; what a
 * certificate is *for* is said by its URI. */
static const struct {
	const char *name;
	unsigned eku;
	bool has_hosts;
} profiles[CERT_PROFILES] = {
	[CERT_CA] = { "authority", 0, false },
	[CERT_DEVICE] = { "device", CERT_CLIENT_AUTH, false },
	[CERT_WORKLOAD] = { "workload", CERT_CLIENT_AUTH, false },
	[CERT_SERVICE] = { "service", CERT_CLIENT_AUTH, false },
	[CERT_GATE] = { "gate", CERT_CLIENT_AUTH | CERT_SERVER_AUTH, true },
	[CERT_SENSOR] = { "sensor", CERT_CLIENT_AUTH, false },
	[CERT_SERVER] = { "server", CERT_SERVER_AUTH, true },
	[CERT_USER] = { "user", CERT_CLIENT_AUTH, false },
};

/* --- what may stand in a name --- */

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] > '~')
			return false;
	return true;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

/* SPIFFE-ID 2.1 and 2.2: a domain, then segments of these characters, none empty, none of only
 * dots. No '+', '#', '%', control or UTF-8 can be in it (T5). */
static bool uri_is_good(struct str uri)
{
	struct str rest = str_from(uri, 9);
	size_t segments = 0;

	if (!str_starts(uri, STR("spiffe://")) || uri.len > URI_MAX || str_ends(uri, STR("/")))
		return false;
	while (rest.len) {
		struct str part;
		(void)str_cut(rest, '/', &part, &rest);
		if (part.len == 0 || str_eqz(part, ".") || str_eqz(part, ".."))
			return false;
		for (size_t i = 0; i < part.len; i++)
			if (!is_name_char(part.ptr[i]))
				return false;
		segments++;
	}
	return segments >= 2;
}

static bool common_name_is_good(struct str cn)
{
	return cn.len > 0 && cn.len <= CN_MAX && is_printable(cn);
}

static bool dns_is_good(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!is_name_char(name.ptr[i]) || name.ptr[i] == '_')
			return false;
	return name.len > 0 && name.len <= DNS_MAX;
}

/* --- issuing --- */

bool cert_issuer_read(struct bytes ca_certificate, const struct key *key, struct cert_issuer *out,
		      struct err *e)
{
	struct cert ca;

	if (!cert_read(ca_certificate, &ca, e))
		return err_in(e, "authority");
	if (!ca.is_ca || ca.key_id.len != CERT_KEY_ID)
		return err_set(e, ERR_INPUT, "this certificate is not an authority's");
	if (!bytes_eq(ca.spki, key_spki(key)))
		return err_set(e, ERR_INPUT, "key and certificate of the authority differ");
	*out = (struct cert_issuer){ .key = key, .name = ca.subject };
	memcpy(out->key_id, ca.key_id.ptr, CERT_KEY_ID);
	return true;
}

static bool check_hosts(const struct cert_request *q, struct err *e)
{
	if (q->dns_count + q->ip_count == 0)
		return true;
	if (!profiles[q->profile].has_hosts)
		return err_set(e, ERR_INPUT, "a %s certificate has no host names",
			       profiles[q->profile].name);
	if (q->dns_count + q->ip_count > NAMES_MAX)
		return err_set(e, ERR_INPUT, "more than %d host names", NAMES_MAX);
	for (size_t i = 0; i < q->dns_count; i++)
		if (!dns_is_good(q->dns[i]))
			return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a host name",
				       STR_ARG(q->dns[i]));
	return true;
}

static bool check_request(const struct cert_request *q, struct err *e)
{
	if (q->profile <= CERT_NONE || q->profile >= CERT_PROFILES)
		return err_set(e, ERR_INPUT, "no such certificate profile");
	if (!common_name_is_good(q->common_name))
		return err_set(e, ERR_INPUT, "subject name must be 1 to %d plain characters",
			       CN_MAX);
	if (q->profile == CERT_CA ? q->uri.len > 0 : !uri_is_good(q->uri))
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a name for a %s certificate",
			       STR_ARG(q->uri), profiles[q->profile].name);
	if (q->not_after_ms <= q->not_before_ms || q->not_before_ms < 0)
		return err_set(e, ERR_INPUT, "certificate would end before it begins");
	auto_key struct key *key = key_public(q->spki, e);
	if (!key)
		return false;
	if (key_kind(key) != KEY_P256) {
		err_set(e, ERR_INPUT, "certificates are issued to P-256 keys only");
		return err_hint(e, "make a key with: openssl ecparam -name prime256v1 -genkey");
	}
	return check_hosts(q, e);
}

static void put_name(struct derw *w, struct str common_name)
{
	derw_begin(w, DER_SEQUENCE);
	derw_begin(w, DER_SET);
	derw_begin(w, DER_SEQUENCE);
	derw_oid(w, OID_COMMON_NAME);
	derw_put(w, DER_UTF8, bytes_str(common_name));
	derw_end(w);
	derw_end(w);
	derw_end(w);
}

static void put_algorithm(struct derw *w)
{
	derw_begin(w, DER_SEQUENCE);
	derw_oid(w, OID_ECDSA_SHA256);
	derw_end(w);
}

/* An extension is open until end_extension: its value is DER inside an OCTET STRING. */
static void begin_extension(struct derw *w, struct bytes oid, bool is_critical)
{
	derw_begin(w, DER_SEQUENCE);
	derw_oid(w, oid);
	if (is_critical)
		derw_bool(w, true);
	derw_begin(w, DER_OCTET_STRING);
}

static void end_extension(struct derw *w)
{
	derw_end(w);
	derw_end(w);
}

static void put_usage(struct derw *w, enum cert_profile profile)
{
	static const uint8_t sign_certs[] = { 1, 0x06 }; /* keyCertSign, cRLSign */
	static const uint8_t digital_signature[] = { 7, 0x80 };
	bool is_ca = profile == CERT_CA;

	begin_extension(w, OID_BASIC_CONSTRAINTS, true);
	derw_begin(w, DER_SEQUENCE);
	if (is_ca) {
		derw_bool(w, true);
		derw_uint(w, 0); /* no authority below this one */
	}
	derw_end(w);
	end_extension(w);
	begin_extension(w, OID_KEY_USAGE, true);
	derw_put(w, DER_BIT_STRING, bytes_of(is_ca ? sign_certs : digital_signature, 2));
	end_extension(w);
	if (is_ca)
		return;
	begin_extension(w, OID_EXT_KEY_USAGE, false);
	derw_begin(w, DER_SEQUENCE);
	if (profiles[profile].eku & CERT_SERVER_AUTH)
		derw_oid(w, OID_SERVER_AUTH);
	if (profiles[profile].eku & CERT_CLIENT_AUTH)
		derw_oid(w, OID_CLIENT_AUTH);
	derw_end(w);
	end_extension(w);
}

static void put_key_ids(struct derw *w, const uint8_t own[CERT_KEY_ID],
			const uint8_t issuer[CERT_KEY_ID])
{
	begin_extension(w, OID_KEY_ID, false);
	derw_put(w, DER_OCTET_STRING, bytes_of(own, CERT_KEY_ID));
	end_extension(w);
	begin_extension(w, OID_ISSUER_KEY_ID, false);
	derw_begin(w, DER_SEQUENCE);
	derw_put(w, DER_CONTEXT | 0, bytes_of(issuer, CERT_KEY_ID));
	derw_end(w);
	end_extension(w);
}

static bool put_address(struct derw *w, struct str text, struct err *e)
{
	uint8_t raw[16];
	char z[INET6_ADDRSTRLEN] = { 0 };

	if (text.len == 0 || text.len >= sizeof(z))
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not an address", STR_ARG(text));
	memcpy(z, text.ptr, text.len);
	if (inet_pton(AF_INET, z, raw) == 1)
		derw_put(w, NAME_IP, bytes_of(raw, 4));
	else if (inet_pton(AF_INET6, z, raw) == 1)
		derw_put(w, NAME_IP, bytes_of(raw, 16));
	else
		return err_set(e, ERR_INPUT, "'" STR_FMT "' is not an address", STR_ARG(text));
	return true;
}

static bool put_alt_names(struct derw *w, const struct cert_request *q, struct err *e)
{
	if (q->profile == CERT_CA)
		return true;
	begin_extension(w, OID_ALT_NAME, false);
	derw_begin(w, DER_SEQUENCE);
	derw_put(w, NAME_URI, bytes_str(q->uri));
	for (size_t i = 0; i < q->dns_count; i++)
		derw_put(w, NAME_DNS, bytes_str(q->dns[i]));
	for (size_t i = 0; i < q->ip_count; i++)
		if (!put_address(w, q->ip[i], e))
			return false;
	derw_end(w);
	end_extension(w);
	return true;
}

/* 127 bits and never zero: positive, of constant length, not to be guessed (E8). */
static void draw_serial(uint8_t serial[CERT_SERIAL])
{
	crypto_random(serial, CERT_SERIAL);
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
}

static bool put_tbs(const struct cert_request *q, const struct cert_issuer *by, struct buf *out,
		    struct err *e)
{
	uint8_t serial[CERT_SERIAL];
	uint8_t own_id[CERT_KEY_ID];
	bool is_ca = q->profile == CERT_CA;
	struct derw w;

	auto_key struct key *key = key_public(q->spki, e);
	if (!key)
		return false;
	key_id(key, own_id);
	draw_serial(serial);
	derw_init(&w, out);
	derw_begin(&w, DER_SEQUENCE);
	derw_begin(&w, DER_CONTEXT_CONSTRUCTED | 0);
	derw_uint(&w, 2); /* v3 */
	derw_end(&w);
	derw_big_uint(&w, bytes_of(q->serial ? q->serial : serial, CERT_SERIAL));
	put_algorithm(&w);
	if (is_ca)
		put_name(&w, q->common_name);
	else
		derw_raw(&w, by->name);
	derw_begin(&w, DER_SEQUENCE);
	derw_time(&w, q->not_before_ms);
	derw_time(&w, q->not_after_ms);
	derw_end(&w);
	put_name(&w, q->common_name);
	derw_raw(&w, q->spki);
	derw_begin(&w, DER_CONTEXT_CONSTRUCTED | 3);
	derw_begin(&w, DER_SEQUENCE);
	put_usage(&w, q->profile);
	put_key_ids(&w, own_id, is_ca ? own_id : by->key_id);
	if (!put_alt_names(&w, q, e))
		return false;
	derw_end(&w);
	derw_end(&w);
	derw_end(&w);
	return derw_ok(&w) || err_set(e, ERR_INPUT, "certificate is too large");
}

bool cert_issue(const struct cert_request *q, const struct cert_issuer *by, struct buf *out,
		struct err *e)
{
	auto_buf struct buf tbs = { 0 };
	auto_buf struct buf sig = { 0 };
	struct derw w;

	buf_init(&tbs, CERT_MAX_BYTES);
	buf_init(&sig, KEY_SIG_DER_MAX);
	if (!check_request(q, e) || !put_tbs(q, by, &tbs, e) ||
	    !key_sign_message(by->key, buf_bytes(&tbs), &sig, e))
		return err_in(e, "issue certificate");
	if (q->profile == CERT_CA && !bytes_eq(q->spki, key_spki(by->key)))
		return err_set(e, ERR_INPUT, "an authority signs itself");
	derw_init(&w, out);
	derw_begin(&w, DER_SEQUENCE);
	derw_raw(&w, buf_bytes(&tbs));
	put_algorithm(&w);
	derw_bits(&w, buf_bytes(&sig));
	derw_end(&w);
	return derw_ok(&w) || err_set(e, ERR_INPUT, "certificate is too large");
}

/* --- reading --- */

/* What the extensions said, for the checks that need all of them. */
struct seen {
	unsigned uris;
	bool has_alt_name, has_usage;
	uint8_t usage; /* first byte of keyUsage: 0x80 digitalSignature, 0x04 keyCertSign */
};

typedef bool extension_fn(struct der *value, struct cert *c, struct seen *seen, struct err *e);

static bool read_constraints(struct der *value, struct cert *c, struct seen *seen, struct err *e)
{
	struct der in;

	(void)seen;
	der_enter(value, DER_SEQUENCE, &in);
	if (der_is(&in, DER_BOOLEAN))
		c->is_ca = der_bool(&in);
	bool has_default = in.ptr && der_ok(&in) && !c->is_ca && der_more(&in);
	if (c->is_ca && der_more(&in))
		(void)der_uint(&in); /* pathLenConstraint: OpenSSL counts */
	der_leave(value, &in);
	return !has_default || err_set(e, ERR_INPUT, "a path length without an authority");
}

static bool read_usage(struct der *value, struct cert *c, struct seen *seen, struct err *e)
{
	struct bytes bits = der_take(value, DER_BIT_STRING);

	(void)c;
	if (bits.len < 2 || bits.len > 3 || bits.ptr[0] > 7)
		return err_set(e, ERR_INPUT, "key usage is malformed");
	seen->has_usage = true;
	seen->usage = bits.ptr[1];
	return true;
}

static bool read_eku(struct der *value, struct cert *c, struct seen *seen, struct err *e)
{
	struct der in;

	(void)seen;
	(void)e;
	der_enter(value, DER_SEQUENCE, &in);
	while (der_more(&in)) {
		struct bytes oid = der_take(&in, DER_OID);
		if (bytes_eq(oid, OID_CLIENT_AUTH))
			c->eku |= CERT_CLIENT_AUTH;
		else if (bytes_eq(oid, OID_SERVER_AUTH))
			c->eku |= CERT_SERVER_AUTH;
	}
	der_leave(value, &in);
	return true;
}

static bool read_key_id(struct der *value, struct cert *c, struct seen *seen, struct err *e)
{
	(void)seen;
	(void)e;
	c->key_id = der_take(value, DER_OCTET_STRING);
	return true;
}

static bool read_issuer_key_id(struct der *value, struct cert *c, struct seen *seen, struct err *e)
{
	struct der in;

	(void)seen;
	(void)e;
	der_enter(value, DER_SEQUENCE, &in);
	if (der_is(&in, DER_CONTEXT | 0))
		c->issuer_key_id = der_take(&in, DER_CONTEXT | 0);
	(void)der_skip(&in, DER_CONTEXT_CONSTRUCTED | 1);
	(void)der_skip(&in, DER_CONTEXT | 2);
	der_leave(value, &in);
	return true;
}

static bool read_uri(struct str uri, struct cert *c, struct seen *seen, struct err *e)
{
	if (seen->uris++)
		return err_set(e, ERR_INPUT, "two names: want one URI");
	if (!uri_is_good(uri))
		return err_set(e, ERR_INPUT, "'%.*s' is not a name we give",
			       (int)(uri.len < 64 ? uri.len : 64), uri.ptr);
	c->uri = uri;
	return true;
}

static bool read_alt_name(struct der *value, struct cert *c, struct seen *seen, struct err *e)
{
	struct der in;
	size_t count = 0;

	seen->has_alt_name = true;
	der_enter(value, DER_SEQUENCE, &in);
	while (der_more(&in)) {
		unsigned tag;
		struct str name = str_bytes(der_any(&in, &tag));
		if (++count > NAMES_MAX + 1)
			return err_set(e, ERR_INPUT, "too many alternative names");
		if (tag == NAME_URI && !read_uri(name, c, seen, e))
			return false;
		if (tag == NAME_DNS && !dns_is_good(name))
			return err_set(e, ERR_INPUT, "'" STR_FMT "' is not a host name",
				       STR_ARG(name));
		if (tag == NAME_IP && name.len != 4 && name.len != 16)
			return err_set(e, ERR_INPUT, "an address of %zu bytes", name.len);
		if (der_ok(&in) && tag != NAME_URI && tag != NAME_DNS && tag != NAME_IP)
			return err_set(e, ERR_INPUT,
				       "an alternative name of a kind we do not give");
	}
	der_leave(value, &in);
	return true;
}

static const struct {
	struct bytes oid;
	const char *name;
	extension_fn *read;
} extensions[] = {
	{ { (const uint8_t *)"\x55\x1d\x13", 3 }, "basic constraints", read_constraints },
	{ { (const uint8_t *)"\x55\x1d\x0f", 3 }, "key usage", read_usage },
	{ { (const uint8_t *)"\x55\x1d\x25", 3 }, "extended key usage", read_eku },
	{ { (const uint8_t *)"\x55\x1d\x0e", 3 }, "key identifier", read_key_id },
	{ { (const uint8_t *)"\x55\x1d\x23", 3 }, "authority key identifier", read_issuer_key_id },
	{ { (const uint8_t *)"\x55\x1d\x11", 3 }, "alternative name", read_alt_name },
};

static bool read_known(size_t which, struct bytes value, struct cert *c, struct seen *seen,
		       struct err *e)
{
	struct der in = der_of(value);

	if (!extensions[which].read(&in, c, seen, e))
		return false;
	return der_end(&in) || err_set(e, ERR_INPUT, "%s is malformed", extensions[which].name);
}

static bool read_extension(struct der *in, unsigned *have, struct cert *c, struct seen *seen,
			   struct err *e)
{
	struct der ext;

	der_enter(in, DER_SEQUENCE, &ext);
	struct bytes oid = der_take(&ext, DER_OID);
	bool is_critical = der_is(&ext, DER_BOOLEAN) && der_bool(&ext);
	struct bytes value = der_take(&ext, DER_OCTET_STRING);
	der_leave(in, &ext);
	if (!der_ok(in))
		return err_set(e, ERR_INPUT, "an extension is malformed");
	for (size_t i = 0; i < countof(extensions); i++) {
		if (!bytes_eq(oid, extensions[i].oid))
			continue;
		if (*have & 1U << i)
			return err_set(e, ERR_INPUT, "%s twice", extensions[i].name);
		*have |= 1U << i;
		return read_known(i, value, c, seen, e);
	}
	return !is_critical || err_set(e, ERR_INPUT, "an unknown critical extension");
}

static bool read_extensions(struct der *tbs, struct cert *c, struct seen *seen, struct err *e)
{
	struct der outer;
	struct der in;
	unsigned have = 0;

	der_enter(tbs, DER_CONTEXT_CONSTRUCTED | 3, &outer);
	der_enter(&outer, DER_SEQUENCE, &in);
	while (der_more(&in))
		if (!read_extension(&in, &have, c, seen, e))
			return false;
	der_leave(&outer, &in);
	der_leave(tbs, &outer);
	return der_ok(tbs) || err_set(e, ERR_INPUT, "extensions are malformed");
}

/* The one common name of a Name. Every value in it must be plain text of a plain type. */
static bool read_name(struct bytes name, struct str *out, struct err *e)
{
	struct der whole = der_of(name);
	struct der rdns;

	*out = (struct str){ 0 };
	der_enter(&whole, DER_SEQUENCE, &rdns);
	while (der_more(&rdns)) {
		struct der set;
		struct der pair;
		unsigned tag;
		der_enter(&rdns, DER_SET, &set);
		der_enter(&set, DER_SEQUENCE, &pair);
		struct bytes oid = der_take(&pair, DER_OID);
		struct str value = str_bytes(der_any(&pair, &tag));
		der_leave(&set, &pair);
		der_leave(&rdns, &set);
		if (!der_ok(&rdns))
			break;
		if ((tag != DER_UTF8 && tag != DER_PRINTABLE && tag != DER_IA5) ||
		    !common_name_is_good(value))
			return err_set(e, ERR_INPUT, "a name is not plain text");
		if (bytes_eq(oid, OID_COMMON_NAME) && out->len)
			return err_set(e, ERR_INPUT, "two common names");
		if (bytes_eq(oid, OID_COMMON_NAME))
			*out = value;
	}
	return der_end(&rdns) || err_set(e, ERR_INPUT, "a name is malformed");
}

static bool check_use(const struct cert *c, const struct seen *seen, struct err *e)
{
	if (c->is_ca) {
		if (!(seen->usage & 0x04))
			return err_set(e, ERR_INPUT, "an authority that may not sign certificates");
		return !seen->has_alt_name ||
		       err_set(e, ERR_INPUT, "an authority with alternative names");
	}
	if (seen->uris != 1)
		return err_set(e, ERR_INPUT, "no name: want one URI");
	if (!(seen->usage & 0x80) || seen->usage & 0x04)
		return err_set(e, ERR_INPUT, "key usage is not that of a device or service");
	return c->eku || err_set(e, ERR_INPUT, "extended key usage has neither client nor server");
}

static bool is_our_algorithm(struct bytes whole)
{
	struct der d = der_of(whole);
	struct der in;

	der_enter(&d, DER_SEQUENCE, &in);
	return der_oid(&in, OID_ECDSA_SHA256) && der_end(&in) && der_end(&d);
}

static bool read_tbs(struct bytes tbs, struct bytes algorithm, struct cert *c, struct seen *seen,
		     struct err *e)
{
	struct der d = der_of(tbs);
	struct der in;
	struct der part;
	struct str ignored;

	der_enter(&d, DER_SEQUENCE, &in);
	der_enter(&in, DER_CONTEXT_CONSTRUCTED | 0, &part);
	if (der_uint(&part) != 2)
		return err_set(e, ERR_INPUT, "not an X.509 version 3 certificate");
	der_leave(&in, &part);
	c->serial = der_big_uint(&in);
	struct bytes inner = der_whole(&in, DER_SEQUENCE);
	c->issuer = der_whole(&in, DER_SEQUENCE);
	der_enter(&in, DER_SEQUENCE, &part);
	c->not_before_ms = der_time(&part);
	c->not_after_ms = der_time(&part);
	der_leave(&in, &part);
	c->subject = der_whole(&in, DER_SEQUENCE);
	c->spki = der_whole(&in, DER_SEQUENCE);
	if (!der_ok(&in))
		return err_set(e, ERR_INPUT, "certificate is malformed");
	if (!bytes_eq(inner, algorithm))
		return err_set(e, ERR_INPUT, "inner and outer signature algorithm differ");
	if (c->serial.len > SERIAL_MAX || (c->serial.len == 1 && c->serial.ptr[0] == 0))
		return err_set(e, ERR_INPUT, "serial number is zero or too long");
	if (c->not_after_ms < c->not_before_ms)
		return err_set(e, ERR_INPUT, "certificate ends before it begins");
	if (!read_name(c->subject, &c->common_name, e) || !read_name(c->issuer, &ignored, e) ||
	    !read_extensions(&in, c, seen, e))
		return false;
	der_leave(&d, &in);
	return der_end(&d) || err_set(e, ERR_INPUT, "certificate is malformed");
}

bool cert_read(struct bytes der, struct cert *out, struct err *e)
{
	struct der d = der_of(der);
	struct der in;
	struct seen seen = { 0 };

	*out = (struct cert){ .der = der };
	if (der.len > CERT_MAX_BYTES)
		return err_set(e, ERR_INPUT, "certificate is too large");
	der_enter(&d, DER_SEQUENCE, &in);
	out->tbs = der_whole(&in, DER_SEQUENCE);
	struct bytes algorithm = der_whole(&in, DER_SEQUENCE);
	out->signature = der_bits(&in);
	der_leave(&d, &in);
	if (!der_end(&d))
		return err_set(e, ERR_INPUT, "not one DER certificate");
	if (!is_our_algorithm(algorithm))
		return err_set(e, ERR_INPUT, "signature is not ECDSA with SHA-256");
	if (!read_tbs(out->tbs, algorithm, out, &seen, e))
		return false;
	auto_key struct key *key = key_public(out->spki, e);
	if (!key)
		return false;
	if (key_kind(key) != KEY_P256)
		return err_set(e, ERR_INPUT, "public key is not P-256");
	return check_use(out, &seen, e);
}

static bool is_in_time(const struct cert *c, int64_t at_ms, const char *what, struct err *e)
{
	/* Both ends belong to it, in whole seconds (RFC 5280 4.1.2.5). */
	if (at_ms < c->not_before_ms)
		return err_set(e, ERR_INPUT, "%s is not valid yet", what);
	return at_ms < c->not_after_ms + 1000 || err_set(e, ERR_INPUT, "%s has expired", what);
}

bool cert_verify(const struct cert *c, const struct cert *authority, int64_t at_ms, struct err *e)
{
	if (!authority->is_ca)
		return err_set(e, ERR_INPUT, "the signer is not an authority");
	if (!bytes_eq(c->issuer, authority->subject) || authority->key_id.len == 0 ||
	    !bytes_eq(c->issuer_key_id, authority->key_id))
		return err_set(e, ERR_INPUT, "certificate is of another authority");
	if (!is_in_time(authority, at_ms, "authority", e) ||
	    !is_in_time(c, at_ms, "certificate", e))
		return false;
	auto_key struct key *key = key_public(authority->spki, e);
	return key && key_verify_message(key, 256, c->tbs, c->signature, e);
}

/* TBSCertificate up to the key, taking whatever the others put there. */
bool cert_read_spki(struct bytes der, struct bytes *out_spki, struct err *e)
{
	struct der d = der_of(der);
	struct der whole;
	struct der tbs;

	der_enter(&d, DER_SEQUENCE, &whole);
	der_enter(&whole, DER_SEQUENCE, &tbs);
	(void)der_skip(&tbs, DER_CONTEXT_CONSTRUCTED | 0);
	(void)der_take(&tbs, DER_INTEGER);
	(void)der_take(&tbs, DER_SEQUENCE);
	(void)der_take(&tbs, DER_SEQUENCE);
	(void)der_take(&tbs, DER_SEQUENCE);
	(void)der_take(&tbs, DER_SEQUENCE);
	*out_spki = der_whole(&tbs, DER_SEQUENCE);
	return der_ok(&tbs) || err_set(e, ERR_INPUT, "not a certificate");
}

void cert_serial_text(struct bytes serial, char out[CERT_SERIAL_TEXT])
{
	static const char hex[] = "0123456789abcdef";
	size_t n = serial.len < SERIAL_MAX ? serial.len : SERIAL_MAX;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = hex[serial.ptr[i] >> 4];
		out[2 * i + 1] = hex[serial.ptr[i] & 15];
	}
	out[2 * n] = '\0';
}

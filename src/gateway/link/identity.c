#include "gateway/link/link.h"

#include "crypto/csr.h"
#include "crypto/tls.h"
#include "net/est_client.h"
#include "sys/files.h"

enum { RETRY_MS = 2000, KEY_ROOM = 4096 };

static void on_timer(void *ctx);

/* ---- files of the state directory ---- */

static bool read_part(struct link *l, const char *name, struct buf *out, struct err *e)
{
	char path[LINK_PATH];

	buf_done(out);
	buf_init(out, LINK_CERT);
	return path_join(path, sizeof(path), l->set.state_dir, name, e) &&
	       (!file_exists(path) || file_read(path, out, e));
}

static bool write_part(struct link *l, const char *name, struct bytes data, unsigned mode,
		       struct err *e)
{
	char path[LINK_PATH];

	return path_join(path, sizeof(path), l->set.state_dir, name, e) &&
	       file_write(path, data, mode, e);
}

static bool remove_part(struct link *l, const char *name, struct err *e)
{
	char path[LINK_PATH];

	return path_join(path, sizeof(path), l->set.state_dir, name, e) && file_remove(path, e);
}

/* *out stays NULL where there is no such file. */
static bool load_key(struct link *l, const char *name, struct key **out, struct err *e)
{
	char path[LINK_PATH];
	auto_secret struct buf pem = { 0 };

	key_free(*out);
	*out = NULL;
	buf_init(&pem, KEY_ROOM);
	if (!path_join(path, sizeof(path), l->set.state_dir, name, e))
		return false;
	if (!file_exists(path))
		return true;
	if (!file_read_private(path, &pem, e))
		return false;
	*out = key_read_pem(buf_str(&pem), e);
	return *out != NULL;
}

static bool save_key(struct link *l, const char *name, const struct key *key, struct err *e)
{
	auto_secret struct buf pem = { 0 };

	buf_init(&pem, KEY_ROOM);
	return key_write_pem(key, &pem, e) && write_part(l, name, buf_bytes(&pem), 0600, e);
}

/* ---- one pair after another ----
 *
 * A pair is replaced in steps that a kill may part (R5).  The next key and its request are on
 * disk before anybody is asked: the same request again gets the same certificate (E6).  The
 * certificate comes before its key is moved into place, and settle() finishes that move. */

static bool settle(struct link *l, struct err *e)
{
	struct bytes spki;

	if (!load_key(l, "next-key.pem", &l->next_key, e))
		return false;
	if (!l->next_key || !l->certificate.len)
		return true;
	if (!cert_read_spki(buf_bytes(&l->certificate), &spki, e))
		return false;
	if (!bytes_eq(spki, key_spki(l->next_key)))
		return true; /* asked for, not yet here */
	if (!save_key(l, "key.pem", l->next_key, e) || !remove_part(l, "next.csr", e) ||
	    !remove_part(l, "next-key.pem", e))
		return false;
	key_free(l->key);
	l->key = l->next_key;
	l->next_key = NULL;
	return true;
}

static bool make_next(struct link *l, struct buf *csr, struct err *e)
{
	key_free(l->next_key);
	l->next_key = key_generate(KEY_P256, e);
	buf_clear(csr);
	return l->next_key && remove_part(l, "next.csr", e) &&
	       csr_write(l->next_key, str_of(l->set.id), (struct str){ 0 }, csr, e) &&
	       save_key(l, "next-key.pem", l->next_key, e) &&
	       write_part(l, "next.csr", buf_bytes(csr), 0644, e);
}

/* The request that was begun, or a new one. */
static bool next_request(struct link *l, struct buf *csr, struct err *e)
{
	if (!load_key(l, "next-key.pem", &l->next_key, e) || !read_part(l, "next.csr", csr, e))
		return false;
	return (l->next_key && csr->len) || make_next(l, csr, e);
}

static bool make_tls(struct link *l, struct err *e)
{
	struct bytes chain = buf_bytes(&l->certificate);
	struct tls_anchor anchor = { buf_bytes(&l->infra_ca), 1 };
	struct tls_settings set = { .chain = &chain,
				    .chain_count = 1,
				    .key = l->key,
				    .anchors = &anchor,
				    .anchor_count = 1,
				    .peer_path = STR("/server/") };
	struct tls_ctx *made = tls_ctx_new(&set, e);

	if (!made)
		return false;
	if (l->follower)
		http_client_set_tls(l->follower, made);
	if (l->reporter)
		http_client_set_tls(l->reporter, made);
	tls_ctx_free(l->tls);
	l->tls = made;
	return true;
}

bool identity_load(struct link *l, struct err *e)
{
	if (!load_key(l, "key.pem", &l->key, e) || !read_part(l, "cert.der", &l->certificate, e) ||
	    !settle(l, e) || !read_part(l, "infra-ca.der", &l->infra_ca, e) ||
	    !read_part(l, "device-ca.der", &l->device_ca, e))
		return false;
	bool has_all = l->key && l->certificate.len && l->infra_ca.len && l->device_ca.len;
	return !has_all || make_tls(l, e);
}

void identity_tell(struct link *l)
{
	auto_secret struct buf pem = { 0 }, body = { 0 };
	struct err e = { 0 };

	if (!l->tls)
		return;
	buf_init(&pem, KEY_ROOM);
	buf_init(&body, 1 << 16);
	if (!key_write_pem(l->key, &pem, &e)) {
		log_fail(&link_events[LINK_FAILED], &e);
		return;
	}
	struct gate_identity id = { buf_bytes(&l->certificate), buf_bytes(&pem),
				    buf_bytes(&l->device_ca) };
	uint8_t *room = buf_room(&body, 1 << 15);
	struct wr w = wr_of(room, 1 << 15);
	gate_identity_write(&w, &id);
	if (wr_ok(&w))
		(void)ipc_tell(l->relay, GATE_IDENTITY, wr_bytes(&w));
}

/* ---- enrolment and renewal ---- */

static bool save(struct link *l, const struct est_result *got, struct err *e)
{
	/* The certificate last: it is what says that all is there. */
	return write_part(l, "infra-ca.der", got->infra_ca, 0644, e) &&
	       write_part(l, "device-ca.der", got->device_ca, 0644, e) &&
	       write_part(l, "cert.der", got->certificate, 0644, e);
}

static void arm_renewal(struct link *l)
{
	struct cert c;
	struct err e = { 0 };
	int64_t wait = RETRY_MS;

	if (cert_read(buf_bytes(&l->certificate), &c, &e)) {
		int64_t at = c.not_before_ms + (c.not_after_ms - c.not_before_ms) * 2 / 3;
		wait = at - loop_wall_ms(l->loop);
	}
	timer_set(l->enrolling, wait > RETRY_MS ? wait : RETRY_MS);
}

static void failed(struct link *l, const struct err *e, int64_t wait_ms)
{
	log_fail(&link_events[LINK_ENROL_FAILED], e);
	key_free(l->next_key);
	l->next_key = NULL;
	timer_set(l->enrolling, wait_ms > RETRY_MS ? wait_ms : RETRY_MS);
}

static void on_certificate(void *ctx, const struct est_result *got, const struct err *why,
			   int64_t wait_ms)
{
	struct link *l = ctx;
	struct err e = { 0 };

	if (!got || !save(l, got, &e)) {
		failed(l, got ? &e : why, wait_ms);
	} else {
		if (!identity_load(l, &e)) {
			log_fail(&link_events[LINK_FAILED], &e);
			loop_stop(l->loop);
			return;
		}
		log_event(&link_events[LINK_ENROLLED]);
		identity_tell(l);
		follow_start(l);
		report_start(l);
		arm_renewal(l);
	}
	est_free(l->est);
	l->est = NULL;
}

static bool first_time(struct link *l, struct bytes csr, struct err *e)
{
	struct est_code code;

	if (l->code_text.len == 0)
		return err_set(e, ERR_MISSING, "no certificate, and no gate.code-file to get one");
	if (!est_code_read(l->code_text, &code, e))
		return false;
	l->est = est_enrol(l->loop, &l->enrol, &code, csr, on_certificate, l, e);
	return l->est != NULL;
}

static bool ask(struct link *l, struct err *e)
{
	auto_buf struct buf csr = { 0 };

	if (!next_request(l, &csr, e))
		return false;
	if (!l->tls)
		return first_time(l, buf_bytes(&csr), e);
	l->est = est_renew(l->loop, &l->control, l->tls, buf_bytes(&csr), buf_bytes(&l->infra_ca),
			   on_certificate, l);
	return true;
}

static void on_timer(void *ctx)
{
	struct link *l = ctx;
	struct err e = { 0 };

	if (!l->est && !ask(l, &e))
		failed(l, &e, 0);
}

void identity_start(struct link *l)
{
	l->enrolling = loop_timer(l->loop, on_timer, l);
	if (!l->tls) {
		timer_set(l->enrolling, 0);
		return;
	}
	identity_tell(l);
	arm_renewal(l);
}

/* main.c - agent-keys: the room that holds this device's keys, in a TPM or in files.
 *
 * All it can do is the table at the end; anything else ends the link.  It reads nothing from
 * the network: what net brings (certificates, credentials) is checked against its own keys.
 */
#include <unistd.h>

#include "agent/events.h"
#include "agent/keys/identity.h"
#include "agent/keys/workload.h"
#include "agent/walls.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "sys/files.h"
#include "sys/ipc.h"
#include "sys/role.h"
#include "sys/sandbox.h"
#include "tpm/tpm.h"

enum { PATH_LEN = 512, CODE_MAX = 1024, PATHS_MAX = WORKLOADS_MAX + 3 };

struct room {
	struct settings set;
	struct identity id;
	struct workloads workloads;
	struct buf ak; /* blob of the attestation key */
	struct loop *loop;
	struct ipc *net;
};

/* Answers with what was written to out, or says why not. */
static bool answer(struct room *room, const struct ipc_msg *m, bool ok, const struct buf *out,
		   const struct err *e)
{
	return ok ? ipc_answer(room->net, m->request, out ? buf_bytes(out) : (struct bytes){ 0 })
		  : ipc_refuse(room->net, m->request, e);
}

static bool is_short(const struct rd *r, struct err *e)
{
	return !rd_end(r) && !err_set(e, ERR_INPUT, "message from net is malformed");
}

/* --- the identity --- */

static struct bytes certificate_of(const struct room *room, enum agent_which which)
{
	return buf_bytes(&room->id.slot[which].certificate);
}

/* The code is offered for as long as nothing was installed. */
static void read_code(const struct room *room, struct buf *out)
{
	struct err ignored;

	if (room->set.code_file[0] && !file_read_private(room->set.code_file, out, &ignored))
		buf_clear(out);
}

static bool tell_state(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct room *room = ctx;
	auto_buf struct buf out = { 0 };
	auto_buf struct buf code = { 0 };

	(void)link;
	buf_init(&out, AGENT_BODY_MAX);
	buf_init(&code, CODE_MAX);
	read_code(room, &code);
	struct agent_state s = { .certificate = { certificate_of(room, AGENT_CURRENT),
						  certificate_of(room, AGENT_NEXT) },
				 .infra_ca = buf_bytes(&room->id.infra_ca),
				 .device_ca = buf_bytes(&room->id.device_ca),
				 .has_request = room->id.slot[AGENT_NEXT].request.len > 0,
				 .code = buf_str(&code) };
	bool ok = agent_state_write(&s, &out);
	mem_wipe(code.ptr, code.len);
	return answer(room, m, ok, &out, e);
}

static bool sign(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct room *room = ctx;
	struct rd r = rd_of(m->body);
	uint8_t which = rd_u8(&r);
	struct bytes digest = rd_take(&r, KEY_DIGEST);
	uint8_t sig[KEY_SIG];

	(void)link;
	if (is_short(&r, e) || which > AGENT_NEXT)
		return err_set(e, ERR_INPUT, "sign: malformed");
	const struct key *key = room->id.slot[which].key;
	if (!key)
		return answer(room, m, err_set(e, ERR_MISSING, "there is no such key"), NULL, e);
	if (!key_sign_digest(key, digest.ptr, sig, e))
		return answer(room, m, false, NULL, e);
	return ipc_answer(room->net, m->request, bytes_of(sig, sizeof(sig)));
}

static bool request(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct room *room = ctx;
	struct bytes der;

	(void)link;
	if (!identity_request(&room->id, &der, e))
		return answer(room, m, false, NULL, e);
	return ipc_answer(room->net, m->request, der);
}

static bool install(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct room *room = ctx;
	struct rd r = rd_of(m->body);
	struct bytes certificate = rd_bytes16(&r);
	struct bytes infra_ca = rd_bytes16(&r);
	struct bytes device_ca = rd_bytes16(&r);

	(void)link;
	if (is_short(&r, e))
		return false;
	return answer(room, m, identity_install(&room->id, certificate, infra_ca, device_ca, e),
		      NULL, e);
}

/* A service's credential files are its own identity. */
static bool export(struct room *room, struct err *e)
{
	const struct identity_slot *own = &room->id.slot[AGENT_CURRENT];

	if (room->set.kind != SETTINGS_SERVICE || own->certificate.len == 0)
		return true;
	for (size_t i = 0; i < room->workloads.count; i++)
		if (!workload_export(&room->workloads.at[i], own->key, buf_bytes(&own->certificate),
				     buf_bytes(&room->id.infra_ca), e))
			return false;
	return true;
}

static bool adopt(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct room *room = ctx;

	(void)link;
	return answer(room, m, identity_adopt(&room->id, e) && export(room, e), NULL, e);
}

/* --- the TPM --- */

static bool ak_path(const struct room *room, char out[PATH_LEN], struct err *e)
{
	return path_join(out, PATH_LEN, room->set.state_dir, "ak.tpm", e);
}

static bool ak_make(struct room *room, const char *path, struct err *e)
{
	buf_clear(&room->ak);
	return tpm_key_new(room->set.tcti, TPM_KEY_ATTEST, &room->ak, e) &&
	       file_write(path, buf_bytes(&room->ak), 0600, e);
}

static bool ak_open(struct room *room, struct err *e)
{
	char path[PATH_LEN];

	if (room->set.key != SETTINGS_TPM)
		return err_set(e, ERR_MISSING, "this device has no TPM");
	if (room->ak.len)
		return true;
	if (!ak_path(room, path, e))
		return false;
	if (file_exists(path))
		return file_read_private(path, &room->ak, e);
	return ak_make(room, path, e);
}

static bool put_three(struct buf *out, struct bytes a, struct bytes b, struct bytes c)
{
	uint8_t *room = buf_room(out, a.len + b.len + c.len + 6);
	struct wr w = wr_of(room, room ? a.len + b.len + c.len + 6 : 0);

	wr_bytes16(&w, a);
	wr_bytes16(&w, b);
	wr_bytes16(&w, c);
	if (!wr_ok(&w))
		return false;
	buf_added(out, w.len);
	return true;
}

static bool tell_tpm(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct room *room = ctx;
	auto_buf struct buf out = { 0 };
	auto_buf struct buf ek = { 0 };
	auto_buf struct buf certificate = { 0 };
	struct bytes ak;

	(void)link;
	buf_init(&out, AGENT_BODY_MAX);
	buf_init(&ek, TPM_PUBLIC_MAX);
	buf_init(&certificate, TPM_CERTIFICATE_MAX);
	bool ok = ak_open(room, e) && tpm_read_ek(room->set.tcti, &ek, &certificate, e) &&
		  tpm_key_public(buf_bytes(&room->ak), &ak, e) &&
		  (put_three(&out, buf_bytes(&ek), buf_bytes(&certificate), ak) ||
		   err_set(e, ERR_SYSTEM, "TPM identity is too large"));
	return answer(room, m, ok, &out, e);
}

static bool activate(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct room *room = ctx;
	struct rd r = rd_of(m->body);
	struct bytes blob = rd_bytes16(&r);
	struct bytes secret = rd_bytes16(&r);
	auto_buf struct buf out = { 0 };

	(void)link;
	if (is_short(&r, e))
		return false;
	buf_init(&out, 64);
	bool ok = ak_open(room, e) &&
		  tpm_activate(room->set.tcti, buf_bytes(&room->ak), blob, secret, &out, e);
	return answer(room, m, ok, &out, e);
}

static bool put_quote(struct buf *out, const struct tpm_evidence *got)
{
	const struct tpm_pcrs *pcrs = &got->pcrs;
	uint8_t values[4 + TPM_PCRS * SHA256_LEN];
	struct wr w = wr_of(values, sizeof(values));

	wr_u32(&w, pcrs->mask);
	for (size_t i = 0; i < TPM_PCRS; i++)
		if (pcrs->mask & 1U << i)
			wr_put(&w, bytes_of(pcrs->value[i], SHA256_LEN));
	return wr_ok(&w) &&
	       put_three(out, buf_bytes(&got->quote), buf_bytes(&got->signature), wr_bytes(&w));
}

static bool quote(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct room *room = ctx;
	struct rd r = rd_of(m->body);
	struct bytes extra = rd_take(&r, SHA256_LEN);
	uint32_t mask = rd_u32(&r);
	struct tpm_evidence got = { 0 };
	auto_buf struct buf out = { 0 };

	(void)link;
	buf_init(&out, AGENT_BODY_MAX);
	if (is_short(&r, e))
		return false;
	buf_init(&got.quote, TPM_QUOTE_MAX);
	buf_init(&got.signature, TPM_QUOTE_MAX);
	bool ok = ak_open(room, e) &&
		  tpm_quote(room->set.tcti, buf_bytes(&room->ak), extra.ptr, mask, &got, e) &&
		  (put_quote(&out, &got) || err_set(e, ERR_SYSTEM, "quote is too large"));
	buf_done(&got.quote);
	buf_done(&got.signature);
	return answer(room, m, ok, &out, e);
}

/* --- workloads --- */

static struct workload *find(struct room *room, struct str name, struct err *e)
{
	struct workload *w = workloads_find(&room->workloads, name);

	if (!w)
		(void)err_set(e, ERR_MISSING, "no workload '" STR_FMT "'", STR_ARG(name));
	return w;
}

static bool request_workload(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct room *room = ctx;
	struct rd r = rd_of(m->body);
	struct str name = rd_str16(&r);
	auto_buf struct buf out = { 0 };

	(void)link;
	if (is_short(&r, e))
		return false;
	buf_init(&out, AGENT_BODY_MAX);
	struct workload *w = find(room, name, e);
	return answer(room, m, w && workload_request(w, &out, e), &out, e);
}

static bool install_workload(void *ctx, struct ipc *link, const struct ipc_msg *m, struct err *e)
{
	struct room *room = ctx;
	struct rd r = rd_of(m->body);
	struct str name = rd_str16(&r);
	struct bytes certificate = rd_bytes16(&r);

	(void)link;
	if (is_short(&r, e))
		return false;
	struct workload *w = find(room, name, e);
	return answer(room, m,
		      w && workload_install(w, certificate, buf_bytes(&room->id.infra_ca), e), NULL,
		      e);
}

/* --- the room --- */

static const struct ipc_row net_asks[] = {
	{ AGENT_STATE, "state", IPC_OFTEN, 0, tell_state },
	{ AGENT_SIGN, "sign", IPC_RATE, 50, sign },
	{ AGENT_REQUEST, "request", IPC_RATE, 5, request },
	{ AGENT_INSTALL, "install", IPC_RATE, 5, install },
	{ AGENT_ADOPT, "adopt", IPC_RATE, 5, adopt },
	{ AGENT_TPM, "tpm", IPC_RATE, 5, tell_tpm },
	{ AGENT_ACTIVATE, "activate", IPC_RATE, 5, activate },
	{ AGENT_QUOTE, "quote", IPC_RATE, 20, quote },
	{ AGENT_WORKLOAD_REQUEST, "workload-request", IPC_RATE, 50, request_workload },
	{ AGENT_WORKLOAD_INSTALL, "workload-install", IPC_RATE, 50, install_workload },
};

static void net_was_lost(void *ctx, struct ipc *link, const struct err *why)
{
	(void)ctx;
	(void)link;
	if (why->kind)
		log_fail(&agent_event_failed, why);
}

static void on_link(void *ctx, struct str name, int fd)
{
	struct room *room = ctx;

	(void)name;
	ipc_replace(room->net, fd);
}

/* A TPM behind a socket is dialled for every visit, one behind a device is a file. */
static bool shut_in(const struct room *room, struct err *e)
{
	struct sandbox_path paths[PATHS_MAX] = { { room->set.state_dir,
						   SANDBOX_READ | SANDBOX_WRITE } };
	struct sandbox box = { .promises = "stdio files fdpass", .paths = paths, .path_count = 1 };
	bool has_tpm = room->set.key == SETTINGS_TPM;

	for (size_t i = 0; i < room->workloads.count; i++)
		paths[box.path_count++] = (struct sandbox_path){ room->workloads.at[i].row.dir,
								 SANDBOX_READ | SANDBOX_WRITE };
	if (room->set.code_file[0])
		paths[box.path_count++] =
			(struct sandbox_path){ room->set.code_file, SANDBOX_READ };
	if (has_tpm && str_starts(str_of(room->set.tcti), STR("device:")))
		paths[box.path_count++] = (struct sandbox_path){ room->set.tcti + strlen("device:"),
								 SANDBOX_READ | SANDBOX_WRITE };
	else if (has_tpm)
		box.promises = "stdio files dial fdpass";
	box.need =
		room->set.sandbox == SANDBOX_BEST_EFFORT ? SANDBOX_BEST_EFFORT : SANDBOX_REQUIRED;
	return sandbox_enter(&box, e);
}

static bool open_room(struct room *room, const char *config, struct arena *mem, struct err *e)
{
	if (!secret_start(e) || !settings_load(config, mem, &room->set, e) ||
	    !dir_make(room->set.state_dir, 0700, e) ||
	    !workloads_open(&room->set, &room->workloads, e) ||
	    !identity_open(&room->set, &room->id, e))
		return false;
	if (room->set.key == SETTINGS_TPM && !tpm_address_ok(room->set.tcti, e))
		return false;
	buf_init(&room->ak, TPM_BLOB_MAX);
	return export(room, e);
}

static bool run(struct room *room, struct err *e)
{
	const struct ipc_settings link = { .rows = net_asks,
					   .count = countof(net_asks),
					   .max_body = AGENT_BODY_MAX,
					   .ctx = room,
					   .on_lost = net_was_lost };

	room->loop = loop_new(clock_real());
	room->net = ipc_new(room->loop, role_fd("net"), &link);
	role_on_link(room->loop, on_link, room);
	return shut_in(room, e) && loop_run(room->loop, e);
}

int main(int argc, char **argv)
{
	static struct room room;
	struct arena *mem = arena_new(1 << 20);
	struct err e = { 0 };

	role_start("keys");
	(void)setenv("TSS2_LOG", "all+NONE", 0); /* what went wrong is in our own words */
	if (argc != 2)
		(void)err_set(&e, ERR_INPUT, "want the name of the configuration");
	else if (open_room(&room, argv[1], mem, &e) && run(&room, &e))
		return 0;
	log_fail(&agent_event_failed, &e);
	return err_exit_code(e.kind);
}

/* test_audit_log.c - an export verifies, and one changed byte anywhere is found and named. */
#include "base/arena.h"
#include "base/buf.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "crypto/key.h"
#include "crypto/merkle.h"
#include "crypto/note.h"
#include "ctl/audit_log.h"

#include "test.h"

enum { RECORDS = 7 };

struct log {
	struct key *key;
	char vkey[200];
	struct buf text;
};

static void put_note(struct log *l, const struct merkle *tree)
{
	struct note n = { STR("muster.local/audit"), tree->size, merkle_root(tree) };
	auto_buf struct buf note = { 0 };
	struct err e = { 0 };

	buf_init(&note, 4096);
	check(note_write(&n, l->key, &note, &e), "note signed");
	buf_printf(&l->text, "note %llu ", (unsigned long long)tree->size);
	base64_write(&l->text, buf_bytes(&note), BASE64_URL);
	buf_putc(&l->text, '\n');
}

/* A log of seven records with notes after the third and the seventh. */
static void make_log(struct log *l)
{
	struct merkle tree = { 0 };
	auto_buf struct buf vkey = { 0 };
	struct err e = { 0 };

	l->key = key_generate(KEY_ED25519, &e);
	buf_init(&vkey, 200);
	buf_init(&l->text, 1 << 16);
	check(l->key && note_key_write(STR("muster.local/audit"), l->key, &vkey), "key");
	snprintf(l->vkey, sizeof(l->vkey), STR_FMT, STR_ARG(buf_str(&vkey)));
	buf_printf(&l->text, "muster-audit-1 muster.local/audit %s\n", l->vkey);
	for (unsigned i = 0; i < RECORDS; i++) {
		char record[100];
		int len = snprintf(record, sizeof(record),
				   "{\"index\":%u,\"at\":1,\"kind\":\"device.enrolled\"}", i);
		struct merkle_hash leaf = merkle_leaf(bytes_of(record, (size_t)len));

		buf_puts(&l->text, STR("record "));
		hex_write(&l->text, (struct bytes){ leaf.b, sizeof(leaf.b) });
		buf_printf(&l->text, " %s\n", record);
		merkle_add(&tree, leaf);
		if (i == 2 || i == RECORDS - 1)
			put_note(l, &tree);
	}
}

static void end_log(struct log *l)
{
	key_free(l->key);
	buf_done(&l->text);
}

static void a_whole_log_verifies(void **state)
{
	struct audit_report r;
	struct err e = { 0 };
	struct log l;

	(void)state;
	make_log(&l);
	check(audit_log_verify(buf_str(&l.text), str_of(l.vkey), &r, &e), e.text);
	check(r.records == RECORDS && r.size == RECORDS, "all records are vouched for");
	check(audit_log_verify(buf_str(&l.text), STR(""), &r, &e), "by its own word too");
	end_log(&l);
}

static void no_byte_can_change_unnoticed(void **state)
{
	struct log l;

	(void)state;
	make_log(&l);
	for (size_t i = 0; i < l.text.len; i++) {
		struct audit_report r;
		struct err e = { 0 };
		uint8_t was = l.text.ptr[i];

		l.text.ptr[i] ^= 1;
		/* The header's own key is not believed: it may say what it likes. */
		bool is_header_key =
			i >= sizeof("muster-audit-1 ") - 1 &&
			i < strlen("muster-audit-1 muster.local/audit ") + strlen(l.vkey);
		bool is_good = audit_log_verify(buf_str(&l.text), str_of(l.vkey), &r, &e);

		if (is_good && !is_header_key)
			fail_msg("byte %zu changed and nobody noticed", i);
		l.text.ptr[i] = was;
	}
	end_log(&l);
}

static void replace(struct log *l, const char *from, const char *to)
{
	char *at = memmem(l->text.ptr, l->text.len, from, strlen(from));

	check(at && strlen(from) == strlen(to), "the case fits");
	memcpy(at, to, strlen(to));
}

static void the_first_bad_record_is_named(void **state)
{
	struct audit_report r;
	struct err e = { 0 };
	struct log l;

	(void)state;
	make_log(&l);
	replace(&l, "{\"index\":4,\"at\":1,\"kind\":\"device.enrolled\"}",
		"{\"index\":4,\"at\":1,\"kind\":\"device.restored\"}");
	check(!audit_log_verify(buf_str(&l.text), str_of(l.vkey), &r, &e), "refused");
	check(e.kind == ERR_CONFLICT && strstr(e.text, "record 4:"), e.text);
	end_log(&l);
}

/* Who changes a record and its leaf is found by the next note: the range is named. */
static void a_forged_leaf_is_found_by_its_note(void **state)
{
	static const char forged[] = "{\"index\":4,\"at\":1,\"kind\":\"device.restored\"}";
	struct merkle_hash was, leaf = merkle_leaf(bytes_of(forged, sizeof(forged) - 1));
	auto_arena struct arena *mem = arena_new(4096);
	struct audit_report r;
	struct err e = { 0 };
	struct log l;

	(void)state;
	make_log(&l);
	was = merkle_leaf(bytes_str(STR("{\"index\":4,\"at\":1,\"kind\":\"device.enrolled\"}")));
	replace(&l, hex_text((struct bytes){ was.b, 32 }, mem).ptr,
		hex_text((struct bytes){ leaf.b, 32 }, mem).ptr);
	replace(&l, "{\"index\":4,\"at\":1,\"kind\":\"device.enrolled\"}", forged);
	check(!audit_log_verify(buf_str(&l.text), str_of(l.vkey), &r, &e), "refused");
	check(strstr(e.text, "records 3 to 6"), e.text);
	end_log(&l);
}

static void a_log_cut_short_is_found(void **state)
{
	struct audit_report r;
	struct err e = { 0 };
	struct log l;
	char *cut;

	(void)state;
	make_log(&l);
	cut = memmem(l.text.ptr, l.text.len, "note 7", 6);
	check(audit_log_verify(
		      (struct str){ (char *)l.text.ptr, (size_t)(cut - (char *)l.text.ptr) },
		      str_of(l.vkey), &r, &e),
	      "records after the last note are unproven");
	check(r.records == RECORDS && r.size == 3, "and said to be so");
	check(!audit_log_verify(str_head(buf_str(&l.text), l.text.len - 3), str_of(l.vkey), &r, &e),
	      "half a line is refused");
	end_log(&l);
}

static void another_key_proves_nothing(void **state)
{
	struct audit_report r;
	struct err e = { 0 };
	struct log l, other;

	(void)state;
	make_log(&l);
	make_log(&other);
	check(!audit_log_verify(buf_str(&l.text), str_of(other.vkey), &r, &e), "refused");
	check(e.kind == ERR_CONFLICT, e.text);
	end_log(&l);
	end_log(&other);
}

static void what_is_no_log_is_refused(void **state)
{
	static const char *const texts[] = { "", "\n", "hello\n", "muster-audit-1 x\n",
					     "muster-audit-2 a b\n" };
	struct audit_report r;

	(void)state;
	for (size_t i = 0; i < countof(texts); i++) {
		struct err e = { 0 };

		check(!audit_log_verify(str_of(texts[i]), STR(""), &r, &e), texts[i]);
	}
}

RUN_TESTS(cmocka_unit_test(a_whole_log_verifies), cmocka_unit_test(no_byte_can_change_unnoticed),
	  cmocka_unit_test(the_first_bad_record_is_named),
	  cmocka_unit_test(a_forged_leaf_is_found_by_its_note),
	  cmocka_unit_test(a_log_cut_short_is_found), cmocka_unit_test(another_key_proves_nothing),
	  cmocka_unit_test(what_is_no_log_is_refused))

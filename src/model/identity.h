/* identity.h - who is this, written as one name?
 *
 * Every principal has one SPIFFE ID, the only URI SAN of its certificate:
 *
 *	spiffe://<domain>/device/<id>
 *	spiffe://<domain>/device/<id>/workload/<name>
 *	spiffe://<domain>/service/<id>   /gate/<id>   /sensor/<id>   /user/<id>
 *	spiffe://<domain>/server/<role>
 *
 * and one short text, `device/pump-1`, used in the feed, records and the CLI.
 * identity_id_ok() is asked at registration and again whenever a name arrives
 * from outside (T5): no wildcard, slash, control or non-ASCII byte ever enters.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum identity_kind {
	IDENTITY_NONE,
	IDENTITY_DEVICE,
	IDENTITY_WORKLOAD, /* a program on a device */
	IDENTITY_SERVICE,
	IDENTITY_USER,
	IDENTITY_GATE,
	IDENTITY_SENSOR,
	IDENTITY_SERVER, /* a listener of musterd; id is its role */
	IDENTITY_KINDS,
};

enum { IDENTITY_ID_MAX = 63 };

struct identity {
	enum identity_kind kind;
	struct str domain;   /* "muster.local"; empty when read from short text */
	struct str id;       /* the device's id when this is a workload */
	struct str workload; /* empty unless kind is IDENTITY_WORKLOAD */
};

/* [A-Za-z0-9][A-Za-z0-9._-]{0,62}: ids of principals, sites, groups, models, workloads. */
bool identity_id_ok(struct str id);
bool identity_domain_ok(struct str domain); /* a lower-case DNS name */

/* Views of *out point into uri.  Refuses everything that is not exactly one of the forms. */
bool identity_read(struct str uri, struct identity *out, struct err *e) must_check;
bool identity_write(const struct identity *id, struct buf *out, struct err *e) must_check;

/* The short text, without the domain: "device/pump-1", "device/pump-1/workload/telemetry". */
bool identity_read_short(struct str text, struct identity *out, struct err *e) must_check;
bool identity_write_short(const struct identity *id, struct buf *out, struct err *e) must_check;

const char *identity_kind_name(enum identity_kind kind); /* "device"; "none" for zero */
enum identity_kind identity_kind_of(struct str name);    /* IDENTITY_NONE when unknown */

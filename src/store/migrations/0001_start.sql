-- Every table carries realm and site; seq and audit index are given in commit order under head rows.
CREATE TABLE principal (
	realm TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, site TEXT NOT NULL,
	model TEXT NOT NULL, groups TEXT NOT NULL, names TEXT NOT NULL, status TEXT NOT NULL,
	firmware TEXT NOT NULL, tags TEXT NOT NULL, posture TEXT NOT NULL,
	key_assurance TEXT NOT NULL, is_held INTEGER NOT NULL, held_by TEXT NOT NULL,
	held_why TEXT NOT NULL, generation INTEGER NOT NULL, created_ms INTEGER NOT NULL,
	attested TEXT NOT NULL, attested_ms INTEGER NOT NULL, attested_evidence TEXT NOT NULL,
	PRIMARY KEY (realm, kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE code (
	realm TEXT NOT NULL, secret_hash BLOB NOT NULL, site TEXT NOT NULL, kind TEXT NOT NULL,
	id TEXT NOT NULL, expires_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL,
	used_csr BLOB NOT NULL, certificate BLOB NOT NULL, made_by TEXT NOT NULL,
	PRIMARY KEY (realm, secret_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE certificate (
	realm TEXT NOT NULL, serial BLOB NOT NULL, site TEXT NOT NULL, kind TEXT NOT NULL,
	id TEXT NOT NULL, workload TEXT NOT NULL, spki_sha256 BLOB NOT NULL,
	csr_sha256 BLOB NOT NULL, generation INTEGER NOT NULL, not_before_ms INTEGER NOT NULL,
	not_after_ms INTEGER NOT NULL, revoked_ms INTEGER NOT NULL, revoked_why TEXT NOT NULL,
	der BLOB NOT NULL,
	PRIMARY KEY (realm, serial)
) STRICT, WITHOUT ROWID;
CREATE INDEX certificate_of ON certificate (realm, kind, id, not_before_ms);
CREATE INDEX certificate_page ON certificate (realm, not_before_ms);
CREATE INDEX certificate_revoked ON certificate (realm, not_after_ms) WHERE revoked_ms > 0;

CREATE TABLE tpm (
	realm TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, site TEXT NOT NULL,
	ticket TEXT NOT NULL, ek_public BLOB NOT NULL, ek_certificate BLOB NOT NULL,
	ak_public BLOB NOT NULL, ak_name BLOB NOT NULL, secret_hash BLOB NOT NULL,
	registered_ms INTEGER NOT NULL, activated_ms INTEGER NOT NULL,
	is_hardware INTEGER NOT NULL, has_quote INTEGER NOT NULL, clock INTEGER NOT NULL,
	firmware INTEGER NOT NULL, reset_count INTEGER NOT NULL, restart_count INTEGER NOT NULL,
	PRIMARY KEY (realm, kind, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE reference (
	realm TEXT NOT NULL, model TEXT NOT NULL, version INTEGER NOT NULL, site TEXT NOT NULL,
	not_before_ms INTEGER NOT NULL, not_after_ms INTEGER NOT NULL, line TEXT NOT NULL,
	PRIMARY KEY (realm, model, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE release_key (
	realm TEXT NOT NULL, name TEXT NOT NULL, site TEXT NOT NULL, spki BLOB NOT NULL,
	at_ms INTEGER NOT NULL, made_by TEXT NOT NULL,
	PRIMARY KEY (realm, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE evidence (
	realm TEXT NOT NULL, id TEXT NOT NULL, site TEXT NOT NULL, kind TEXT NOT NULL,
	principal TEXT NOT NULL, source TEXT NOT NULL, at_ms INTEGER NOT NULL,
	verdict TEXT NOT NULL, body TEXT NOT NULL,
	PRIMARY KEY (realm, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX evidence_of ON evidence (realm, kind, principal, at_ms);

CREATE TABLE signal (
	realm TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, source TEXT NOT NULL,
	name TEXT NOT NULL, site TEXT NOT NULL, weight INTEGER NOT NULL,
	observed_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, half_life_ms INTEGER NOT NULL,
	evidence_id TEXT NOT NULL,
	PRIMARY KEY (realm, kind, id, source, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE policy (
	realm TEXT NOT NULL, version INTEGER NOT NULL, site TEXT NOT NULL, digest TEXT NOT NULL,
	body TEXT NOT NULL, at_ms INTEGER NOT NULL, made_by TEXT NOT NULL,
	PRIMARY KEY (realm, version)
) STRICT, WITHOUT ROWID;

-- The head of the whole log is the stream ''.
CREATE TABLE head (
	realm TEXT NOT NULL, stream TEXT NOT NULL, site TEXT NOT NULL, seq INTEGER NOT NULL,
	PRIMARY KEY (realm, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE feed (
	realm TEXT NOT NULL, seq INTEGER NOT NULL, prev INTEGER NOT NULL, stream TEXT NOT NULL,
	site TEXT NOT NULL, kind TEXT NOT NULL, at_ms INTEGER NOT NULL, json TEXT NOT NULL,
	signature BLOB NOT NULL,
	PRIMARY KEY (realm, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX feed_unsigned ON feed (realm, seq) WHERE length(signature) = 0;

CREATE TABLE attributes (
	realm TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL,
	site TEXT NOT NULL, body TEXT NOT NULL,
	PRIMARY KEY (realm, kind, id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
	realm TEXT NOT NULL, idx INTEGER NOT NULL, site TEXT NOT NULL, at_ms INTEGER NOT NULL,
	record TEXT NOT NULL, leaf BLOB NOT NULL,
	PRIMARY KEY (realm, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
	realm TEXT NOT NULL, size INTEGER NOT NULL, site TEXT NOT NULL, note TEXT NOT NULL,
	PRIMARY KEY (realm, size)
) STRICT, WITHOUT ROWID;

CREATE TABLE decision (
	realm TEXT NOT NULL, id TEXT NOT NULL, site TEXT NOT NULL, at_ms INTEGER NOT NULL,
	gate TEXT NOT NULL, principal TEXT NOT NULL, action TEXT NOT NULL,
	resource TEXT NOT NULL, effect TEXT NOT NULL, record TEXT NOT NULL,
	PRIMARY KEY (realm, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX decision_at ON decision (realm, at_ms, id);
CREATE INDEX decision_of ON decision (realm, principal, at_ms);

CREATE TABLE gate (
	realm TEXT NOT NULL, id TEXT NOT NULL, site TEXT NOT NULL, acked INTEGER NOT NULL,
	dropped INTEGER NOT NULL, at_ms INTEGER NOT NULL, counters TEXT NOT NULL,
	PRIMARY KEY (realm, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE answer (
	realm TEXT NOT NULL, key TEXT NOT NULL, site TEXT NOT NULL, body BLOB NOT NULL,
	at_ms INTEGER NOT NULL,
	PRIMARY KEY (realm, key)
) STRICT, WITHOUT ROWID;

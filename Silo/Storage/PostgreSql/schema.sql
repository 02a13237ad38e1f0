-- What the silos of a cluster keep. Every statement can run again on a store that has it.
-- Texts compare byte by byte, as in every other store, whatever the database's locale.

-- Which version of these scripts the store has.
CREATE TABLE IF NOT EXISTS mesh_schema (
  script_hash TEXT NOT NULL
);

-- Grain state. The key is the whole grain id as text: no two ids ever share a row.
CREATE TABLE IF NOT EXISTS grain_state (
  grain_id TEXT COLLATE "C" NOT NULL,
  state_name TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  payload BYTEA NOT NULL,
  PRIMARY KEY (grain_id, state_name)
);

-- Private keys of authorities, sealed. Insert-only.
CREATE TABLE IF NOT EXISTS authority_key (
  key_hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  key_use INTEGER NOT NULL,
  sealed BYTEA NOT NULL
);

-- What was issued. Inserted, and deleted when nobody can refer to it any more.
CREATE TABLE IF NOT EXISTS issuance (
  issuer TEXT COLLATE "C" NOT NULL,
  shard INTEGER NOT NULL,
  idx BIGINT NOT NULL,
  spiffe_id TEXT COLLATE "C" NOT NULL,
  instance_id TEXT COLLATE "C" NOT NULL,
  generation BIGINT NOT NULL,
  csr_hash TEXT COLLATE "C" NOT NULL,
  previous_leaf_hash TEXT COLLATE "C" NOT NULL,
  leaf BYTEA NOT NULL,
  issuer_certificate BYTEA NOT NULL,
  not_after BIGINT NOT NULL,
  PRIMARY KEY (issuer, shard, idx)
);

CREATE UNIQUE INDEX IF NOT EXISTS issuance_by_instance ON issuance (instance_id, generation);
CREATE INDEX IF NOT EXISTS issuance_by_expiry ON issuance (not_after);
CREATE INDEX IF NOT EXISTS issuance_by_identity ON issuance (spiffe_id, not_after);

-- Tokens that were used. The primary key is what makes a token good once.
CREATE TABLE IF NOT EXISTS redemption (
  token_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  csr_hash TEXT COLLATE "C" NOT NULL,
  instance_id TEXT COLLATE "C" NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS redemption_by_expiry ON redemption (expires_at);

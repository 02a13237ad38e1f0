-- What a silo keeps. Every statement can run again on a store that has it.

-- Grain state. The key is the whole grain id as text: no two ids ever share a row.
CREATE TABLE IF NOT EXISTS grain_state (
  grain_id TEXT NOT NULL,
  state_name TEXT NOT NULL,
  version INTEGER NOT NULL,
  payload BLOB NOT NULL,
  PRIMARY KEY (grain_id, state_name)
) WITHOUT ROWID;

-- Private keys of authorities, sealed. Insert-only.
CREATE TABLE IF NOT EXISTS authority_key (
  key_hash TEXT NOT NULL PRIMARY KEY,
  key_use INTEGER NOT NULL,
  sealed BLOB NOT NULL
) WITHOUT ROWID;

-- What was issued. Inserted, and deleted when nobody can refer to it any more.
CREATE TABLE IF NOT EXISTS issuance (
  issuer TEXT NOT NULL,
  shard INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  spiffe_id TEXT NOT NULL,
  instance_id TEXT NOT NULL,
  generation INTEGER NOT NULL,
  csr_hash TEXT NOT NULL,
  previous_leaf_hash TEXT NOT NULL,
  leaf BLOB NOT NULL,
  issuer_certificate BLOB NOT NULL,
  not_after INTEGER NOT NULL,
  PRIMARY KEY (issuer, shard, idx)
) WITHOUT ROWID;

CREATE UNIQUE INDEX IF NOT EXISTS issuance_by_instance ON issuance (instance_id, generation);
CREATE INDEX IF NOT EXISTS issuance_by_expiry ON issuance (not_after);
CREATE INDEX IF NOT EXISTS issuance_by_identity ON issuance (spiffe_id, not_after);

-- Tokens that were used. The primary key is what makes a token good once.
CREATE TABLE IF NOT EXISTS redemption (
  token_id TEXT NOT NULL PRIMARY KEY,
  csr_hash TEXT NOT NULL,
  instance_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS redemption_by_expiry ON redemption (expires_at);

-- Orleans' reminders, and the statements that its provider looks up by name.
CREATE TABLE IF NOT EXISTS reminder (
  service_id TEXT NOT NULL,
  grain_id TEXT NOT NULL,
  name TEXT NOT NULL,
  start_time TEXT NOT NULL,
  period INTEGER NOT NULL,
  grain_hash INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (service_id, grain_id, name)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS reminder_by_hash ON reminder (service_id, grain_hash);

CREATE TABLE IF NOT EXISTS OrleansQuery (
  QueryKey TEXT NOT NULL PRIMARY KEY,
  QueryText TEXT NOT NULL
) WITHOUT ROWID;

INSERT OR REPLACE INTO OrleansQuery (QueryKey, QueryText) VALUES
('UpsertReminderRowKey',
 'INSERT INTO reminder (service_id, grain_id, name, start_time, period, grain_hash, version)
  VALUES (@ServiceId, @GrainId, @ReminderName, @StartTime, @Period, @GrainHash, 0)
  ON CONFLICT (service_id, grain_id, name) DO UPDATE
  SET start_time = excluded.start_time, period = excluded.period, grain_hash = excluded.grain_hash, version = version + 1
  RETURNING version AS Version;'),
('ReadReminderRowKey',
 'SELECT grain_id AS GrainId, name AS ReminderName, start_time AS StartTime, period AS Period, version AS Version
  FROM reminder WHERE service_id = @ServiceId AND grain_id = @GrainId AND name = @ReminderName;'),
('ReadReminderRowsKey',
 'SELECT grain_id AS GrainId, name AS ReminderName, start_time AS StartTime, period AS Period, version AS Version
  FROM reminder WHERE service_id = @ServiceId AND grain_id = @GrainId;'),
('ReadRangeRows1Key',
 'SELECT grain_id AS GrainId, name AS ReminderName, start_time AS StartTime, period AS Period, version AS Version
  FROM reminder WHERE service_id = @ServiceId AND grain_hash > @BeginHash AND grain_hash <= @EndHash;'),
('ReadRangeRows2Key',
 'SELECT grain_id AS GrainId, name AS ReminderName, start_time AS StartTime, period AS Period, version AS Version
  FROM reminder WHERE service_id = @ServiceId AND (grain_hash > @BeginHash OR grain_hash <= @EndHash);'),
('DeleteReminderRowKey',
 'DELETE FROM reminder
  WHERE service_id = @ServiceId AND grain_id = @GrainId AND name = @ReminderName AND version = @Version;
  SELECT changes();'),
('DeleteReminderRowsKey',
 'DELETE FROM reminder WHERE service_id = @ServiceId;');

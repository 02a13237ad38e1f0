-- Orleans' reminders and membership, and the statements that its providers look up by name.

CREATE TABLE IF NOT EXISTS reminder (
  service_id TEXT COLLATE "C" NOT NULL,
  grain_id TEXT COLLATE "C" NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  start_time TIMESTAMPTZ NOT NULL,
  period BIGINT NOT NULL,
  grain_hash INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (service_id, grain_id, name)
);

CREATE INDEX IF NOT EXISTS reminder_by_hash ON reminder (service_id, grain_hash);

-- One row a cluster. Whoever changes membership moves its version on, from the one that it has seen.
CREATE TABLE IF NOT EXISTS membership_version (
  deployment_id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL
);

-- One row for each start of a silo.
CREATE TABLE IF NOT EXISTS membership (
  deployment_id TEXT COLLATE "C" NOT NULL REFERENCES membership_version,
  address TEXT COLLATE "C" NOT NULL,
  port INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  silo_name TEXT NOT NULL,
  host_name TEXT NOT NULL,
  status INTEGER NOT NULL,
  proxy_port INTEGER NOT NULL,
  suspect_times TEXT,
  start_time TIMESTAMPTZ NOT NULL,
  alive_time TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (deployment_id, address, port, generation)
);

CREATE TABLE IF NOT EXISTS OrleansQuery (
  QueryKey TEXT NOT NULL PRIMARY KEY,
  QueryText TEXT NOT NULL
);

INSERT INTO OrleansQuery (QueryKey, QueryText) VALUES
('UpsertReminderRowKey',
 'INSERT INTO reminder AS held (service_id, grain_id, name, start_time, period, grain_hash, version)
  VALUES (@ServiceId, @GrainId, @ReminderName, @StartTime, @Period, @GrainHash, 0)
  ON CONFLICT (service_id, grain_id, name) DO UPDATE
  SET start_time = excluded.start_time, period = excluded.period, grain_hash = excluded.grain_hash, version = held.version + 1
  RETURNING version AS "Version";'),
('ReadReminderRowKey',
 'SELECT grain_id AS "GrainId", name AS "ReminderName", start_time AS "StartTime", period AS "Period", version AS "Version"
  FROM reminder WHERE service_id = @ServiceId AND grain_id = @GrainId AND name = @ReminderName;'),
('ReadReminderRowsKey',
 'SELECT grain_id AS "GrainId", name AS "ReminderName", start_time AS "StartTime", period AS "Period", version AS "Version"
  FROM reminder WHERE service_id = @ServiceId AND grain_id = @GrainId;'),
('ReadRangeRows1Key',
 'SELECT grain_id AS "GrainId", name AS "ReminderName", start_time AS "StartTime", period AS "Period", version AS "Version"
  FROM reminder WHERE service_id = @ServiceId AND grain_hash > @BeginHash AND grain_hash <= @EndHash;'),
('ReadRangeRows2Key',
 'SELECT grain_id AS "GrainId", name AS "ReminderName", start_time AS "StartTime", period AS "Period", version AS "Version"
  FROM reminder WHERE service_id = @ServiceId AND (grain_hash > @BeginHash OR grain_hash <= @EndHash);'),
('DeleteReminderRowKey',
 'WITH deleted AS (
    DELETE FROM reminder
    WHERE service_id = @ServiceId AND grain_id = @GrainId AND name = @ReminderName AND version = @Version
    RETURNING 1)
  SELECT COUNT(*) FROM deleted;'),
('DeleteReminderRowsKey',
 'DELETE FROM reminder WHERE service_id = @ServiceId;'),

('InsertMembershipVersionKey',
 'WITH created AS (
    INSERT INTO membership_version (deployment_id, version) VALUES (@DeploymentId, 0)
    ON CONFLICT DO NOTHING RETURNING 1)
  SELECT COUNT(*) FROM created;'),

-- The version moves only where the row is new, and the row is inserted only where the version moved: one statement, so that
-- one of any number of racers has its way. A racer waits for the version row, then finds it moved on.
('InsertMembershipKey',
 'WITH moved AS (
    UPDATE membership_version SET version = version + 1
    WHERE deployment_id = @DeploymentId AND version = @Version
      AND NOT EXISTS (
        SELECT 1 FROM membership
        WHERE deployment_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation)
    RETURNING 1),
  inserted AS (
    INSERT INTO membership
      (deployment_id, address, port, generation, silo_name, host_name, status, proxy_port, start_time, alive_time)
    SELECT @DeploymentId, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime
    FROM moved
    RETURNING 1)
  SELECT COUNT(*) FROM inserted;'),
('UpdateMembershipKey',
 'WITH moved AS (
    UPDATE membership_version SET version = version + 1
    WHERE deployment_id = @DeploymentId AND version = @Version
      AND EXISTS (
        SELECT 1 FROM membership
        WHERE deployment_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation)
    RETURNING 1),
  updated AS (
    UPDATE membership SET status = @Status, suspect_times = @SuspectTimes, alive_time = @IAmAliveTime
    FROM moved
    WHERE deployment_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation
    RETURNING 1)
  SELECT COUNT(*) FROM updated;'),
('UpdateIAmAlivetimeKey',
 'UPDATE membership SET alive_time = @IAmAliveTime
  WHERE deployment_id = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation;'),
('GatewaysQueryKey',
 'SELECT address AS "Address", proxy_port AS "ProxyPort", generation AS "Generation"
  FROM membership WHERE deployment_id = @DeploymentId AND status = @Status AND proxy_port > 0;'),

-- The version comes back also where there is no silo.
('MembershipReadRowKey',
 'SELECT m.address AS "Address", m.port AS "Port", m.generation AS "Generation", m.silo_name AS "SiloName", m.host_name AS "HostName",
    m.status AS "Status", m.proxy_port AS "ProxyPort", m.suspect_times AS "SuspectTimes", m.start_time AS "StartTime",
    m.alive_time AS "IAmAliveTime", v.version AS "Version"
  FROM membership_version AS v LEFT JOIN membership AS m
    ON m.deployment_id = v.deployment_id AND m.address = @Address AND m.port = @Port AND m.generation = @Generation
  WHERE v.deployment_id = @DeploymentId;'),
('MembershipReadAllKey',
 'SELECT m.address AS "Address", m.port AS "Port", m.generation AS "Generation", m.silo_name AS "SiloName", m.host_name AS "HostName",
    m.status AS "Status", m.proxy_port AS "ProxyPort", m.suspect_times AS "SuspectTimes", m.start_time AS "StartTime",
    m.alive_time AS "IAmAliveTime", v.version AS "Version"
  FROM membership_version AS v LEFT JOIN membership AS m ON m.deployment_id = v.deployment_id
  WHERE v.deployment_id = @DeploymentId;'),
('DeleteMembershipTableEntriesKey',
 'DELETE FROM membership WHERE deployment_id = @DeploymentId;
  DELETE FROM membership_version WHERE deployment_id = @DeploymentId;'),
-- 6 is dead: a row of a silo that lives is never cleaned up, however long it has been silent.
('CleanupDefunctSiloEntriesKey',
 'DELETE FROM membership WHERE deployment_id = @DeploymentId AND alive_time < @IAmAliveTime AND status = 6;')
ON CONFLICT (QueryKey) DO UPDATE SET QueryText = excluded.QueryText;

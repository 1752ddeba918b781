-- What the ERP says in effect, in the terms of the contracts: each row summed with its adjustments, the
-- absolute values of the newest adjustment, miles as kilometres, minutes as seconds, local times as
-- instants, without rows that are void or cancelled. Same columns as every other tenant's queries.

-- name: trips
WITH original AS (
  SELECT * FROM fleetops.haul WHERE NOT void
), adjustment AS (
  SELECT * FROM fleetops.adjustment WHERE doc_kind = 'HAUL'
), newest AS (
  SELECT DISTINCT ON (doc_ref) * FROM adjustment
  ORDER BY doc_ref, ver_a DESC, ver_b DESC, ver_c DESC, (adj_kind = 'CANCEL')
), total AS (
  SELECT doc_ref, sum(d_miles) AS miles, sum(d_run_minutes) AS run_minutes
  FROM adjustment GROUP BY doc_ref
)
SELECT
  CASE WHEN n.doc_ref IS NULL THEN o.unit_no ELSE n.unit_no END AS vehicle_id,
  CASE WHEN n.doc_ref IS NULL THEN o.left_local ELSE n.left_local END
    AT TIME ZONE 'America/New_York' AS start_time,
  CASE WHEN n.doc_ref IS NULL THEN o.back_local ELSE n.back_local END
    AT TIME ZONE 'America/New_York' AS end_time,
  round((coalesce(o.run_minutes, 0) + coalesce(t.run_minutes, 0)) * 60)::int AS duration_s,
  round((coalesce(o.miles, 0) + coalesce(t.miles, 0)) * 1.609344, 2)::numeric(12, 2)
    AS distance_km,
  CASE WHEN n.doc_ref IS NULL THEN o.gl_day ELSE n.for_day END::text AS business_date
FROM original o
FULL JOIN newest n ON n.doc_ref = o.ext_ref
LEFT JOIN total t ON t.doc_ref = n.doc_ref
WHERE n.adj_kind IS DISTINCT FROM 'CANCEL'
ORDER BY 1, 2, 3;

-- name: visits
WITH original AS (
  SELECT * FROM fleetops.stop_log WHERE NOT void
), adjustment AS (
  SELECT * FROM fleetops.adjustment WHERE doc_kind = 'STOP'
), newest AS (
  SELECT DISTINCT ON (doc_ref) * FROM adjustment
  ORDER BY doc_ref, ver_a DESC, ver_b DESC, ver_c DESC, (adj_kind = 'CANCEL')
), total AS (
  SELECT doc_ref, sum(d_dwell_minutes) AS dwell_minutes FROM adjustment GROUP BY doc_ref
)
SELECT
  CASE WHEN n.doc_ref IS NULL THEN o.unit_no ELSE n.unit_no END AS vehicle_id,
  CASE WHEN n.doc_ref IS NULL THEN o.loc_code ELSE n.loc_code END AS site_id,
  CASE WHEN n.doc_ref IS NULL THEN o.in_local ELSE n.in_local END
    AT TIME ZONE 'America/New_York' AS entered_time,
  CASE WHEN n.doc_ref IS NULL THEN o.out_local ELSE n.out_local END
    AT TIME ZONE 'America/New_York' AS left_time,
  CASE
    WHEN o.dwell_minutes IS NULL AND t.dwell_minutes IS NULL THEN NULL
    WHEN n.doc_ref IS NOT NULL AND n.out_local IS NULL
      AND coalesce(o.dwell_minutes, 0) + t.dwell_minutes = 0 THEN NULL
    ELSE round((coalesce(o.dwell_minutes, 0) + coalesce(t.dwell_minutes, 0)) * 60)::int
  END AS dwell_s,
  CASE WHEN n.doc_ref IS NULL THEN o.gl_day ELSE n.for_day END::text AS business_date
FROM original o
FULL JOIN newest n ON n.doc_ref = o.ext_ref
LEFT JOIN total t ON t.doc_ref = n.doc_ref
WHERE n.adj_kind IS DISTINCT FROM 'CANCEL'
ORDER BY 1, 3, 2;

-- name: orders
SELECT
  ticket AS order_ref,
  CASE progress
    WHEN 'PLAN' THEN 'planned'
    WHEN 'ROLL' THEN 'started'
    WHEN 'AT' THEN 'arrived'
    WHEN 'OFF' THEN 'departed'
    WHEN 'DONE' THEN 'completed'
    ELSE 'cancelled'
  END AS status,
  progress_local AT TIME ZONE 'America/New_York' AS status_time
FROM fleetops.work_ticket
WHERE ver_a IS NOT NULL
ORDER BY 1;

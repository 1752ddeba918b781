-- What the ERP says in effect, in the terms of the contracts: each row summed with its amendments, the
-- absolute values of the newest amendment, without rows that are withdrawn or reversed. Checks and the
-- reconciliation read these; the queries of all tenants give the same columns.

-- name: trips
WITH original AS (
  SELECT * FROM erp.trip WHERE NOT withdrawn
), amendment AS (
  SELECT * FROM erp.period_amendment WHERE entity = 'trip'
), newest AS (
  SELECT DISTINCT ON (entity_ref) * FROM amendment
  ORDER BY entity_ref, source_revision DESC, source_activation DESC, source_resolution DESC,
    (kind = 'reversal')
), total AS (
  SELECT entity_ref, sum(distance_km) AS distance_km, sum(duration_s) AS duration_s
  FROM amendment GROUP BY entity_ref
)
SELECT
  CASE WHEN n.entity_ref IS NULL THEN o.vehicle_id ELSE n.vehicle_id END AS vehicle_id,
  CASE WHEN n.entity_ref IS NULL THEN o.start_time ELSE n.start_time END AS start_time,
  CASE WHEN n.entity_ref IS NULL THEN o.end_time ELSE n.end_time END AS end_time,
  (coalesce(o.duration_s, 0) + coalesce(t.duration_s, 0))::int AS duration_s,
  (coalesce(o.distance_km, 0) + coalesce(t.distance_km, 0))::numeric(12, 2) AS distance_km,
  CASE WHEN n.entity_ref IS NULL THEN o.business_date ELSE n.original_business_date END::text
    AS business_date
FROM original o
FULL JOIN newest n ON n.entity_ref = o.trip_ref
LEFT JOIN total t ON t.entity_ref = n.entity_ref
WHERE n.kind IS DISTINCT FROM 'reversal'
ORDER BY 1, 2, 3;

-- name: visits
WITH original AS (
  SELECT * FROM erp.site_visit WHERE NOT withdrawn
), amendment AS (
  SELECT * FROM erp.period_amendment WHERE entity = 'site_visit'
), newest AS (
  SELECT DISTINCT ON (entity_ref) * FROM amendment
  ORDER BY entity_ref, source_revision DESC, source_activation DESC, source_resolution DESC,
    (kind = 'reversal')
), total AS (
  SELECT entity_ref, sum(dwell_s) AS dwell_s FROM amendment GROUP BY entity_ref
)
SELECT
  CASE WHEN n.entity_ref IS NULL THEN o.vehicle_id ELSE n.vehicle_id END AS vehicle_id,
  CASE WHEN n.entity_ref IS NULL THEN o.site_id ELSE n.site_id END AS site_id,
  CASE WHEN n.entity_ref IS NULL THEN o.entered_time ELSE n.entered_time END AS entered_time,
  CASE WHEN n.entity_ref IS NULL THEN o.left_time ELSE n.left_time END AS left_time,
  CASE
    WHEN o.dwell_s IS NULL AND t.dwell_s IS NULL THEN NULL
    WHEN n.entity_ref IS NOT NULL AND n.left_time IS NULL AND coalesce(o.dwell_s, 0) + t.dwell_s = 0
      THEN NULL
    ELSE (coalesce(o.dwell_s, 0) + coalesce(t.dwell_s, 0))::int
  END AS dwell_s,
  CASE WHEN n.entity_ref IS NULL THEN o.business_date ELSE n.original_business_date END::text
    AS business_date
FROM original o
FULL JOIN newest n ON n.entity_ref = o.visit_ref
LEFT JOIN total t ON t.entity_ref = n.entity_ref
WHERE n.kind IS DISTINCT FROM 'reversal'
ORDER BY 1, 3, 2;

-- name: orders
SELECT order_ref, status, status_time
FROM erp.transport_order
WHERE source_revision IS NOT NULL
ORDER BY 1;

-- The demo ERP of Bay Cabs. It belongs to the ERP, not to Waybill: tables, keys and the lock of closed
-- days are what an accounting department would insist on. Waybill reaches it only through erp/*.yaml.
CREATE SCHEMA erp;

CREATE TABLE erp.customer (
  customer_id text PRIMARY KEY,
  name text NOT NULL
);

CREATE TABLE erp.site (
  site_id text PRIMARY KEY,
  customer_id text REFERENCES erp.customer,
  name text NOT NULL
);

CREATE TABLE erp.vehicle (
  vehicle_id text PRIMARY KEY,
  vin text UNIQUE,
  registration_plate text,
  class text NOT NULL DEFAULT 'cab'
);

CREATE TABLE erp.driver (
  driver_id text PRIMARY KEY,
  driver_code text UNIQUE NOT NULL
);

-- One row per business day of the company; closed_at is null while the day is open.
CREATE TABLE erp.period (
  business_date date PRIMARY KEY,
  closed_at timestamptz
);

CREATE TABLE erp.transport_order (
  order_ref text PRIMARY KEY,
  customer_id text NOT NULL REFERENCES erp.customer,
  vehicle_id text REFERENCES erp.vehicle,
  status text NOT NULL DEFAULT 'planned'
    CHECK (status IN ('planned', 'started', 'arrived', 'departed', 'completed', 'cancelled')),
  status_time timestamptz,
  source_revision bigint,
  source_activation bigint,
  source_resolution bigint
);

CREATE TABLE erp.transport_order_stop (
  order_ref text NOT NULL REFERENCES erp.transport_order,
  stop_no int NOT NULL CHECK (stop_no > 0),
  site_id text NOT NULL REFERENCES erp.site,
  status text NOT NULL DEFAULT 'planned'
    CHECK (status IN ('planned', 'arrived', 'departed', 'proven')),
  planned_time timestamptz NOT NULL,
  arrived_time timestamptz,
  departed_time timestamptz,
  PRIMARY KEY (order_ref, stop_no)
);

CREATE TABLE erp.trip (
  trip_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  trip_ref text UNIQUE NOT NULL,
  event_ref text UNIQUE NOT NULL,
  vehicle_id text NOT NULL REFERENCES erp.vehicle,
  driver_code text,
  start_time timestamptz NOT NULL,
  end_time timestamptz NOT NULL CHECK (end_time >= start_time),
  duration_s int NOT NULL CHECK (duration_s >= 0),
  distance_km numeric(12, 2) NOT NULL CHECK (distance_km >= 0),
  start_latitude double precision,
  start_longitude double precision,
  end_latitude double precision,
  end_longitude double precision,
  fix_count int,
  business_date date NOT NULL,
  withdrawn boolean NOT NULL DEFAULT false,
  source_revision bigint NOT NULL,
  source_activation bigint NOT NULL,
  source_resolution bigint NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE erp.site_visit (
  visit_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  visit_ref text UNIQUE NOT NULL,
  event_ref text UNIQUE NOT NULL,
  vehicle_id text NOT NULL REFERENCES erp.vehicle,
  site_id text NOT NULL REFERENCES erp.site,
  status text NOT NULL CHECK (status IN ('ENTERED', 'LEFT', 'UNKNOWN_EXIT')),
  entered_time timestamptz NOT NULL,
  left_time timestamptz CHECK (left_time >= entered_time),
  dwell_s int CHECK (dwell_s >= 0),
  business_date date NOT NULL,
  withdrawn boolean NOT NULL DEFAULT false,
  source_revision bigint NOT NULL,
  source_activation bigint NOT NULL,
  source_resolution bigint NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE erp.fuel_transaction (
  fuel_transaction_id text PRIMARY KEY,
  vehicle_id text NOT NULL REFERENCES erp.vehicle,
  transaction_time timestamptz NOT NULL,
  volume_liters numeric(10, 2) NOT NULL,
  amount_minor bigint NOT NULL,
  currency char(3) NOT NULL
);

-- Made by a service that comes due; what becomes of it (status) is the workshop's.
CREATE TABLE erp.work_order (
  work_order_id text PRIMARY KEY,
  event_ref text UNIQUE NOT NULL,
  vehicle_id text NOT NULL REFERENCES erp.vehicle,
  task text NOT NULL,
  due_by text NOT NULL CHECK (due_by IN ('DISTANCE', 'ENGINE_HOURS', 'DATE')),
  due_date date,
  due_km numeric(12, 2),
  due_engine_hours_h numeric(12, 2),
  odometer_km numeric(12, 2),
  status text NOT NULL DEFAULT 'open',
  withdrawn boolean NOT NULL DEFAULT false,
  source_revision bigint NOT NULL,
  source_activation bigint NOT NULL,
  source_resolution bigint NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE erp.idling (
  idling_ref text PRIMARY KEY,
  event_ref text UNIQUE NOT NULL,
  vehicle_id text NOT NULL REFERENCES erp.vehicle,
  start_time timestamptz NOT NULL,
  end_time timestamptz NOT NULL CHECK (end_time >= start_time),
  duration_s int NOT NULL CHECK (duration_s >= 0),
  latitude double precision,
  longitude double precision,
  business_date date NOT NULL,
  withdrawn boolean NOT NULL DEFAULT false,
  source_revision bigint NOT NULL,
  source_activation bigint NOT NULL,
  source_resolution bigint NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE erp.fuel_change (
  change_ref text PRIMARY KEY,
  event_ref text UNIQUE NOT NULL,
  vehicle_id text NOT NULL REFERENCES erp.vehicle,
  kind text NOT NULL CHECK (kind IN ('REFUEL', 'DRAIN', 'UNEXPLAINED')),
  start_time timestamptz NOT NULL,
  end_time timestamptz NOT NULL,
  volume_l numeric(8, 1) NOT NULL CHECK (volume_l >= 0),
  volume_error_l numeric(8, 1),
  confidence text,
  business_date date NOT NULL,
  withdrawn boolean NOT NULL DEFAULT false,
  source_revision bigint NOT NULL,
  source_activation bigint NOT NULL,
  source_resolution bigint NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now()
);

-- One per vehicle's tracker and day.
CREATE TABLE erp.odometer_reading (
  reading_ref text PRIMARY KEY,
  event_ref text UNIQUE NOT NULL,
  vehicle_id text NOT NULL REFERENCES erp.vehicle,
  reading_time timestamptz NOT NULL,
  odometer_km numeric(12, 2),
  engine_hours_h numeric(12, 2),
  driven_km numeric(12, 2) CHECK (driven_km >= 0),
  business_date date NOT NULL,
  withdrawn boolean NOT NULL DEFAULT false,
  source_revision bigint NOT NULL,
  source_activation bigint NOT NULL,
  source_resolution bigint NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now()
);

-- What payroll starts from.
CREATE TABLE erp.driver_shift (
  shift_ref text PRIMARY KEY,
  event_ref text UNIQUE NOT NULL,
  driver_id text NOT NULL REFERENCES erp.driver,
  start_time timestamptz NOT NULL,
  end_time timestamptz NOT NULL CHECK (end_time >= start_time),
  duration_s int NOT NULL CHECK (duration_s >= 0),
  moving_s int NOT NULL CHECK (moving_s >= 0),
  units text NOT NULL,
  finality text NOT NULL,
  business_date date NOT NULL,
  withdrawn boolean NOT NULL DEFAULT false,
  source_revision bigint NOT NULL,
  source_activation bigint NOT NULL,
  source_resolution bigint NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE erp.geofence_event (
  event_ref text PRIMARY KEY,
  vehicle_id text NOT NULL REFERENCES erp.vehicle,
  site_id text NOT NULL REFERENCES erp.site,
  crossing text NOT NULL CHECK (crossing IN ('ENTERED', 'DWELLED', 'LEFT', 'LOST')),
  event_time timestamptz NOT NULL,
  dwell_s int CHECK (dwell_s >= 0),
  is_interpolated boolean NOT NULL,
  uncertainty_s int NOT NULL,
  withdrawn boolean NOT NULL DEFAULT false,
  source_revision bigint NOT NULL,
  source_activation bigint NOT NULL,
  source_resolution bigint NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now()
);

-- Corrections of closed days: differences, booked in an open day, with the original date.
CREATE TABLE erp.period_amendment (
  amendment_id text PRIMARY KEY,
  entity text NOT NULL CHECK (entity IN ('trip', 'site_visit', 'idle', 'fuel_level', 'shift')),
  entity_ref text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('addition', 'correction', 'reversal')),
  vehicle_id text REFERENCES erp.vehicle,
  driver_id text REFERENCES erp.driver,
  site_id text REFERENCES erp.site,
  original_business_date date NOT NULL,
  booked_business_date date NOT NULL,
  distance_km numeric(12, 2),
  duration_s int,
  dwell_s int,
  moving_s int,
  volume_l numeric(8, 1),
  start_time timestamptz,
  end_time timestamptz,
  entered_time timestamptz,
  left_time timestamptz,
  source_revision bigint NOT NULL,
  source_activation bigint NOT NULL,
  source_resolution bigint NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(vehicle_id, driver_id) = 1)
);
CREATE INDEX period_amendment_entity ON erp.period_amendment (entity, entity_ref);

-- The lock: the day of a row must exist and be open. FOR SHARE makes a closing in progress decide first.
CREATE FUNCTION erp.require_open(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  closed timestamptz;
BEGIN
  SELECT closed_at INTO closed FROM erp.period WHERE business_date = day FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'period % does not exist', day;
  ELSIF closed IS NOT NULL THEN
    RAISE EXCEPTION 'period % is closed since %', day, closed;
  END IF;
END $$;

CREATE FUNCTION erp.lock_business_date() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP IN ('UPDATE', 'DELETE') THEN
    PERFORM erp.require_open(OLD.business_date);
  END IF;
  IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.business_date <> OLD.business_date) THEN
    PERFORM erp.require_open(NEW.business_date);
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION erp.lock_booked_date() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP IN ('UPDATE', 'DELETE') THEN
    PERFORM erp.require_open(OLD.booked_business_date);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM erp.require_open(NEW.booked_business_date);
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER trip_lock BEFORE INSERT OR UPDATE OR DELETE ON erp.trip
  FOR EACH ROW EXECUTE FUNCTION erp.lock_business_date();
CREATE TRIGGER site_visit_lock BEFORE INSERT OR UPDATE OR DELETE ON erp.site_visit
  FOR EACH ROW EXECUTE FUNCTION erp.lock_business_date();
CREATE TRIGGER period_amendment_lock BEFORE INSERT OR UPDATE OR DELETE ON erp.period_amendment
  FOR EACH ROW EXECUTE FUNCTION erp.lock_booked_date();
CREATE TRIGGER idling_lock BEFORE INSERT OR UPDATE OR DELETE ON erp.idling
  FOR EACH ROW EXECUTE FUNCTION erp.lock_business_date();
CREATE TRIGGER fuel_change_lock BEFORE INSERT OR UPDATE OR DELETE ON erp.fuel_change
  FOR EACH ROW EXECUTE FUNCTION erp.lock_business_date();
CREATE TRIGGER driver_shift_lock BEFORE INSERT OR UPDATE OR DELETE ON erp.driver_shift
  FOR EACH ROW EXECUTE FUNCTION erp.lock_business_date();

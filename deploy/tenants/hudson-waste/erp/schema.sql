-- The ERP of Hudson Waste: the same business as the other demo ERP, but nothing has the same name, unit
-- or clock. Distances are miles, durations minutes, times New York local time without a zone, and closed
-- days live in a general ledger calendar. Waybill reaches it only through erp/*.yaml.
CREATE SCHEMA fleetops;

CREATE TABLE fleetops.equipment (
  unit_no text PRIMARY KEY,
  equipment_kind text NOT NULL DEFAULT 'refuse truck'
);

CREATE TABLE fleetops.location (
  loc_code text PRIMARY KEY,
  label text NOT NULL
);

-- One row per ledger day; locked_on is null while the day is open.
CREATE TABLE fleetops.gl_calendar (
  gl_day date PRIMARY KEY,
  locked_on timestamptz
);

CREATE TABLE fleetops.work_ticket (
  ticket text PRIMARY KEY,
  progress text NOT NULL DEFAULT 'PLAN'
    CHECK (progress IN ('PLAN', 'ROLL', 'AT', 'OFF', 'DONE', 'VOID')),
  progress_local timestamp,
  ver_a bigint,
  ver_b bigint,
  ver_c bigint
);

CREATE TABLE fleetops.haul (
  haul_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ext_ref text UNIQUE NOT NULL,
  ext_event text UNIQUE NOT NULL,
  unit_no text NOT NULL REFERENCES fleetops.equipment,
  operator_code text,
  left_local timestamp NOT NULL,
  back_local timestamp NOT NULL,
  -- Four decimals: fine enough to give whole seconds and hundredths of a kilometre back.
  run_minutes numeric(12, 4) NOT NULL CHECK (run_minutes >= 0),
  miles numeric(12, 4) NOT NULL CHECK (miles >= 0),
  gl_day date NOT NULL,
  void boolean NOT NULL DEFAULT false,
  ver_a bigint NOT NULL,
  ver_b bigint NOT NULL,
  ver_c bigint NOT NULL
);

CREATE TABLE fleetops.stop_log (
  stop_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ext_ref text UNIQUE NOT NULL,
  ext_event text UNIQUE NOT NULL,
  unit_no text NOT NULL REFERENCES fleetops.equipment,
  loc_code text NOT NULL REFERENCES fleetops.location,
  stage text NOT NULL CHECK (stage IN ('ON_SITE', 'GONE', 'LOST')),
  in_local timestamp NOT NULL,
  out_local timestamp,
  dwell_minutes numeric(12, 4) CHECK (dwell_minutes >= 0),
  gl_day date NOT NULL,
  void boolean NOT NULL DEFAULT false,
  ver_a bigint NOT NULL,
  ver_b bigint NOT NULL,
  ver_c bigint NOT NULL
);

CREATE TABLE fleetops.operator (
  operator_no text PRIMARY KEY
);

CREATE TABLE fleetops.engine_idle (
  ext_ref text PRIMARY KEY,
  unit_no text NOT NULL REFERENCES fleetops.equipment,
  from_local timestamp NOT NULL,
  to_local timestamp NOT NULL,
  run_minutes numeric(12, 4) NOT NULL CHECK (run_minutes >= 0),
  gl_day date NOT NULL,
  void boolean NOT NULL DEFAULT false,
  ver_a bigint NOT NULL,
  ver_b bigint NOT NULL,
  ver_c bigint NOT NULL
);

CREATE TABLE fleetops.fuel_log (
  ext_ref text PRIMARY KEY,
  unit_no text NOT NULL REFERENCES fleetops.equipment,
  what text NOT NULL CHECK (what IN ('FILL', 'LOSS', 'OPEN')),
  from_local timestamp NOT NULL,
  to_local timestamp NOT NULL,
  -- Three decimals: fine enough to give tenths of a litre back.
  gallons numeric(10, 3) NOT NULL CHECK (gallons >= 0),
  gl_day date NOT NULL,
  void boolean NOT NULL DEFAULT false,
  ver_a bigint NOT NULL,
  ver_b bigint NOT NULL,
  ver_c bigint NOT NULL
);

CREATE TABLE fleetops.meter_log (
  ext_ref text PRIMARY KEY,
  unit_no text NOT NULL REFERENCES fleetops.equipment,
  read_local timestamp NOT NULL,
  odo_miles numeric(12, 4),
  miles numeric(12, 4),
  gl_day date NOT NULL,
  void boolean NOT NULL DEFAULT false,
  ver_a bigint NOT NULL,
  ver_b bigint NOT NULL,
  ver_c bigint NOT NULL
);

CREATE TABLE fleetops.shop_request (
  ext_ref text PRIMARY KEY,
  unit_no text NOT NULL REFERENCES fleetops.equipment,
  job text NOT NULL,
  due_day date,
  due_miles numeric(12, 4),
  void boolean NOT NULL DEFAULT false,
  ver_a bigint NOT NULL,
  ver_b bigint NOT NULL,
  ver_c bigint NOT NULL
);

CREATE TABLE fleetops.time_card (
  ext_ref text PRIMARY KEY,
  operator_no text NOT NULL REFERENCES fleetops.operator,
  in_local timestamp NOT NULL,
  out_local timestamp NOT NULL,
  on_duty_minutes numeric(12, 4) NOT NULL CHECK (on_duty_minutes >= 0),
  wheel_minutes numeric(12, 4) NOT NULL CHECK (wheel_minutes >= 0),
  settled text NOT NULL CHECK (settled IN ('OPEN', 'FINAL')),
  gl_day date NOT NULL,
  void boolean NOT NULL DEFAULT false,
  ver_a bigint NOT NULL,
  ver_b bigint NOT NULL,
  ver_c bigint NOT NULL
);

CREATE TABLE fleetops.gate_event (
  ext_ref text PRIMARY KEY,
  unit_no text NOT NULL REFERENCES fleetops.equipment,
  loc_code text NOT NULL REFERENCES fleetops.location,
  what text NOT NULL CHECK (what IN ('IN', 'STAY', 'OUT', 'LOST')),
  at_local timestamp NOT NULL,
  void boolean NOT NULL DEFAULT false,
  ver_a bigint NOT NULL,
  ver_b bigint NOT NULL,
  ver_c bigint NOT NULL
);

-- Corrections of locked days: differences, posted to an open day, with the day they belong to.
CREATE TABLE fleetops.adjustment (
  adj_ref text PRIMARY KEY,
  doc_kind text NOT NULL CHECK (doc_kind IN ('HAUL', 'STOP', 'IDLE', 'FUEL', 'CARD')),
  doc_ref text NOT NULL,
  adj_kind text NOT NULL CHECK (adj_kind IN ('NEW', 'DIFF', 'CANCEL')),
  unit_no text REFERENCES fleetops.equipment,
  operator_no text REFERENCES fleetops.operator,
  loc_code text REFERENCES fleetops.location,
  for_day date NOT NULL,
  posted_day date NOT NULL,
  d_miles numeric(12, 4),
  d_run_minutes numeric(12, 4),
  d_dwell_minutes numeric(12, 4),
  d_wheel_minutes numeric(12, 4),
  d_gallons numeric(10, 3),
  left_local timestamp,
  back_local timestamp,
  in_local timestamp,
  out_local timestamp,
  ver_a bigint NOT NULL,
  ver_b bigint NOT NULL,
  ver_c bigint NOT NULL,
  CHECK (num_nonnulls(unit_no, operator_no) = 1)
);
CREATE INDEX adjustment_doc ON fleetops.adjustment (doc_kind, doc_ref);

-- The lock: the ledger day must exist and be open. FOR SHARE makes a closing in progress decide first.
CREATE FUNCTION fleetops.assert_unlocked(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  since timestamptz;
BEGIN
  SELECT locked_on INTO since FROM fleetops.gl_calendar WHERE gl_day = day FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'ledger day % is not in the calendar', day;
  ELSIF since IS NOT NULL THEN
    RAISE EXCEPTION 'ledger day % is locked since %', day, since;
  END IF;
END $$;

CREATE FUNCTION fleetops.guard_gl_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP IN ('UPDATE', 'DELETE') THEN
    PERFORM fleetops.assert_unlocked(OLD.gl_day);
  END IF;
  IF TG_OP = 'INSERT' OR (TG_OP = 'UPDATE' AND NEW.gl_day <> OLD.gl_day) THEN
    PERFORM fleetops.assert_unlocked(NEW.gl_day);
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION fleetops.guard_posted_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP IN ('UPDATE', 'DELETE') THEN
    PERFORM fleetops.assert_unlocked(OLD.posted_day);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM fleetops.assert_unlocked(NEW.posted_day);
  END IF;
  RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE TRIGGER haul_guard BEFORE INSERT OR UPDATE OR DELETE ON fleetops.haul
  FOR EACH ROW EXECUTE FUNCTION fleetops.guard_gl_day();
CREATE TRIGGER stop_log_guard BEFORE INSERT OR UPDATE OR DELETE ON fleetops.stop_log
  FOR EACH ROW EXECUTE FUNCTION fleetops.guard_gl_day();
CREATE TRIGGER adjustment_guard BEFORE INSERT OR UPDATE OR DELETE ON fleetops.adjustment
  FOR EACH ROW EXECUTE FUNCTION fleetops.guard_posted_day();
CREATE TRIGGER engine_idle_guard BEFORE INSERT OR UPDATE OR DELETE ON fleetops.engine_idle
  FOR EACH ROW EXECUTE FUNCTION fleetops.guard_gl_day();
CREATE TRIGGER fuel_log_guard BEFORE INSERT OR UPDATE OR DELETE ON fleetops.fuel_log
  FOR EACH ROW EXECUTE FUNCTION fleetops.guard_gl_day();
CREATE TRIGGER time_card_guard BEFORE INSERT OR UPDATE OR DELETE ON fleetops.time_card
  FOR EACH ROW EXECUTE FUNCTION fleetops.guard_gl_day();

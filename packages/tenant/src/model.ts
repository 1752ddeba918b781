import { z } from 'zod';
import { name, secretReference } from './reference.ts';
import { rateLimit } from './rate-limit.ts';
import { fuelSettings, idleSettings, meterSettings, shiftSettings } from './signal-settings.ts';
import { ipsSource } from './ips-source.ts';
import { webhookSource } from './webhook-source.ts';
import { wialonSource } from './wialon-source.ts';

const company = z.strictObject({
  company_id: name,
  name: z.string(),
  /** IANA zone of the business day. */
  zone: z.string(),
  currency: z.string().regex(/^[A-Z]{3}$/),
  /** Late facts up to this many hours are applied; later ones become tasks. */
  grace_hours: z.number().positive().max(240).default(6),
  /** What happens to positions that come later than that, beside the task: nothing, or a proposal. */
  beyond_grace: z.enum(['task', 'recompute']).default('task'),
  /** What happens to a fact within grace whose period the ERP has closed. */
  closed_period: z.enum(['amend']).default('amend'),
});

const detection = z.strictObject({
  /** Whose settings cut trips: these, or the unit's own at the provider (these where it has none). */
  trip_settings: z.enum(['tenant', 'unit']).default('tenant'),
  /**
   * Where movement comes from: recorded speed, distance over time between positions, the engine, or a
   * rising odometer.
   */
  movement_source: z.enum(['position', 'speed', 'ignition', 'odometer']).default('speed'),
  min_speed_kmh: z.number().nonnegative().default(5),
  /** A standstill of this length ends a trip. */
  stay_time_s: z.number().int().positive().default(300),
  min_trip_distance_m: z.number().nonnegative().default(500),
  min_trip_time_s: z.number().nonnegative().default(0),
  /** Positions of fewer satellites are not used; 0 = all are. */
  min_satellites: z.number().int().min(0).max(50).default(0),
  /** A longer way between two messages ends a trip; 0 = none does. */
  max_message_distance_m: z.number().nonnegative().default(0),
  /** What distance_km of a trip is; the other one is reported beside it. */
  trip_distance: z.enum(['great_circle', 'odometer']).default('great_circle'),
  /** A position that needs more than this to both neighbours, while these agree, is left out; 0 = none is. */
  outlier_speed_kmh: z.number().nonnegative().default(200),
  /** A trip also ends when the tenant's clock passes the last fix by this much. */
  silence_s: z.number().int().positive().default(600),
  /** Consecutive fixes that confirm an entry or exit. */
  visit_confirm_fixes: z.number().int().min(1).max(10).default(2),
  /** So does a second position behind the edge after this time; 0 = no time does. */
  visit_confirm_s: z.number().nonnegative().default(30),
  /** So does a silence of this length behind the first position; 0 = none does. */
  visit_confirm_silence_s: z.number().nonnegative().default(300),
  /** So does one position this far behind the edge; 0 = no depth does. */
  visit_confirm_depth_m: z.number().nonnegative().default(20),
  /** The time of a crossing is interpolated between positions at most this far apart; 0 = never. */
  visit_interpolate_s: z.number().nonnegative().default(120),
  /** Staying this long in a zone is a geofence event of its own. */
  dwell_threshold_s: z.number().int().positive().default(900),
  /** A visit without any fix for this long ends as UNKNOWN_EXIT. */
  visit_silence_h: z.number().positive().default(120),
  /** Whether the ERP's plan says who drove where neither a message nor a binding does. */
  use_planned_drivers: z.boolean().default(false),
  idle: idleSettings.prefault({}),
  fuel: fuelSettings.prefault({}),
  meter: meterSettings.prefault({}),
  shift: shiftSettings.prefault({}),
});

const expression = z.strictObject({
  /** Field of the delivered fact. */
  from: z.string(),
  /** How the ERP stores it. */
  as: z.enum(['text', 'number', 'boolean', 'timestamp', 'local_timestamp', 'date']).default('text'),
  multiply: z.number().optional(),
  decimals: z.number().int().min(0).max(6).optional(),
  /** Value translation, such as a status ladder. */
  values: z.record(z.string(), z.string()).optional(),
});

const columns = z.record(z.string(), expression);

/** How one entity stands in a PostgreSQL-backed ERP: no code, only names and units. */
export const erpMapping = z.strictObject({
  entity: z.enum([
    'trip',
    'site_visit',
    'transport_order',
    'idle',
    'fuel_level',
    'odometer',
    'work_order',
    'shift',
    'geofence',
  ]),
  version: z.number().int().positive(),
  table: z.string(),
  /** Columns that identify the row; unique in the ERP. */
  key: columns,
  columns,
  /** Columns that keep the newest-wins triple. */
  triple: z.strictObject({ revision: z.string(), activation: z.string(), resolution: z.string() }),
  /** Boolean column that marks a withdrawn row. Absent for entities that are never withdrawn. */
  retracted: z.string().optional(),
  /** update = the row must exist (orders belong to the ERP); upsert = we may create it. */
  mode: z.enum(['upsert', 'update']).default('upsert'),
  /** Where corrections of closed periods are booked; required when the entity has a period. */
  amendment: z.strictObject({ table: z.string(), key: z.string(), columns }).optional(),
  period: z
    .strictObject({
      table: z.string(),
      date: z.string(),
      /** Timestamp column: not null = closed. */
      closed_at: z.string(),
    })
    .optional(),
});

const ownershipRule = z.strictObject({
  entity: z.string(),
  field: z.string(),
  owner: z.enum(['erp', 'telematics', 'two_way']),
  cadence: z.string(),
  conflict_rule: z.string(),
  tolerance: z.string().default(''),
});

/** Where the ERP says who is planned on which vehicle: a table or view, one row per plan. */
const driverPlan = z.strictObject({
  table: z.string(),
  /** Columns. */
  vehicle: z.string(),
  driver: z.string(),
  from: z.string(),
  /** An empty end is an open one. */
  to: z.string(),
  /** The order that plans it. */
  order: z.string().optional(),
  /** What `driver` holds: ids of drivers in the ERP, or the codes that messages carry. */
  driver_is: z.enum(['id', 'code']).default('id'),
  /** Whether `from` and `to` are instants (timestamptz), or local times of the company (timestamp). */
  times: z.enum(['instant', 'local']).default('instant'),
});

/** Everything a tenant decided, as one checked document; what `tenant.config.state.v1` carries as JSON. */
export const tenantModel = z.strictObject({
  tenant_id: name,
  company,
  sources: z.array(z.discriminatedUnion('kind', [wialonSource, webhookSource, ipsSource])).min(1),
  /** Of all push sources together, per instance of ingest. Absent: no limit. */
  webhook_limit: rateLimit.optional(),
  /** Which events the tenant wants, and which source is the authority. */
  events: z.strictObject({
    trip: z.enum(['detected', 'off']).default('detected'),
    site_visit: z.enum(['detected', 'off']).default('detected'),
    geofence: z.enum(['detected', 'off']).default('off'),
    trip_status: z.enum(['provider', 'off']).default('off'),
    /** The newest position of each unit. */
    latest_position: z.enum(['detected', 'off']).default('off'),
    /** One sample per unit and minute, without coordinates, for analytics. */
    position_minute: z.enum(['detected', 'off']).default('off'),
    idle: z.enum(['detected', 'off']).default('off'),
    fuel_level: z.enum(['detected', 'off']).default('off'),
    odometer: z.enum(['detected', 'off']).default('off'),
    service_due: z.enum(['detected', 'off']).default('off'),
    shift: z.enum(['detected', 'off']).default('off'),
  }),
  detection,
  erp: z.strictObject({
    target: name,
    adapter: z.enum(['postgres']),
    url: secretReference,
    /** Rows per second the ERP wants to see at most. */
    max_writes_per_s: z.number().positive().default(2000),
    /** Read when `detection.use_planned_drivers`. */
    driver_plan: driverPlan.optional(),
  }),
  ownership: z.array(ownershipRule),
  mappings: z.array(erpMapping),
});

export type TenantModel = z.infer<typeof tenantModel>;
export type ErpMapping = z.infer<typeof erpMapping>;
export type Company = z.infer<typeof company>;
export type Detection = z.infer<typeof detection>;

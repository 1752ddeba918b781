// Generated from schemas/ by npm run generate. Do not edit.

/** Changelog entry of the detector's state of one unit. */
export interface UnitStateSaved {
  /** Version of the payload's layout. */
  readonly layout: number;
  /** Packed state. */
  readonly payload: Buffer;
}

export type Outcome =
  | 'INSERTED'
  | 'UPDATED'
  | 'UNCHANGED'
  | 'AMENDED'
  | 'RETRACTED'
  | 'SUPERSEDED'
  | 'WAITING'
  | 'MANUAL'
  | 'DEAD_LETTERED'
  | 'UNKNOWN';

/** Outcome of one delivery. */
export interface DeliverySettled {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit where the fact has one. */
  readonly unit: string | null;
  /** Event delivered. */
  readonly event_id: string;
  /** trip, site_visit or transport_order. */
  readonly entity: string;
  /** Id of the entity. */
  readonly entity_id: string;
  /** Target in the tenant file. */
  readonly target: string;
  /** Of the event. [ms since epoch UTC] */
  readonly event_time: number;
  /** Of the event. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Of the event. [ms since epoch UTC] */
  readonly received_time: number;
  /** Wall time of the ERP commit or of the decision. [ms since epoch UTC] */
  readonly delivered_time: number;
  /** Newest-wins triple, 1. */
  readonly revision: number;
  /** Newest-wins triple, 2. */
  readonly activation: number;
  /** Newest-wins triple, 3. */
  readonly resolution: number;
  /** What happened. */
  readonly outcome: Outcome;
  /** Why it waits, or was refused. */
  readonly reason: string | null;
  /** Attempts so far. */
  readonly attempts: number;
  /** Table or model written. */
  readonly erp_table: string | null;
  /** Key of the row. */
  readonly erp_key: string | null;
  /** Vehicle resolved as of event time. */
  readonly erp_vehicle_id: string | null;
  /** Local date of completion. */
  readonly business_date: string | null;
  /** addition, correction or reversal. */
  readonly amendment_kind: string | null;
  /** Fields that changed. */
  readonly changed_fields: readonly string[];
}

/** Everything that one task of the detector cut from what was registered up to a time stands before this record. Goes to every partition. */
export interface ActivityProgressed {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Task of the detector that says so. */
  readonly task: number;
  /** The tenant's clock of that task, in whole hours. [ms since epoch UTC] */
  readonly complete_to_time: number;
  /** Wall time of the progress record that moved it. [ms since epoch UTC] */
  readonly received_time: number;
}

export interface CalibrationRow {
  /** Least value for which this row counts. */
  readonly x: number;
  /** Slope. */
  readonly a: number;
  /** Offset: result = a * value + b. */
  readonly b: number;
}

export interface AssetSensor {
  /** Number within the unit. */
  readonly sensor_id: number;
  /** Name at the provider. */
  readonly name: string;
  /** Type at the provider, such as fuel level or engine operation. */
  readonly sensor_type: string;
  /** Unit of measure at the provider. */
  readonly metric: string;
  /** Expression over message parameters, such as can_fls or in1. */
  readonly parameter: string;
  /** 1 instant, 2 differential, 3 differential with overflow, 4 off to on, 5 on to off; 0x20 overflow, 0x40 bounds after calculation. */
  readonly flags: number;
  /** Lower values are invalid. */
  readonly lower_bound: number | null;
  /** Values from here on are invalid. */
  readonly upper_bound: number | null;
  /** How validator_id validates; 0 = not. */
  readonly validation_type: number;
  /** Sensor that validates; 0 = none. */
  readonly validator_id: number;
  /** Rows by rising x; the row with the largest x not above the value counts, the first below. Empty = as it is. */
  readonly calibration: readonly CalibrationRow[];
}

export interface TripDetector {
  /** 1 speed, 2 coordinates, 3 ignition, 4 mileage sensor, 5 relative odometer. */
  readonly detector: number;
  /** Whether positions are filtered by satellites and speed. */
  readonly gps_correction: boolean;
  /** Positions with fewer are not used. */
  readonly min_satellites: number;
  /** Slower is standing. [km/h] */
  readonly min_moving_speed_kmh: number;
  /** A shorter stop ends no trip. [s] */
  readonly min_stay_time_s: number;
  /** A longer way between two messages ends a trip. [m] */
  readonly max_messages_distance_m: number;
  /** Shorter trips are none. [s] */
  readonly min_trip_time_s: number;
  /** Shorter trips are none. [m] */
  readonly min_trip_distance_m: number;
}

export interface ServiceInterval {
  /** Number within the unit. */
  readonly interval_id: number;
  /** Name at the provider. */
  readonly name: string;
  /** Every so many kilometres; 0 = not by distance. [km] */
  readonly interval_km: number;
  /** Every so many days; 0 = not by time. [d] */
  readonly interval_days: number;
  /** Every so many engine hours; 0 = not by hours. [h] */
  readonly interval_engine_hours_h: number;
  /** Odometer at the last service. [km] */
  readonly last_km: number;
  /** Last service. [ms since epoch UTC] */
  readonly last_time: number | null;
  /** Engine hours at the last service. [h] */
  readonly last_engine_hours_h: number;
  /** Services done. */
  readonly times_done: number;
}

export interface AssetInterval {
  /** Start; null = always. [ms since epoch UTC] */
  readonly valid_from_time: number | null;
  /** End; null = open. [ms since epoch UTC] */
  readonly valid_to_time: number | null;
  /** Name at the provider. */
  readonly name: string;
  /** Unique device id. */
  readonly device_id: string | null;
  /** VIN from the profile. */
  readonly vin: string | null;
  /** Plate from the profile. */
  readonly registration_plate: string | null;
  /** Sensors with calibration. */
  readonly sensors: readonly AssetSensor[];
  /** The provider's settings of its trips. */
  readonly trip_detector: TripDetector | null;
  /** Maintenance intervals. */
  readonly service_intervals: readonly ServiceInterval[];
  /** 0 metric, 1 US, 2 imperial, 3 metric with gallons. */
  readonly measure_system: number | null;
  /** How the provider counts: low digit 0 GPS, 1 mileage sensor, 2 relative odometer, 3 GPS and ignition; 0x10 engine hours by ignition, 0x20 absolute, 0x40 relative. */
  readonly counter_flags: number | null;
  /** Device type at the provider. */
  readonly hardware_id: number | null;
}

/** A unit at the provider with its validity intervals. */
export interface AssetDescribed {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** When the provider was read. [ms since epoch UTC] */
  readonly event_time: number;
  /** Read time in ms. */
  readonly revision: number;
  /** All validity intervals. */
  readonly intervals: readonly AssetInterval[];
}

export type Measurability =
  'UNKNOWN' | 'NOT_WANTED' | 'NO_UNIT_HEARD' | 'NOT_MEASURABLE' | 'PARTLY_MEASURABLE' | 'MEASURED';

/** How complete what is known of one tenant in one hour of device time is, and whether it can still change. */
export interface CompletenessAssessed {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Start of the hour of device time. [ms since epoch UTC] */
  readonly hour_time: number;
  /** Ordering fact: rises with each change. */
  readonly revision: number;
  /** Positions that were accepted, late ones included. */
  readonly fixes: number;
  /** Accepted positions that were older than the newest of their unit. */
  readonly late_fixes: number;
  /** Positions that came beyond grace and wait for a decision. */
  readonly beyond_grace_fixes: number;
  /** Units with a position in the hour. */
  readonly units_heard: number;
  /** Known units without one. */
  readonly units_silent: number;
  /** Proposals of the hour’s business days that await a verdict. */
  readonly pending_proposals: number;
  /** Messages that the provider holds of the counted units; null = the hour was not counted there. */
  readonly provider_messages: number | null;
  /** Messages of the same units that were extracted; null = not known of at least one of them. */
  readonly extracted_messages: number | null;
  /** Units heard that never said whether their engine runs; null = idling is not wanted. */
  readonly units_without_engine: number | null;
  /** Whether idling was measurable: NOT_MEASURABLE = no unit that was heard has an engine signal. */
  readonly idle: Measurability;
  /** True when no position within grace can change the counts and no proposal is awaited. */
  readonly final: boolean;
}

export type Cause =
  'live' | 'late_fix' | 'late_binding' | 'accepted_late' | 'recomputed' | 'UNKNOWN';

export interface RawAddress {
  /** Raw topic. */
  readonly topic: string;
  /** Partition. */
  readonly partition: number;
  /** Offset of the page or request. */
  readonly offset: number;
  /** Position of the element in it; -1 = the record as a whole. */
  readonly index: number;
}

export type AssignmentSource = 'MESSAGE' | 'BINDING' | 'PLAN' | 'UNKNOWN';

export type Finality = 'provisional' | 'final' | 'UNKNOWN';

/** A stretch of one trip under one driver; what shifts are made of. Keyed by tenant and driver. */
export interface DriverActive {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** End of the activity. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** Stable label: trip and driver. */
  readonly activity_id: string;
  /** Driver code. */
  readonly driver_code: string;
  /** Trip that it is part of. */
  readonly trip_id: string;
  /** First fix of the driver in the trip. [ms since epoch UTC] */
  readonly start_time: number;
  /** Last fix of the driver in the trip. [ms since epoch UTC] */
  readonly end_time: number;
  /** Time in motion. [s] */
  readonly moving_s: number;
  /** Where the driver is known from: the code in the message, the provider's binding, the ERP's plan. */
  readonly assignment: AssignmentSource;
  /** final once no fix within grace can change it. */
  readonly finality: Finality;
  /** How late the fix that caused this version was. [s] */
  readonly late_by_s: number;
  /** Version of the rule and its settings. */
  readonly rule_version: number;
  /** Rule and version of its code, such as driver_activity/1; rule_version is that of the tenant's settings. */
  readonly rule: string | null;
  /** Raw address of the first fix of the trip. */
  readonly first_fix: RawAddress | null;
  /** Raw address of the last fix of the trip. */
  readonly last_fix: RawAddress | null;
  /** Fixes that the trip was cut from. */
  readonly fix_count: number | null;
  /** Hash over the event ids of these fixes. */
  readonly inputs_hash: string | null;
}

export interface DriverBindingInterval {
  /** Start; null = always. [ms since epoch UTC] */
  readonly valid_from_time: number | null;
  /** End; null = open. [ms since epoch UTC] */
  readonly valid_to_time: number | null;
  /** Driver as wialon:<resource>_<id>. */
  readonly driver_id: string;
  /** Code of the driver's key, as messages carry it. */
  readonly driver_code: string | null;
}

/** Which driver the provider binds to a unit, with all validity intervals; codes, no names. */
export interface DriverBound {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** When the provider was read. [ms since epoch UTC] */
  readonly event_time: number;
  /** Read time in ms. */
  readonly revision: number;
  /** All bindings, oldest first; several at a time may overlap. */
  readonly intervals: readonly DriverBindingInterval[];
}

export type FuelChangeKind = 'REFUEL' | 'DRAIN' | 'UNEXPLAINED' | 'UNKNOWN';

export type FuelConfidence = 'HIGH' | 'MEDIUM' | 'LOW' | 'UNKNOWN';

/** A refuel, a drain, or a fall that nobody watched, judged on rested levels before and after. */
export interface FuelLevelChanged {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** When the new level was first seen. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** Stable label of the change. */
  readonly change_id: string;
  /** UNEXPLAINED: a fall across a silence in which the unit moved; never to be taken for a theft. */
  readonly kind: FuelChangeKind;
  /** Last fix with the level before. [ms since epoch UTC] */
  readonly start_time: number;
  /** First fix with the level after. [ms since epoch UTC] */
  readonly end_time: number;
  /** How much came or went, without a sign. [l] */
  readonly volume_l: number;
  /** How far the volume may be off: how much the readings disagree. [l] */
  readonly volume_error_l: number;
  /** Level before, less what a standing engine burns. [l] */
  readonly level_before_l: number;
  /** Level after. [l] */
  readonly level_after_l: number;
  /** Capacity of the tank at that time; null where nobody gave it. [l] */
  readonly tank_l: number | null;
  /** HIGH: rested before and after in one watched standstill; MEDIUM: rested, with a silence or a drive between; LOW: a side was not rested. */
  readonly confidence: FuelConfidence;
  /** Where the level changed; null without a position or in private mode. [deg] */
  readonly latitude: number | null;
  /** Where the level changed; null without a position or in private mode. [deg] */
  readonly longitude: number | null;
  /** final once no fix within grace can change it. */
  readonly finality: Finality;
  /** How late the fix that caused this version was. [s] */
  readonly late_by_s: number;
  /** Heir of a retracted change. */
  readonly replaced_by: string | null;
  /** Rule and version of its code; rule_version is that of the tenant's settings. */
  readonly rule: string;
  /** Version of the tenant's settings. */
  readonly rule_version: number;
  /** Raw address of the fix of start_time. */
  readonly first_fix: RawAddress;
  /** Raw address of the fix of end_time. */
  readonly last_fix: RawAddress;
  /** Fixes that it was cut from. */
  readonly fix_count: number;
  /** Hash over the event ids of these fixes. */
  readonly inputs_hash: string;
}

/** Fuel was bought, as a provider reported it. */
export interface FuelTransactionRecorded {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** When the fuel was bought. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** The provider’s id of the purchase; the id of the pushed event where it gives none. */
  readonly fuel_txn_id: string;
  /** Fuel bought. [l] */
  readonly fuel_liters: number;
  /** Price paid, in units of 10^-minor_digits of the currency. [minor units] */
  readonly amount_minor: number;
  /** Decimals that amount_minor holds: those of the currency; 3 where the price has more, or the currency is not stated. */
  readonly minor_digits: number;
  /** ISO 4217 code; null = the currency of the tenant’s company. */
  readonly currency: string | null;
}

export type Crossing = 'ENTERED' | 'DWELLED' | 'LEFT' | 'LOST' | 'UNKNOWN';

/** A unit entered, stayed in or left a geofence. */
export interface GeofenceCrossed {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** When the unit crossed the edge, or had stayed for the threshold. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** Geofence as <source>:<resource id>_<zone id>. */
  readonly geofence_id: string;
  /** DWELLED: stayed inside for the tenant's threshold; LOST: no position for so long that the visit ended inside. */
  readonly crossing: Crossing;
  /** Where; null when it is not known, as for DWELLED. [deg] */
  readonly latitude: number | null;
  /** Where; null when it is not known, as for DWELLED. [deg] */
  readonly longitude: number | null;
  /** True when time and place are those of the edge on a straight way between two positions; false for those of the first position behind the edge. */
  readonly is_interpolated: boolean;
  /** The crossing may have been this much earlier. [s] */
  readonly uncertainty_s: number;
  /** When the visit began. [ms since epoch UTC] */
  readonly entered_time: number;
  /** Time inside so far; null for ENTERED. [s] */
  readonly dwell_s: number | null;
  /** final once no fix within grace can change it. */
  readonly finality: Finality;
  /** How late the fix that caused this version was. [s] */
  readonly late_by_s: number;
  /** What stands in place of a retracted event. */
  readonly replaced_by: string | null;
  /** Version of the rule and its settings. */
  readonly rule_version: number;
  /** Raw address of the first fix behind the edge when the visit began. */
  readonly first_fix: RawAddress;
  /** Raw address of the fix that confirmed the entry (ENTERED), of the last one inside up to the threshold (DWELLED), of the one that left (LEFT), of the last one inside (LOST). */
  readonly last_fix: RawAddress;
  /** Rule and version of its code, such as geofence/1; rule_version is that of the tenant's settings. */
  readonly rule: string | null;
  /** Positions inside from first_fix to last_fix, for LEFT with the one that left. */
  readonly fix_count: number | null;
  /** Hash over the event ids of these positions. */
  readonly inputs_hash: string | null;
}

/** Evidence of completeness: what one task of the detector saw of one tenant in one hour of device time. Sum over the tasks. */
export interface HourCounted {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Start of the hour of device time. [ms since epoch UTC] */
  readonly hour_time: number;
  /** Task, one of all; its units are disjoint from those of others. */
  readonly task: number;
  /** Ordering fact. */
  readonly revision: number;
  /** Positions that were accepted, late ones included. */
  readonly fixes: number;
  /** Accepted positions that were older than the newest of their unit. */
  readonly late_fixes: number;
  /** Positions that came beyond grace and wait for a decision. */
  readonly beyond_grace_fixes: number;
  /** Units with a position in the hour. */
  readonly units_heard: number;
  /** Units known to the task without one. */
  readonly units_silent: number;
  /** Proposals of the hour's business days that await a verdict. */
  readonly pending_proposals: number;
  /** True when no position within grace can change the counts. */
  readonly final: boolean;
  /** Units with a position in the hour that never said whether their engine runs, so that idling is not measurable; null = idling is not wanted. */
  readonly units_without_engine: number | null;
}

/** A standstill with the engine on for at least the threshold. One entity per standstill; its duration is revised. */
export interface IdleEnded {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** End of the idling. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** Stable label of the idling. */
  readonly idle_id: string;
  /** First fix that stands with the engine on. [ms since epoch UTC] */
  readonly start_time: number;
  /** Last fix that stands with the engine on. [ms since epoch UTC] */
  readonly end_time: number;
  /** end_time - start_time. [s] */
  readonly duration_s: number;
  /** Where it stood; null without a position or in private mode. [deg] */
  readonly latitude: number | null;
  /** Where it stood; null without a position or in private mode. [deg] */
  readonly longitude: number | null;
  /** final once no fix within grace can change it. */
  readonly finality: Finality;
  /** How late the fix that caused this version was. [s] */
  readonly late_by_s: number;
  /** Heir of a retracted idling. */
  readonly replaced_by: string | null;
  /** Rule and version of its code; rule_version is that of the tenant's settings. */
  readonly rule: string;
  /** Version of the tenant's settings. */
  readonly rule_version: number;
  /** Raw address of the first fix. */
  readonly first_fix: RawAddress;
  /** Raw address of the last fix. */
  readonly last_fix: RawAddress;
  /** Fixes that it was cut from. */
  readonly fix_count: number;
  /** Hash over the event ids of these fixes. */
  readonly inputs_hash: string;
}

/** The last plausible meter reading of a unit on a business day. */
export interface OdometerRead {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** Time of the reading. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** Stable label: unit and business day. */
  readonly reading_id: string;
  /** Business day. */
  readonly business_date: string;
  /** Odometer. [km] */
  readonly odometer_km: number | null;
  /** Engine hours counter. [h] */
  readonly engine_hours_h: number | null;
  /** Driven on the day by the odometer, over resets; never negative. [km] */
  readonly distance_km: number | null;
  /** Times that the counter fell on the day: reset or device changed. */
  readonly reset_count: number;
  /** Readings of the day that were left out. */
  readonly implausible_count: number;
  /** final once no fix within grace can change it. */
  readonly finality: Finality;
  /** How late the fix that caused this version was. [s] */
  readonly late_by_s: number;
  /** Heir of a retracted reading. */
  readonly replaced_by: string | null;
  /** Rule and version of its code; rule_version is that of the tenant's settings. */
  readonly rule: string;
  /** Version of the tenant's settings. */
  readonly rule_version: number;
  /** Raw address of the first reading of the day. */
  readonly first_fix: RawAddress;
  /** Raw address of the reading. */
  readonly last_fix: RawAddress;
  /** Fixes that it was cut from. */
  readonly fix_count: number;
  /** Hash over the event ids of these fixes. */
  readonly inputs_hash: string;
}

export interface PlannedInterval {
  /** Start; null = always. [ms since epoch UTC] */
  readonly valid_from_time: number | null;
  /** End; null = open. [ms since epoch UTC] */
  readonly valid_to_time: number | null;
  /** Driver code, as messages carry it. */
  readonly driver_code: string;
  /** Order of the ERP that plans it. */
  readonly order_id: string | null;
}

/** Whom the ERP planned on a unit, with all intervals. */
export interface AssignmentPlanned {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** When the plan was read. [ms since epoch UTC] */
  readonly event_time: number;
  /** Read time in ms. */
  readonly revision: number;
  /** All planned assignments, oldest first. */
  readonly intervals: readonly PlannedInterval[];
}

/** Analytics: where and how a unit was in one minute. No coordinates, driver or text of people. A greater revision replaces a smaller one. */
export interface MinuteSampled {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of tenant, unit and minute. */
  readonly event_id: string;
  /** Start of the minute of device time. [ms since epoch UTC] */
  readonly minute_time: number;
  /** Ordering fact. */
  readonly revision: number;
  /** H3 cell of resolution 7 (about 5 km²) of the newest position of the minute. */
  readonly cell: string;
  /** Positions of the minute that count. */
  readonly fixes: number;
  /** Mean recorded speed; null where the recording has none. [km/h] */
  readonly speed_kmh: number | null;
}

/** One normalised fix with what the device measured beside it. A fix may appear twice when it came by two ways (same event_id); readers remove repeats by event_id. */
export interface PositionRecorded {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** Device time of the fact. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** WGS84 latitude. [deg] */
  readonly latitude: number;
  /** WGS84 longitude. [deg] */
  readonly longitude: number;
  /** Altitude. [m] */
  readonly altitude_m: number | null;
  /** Speed as the device recorded it; null where the recording has none. [km/h] */
  readonly speed_kmh: number | null;
  /** Course. [deg] */
  readonly course_deg: number | null;
  /** Satellites used. */
  readonly satellites: number | null;
  /** Ignition or engine signal. */
  readonly ignition: boolean | null;
  /** Odometer. [km] */
  readonly odometer_km: number | null;
  /** Driver code in the message. */
  readonly driver_code: string | null;
  /** Engine speed. Over 300 the engine is on where there is no ignition signal. [1/min] */
  readonly engine_rpm: number | null;
  /** Calibrated fuel level of all tanks; null where a reading is none. [l] */
  readonly fuel_level_l: number | null;
  /** Fuel level, or state of charge, as a share of the tank, for devices that report no litres. [percent] */
  readonly fuel_level_percent: number | null;
  /** Engine hours counter. [h] */
  readonly engine_hours_h: number | null;
  /** The driver switched private mode on: coordinates are not to be published. Null = the device has no such switch. */
  readonly is_private: boolean | null;
}

/** Everything that the source registered up to complete_to_time stands before this record in this partition. */
export interface ProgressReached {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Source in the tenant file. */
  readonly source_id: string;
  /** Everything that the source registered up to this instant has been published before this record. [ms since epoch UTC] */
  readonly complete_to_time: number;
  /** Wall time of the statement. [ms since epoch UTC] */
  readonly received_time: number;
}

export type ProposalVerdict = 'ACCEPT' | 'REJECT' | 'SHOW_ONLY' | 'UNKNOWN';

/** The verdict of a person or rule about the proposal of one unit and business day. */
export interface ProposalJudged {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Local date of the company. */
  readonly business_date: string;
  /** The content that was judged; of SHOW_ONLY the request. */
  readonly proposal_id: string;
  /** Decision; SHOW_ONLY = what the request of that id finds is shown, not proposed. */
  readonly verdict: ProposalVerdict;
  /** Who decided it. */
  readonly judged_by: string;
  /** Wall time. [ms since epoch UTC] */
  readonly judged_time: number;
}

export type ProposalStatus =
  'WANTED' | 'PENDING' | 'PREVIEW' | 'EMPTY' | 'ACCEPTED' | 'REJECTED' | 'FAILED' | 'UNKNOWN';

export type ProposedChangeKind = 'INSERT' | 'UPDATE' | 'RETRACT' | 'UNKNOWN';

export interface ProposedChange {
  /** trip, site_visit …: the rule that found it. */
  readonly entity: string;
  /** Difference to what was published. */
  readonly change: ProposedChangeKind;
  /** event_id of the version that an acceptance publishes. */
  readonly event_id: string;
  /** Id of the entity. */
  readonly entity_id: string;
  /** Start as recomputed; of a retracted one as published. [ms since epoch UTC] */
  readonly from_time: number;
  /** End as recomputed; null while open. [ms since epoch UTC] */
  readonly to_time: number | null;
  /** Start as published; null for a new one. [ms since epoch UTC] */
  readonly before_from_time: number | null;
  /** End as published. [ms since epoch UTC] */
  readonly before_to_time: number | null;
  /** One line for a person. */
  readonly detail: string;
}

/** What late positions beyond grace, or a recomputation that was asked for, would change on one business day of a unit. One per unit and day; a newer one replaces it. */
export interface ProposalChanged {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Local date of the company. */
  readonly business_date: string;
  /** Names this content; a verdict names it, so that what changed meanwhile is never accepted unseen. */
  readonly proposal_id: string;
  /** Ordering fact. */
  readonly revision: number;
  /** WANTED: the range is to be read again; PENDING: a verdict is awaited; PREVIEW: shown only; EMPTY: nothing differs; FAILED: see reason. */
  readonly status: ProposalStatus;
  /** Why it failed or what is left out. */
  readonly reason: string | null;
  /** First device time of the range that is read again. [ms since epoch UTC] */
  readonly from_time: number;
  /** End of that range, exclusive. [ms since epoch UTC] */
  readonly to_time: number;
  /** Distinct positions of the day that came beyond grace. */
  readonly late_fixes: number;
  /** Positions that the recomputation used. */
  readonly fixes: number;
  /** Version of the tenant's settings that it was computed with. */
  readonly settings_version: number;
  /** What differs, in order of time. */
  readonly changes: readonly ProposedChange[];
  /** Who accepted or rejected it. */
  readonly decided_by: string | null;
  /** Time of the log at which this state was reached. [ms since epoch UTC] */
  readonly changed_time: number;
}

export type ProviderAlert = 'geofence_enter' | 'geofence_exit' | 'UNKNOWN';

/** A provider reported something that happened to a unit at one instant. */
export interface ProviderAlertRaised {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** When it happened. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** What happened. */
  readonly alert: ProviderAlert;
  /** Geofence as <source>:<provider id>, for alerts that have one. */
  readonly geofence_id: string | null;
}

/** A provider reported that maintenance falls due. */
export interface WorkOrderReported {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** When the provider noticed it; the time of receipt where it does not say. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** The provider’s id; without one, unit, task and due point are the identity. */
  readonly work_order_id: string | null;
  /** What is to be done, in the provider’s words. */
  readonly task: string;
  /** Day on which it falls due, local to the company. [days since epoch] */
  readonly due_date: number | null;
  /** Odometer reading at which it falls due. [km] */
  readonly due_odometer_km: number | null;
  /** Engine hours at which it falls due. [h] */
  readonly due_engine_h: number | null;
}

/** End marker: all positions of a unit in a range of event time, as the source or our raw topic gives them now, stand before this record in this partition. */
export interface RangeReread {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** What asked for the range; markers of one request are equal but for the unit. */
  readonly request_id: string;
  /** First device time of the range. [ms since epoch UTC] */
  readonly from_time: number;
  /** End of the range, exclusive. [ms since epoch UTC] */
  readonly to_time: number;
  /** True = the difference is only shown. */
  readonly preview: boolean;
  /** False = the range could not be read to its end; nothing is concluded from it. */
  readonly complete: boolean;
  /** Why it is not complete. */
  readonly reason: string | null;
  /** Wall time of the statement. [ms since epoch UTC] */
  readonly received_time: number;
}

/** What a driver did between two rests, across vehicles and midnight. Keyed by tenant and driver. */
export interface ShiftWorked {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** End of the newest activity. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** Stable label of the shift. */
  readonly shift_id: string;
  /** Driver code. */
  readonly driver_code: string;
  /** Start of the first activity. [ms since epoch UTC] */
  readonly start_time: number;
  /** End of the last activity. [ms since epoch UTC] */
  readonly end_time: number;
  /** end_time - start_time, by the clock of UTC. [s] */
  readonly duration_s: number;
  /** Time in motion. [s] */
  readonly moving_s: number;
  /** Activities. */
  readonly activity_count: number;
  /** Units driven, ascending. */
  readonly units: readonly string[];
  /** Local date of the end. */
  readonly business_date: string;
  /** provisional until the rest has passed and no activity within grace can change it. */
  readonly finality: Finality;
  /** How late the fix that caused this version was. [s] */
  readonly late_by_s: number;
  /** Heir of a retracted shift. */
  readonly replaced_by: string | null;
  /** Rule and version of its code; rule_version is that of the tenant's settings. */
  readonly rule: string;
  /** Version of the tenant's settings. */
  readonly rule_version: number;
  /** Hash over the event ids of the activities. */
  readonly inputs_hash: string;
  /** Raw address of the first fix of the first activity's trip. */
  readonly first_fix: RawAddress | null;
  /** Raw address of the last fix of the last activity's trip. */
  readonly last_fix: RawAddress | null;
  /** Fixes that the trips of the activities were cut from. */
  readonly fix_count: number | null;
}

/** What a device measured at one time without a position: ignition, fuel, counters. Stands in the stream of positions of its unit; readers that need coordinates pass it by. May appear twice, as positions. */
export interface SignalRecorded {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** Device time of the fact. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** Speed as the device recorded it (odometer, CAN); null where there is none. [km/h] */
  readonly speed_kmh: number | null;
  /** Ignition or engine signal. */
  readonly ignition: boolean | null;
  /** Odometer. [km] */
  readonly odometer_km: number | null;
  /** Driver code in the message. */
  readonly driver_code: string | null;
  /** Engine speed. Over 300 the engine is on where there is no ignition signal. [1/min] */
  readonly engine_rpm: number | null;
  /** Calibrated fuel level of all tanks; null where a reading is none. [l] */
  readonly fuel_level_l: number | null;
  /** Fuel level, or state of charge, as a share of the tank, for devices that report no litres. [percent] */
  readonly fuel_level_percent: number | null;
  /** Engine hours counter. [h] */
  readonly engine_hours_h: number | null;
  /** The driver switched private mode on: coordinates are not to be published. Null = the device has no such switch. */
  readonly is_private: boolean | null;
}

export type VisitStatus = 'ENTERED' | 'LEFT' | 'UNKNOWN_EXIT' | 'UNKNOWN';

/** A vehicle was inside a geofence; published on entry and again when left. */
export interface SiteVisited {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** Time of entry. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** Stable label of the visit. */
  readonly visit_id: string;
  /** Geofence as <source>:<resource id>_<zone id>. */
  readonly geofence_id: string;
  /** State of the visit. */
  readonly status: VisitStatus;
  /** First fix inside. [ms since epoch UTC] */
  readonly entered_time: number;
  /** First fix outside again. [ms since epoch UTC] */
  readonly left_time: number | null;
  /** left_time - entered_time. [s] */
  readonly dwell_s: number | null;
  /** final once no fix within grace can change it. */
  readonly finality: Finality;
  /** How late the fix that caused this version was. [s] */
  readonly late_by_s: number;
  /** Heir of a retracted visit. */
  readonly replaced_by: string | null;
  /** Version of the rule and its settings. */
  readonly rule_version: number;
  /** Raw address of the fix that entered. */
  readonly first_fix: RawAddress;
  /** Raw address of the fix that left; of one that is open (ENTERED) of the fix that confirmed the entry, of one that was lost sight of (UNKNOWN_EXIT) of the last fix inside. */
  readonly last_fix: RawAddress;
  /** Rule and version of its code, such as visit/1; rule_version is that of the tenant's settings. */
  readonly rule: string | null;
  /** Positions inside from first_fix to last_fix, once it is left with the one that left. */
  readonly fix_count: number | null;
  /** Hash over the event ids of these positions. */
  readonly inputs_hash: string | null;
  /** True when entered_time is the crossing on a straight way between two positions. */
  readonly entered_is_interpolated: boolean | null;
  /** The entry may have been this much earlier. [s] */
  readonly entered_uncertainty_s: number | null;
  /** As entered_is_interpolated, of left_time. */
  readonly left_is_interpolated: boolean | null;
  /** The exit may have been this much earlier. [s] */
  readonly left_uncertainty_s: number | null;
}

export type TripStatus =
  'planned' | 'started' | 'arrived' | 'departed' | 'completed' | 'cancelled' | 'UNKNOWN';

/** A provider's trip or job advanced. */
export interface TripStatusChanged {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit where the fact has one, as <source>:<provider id>. */
  readonly unit: string | null;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** When the status was reached. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** The provider's trip id = the ERP's order reference. */
  readonly trip_id: string;
  /** Status reached. */
  readonly status: TripStatus;
  /** The provider's site id. */
  readonly site_id: string | null;
}

/** A vehicle moved from one standstill to the next. */
export interface TripCompleted {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** End of the trip. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** Stable label of the trip; keeps its value while the borders move. */
  readonly trip_id: string;
  /** First fix of the trip. [ms since epoch UTC] */
  readonly start_time: number;
  /** Last moving fix. [ms since epoch UTC] */
  readonly end_time: number;
  /** end_time - start_time. [s] */
  readonly duration_s: number;
  /** Length of the trip, see distance_source; sum of great-circle steps where that is null. [km] */
  readonly distance_km: number;
  /** WGS84 latitude; 0 and without meaning where is_private. [deg] */
  readonly start_latitude: number;
  /** WGS84 longitude; 0 and without meaning where is_private. [deg] */
  readonly start_longitude: number;
  /** WGS84 latitude; 0 and without meaning where is_private. [deg] */
  readonly end_latitude: number;
  /** WGS84 longitude; 0 and without meaning where is_private. [deg] */
  readonly end_longitude: number;
  /** Fixes from start to end. */
  readonly fix_count: number;
  /** Driver code. */
  readonly driver_code: string | null;
  /** final once no fix within grace can change it. */
  readonly finality: Finality;
  /** How late the fix that caused this version was: provider_time - event_time of that fix. [s] */
  readonly late_by_s: number;
  /** Heir of a retracted trip. */
  readonly replaced_by: string | null;
  /** Version of the rule and its settings. */
  readonly rule_version: number;
  /** Raw address of the first fix. */
  readonly first_fix: RawAddress;
  /** Raw address of the last fix. */
  readonly last_fix: RawAddress;
  /** Hash over the event ids of the fixes. */
  readonly inputs_hash: string;
  /** Where driver_code is known from: the code in the message, the provider's binding, or the ERP's plan. */
  readonly driver_source: string | null;
  /** How often another driver took over; null where nobody is known. */
  readonly driver_changes: number | null;
  /** Rule and version of its code, such as trip/1; rule_version is that of the tenant's settings. */
  readonly rule: string | null;
  /** What distance_km is: great_circle or odometer. */
  readonly distance_source: string | null;
  /** Sum of great-circle steps. [km] */
  readonly great_circle_km: number | null;
  /** Distance by the odometer's readings; null when there are not two of them. [km] */
  readonly odometer_km: number | null;
  /** Positions between start and end that were left out as impossible. */
  readonly left_out_count: number | null;
  /** True for a trip in private mode: times and distance hold, all coordinates are 0 and mean nothing. */
  readonly is_private: boolean | null;
  /** Whose settings the trip was cut with: tenant or unit. */
  readonly settings_source: string | null;
}

export type DueBy = 'DISTANCE' | 'ENGINE_HOURS' | 'DATE' | 'UNKNOWN';

/** A maintenance interval has come near its end: once per interval and cycle. */
export interface ServiceDue {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Hash of the identity (design section 4); the deduplication key. */
  readonly event_id: string;
  /** When it came within the lead. [ms since epoch UTC] */
  readonly event_time: number;
  /** When the provider registered the record that caused this version. [ms since epoch UTC] */
  readonly provider_time: number;
  /** Wall time at which the extractor or ingest received it; kept by replays. [ms since epoch UTC] */
  readonly received_time: number;
  /** Ordering fact: a greater revision replaces a smaller one. */
  readonly revision: number;
  /** True when this version withdraws the fact. */
  readonly retracted: boolean;
  /** Why this version was published. */
  readonly cause: Cause;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
  /** Stable label: unit, interval and cycle. */
  readonly due_id: string;
  /** Number of the interval at the provider. */
  readonly interval_id: number;
  /** Name at the provider. */
  readonly interval_name: string;
  /** Services done before. */
  readonly cycle: number;
  /** What came near first. */
  readonly due_by: DueBy;
  /** Odometer at which it is due. [km] */
  readonly due_km: number | null;
  /** Engine hours at which it is due. [h] */
  readonly due_engine_hours_h: number | null;
  /** Date at which it is due. [ms since epoch UTC] */
  readonly due_time: number | null;
  /** Odometer when it came within the lead. [km] */
  readonly odometer_km: number | null;
  /** Engine hours when it came within the lead. [h] */
  readonly engine_hours_h: number | null;
  /** final once no fix within grace can change it. */
  readonly finality: Finality;
  /** How late the fix that caused this version was. [s] */
  readonly late_by_s: number;
  /** Heir of a retracted order. */
  readonly replaced_by: string | null;
  /** Rule and version of its code; rule_version is that of the tenant's settings. */
  readonly rule: string;
  /** Version of the tenant's settings. */
  readonly rule_version: number;
  /** Raw address of the fix that came within the lead. */
  readonly first_fix: RawAddress;
  /** As first_fix. */
  readonly last_fix: RawAddress;
  /** Fixes that it was cut from. */
  readonly fix_count: number;
  /** Hash over the event ids of these fixes. */
  readonly inputs_hash: string;
}

export type ZoneShape = 'POLYGON' | 'CIRCLE' | 'CORRIDOR' | 'UNKNOWN';

export interface ZonePoint {
  /** WGS84 latitude. [deg] */
  readonly latitude: number;
  /** WGS84 longitude. [deg] */
  readonly longitude: number;
}

export interface ZoneInterval {
  /** Start; null = always. [ms since epoch UTC] */
  readonly valid_from_time: number | null;
  /** End; null = open. [ms since epoch UTC] */
  readonly valid_to_time: number | null;
  /** Name. */
  readonly name: string;
  /** Shape. */
  readonly shape: ZoneShape;
  /** Corridor width or circle radius. [m] */
  readonly width_m: number;
  /** Outline, centre or axis. */
  readonly points: readonly ZonePoint[];
}

/** A geofence with all validity intervals. */
export interface ZoneDescribed {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Geofence as <source>:<resource id>_<zone id>. */
  readonly geofence_id: string;
  /** When the provider was read. [ms since epoch UTC] */
  readonly event_time: number;
  /** Read time in ms. */
  readonly revision: number;
  /** All validity intervals. */
  readonly intervals: readonly ZoneInterval[];
}

export type MappedEntity = 'vehicle' | 'driver' | 'customer' | 'site' | 'UNKNOWN';

export interface MappingInterval {
  /** Id in the ERP. */
  readonly erp_id: string;
  /** Start, inclusive; null = always. [ms since epoch UTC] */
  readonly valid_from_time: number | null;
  /** End, exclusive; null = open. [ms since epoch UTC] */
  readonly valid_to_time: number | null;
}

/** Both systems' ids with all validity intervals. */
export interface IdMapped {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Entity. */
  readonly entity: MappedEntity;
  /** Unit, driver code, customer or geofence id. */
  readonly telematics_id: string;
  /** Rises with each change. */
  readonly version: number;
  /** Soft delete. */
  readonly deleted: boolean;
  /** All validity intervals, ascending, without overlap. */
  readonly intervals: readonly MappingInterval[];
}

export interface ContractViolation {
  /** Field path. */
  readonly path: string;
  /** Expected and found. */
  readonly message: string;
}

/** One element that could not be processed, with its original bytes and every violation. */
export interface ElementRejected {
  /** Service that refused it. */
  readonly service: string;
  /** Hash of the element; equal for repeats of it. */
  readonly element_id: string;
  /** Tenant where known. */
  readonly tenant_id: string | null;
  /** Unit where known. */
  readonly unit: string | null;
  /** Error code of the service. */
  readonly code: string;
  /** Kind of the fault. */
  readonly kind: string;
  /** authentication, validation, transformation or network. */
  readonly category: string;
  /** One line. */
  readonly message: string;
  /** All violations. */
  readonly violations: readonly ContractViolation[];
  /** Attempts. */
  readonly attempts: number;
  /** Wall time. [ms since epoch UTC] */
  readonly rejected_time: number;
  /** Device time where known. [ms since epoch UTC] */
  readonly event_time: number | null;
  /** Original bytes of the element. */
  readonly original: Buffer | null;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
}

/** A rework ends where it stands; what it did stays done. */
export interface ReworkCancelled {
  /** Id of the command; also its key. */
  readonly rework_id: string;
  /** Service whose input it is. */
  readonly service: string;
  /** Who asked for it. */
  readonly requested_by: string;
  /** Wall time. [ms since epoch UTC] */
  readonly requested_time: number;
}

/** How often the records of one block of 1,024 offsets were reworked. Key: topic/block. */
export interface ReworkCounted {
  /** Input topic, without namespace. */
  readonly topic: string;
  /** Offset divided by 1,024. */
  readonly block: number;
  /** One byte per offset of the block. */
  readonly counts: Buffer;
}

export type ReworkStatus = 'RUNNING' | 'DONE' | 'CANCELLED' | 'FAILED' | 'UNKNOWN';

export interface ReworkSpan {
  /** Input topic, without namespace. */
  readonly topic: string;
  /** Next offset to work on. */
  readonly next: number;
  /** End, exclusive. */
  readonly end: number;
  /** Element in the record; -1 = all. */
  readonly index: number;
}

export interface ReworkOutcome {
  /** Topic of what was emitted, or code of what was rejected. */
  readonly outcome: string;
  /** Elements. */
  readonly count: number;
}

export type ReworkComparison = 'NEW' | 'CHANGED' | 'REJECTED' | 'UNKNOWN';

export interface ReworkChange {
  /** Path of the field, as trace.index. */
  readonly field: string;
  /** As published, as JSON, at most 100 characters; null = absent. */
  readonly before: string | null;
  /** As it would be made; null = absent. */
  readonly after: string | null;
}

export interface ReworkFinding {
  /** Offset of the input record. */
  readonly offset: number;
  /** Topic that the element would go to, or the code it is rejected with. */
  readonly outcome: string;
  /** event_id of the element, else its key. */
  readonly id: string;
  /** Against what was published: nothing was under this id, fields differ, it is rejected. */
  readonly comparison: ReworkComparison;
  /** The first 10 fields that differ. */
  readonly changes: readonly ReworkChange[];
  /** Fields that differ beside those listed. */
  readonly changes_left_out: number;
}

export interface ReworkCompared {
  /** Nothing was published under their id. */
  readonly elements_new: number;
  /** They differ from what was published. */
  readonly elements_changed: number;
  /** They were published just so. */
  readonly elements_same: number;
  /** Nobody can tell, see README of packages/stream. */
  readonly elements_unknown: number;
}

/** How far one task of a service is with a rework; written in the transaction of the reworked records. Key: rework_id/task. */
export interface ReworkProgressed {
  /** Id of the command. */
  readonly rework_id: string;
  /** Service. */
  readonly service: string;
  /** Task, the partition of the inputs. */
  readonly task: number;
  /** Number of tasks; the rework is over when each of them says so. */
  readonly tasks: number;
  /** State of this task's share. */
  readonly status: ReworkStatus;
  /** True = nothing but this report was written. */
  readonly preview: boolean;
  /** What is left; empty when it is over. */
  readonly spans: readonly ReworkSpan[];
  /** Records that went through the code. */
  readonly records_done: number;
  /** Records left out because they were reworked too often. */
  readonly records_refused: number;
  /** Records that the topic does not hold any more. */
  readonly records_missing: number;
  /** State records left out because the topic holds a newer revision. */
  readonly elements_superseded: number;
  /** What was emitted, by topic, and rejected, by code; of a preview: what would be. */
  readonly outcomes: readonly ReworkOutcome[];
  /** Of a preview: the first 100 elements that are rejected, or that differ from what was published. */
  readonly findings: readonly ReworkFinding[];
  /** Why it failed, or why records were refused. */
  readonly reason: string | null;
  /** Wall time. [ms since epoch UTC] */
  readonly updated_time: number;
  /** Of a preview that is done: its elements against what was published. */
  readonly compared: ReworkCompared | null;
}

export interface ReworkAddress {
  /** Input topic, without namespace. */
  readonly topic: string;
  /** Partition. */
  readonly partition: number;
  /** Offset of the record. */
  readonly offset: number;
  /** Element in the record; -1 = the record as a whole. */
  readonly index: number;
}

export interface RereadRange {
  /** Names the re-reading in its end marker. */
  readonly request_id: string;
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** First device time. [ms since epoch UTC] */
  readonly from_time: number;
  /** End, exclusive. [ms since epoch UTC] */
  readonly to_time: number;
}

/** Chosen input records of a service are to go through its current code again. Exactly one of addresses, dead_letter_ids and a range (key, times or offsets) chooses them. */
export interface ReworkRequested {
  /** Id of the command; also its key. */
  readonly rework_id: string;
  /** Service whose input it is. */
  readonly service: string;
  /** Single records or elements; empty = chosen otherwise. At most 1,000. */
  readonly addresses: readonly ReworkAddress[];
  /** element_id of dead letters of the service; empty = chosen otherwise. At most 1,000. */
  readonly dead_letter_ids: readonly string[];
  /** Restricts a range to one input topic; null = all inputs. */
  readonly topic: string | null;
  /** Restricts a range to records with this key. */
  readonly key: string | null;
  /** Range: published at or after; null = from the first record that is still there. [ms since epoch UTC] */
  readonly from_time: number | null;
  /** Range: published before; null = up to the position of the service when it took the command. [ms since epoch UTC] */
  readonly to_time: number | null;
  /** Restricts a range to one partition; needed with offsets. */
  readonly partition: number | null;
  /** Range: first offset. */
  readonly from_offset: number | null;
  /** Range: end, exclusive. */
  readonly to_offset: number | null;
  /** True = run the code, write nothing but the report. */
  readonly preview: boolean;
  /** At most so many records per second and task. [records/s] */
  readonly rate_records_per_s: number;
  /** Who asked for it. */
  readonly requested_by: string;
  /** Wall time. [ms since epoch UTC] */
  readonly requested_time: number;
  /** Set = the records are not worked on again: what they hold of the unit and range goes to the back-fill topic. */
  readonly reread: RereadRange | null;
}

export type TaskKind = 'BEYOND_GRACE' | 'UNMAPPED' | 'BEYOND_PERIOD' | 'UNKNOWN';

export type TaskStatus = 'OPEN' | 'DONE' | 'UNKNOWN';

/** What a person or a rule must decide. */
export interface TaskRaised {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Hash of kind, unit and business date. */
  readonly task_id: string;
  /** What it is about. */
  readonly kind: TaskKind;
  /** State. */
  readonly status: TaskStatus;
  /** Unit concerned. */
  readonly unit: string | null;
  /** Local date of the company. */
  readonly business_date: string;
  /** Distinct fixes concerned. */
  readonly fix_count: number;
  /** Oldest device time. [ms since epoch UTC] */
  readonly first_event_time: number;
  /** Newest device time. [ms since epoch UTC] */
  readonly last_event_time: number;
  /** Greatest lateness. [s] */
  readonly max_late_by_s: number;
  /** Ordering fact. */
  readonly revision: number;
  /** One line for a person. */
  readonly detail: string;
  /** Where the raw element stands: topic, partition, offset and index in the page. */
  readonly trace: RawAddress;
}

export type SignatureVerdict = 'VERIFIED' | 'UNSIGNED' | 'UNKNOWN';

/** One request body, verbatim. */
export interface WebhookReceived {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Source in the tenant file. */
  readonly source_id: string;
  /** Identity of the request: tenant, source and Idempotency-Key, hashed. */
  readonly request_id: string;
  /** Wall time of receipt. [ms since epoch UTC] */
  readonly received_time: number;
  /** Result of the signature check. */
  readonly verdict: SignatureVerdict;
  /** Which of the valid secrets matched. */
  readonly key_id: string | null;
  /** As sent. */
  readonly idempotency_key: string | null;
  /** As sent. */
  readonly content_type: string | null;
  /** Request headers without credentials. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body, hex. */
  readonly body_sha256: string;
  /** The body as received. */
  readonly body: Buffer;
}

/** The applied tenant files. */
export interface TenantConfigured {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Rises with each apply. */
  readonly version: number;
  /** Wall time. [ms since epoch UTC] */
  readonly applied_time: number;
  /** Who applied it. */
  readonly applied_by: string;
  /** SHA-256 of document, hex. */
  readonly document_sha256: string;
  /** The checked tenant model as JSON; secrets are references. */
  readonly document: string;
}

export type GeofenceDirection = 'enter' | 'exit' | 'UNKNOWN';

/** A vehicle entered or left a geofence. */
export interface PushedGeofenceAlert {
  /** The sender’s id of the vehicle or tracker. Of the form <source>:<id> it names a unit of that source of the tenant. */
  readonly vehicle_id: string;
  /** The sender’s id of the geofence. Of the form <source>:<id> it names a geofence of that source of the tenant. */
  readonly geofence_id: string;
  /** Whether it entered or left. */
  readonly direction: GeofenceDirection;
  /** When it crossed the border. [ISO 8601 with offset, or seconds or ms since 1970] */
  readonly ts: number;
}

/** Fuel was bought. */
export interface PushedFuelTransaction {
  /** The sender’s id of the vehicle or tracker. Of the form <source>:<id> it names a unit of that source of the tenant. */
  readonly vehicle_id: string;
  /** Fuel bought, at most three decimals. [l] */
  readonly liters: number;
  /** Price paid, at most three decimals. [currency] */
  readonly amount: number;
  /** ISO 4217 code; absent = the currency of the tenant’s company. */
  readonly currency: string | null;
  /** The sender’s id of the purchase; absent = the id of the event. */
  readonly fuel_txn_id: string | null;
  /** When the fuel was bought. [ISO 8601 with offset, or seconds or ms since 1970] */
  readonly ts: number;
}

export type MeterUnit = 'km' | 'h' | 'UNKNOWN';

/** Maintenance falls due. */
export interface PushedWorkOrder {
  /** The sender’s id of the vehicle or tracker. Of the form <source>:<id> it names a unit of that source of the tenant. */
  readonly vehicle_id: string;
  /** What is to be done. */
  readonly task: string;
  /** Day on which it falls due, local to the company. [YYYY-MM-DD] */
  readonly due_date: number | null;
  /** Meter reading at which it falls due. [meter_unit] */
  readonly meter: number | null;
  /** Unit of meter: odometer in km (also when absent) or engine hours. */
  readonly meter_unit: MeterUnit | null;
  /** The sender’s id of the work order; absent = vehicle, task and due point identify it. */
  readonly work_order_id: string | null;
  /** When it was noticed; absent = the time of receipt. [ISO 8601 with offset, or seconds or ms since 1970] */
  readonly ts: number | null;
}

/** A trip or job advanced. */
export interface PushedTripStatus {
  /** The provider's trip id = the ERP's order reference. */
  readonly trip_id: string;
  /** Status reached. */
  readonly status: TripStatus;
  /** The sender’s id of the site. */
  readonly site_id: string | null;
  /** When the status was reached. [ISO 8601 with offset, or seconds or ms since 1970] */
  readonly ts: number;
}

/** Where a vehicle was. */
export interface PushedLocation {
  /** The sender’s id of the vehicle or tracker. Of the form <source>:<id> it names a unit of that source of the tenant. */
  readonly vehicle_id: string;
  /** WGS84 latitude. [deg] */
  readonly lat: number;
  /** WGS84 longitude. [deg] */
  readonly lon: number;
  /** Speed as the device measured it. [km/h] */
  readonly speed: number | null;
  /** When the device measured the position. [ISO 8601 with offset, or seconds or ms since 1970] */
  readonly ts: number;
}

export type BackfillStatus = 'RUNNING' | 'DONE' | 'CANCELLED' | 'FAILED' | 'UNKNOWN';

/** How far a back-fill of an account is; written with the pages that it covers. */
export interface BackfillMoved {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Source in the tenant file. */
  readonly source_id: string;
  /** Account at the provider. */
  readonly account: string;
  /** Command that asked for the range. */
  readonly rework_id: string;
  /** RUNNING until the end marker is written. */
  readonly status: BackfillStatus;
  /** Start of the range, device time. [ms since epoch UTC] */
  readonly from_time: number;
  /** End of the range, device time, exclusive. [ms since epoch UTC] */
  readonly to_time: number;
  /** Provider ids that are left, ascending; the first is being read. */
  readonly units: readonly number[];
  /** The first unit left is read up to here, device time. [ms since epoch UTC] */
  readonly reached_time: number;
  /** Units at the start. */
  readonly units_total: number;
  /** Messages published. */
  readonly messages: number;
  /** Messages of the first unit left. */
  readonly unit_messages: number;
  /** Units that could not be read. */
  readonly skipped: readonly number[];
  /** Wall time. [ms since epoch UTC] */
  readonly updated_time: number;
}

export type BackfillMark = 'STARTED' | 'UNIT_ENDED' | 'ENDED' | 'CANCELLED' | 'FAILED' | 'UNKNOWN';

/** Where a re-read range stands: behind the pages that it speaks of, in the same partition. */
export interface BackfillMarked {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Source in the tenant file. */
  readonly source_id: string;
  /** Account at the provider. */
  readonly account: string;
  /** Command that asked for the range. */
  readonly rework_id: string;
  /** STARTED and one of ENDED, CANCELLED, FAILED per command and account; UNIT_ENDED per unit. */
  readonly mark: BackfillMark;
  /** Unit whose pages stand before this record; null = all of the command. */
  readonly unit: string | null;
  /** Start of the range, device time. [ms since epoch UTC] */
  readonly from_time: number;
  /** End of the range, device time, exclusive. [ms since epoch UTC] */
  readonly to_time: number;
  /** Messages published: of the unit, or of the whole range. */
  readonly messages: number;
  /** Units in the range. */
  readonly units_total: number;
  /** Units whose pages stand before this record. */
  readonly units_done: number;
  /** Why it failed, or which units could not be read. */
  readonly reason: string | null;
  /** Wall time. [ms since epoch UTC] */
  readonly received_time: number;
}

/** The provider's own counts of a unit, hour by hour, beside what was extracted. */
export interface MessagesCounted {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Source in the tenant file. */
  readonly source_id: string;
  /** Account at the provider. */
  readonly account: string;
  /** Unit as <source>:<provider id>. */
  readonly unit: string;
  /** Start of the first hour, device time. [ms since epoch UTC] */
  readonly from_time: number;
  /** Messages that the provider holds, one number per hour. */
  readonly provider_counts: readonly number[];
  /** Messages that were extracted before the count; -1 = not known, for example after a restart. */
  readonly extracted_counts: readonly number[];
  /** Hours that differ and are read again. */
  readonly reread_hours: number;
  /** Wall time of the count. [ms since epoch UTC] */
  readonly received_time: number;
}

/** How far a unit, or the live feed of an account, is read. */
export interface CursorMoved {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Source in the tenant file. */
  readonly source_id: string;
  /** Account at the provider. */
  readonly account: string;
  /** Unit; null for the account's live feed. */
  readonly unit: string | null;
  /** Everything registered up to here was published. [ms since epoch UTC] */
  readonly read_to_time: number;
  /** Session that read it. */
  readonly session_hash: string | null;
  /** Wall time. [ms since epoch UTC] */
  readonly updated_time: number;
  /** Start of the first hour of hour_counts, device time. [ms since epoch UTC] */
  readonly hours_from_time: number | null;
  /** Messages extracted per hour, for the count proof; -1 = not known. */
  readonly hour_counts: readonly number[];
  /** Of the live feed: days before this one, counted from 1970, were compared with the provider's counts. */
  readonly proved_day: number | null;
  /** Hours counted from 1970 in which messages came late and that have still to be read again. */
  readonly dirty_hours: readonly number[];
}

/** One response of the Wialon Remote API, verbatim, with its call and window. */
export interface PageFetched {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Source in the tenant file. */
  readonly source_id: string;
  /** Account at the provider. */
  readonly account: string;
  /** Hash of call, window and body; equal for repeated reads of equal answers. */
  readonly page_id: string;
  /** Service called, such as messages/get_messages or avl_evts. */
  readonly call: string;
  /** JSON of the parameters; secrets replaced by hashes. */
  readonly parameters: string;
  /** Unit asked for; null when the answer covers many. */
  readonly unit: string | null;
  /** Start of the message window asked for. [ms since epoch UTC] */
  readonly window_from_time: number | null;
  /** End of the message window asked for. [ms since epoch UTC] */
  readonly window_to_time: number | null;
  /** First 16 hex digits of SHA-256 of the session id. */
  readonly session_hash: string;
  /** Wall time of the answer. [ms since epoch UTC] */
  readonly received_time: number;
  /** The provider's clock in the answer, where it states one. [ms since epoch UTC] */
  readonly provider_now_time: number | null;
  /** Index of the first message of this page in the provider's result. */
  readonly first_index: number;
  /** Messages in this page. */
  readonly message_count: number;
  /** Number of this part, from 0. */
  readonly part: number;
  /** Parts of this answer; bodies over 512 KiB are split between messages. */
  readonly parts: number;
  /** SHA-256 of the whole body, hex. */
  readonly body_sha256: string;
  /** The body, or this part of it as a JSON array of messages. */
  readonly body: Buffer;
  /** Why the answer is of no use, such as HTML or cut-off JSON; null = it is what its call answers with. Of an unusable one secrets are replaced by hashes. */
  readonly unusable_reason: string | null;
  /** Of an unusable answer; null where none came. */
  readonly http_status: number | null;
  /** Of an unusable answer, as the provider calls it. */
  readonly content_type: string | null;
  /** Bytes of an unusable answer as it came; more than the body has = it was cut here. [B] */
  readonly body_bytes: number | null;
}

/** Everything registered at the provider up to complete_to_time stands before this record. */
export interface SourceProgressed {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Source in the tenant file. */
  readonly source_id: string;
  /** Account at the provider. */
  readonly account: string;
  /** Everything that the source registered up to this instant has been published before this record. [ms since epoch UTC] */
  readonly complete_to_time: number;
  /** Wall time of the statement. [ms since epoch UTC] */
  readonly received_time: number;
}

export type SessionChange = 'LOGIN' | 'REFRESH' | 'EXPIRY' | 'FAILURE' | 'LOGOUT' | 'UNKNOWN';

/** One line of the authentication audit; never holds a token or session id. */
export interface SessionChanged {
  /** Tenant, lower case with hyphens. */
  readonly tenant_id: string;
  /** Source in the tenant file. */
  readonly source_id: string;
  /** Account at the provider. */
  readonly account: string;
  /** What happened. */
  readonly kind: SessionChange;
  /** Wall time. [ms since epoch UTC] */
  readonly event_time: number;
  /** Session, hashed. */
  readonly session_hash: string | null;
  /** Provider's error code. */
  readonly error_code: number | null;
  /** Provider's reason or ours. */
  readonly reason: string | null;
  /** Duration of the call. [ms] */
  readonly latency_ms: number;
}

/** Trip detector of a unit (`rtd`, fact sheet 9.2): 1 GPS speed, 2 positions, 3 ignition. */
export interface TripDetector {
  readonly type: 1 | 2 | 3;
  readonly gpsCorrection: 0 | 1;
  readonly minSat: number;
  /** km/h. */
  readonly minMovingSpeed: number;
  /** Seconds of standstill that end a trip. */
  readonly minStayTime: number;
  /** Metres between two messages above which a trip is cut. */
  readonly maxMessagesDistance: number;
  /** Seconds. */
  readonly minTripTime: number;
  /** Metres. */
  readonly minTripDistance: number;
}

/** Every unit of the twin moves by recorded speed; every fourth one by ignition. */
export function tripDetectorOf(unitId: number): TripDetector {
  return {
    type: unitId % 4 === 3 ? 3 : 1,
    gpsCorrection: 1,
    minSat: 2,
    minMovingSpeed: 5,
    minStayTime: 300,
    maxMessagesDistance: 10_000,
    minTripTime: 60,
    minTripDistance: 500,
  };
}

/** Fuel settings (`rfc`): levels by sensor, fillings and thefts as the provider detects them. */
export function fuelSettingsOf(): unknown {
  return {
    calcTypes: 0x2,
    fuelLevelParams: {
      flags: 0x2 + 0x8,
      ignoreStayTimeout: 10,
      minFillingVolume: 10,
      minTheftTimeout: 0,
      minTheftVolume: 10,
      filterQuality: 5,
      fillingsJoinInterval: 300,
      theftsJoinInterval: 300,
      extraFillingTimeout: 0,
    },
    fuelConsMath: { idling: 2, urban: 10, suburban: 7, loadCoef: 1.3 },
    fuelConsRates: {},
    fuelConsImpulse: {},
  };
}

/** Profile fields (`pflds`, fact sheet 6.4) of a unit. */
export function profileOf(unitId: number): unknown {
  const fields = [
    ['vin', `WTW${String(unitId).padStart(14, '0')}`],
    ['registration_plate', `TW ${unitId}`],
    ['vehicle_class', unitId % 2 === 0 ? 'heavy_truck' : 'passenger_car'],
  ] as const;
  return Object.fromEntries(
    fields.map(([n, v], index) => [String(index + 1), { id: index + 1, n, v }]),
  );
}

/** Service intervals (`si`, fact sheet 14.2): an oil change every 10,000 km or 180 days. */
export function serviceIntervalsOf(since: number): unknown {
  return {
    1: { id: 1, n: 'Oil change', t: '', im: 10_000, it: 180, ie: 0, pm: 0, pt: since, pe: 0, c: 1 },
  };
}

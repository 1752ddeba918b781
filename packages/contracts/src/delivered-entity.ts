/** Entities whose events an ERP may take; `entity` of mappings, deliveries and the ledger. */
export type DeliveredEntity =
  | 'trip'
  | 'site_visit'
  | 'transport_order'
  | 'idle'
  | 'fuel_level'
  | 'odometer'
  | 'work_order'
  | 'shift'
  | 'geofence';

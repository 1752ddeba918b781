INSERT INTO erp.customer (customer_id, name) VALUES
  ('CUST-1', 'Airport Concession'),
  ('CUST-2', 'Downtown Hotels');

INSERT INTO erp.site (site_id, customer_id, name) VALUES
  ('SITE-SF-1', NULL, 'Cab yard'),
  ('SITE-SF-2', 'CUST-1', 'Airport stand'),
  ('SITE-SF-3', 'CUST-2', 'Hotel stand A'),
  ('SITE-SF-4', 'CUST-2', 'Hotel stand B'),
  ('SITE-SF-5', 'CUST-2', 'Hotel stand C'),
  ('SITE-SF-6', 'CUST-2', 'Hotel stand D');

INSERT INTO erp.vehicle (vehicle_id) VALUES
  ('CAB-abboip'),
  ('CAB-aiwalb'),
  ('CAB-akgicjud');

INSERT INTO erp.driver (driver_id, driver_code) VALUES
  ('DRV-1', 'D-0001'),
  ('DRV-2', 'D-0002'),
  ('DRV-3', 'D-0003');

-- Every business day that a fact within grace can have; all open until the ERP closes them.
INSERT INTO erp.period (business_date) VALUES
  ('2008-05-19'),
  ('2008-05-20'),
  ('2008-05-21'),
  ('2008-05-22');

INSERT INTO erp.transport_order (order_ref, customer_id, vehicle_id) VALUES
  ('ORD-1001', 'CUST-1', 'CAB-abboip'),
  ('ORD-1002', 'CUST-2', 'CAB-aiwalb'),
  ('ORD-1003', 'CUST-2', 'CAB-akgicjud'),
  ('ORD-1004', 'CUST-1', NULL);

INSERT INTO erp.transport_order_stop (order_ref, stop_no, site_id, planned_time) VALUES
  ('ORD-1001', 1, 'SITE-SF-2', '2008-05-20T20:00:00Z'),
  ('ORD-1001', 2, 'SITE-SF-3', '2008-05-20T21:00:00Z'),
  ('ORD-1002', 1, 'SITE-SF-3', '2008-05-20T20:30:00Z'),
  ('ORD-1002', 2, 'SITE-SF-4', '2008-05-20T22:00:00Z'),
  ('ORD-1003', 1, 'SITE-SF-5', '2008-05-20T21:00:00Z'),
  ('ORD-1003', 2, 'SITE-SF-6', '2008-05-20T23:00:00Z'),
  ('ORD-1004', 1, 'SITE-SF-2', '2008-05-21T02:00:00Z');

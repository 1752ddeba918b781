-- What the demo ERP's accounting does at closing time: the day is locked from now on.
UPDATE erp.period SET closed_at = now() WHERE business_date = '$DATE' AND closed_at IS NULL;

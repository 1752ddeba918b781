-- What the demo ERP's accounting does at closing time: the ledger day is locked from now on.
UPDATE fleetops.gl_calendar SET locked_on = now() WHERE gl_day = '$DATE' AND locked_on IS NULL;

SELECT
  b._order,
  b._row,
  b.record_id,
  b.patient_id,
  b.encounter_id,
  b.code,
  COALESCE(y.name, b.code_system) AS code_system,
  b.description,
  b.start_at,
  CASE
    WHEN b.stop_at IS NOT NULL THEN b.stop_at
    WHEN b.supply_days > 0 AND b.supply_unit = 'd'
      THEN date_add('day', CAST(b.supply_days * (1 + COALESCE(b.repeats, 0)) AS BIGINT), b.start_at)
    -- Nothing says how long an order lasted that is over: it covers the day on which it was written.
    WHEN b.status IN ('stopped', 'completed') THEN b.start_at
  END AS stop_at,
  CASE WHEN b.repeats IS NOT NULL THEN 1 + b.repeats END AS dispenses,
  b.reason_code,
  b.reason,
  b.reason_record_id,
  v.status IS NOT NULL OR i.status IS NOT NULL AS _deleted
FROM bronze b
LEFT JOIN codes.code_systems y ON y.system = b.code_system
LEFT JOIN codes.fhir_void_statuses v ON v.resource = 'MedicationRequest' AND v.status = b.status
LEFT JOIN codes.fhir_void_statuses i ON i.resource = 'MedicationRequest.intent' AND i.status = b.intent

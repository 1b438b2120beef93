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
  b.stop_at,
  b.reason_code,
  b.reason,
  v.status IS NOT NULL AS _deleted
FROM bronze b
LEFT JOIN codes.code_systems y ON y.system = b.code_system
LEFT JOIN codes.fhir_void_statuses v ON v.resource = 'Procedure' AND v.status = b.status

SELECT
  _order,
  _row,
  patient_id,
  encounter_id,
  code,
  COALESCE(NULLIF(code_system, 'http://snomed.info/sct'), 'SNOMED-CT') AS code_system,
  description,
  start_at,
  stop_at,
  base_cost,
  reason_code,
  reason
FROM bronze

SELECT
  _order,
  _row,
  careplan_id,
  patient_id,
  encounter_id,
  code,
  'SNOMED-CT' AS code_system,
  description,
  start_date,
  stop_date,
  reason_code,
  reason
FROM bronze

SELECT
  _order,
  _row,
  patient_id,
  encounter_id,
  payer_id,
  code,
  'RxNorm' AS code_system,
  description,
  start_at,
  stop_at,
  base_cost,
  payer_coverage,
  dispenses,
  total_cost,
  reason_code,
  reason
FROM bronze

SELECT
  _order,
  _row,
  patient_id,
  encounter_id,
  code,
  'CVX' AS code_system,
  description,
  immunized_at,
  base_cost
FROM bronze

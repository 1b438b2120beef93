SELECT
  _order,
  _row,
  patient_id,
  real_patient_id,
  patient_name AS full_name
FROM identity

SELECT
  _order,
  _row,
  patient_id,
  real_patient_id,
  name AS full_name
FROM identity

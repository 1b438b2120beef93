SELECT
  _order,
  MIN(_row) AS _row,
  patient_id,
  real_patient_id,
  MAX(name) AS full_name
FROM identity
GROUP BY source, _order, patient_id, real_patient_id

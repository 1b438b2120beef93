SELECT
  _order,
  MAX(_row) AS _row,
  patient_id,
  real_patient_id
FROM identity
GROUP BY source, _order, patient_id, real_patient_id

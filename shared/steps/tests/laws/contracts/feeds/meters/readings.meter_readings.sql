SELECT
  _order,
  _row,
  patient_id,
  read_on,
  value
FROM bronze

SELECT
  _order,
  MIN(_row) AS _row,
  patient_id,
  'Unknown' AS gender
FROM bronze
GROUP BY source, _order, patient_id

SELECT
  _order,
  MIN(_row) AS _row,
  patient_id,
  ingest_date AS snapshot_date,
  ingest_date AS created_date
FROM bronze
GROUP BY source, ingest_date, _order, patient_id

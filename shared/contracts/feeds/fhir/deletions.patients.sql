SELECT
  _order,
  _row,
  patient_id,
  COALESCE(deleted_at, CAST(ingest_date AS TIMESTAMP)) AS updated_at,
  TRUE AS _deleted
FROM bronze
WHERE deleted_type = 'Patient'

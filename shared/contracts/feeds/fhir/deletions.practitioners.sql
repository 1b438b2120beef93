SELECT
  _order,
  _row,
  deleted_id AS practitioner_id,
  COALESCE(deleted_at, CAST(ingest_date AS TIMESTAMP)) AS updated_at,
  TRUE AS _deleted
FROM bronze
WHERE deleted_type = 'Practitioner'

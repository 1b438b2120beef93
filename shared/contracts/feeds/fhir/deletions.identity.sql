SELECT
  i._order,
  i._row,
  i.patient_id,
  COALESCE(b.deleted_at, CAST(b.ingest_date AS TIMESTAMP)) AS updated_at,
  TRUE AS _deleted
FROM identity i
JOIN bronze b ON b.source = i.source AND b._order = i._order AND b._row = i._row AND b.patient_id = i.patient_id

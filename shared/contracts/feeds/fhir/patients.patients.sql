SELECT
  b._order,
  b._row,
  b.patient_id,
  b.birth_date,
  b.death_date,
  CASE b.gender
    WHEN 'male' THEN 'M'
    WHEN 'female' THEN 'F'
    ELSE 'Unknown'
  END AS gender,
  COALESCE(r.word, lower(b.race_text)) AS race,
  COALESCE(e.word, lower(b.ethnicity_text)) AS ethnicity,
  COALESCE(b.marital_status, 'Unknown') AS marital_status,
  b.city,
  b.state,
  b.county,
  b.zip_code,
  b.country,
  COALESCE(b.last_updated, CAST(b.ingest_date AS TIMESTAMP)) AS updated_at
FROM bronze b
LEFT JOIN codes.omb_categories r ON r.code = b.race_code
LEFT JOIN codes.omb_categories e ON e.code = b.ethnicity_code

SELECT
  _order,
  _row,
  practitioner_id,
  COALESCE(name_text, NULLIF(concat_ws(' ', given_names, family_name), '')) AS full_name,
  CASE gender
    WHEN 'male' THEN 'M'
    WHEN 'female' THEN 'F'
  END AS gender,
  specialty,
  license_number,
  CASE
    WHEN active THEN 'active'
    WHEN NOT active THEN 'inactive'
  END AS status,
  city,
  state,
  zip_code,
  COALESCE(last_updated, CAST(ingest_date AS TIMESTAMP)) AS updated_at
FROM bronze

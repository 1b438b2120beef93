SELECT
  i._order,
  i._row,
  i.patient_id,
  i.real_patient_id,
  COALESCE(i.name_text, NULLIF(concat_ws(' ', i.given_names, i.family_name), '')) AS full_name,
  i.given_names AS first_name,
  i.family_name AS last_name,
  i.ssn,
  i.phone,
  i.email,
  i.address,
  i.driver_license,
  i.passport,
  i.maiden_name,
  i.birth_place,
  COALESCE(b.last_updated, CAST(b.ingest_date AS TIMESTAMP)) AS updated_at
FROM identity i
JOIN bronze b ON b.source = i.source AND b._order = i._order AND b._row = i._row

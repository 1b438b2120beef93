SELECT
  _order,
  _row,
  patient_id,
  date_of_birth AS birth_date,
  CASE lower(gender)
    WHEN 'm' THEN 'M'
    WHEN 'male' THEN 'M'
    WHEN 'f' THEN 'F'
    WHEN 'female' THEN 'F'
    WHEN 'other' THEN 'Other'
    ELSE 'Unknown'
  END AS gender,
  city,
  state,
  zip_code,
  insurance_provider,
  created_at,
  updated_at
FROM bronze

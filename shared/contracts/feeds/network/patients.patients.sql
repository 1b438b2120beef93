SELECT
  _order,
  _row,
  patient_id,
  age,
  CASE lower(gender)
    WHEN 'm' THEN 'M'
    WHEN 'male' THEN 'M'
    WHEN 'f' THEN 'F'
    WHEN 'female' THEN 'F'
    WHEN 'other' THEN 'Other'
    ELSE 'Unknown'
  END AS gender,
  country
FROM bronze

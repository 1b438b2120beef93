SELECT
  _order,
  _row,
  patient_id,
  birth_date,
  death_date,
  CASE upper(gender)
    WHEN 'M' THEN 'M'
    WHEN 'F' THEN 'F'
    ELSE 'Unknown'
  END AS gender,
  race,
  ethnicity,
  COALESCE(marital_status, 'Unknown') AS marital_status,
  city,
  state,
  county,
  zip_code,
  income,
  healthcare_expenses,
  healthcare_coverage
FROM bronze

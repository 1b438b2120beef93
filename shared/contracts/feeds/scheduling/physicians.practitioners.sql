SELECT
  _order,
  _row,
  physician_id AS practitioner_id,
  NULLIF(concat_ws(' ', first_name, last_name), '') AS full_name,
  specialty,
  department,
  license_number,
  status,
  hire_date,
  created_at,
  updated_at
FROM bronze

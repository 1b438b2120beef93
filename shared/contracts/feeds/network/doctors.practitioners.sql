SELECT
  _order,
  _row,
  doctor_id AS practitioner_id,
  doctor_name AS full_name,
  department,
  years_experience
FROM bronze

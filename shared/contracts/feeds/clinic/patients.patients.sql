SELECT
  _order,
  _row,
  patient_id,
  dob AS birth_date,
  gender,
  blood_group,
  city
FROM bronze

SELECT
  _order,
  _row,
  patient_id,
  real_patient_id,
  NULLIF(concat_ws(' ', first_name, middle_name, last_name), '') AS full_name,
  first_name,
  last_name,
  ssn,
  address,
  driver_license,
  passport,
  maiden_name,
  birth_place
FROM identity

SELECT
  _order,
  _row,
  doctor_id AS practitioner_id,
  name AS full_name,
  specialization AS specialty,
  hospital
FROM bronze

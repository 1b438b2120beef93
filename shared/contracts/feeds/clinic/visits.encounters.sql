SELECT
  _order,
  _row,
  visit_id AS encounter_id,
  patient_id,
  doctor_id AS practitioner_id,
  visit_date AS encounter_date,
  reason,
  visit_type
FROM bronze

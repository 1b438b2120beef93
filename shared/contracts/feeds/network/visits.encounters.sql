SELECT
  _order,
  _row,
  visit_id AS encounter_id,
  patient_id,
  doctor_id AS practitioner_id,
  department,
  visit_date AS encounter_date,
  follow_up_required
FROM bronze

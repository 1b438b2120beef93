SELECT
  _order,
  _row,
  treatment_id,
  visit_id AS encounter_id,
  treatment_type,
  treatment_cost,
  insurance_provider
FROM bronze

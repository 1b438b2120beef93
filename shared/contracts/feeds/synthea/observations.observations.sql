SELECT
  _order,
  _row,
  patient_id,
  encounter_id,
  observed_at,
  category,
  code,
  description,
  value,
  CASE WHEN lower(value_type) = 'numeric' THEN TRY_CAST(value AS DOUBLE) END AS value_number,
  units,
  value_type
FROM bronze

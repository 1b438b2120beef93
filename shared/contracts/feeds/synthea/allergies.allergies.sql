SELECT
  _order,
  _row,
  patient_id,
  encounter_id,
  code,
  CASE code_system WHEN 'http://snomed.info/sct' THEN 'SNOMED-CT' ELSE code_system END AS code_system,
  description,
  allergy_type,
  category,
  reaction_1_code,
  reaction_1_description,
  reaction_1_severity,
  reaction_2_code,
  reaction_2_description,
  reaction_2_severity,
  start_date,
  stop_date
FROM bronze

SELECT
  b._order,
  b._row,
  b.record_id,
  b.patient_id,
  b.encounter_id,
  b.code,
  COALESCE(y.name, b.code_system) AS code_system,
  b.description,
  b.allergy_type,
  b.category,
  b.reaction_1_code,
  b.reaction_1_description,
  b.reaction_1_severity,
  b.reaction_2_code,
  b.reaction_2_description,
  b.reaction_2_severity,
  b.start_date,
  v.status IS NOT NULL AS _deleted
FROM bronze b
LEFT JOIN codes.code_systems y ON y.system = b.code_system
LEFT JOIN codes.fhir_void_statuses v ON v.resource = 'AllergyIntolerance' AND v.status = b.verification_status

SELECT
  b._order,
  b._row,
  b.record_id,
  b.patient_id,
  b.encounter_id,
  b.code,
  COALESCE(y.name, b.code_system) AS code_system,
  b.description,
  b.start_date,
  b.stop_date,
  -- Of the semantic tags of SNOMED CT all but (disorder) stand here.
  a.code IS NOT NULL OR NOT regexp_like(
    COALESCE(b.description, ''),
    '\((finding|situation|person|procedure|regime/therapy|event|morphologic abnormality|observable entity|social concept|context-dependent category|qualifier value|life style|occupation|ethnic group|environment|substance|organism|body structure|physical object|product|record artifact)\)?$'
  ) AS is_disorder,
  v.status IS NOT NULL AS _deleted
FROM bronze b
LEFT JOIN codes.is_disorder_allow_list a ON CAST(a.code AS VARCHAR) = b.code
LEFT JOIN codes.code_systems y ON y.system = b.code_system
LEFT JOIN codes.fhir_void_statuses v ON v.resource = 'Condition' AND v.status = b.verification_status

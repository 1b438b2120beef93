SELECT
  b._order,
  b._row,
  b.patient_id,
  b.encounter_id,
  b.code,
  COALESCE(NULLIF(b.code_system, 'http://snomed.info/sct'), 'SNOMED-CT') AS code_system,
  b.description,
  b.start_date,
  b.stop_date,
  -- Of the semantic tags of SNOMED CT all but (disorder) stand here; older exports cut the closing bracket off.
  a.code IS NOT NULL OR NOT regexp_like(
    COALESCE(b.description, ''),
    '\((finding|situation|person|procedure|regime/therapy|event|morphologic abnormality|observable entity|social concept|context-dependent category|qualifier value|life style|occupation|ethnic group|environment|substance|organism|body structure|physical object|product|record artifact)\)?$'
  ) AS is_disorder
FROM bronze b
LEFT JOIN codes.is_disorder_allow_list a ON CAST(a.code AS VARCHAR) = b.code

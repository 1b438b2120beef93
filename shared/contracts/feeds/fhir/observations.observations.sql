-- A panel has a row for each of its components, and one for itself when it has a value of its own.
SELECT
  b._order,
  b._row,
  b.record_id,
  b.patient_id,
  b.encounter_id,
  b.observed_at,
  b.category,
  b.component_code AS code,
  COALESCE(y.name, b.component_code_system) AS code_system,
  b.component_description AS description,
  COALESCE(NULLIF(concat_ws('', b.component_comparator, b.component_quantity), ''), b.component_coded) AS value,
  CASE WHEN b.component_comparator IS NULL THEN TRY_CAST(b.component_quantity AS DOUBLE) END AS value_number,
  b.component_units AS units,
  CASE WHEN b.component_quantity IS NULL THEN 'text' ELSE 'numeric' END AS value_type,
  v.status IS NOT NULL AS _deleted
FROM bronze b
LEFT JOIN codes.code_systems y ON y.system = b.component_code_system
LEFT JOIN codes.fhir_void_statuses v ON v.resource = 'Observation' AND v.status = b.status
WHERE b.component_position IS NOT NULL
UNION ALL
SELECT
  b._order,
  b._row,
  b.record_id,
  b.patient_id,
  b.encounter_id,
  b.observed_at,
  b.category,
  b.code AS code,
  COALESCE(y.name, b.code_system) AS code_system,
  b.description AS description,
  COALESCE(NULLIF(concat_ws('', b.value_comparator, b.value_quantity), ''), b.value_coded) AS value,
  CASE WHEN b.value_comparator IS NULL THEN TRY_CAST(b.value_quantity AS DOUBLE) END AS value_number,
  b.value_units AS units,
  CASE WHEN b.value_quantity IS NULL THEN 'text' ELSE 'numeric' END AS value_type,
  v.status IS NOT NULL AS _deleted
FROM bronze b
LEFT JOIN codes.code_systems y ON y.system = b.code_system
LEFT JOIN codes.fhir_void_statuses v ON v.resource = 'Observation' AND v.status = b.status
WHERE b.component_position IS NULL
  OR (b.component_position = 1 AND (b.value_quantity IS NOT NULL OR b.value_coded IS NOT NULL))

SELECT
  b._order,
  b._row,
  b.encounter_id,
  b.patient_id,
  b.practitioner_id,
  b.practitioner_name,
  b.organization_id,
  COALESCE(c.encounter_class, lower(b.class_code)) AS encounter_class,
  CAST(b.start_at AS DATE) AS encounter_date,
  b.start_at,
  b.stop_at,
  b.code,
  COALESCE(y.name, b.code_system) AS code_system,
  b.description,
  b.reason_code,
  b.reason,
  v.status IS NOT NULL AS _deleted
FROM bronze b
LEFT JOIN codes.encounter_classes c ON c.class_code = b.class_code
LEFT JOIN codes.code_systems y ON y.system = b.code_system
LEFT JOIN codes.fhir_void_statuses v ON v.resource = 'Encounter' AND v.status = b.status

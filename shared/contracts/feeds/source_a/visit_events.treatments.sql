SELECT
  _order,
  _row,
  job_date,
  visit_id || '/' || COALESCE(code, '') || '/' || CAST(diagnosis_position AS VARCHAR) || '.' || CAST(treatment_position AS VARCHAR) AS treatment_id,
  visit_id AS encounter_id,
  patient_id,
  code AS condition_code,
  drug,
  dose,
  visit_date AS prescribed_date
FROM (
  SELECT
    _order,
    _row,
    ingest_date AS job_date,
    patient_id,
    visit_id,
    visit_date,
    diagnosis_position,
    treatment_position,
    drug,
    dose,
    CASE
      WHEN strpos(diagnosis_code, ':') > 0 THEN substr(diagnosis_code, strpos(diagnosis_code, ':') + 1)
      ELSE diagnosis_code
    END AS code,
    ROW_NUMBER() OVER (
      PARTITION BY source, ingest_date, patient_id, visit_id, diagnosis_code, diagnosis_position, treatment_position
      ORDER BY _order DESC, _row
    ) AS occurrence
  FROM bronze
  WHERE visit_id IS NOT NULL AND treatment_position IS NOT NULL
) treatments
WHERE occurrence = 1

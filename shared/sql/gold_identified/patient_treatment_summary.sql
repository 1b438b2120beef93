-- name: patient_treatment_summary
-- version: 1
-- description: Every treatment prescribed in a visit event, with the patient's name.
-- grain: one row per treatment of a visit event
-- owner: analytics
-- materialised: no
-- source: visit events; identified twin of gold.patient_treatment_summary
-- column source: sender
-- column treatments_drug: drug prescribed
-- column treatments_dose: dose as written
-- column prescribed_date: day of the visit in which it was prescribed
-- column name: full name of the patient, NULL when the identity is erased
SELECT
    t.source,
    t.treatments_drug,
    t.treatments_dose,
    t.prescribed_date,
    i.full_name AS name
FROM gold.patient_treatment_summary t
LEFT JOIN identity.patients i
    ON i.source = t.source AND i.patient_id = t.patient_id

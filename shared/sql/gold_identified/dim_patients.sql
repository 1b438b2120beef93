-- name: dim_patients
-- version: 1
-- description: Patients of the sources that report costs, with their names and real identifiers.
-- grain: one row per patient of a source
-- owner: analytics
-- materialised: no
-- source: star schema of the network feed; identified twin of gold.dim_patients
-- column source: sender of the patient
-- column patient_id: real identifier of the patient, NULL when the identity is erased
-- column patient_name: full name of the patient, NULL when the identity is erased
-- column age: completed years at the as-of date, at death for the dead; as extracted where the source sends no birth date [years]
-- column gender: M, F, Other or Unknown
-- column country: country of the patient
SELECT
    p.source,
    i.real_patient_id AS patient_id,
    i.full_name AS patient_name,
    p.age,
    p.gender,
    p.country
FROM gold.dim_patients p
LEFT JOIN identity.patients i
    ON i.source = p.source AND i.patient_id = p.patient_id

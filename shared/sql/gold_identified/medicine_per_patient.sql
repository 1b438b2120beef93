-- name: medicine_per_patient
-- version: 1
-- description: How often and when each drug was prescribed to each patient, with names and real identifiers.
-- grain: one row per source, patient and drug
-- owner: analytics
-- materialised: no
-- source: visit events; identified twin of gold.medicine_per_patient
-- column source: sender
-- column patient_id: real identifier of the patient, NULL when the identity is erased
-- column name: full name of the patient, NULL when the identity is erased
-- column drug: drug prescribed
-- column times_prescribed: number of prescriptions
-- column first_prescribed: day of the first prescription
-- column last_prescribed: day of the last prescription
SELECT
    m.source,
    i.real_patient_id AS patient_id,
    i.full_name AS name,
    m.drug,
    m.times_prescribed,
    m.first_prescribed,
    m.last_prescribed
FROM gold.medicine_per_patient m
LEFT JOIN identity.patients i
    ON i.source = m.source AND i.patient_id = m.patient_id

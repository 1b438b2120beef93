-- name: vw_patient_journey
-- version: 1
-- description: patient_journey as people read it: what has not ended is "ongoing".
-- grain: one row per source, patient and condition code
-- owner: quality
-- materialised: no
-- source: patient_journey
-- measure: journey
-- column source: sender
-- column patient_id: pseudonym of the patient
-- column event_number: place of the condition among the patient's, by first diagnosis, then code
-- column code: code of the condition
-- column condition: most frequent text of the code
-- column is_disorder: whether it is a disease and not a finding or situation
-- column first_diagnosis: day of the first diagnosis
-- column first_medication: text of the first medication for it, NULL for the untreated
-- column first_medication_date: day of that medication
-- column days_to_medication: first_medication_date - first_diagnosis, negative when the drug came first [days]
-- column recovery: day of the earliest end of the condition, or "ongoing"
-- column encounters_before_treatment: distinct encounters of the patient before the first day of treatment
-- column encounters_after_treatment: distinct encounters of the patient from the first day of treatment on
SELECT
    j.source,
    j.patient_id,
    j.event_number,
    j.code,
    j.condition,
    j.is_disorder,
    j.first_diagnosis,
    j.first_medication,
    j.first_medication_date,
    j.days_to_medication,
    COALESCE(CAST(j.recovery_date AS VARCHAR), 'ongoing') AS recovery,
    j.encounters_before_treatment,
    j.encounters_after_treatment
FROM gold.patient_journey j

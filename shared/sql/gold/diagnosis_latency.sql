-- name: diagnosis_latency
-- version: 1
-- description: Days from the encounter to the start of each condition diagnosed in it.
-- grain: one row per source, patient, encounter, condition code and start
-- owner: quality
-- materialised: no
-- source: condition start - encounter start in days; a start one day before is the local day of the same night and
--    counts as 0
-- measure: quality
-- exclusion starts_before_encounter: the condition starts more than one day before its encounter; the check
--    starts_before_encounter lists these rows too
-- exclusion unknown_encounter: the condition names no encounter of the source
-- column source: sender
-- column patient_id: pseudonym of the patient
-- column encounter_id: encounter in which it was diagnosed
-- column organization_id: organization of the encounter
-- column encounter_date: day of the encounter
-- column code: code of the condition
-- column start_date: start of the condition
-- column exclusion: why the row is not measured; NULL when it is
-- column latency_days: days from the encounter to the start, NULL when not measured [days]
SELECT
    c.source,
    c.patient_id,
    c.encounter_id,
    e.organization_id,
    e.encounter_date,
    c.code,
    c.start_date,
    CASE
        WHEN e.encounter_date IS NULL THEN 'unknown_encounter'
        WHEN date_diff('day', e.encounter_date, c.start_date) < -1 THEN 'starts_before_encounter'
    END AS exclusion,
    CASE
        WHEN date_diff('day', e.encounter_date, c.start_date) >= -1
            THEN GREATEST(date_diff('day', e.encounter_date, c.start_date), 0)
    END AS latency_days
FROM silver.conditions c
JOIN silver.sources s
    ON s.source = c.source AND s.feed = c.feed AND s.area = 'clinical'
LEFT JOIN silver.encounters e
    ON e.source = c.source AND e.encounter_id = c.encounter_id

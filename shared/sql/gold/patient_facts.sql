-- name: patient_facts
-- version: 1
-- description: What is known of each patient and since which day: conditions, medications, encounters, measured values.
-- grain: one row per dated condition, medication and encounter, and per numeric observation that has a measure in
--    codes.observation_measures
-- owner: data-science
-- materialised: no
-- source: silver tables of clinical senders. Features of a day count the facts of earlier days alone
-- column source: sender
-- column patient_id: pseudonym of the patient
-- column fact: condition, medication, encounter, or the measure of a value: bmi, systolic, diastolic, hba1c,
--    total_cholesterol, ldl_cholesterol, hdl_cholesterol, triglycerides
-- column fact_date: day on which it began or was measured
-- column until_date: day on which a condition or medication ended, or a later value took the place of this one; NULL
--    where nothing did
-- column code: code of a condition or medication; of an encounter the kind of stay in codes.stay_types, NULL for others
-- column value_number: measured value
SELECT
    c.source,
    c.patient_id,
    'condition' AS fact,
    c.start_date AS fact_date,
    c.stop_date AS until_date,
    c.code,
    CAST(NULL AS DOUBLE) AS value_number
FROM silver.conditions c
JOIN silver.sources s
    ON s.source = c.source AND s.feed = c.feed AND s.area = 'clinical'
WHERE c.start_date IS NOT NULL
UNION ALL
SELECT
    m.source,
    m.patient_id,
    'medication' AS fact,
    CAST(m.start_at AS DATE) AS fact_date,
    CAST(m.stop_at AS DATE) AS until_date,
    m.code,
    CAST(NULL AS DOUBLE) AS value_number
FROM silver.medications m
JOIN silver.sources s
    ON s.source = m.source AND s.feed = m.feed AND s.area = 'clinical'
WHERE m.start_at IS NOT NULL
UNION ALL
SELECT
    e.source,
    e.patient_id,
    'encounter' AS fact,
    e.encounter_date AS fact_date,
    CAST(NULL AS DATE) AS until_date,
    t.stay_type AS code,
    CAST(NULL AS DOUBLE) AS value_number
FROM silver.encounters e
JOIN silver.sources s
    ON s.source = e.source AND s.feed = e.feed AND s.area = 'clinical'
LEFT JOIN codes.stay_types t
    ON t.encounter_class = e.encounter_class
WHERE e.encounter_date IS NOT NULL
UNION ALL
SELECT
    o.source,
    o.patient_id,
    k.measure AS fact,
    CAST(o.observed_at AS DATE) AS fact_date,
    CAST(LEAD(o.observed_at) OVER (
        PARTITION BY o.source, o.patient_id, k.measure ORDER BY o.observed_at, o.value_number
    ) AS DATE) AS until_date,
    CAST(NULL AS VARCHAR) AS code,
    o.value_number
FROM silver.observations o
JOIN silver.sources s
    ON s.source = o.source AND s.feed = o.feed AND s.area = 'clinical'
JOIN codes.observation_measures k
    ON k.code = o.code
WHERE o.value_number IS NOT NULL AND o.observed_at IS NOT NULL

-- name: patient_journey
-- version: 2
-- description: The way of each patient through each condition: diagnosis, treatment, recovery, care before and after.
-- grain: one row per source, patient and condition code
-- owner: quality
-- materialised: delta
-- partition_by: source
-- source: first diagnosis is the earliest start of the code; treatment is the first medication whose reason is the
--    code, given as such or by the record of the condition;
--    recovery is the earliest end of the code. Encounters are all distinct encounters of the patient, by day: before the
--    first day of treatment, and from that day on; both are 0 for the untreated
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
-- column recovery_date: earliest end of the condition, NULL while ongoing
-- column encounters_before_treatment: distinct encounters of the patient before the first day of treatment
-- column encounters_after_treatment: distinct encounters of the patient from the first day of treatment on
WITH diagnoses AS (
    SELECT
        c.source,
        c.patient_id,
        c.code,
        MIN(c.start_date) AS first_diagnosis,
        MIN(c.stop_date) AS recovery_date
    FROM silver.conditions c
    JOIN silver.sources s
        ON s.source = c.source AND s.feed = c.feed AND s.area = 'clinical'
    WHERE c.code IS NOT NULL AND c.patient_id IS NOT NULL
    GROUP BY c.source, c.patient_id, c.code
),
orders AS (
    SELECT
        m.source,
        m.patient_id,
        m.reason_code,
        m.start_at,
        m.code,
        m.description
    FROM silver.medications m
    WHERE m.reason_code IS NOT NULL
    UNION ALL
    SELECT
        m.source,
        m.patient_id,
        c.code AS reason_code,
        m.start_at,
        m.code,
        m.description
    FROM silver.medications m
    JOIN silver.conditions c
        ON c.source = m.source AND c.record_id = m.reason_record_id
    WHERE m.reason_code IS NULL AND c.code IS NOT NULL
),
medications AS (
    SELECT
        o.source,
        o.patient_id,
        o.reason_code,
        o.description,
        CAST(o.start_at AS DATE) AS start_date,
        ROW_NUMBER() OVER (
            PARTITION BY o.source, o.patient_id, o.reason_code
            ORDER BY o.start_at, o.code, o.description
        ) AS place
    FROM orders o
    WHERE o.start_at IS NOT NULL
),
events AS (
    SELECT
        d.source,
        d.patient_id,
        d.code,
        m.start_date AS event_date,
        0 AS encounters
    FROM diagnoses d
    JOIN medications m
        ON m.source = d.source AND m.patient_id = d.patient_id AND m.reason_code = d.code AND m.place = 1
    UNION ALL
    SELECT
        e.source,
        e.patient_id,
        NULL AS code,
        e.encounter_date AS event_date,
        1 AS encounters
    FROM silver.encounters e
    JOIN silver.sources s
        ON s.source = e.source AND s.feed = e.feed AND s.area = 'clinical'
),
counted AS (
    SELECT
        e.source,
        e.patient_id,
        e.code,
        COALESCE(SUM(e.encounters) OVER (
            PARTITION BY e.source, e.patient_id
            ORDER BY e.event_date, e.encounters
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ), 0) AS before_treatment,
        SUM(e.encounters) OVER (PARTITION BY e.source, e.patient_id) AS all_encounters
    FROM events e
)
SELECT
    d.source,
    d.patient_id,
    CAST(ROW_NUMBER() OVER (
        PARTITION BY d.source, d.patient_id ORDER BY d.first_diagnosis, d.code
    ) AS BIGINT) AS event_number,
    d.code,
    n.condition,
    n.is_disorder,
    d.first_diagnosis,
    m.description AS first_medication,
    m.start_date AS first_medication_date,
    date_diff('day', d.first_diagnosis, m.start_date) AS days_to_medication,
    d.recovery_date,
    COALESCE(c.before_treatment, 0) AS encounters_before_treatment,
    COALESCE(c.all_encounters - c.before_treatment, 0) AS encounters_after_treatment
FROM diagnoses d
JOIN gold.condition_names n
    ON n.source = d.source AND n.code = d.code
LEFT JOIN medications m
    ON m.source = d.source AND m.patient_id = d.patient_id AND m.reason_code = d.code AND m.place = 1
LEFT JOIN counted c
    ON c.source = d.source AND c.patient_id = d.patient_id AND c.code = d.code

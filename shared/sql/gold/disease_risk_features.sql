-- name: disease_risk_features
-- version: 1
-- description: What was known of each patient before the first diagnosis of a disease, and of patients without it
--    before the day of one: the rows from which disease-risk models learn.
-- grain: one row per source, named cohort and patient, for cohorts that the source has a patient of
-- owner: data-science
-- materialised: delta
-- partition_by: source
-- source: first diagnosis of a code of the cohort up to the as-of day (codes.named_cohorts). The index date of a case
--    is that day. A patient without the diagnosis draws the index date of one of the cases that came after the first
--    fact and the 18th birthday, by the day numbers of birth and first fact, so that nothing later decides. All
--    features are of facts strictly before the index date; see decision 47
-- measure: features
-- exclusion no_facts: nothing dated is known of the patient
-- exclusion no_history: diagnosed before anything else was known
-- exclusion minor: diagnosed before the age of 18
-- exclusion no_comparable_date: without the diagnosis, and no case came after the first fact of the adult
-- exclusion not_observed: without the diagnosis, and no encounter on the drawn date or later
-- column source: sender
-- column cohort: name of the cohort: diabetes, hypertension, prediabetes
-- column patient_id: pseudonym of the patient
-- column exclusion: why the patient is left out, NULL for those who count; one reason, the first that applies
-- column diagnosed: whether the index date is that of a first diagnosis, NULL when left out
-- column index_date: day before which facts are known, NULL when left out
-- column history_days: days from the first fact to the index date; no feature, it shows how alike the groups are [days]
-- column age: completed years at the index date [years]
-- column gender: M, F, Other or Unknown
-- column race: race; no feature, the report on groups divides by it
-- column condition_count: distinct condition codes
-- column active_condition_count: distinct condition codes that had not ended
-- column medication_count: distinct drug codes
-- column encounter_count: encounters
-- column inpatient_count: acute inpatient stays among them (codes.stay_types)
-- column avg_bmi: mean body mass index [kg/m2]
-- column latest_bmi: latest body mass index [kg/m2]
-- column avg_systolic: mean systolic blood pressure [mm[Hg]]
-- column avg_diastolic: mean diastolic blood pressure [mm[Hg]]
-- column hba1c: latest haemoglobin A1c [%]
-- column total_cholesterol: latest total cholesterol [mg/dL]
WITH facts AS (
    SELECT f.source, f.patient_id, f.fact, f.fact_date, f.until_date, f.code, f.value_number
    FROM gold.patient_facts f
    CROSS JOIN gold.as_of a
    WHERE f.fact_date <= a.as_of_date
),
spans AS (
    SELECT
        f.source,
        f.patient_id,
        MIN(f.fact_date) AS first_fact,
        MAX(CASE WHEN f.fact = 'encounter' THEN f.fact_date END) AS last_encounter
    FROM facts f
    GROUP BY f.source, f.patient_id
),
diagnoses AS (
    SELECT f.source, k.cohort, f.patient_id, MIN(f.fact_date) AS diagnosed_on
    FROM facts f
    JOIN codes.named_cohorts k
        ON k.code = f.code
    WHERE f.fact = 'condition'
    GROUP BY f.source, k.cohort, f.patient_id
),
people AS (
    SELECT
        p.source,
        k.cohort,
        p.patient_id,
        p.birth_date,
        p.age,
        p.gender,
        p.race,
        d.diagnosed_on,
        t.first_fact,
        t.last_encounter,
        GREATEST(
            t.first_fact, date_add('day', -1, date_add('year', 18, COALESCE(p.birth_date, DATE '1800-01-01')))
        ) AS entry
    FROM silver.patients p
    JOIN (SELECT DISTINCT n.source, n.cohort FROM diagnoses n) k
        ON k.source = p.source
    LEFT JOIN diagnoses d
        ON d.source = p.source AND d.patient_id = p.patient_id AND d.cohort = k.cohort
    LEFT JOIN spans t
        ON t.source = p.source AND t.patient_id = p.patient_id
),
-- Cases that count, in the order of their index dates.
cases AS (
    SELECT
        p.source,
        p.cohort,
        p.diagnosed_on,
        CAST(ROW_NUMBER() OVER (
            PARTITION BY p.source, p.cohort ORDER BY p.diagnosed_on, p.patient_id
        ) AS BIGINT) AS place
    FROM people p
    WHERE p.diagnosed_on > p.entry
),
-- How many of them came up to the entry of each patient without the diagnosis.
points AS (
    SELECT c.source, c.cohort, CAST(NULL AS VARCHAR) AS patient_id, c.diagnosed_on AS day, 1 AS is_case, 0 AS seed
    FROM cases c
    UNION ALL
    SELECT
        p.source,
        p.cohort,
        p.patient_id,
        p.entry AS day,
        0 AS is_case,
        date_diff('day', DATE '1800-01-01', p.first_fact)
            + date_diff('day', DATE '1800-01-01', COALESCE(p.birth_date, p.first_fact)) AS seed
    FROM people p
    WHERE p.diagnosed_on IS NULL AND p.entry IS NOT NULL
),
counted AS (
    SELECT
        t.source,
        t.cohort,
        t.patient_id,
        t.is_case,
        t.seed,
        SUM(t.is_case) OVER (PARTITION BY t.source, t.cohort ORDER BY t.day) AS earlier_cases,
        SUM(t.is_case) OVER (PARTITION BY t.source, t.cohort) AS cases
    FROM points t
),
drawn AS (
    SELECT n.source, n.cohort, n.patient_id, c.diagnosed_on AS drawn_date
    FROM counted n
    JOIN cases c
        ON c.source = n.source AND c.cohort = n.cohort
        AND c.place = n.earlier_cases + 1 + (n.seed * 7919) % (n.cases - n.earlier_cases)
    WHERE n.is_case = 0 AND n.cases > n.earlier_cases
),
judged AS (
    SELECT
        p.source,
        p.cohort,
        p.patient_id,
        p.birth_date,
        p.age,
        p.gender,
        p.race,
        p.first_fact,
        p.diagnosed_on,
        COALESCE(p.diagnosed_on, d.drawn_date) AS index_date,
        CASE
            WHEN p.first_fact IS NULL THEN 'no_facts'
            WHEN p.diagnosed_on <= p.first_fact THEN 'no_history'
            WHEN p.diagnosed_on <= p.entry THEN 'minor'
            WHEN p.diagnosed_on IS NULL AND d.drawn_date IS NULL THEN 'no_comparable_date'
            WHEN p.diagnosed_on IS NULL AND (p.last_encounter IS NULL OR p.last_encounter < d.drawn_date)
                THEN 'not_observed'
        END AS exclusion
    FROM people p
    LEFT JOIN drawn d
        ON d.source = p.source AND d.cohort = p.cohort AND d.patient_id = p.patient_id
),
known AS (
    SELECT
        j.source,
        j.cohort,
        j.patient_id,
        COUNT(DISTINCT CASE WHEN f.fact = 'condition' THEN f.code END) AS condition_count,
        COUNT(DISTINCT CASE
            WHEN f.fact = 'condition' AND (f.until_date IS NULL OR f.until_date >= j.index_date) THEN f.code
        END) AS active_condition_count,
        COUNT(DISTINCT CASE WHEN f.fact = 'medication' THEN f.code END) AS medication_count,
        COUNT(CASE WHEN f.fact = 'encounter' THEN 1 END) AS encounter_count,
        COUNT(CASE WHEN f.fact = 'encounter' AND f.code = 'acute' THEN 1 END) AS inpatient_count,
        ROUND(AVG(CASE WHEN f.fact = 'bmi' THEN f.value_number END), 6) AS avg_bmi,
        MAX(CASE
            WHEN f.fact = 'bmi' AND (f.until_date IS NULL OR f.until_date >= j.index_date) THEN f.value_number
        END) AS latest_bmi,
        ROUND(AVG(CASE WHEN f.fact = 'systolic' THEN f.value_number END), 6) AS avg_systolic,
        ROUND(AVG(CASE WHEN f.fact = 'diastolic' THEN f.value_number END), 6) AS avg_diastolic,
        MAX(CASE
            WHEN f.fact = 'hba1c' AND (f.until_date IS NULL OR f.until_date >= j.index_date) THEN f.value_number
        END) AS hba1c,
        MAX(CASE
            WHEN f.fact = 'total_cholesterol' AND (f.until_date IS NULL OR f.until_date >= j.index_date)
                THEN f.value_number
        END) AS total_cholesterol
    FROM judged j
    JOIN facts f
        ON f.source = j.source AND f.patient_id = j.patient_id AND f.fact_date < j.index_date
    WHERE j.exclusion IS NULL
    GROUP BY j.source, j.cohort, j.patient_id
)
SELECT
    j.source,
    j.cohort,
    j.patient_id,
    j.exclusion,
    CASE WHEN j.exclusion IS NULL THEN j.diagnosed_on IS NOT NULL END AS diagnosed,
    CASE WHEN j.exclusion IS NULL THEN j.index_date END AS index_date,
    CASE WHEN j.exclusion IS NULL THEN date_diff('day', j.first_fact, j.index_date) END AS history_days,
    CAST(
        CASE
            WHEN j.exclusion IS NOT NULL THEN NULL
            WHEN j.birth_date IS NULL THEN j.age
            ELSE date_diff('year', j.birth_date, j.index_date)
        END AS INTEGER
    ) AS age,
    j.gender,
    j.race,
    k.condition_count,
    k.active_condition_count,
    k.medication_count,
    k.encounter_count,
    k.inpatient_count,
    k.avg_bmi,
    k.latest_bmi,
    k.avg_systolic,
    k.avg_diastolic,
    k.hba1c,
    k.total_cholesterol
FROM judged j
LEFT JOIN known k
    ON k.source = j.source AND k.cohort = j.cohort AND k.patient_id = j.patient_id

-- name: patient_feature_store
-- version: 2
-- description: Features of each patient as they were known on many dates, each from what came before the date.
-- grain: one row per source, patient and as-of date, for patients born before the date
-- owner: data-science
-- materialised: delta
-- partition_by: as_of_date
-- dates: feature_dates
-- source: facts of gold.patient_facts dated strictly before the as-of date; the dates are those of gold.feature_dates,
--    and those of earlier runs stay. Codes are counted once however often they were recorded; means are rounded to 6
--    digits, so that the order of the rows does not show
-- measure: features
-- column source: sender
-- column patient_id: pseudonym of the patient
-- column as_of_date: day before which facts are known
-- column age: completed years on that day, at death for those who died before it [years]
-- column gender: M, F, Other or Unknown
-- column race: race
-- column condition_count: distinct condition codes
-- column active_condition_count: distinct condition codes that had not ended
-- column medication_count: distinct drug codes
-- column encounter_count: encounters
-- column inpatient_count: acute inpatient stays among them (codes.stay_types)
-- column avg_bmi: mean body mass index, NULL without any [kg/m2]
-- column latest_bmi: latest body mass index [kg/m2]
-- column avg_systolic: mean systolic blood pressure [mm[Hg]]
-- column avg_diastolic: mean diastolic blood pressure [mm[Hg]]
-- column hba1c: latest haemoglobin A1c [%]
-- column total_cholesterol: latest total cholesterol [mg/dL]
WITH people AS (
    SELECT
        p.source,
        p.patient_id,
        d.as_of_date,
        CASE WHEN p.death_date < d.as_of_date THEN p.death_date ELSE d.as_of_date END AS aged_until,
        p.birth_date,
        p.age,
        p.gender,
        p.race
    FROM silver.patients p
    JOIN gold.feature_dates d
        ON d.source = p.source
    WHERE p.birth_date IS NULL OR p.birth_date < d.as_of_date
),
known AS (
    SELECT
        p.source,
        p.patient_id,
        p.as_of_date,
        COUNT(DISTINCT CASE WHEN f.fact = 'condition' THEN f.code END) AS condition_count,
        COUNT(DISTINCT CASE
            WHEN f.fact = 'condition' AND (f.until_date IS NULL OR f.until_date >= p.as_of_date) THEN f.code
        END) AS active_condition_count,
        COUNT(DISTINCT CASE WHEN f.fact = 'medication' THEN f.code END) AS medication_count,
        COUNT(CASE WHEN f.fact = 'encounter' THEN 1 END) AS encounter_count,
        COUNT(CASE WHEN f.fact = 'encounter' AND f.code = 'acute' THEN 1 END) AS inpatient_count,
        ROUND(AVG(CASE WHEN f.fact = 'bmi' THEN f.value_number END), 6) AS avg_bmi,
        MAX(CASE
            WHEN f.fact = 'bmi' AND (f.until_date IS NULL OR f.until_date >= p.as_of_date) THEN f.value_number
        END) AS latest_bmi,
        ROUND(AVG(CASE WHEN f.fact = 'systolic' THEN f.value_number END), 6) AS avg_systolic,
        ROUND(AVG(CASE WHEN f.fact = 'diastolic' THEN f.value_number END), 6) AS avg_diastolic,
        MAX(CASE
            WHEN f.fact = 'hba1c' AND (f.until_date IS NULL OR f.until_date >= p.as_of_date) THEN f.value_number
        END) AS hba1c,
        MAX(CASE
            WHEN f.fact = 'total_cholesterol' AND (f.until_date IS NULL OR f.until_date >= p.as_of_date)
                THEN f.value_number
        END) AS total_cholesterol
    FROM people p
    JOIN gold.patient_facts f
        ON f.source = p.source AND f.patient_id = p.patient_id AND f.fact_date < p.as_of_date
    GROUP BY p.source, p.patient_id, p.as_of_date
)
SELECT
    p.source,
    p.patient_id,
    p.as_of_date,
    CAST(
        CASE
            WHEN p.birth_date IS NULL THEN p.age
            WHEN p.birth_date <= p.aged_until THEN date_diff('year', p.birth_date, p.aged_until)
        END AS INTEGER
    ) AS age,
    p.gender,
    p.race,
    COALESCE(k.condition_count, 0) AS condition_count,
    COALESCE(k.active_condition_count, 0) AS active_condition_count,
    COALESCE(k.medication_count, 0) AS medication_count,
    COALESCE(k.encounter_count, 0) AS encounter_count,
    COALESCE(k.inpatient_count, 0) AS inpatient_count,
    k.avg_bmi,
    k.latest_bmi,
    k.avg_systolic,
    k.avg_diastolic,
    k.hba1c,
    k.total_cholesterol
FROM people p
LEFT JOIN known k
    ON k.source = p.source AND k.patient_id = p.patient_id AND k.as_of_date = p.as_of_date

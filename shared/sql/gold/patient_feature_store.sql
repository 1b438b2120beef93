-- name: patient_feature_store
-- version: 1
-- description: Features of each patient as they were known on the as-of day.
-- grain: one row per source, patient and as-of date; the as-of date is that of the last run
-- owner: data-science
-- materialised: delta
-- source: everything that began on or before the as-of day; codes are counted once however often they were
--    recorded; means are rounded to 6 digits, so that the order of the rows does not show
-- measure: features
-- column source: sender
-- column patient_id: pseudonym of the patient
-- column as_of_date: day up to which facts are known
-- column age: completed years on that day, at death for the dead [years]
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
WITH conditions AS (
    SELECT
        c.source,
        c.patient_id,
        COUNT(DISTINCT c.code) AS condition_count,
        COUNT(DISTINCT CASE WHEN c.stop_date IS NULL OR c.stop_date > a.as_of_date THEN c.code END) AS active_condition_count
    FROM silver.conditions c
    CROSS JOIN gold.as_of a
    WHERE c.start_date <= a.as_of_date
    GROUP BY c.source, c.patient_id
),
medications AS (
    SELECT m.source, m.patient_id, COUNT(DISTINCT m.code) AS medication_count
    FROM silver.medications m
    CROSS JOIN gold.as_of a
    WHERE CAST(m.start_at AS DATE) <= a.as_of_date
    GROUP BY m.source, m.patient_id
),
encounters AS (
    SELECT
        e.source,
        e.patient_id,
        COUNT(*) AS encounter_count,
        COUNT(CASE WHEN t.stay_type = 'acute' THEN 1 END) AS inpatient_count
    FROM silver.encounters e
    LEFT JOIN codes.stay_types t ON t.encounter_class = e.encounter_class
    CROSS JOIN gold.as_of a
    WHERE e.encounter_date <= a.as_of_date
    GROUP BY e.source, e.patient_id
),
observations AS (
    SELECT
        o.source,
        o.patient_id,
        ROUND(AVG(CASE WHEN o.measure = 'bmi' THEN o.value_number END), 6) AS avg_bmi,
        MAX(CASE WHEN o.measure = 'bmi' AND o.place = 1 THEN o.value_number END) AS latest_bmi,
        ROUND(AVG(CASE WHEN o.measure = 'systolic' THEN o.value_number END), 6) AS avg_systolic,
        ROUND(AVG(CASE WHEN o.measure = 'diastolic' THEN o.value_number END), 6) AS avg_diastolic,
        MAX(CASE WHEN o.measure = 'hba1c' AND o.place = 1 THEN o.value_number END) AS hba1c,
        MAX(CASE WHEN o.measure = 'total_cholesterol' AND o.place = 1 THEN o.value_number END) AS total_cholesterol
    FROM gold.patient_observations o
    GROUP BY o.source, o.patient_id
)
SELECT
    p.source,
    p.patient_id,
    a.as_of_date,
    p.age,
    p.gender,
    p.race,
    COALESCE(c.condition_count, 0) AS condition_count,
    COALESCE(c.active_condition_count, 0) AS active_condition_count,
    COALESCE(m.medication_count, 0) AS medication_count,
    COALESCE(e.encounter_count, 0) AS encounter_count,
    COALESCE(e.inpatient_count, 0) AS inpatient_count,
    o.avg_bmi,
    o.latest_bmi,
    o.avg_systolic,
    o.avg_diastolic,
    o.hba1c,
    o.total_cholesterol
FROM gold.patients p
JOIN (SELECT DISTINCT s.source FROM silver.sources s WHERE s.area = 'clinical') s
    ON s.source = p.source
CROSS JOIN gold.as_of a
LEFT JOIN conditions c ON c.source = p.source AND c.patient_id = p.patient_id
LEFT JOIN medications m ON m.source = p.source AND m.patient_id = p.patient_id
LEFT JOIN encounters e ON e.source = p.source AND e.patient_id = p.patient_id
LEFT JOIN observations o ON o.source = p.source AND o.patient_id = p.patient_id

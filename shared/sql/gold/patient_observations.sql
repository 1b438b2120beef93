-- name: patient_observations
-- version: 1
-- description: The measured values of each patient that measures need, the latest first.
-- grain: one row per observation whose code is in codes.observation_measures and whose value is a number
-- owner: public-health
-- materialised: no
-- source: silver observations up to the as-of day
-- column source: sender
-- column patient_id: pseudonym of the patient
-- column measure: bmi, systolic, diastolic, hba1c, total_cholesterol, ldl_cholesterol, hdl_cholesterol or triglycerides
-- column observed_at: moment of the observation [UTC]
-- column value_number: value
-- column place: 1 for the latest value of the patient and measure, the greatest of equal moments
SELECT
    o.source,
    o.patient_id,
    k.measure,
    o.observed_at,
    o.value_number,
    CAST(ROW_NUMBER() OVER (
        PARTITION BY o.source, o.patient_id, k.measure ORDER BY o.observed_at DESC, o.value_number DESC
    ) AS BIGINT) AS place
FROM silver.observations o
JOIN silver.sources s
    ON s.source = o.source AND s.feed = o.feed AND s.area = 'clinical'
JOIN codes.observation_measures k ON k.code = o.code
CROSS JOIN gold.as_of a
WHERE o.value_number IS NOT NULL AND CAST(o.observed_at AS DATE) <= a.as_of_date

-- name: encounters_per_disease_by_age_group
-- version: 1
-- description: Encounters and patients of each condition by the patients' age at diagnosis.
-- grain: one row per source, condition code and age group
-- owner: public-health
-- materialised: no
-- source: encounters_per_disease, by completed years on the day the condition started, at death for the dead
-- measure: demographics
-- column source: sender
-- column code: code of the condition
-- column condition: most frequent text of the code
-- column is_disorder: whether it is a disease and not a finding or situation
-- column age_group: 0-17, 18-34, 35-49, 50-64, 65+ or Unknown (no age, birth after the event, over 120)
-- column encounters: distinct encounters in which it was recorded
-- column patients: distinct patients
WITH aged AS (
    SELECT
        c.source,
        c.code,
        c.encounter_id,
        c.patient_id,
        CASE
            WHEN p.birth_date IS NULL OR p.birth_date > LEAST(c.start_date, COALESCE(p.death_date, c.start_date)) THEN 'Unknown'
            WHEN date_diff('year', p.birth_date, LEAST(c.start_date, COALESCE(p.death_date, c.start_date))) <= 17 THEN '0-17'
            WHEN date_diff('year', p.birth_date, LEAST(c.start_date, COALESCE(p.death_date, c.start_date))) <= 34 THEN '18-34'
            WHEN date_diff('year', p.birth_date, LEAST(c.start_date, COALESCE(p.death_date, c.start_date))) <= 49 THEN '35-49'
            WHEN date_diff('year', p.birth_date, LEAST(c.start_date, COALESCE(p.death_date, c.start_date))) <= 64 THEN '50-64'
            WHEN date_diff('year', p.birth_date, LEAST(c.start_date, COALESCE(p.death_date, c.start_date))) <= 120 THEN '65+'
            ELSE 'Unknown'
        END AS age_group
    FROM silver.conditions c
    JOIN silver.sources s
        ON s.source = c.source AND s.feed = c.feed AND s.area = 'clinical'
    LEFT JOIN silver.patients p
        ON p.source = c.source AND p.patient_id = c.patient_id
)
SELECT
    n.source,
    n.code,
    n.condition,
    n.is_disorder,
    a.age_group,
    COUNT(DISTINCT a.encounter_id) AS encounters,
    COUNT(DISTINCT a.patient_id) AS patients
FROM gold.condition_names n
JOIN aged a
    ON a.source = n.source AND a.code = n.code
GROUP BY n.source, n.code, n.condition, n.is_disorder, a.age_group

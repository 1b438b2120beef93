-- name: top_5_conditions
-- version: 1
-- description: The five most frequent diseases of each age group.
-- grain: one row per source, age group and place
-- owner: public-health
-- materialised: no
-- source: diseases by distinct patients, with the age at diagnosis; ties by code; findings and situations are left out
-- measure: demographics
-- exclusion not_a_disorder: findings and situations, such as employment
-- column source: sender
-- column age_group: 0-17, 18-34, 35-49, 50-64, 65+ or Unknown
-- column place: 1 to 5
-- column code: code of the condition
-- column condition: most frequent text of the code
-- column patients: distinct patients
WITH ranked AS (
    SELECT
        e.source,
        e.age_group,
        e.code,
        e.condition,
        e.patients,
        CAST(ROW_NUMBER() OVER (
            PARTITION BY e.source, e.age_group ORDER BY e.patients DESC, e.code
        ) AS BIGINT) AS place
    FROM gold.encounters_per_disease_by_age_group e
    WHERE e.is_disorder
)
SELECT
    r.source,
    r.age_group,
    r.place,
    r.code,
    r.condition,
    r.patients
FROM ranked r
WHERE r.place <= 5

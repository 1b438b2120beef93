-- name: avg_bmi_public
-- version: 1
-- description: avg_bmi for sharing: small numbers are not shown, nor what would tell them.
-- grain: one row per row of avg_bmi that crosses no other
-- owner: public-health
-- materialised: no
-- source: CMS cell size suppression: a row with a count from 1 to 10, or with a part that leaves so few of its whole,
--    shows no number. Where one such row stands alone among rows that add up, or all such rows together are fewer
--    than 11, the smallest other row shows none either
-- column source: sender
-- column gender: gender, or All
-- column race: race, or All
-- column age_group: age group on the as-of day, at death for the dead, or All
-- column patients: patients with a value, NULL when it is not shown
-- column avg_bmi: mean of their latest values, NULL when it is not shown [kg/m2]
-- column is_suppressed: whether the row's numbers are not shown
WITH cells AS (
    SELECT
        v.source,
        v.gender,
        v.race,
        v.age_group,
        v.patients,
        v.avg_bmi,
        CASE WHEN v.gender <> 'All' THEN 'gender' WHEN v.race <> 'All' THEN 'race' WHEN v.age_group <> 'All' THEN 'age' ELSE 'All' END AS shape,
        CASE
            WHEN v.patients BETWEEN 1 AND 10 THEN 1
            ELSE 0
        END AS is_small
    FROM gold.avg_bmi v
    WHERE v.gender = 'All' AND v.race = 'All' OR v.gender = 'All' AND v.age_group = 'All' OR v.race = 'All' AND v.age_group = 'All'
),
ranked AS (
    SELECT
        c.source,
        c.gender,
        c.race,
        c.age_group,
        c.patients,
        c.avg_bmi,
        c.is_small,
        SUM(c.is_small) OVER (PARTITION BY c.source, c.shape) AS small_rows,
        SUM(CASE WHEN c.is_small = 1 THEN c.patients ELSE 0 END) OVER (PARTITION BY c.source, c.shape) AS small_size,
        ROW_NUMBER() OVER (
            PARTITION BY c.source, c.shape, c.is_small, CASE WHEN c.patients = 0 THEN 1 ELSE 0 END
            ORDER BY c.patients, c.gender, c.race, c.age_group
        ) AS size_rank
    FROM cells c
),
judged AS (
    SELECT
        r.source,
        r.gender,
        r.race,
        r.age_group,
        r.patients,
        r.avg_bmi,
        r.is_small = 1
        OR (r.small_rows > 0 AND r.patients > 0 AND r.size_rank = 1 AND (r.small_rows = 1 OR r.small_size < 11)) AS is_suppressed
    FROM ranked r
)
SELECT
    j.source,
    j.gender,
    j.race,
    j.age_group,
    CASE WHEN NOT j.is_suppressed THEN j.patients END AS patients,
    CASE WHEN NOT j.is_suppressed THEN j.avg_bmi END AS avg_bmi,
    j.is_suppressed
FROM judged j

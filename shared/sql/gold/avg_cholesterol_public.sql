-- name: avg_cholesterol_public
-- version: 1
-- description: avg_cholesterol for sharing: small numbers are not shown, nor what would tell them.
-- grain: one row per row of avg_cholesterol that crosses no other
-- owner: public-health
-- materialised: no
-- source: CMS cell size suppression: a row with a count from 1 to 10, or with a part that leaves so few of its whole,
--    shows no number. Where one such row stands alone among rows that add up, or all such rows together are fewer
--    than 11, the smallest other row shows none either
-- column source: sender
-- column gender: gender, or All
-- column race: race, or All
-- column age_group: age group on the as-of day, at death for the dead, or All
-- column patients: patients with any of the values, NULL when it is not shown
-- column avg_total_cholesterol: mean of their latest total cholesterol, NULL when it is not shown [mg/dL]
-- column avg_ldl_cholesterol: mean of their latest LDL cholesterol, NULL when it is not shown [mg/dL]
-- column avg_hdl_cholesterol: mean of their latest HDL cholesterol, NULL when it is not shown [mg/dL]
-- column avg_triglycerides: mean of their latest triglycerides, NULL when it is not shown [mg/dL]
-- column is_suppressed: whether the row's numbers are not shown
WITH cells AS (
    SELECT
        v.source,
        v.gender,
        v.race,
        v.age_group,
        v.patients,
        v.avg_total_cholesterol,
        v.avg_ldl_cholesterol,
        v.avg_hdl_cholesterol,
        v.avg_triglycerides,
        CASE WHEN v.gender <> 'All' THEN 'gender' WHEN v.race <> 'All' THEN 'race' WHEN v.age_group <> 'All' THEN 'age' ELSE 'All' END AS shape,
        CASE
            WHEN v.patients BETWEEN 1 AND 10 THEN 1
            ELSE 0
        END AS is_small
    FROM gold.avg_cholesterol v
    WHERE v.gender = 'All' AND v.race = 'All' OR v.gender = 'All' AND v.age_group = 'All' OR v.race = 'All' AND v.age_group = 'All'
),
ranked AS (
    SELECT
        c.source,
        c.gender,
        c.race,
        c.age_group,
        c.patients,
        c.avg_total_cholesterol,
        c.avg_ldl_cholesterol,
        c.avg_hdl_cholesterol,
        c.avg_triglycerides,
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
        r.avg_total_cholesterol,
        r.avg_ldl_cholesterol,
        r.avg_hdl_cholesterol,
        r.avg_triglycerides,
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
    CASE WHEN NOT j.is_suppressed THEN j.avg_total_cholesterol END AS avg_total_cholesterol,
    CASE WHEN NOT j.is_suppressed THEN j.avg_ldl_cholesterol END AS avg_ldl_cholesterol,
    CASE WHEN NOT j.is_suppressed THEN j.avg_hdl_cholesterol END AS avg_hdl_cholesterol,
    CASE WHEN NOT j.is_suppressed THEN j.avg_triglycerides END AS avg_triglycerides,
    j.is_suppressed
FROM judged j

-- name: city_distribution_public
-- version: 1
-- description: city_distribution for sharing: small numbers are not shown, nor what would tell them.
-- grain: one row per source and city
-- owner: analytics
-- materialised: no
-- source: CMS cell size suppression: a row with a count from 1 to 10, or with a part that leaves so few of its whole,
--    shows no number. Where one such row stands alone among rows that add up, or all such rows together are fewer
--    than 11, the smallest other row shows none either
-- column source: sender
-- column city: city of the patient, NULL when not known
-- column patient_count: number of patients, NULL when it is not shown
-- column is_suppressed: whether the row's numbers are not shown
WITH cells AS (
    SELECT
        v.source,
        v.city,
        v.patient_count,
        CASE
            WHEN v.patient_count BETWEEN 1 AND 10 THEN 1
            ELSE 0
        END AS is_small
    FROM gold.city_distribution v
),
ranked AS (
    SELECT
        c.source,
        c.city,
        c.patient_count,
        c.is_small,
        SUM(c.is_small) OVER (PARTITION BY c.source) AS small_rows,
        SUM(CASE WHEN c.is_small = 1 THEN c.patient_count ELSE 0 END) OVER (PARTITION BY c.source) AS small_size,
        ROW_NUMBER() OVER (
            PARTITION BY c.source, c.is_small, CASE WHEN c.patient_count = 0 THEN 1 ELSE 0 END
            ORDER BY c.patient_count, c.city
        ) AS size_rank
    FROM cells c
),
judged AS (
    SELECT
        r.source,
        r.city,
        r.patient_count,
        r.is_small = 1
        OR (r.small_rows > 0 AND r.patient_count > 0 AND r.size_rank = 1 AND (r.small_rows = 1 OR r.small_size < 11)) AS is_suppressed
    FROM ranked r
)
SELECT
    j.source,
    j.city,
    CASE WHEN NOT j.is_suppressed THEN j.patient_count END AS patient_count,
    j.is_suppressed
FROM judged j

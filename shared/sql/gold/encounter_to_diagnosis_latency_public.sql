-- name: encounter_to_diagnosis_latency_public
-- version: 1
-- description: encounter_to_diagnosis_latency for sharing: small numbers are not shown, nor what would tell them.
-- grain: one row per source and condition code, and one for all
-- owner: quality
-- materialised: no
-- source: CMS cell size suppression: a row with a count from 1 to 10, or with a part that leaves so few of its whole,
--    shows no number. Where one such row stands alone among rows that add up, or all such rows together are fewer
--    than 11, the smallest other row shows none either
-- column source: sender
-- column code: code of the condition, All for all of them
-- column diagnoses: conditions, measured or not, NULL when it is not shown
-- column measured: conditions measured, NULL when it is not shown
-- column mean_latency_days: mean, NULL when it is not shown [days]
-- column median_latency_days: median, NULL when it is not shown [days]
-- column is_suppressed: whether the row's numbers are not shown
WITH cells AS (
    SELECT
        v.source,
        v.code,
        v.diagnoses,
        v.measured,
        v.mean_latency_days,
        v.median_latency_days,
        CASE WHEN v.code = 'All' THEN 1 ELSE 0 END AS is_total,
        CASE
            WHEN v.diagnoses BETWEEN 1 AND 10
            OR v.measured BETWEEN 1 AND 10
            OR v.diagnoses - v.measured BETWEEN 1 AND 10 THEN 1
            ELSE 0
        END AS is_small
    FROM gold.encounter_to_diagnosis_latency v
),
ranked AS (
    SELECT
        c.source,
        c.code,
        c.diagnoses,
        c.measured,
        c.mean_latency_days,
        c.median_latency_days,
        c.is_small,
        SUM(c.is_small) OVER (PARTITION BY c.source, c.is_total) AS small_rows,
        SUM(CASE WHEN c.is_small = 1 THEN c.diagnoses ELSE 0 END) OVER (PARTITION BY c.source, c.is_total) AS small_size,
        ROW_NUMBER() OVER (
            PARTITION BY c.source, c.is_total, c.is_small, CASE WHEN c.diagnoses = 0 THEN 1 ELSE 0 END
            ORDER BY c.diagnoses, c.code
        ) AS size_rank
    FROM cells c
),
judged AS (
    SELECT
        r.source,
        r.code,
        r.diagnoses,
        r.measured,
        r.mean_latency_days,
        r.median_latency_days,
        r.is_small = 1
        OR (r.small_rows > 0 AND r.diagnoses > 0 AND r.size_rank = 1 AND (r.small_rows = 1 OR r.small_size < 11)) AS is_suppressed
    FROM ranked r
)
SELECT
    j.source,
    j.code,
    CASE WHEN NOT j.is_suppressed THEN j.diagnoses END AS diagnoses,
    CASE WHEN NOT j.is_suppressed THEN j.measured END AS measured,
    CASE WHEN NOT j.is_suppressed THEN j.mean_latency_days END AS mean_latency_days,
    CASE WHEN NOT j.is_suppressed THEN j.median_latency_days END AS median_latency_days,
    j.is_suppressed
FROM judged j

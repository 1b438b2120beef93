-- name: vw_disease_trends_public
-- version: 1
-- description: vw_disease_trends for sharing: small numbers are not shown, nor what would tell them.
-- grain: one row per source, kind, code, period and its start
-- owner: public-health
-- materialised: no
-- source: CMS cell size suppression: a row with a count from 1 to 10, or with a part that leaves so few of its whole,
--    shows no number. Where one such row stands alone among rows that add up, or all such rows together are fewer
--    than 11, the smallest other row shows none either
-- column source: sender
-- column kind: code or cohort
-- column code: code of the condition, or name of the cohort
-- column period: week or month
-- column period_start: first day of the period
-- column condition: most frequent text of the code, or name of the cohort
-- column patients: distinct patients with a diagnosis in the period, NULL when it is not shown
-- column new_cases: patients with their first diagnosis in the period, NULL when it is not shown
-- column prevalence: share of the living patients who have the condition at the end of the period, NULL when it is
--    not shown [0-1]
-- column is_suppressed: whether the row's numbers are not shown
WITH cells AS (
    SELECT
        v.source,
        v.kind,
        v.code,
        v.period,
        v.period_start,
        v.condition,
        v.patients,
        v.new_cases,
        v.prevalence,
        CASE
            WHEN v.patients BETWEEN 1 AND 10
            OR v.new_cases BETWEEN 1 AND 10 THEN 1
            ELSE 0
        END AS is_small
    FROM gold.vw_disease_trends v
),
ranked AS (
    SELECT
        c.source,
        c.kind,
        c.code,
        c.period,
        c.period_start,
        c.condition,
        c.patients,
        c.new_cases,
        c.prevalence,
        c.is_small,
        SUM(c.is_small) OVER (PARTITION BY c.source, c.kind, c.code, c.period) AS small_rows,
        SUM(CASE WHEN c.is_small = 1 THEN c.patients ELSE 0 END) OVER (PARTITION BY c.source, c.kind, c.code, c.period) AS small_size,
        ROW_NUMBER() OVER (
            PARTITION BY c.source, c.kind, c.code, c.period, c.is_small, CASE WHEN c.patients = 0 THEN 1 ELSE 0 END
            ORDER BY c.patients, c.kind, c.code, c.period, c.period_start
        ) AS size_rank
    FROM cells c
),
judged AS (
    SELECT
        r.source,
        r.kind,
        r.code,
        r.period,
        r.period_start,
        r.condition,
        r.patients,
        r.new_cases,
        r.prevalence,
        r.is_small = 1
        OR (r.small_rows > 0 AND r.patients > 0 AND r.size_rank = 1 AND (r.small_rows = 1 OR r.small_size < 11)) AS is_suppressed
    FROM ranked r
)
SELECT
    j.source,
    j.kind,
    j.code,
    j.period,
    j.period_start,
    j.condition,
    CASE WHEN NOT j.is_suppressed THEN j.patients END AS patients,
    CASE WHEN NOT j.is_suppressed THEN j.new_cases END AS new_cases,
    CASE WHEN NOT j.is_suppressed THEN j.prevalence END AS prevalence,
    j.is_suppressed
FROM judged j

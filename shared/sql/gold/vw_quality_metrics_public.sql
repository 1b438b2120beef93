-- name: vw_quality_metrics_public
-- version: 1
-- description: vw_quality_metrics for sharing: small numbers are not shown, nor what would tell them.
-- grain: one row per source, facility and month with anything to measure
-- owner: quality
-- materialised: no
-- source: CMS cell size suppression: a row with a count from 1 to 10, or with a part that leaves so few of its whole,
--    shows no number. Where one such row stands alone among rows that add up, or all such rows together are fewer
--    than 11, the smallest other row shows none either
-- column source: sender
-- column organization_id: facility, NULL where the sender names none
-- column month: first day of the month
-- column facility: name of the facility, NULL when it was not sent
-- column index_admissions: index admissions, NULL when it is not shown
-- column readmissions: index admissions that a readmission followed, NULL when it is not shown
-- column adherence_measured: patients and drug classes whose adherence is measured, NULL when it is not shown
-- column diagnoses_measured: conditions whose latency is measured, NULL when it is not shown
-- column stays: acute stays that ended, NULL when it is not shown
-- column readmission_rate: readmissions / index_admissions, NULL when it is not shown [0-1]
-- column mean_pdc: mean proportion of days covered, NULL when it is not shown [0-1]
-- column mean_latency_days: mean days from encounter to diagnosis, NULL when it is not shown [days]
-- column avg_los_days: mean length of stay, the same day 0, NULL when it is not shown [days]
-- column is_suppressed: whether the row's numbers are not shown
WITH cells AS (
    SELECT
        v.source,
        v.organization_id,
        v.month,
        v.facility,
        v.index_admissions,
        v.readmissions,
        v.adherence_measured,
        v.diagnoses_measured,
        v.stays,
        v.readmission_rate,
        v.mean_pdc,
        v.mean_latency_days,
        v.avg_los_days,
        CASE
            WHEN v.index_admissions BETWEEN 1 AND 10
            OR v.readmissions BETWEEN 1 AND 10
            OR v.adherence_measured BETWEEN 1 AND 10
            OR v.diagnoses_measured BETWEEN 1 AND 10
            OR v.stays BETWEEN 1 AND 10
            OR v.index_admissions - v.readmissions BETWEEN 1 AND 10 THEN 1
            ELSE 0
        END AS is_small
    FROM gold.vw_quality_metrics v
),
ranked AS (
    SELECT
        c.source,
        c.organization_id,
        c.month,
        c.facility,
        c.index_admissions,
        c.readmissions,
        c.adherence_measured,
        c.diagnoses_measured,
        c.stays,
        c.readmission_rate,
        c.mean_pdc,
        c.mean_latency_days,
        c.avg_los_days,
        c.is_small,
        SUM(c.is_small) OVER (PARTITION BY c.source, c.month) AS small_rows,
        SUM(CASE WHEN c.is_small = 1 THEN c.index_admissions ELSE 0 END) OVER (PARTITION BY c.source, c.month) AS small_size,
        ROW_NUMBER() OVER (
            PARTITION BY c.source, c.month, c.is_small, CASE WHEN c.index_admissions = 0 THEN 1 ELSE 0 END
            ORDER BY c.index_admissions, c.organization_id, c.month
        ) AS size_rank
    FROM cells c
),
judged AS (
    SELECT
        r.source,
        r.organization_id,
        r.month,
        r.facility,
        r.index_admissions,
        r.readmissions,
        r.adherence_measured,
        r.diagnoses_measured,
        r.stays,
        r.readmission_rate,
        r.mean_pdc,
        r.mean_latency_days,
        r.avg_los_days,
        r.is_small = 1
        OR (r.small_rows > 0 AND r.index_admissions > 0 AND r.size_rank = 1 AND (r.small_rows = 1 OR r.small_size < 11)) AS is_suppressed
    FROM ranked r
)
SELECT
    j.source,
    j.organization_id,
    j.month,
    j.facility,
    CASE WHEN NOT j.is_suppressed THEN j.index_admissions END AS index_admissions,
    CASE WHEN NOT j.is_suppressed THEN j.readmissions END AS readmissions,
    CASE WHEN NOT j.is_suppressed THEN j.adherence_measured END AS adherence_measured,
    CASE WHEN NOT j.is_suppressed THEN j.diagnoses_measured END AS diagnoses_measured,
    CASE WHEN NOT j.is_suppressed THEN j.stays END AS stays,
    CASE WHEN NOT j.is_suppressed THEN j.readmission_rate END AS readmission_rate,
    CASE WHEN NOT j.is_suppressed THEN j.mean_pdc END AS mean_pdc,
    CASE WHEN NOT j.is_suppressed THEN j.mean_latency_days END AS mean_latency_days,
    CASE WHEN NOT j.is_suppressed THEN j.avg_los_days END AS avg_los_days,
    j.is_suppressed
FROM judged j

-- name: medication_adherence_summary_public
-- version: 1
-- description: medication_adherence_summary for sharing: small numbers are not shown, nor what would tell them.
-- grain: one row per source, drug class and calendar year
-- owner: quality
-- materialised: no
-- source: CMS cell size suppression: a row with a count from 1 to 10, or with a part that leaves so few of its whole,
--    shows no number. Where one such row stands alone among rows that add up, or all such rows together are fewer
--    than 11, the smallest other row shows none either
-- column source: sender
-- column drug_class: class of the drugs
-- column measurement_year: calendar year
-- column patients: patients with a fill, NULL when it is not shown
-- column measured: patients whose adherence is measured, NULL when it is not shown
-- column adherent: measured patients who are adherent, NULL when it is not shown
-- column adherence_rate: adherent / measured, NULL when it is not shown [0-1]
-- column mean_pdc: mean proportion of days covered, NULL when it is not shown [0-1]
-- column is_suppressed: whether the row's numbers are not shown
WITH cells AS (
    SELECT
        v.source,
        v.drug_class,
        v.measurement_year,
        v.patients,
        v.measured,
        v.adherent,
        v.adherence_rate,
        v.mean_pdc,
        CASE
            WHEN v.patients BETWEEN 1 AND 10
            OR v.measured BETWEEN 1 AND 10
            OR v.adherent BETWEEN 1 AND 10
            OR v.patients - v.measured BETWEEN 1 AND 10
            OR v.measured - v.adherent BETWEEN 1 AND 10 THEN 1
            ELSE 0
        END AS is_small
    FROM gold.medication_adherence_summary v
),
ranked AS (
    SELECT
        c.source,
        c.drug_class,
        c.measurement_year,
        c.patients,
        c.measured,
        c.adherent,
        c.adherence_rate,
        c.mean_pdc,
        c.is_small,
        SUM(c.is_small) OVER (PARTITION BY c.source, c.measurement_year) AS small_rows,
        SUM(CASE WHEN c.is_small = 1 THEN c.patients ELSE 0 END) OVER (PARTITION BY c.source, c.measurement_year) AS small_size,
        ROW_NUMBER() OVER (
            PARTITION BY c.source, c.measurement_year, c.is_small, CASE WHEN c.patients = 0 THEN 1 ELSE 0 END
            ORDER BY c.patients, c.drug_class, c.measurement_year
        ) AS size_rank
    FROM cells c
),
judged AS (
    SELECT
        r.source,
        r.drug_class,
        r.measurement_year,
        r.patients,
        r.measured,
        r.adherent,
        r.adherence_rate,
        r.mean_pdc,
        r.is_small = 1
        OR (r.small_rows > 0 AND r.patients > 0 AND r.size_rank = 1 AND (r.small_rows = 1 OR r.small_size < 11)) AS is_suppressed
    FROM ranked r
)
SELECT
    j.source,
    j.drug_class,
    j.measurement_year,
    CASE WHEN NOT j.is_suppressed THEN j.patients END AS patients,
    CASE WHEN NOT j.is_suppressed THEN j.measured END AS measured,
    CASE WHEN NOT j.is_suppressed THEN j.adherent END AS adherent,
    CASE WHEN NOT j.is_suppressed THEN j.adherence_rate END AS adherence_rate,
    CASE WHEN NOT j.is_suppressed THEN j.mean_pdc END AS mean_pdc,
    j.is_suppressed
FROM judged j

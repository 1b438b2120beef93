-- name: encounter_to_diagnosis_latency
-- version: 1
-- description: Days from encounter to diagnosis: mean, median and number, over all conditions and for each.
-- grain: one row per source and condition code, and one for all
-- owner: quality
-- materialised: no
-- source: diagnosis_latency; the median of an even number is the mean of the two in the middle
-- measure: quality
-- exclusion any: by the reasons of diagnosis_latency, each in a column of its own
-- column source: sender
-- column code: code of the condition, All for all of them
-- column diagnoses: conditions, measured or not
-- column measured: conditions measured
-- column mean_latency_days: mean, NULL without any [days]
-- column median_latency_days: median, NULL without any [days]
-- column excluded_starts_before_encounter: conditions that start more than one day before their encounter
-- column excluded_unknown_encounter: conditions without a known encounter
WITH grouped AS (
    SELECT
        l.source,
        CASE WHEN w.which = 0 THEN 'All' ELSE l.code END AS code,
        l.exclusion,
        l.latency_days
    FROM gold.diagnosis_latency l
    CROSS JOIN (VALUES (0), (1)) AS w (which)
    WHERE l.code IS NOT NULL
),
ranked AS (
    SELECT
        g.source,
        g.code,
        g.exclusion,
        g.latency_days,
        ROW_NUMBER() OVER (PARTITION BY g.source, g.code ORDER BY g.latency_days NULLS LAST) AS place,
        COUNT(g.latency_days) OVER (PARTITION BY g.source, g.code) AS measured
    FROM grouped g
)
SELECT
    r.source,
    r.code,
    COUNT(*) AS diagnoses,
    COUNT(r.latency_days) AS measured,
    AVG(CAST(r.latency_days AS DOUBLE)) AS mean_latency_days,
    AVG(CASE
        WHEN r.place IN ((r.measured + 1) / 2, (r.measured + 2) / 2) THEN CAST(r.latency_days AS DOUBLE)
    END) AS median_latency_days,
    COUNT(CASE WHEN r.exclusion = 'starts_before_encounter' THEN 1 END) AS excluded_starts_before_encounter,
    COUNT(CASE WHEN r.exclusion = 'unknown_encounter' THEN 1 END) AS excluded_unknown_encounter
FROM ranked r
GROUP BY r.source, r.code

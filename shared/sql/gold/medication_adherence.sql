-- name: medication_adherence
-- version: 1
-- description: Proportion of days covered (PDC) of each patient, drug class and year, or why it is not measured.
-- grain: one row per source, patient, drug class and calendar year with a fill
-- owner: quality
-- materialised: delta
-- partition_by: source
-- source: proportion of days covered (PQA): days covered by any drug of the class / days from the index fill to the end
--    of the period (year, as-of day or death), both ends included; medication_supply says which days a fill covers.
--    The index fill is the first of the year. Adherent from 0.80, antiretrovirals from 0.90
-- measure: quality
-- exclusion unknown_age: the birth date is not known
-- exclusion minor: younger than 18 on the day of the index fill
-- exclusion fewer_than_two_fills: fills on fewer than two days
-- exclusion index_fill_too_late: index fill less than 91 days before the end of the year or the as-of day
-- exclusion fill_after_death: the index fill lies after the death
-- column source: sender
-- column patient_id: pseudonym of the patient
-- column drug_class: class of the drugs
-- column measurement_year: calendar year
-- column index_fill: day of the first fill of the year
-- column period_end: last day of the period
-- column fills: fills in the year
-- column fill_dates: days with a fill
-- column exclusion: why it is not measured, the first reason that applies; NULL when it is
-- column covered_days: days of the period covered by any drug of the class, NULL when not measured [days]
-- column period_days: days of the period, NULL when not measured [days]
-- column pdc: covered_days / period_days, NULL when not measured [0-1]
-- column is_adherent: whether pdc reaches the threshold of the class, NULL when not measured
WITH ordered AS (
    SELECT
        f.source,
        f.patient_id,
        f.drug_class,
        f.measurement_year,
        f.fill_date,
        f.fills,
        f.covered_from,
        f.covered_to,
        f.period_end,
        f.measurement_end,
        f.adherent_from,
        MAX(f.covered_to) OVER (
            PARTITION BY f.source, f.patient_id, f.drug_class, f.measurement_year
            ORDER BY f.covered_from, f.covered_to, f.ingredient
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS covered_before
    FROM gold.medication_supply f
),
summed AS (
    SELECT
        o.source,
        o.patient_id,
        o.drug_class,
        o.measurement_year,
        MIN(o.fill_date) AS index_fill,
        MIN(o.period_end) AS period_end,
        MIN(o.measurement_end) AS measurement_end,
        SUM(o.fills) AS fills,
        COUNT(DISTINCT o.fill_date) AS fill_dates,
        MAX(o.adherent_from) AS adherent_from,
        SUM(GREATEST(
            0,
            date_diff(
                'day',
                GREATEST(o.covered_from, COALESCE(date_add('day', 1, o.covered_before), o.covered_from)),
                o.covered_to
            ) + 1
        )) AS covered_days
    FROM ordered o
    GROUP BY o.source, o.patient_id, o.drug_class, o.measurement_year
),
judged AS (
    SELECT
        s.source,
        s.patient_id,
        s.drug_class,
        s.measurement_year,
        s.index_fill,
        s.period_end,
        s.fills,
        s.fill_dates,
        s.adherent_from,
        s.covered_days,
        date_diff('day', s.index_fill, s.period_end) + 1 AS period_days,
        CASE
            WHEN p.birth_date IS NULL THEN 'unknown_age'
            WHEN date_diff('year', p.birth_date, s.index_fill) < 18 THEN 'minor'
            WHEN s.fill_dates < 2 THEN 'fewer_than_two_fills'
            WHEN date_diff('day', s.index_fill, s.measurement_end) < 91 THEN 'index_fill_too_late'
            WHEN s.index_fill > s.period_end THEN 'fill_after_death'
        END AS exclusion
    FROM summed s
    LEFT JOIN silver.patients p
        ON p.source = s.source AND p.patient_id = s.patient_id
)
SELECT
    j.source,
    j.patient_id,
    j.drug_class,
    j.measurement_year,
    j.index_fill,
    j.period_end,
    j.fills,
    j.fill_dates,
    j.exclusion,
    CASE WHEN j.exclusion IS NULL THEN j.covered_days END AS covered_days,
    CASE WHEN j.exclusion IS NULL THEN j.period_days END AS period_days,
    CASE WHEN j.exclusion IS NULL THEN CAST(j.covered_days AS DOUBLE) / j.period_days END AS pdc,
    CASE WHEN j.exclusion IS NULL THEN CAST(j.covered_days AS DOUBLE) / j.period_days >= j.adherent_from END AS is_adherent
FROM judged j

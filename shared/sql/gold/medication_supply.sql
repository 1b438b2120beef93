-- name: medication_supply
-- version: 1
-- description: The days that each fill of a drug covers, early refills shifted.
-- grain: one row per source, patient, ingredient and day of fill within a calendar year
-- owner: quality
-- materialised: no
-- source: proportion of days covered (PQA): a refill of the same ingredient before the supply ends begins the day after
--    it ends, cascading; another drug does not shift; supply ends with the year, the as-of day or the patient's life.
--    A medication row is a fill; its supply is stop - start in days, at least 1, to the end of the period when open.
--    Fills of one ingredient on one day add up. Drug, ingredient and class are the list codes.drug_ingredients; a drug
--    that it does not have is its own ingredient and class
-- measure: quality
-- column source: sender
-- column patient_id: pseudonym of the patient
-- column drug_class: class of the drug
-- column ingredient: ingredient of the drug
-- column measurement_year: calendar year of the fill
-- column fill_date: day of the fill
-- column fills: medication rows of that day
-- column days_supply: days that the fill lasts [days]
-- column covered_from: first day covered
-- column covered_to: last day covered, before covered_from when nothing of the period is left
-- column period_end: end of the year, the as-of day or the day of death, whichever is first
-- column measurement_end: end of the year or the as-of day, whichever is first
-- column adherent_from: proportion from which a patient is adherent to the class [0-1]
WITH rows_in_scope AS (
    SELECT
        m.source,
        m.patient_id,
        COALESCE(d.drug_class, m.code) AS drug_class,
        COALESCE(d.ingredient, m.code) AS ingredient,
        CAST(COALESCE(d.adherent_from, '0.80') AS DOUBLE) AS adherent_from,
        CAST(m.start_at AS DATE) AS fill_date,
        CAST(m.stop_at AS DATE) AS stop_date,
        LEAST(
            date_add('day', -1, date_add('year', 1, CAST(date_trunc('year', CAST(m.start_at AS DATE)) AS DATE))),
            a.as_of_date
        ) AS measurement_end,
        p.death_date
    FROM silver.medications m
    JOIN silver.sources s
        ON s.source = m.source AND s.feed = m.feed AND s.area = 'clinical'
    LEFT JOIN codes.drug_ingredients d ON d.code = m.code
    LEFT JOIN silver.patients p
        ON p.source = m.source AND p.patient_id = m.patient_id
    CROSS JOIN gold.as_of a
    WHERE CAST(m.start_at AS DATE) <= a.as_of_date AND m.code IS NOT NULL AND m.patient_id IS NOT NULL
),
fills AS (
    SELECT
        r.source,
        r.patient_id,
        r.drug_class,
        r.ingredient,
        r.fill_date,
        r.measurement_end,
        LEAST(r.measurement_end, COALESCE(r.death_date, r.measurement_end)) AS period_end,
        MAX(r.adherent_from) AS adherent_from,
        COUNT(*) AS fills,
        SUM(CASE
            WHEN r.stop_date IS NULL THEN date_diff('day', r.fill_date, r.measurement_end) + 1
            WHEN r.stop_date <= r.fill_date THEN 1
            ELSE date_diff('day', r.fill_date, r.stop_date)
        END) AS days_supply
    FROM rows_in_scope r
    GROUP BY
        r.source, r.patient_id, r.drug_class, r.ingredient, r.fill_date, r.measurement_end,
        LEAST(r.measurement_end, COALESCE(r.death_date, r.measurement_end))
),
stocked AS (
    SELECT
        f.source,
        f.patient_id,
        f.drug_class,
        f.ingredient,
        f.fill_date,
        f.measurement_end,
        f.period_end,
        f.adherent_from,
        f.fills,
        f.days_supply,
        date_diff('day', DATE '1970-01-01', f.fill_date) AS fill_day,
        SUM(f.days_supply) OVER (
            PARTITION BY f.source, f.patient_id, f.drug_class, f.ingredient, f.measurement_end
            ORDER BY f.fill_date
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) - f.days_supply AS supplied_before
    FROM fills f
),
shifted AS (
    SELECT
        k.source,
        k.patient_id,
        k.drug_class,
        k.ingredient,
        k.fill_date,
        k.measurement_end,
        k.period_end,
        k.adherent_from,
        k.fills,
        k.days_supply,
        k.supplied_before + MAX(k.fill_day - k.supplied_before) OVER (
            PARTITION BY k.source, k.patient_id, k.drug_class, k.ingredient, k.measurement_end
            ORDER BY k.fill_date
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS first_day
    FROM stocked k
)
SELECT
    t.source,
    t.patient_id,
    t.drug_class,
    t.ingredient,
    year(t.measurement_end) AS measurement_year,
    t.fill_date,
    t.fills,
    t.days_supply,
    date_add('day', t.first_day, DATE '1970-01-01') AS covered_from,
    LEAST(date_add('day', t.first_day + t.days_supply - 1, DATE '1970-01-01'), t.period_end) AS covered_to,
    t.period_end,
    t.measurement_end,
    t.adherent_from
FROM shifted t

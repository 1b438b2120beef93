-- name: dim_patients
-- version: 1
-- description: Patients of the sources that report costs, under their pseudonyms.
-- grain: one row per patient of a source
-- owner: analytics
-- materialised: delta
-- partition_by: source, country
-- source: star schema of the network feed
-- column source: sender of the patient
-- column patient_id: pseudonym of the patient
-- column age: completed years at the as-of date, at death for the dead; as extracted where the source sends no birth date [years]
-- column gender: M, F, Other or Unknown
-- column country: country of the patient
SELECT
    p.source,
    p.patient_id,
    CAST(
        CASE
            WHEN p.birth_date IS NULL THEN p.age
            WHEN p.birth_date <= LEAST(COALESCE(p.death_date, a.as_of_date), a.as_of_date)
                THEN date_diff('year', p.birth_date, LEAST(COALESCE(p.death_date, a.as_of_date), a.as_of_date))
        END AS INTEGER
    ) AS age,
    p.gender,
    p.country
FROM silver.patients p
JOIN silver.sources s
    ON s.source = p.source AND s.feed = p.feed AND s.area = 'cost'
CROSS JOIN gold.as_of a

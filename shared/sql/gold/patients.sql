-- name: patients
-- version: 1
-- description: The current patients of every source under their pseudonyms, with age and age group.
-- grain: one row per patient of a source
-- owner: analytics
-- materialised: no
-- source: silver patients; completed years at the as-of date, at death for the dead
-- column source: sender
-- column patient_id: pseudonym of the patient
-- column birth_date: day of birth
-- column death_date: day of death, NULL for the living
-- column age: completed years at the as-of date, at death for the dead; as extracted without a birth date; NULL for a birth in the future [years]
-- column age_group: 0-17, 18-34, 35-49, 50-64, 65+ or Unknown (no age, birth in the future, over 120)
-- column gender: M, F, Other or Unknown
-- column race: race
-- column ethnicity: ethnicity
-- column marital_status: marital status, Unknown when not stated
-- column blood_group: blood group
-- column city: city
-- column state: state or province
-- column county: county
-- column zip_code: postal code
-- column country: country
-- column insurance_provider: insurer
-- column income: yearly income [USD]
-- column healthcare_expenses: lifetime cost of care [USD]
-- column healthcare_coverage: lifetime cost covered by insurers [USD]
-- column created_at: when the sender created the record [UTC]
-- column updated_at: when the sender last changed the record [UTC]
WITH aged AS (
    SELECT
        p.source,
        p.patient_id,
        p.birth_date,
        p.death_date,
        CAST(
            CASE
                WHEN p.birth_date IS NULL THEN p.age
                WHEN p.birth_date <= LEAST(COALESCE(p.death_date, a.as_of_date), a.as_of_date)
                    THEN date_diff('year', p.birth_date, LEAST(COALESCE(p.death_date, a.as_of_date), a.as_of_date))
            END AS INTEGER
        ) AS age,
        p.gender,
        p.race,
        p.ethnicity,
        p.marital_status,
        p.blood_group,
        p.city,
        p.state,
        p.county,
        p.zip_code,
        p.country,
        p.insurance_provider,
        p.income,
        p.healthcare_expenses,
        p.healthcare_coverage,
        p.created_at,
        p.updated_at
    FROM silver.patients p
    CROSS JOIN gold.as_of a
)
SELECT
    p.source,
    p.patient_id,
    p.birth_date,
    p.death_date,
    p.age,
    CASE
        WHEN p.age BETWEEN 0 AND 17 THEN '0-17'
        WHEN p.age BETWEEN 18 AND 34 THEN '18-34'
        WHEN p.age BETWEEN 35 AND 49 THEN '35-49'
        WHEN p.age BETWEEN 50 AND 64 THEN '50-64'
        WHEN p.age BETWEEN 65 AND 120 THEN '65+'
        ELSE 'Unknown'
    END AS age_group,
    p.gender,
    p.race,
    p.ethnicity,
    p.marital_status,
    p.blood_group,
    p.city,
    p.state,
    p.county,
    p.zip_code,
    p.country,
    p.insurance_provider,
    p.income,
    p.healthcare_expenses,
    p.healthcare_coverage,
    p.created_at,
    p.updated_at
FROM aged p

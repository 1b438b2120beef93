-- name: patients
-- version: 1
-- description: The current patients of every source with their names and real identifiers, age and age group.
-- grain: one row per patient of a source
-- owner: analytics
-- materialised: no
-- source: silver patients; identified twin of gold.patients
-- column source: sender
-- column patient_id: real identifier of the patient, NULL when the identity is erased
-- column patient_name: full name of the patient, NULL when the identity is erased
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
SELECT
    p.source,
    i.real_patient_id AS patient_id,
    i.full_name AS patient_name,
    p.birth_date,
    p.death_date,
    p.age,
    p.age_group,
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
FROM gold.patients p
LEFT JOIN identity.patients i
    ON i.source = p.source AND i.patient_id = p.patient_id

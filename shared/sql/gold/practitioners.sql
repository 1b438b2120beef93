-- name: practitioners
-- version: 1
-- description: The current practitioners of every source, with the years they have been employed.
-- grain: one row per practitioner of a source
-- owner: analytics
-- materialised: no
-- source: silver practitioners; completed years from hire_date to the as-of date
-- column source: sender
-- column practitioner_id: identifier of the practitioner
-- column full_name: full name
-- column gender: M, F, Other or Unknown
-- column specialty: medical specialty
-- column department: department
-- column organization_id: organisation the practitioner works for
-- column hospital: hospital the practitioner works in
-- column license_number: licence to practise
-- column status: employment status as sent
-- column hire_date: first day of employment
-- column years_employed: completed years from hire_date to the as-of date, NULL without one or before it [years]
-- column years_experience: years of experience as extracted [years]
-- column city: city
-- column state: state or province
-- column zip_code: postal code
-- column created_at: when the sender created the record [UTC]
-- column updated_at: when the sender last changed the record [UTC]
SELECT
    d.source,
    d.practitioner_id,
    d.full_name,
    d.gender,
    d.specialty,
    d.department,
    d.organization_id,
    d.hospital,
    d.license_number,
    d.status,
    d.hire_date,
    CAST(
        CASE WHEN d.hire_date <= a.as_of_date THEN date_diff('year', d.hire_date, a.as_of_date) END AS INTEGER
    ) AS years_employed,
    d.years_experience,
    d.city,
    d.state,
    d.zip_code,
    d.created_at,
    d.updated_at
FROM silver.practitioners d
CROSS JOIN gold.as_of a

SELECT
  _order,
  _row,
  report_id AS lab_report_id,
  visit_id AS encounter_id,
  test_type,
  result,
  report_date
FROM bronze
